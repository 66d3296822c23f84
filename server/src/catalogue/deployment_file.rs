//! `deployment.toml`: what a person says of the recordings in a folder.

use std::path::Path;

use serde::{Deserialize, Serialize};
use spyhop_api::did_you_mean::{nearest, question};
use spyhop_api::{
    Calibration, CalibrationError, Deployment, PositionPublic, Timestamp, Visibility,
};
use spyhop_signal::formats::{EarsConvention, OpenOptions};

use super::calibration_file::{self, CalibrationFileError};

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
    /// Degrees north, −90 to 90.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latitude: Option<f64>,
    /// Degrees east, −180 to 180.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longitude: Option<f64>,
    /// How exactly the position is published: `exact`, `rounded` or `hidden`.
    #[serde(skip_serializing_if = "is_default")]
    pub position_public: PositionPublic,
    /// Depth of the hydrophone in metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth_m: Option<f64>,
    /// Recorder and hydrophone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub instrument: String,
    /// The zone that local times are shown in, as `America/New_York` or `-05:00`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub time_zone: String,
    /// Whatever else a reader should know.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// Who finds it: `public`, `unlisted` (whoever has a link) or `private` (the administrator).
    #[serde(skip_serializing_if = "is_default")]
    pub visibility: Visibility,
    /// Nobody but the administrator sees it before this date or time (UTC unless it says otherwise).
    #[serde(with = "embargo", skip_serializing_if = "Option::is_none")]
    pub embargo_until: Option<Timestamp>,
    /// True for sounds that were made by a program.
    pub synthesised: bool,
    /// Whether the selection tables beside the recordings hold every call: then they tell how many a
    /// detector misses.
    #[serde(skip_serializing_if = "is_default")]
    pub all_calls_are_in_tables: bool,
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

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// An instant as a date, a date and time, or the same in quotes.
mod embargo {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use spyhop_api::Timestamp;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Plain(toml::value::Datetime),
        Quoted(String),
    }

    pub fn serialize<S: Serializer>(value: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&value.map(|t| t.to_iso()).unwrap_or_default())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
        let text = match Written::deserialize(from)? {
            Written::Plain(date) => date.to_string(),
            Written::Quoted(text) => text,
        };
        // A date alone is its first moment.
        let whole =
            if text.len() == "2026-01-31".len() { format!("{text}T00:00:00") } else { text };
        Timestamp::from_iso(&whole.replacen(' ', "T", 1)).map(Some).map_err(D::Error::custom)
    }
}

/// Keys at the top.
const KEYS: &[&str] = &[
    "name",
    "description",
    "credit",
    "licence",
    "position",
    "latitude",
    "longitude",
    "position_public",
    "depth_m",
    "instrument",
    "time_zone",
    "notes",
    "visibility",
    "embargo_until",
    "synthesised",
    "all_calls_are_in_tables",
    "best_view",
    "ears_convention",
    "name_pattern",
    "zone_offset_s",
    "calibration",
];

/// What stands in a text that wants something kept back, however it is misspelt.
const SECRET_WORDS: &[&str] =
    &["visib", "embargo", "private", "unlisted", "hidden", "rounded", "position_p"];

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
    /// The file with the calibration's table is none.
    #[error("the calibration was passed over: {0}")]
    CalibrationFile(#[from] CalibrationFileError),
    /// A key that means nothing here.
    #[error("it was passed over: the key '{key}' is unknown{}", question(*nearest))]
    UnknownKey {
        /// The key as it stands there.
        key: String,
        /// The known key that is most like it, if any is.
        nearest: Option<&'static str>,
    },
    /// A number outside what it can be.
    #[error("it was passed over: {key} is {value}, where {allowed} is possible")]
    OutOfRange {
        /// The key.
        key: &'static str,
        /// What stands there.
        value: f64,
        /// What may stand there.
        allowed: &'static str,
    },
}

