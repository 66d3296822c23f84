//! What a transform is made of.

use spyhop_api::view::{Scaling, SpectrumSettings, Window};

use super::window::window_coefficients;

/// How samples become power. Shapes and scales are those of `scipy.signal.spectrogram`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpectrumSpec {
    /// Points of the FFT, at least 2; any length.
    pub fft_size: usize,
    /// Samples under the window, 1 to `fft_size`; the rest is zeros.
    pub window_samples: usize,
    /// Samples from one frame to the next, at least 1.
    pub hop_samples: usize,
    /// The window.
    pub window: Window,
    /// `density` gives FS²/Hz, `spectrum` gives FS².
    pub scaling: Scaling,
    /// Samples a second.
    pub sample_rate_hz: f64,
}

/// Why a transform can't be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SpecError {
    /// Too short or too long to transform.
    #[error("an FFT of {0} points: give 2 to {MAX_FFT_SIZE}")]
    FftSize(usize),
    /// The window does not fit.
    #[error(
        "a window of {window_samples} samples in an FFT of {fft_size} points: give 1 to {fft_size}"
    )]
    WindowSamples {
        /// What was asked for.
        window_samples: usize,
        /// What it must fit in.
        fft_size: usize,
    },
    /// Frames that do not advance.
    #[error("a hop of 0 samples: give at least 1")]
    Hop,
    /// A rate that is no rate.
    #[error("a sampling rate of {0} Hz: it must be positive")]
    SampleRate(f64),
    /// A window whose coefficients are all zero (a symmetric Hann of two samples).
    #[error("the window {window} of {window_samples} samples is all zeros: take more samples")]
    EmptyWindow {
        /// The window.
        window: Window,
        /// Its length.
        window_samples: usize,
    },
}

/// 16 million points: 128 MiB of complex numbers, far above what a product asks for (NFFT = rate).
pub const MAX_FFT_SIZE: usize = 1 << 24;

impl From<(&SpectrumSettings, f64)> for SpectrumSpec {
    /// The transform of a view, of a recording with `sample_rate_hz`.
    fn from((settings, sample_rate_hz): (&SpectrumSettings, f64)) -> SpectrumSpec {
        SpectrumSpec {
            fft_size: settings.fft_size as usize,
            window_samples: settings.window_samples as usize,
            hop_samples: settings.hop_samples as usize,
            window: settings.window,
            scaling: settings.scaling,
            sample_rate_hz,
        }
    }
}

impl SpectrumSpec {
    /// Whether it can be computed.
    ///
    /// # Errors
    /// When a length or the rate is out of range.
    pub fn check(&self) -> Result<(), SpecError> {
        if !(2..=MAX_FFT_SIZE).contains(&self.fft_size) {
            return Err(SpecError::FftSize(self.fft_size));
        }
        if !(1..=self.fft_size).contains(&self.window_samples) {
            return Err(SpecError::WindowSamples {
                window_samples: self.window_samples,
                fft_size: self.fft_size,
            });
        }
        if self.hop_samples == 0 {
            return Err(SpecError::Hop);
        }
        if !(self.sample_rate_hz > 0.0 && self.sample_rate_hz.is_finite()) {
            return Err(SpecError::SampleRate(self.sample_rate_hz));
        }
        Ok(())
    }

    /// One-sided bins: `fft_size / 2 + 1`, from zero to Nyquist.
    pub fn bins(&self) -> usize {
        self.fft_size / 2 + 1
    }

    /// Hertz from one bin to the next.
    pub fn bin_hz(&self) -> f64 {
        self.sample_rate_hz / self.fft_size as f64
    }

    /// Rows of `bins_per_row` bins; the last one may hold fewer (with 512 + 1 bins it is Nyquist).
    pub fn rows(&self, bins_per_row: usize) -> usize {
        self.bins().div_ceil(bins_per_row.max(1))
    }

    /// Frames in a run of samples: those that lie wholly in it, as scipy counts.
    pub fn frames_in(&self, samples: usize) -> usize {
        match samples.checked_sub(self.window_samples) {
            Some(rest) => rest / self.hop_samples.max(1) + 1,
            None => 0,
        }
    }

    /// The bin at half the sampling rate: even lengths have one.
    pub fn nyquist_bin(&self) -> Option<usize> {
        self.fft_size.is_multiple_of(2).then_some(self.fft_size / 2)
    }

    /// How often a bin stands in the two-sided spectrum: once for zero and Nyquist, else twice.
    pub fn sidedness(&self, bin: usize) -> f32 {
        if bin == 0 || Some(bin) == self.nyquist_bin() { 1.0 } else { 2.0 }
    }

    /// Window coefficients times the square root of the scale, so that |FFT|² is power in one bin of
    /// the two-sided spectrum. Computed in f64.
    ///
    /// # Errors
    /// As [`SpectrumSpec::check`], and when the window is all zeros.
    pub fn scaled_window(&self) -> Result<Vec<f32>, SpecError> {
        self.check()?;
        let window = window_coefficients(self.window, self.window_samples);
        let power = match self.scaling {
            Scaling::Density => self.sample_rate_hz * window.iter().map(|w| w * w).sum::<f64>(),
            Scaling::Spectrum => window.iter().sum::<f64>().powi(2),
        };
        let amplitude = power.sqrt();
        if amplitude.is_nan() || amplitude <= 0.0 {
            return Err(SpecError::EmptyWindow {
                window: self.window,
                window_samples: self.window_samples,
            });
        }
        Ok(window.iter().map(|w| (w / amplitude) as f32).collect())
    }
}
