//! Which numbers.

use serde::Serialize;
use spyhop_api::Band;
use spyhop_api::levels::Quantity;
use spyhop_signal::levels::{
    ALWAYS_EXPORTED_HZ, AverageError, AverageSpec, MillidecadeEdition, SpectrumAverager,
    decidecade, decidecades, hybrid_millidecades, nominal_hz,
};

/// Triton's usual step is 100 Hz at 200 kHz: so many steps make a rate.
const STEPS_OF_A_RATE: f64 = 2000.0;
/// Spectra of one second resolve decidecades from here on; of shorter windows from as many bins on.
const LOWEST_DECIDECADE_BINS: f64 = 10.0;
/// Decidecades whose nominal frequencies are [`ALWAYS_EXPORTED_HZ`] are among these.
const DECIDECADES: std::ops::RangeInclusive<i32> = -60..=60;
/// An average is shorter than a day: longer ones are made of these by whoever reads them.
const LONGEST_AVERAGE_S: f64 = 86_400.0;

/// A long-term product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Product {
    /// Long-term spectral average, as Triton makes it.
    Ltsa {
        /// Averaging time.
        average_s: f64,
        /// Frequency step; `None` is the rate by 2000.
        step_hz: Option<f64>,
    },
    /// One-minute spectra in hybrid millidecades, as MANTA makes them.
    Millidecades(MillidecadeEdition),
    /// Percentiles of those spectra, of each day and of all of it.
    Percentiles(MillidecadeEdition),
    /// How probable which level of those spectra is, of each day and of all of it.
    Probability(MillidecadeEdition),
    /// Levels in decidecades.
    Decidecades {
        /// Averaging time.
        average_s: f64,
    },
    /// Level of all that was recorded, zero-to-peak level, exposure.
    Broadband {
        /// Averaging time.
        average_s: f64,
    },
}

/// Why a product can't be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProductError {
    /// An averaging time that is none.
    #[error(
        "an averaging time of {0} s can't be had: give more than 0 and at most 86400 s (a day)"
    )]
    Average(f64),
    /// A frequency step that is none.
    #[error(
        "a frequency step of {step_hz} Hz can't be had at {rate_hz} samples a second: give more than 0 and at most {} Hz", rate_hz / 4.0
    )]
    Step {
        /// The step.
        step_hz: f64,
        /// The rate.
        rate_hz: f64,
    },
    /// An average shorter than its window, or a rate that can't be transformed.
    #[error(transparent)]
    Spectrum(#[from] AverageError),
}

