//! The pyramid: mean and maximum power of a deployment, and the wave form of its samples, on a clock grid,
//! from a tenth of a second to months.
//!
//! A [`Grid`] fixes which nanoseconds a column covers; it begins at 1970 and not at a recording, so that
//! what is computed of one file stays when others are added before it. [`Recorded`] says which samples
//! lie where on the clock; [`transform()`] makes columns from samples, and [`LevelColumns::reduce`] makes
//! a level from the next finer one.
//!
//! The transform is a Hann window of [`WINDOW_SAMPLES`] with half of it from one frame to the next. Frames
//! begin at the first sample of each run of samples, and a frame belongs to the column that its centre
//! lies in. The last frames of a run reach into the next one where that follows without a gap; a frame
//! that would reach into a gap does not exist. So a column depends on the recordings under its frames and
//! on nothing else.

mod columns;
mod decibel;
mod grid;
mod recorded;
mod reduce;

pub use columns::{LevelColumns, transform};
pub use decibel::{GAP, STEP_DB, extend_steps, power_of, steps_of};
pub use grid::{COARSEST_LEVEL, FINEST_LEVEL, Grid};
pub use recorded::{ClockRun, Recorded};

/// Samples under the window.
pub const WINDOW_SAMPLES: usize = 512;
/// Samples from one frame to the next.
pub const HOP_SAMPLES: usize = 256;
/// Bands of a column: 0 Hz to half the sampling rate.
pub const BANDS: usize = WINDOW_SAMPLES / 2 + 1;
