//! Levels over long times: spectra averaged by the clock, bands, percentiles, waveforms.
//!
//! Everything here is a stream: a run of samples begins at a clock time, samples are pushed as they
//! come, and rows fall out as periods of the clock end. What was not recorded is missing, never zero.
//! Power is in FS² (samples in [−1, 1)) until [`power_gains`] turns it into µPa², bin by bin.

mod averages;
mod band_power;
mod calibrated;
mod decidecade;
mod distribution;
mod millidecade;
mod percentiles;
mod periods;
mod waveform;

pub use averages::{AverageError, AverageRow, AverageSpec, SpectrumAverager};
pub use band_power::BandPower;
pub use calibrated::power_gains;
pub use decidecade::{ALWAYS_EXPORTED_HZ, decidecade, decidecades, nominal_hz};
pub use distribution::{LevelDistribution, ProbabilityDensity};
pub use millidecade::{MillidecadeEdition, hybrid_millidecades};
pub use percentiles::{PERCENTILES, percentiles};
pub use periods::Periods;
pub use waveform::{WaveformMeter, WaveformRow};

/// Ten times the decimal logarithm of a power: dB re the power's own unit. No power gives −∞, no data
/// (NaN) gives NaN.
pub fn level_db(power: f64) -> f64 {
    10.0 * power.log10()
}

/// Exposure level of a mean square that lasted for some time: dB re FS²·s or µPa²·s.
pub fn exposure_db(mean_square: f64, duration_s: f64) -> f64 {
    level_db(mean_square * duration_s)
}