/// How rows come of samples, for one sampling rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Measure {
    /// The density level of each bin.
    Bins,
    /// The mean density level of each band.
    Densities(#[serde(skip)] Vec<Band>),
    /// The level of each band.
    Bands(#[serde(skip)] Vec<Band>),
    /// The waveform's RMS level, zero-to-peak level and exposure level.
    Waveform,
}

impl Product {
    /// Its word, as on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Product::Ltsa { .. } => "ltsa",
            Product::Millidecades(_) => "hmd",
            Product::Percentiles(_) => "percentiles",
            Product::Probability(_) => "spd",
            Product::Decidecades { .. } => "decidecade",
            Product::Broadband { .. } => "spl",
        }
    }

    /// What a person calls it.
    pub fn title(&self) -> &'static str {
        match self {
            Product::Ltsa { .. } => "Long-term spectral average",
            Product::Millidecades(_) => "One-minute spectra in hybrid millidecades",
            Product::Percentiles(_) => "Percentiles of one-minute spectra",
            Product::Probability(_) => "Spectral probability density",
            Product::Decidecades { .. } => "Decidecade levels",
            Product::Broadband { .. } => "Broadband levels",
        }
    }

    /// What its numbers are levels of.
    pub fn quantity(&self) -> Quantity {
        match self {
            Product::Decidecades { .. } => Quantity::DecidecadeBand,
            Product::Broadband { .. } => Quantity::SoundPressure,
            _ => Quantity::SpectralDensity,
        }
    }

    /// Which table of millidecades.
    pub fn edition(&self) -> Option<MillidecadeEdition> {
        match self {
            Product::Millidecades(edition)
            | Product::Percentiles(edition)
            | Product::Probability(edition) => Some(*edition),
            _ => None,
        }
    }

    /// The spectra that it is made of. Broadband levels need none where a calibration is flat.
    ///
    /// # Errors
    /// When they can't be had at this rate.
    pub fn spectra(&self, rate_hz: f64) -> Result<AverageSpec, ProductError> {
        let checked = |average_s: f64| {
            let sound = average_s > 0.0 && average_s <= LONGEST_AVERAGE_S;
            sound.then_some(average_s).ok_or(ProductError::Average(average_s))
        };
        let spec = match *self {
            Product::Ltsa { average_s, step_hz } => {
                let step_hz = step_hz.unwrap_or(rate_hz / STEPS_OF_A_RATE);
                if !(step_hz > 0.0 && step_hz <= rate_hz / 4.0) {
                    return Err(ProductError::Step { step_hz, rate_hz });
                }
                AverageSpec::ltsa(rate_hz, checked(average_s)?, step_hz)
            }
            Product::Decidecades { average_s } | Product::Broadband { average_s } => {
                AverageSpec::band_levels(rate_hz, checked(average_s)?)
            }
            _ => AverageSpec::minute(rate_hz),
        };
        SpectrumAverager::new(&spec)?;
        Ok(spec)
    }

    /// How its rows come of samples. `table_hz` is the band of a calibration by frequency: broadband
    /// levels then hold for that band, and come of spectra.
    pub fn measure(&self, spectra: &AverageSpec, table_hz: Option<(f64, f64)>) -> Measure {
        let rate_hz = spectra.spectrum.sample_rate_hz;
        match self {
            Product::Ltsa { .. } => Measure::Bins,
            Product::Decidecades { .. } => Measure::Bands(decidecades_of(spectra)),
            Product::Broadband { .. } => match table_hz {
                None => Measure::Waveform,
                Some((low_hz, high_hz)) => Measure::Bands(vec![covered(spectra, low_hz, high_hz)]),
            },
            _ => {
                Measure::Densities(hybrid_millidecades(rate_hz, self.edition().unwrap_or_default()))
            }
        }
    }
}

/// What decidecades are called: 63 for the one around 63.096 Hz.
pub fn nominal_of(band: &Band) -> f64 {
    nominal_hz((10.0 * (band.centre_hz / 1000.0).log10()).round() as i32)
}

/// Those that the spectra resolve, and those that every export holds.
fn decidecades_of(spectra: &AverageSpec) -> Vec<Band> {
    let rate_hz = spectra.spectrum.sample_rate_hz;
    let lowest_hz = LOWEST_DECIDECADE_BINS * spectra.spectrum.bin_hz();
    // The lowest band is the one around this, not the first above its edge.
    let mut bands = decidecades(lowest_hz * 10f64.powf(-0.05), rate_hz / 2.0);
    let asked = DECIDECADES.filter(|n| ALWAYS_EXPORTED_HZ.contains(&nominal_hz(*n)));
    for band in asked.map(decidecade) {
        if !bands.contains(&band) {
            bands.push(band);
        }
    }
    bands.sort_by(|a, b| a.centre_hz.total_cmp(&b.centre_hz));
    bands
}

/// The bins that lie within a calibration's table, as one band.
fn covered(spectra: &AverageSpec, low_hz: f64, high_hz: f64) -> Band {
    let bin_hz = spectra.spectrum.bin_hz();
    let nyquist_hz = spectra.spectrum.sample_rate_hz / 2.0;
    let first = (low_hz / bin_hz - 1e-9).ceil();
    let last = (high_hz.min(nyquist_hz) / bin_hz + 1e-9).floor();
    let (low_hz, high_hz) =
        ((first - 0.5) * bin_hz, ((last + 0.5) * bin_hz).min(nyquist_hz).max(0.0));
    Band { low_hz, centre_hz: (low_hz.max(0.0) * high_hz).sqrt(), high_hz }
}
