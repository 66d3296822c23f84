//! What is measured in a picture: boxes of time and frequency, slices through it, its contrast.
//!
//! Levels are in dB re full scale (RMS of samples in [−1, 1), so that a full-scale sine stands at
//! −3.01 dB) until a calibration's constant is added to them.

mod boxes;
mod contrast;
mod energy_share;
mod readings;
mod slice;

pub use boxes::{BoxMeasures, BoxSpec, CONTEXT_S, measure_box};
pub use contrast::contrast;
pub(crate) use energy_share::{BinEnergy, energy_share_hz};
pub use readings::Reading;
pub use slice::{Peak, Slice};
