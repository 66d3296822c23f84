//! The section `tune`: a search for better settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_norway::{Number, Value};

use super::training::read;
use super::{ConfigError, Metric};

/// The section; `defaults.yaml` explains each key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Tune {
    pub keys: BTreeMap<String, Searched>,
    pub search: Search,
    pub trials: usize,
    pub folds: usize,
    pub metric: Metric,
    pub random_seed: u64,
    pub parallel: u32,
}

/// What is tried of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Searched {
    /// These values.
    Values(Vec<Value>),
    /// Numbers of a range.
    Range(Range),
}

/// A range of numbers; of whole ones, where both ends are written without a point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The least.
    pub from: Number,
    /// The greatest.
    pub to: Number,
    /// Whether numbers are drawn evenly in their logarithm.
    #[serde(default)]
    pub log: bool,
}

impl Range {
    /// The least and the greatest.
    pub fn ends(&self) -> (f64, f64) {
        let end = |number: &Number| number.as_f64().unwrap_or(f64::NAN);
        (end(&self.from), end(&self.to))
    }

    /// Whether only whole numbers are meant.
    pub fn is_whole(&self) -> bool {
        !self.from.is_f64() && !self.to.is_f64()
    }
}

/// How combinations are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Search {
    /// All of them.
    Grid,
    /// By chance.
    Random,
}

impl Default for Tune {
    fn default() -> Tune {
        Tune {
            keys: BTreeMap::new(),
            search: Search::Grid,
            trials: 20,
            folds: 3,
            metric: Metric::Ap,
            random_seed: 1,
            parallel: 1,
        }
    }
}

impl Tune {
    pub(crate) fn of(whole: &Value) -> Result<Tune, ConfigError> {
        let tune: Tune = read(whole, "tune")?;
        for (key, searched) in &tune.keys {
            let reason = match searched {
                Searched::Values(values) if values.is_empty() => "name a value at least",
                Searched::Range(_) if tune.search == Search::Grid => {
                    "a grid needs a list of values; ranges are for search: random"
                }
                Searched::Range(range) => match range.ends() {
                    (from, to) if !(from < to && from.is_finite() && to.is_finite()) => {
                        "from must be less than to"
                    }
                    (from, _) if range.log && from <= 0.0 => "with log: true from must be above 0",
                    _ => continue,
                },
                Searched::Values(_) => continue,
            };
            return Err(ConfigError::Value {
                path: format!("tune.keys.{key}"),
                reason: reason.into(),
            });
        }
        for (is_sound, path, reason) in [
            (tune.trials > 0, "tune.trials", "give 1 or more"),
            (tune.folds >= 2, "tune.folds", "give 2 or more"),
            ((1..=256).contains(&tune.parallel), "tune.parallel", "give 1 to 256"),
        ] {
            if !is_sound {
                return Err(ConfigError::Value { path: path.into(), reason: reason.into() });
            }
        }
        Ok(tune)
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;

    #[test]
    fn keys_of_a_search_are_free_and_what_can_t_be_searched_is_named() {
        let text = "tune: {search: random, keys: {model_trainer.lr: {from: 0.001, to: 0.1, log: true}, data_loader.batch_size: [8, 16]}}";
        let tune = Config::read(text).expect("sound").tune;
        assert_eq!(tune.keys.len(), 2);
        let error = |text: &str| Config::read(text).map(|_| ()).expect_err(text).to_string();
        let found = error("tune: {keys: {model_trainer.lr: {from: 0.001, to: 0.1}}}");
        assert_eq!(
            found,
            "tune.keys.model_trainer.lr: a grid needs a list of values; ranges are for search: random"
        );
        let found = error("tune: {search: random, keys: {a: {from: -.inf, to: 1}}}");
        assert!(found.contains("from must be less than to"), "{found}");
        assert!(error("tune: {keys: {a: []}}").contains("name a value at least"));
        assert!(error("tune: {folds: 1}").contains("tune.folds: give 2 or more"));
        assert!(error("tune: {fold: 2}").contains("did you mean 'folds'?"));
        assert!(error("tune: {keys: 3}").contains("tune.keys is 3, where keys are expected"));
    }
}
