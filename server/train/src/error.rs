//! What can go wrong between recordings and a network.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use spyhop_config::ConfigError;
use spyhop_model::ModelError;

/// Why there is no data set, or no network.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The disk said no.
    #[error("{what} can't be {done} ({reason}): {}", path.display())]
    Disk {
        /// What it is.
        what: &'static str,
        /// `read` or `written`.
        done: &'static str,
        /// Why, and what to do.
        reason: String,
        /// Whether there is no room on it.
        is_full: bool,
        /// Where.
        path: PathBuf,
    },
    /// A file that is not what it should be.
    #[error("{reason}: {}", path.display())]
    File {
        /// What is wrong.
        reason: String,
        /// The file.
        path: PathBuf,
    },
    /// A recording that can't be opened or read.
    #[error("{0}")]
    Recording(String),
    /// A window that is not in its recording.
    #[error(
        "a window from {start_s} s on reaches beyond the end of {recording}, which lasts {duration_s} s: was the recording exchanged? Make the table again with spyhop dataset"
    )]
    PastEnd {
        /// The recording.
        recording: String,
        /// Where the window begins.
        start_s: f64,
        /// How long the recording is.
        duration_s: f64,
    },
    /// The data are not what training needs.
    #[error("{0}")]
    Data(String),
    /// The loss or the weights are no numbers any more.
    #[error(
        "{what} is no finite number in epoch {epoch}, batch {batch} (windows: {windows}). Training stops; the last good state, of step {step}, is kept in {}. Try a smaller model_trainer.lr, or look at these windows",
        kept.display()
    )]
    NotFinite {
        /// `the loss`, `a gradient` or `a weight`.
        what: &'static str,
        /// Counted from 1.
        epoch: usize,
        /// Counted from 1.
        batch: usize,
        /// The first windows of the batch.
        windows: String,
        /// Where the last good state is.
        kept: PathBuf,
        /// Steps that had been made then.
        step: usize,
    },
    /// The network gives no numbers for the validation part any more.
    #[error(
        "the loss of the validation part is no finite number after epoch {epoch}. Training stops; the last good state, of step {step}, is kept in {}. Try a smaller model_trainer.lr",
        kept.display()
    )]
    Diverged {
        /// Counted from 1.
        epoch: usize,
        /// Where the last good state is.
        kept: PathBuf,
        /// Steps that had been made then.
        step: usize,
    },
    /// Somebody wants to end it.
    #[error("training was stopped; the same command goes on with it")]
    Stopped,
    /// The network.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The arithmetic failed.
    #[error("the network could not be computed: {0}")]
    Compute(#[from] candle_core::Error),
}

impl TrainError {
    pub(crate) fn reading(what: &'static str, path: &Path, error: &Error) -> TrainError {
        TrainError::disk(what, "read", path, error)
    }

    pub(crate) fn writing(what: &'static str, path: &Path, error: &Error) -> TrainError {
        TrainError::disk(what, "written", path, error)
    }

    fn disk(what: &'static str, done: &'static str, path: &Path, error: &Error) -> TrainError {
        let (is_full, path) = (is_full(error), path.to_owned());
        TrainError::Disk { what, done, reason: reason(error), is_full, path }
    }

    /// Whether there is no room on the disk: with some, the same command goes on.
    pub fn is_full_disk(&self) -> bool {
        matches!(self, TrainError::Disk { is_full: true, .. })
    }

    pub(crate) fn file(path: &Path, reason: impl Into<String>) -> TrainError {
        TrainError::File { reason: reason.into(), path: path.to_owned() }
    }
}

fn is_full(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

fn reason(error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "it is not there".to_owned(),
        ErrorKind::PermissionDenied => "this account may not".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "that disk may only be read".to_owned(),
        _ if is_full(error) => {
            "the disk is full; make room, and the same command goes on".to_owned()
        }
        _ => error.to_string(),
    }
}
