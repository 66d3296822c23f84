//! What a server has to detect with: networks, adapters, and detectors that need no training.

use serde::{Deserialize, Serialize};

use crate::ModelCard;

/// What `GET /api/v1/models` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ModelList {
    /// The networks, by name; those that can't be opened too.
    pub models: Vec<HostedModel>,
    /// LoRA adapters, to be laid over a network.
    pub adapters: Vec<HostedAdapter>,
    /// The detectors, from the lowest voices to the highest.
    pub detectors: Vec<DetectorCard>,
}

/// A network of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HostedModel {
    /// Its folder's name, which it is asked for by.
    pub name: String,
    /// Its card; `None` where it can't be opened.
    pub card: Option<ModelCard>,
    /// Why it can't be opened: which file, and what in it is wrong.
    pub problem: Option<String>,
    /// Numbers that its weights hold.
    pub parameters: u64,
    /// A hash of all that decides its logits; empty where it can't be opened.
    pub fingerprint: String,
    /// The files of its folder: a page that detects by itself fetches them.
    pub files: Vec<ModelFile>,
    /// Names of the server's adapters that can be laid over it.
    pub adapters: Vec<String>,
}

/// A file of a network's folder, at `api/v1/models/<model>/<file>`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ModelFile {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its BLAKE3.
    pub fingerprint: String,
}

/// An adapter of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HostedAdapter {
    /// Its folder's name, which it is asked for by.
    pub name: String,
    /// The network that it was made for, as its maker calls it; empty where it does not say.
    pub base: String,
    /// The files of its folder, at the addresses of a network's.
    pub files: Vec<ModelFile>,
    /// Why it can't be used.
    pub problem: Option<String>,
}

/// A detector that needs no training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DetectorCard {
    /// Its word, to start it by.
    pub id: String,
    /// What a person calls its calls, as a title: `Right-whale upcalls`.
    pub title: String,
    /// What it labels them as.
    pub label: String,
    /// The band that it listens to, hertz.
    pub band_hz: (f64, f64),
    /// Recordings must hold sounds up to this, hertz.
    pub needs_hz: f64,
    /// What its scores are.
    pub score_unit: String,
    /// Candidates from this score on are kept.
    pub keep_from: f64,
    /// Candidates from this score on count as found, until a person moves the threshold.
    pub threshold: f64,
}
