//! A slice: the mean spectrum of a stretch of samples, with its peak and the widths of the peak.

use spyhop_api::Calibration;
use spyhop_api::view::SpectrumSettings;

use crate::levels::power_gains;
use crate::spectrum::{SpecError, SpectrumSpec, Stft};

/// The averaged spectrum of a stretch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slice {
    /// Hertz from one bin to the next.
    pub bin_hz: f64,
    /// Mean power of each bin, in the unit that the settings' scaling gives.
    pub mean: Vec<f32>,
    /// Greatest power of each bin.
    pub max: Vec<f32>,
    /// How many frames were averaged; 0 where nothing was recorded.
    pub frames: usize,
}

/// A peak of a slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// Frequency of the peak in hertz, between bins by a parabola through three levels in dB.
    pub hz: f64,
    /// Level there in dB (of the slice's unit).
    pub level_db: f64,
    /// Where the level has fallen by 3 dB on either side, interpolated; `None` where it does not
    /// fall that far on both sides.
    pub width_3db_hz: Option<(f64, f64)>,
    /// The same for 10 dB.
    pub width_10db_hz: Option<(f64, f64)>,
}

impl Slice {
    /// The averaged spectrum of `samples`: frames as the settings say, the first beginning at the
    /// first sample. Samples that are not a number were not recorded; they count as zeros, and a frame
    /// counts when its centre was recorded. A stretch shorter than the window gives one frame, filled
    /// up with zeros.
    ///
    /// # Errors
    /// When the settings can't be transformed.
    pub fn of(
        samples: &[f32],
        sample_rate_hz: f64,
        settings: &SpectrumSettings,
    ) -> Result<Slice, SpecError> {
        let spec = SpectrumSpec::from((settings, sample_rate_hz));
        let mut stft = Stft::new(&spec)?;
        let mut power = vec![0.0f32; spec.bins()];
        let mut sum = vec![0.0f64; spec.bins()];
        let mut max = vec![0.0f32; spec.bins()];
        let mut frames = 0;
        let mut part: Vec<f32> = Vec::with_capacity(spec.window_samples);
        for frame in 0..spec.frames_in(samples.len()).max(1) {
            let start = frame * spec.hop_samples;
            part.clear();
            part.extend(samples.iter().skip(start).take(spec.window_samples));
            if !part.get(part.len() / 2).is_some_and(|x| x.is_finite()) {
                continue;
            }
            part.iter_mut().filter(|x| !x.is_finite()).for_each(|x| *x = 0.0);
            stft.frame(&part, &mut power);
            for ((sum, max), p) in sum.iter_mut().zip(&mut max).zip(&power) {
                *sum += f64::from(*p);
                *max = max.max(*p);
            }
            frames += 1;
        }
        let mean = sum.iter().map(|p| (p / frames.max(1) as f64) as f32).collect();
        Ok(Slice { bin_hz: spec.bin_hz(), mean, max, frames })
    }

    /// Turns power of full scale to pressure, bin by bin; outside of a calibration's table nothing is a
    /// number.
    pub fn calibrate(&mut self, calibration: &Calibration) {
        let gains = power_gains(Some(calibration), self.bin_hz, self.mean.len());
        for ((mean, max), gain) in self.mean.iter_mut().zip(&mut self.max).zip(gains) {
            *mean *= gain as f32;
            *max *= gain as f32;
        }
    }

    /// The highest peak between two frequencies, with its widths, from the mean spectrum. DC and the
    /// bin beside it are never the peak. `None` where there is no power in the band.
    pub fn peak(&self, low_hz: f64, high_hz: f64) -> Option<Peak> {
        let level = |bin: usize| 10.0 * f64::from(self.mean[bin]).log10();
        let top = (0..self.mean.len())
            .skip(2)
            .filter(|&bin| (low_hz..=high_hz).contains(&(bin as f64 * self.bin_hz)))
            .filter(|&bin| self.mean[bin] > 0.0 && self.mean[bin].is_finite())
            .max_by(|&a, &b| self.mean[a].total_cmp(&self.mean[b]))?;
        let (mut offset, mut level_db) = (0.0, level(top));
        if top + 1 < self.mean.len() {
            let (left, right) = (level(top - 1), level(top + 1));
            let bend = left - 2.0 * level_db + right;
            if bend.is_finite() && bend < 0.0 && level_db >= left && level_db >= right {
                offset = 0.5 * (left - right) / bend;
                level_db -= 0.25 * (left - right) * offset;
            }
        }
        let hz = (top as f64 + offset) * self.bin_hz;
        let width = |fall_db: f64| {
            let goal = level_db - fall_db;
            let low = self.crossing(goal, (0..top).rev().map(|bin| (bin, bin + 1)))?;
            let high = self.crossing(goal, (top + 1..self.mean.len()).map(|bin| (bin, bin - 1)))?;
            Some((low, high))
        };
        Some(Peak { hz, level_db, width_3db_hz: width(3.0), width_10db_hz: width(10.0) })
    }

    /// The first place on a way of `(outer, inner)` bins where the level is no more than `goal` dB.
    fn crossing(&self, goal: f64, way: impl Iterator<Item = (usize, usize)>) -> Option<f64> {
        let level = |bin: usize| 10.0 * f64::from(self.mean[bin].max(f32::MIN_POSITIVE)).log10();
        for (outer, inner) in way {
            // Beyond a calibration's table nothing is known of how far it falls.
            if self.mean[outer].is_nan() {
                return None;
            }
            let (lower, upper) = (level(outer), level(inner));
            if lower <= goal {
                let share = if upper > lower { (goal - lower) / (upper - lower) } else { 0.0 };
                let bin = outer as f64 + share.clamp(0.0, 1.0) * (inner as f64 - outer as f64);
                return Some(bin * self.bin_hz);
            }
        }
        None
    }
}
