//! What is heard: samples of any rate at any speed, made audible at the rate of a sound card.
//!
//! A [`Renderer`] pulls samples by position and gives mono frames at the device's rate; a survey of
//! the range beforehand ([`survey`]) finds its DC and the gain that brings it to −20 dBFS. Nothing
//! here knows of a browser or a clock.

mod band;
mod chain;
mod decimate;
mod high_pass;
mod limiter;
mod presets;
mod renderer;
mod resample;
mod speaker;
mod survey;

pub use limiter::CEILING_DBFS;
pub use presets::{PRESETS, Preset, PresetSettings, TooSlow};
pub use renderer::{Block, ListenError, ListenSpec, Read, Renderer};
pub use speaker::small_speaker_speed;
pub use survey::{MAX_GAIN_DB, Survey, TARGET_RMS_DBFS, survey};
