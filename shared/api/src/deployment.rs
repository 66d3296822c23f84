//! A deployment: the recordings of one instrument, described by its `deployment.toml`.

use serde::{Deserialize, Serialize};

use crate::recording::RecordingInfo;
use crate::time::Timestamp;

/// What `GET api/deployments` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeploymentList {
    /// All deployments of the place that is served, by name.
    pub deployments: Vec<Deployment>,
}

/// One deployment. Its recordings are fetched from `data/<id>/<recording name>` by ranges.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deployment {
    /// Made of its folder's path: stable, used in links.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// One or two sentences.
    pub description: String,
    /// Who is to be credited.
    pub credit: String,
    /// Licence of the recordings.
    pub licence: String,
    /// Where it lay, as text; empty where `position_public` keeps it back.
    pub position: String,
    /// Degrees north, where the position is known and published.
    pub latitude: Option<f64>,
    /// Degrees east, where the position is known and published.
    pub longitude: Option<f64>,
    /// How exactly the position is published; what is given here obeys it already.
    pub position_public: PositionPublic,
    /// Depth of the hydrophone in metres.
    pub depth_m: Option<f64>,
    /// Recorder and hydrophone, as text.
    pub instrument: String,
    /// The zone that local times are shown in, as `America/New_York` or `-05:00`.
    pub time_zone: String,
    /// Whatever else a reader should know.
    pub notes: String,
    /// Who finds it.
    pub visibility: Visibility,
    /// Nobody but the administrator sees it before then; only told to them.
    pub embargo_until: Option<Timestamp>,
    /// True for sounds that were made by a program; shown on every picture.
    pub synthesised: bool,
    /// Turns full scale into pressure.
    pub calibration: Option<Calibration>,
    /// The query of a link that shows it at its best, without `src`.
    pub best_view: String,
    /// Its recordings in clock order; empty in a list, filled for `GET api/deployments/<id>`.
    pub recordings: Vec<RecordingInfo>,
    /// Files of it that could not be read; they stop nothing. Filled with `recordings`.
    pub failures: Vec<FileFailure>,
    /// Names of its annotation tables, fetched from `data/<id>/<name>`.
    pub tables: Vec<String>,
    /// How many recordings there are.
    pub recording_count: usize,
    /// Length of all recordings in bytes.
    pub bytes: u64,
    /// Clock time of the first sample, where recordings are dated.
    pub start: Option<Timestamp>,
    /// Clock time of the end of the last recording, where recordings are dated.
    pub end: Option<Timestamp>,
    /// Recorded time without gaps, all recordings together.
    pub recorded_s: f64,
    /// The rates that occur, the commonest first.
    pub rates_hz: Vec<f64>,
    /// Recordings that have not been looked into yet: what is told here will grow.
    pub unread_count: usize,
    /// Recordings that can't be opened; `failures` says why.
    pub bad_count: usize,
}

/// Who finds a deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// It stands in the list.
    #[default]
    Public,
    /// Whoever has a link to it.
    Unlisted,
    /// The administrator.
    Private,
}

/// How exactly a position is published: endangered whales are followed by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositionPublic {
    /// As it is given.
    #[default]
    Exact,
    /// To a tenth of a degree, 11 km or less; the text is kept back.
    Rounded,
    /// Not at all.
    Hidden,
}

/// A file that could not be read, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFailure {
    /// The file's name, without a path.
    pub name: String,
    /// What is wrong with it and what to do, for a person.
    pub reason: String,
}

/// What a full-scale sample means, by kind (`INTEROP`: a kind is never guessed). The constant C is
/// added to dB re full scale (RMS of samples in [−1, 1)).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Calibration {
    /// Hydrophone sensitivity, gain and converter.
    VPerUpa {
        /// Sensitivity, dB re 1 V/µPa (negative).
        sensitivity_db: f64,
        /// Gain, dB.
        gain_db: f64,
        /// Volts zero to peak at digital full scale.
        adc_peak_v: f64,
    },
    /// End to end, dB re 1 µPa for a full-scale RMS of 1.
    UpaPerFullscale {
        /// The value.
        db: f64,
    },
    /// Micropascal a count, dB.
    UpaPerCount {
        /// The value.
        db: f64,
        /// Bits of a sample.
        bits: u32,
    },
}

impl Calibration {
    /// C, the number that is added to dB re full scale to give dB re 1 µPa.
    pub fn offset_db(&self) -> f64 {
        match *self {
            Calibration::VPerUpa { sensitivity_db, gain_db, adc_peak_v } => {
                20.0 * adc_peak_v.log10() - sensitivity_db - gain_db
            }
            Calibration::UpaPerFullscale { db } => db,
            Calibration::UpaPerCount { db, bits } => db + 20.0 * 2f64.powi(bits as i32 - 1).log10(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibrations_give_the_levels_of_the_test_vectors() {
        // A sine of amplitude 0.1 has an RMS of 0.1/√2, −23.01 dB re full scale.
        let sine = 20.0 * (0.1 / 2f64.sqrt()).log10();
        let v = Calibration::VPerUpa { sensitivity_db: -170.0, gain_db: 20.0, adc_peak_v: 1.0 };
        let end_to_end = Calibration::UpaPerFullscale { db: 176.0 };
        let count = Calibration::UpaPerCount { db: 68.5, bits: 16 };
        for (c, level) in [(v, 126.99), (end_to_end, 152.99), (count, 135.80)] {
            assert!((sine + c.offset_db() - level).abs() < 0.01, "{c:?}");
        }
    }
}
