//! Measures of a stream of samples, in one pass and bounded memory.

use spyhop_api::view::{Scaling, Window};
use spyhop_api::{Quality, RecordingInfo};

use super::bits::BitUse;
use super::clipping::Clipping;
use super::mains::mains;
use super::runs::Runs;
use super::upper_band::content_end_hz;
use crate::spectrum::{SpecError, SpectrumSpec, Stft};

/// Seconds under the window that lines and the upper band are looked for with: bins of 1 Hz.
const FRAME_S: f64 = 1.0;
/// Seconds from one such frame to the next: a sixtieth of what a spectrogram would take, and still 360
/// frames an hour.
const FRAME_EVERY_S: f64 = 10.0;
/// Steps of a coding without bits of its own (floats, lossy ones) are taken as those of 16 bits: that
/// is what mostly was converted.
const ASSUMED_BITS: u32 = 16;

/// Measures the quality of one channel's samples: a recording's, or an hour's, in pieces.
pub struct QualityMeter {
    sample_rate_hz: f64,
    samples: u64,
    sum: f64,
    lowest: f32,
    highest: f32,
    clipping: Clipping,
    runs: Runs,
    bits: Option<BitUse>,
    stft: Stft,
    /// Samples of the frame that is being gathered.
    frame: Vec<f32>,
    /// Samples until the next frame begins.
    until_frame: usize,
    power: Vec<f32>,
    spectrum: Vec<f64>,
    frames: u32,
}

impl QualityMeter {
    /// For samples as the recording holds them.
    ///
    /// # Errors
    /// When its rate can't be transformed (below 2 Hz, or no number).
    pub fn new(info: &RecordingInfo) -> Result<QualityMeter, SpecError> {
        let frame_samples = (info.sample_rate_hz * FRAME_S).round() as usize;
        let stft = Stft::new(&SpectrumSpec {
            fft_size: frame_samples,
            window_samples: frame_samples,
            hop_samples: frame_samples,
            window: Window::Hann,
            scaling: Scaling::Density,
            sample_rate_hz: info.sample_rate_hz,
        })?;
        let stored = integer_bits(info);
        let step = 2f64.powi(1 - stored.unwrap_or(ASSUMED_BITS) as i32);
        let bins = stft.bins();
        Ok(QualityMeter {
            sample_rate_hz: info.sample_rate_hz,
            samples: 0,
            sum: 0.0,
            lowest: f32::INFINITY,
            highest: f32::NEG_INFINITY,
            clipping: Clipping::new(step),
            runs: Runs::new(step),
            bits: stored.and_then(BitUse::new),
            stft,
            frame: Vec::with_capacity(frame_samples),
            until_frame: 0,
            power: vec![0.0; bins],
            spectrum: vec![0.0; bins],
            frames: 0,
        })
    }

    /// The next samples. Those that are not a number were not recorded: a gap.
    pub fn push(&mut self, samples: &[f32]) {
        for run in samples.split(|x| !x.is_finite()) {
            self.push_run(run);
            if run.len() < samples.len() {
                self.gap();
            }
        }
    }

    /// What follows is not the next sample: a gap, or the next recording of the hour.
    pub fn gap(&mut self) {
        self.clipping.gap();
        self.runs.gap();
        self.frame.clear();
    }

    /// What was measured.
    pub fn finish(self) -> Quality {
        let (clipped, rail) = self.clipping.finish();
        let (dropouts, stuck) = self.runs.finish();
        let count = self.samples.max(1) as f64;
        let has_spectrum = self.frames > 0;
        let spectrum: Vec<f64> =
            self.spectrum.iter().map(|s| s / f64::from(self.frames.max(1))).collect();
        let bin_hz = self.stft.spec().bin_hz();
        Quality {
            samples: self.samples,
            sample_rate_hz: self.sample_rate_hz,
            clipped_share: clipped as f64 / count,
            rail,
            dc_share: self.sum / count,
            peak: f64::from(self.highest.max(-self.lowest).max(0.0)),
            dropouts,
            stuck,
            mains: has_spectrum.then(|| mains(&spectrum, bin_hz)).flatten(),
            content_end_hz: has_spectrum.then(|| content_end_hz(&spectrum, bin_hz)).flatten(),
            bits: self.bits.and_then(BitUse::finish),
        }
    }

    fn push_run(&mut self, samples: &[f32]) {
        self.samples += samples.len() as u64;
        for &x in samples {
            self.sum += f64::from(x);
            self.lowest = self.lowest.min(x);
            self.highest = self.highest.max(x);
            self.clipping.push(x);
            self.runs.push(x);
        }
        if let Some(bits) = &mut self.bits {
            samples.iter().for_each(|&x| bits.push(x));
        }
        self.gather_frames(samples);
    }

    fn gather_frames(&mut self, mut samples: &[f32]) {
        let width = self.stft.spec().window_samples;
        let every = (FRAME_EVERY_S * self.sample_rate_hz).round() as usize;
        while !samples.is_empty() {
            let skipped = self.until_frame.min(samples.len());
            self.until_frame -= skipped;
            samples = &samples[skipped..];
            let taken = (width - self.frame.len()).min(samples.len());
            self.frame.extend_from_slice(&samples[..taken]);
            samples = &samples[taken..];
            if self.frame.len() == width {
                self.stft.frame(&self.frame, &mut self.power);
                for (sum, p) in self.spectrum.iter_mut().zip(&self.power) {
                    *sum += f64::from(*p);
                }
                self.frames += 1;
                self.frame.clear();
                self.until_frame = every.saturating_sub(width);
            }
        }
    }
}

/// Bits of a sample that is stored as a whole number.
fn integer_bits(info: &RecordingInfo) -> Option<u32> {
    let whole = ["pcm_s", "pcm_u"].iter().any(|c| info.codec.starts_with(c));
    let bits = info.bits_per_sample;
    ((whole || info.codec == "flac") && (2..=32).contains(&bits)).then_some(bits)
}
