//! `deployment.toml`: what a person says of the recordings in a folder.

use std::path::Path;

use serde::{Deserialize, Serialize};
use spyhop_api::{Calibration, CalibrationError, Deployment};
use spyhop_signal::formats::{EarsConvention, OpenOptions};

use crate::did_you_mean::{nearest, question};

/// Its name in a deployment's folder.
pub const FILE_NAME: &str = "deployment.toml";

/// The keys of `deployment.toml`; every one may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeploymentFile {
    /// What a person calls it; the folder's name where it is left out.
    pub name: String,
    /// One or two sentences.
    pub description: String,
    /// Who is to be credited.
    pub credit: String,
    /// Licence of the recordings.
    pub licence: String,
    /// Where it lay, as text.
    pub position: String,
    /// True for sounds that were made by a program.
    pub synthesised: bool,
    /// The query of a link that shows it at its best, without `src`.
    pub best_view: String,
    /// How EARS records count time: `unophysics` (the default), `readEARS` or `legacy`.
    #[serde(with = "ears_word")]
    pub ears_convention: EarsConvention,
    /// Where the time stands in file names, in strftime's letters: `_%Y%m%d_%H%M%S`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_pattern: Option<String>,
    /// Seconds east of UTC of times that name no zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone_offset_s: Option<i32>,
    /// Turns full scale into pressure. Last, because a table ends the plain keys of TOML.
    pub calibration: Option<Calibration>,
}

/// A convention by its word.
mod ears_word {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use spyhop_signal::formats::EarsConvention;

    pub fn serialize<S: Serializer>(value: &EarsConvention, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(value.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<EarsConvention, D::Error> {
        let word = String::deserialize(from)?;
        EarsConvention::from_name(&word).ok_or_else(|| {
            D::Error::custom(format!(
                "'{word}' is no EARS convention: it is unophysics, readEARS or legacy"
            ))
        })
    }
}

/// Keys at the top.
const KEYS: &[&str] = &[
    "name",
    "description",
    "credit",
    "licence",
    "position",
    "synthesised",
    "best_view",
    "ears_convention",
    "name_pattern",
    "zone_offset_s",
    "calibration",
];

/// Keys of `[calibration]`.
const CALIBRATION_KEYS: &[&str] =
    &["kind", "sensitivity_db", "gain_db", "adc_peak_v", "db", "bits"];

/// Why a `deployment.toml` was passed over.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentFileError {
    /// The disk said no.
    #[error("it can't be read ({0}): check its permissions")]
    Io(#[from] std::io::Error),
    /// Not TOML, or a value of the wrong kind.
    #[error("it was passed over: {0}")]
    Toml(#[from] toml::de::Error),
    /// A calibration that can't be meant.
    #[error("it was passed over: {0}")]
    Calibration(#[from] CalibrationError),
    /// A key that means nothing here.
    #[error("it was passed over: the key '{key}' is unknown{}", question(*nearest))]
    UnknownKey {
        /// The key as it stands there.
        key: String,
        /// The known key that is most like it, if any is.
        nearest: Option<&'static str>,
    },
}

impl DeploymentFile {
    /// Reads a folder's `deployment.toml`; a folder without one has the default.
    ///
    /// # Errors
    /// When it is there and can't be read or understood.
    pub fn read(folder: &Path) -> Result<DeploymentFile, DeploymentFileError> {
        match std::fs::read_to_string(folder.join(FILE_NAME)) {
            Ok(text) => DeploymentFile::parse(&text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(DeploymentFile::default()),
            Err(e) => Err(e.into()),
        }
    }

    /// Reads the text of one.
    ///
    /// # Errors
    /// When it is not TOML, holds a value of the wrong kind or a key that is not known, or when the
    /// calibration's values do not fit its kind.
    pub fn parse(text: &str) -> Result<DeploymentFile, DeploymentFileError> {
        let table: toml::Table = text.parse()?;
        refuse_unknown(&table, KEYS)?;
        if let Some(toml::Value::Table(calibration)) = table.get("calibration") {
            refuse_unknown(calibration, CALIBRATION_KEYS)?;
        }
        // From the text again, so that a wrong value is reported with its line.
        let file: DeploymentFile = toml::from_str(text)?;
        file.calibration.as_ref().map_or(Ok(()), Calibration::check)?;
        Ok(file)
    }

    /// How its recordings are to be opened, still without sidecars.
    pub fn open_options(&self) -> OpenOptions {
        OpenOptions {
            ears_convention: self.ears_convention,
            name_pattern: self.name_pattern.clone(),
            zone_offset_s: self.zone_offset_s,
            ..OpenOptions::default()
        }
    }

    /// The deployment it describes, still without recordings.
    pub fn into_deployment(self, id: &str) -> Deployment {
        Deployment {
            id: id.to_owned(),
            name: if self.name.is_empty() { id.to_owned() } else { self.name },
            description: self.description,
            credit: self.credit,
            licence: self.licence,
            position: self.position,
            synthesised: self.synthesised,
            calibration: self.calibration,
            best_view: self.best_view,
            ..Deployment::default()
        }
    }
}

fn refuse_unknown(table: &toml::Table, known: &[&'static str]) -> Result<(), DeploymentFileError> {
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let nearest = nearest(key, known.iter().copied());
            Err(DeploymentFileError::UnknownKey { key: key.clone(), nearest })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_refused_by_the_name_of_the_nearest() {
        let error = DeploymentFile::parse("license = 'CC0'").expect_err("unknown key").to_string();
        assert!(error.contains("'license' is unknown, did you mean 'licence'?"), "{error}");
        let error = DeploymentFile::parse("[calibration]\nkind = 'upa_per_fullscale'\ndbs = 172.0")
            .expect_err("unknown key")
            .to_string();
        assert!(error.contains("did you mean 'db'?"), "{error}");
        let error = DeploymentFile::parse("zzz = 1").expect_err("unknown key").to_string();
        assert!(error.ends_with("the key 'zzz' is unknown"), "{error}");
    }

    #[test]
    fn a_wrong_value_is_reported_with_its_line() {
        let error = DeploymentFile::parse("name = 'x'\nsynthesised = 'yes'")
            .expect_err("wrong kind")
            .to_string();
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn a_calibration_under_the_wrong_kind_is_refused_by_the_name_of_the_likely_one() {
        let text = "[calibration]\nkind = 'upa_per_fullscale'\ndb = -170";
        let error = DeploymentFile::parse(text).expect_err("a wrong sign").to_string();
        assert!(error.contains("most likely 'v_per_upa'"), "{error}");
        let text = "[calibration]\nkind = 'upa_per_fullscale'\ndb = [[10, 171.5], [96e3, 174.0]]";
        let file = DeploymentFile::parse(text).expect("a table by frequency");
        let calibration = file.calibration.expect("a calibration");
        assert_eq!(calibration.offset_db_at(10.0), Some(171.5));
        assert!(toml::to_string(&calibration).is_ok(), "it can be written again");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let file = DeploymentFile {
            name: "Gulf night".into(),
            synthesised: true,
            calibration: Some(Calibration::UpaPerFullscale { db: 172.0.into() }),
            ears_convention: EarsConvention::ReadEars,
            ..DeploymentFile::default()
        };
        let text = toml::to_string(&file).expect("TOML");
        assert_eq!(DeploymentFile::parse(&text).expect("its own text"), file, "{text}");
    }
}
