//! The configuration file, in YAML: one for detection and for training.
//!
//! A file says only what is to be otherwise than usual. What it leaves out is filled in from the presets,
//! a key that is not known is refused by the name of the nearest one, and the whole that comes of it is
//! kept beside every result, with its hash. [`DEFAULTS`] is the file that changes nothing; it explains
//! every key.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod detection;
mod dropped;
mod flat;
mod merge;
mod overrides;
mod training;
mod tune;

pub use detection::{ClassSettings, Detection, ModelSettings};
pub use flat::flat;
pub use training::{
    AstSize, Augment, Balance, DataLoader, Decay, EarlyStopping, FrontEndSettings, General, Labels,
    Lora, LoraBias, Loss, Metric, ModelShape, ModelTrainer, Optimizer, PositiveStart, Precision,
    Preprocess, SplitBy, Trained, Training,
};
pub use tune::{Range, Search, Searched, Tune};

use std::collections::BTreeSet;

use serde_norway::{Mapping, Value};
use spyhop_api::did_you_mean::question;

/// Every key with its usual value and what it does.
pub const DEFAULTS: &str = include_str!("../defaults.yaml");

/// Changes whenever a file that was right becomes wrong.
pub(crate) const VERSION: u32 = 1;

/// A configuration, with all that the file left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// How calls are found.
    pub detection: Detection,
    /// How networks are trained: five sections of the file.
    pub training: Training,
    /// How better settings are searched for.
    pub tune: Tune,
}

