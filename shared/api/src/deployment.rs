//! A deployment: the recordings of one instrument, described by its `deployment.toml`.

use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::recording::RecordingInfo;
use crate::time::Timestamp;

/// What `GET api/v1/deployments` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeploymentList {
    /// All deployments of the place that is served, by name.
    pub deployments: Vec<Deployment>,
}

/// One deployment. Its recordings are fetched from `data/<id>/<recording name>` by ranges.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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
    /// Its recordings in clock order; empty in a list, filled for `GET api/v1/deployments/<id>`.
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
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FileFailure {
    /// The file's name, without a path.
    pub name: String,
    /// What is wrong with it and what to do, for a person.
    pub reason: String,
}
