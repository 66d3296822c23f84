//! The Audio Spectrogram Transformer: load, adapt, infer.
//!
//! A model folder is what `save_pretrained` of Hugging Face's transformers writes (`config.json`,
//! `preprocessor_config.json`, `model.safetensors`), with a card of ours beside it where there is one
//! (`spyhop-model.toml`). No Python is needed, and nothing is fetched. candle does the arithmetic, on
//! the CPU, on CUDA with the feature `cuda`, and in WebAssembly.
//!
//! ```no_run
//! use spyhop_model::{Classifier, ModelFolder};
//! # fn main() -> Result<(), spyhop_model::ModelError> {
//! let classifier = Classifier::open(&ModelFolder("models/upcalls".into()))?;
//! let plan = classifier.window();
//! let samples = vec![0.0; plan.window_samples]; // at plan.rate_hz
//! let logits = classifier.logits(&[&samples])?;
//! let scores = classifier.card().scores.of(&logits[0]);
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod adapter;
mod arithmetic;
mod batches;
mod card;
mod classifier;
pub mod config;
mod device;
mod dropout;
mod error;
mod files;
#[cfg(any(test, feature = "cuda"))]
#[cfg_attr(
    not(feature = "cuda"),
    allow(dead_code, unused_imports, reason = "tests use a part of it")
)]
mod gpu;
mod json;
mod kernels;
mod libraries;
mod listener;
mod names;
mod network;
pub mod optimizing;
mod parameters;
mod position;
mod preprocessor;
pub mod save;
mod weights;
#[cfg(not(target_arch = "wasm32"))]
mod whole;

pub use adapter::{Adapter, LowRank, is_of as is_module};
pub use arithmetic::Arithmetic;
pub use batches::Batches;
pub use card::{DEFAULT_THRESHOLD, FILE_NAME as CARD_FILE_NAME, is_no_call, read as read_card};
pub use classifier::{Begun, Classifier, OpenOptions, check_adapter};
pub use config::{AstConfig, Grid, Patches};
pub use device::Placement;
pub use dropout::Dropout;
pub use error::ModelError;
#[cfg(not(target_arch = "wasm32"))]
pub use files::ModelFolder;
pub use files::{MemoryFiles, ModelFiles, is_model_file};
pub use libraries::{keep_candle_to_its_caller, keep_freed_memory};
pub use listener::{NetworkListener, SCORE_UNIT, Unfit, check_fit};
pub use names::older as older_name;
pub use network::{Ast, Build, EXTRA_TOKENS, Hidden};
pub use parameters::Parameters;
pub use position::fitted as fitted_positions;
pub use spyhop_api::{FrontEnd, Metric, ModelCard, ModelClass, Scores, WindowPlan};
pub use spyhop_signal::fbank::MelPicture;
pub use weights::Weights;
#[cfg(not(target_arch = "wasm32"))]
pub use whole::check_lengths;

/// As [`FrontEnd::of_rate`].
pub fn usual_front_end(rate_hz: f64) -> FrontEnd {
    FrontEnd::of_rate(rate_hz)
}
