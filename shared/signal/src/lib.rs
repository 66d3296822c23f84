//! Samples in, numbers out: formats, time lines, spectra, listening, measures, levels, quality, detectors.
//!
//! No clock, no network, no threads: the same code runs in a browser's worker and on a server, and
//! one set of tests and numbers serves both.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod detect;
pub mod fbank;
mod fir;
pub mod fold;
pub mod formats;
pub mod levels;
pub mod line;
pub mod line_reader;
pub mod listen;
pub mod measure;
pub mod pyramid;
pub mod quality;
pub mod rate_change;
pub mod recording;
pub mod source;
pub mod spectrum;
pub mod sun;
pub mod tables;
pub mod transcript;

pub use fold::Fold;
pub use line::Line;
pub use line_reader::LineReader;
pub use rate_change::RateChange;
pub use recording::{OpenError, Recording};
pub use source::{BlockCache, ByteSource, SourceError};