/// Why a configuration can't be taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not YAML.
    #[error("the configuration is no YAML: {0}")]
    Yaml(#[from] serde_norway::Error),
    /// Of another version of this program.
    #[error(
        "the configuration is of version {found}, and this program reads version {VERSION}: carry over what you \
         need to what spyhop train --print-config prints, or use the program that it was written for"
    )]
    Version {
        /// The version that it says.
        found: String,
    },
    /// A key that means nothing here.
    #[error("the key '{path}' is unknown{}", question(.nearest.as_deref()))]
    UnknownKey {
        /// The key with all that it stands under.
        path: String,
        /// The known key that is most like it, if any is.
        nearest: Option<String>,
    },
    /// A key that meant something in the reference experiment alone.
    #[error("the key '{path}' of the reference experiment has no use here: {instead}")]
    Dropped {
        /// The key with all that it stands under.
        path: &'static str,
        /// What stands in for it.
        instead: &'static str,
    },
    /// Words that are no key with a value.
    #[error("'{0}' is no setting: give KEY=VALUE, as model_trainer.lr=0.001")]
    Setting(String),
    /// A value of another kind.
    #[error("{path} is {found}, where {expected} expected")]
    Kind {
        /// The key.
        path: String,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// A value that can't be.
    #[error("{path}: {reason}")]
    Value {
        /// What it stands under.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

impl Config {
    /// Reads a file's text; an empty one is the usual configuration.
    ///
    /// # Errors
    /// When it is no YAML, or holds a key that is not known or a value that can't be.
    pub fn read(text: &str) -> Result<Config, ConfigError> {
        let none: [&str; 0] = [];
        Config::read_with(text, &none)
    }

    /// Reads a file's text, and lays settings of the form `section.key=value` over it.
    ///
    /// # Errors
    /// As [`Config::read`], and when a setting is none.
    pub fn read_with(text: &str, settings: &[impl AsRef<str>]) -> Result<Config, ConfigError> {
        let given = given(text, settings)?;
        let version = given.get("general").and_then(|general| general.get("config_version"));
        if let Some(version) = version.filter(|version| version.as_u64() != Some(VERSION.into())) {
            return Err(ConfigError::Version { found: flat::word(version) });
        }
        dropped::refuse(&given)?;
        let mut usual = Config::default().to_value()?;
        if labels_of(&given) == Some("dclde2013") {
            DCLDE_USUAL.iter().try_for_each(|setting| overrides::lay(&mut usual, setting))?;
        }
        let whole = merge::merged(&usual, &given, "")?;
        let section = |name: &str| whole.get(name).cloned().unwrap_or(Value::Null);
        Ok(Config {
            detection: Detection::of(&section("detection"))?,
            training: Training::of(&whole)?,
            tune: Tune::of(&whole)?,
        })
    }

    fn to_value(&self) -> Result<Value, ConfigError> {
        let mut all = Mapping::new();
        all.insert("detection".into(), self.detection.to_value()?);
        all.extend(self.training.to_value()?);
        all.insert("tune".into(), serde_norway::to_value(&self.tune)?);
        Ok(Value::Mapping(all))
    }

    /// The whole configuration as a file.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn to_yaml(&self) -> Result<String, ConfigError> {
        Ok(serde_norway::to_string(&self.to_value()?)?)
    }
}

/// What a file's text and settings laid over it say, before anything is filled in.
fn given(text: &str, settings: &[impl AsRef<str>]) -> Result<Value, ConfigError> {
    let mut given: Value = serde_norway::from_str(text)?;
    if given.is_null() {
        given = Value::Mapping(Mapping::new());
    }
    for setting in settings {
        overrides::lay(&mut given, setting.as_ref())?;
    }
    Ok(given)
}

/// The keys of a section that a file's text, or a setting laid over it, says; the others are as usual.
///
/// # Errors
/// When it is no YAML, or a setting is none.
pub fn keys_said(
    text: &str,
    settings: &[impl AsRef<str>],
    section: &str,
) -> Result<BTreeSet<String>, ConfigError> {
    let given = given(text, settings)?;
    let keys = given.get(section).and_then(Value::as_mapping).into_iter().flatten();
    Ok(keys.filter_map(|(key, _)| Some(key.as_str()?.to_owned())).collect())
}

/// What is usual where labels are the log of DCLDE 2013: what the published experiment says.
const DCLDE_USUAL: [&str; 2] =
    ["preprocess.positive_start=whole_second", "preprocess.negative_class=Not_Detected"];

/// What says where calls are, where that is given.
fn labels_of(given: &Value) -> Option<&str> {
    given.get("preprocess")?.get("labels")?.as_str()
}

/// 32 hexadecimal digits of the BLAKE3 of a configuration's text: `b3sum` tells the same of the file.
pub fn hash_of(yaml: &str) -> String {
    blake3::hash(yaml.as_bytes()).to_hex().as_str().chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::read(text).map(|_| ()).expect_err(text).to_string()
    }

    #[test]
    fn the_documented_file_is_the_usual_configuration_and_explains_every_key() {
        assert_eq!(Config::read(DEFAULTS).expect("sound"), Config::default());
        assert_eq!(Config::read("").expect("sound"), Config::default());
        let written = Config::default().to_yaml().expect("YAML");
        assert_eq!(Config::read(&written).expect("its own text"), Config::default());
        // Each key is explained where it stands first: by a comment beside it, or above it.
        for line in written.lines().filter(|line| line.contains(':')) {
            let key = line.trim().trim_start_matches("- ").split(':').next().unwrap_or_default();
            let mut before = "";
            let first = DEFAULTS.lines().find_map(|line| {
                let is_it = line.trim_start().starts_with(&format!("{key}:"));
                let above = std::mem::replace(&mut before, line);
                is_it.then_some((above, line))
            });
            let (above, line) = first.unwrap_or_else(|| panic!("{key} is not in defaults.yaml"));
            let is_explained = line.contains('#') || above.trim_start().starts_with('#');
            // The upper edge of a band follows the lower one.
            let is_second = above.contains("low_hz:") || above.contains("sweeps:");
            assert!(is_explained || is_second, "{key} is not explained");
        }
    }

    #[test]
    fn what_a_section_says_is_known_from_what_is_usual() {
        let text = "preprocess: {window_s: 3}\nmodel: {name: x}";
        let said = keys_said(text, &["preprocess.label_mapping.a=b"], "preprocess");
        let said: Vec<String> = said.expect("sound").into_iter().collect();
        assert_eq!(said, ["label_mapping", "window_s"]);
        assert!(keys_said("", &[""; 0], "preprocess").expect("sound").is_empty());
    }

    #[test]
    fn a_file_says_only_what_is_otherwise() {
        let config =
            Config::read("detection: {upcall: {threshold: 0.45}, whistle: {low_hz: 2000}}");
        let config = config.expect("sound");
        let usual = Config::default();
        assert_ne!(config, usual);
        let text = |c: &Config| c.to_yaml().expect("YAML");
        let changed: Vec<(String, String)> = text(&config)
            .lines()
            .zip(text(&usual).lines())
            .filter(|(a, b)| a != b)
            .map(|(a, b)| (a.trim().to_owned(), b.trim().to_owned()))
            .collect();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            changed,
            [pair("threshold: 0.45", "threshold: 0.38"), pair("low_hz: 2000.0", "low_hz: 3000.0")]
        );
        assert_ne!(hash_of(&text(&config)), hash_of(&text(&usual)));
        assert_eq!(hash_of(&text(&usual)).len(), 32);
    }

    #[test]
    fn the_published_experiment_s_windows_are_usual_for_its_log_alone() {
        let read = |text: &str, settings: &[&str]| {
            let said = Config::read_with(text, settings).expect(text).training.preprocess;
            (said.positive_start, said.negative_class)
        };
        let published = (PositiveStart::WholeSecond, "Not_Detected".to_owned());
        assert_eq!(read("preprocess: {labels: dclde2013}", &[]), published);
        let file = "preprocess: {labels: tables, window_s: 2}";
        assert_eq!(read(file, &["preprocess.labels=dclde2013"]), published);
        assert_eq!(read(file, &[]), (PositiveStart::Centred, "none".to_owned()));
        let said = "preprocess: {labels: dclde2013, negative_class: none}";
        assert_eq!(
            read(said, &["preprocess.positive_start=centred"]),
            (PositiveStart::Centred, "none".to_owned())
        );
    }

    #[test]
    fn a_misspelt_key_is_refused_by_the_name_of_the_nearest() {
        let found = error("detection: {upcall: {treshold: 0.4}}");
        assert_eq!(
            found,
            "the key 'detection.upcall.treshold' is unknown, did you mean 'threshold'?"
        );
        assert!(error("detction: {}").contains("did you mean 'detection'?"));
        assert!(error("detection: {upcalls: {}}").contains("did you mean 'upcall'?"));
        assert!(
            error("detection: {whistle: {noise: {windows: 3}}}")
                .contains("did you mean 'window_s'?")
        );
        assert!(
            error("detection: {model: {classes: {upcall: {gap: 1}}}}")
                .contains("did you mean 'gap_s'?")
        );
    }

    #[test]
    fn a_value_that_can_t_be_is_named_with_what_could() {
        let found = error("detection: {upcall: {threshold: high}}");
        assert_eq!(found, "detection.upcall.threshold is 'high', where a number is expected");
        assert!(
            error("detection: {upcall: 3}")
                .contains("detection.upcall is 3, where keys are expected")
        );
        assert!(error("detection: {upcall: {threshold: 3}}").contains("threshold is 3"));
        assert!(
            error("detection: {upcall: {sweeps: {end_hz: [fast]}}}")
                .contains("sweeps.end_hz is 'fast', where a number is expected")
        );
        assert!(error("detection: {model: {gap_s: -1}}").contains("gap_s is -1"));
        assert!(error("detection: [").contains("no YAML"));
    }
}