impl DeploymentFile {
    /// Reads a folder's `deployment.toml`, and the table of a calibration that it names; a folder without
    /// one has the default.
    ///
    /// # Errors
    /// When it is there and can't be read or understood.
    pub fn read(folder: &Path) -> Result<DeploymentFile, DeploymentFileError> {
        let text = match std::fs::read_to_string(folder.join(FILE_NAME)) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Ok(DeploymentFile::default());
            }
            Err(e) => return Err(e.into()),
        };
        let named = calibration_file::named(&text).filter(|name| calibration_file::may_be(name));
        let table = match named.map(|name| std::fs::read_to_string(folder.join(name))) {
            Some(Ok(table)) => Some(table),
            Some(Err(e)) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
            _ => None,
        };
        DeploymentFile::parse(&calibration_file::with_table(&text, table.as_deref())?)
    }

    /// Reads the text of one, with a calibration's table in it and not in a file of its own.
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
        for (key, value, most, allowed) in [
            ("latitude", file.latitude, 90.0, "-90 to 90"),
            ("longitude", file.longitude, 180.0, "-180 to 180"),
        ] {
            if let Some(value) = value.filter(|v| !(v.abs() <= most)) {
                return Err(DeploymentFileError::OutOfRange { key, value, allowed });
            }
        }
        file.calibration.as_ref().map_or(Ok(()), Calibration::check)?;
        Ok(file)
    }

    /// What the text of one says, and what is wrong with it where it is passed over. `calibration` is the
    /// content of the file that it names as the table of its calibration: where that is none, the rest
    /// stands without a calibration. One that can't be understood but speaks of who may see what keeps its
    /// recordings private until it is mended: a misspelt word must not publish them.
    pub fn of_text(
        text: &str,
        calibration: Option<&str>,
    ) -> (DeploymentFile, Option<DeploymentFileError>) {
        let (parsed, problem) = match calibration_file::with_table(text, calibration) {
            Ok(whole) => (DeploymentFile::parse(&whole), None),
            Err(error) => (DeploymentFile::without_calibration(text), Some(error.into())),
        };
        match parsed {
            Ok(file) => (file, problem),
            Err(error) => {
                let lower = text.to_ascii_lowercase();
                let secret = SECRET_WORDS.iter().any(|word| lower.contains(word));
                let visibility = if secret { Visibility::Private } else { Visibility::Public };
                (DeploymentFile { visibility, ..DeploymentFile::default() }, Some(error))
            }
        }
    }

    /// What stands beside a calibration whose table can't be had.
    fn without_calibration(text: &str) -> Result<DeploymentFile, DeploymentFileError> {
        let mut table: toml::Table = text.parse()?;
        table.remove("calibration");
        refuse_unknown(&table, KEYS)?;
        Ok(table.try_into()?)
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
            latitude: self.latitude,
            longitude: self.longitude,
            position_public: self.position_public,
            depth_m: self.depth_m,
            instrument: self.instrument,
            time_zone: self.time_zone,
            notes: self.notes,
            visibility: self.visibility,
            embargo_until: self.embargo_until,
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
    fn a_misspelt_word_publishes_nothing_that_was_to_be_kept_back() {
        let visibility = |text: &str| DeploymentFile::of_text(text, None).0.visibility;
        for text in [
            "visibilty = 'private'",
            "position_public = 'hiden'",
            "embargo = 2030-01-01",
            "x = 'hidden",
        ] {
            assert_eq!(visibility(text), Visibility::Private, "{text}");
        }
        assert_eq!(visibility("licens = 'CC0'"), Visibility::Public);
        assert!(DeploymentFile::of_text("licens = 'CC0'", None).1.is_some());
    }

    #[test]
    fn an_embargo_is_a_date_or_a_time_with_or_without_quotes() {
        for text in [
            "embargo_until = 2027-03-01",
            "embargo_until = '2027-03-01'",
            "embargo_until = 2027-03-01T00:00:00Z",
            "embargo_until = 2027-03-01 00:00:00",
            "embargo_until = '2027-02-28T19:00:00-05:00'",
        ] {
            let file = DeploymentFile::parse(text).expect(text);
            let until = file.embargo_until.map(|t| t.to_iso());
            assert_eq!(until.as_deref(), Some("2027-03-01T00:00:00.000000000Z"), "{text}");
            let written = toml::to_string(&file).expect("TOML");
            assert_eq!(DeploymentFile::parse(&written).expect("its own text"), file, "{written}");
        }
        let error =
            DeploymentFile::parse("embargo_until = 'soon'").expect_err("no time").to_string();
        assert!(error.contains("'soon' is not a time"), "{error}");
    }

    #[test]
    fn a_position_off_the_globe_and_a_word_that_is_none_are_refused() {
        for (text, reason) in [
            ("latitude = 91", "-90 to 90"),
            ("longitude = nan", "-180 to 180"),
            ("position_public = 'secret'", "exact"),
            ("visibility = 'none'", "unlisted"),
            ("visibilty = 'private'", "did you mean 'visibility'?"),
        ] {
            let error = DeploymentFile::parse(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{error}");
        }
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
    fn a_table_that_can_not_be_had_takes_nothing_else_away() {
        let text = "name = 'Bay'\nvisibility = 'private'\nlatitude = 91\n\
            [calibration]\nkind = 'upa_per_fullscale'\ndb = 'end-to-end.csv'";
        let text_of = |latitude: &str| text.replace("91", latitude);
        let (file, problem) = DeploymentFile::of_text(&text_of("9"), Some("10,171\n96e3,174"));
        assert!(problem.is_none(), "{problem:?}");
        let band_hz = file.calibration.as_ref().and_then(Calibration::band_hz);
        assert_eq!(band_hz, Some((10.0, 96_000.0)));
        for table in [None, Some("10,171\nx"), Some("")] {
            let (file, problem) = DeploymentFile::of_text(&text_of("9"), table);
            assert_eq!((file.name.as_str(), file.visibility), ("Bay", Visibility::Private));
            assert_eq!((file.latitude, file.calibration), (Some(9.0), None));
            let told = problem.expect("told").to_string();
            assert!(told.starts_with("the calibration was passed over: "), "{told}");
            assert!(told.contains("end-to-end.csv"), "{told}");
        }
        // A table of values that do not fit is refused as numbers are.
        let (file, problem) = DeploymentFile::of_text(&text_of("9"), Some("10,-171\n20,-170"));
        assert!(problem.is_some_and(|p| p.to_string().contains("most likely")));
        assert_eq!((file.name.as_str(), file.visibility), ("", Visibility::Private));
        // Other faults are told with their line, whether the table is there or not.
        let broken = text_of("'north'");
        for table in [None, Some("10,171\n96e3,174")] {
            let told = DeploymentFile::of_text(&broken, table).1.expect("told").to_string();
            assert!(told.contains("latitude") || told.contains("line 3"), "{told}");
        }
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
