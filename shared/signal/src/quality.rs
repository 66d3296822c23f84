//! How well something was recorded: measures of the samples, of the files and of their clock, each with
//! the threshold from which a person is told, and the sentence that tells it.
//!
//! A [`QualityMeter`] looks at a stream of samples (a recording's, an hour's); [`findings()`] says what
//! of it matters. [`survey_files`] looks at what opening the files of a deployment told.

mod bits;
mod clipping;
mod clock;
mod files;
mod findings;
mod mains;
mod meter;
mod runs;
mod upper_band;

pub use clock::survey_clock;
pub use files::survey_files;
pub use findings::{findings, percent};
pub use meter::QualityMeter;
