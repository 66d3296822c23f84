//! The section `detection`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_norway::{Mapping, Value};
use spyhop_signal::detect::calls::CallRules;
use spyhop_signal::detect::{CallType, Method, SettingsError, call_types};

use super::ConfigError;

/// How calls are found.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// The detectors that need no training, with their settings.
    pub calls: Vec<CallType>,
    /// How the scores of a network become calls.
    pub model: ModelSettings,
}

/// How the scores of any network become calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelSettings {
    /// For all classes that say nothing else.
    #[serde(flatten)]
    pub all: ClassSettings,
    /// What is to be otherwise for a class, by its name.
    pub classes: BTreeMap<String, ClassSettings>,
}

/// How the scores of a class become calls; what is left open is as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassSettings {
    /// See [`CallRules::threshold`]; usually the network's card says it.
    pub threshold: Option<f64>,
    /// See [`CallRules::keep_from`].
    pub keep_from: Option<f64>,
    /// See [`CallRules::gap_s`].
    pub gap_s: Option<f64>,
    /// See [`CallRules::least_s`].
    pub least_s: Option<f64>,
    /// See [`CallRules::longest_s`].
    pub longest_s: Option<f64>,
}

impl From<CallRules> for ClassSettings {
    fn from(rules: CallRules) -> ClassSettings {
        ClassSettings {
            threshold: Some(rules.threshold),
            keep_from: Some(rules.keep_from),
            gap_s: Some(rules.gap_s),
            least_s: Some(rules.least_s),
            longest_s: Some(rules.longest_s),
        }
    }
}

impl Default for Detection {
    fn default() -> Detection {
        Detection { calls: call_types(), model: ModelSettings::default() }
    }
}

impl ModelSettings {
    /// The rules of a class whose network's card has a threshold of its own.
    pub fn rules(&self, class: &str, card_threshold: f64) -> CallRules {
        let usual = CallRules::default();
        let own = self.classes.get(class).copied().unwrap_or_default();
        let of = |field: fn(&ClassSettings) -> Option<f64>| field(&own).or(field(&self.all));
        let threshold = of(|c| c.threshold).unwrap_or(card_threshold);
        CallRules {
            threshold,
            // What counts as found is kept.
            keep_from: of(|c| c.keep_from).unwrap_or(usual.keep_from).min(threshold),
            gap_s: of(|c| c.gap_s).unwrap_or(usual.gap_s),
            least_s: of(|c| c.least_s).unwrap_or(usual.least_s),
            longest_s: of(|c| c.longest_s).unwrap_or(usual.longest_s),
        }
    }
}

impl Detection {
    /// The detector of a word.
    pub fn call(&self, id: &str) -> Option<&CallType> {
        self.calls.iter().find(|call| call.id == id)
    }

    /// A file that holds no more than what matters to one detector.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn yaml_of_call(call: &CallType) -> Result<String, ConfigError> {
        section(call.id, settings(call)?)
    }

    /// A file that holds no more than how the scores of a network become calls.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn yaml_of_model(model: &ModelSettings) -> Result<String, ConfigError> {
        section("model", serde_norway::to_value(model)?)
    }

    pub(super) fn to_value(&self) -> Result<Value, ConfigError> {
        let mut all = Mapping::new();
        for call in &self.calls {
            all.insert(call.id.into(), settings(call)?);
        }
        all.insert("model".into(), serde_norway::to_value(&self.model)?);
        Ok(Value::Mapping(all))
    }

    /// The section of a file that leaves nothing out.
    pub(super) fn of(whole: &Value) -> Result<Detection, ConfigError> {
        let mut calls = call_types();
        for call in &mut calls {
            let path = format!("detection.{}", call.id);
            let section = whole.get(call.id).unwrap_or(&Value::Null);
            call.method = match call.method {
                Method::Energy(_) => Method::Energy(read(section, &path)?),
                Method::Correlation(_) => Method::Correlation(read(section, &path)?),
                Method::Contours(_) => Method::Contours(read(section, &path)?),
                Method::Clicks(_) => Method::Clicks(read(section, &path)?),
            };
            call.method.check().map_err(|error| wrong(&path, &error))?;
        }
        let path = "detection.model";
        let model: ModelSettings = read(whole.get("model").unwrap_or(&Value::Null), path)?;
        let classes = model.classes.keys().map(String::as_str).chain([""]);
        for class in classes {
            let rules = model.rules(class, CallRules::default().threshold);
            let path =
                if class.is_empty() { path.to_owned() } else { format!("{path}.classes.{class}") };
            rules.check().map_err(|error| wrong(&path, &error))?;
        }
        Ok(Detection { calls, model })
    }
}

fn settings(call: &CallType) -> Result<Value, ConfigError> {
    Ok(match &call.method {
        Method::Energy(settings) => serde_norway::to_value(settings)?,
        Method::Correlation(settings) => serde_norway::to_value(settings)?,
        Method::Contours(settings) => serde_norway::to_value(settings)?,
        Method::Clicks(settings) => serde_norway::to_value(settings)?,
    })
}

fn section(name: &str, settings: Value) -> Result<String, ConfigError> {
    let one = Mapping::from_iter([(name.into(), settings)]);
    let all = Mapping::from_iter([("detection".into(), Value::Mapping(one))]);
    Ok(serde_norway::to_string(&all)?)
}

fn read<T: DeserializeOwned>(section: &Value, path: &str) -> Result<T, ConfigError> {
    let read = serde_norway::from_value(section.clone());
    read.map_err(|error| ConfigError::Value { path: path.into(), reason: error.to_string() })
}

fn wrong(path: &str, error: &SettingsError) -> ConfigError {
    ConfigError::Value { path: path.into(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn a_class_has_its_own_rules_then_those_of_all_then_the_cards() {
        let text = "detection: {model: {gap_s: 2, classes: {upcall: {threshold: 0.7, gap_s: 1}}}}";
        let model = Config::read(text).expect("sound").detection.model;
        let upcall = model.rules("upcall", 0.4);
        assert_eq!((upcall.threshold, upcall.gap_s), (0.7, 1.0));
        let other = model.rules("gunshot", 0.05);
        assert_eq!((other.threshold, other.gap_s, other.keep_from), (0.05, 2.0, 0.05));
    }

    #[test]
    fn what_is_kept_beside_a_result_makes_it_again() {
        let text = "detection: {whistle: {edge_db: 7.5}}";
        let config = Config::read(text).expect("sound");
        let whistle = config.detection.call("whistle").expect("known");
        let kept = Detection::yaml_of_call(whistle).expect("YAML");
        let again = Config::read(&kept).expect("sound");
        assert_eq!(again.detection.call("whistle"), Some(whistle));
        assert!(!kept.contains("upcall"));
    }
}
