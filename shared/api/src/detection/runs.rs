//! Runs: which detectors and networks fit, what is started, and what a run is made by.

use serde::{Deserialize, Serialize};

use crate::job::JobProgress;
use crate::time::Timestamp;

/// How likely calls of a type are in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Chance {
    /// What such recordings are made for.
    Likely,
    /// The recording holds them, but is mostly made for higher calls.
    Possible,
    /// The recording does not hold them: the detector can't be started.
    None,
}

/// A detector that needs no training, beside the recordings of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DetectorFit {
    /// Its word, to start it by.
    pub id: String,
    /// What a person calls its calls: `right-whale upcalls`.
    pub name: String,
    /// The band that it listens to here, hertz.
    pub band_hz: (f64, f64),
    /// How likely such calls are.
    pub chance: Chance,
    /// The same for a person, with the reason where it does not fit.
    pub sentence: String,
    /// What its scores are.
    pub score_unit: String,
    /// Candidates from this score on are kept, unless settings say otherwise.
    pub keep_from: f64,
    /// Candidates from this score on count as found, until a person moves the threshold.
    pub threshold: f64,
}

/// What `GET …/detectors` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DetectorList {
    /// The rate of the recordings that would be listened to; `None` where there are none.
    pub sample_rate_hz: Option<f64>,
    /// All detectors, the most likely first.
    pub detectors: Vec<DetectorFit>,
    /// Names of the networks that the server was given.
    pub models: Vec<String>,
    /// The same networks beside the recordings, as far as their cards tell; none where there are no
    /// recordings.
    #[serde(default)]
    pub networks: Vec<NetworkFit>,
}

/// A network beside the recordings of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NetworkFit {
    /// Its name, to start it by.
    pub name: String,
    /// The band that it listens to, hertz; `None` where it can't be opened.
    pub band_hz: Option<(f64, f64)>,
    /// How likely such calls are.
    pub chance: Chance,
    /// The same for a person, with the reason where it does not fit or can't be opened.
    pub sentence: String,
}

/// What is to be run: `POST …/detections`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct DetectionRequest {
    /// A detector's word; this or a model.
    pub detector: Option<String>,
    /// A network's name.
    pub model: Option<String>,
    /// A LoRA adapter's name, to go with the network.
    pub adapter: Option<String>,
    /// Channel, counted from 0.
    pub channel: u32,
    /// Changes to the settings, in YAML as `spyhop detect --config` reads it; empty for none.
    pub config: String,
}

/// What a run tells apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DetectionClass {
    /// Its name, which labels its candidates.
    pub name: String,
    /// The band of its calls, hertz.
    pub band_hz: (f64, f64),
    /// Candidates from this score on were kept.
    pub keep_from: f64,
    /// Candidates from this score on count as found, until a person moves the threshold.
    pub threshold: f64,
}

/// Where a run's candidates come from: enough to make them again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DetectionSource {
    /// The detector's word, or the network's name.
    pub name: String,
    /// Whether it is a network.
    pub is_model: bool,
    /// The adapter's name, where the network has one.
    pub adapter: Option<String>,
    /// A hash of the network's weights and its adapter's; empty for a detector.
    pub fingerprint: String,
    /// A hash of all settings.
    pub config_hash: String,
    /// The program that ran it, with its version: `spyhop 0.1.0`.
    pub software: String,
}

impl DetectionSource {
    /// As [`with_adapter`].
    pub fn with_adapter(&self) -> String {
        with_adapter(&self.name, self.adapter.as_deref())
    }
}

/// The name of a detector or a network, with that of its adapter where it has one: `tiny with gulf`.
pub fn with_adapter(name: &str, adapter: Option<&str>) -> String {
    match adapter {
        Some(adapter) => format!("{name} with {adapter}"),
        None => name.to_owned(),
    }
}

/// One detector or network over one channel of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DetectionRun {
    /// Its number on this server.
    pub id: i64,
    /// For a person: `Dolphin whistles`.
    pub title: String,
    /// Where its candidates come from.
    pub source: DetectionSource,
    /// All settings, as YAML: a run of the same file gives the same candidates.
    pub config: String,
    /// Channel, counted from 0.
    pub channel: u32,
    /// What it tells apart.
    pub classes: Vec<DetectionClass>,
    /// What its scores are.
    pub score_unit: String,
    /// How long the pieces of time are that its score curve is made of.
    pub score_s: f64,
    /// When it was first started.
    pub created: Timestamp,
    /// How many candidates there are so far; those that are not found any more are left out.
    pub candidates: u64,
    /// How many of them somebody has reviewed.
    pub reviewed: u64,
    /// What a person should know, a sentence each; the first hundred: why the run is not gone on with, which
    /// recordings are left out, and what could not be heard.
    pub problems: Vec<String>,
    /// How far it is, where this server runs it.
    pub job: Option<JobProgress>,
}

/// What `GET …/detections` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DetectionList {
    /// All runs of a deployment, the latest first.
    pub runs: Vec<DetectionRun>,
}
