//! A deployment: the recordings of one instrument, described by its `deployment.toml`.

use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::recording::RecordingInfo;

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
    /// The folder's name: stable, used in links.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// One or two sentences.
    pub description: String,
    /// Who is to be credited.
    pub credit: String,
    /// Licence of the recordings.
    pub licence: String,
    /// Where it lay, as text.
    pub position: String,
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
}

/// A file that could not be read, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFailure {
    /// The file's name, without a path.
    pub name: String,
    /// What is wrong with it and what to do, for a person.
    pub reason: String,
}
