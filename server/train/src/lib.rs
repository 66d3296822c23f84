//! Training: from recordings and labels to a network that finds calls.
//!
//! [`dataset`] cuts recordings into windows with classes; [`Split`] puts whole recordings or days into
//! training, validation and test; [`Features`] keeps what the network sees of each recording; [`train`] makes
//! a network of it, in a folder of its own, and goes on where it was interrupted. Everything that chance
//! decides is a pure function of the seed and of where training stands, so that a run that was killed ends
//! with the same bits as one that was not, with the same number of threads.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod augment;
mod chance;
mod checkpoint;
pub mod dataset;
mod error;
pub mod evaluation;
mod export;
mod features;
mod journal;
mod learned_from;
mod loader;
mod loss;
mod loss_scale;
pub mod mlflow;
mod optimizer;
mod parameters;
mod run_folder;
mod sampler;
mod schedule;
mod scores;
mod shape;
mod slices;
mod split;
mod step;
mod tracker;
mod trainer;
pub mod tuning;
mod whole;

pub use dataset::{Window, WindowTable, WindowedRecording};
pub use error::TrainError;
pub use features::Features;
pub use journal::{RunStatus, is_training, name_of};
pub use learned_from::{LEARNED_FROM, LearnedFrom};
pub use parameters::Share;
pub use run_folder::{RunFolder, TRIALS};
pub use scores::{ClassScores, Likeliest, average_precision, best_f1};
pub use shape::base_fingerprint;
pub use split::{Part, Split};
pub use tracker::{End, JsonLines, MetricRow, Tracker};
pub use trainer::{EpochReport, Outcome, PartScores, Setup, TRAIN_SHARE, Told, train};

use std::path::Path;

use spyhop_signal::Recording;

/// Opens a recording by its path; what is wrong is said in a sentence that names the file.
pub type Open = dyn Fn(&Path) -> Result<Recording, String> + Send + Sync;
