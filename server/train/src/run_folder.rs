//! The folder of a run: everything that was said, and everything that came of it.

use std::path::{Path, PathBuf};

/// Below a folder of runs: trainings that are parts of searches.
pub const TRIALS: &str = "trials";

/// Where a run keeps its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder(pub PathBuf);

impl RunFolder {
    /// The resolved configuration.
    pub fn config(&self) -> PathBuf {
        self.0.join("config.yaml")
    }

    /// Which recording is in which part.
    pub fn split(&self) -> PathBuf {
        self.0.join("split.csv")
    }

    /// Class balance, duration, leaks.
    pub fn data_report(&self) -> PathBuf {
        self.0.join("data.json")
    }

    /// All that training goes on from.
    pub fn state(&self) -> PathBuf {
        self.0.join("state.safetensors")
    }

    /// The best network so far.
    pub fn best(&self) -> PathBuf {
        self.0.join("best.safetensors")
    }

    /// Metrics by step, a line each.
    pub fn metrics(&self) -> PathBuf {
        self.0.join("metrics.jsonl")
    }

    /// How it goes.
    pub fn status(&self) -> PathBuf {
        self.0.join("status.json")
    }

    /// Held by whoever trains in the folder.
    pub fn lock(&self) -> PathBuf {
        self.0.join("training.lock")
    }

    /// What an MLflow server is to be told, and what it was told.
    pub fn mlflow(&self) -> PathBuf {
        self.0.join("mlflow")
    }

    /// What came of it.
    pub fn report(&self) -> PathBuf {
        self.0.join("report.json")
    }

    /// The network, as a model folder.
    pub fn model(&self) -> PathBuf {
        self.0.join("model")
    }

    /// The adapter, where low-rank paths were trained.
    pub fn adapter(&self) -> PathBuf {
        self.0.join("adapter")
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }
}
