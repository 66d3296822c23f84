//! Templates of calls: how a sweep looks in a whitened spectrogram.
//!
//! A template is a contour through time and frequency. Across it the weights are a Gaussian's second
//! derivative: what lies on the contour speaks for the call, what lies beside it against it (Mellinger
//! and Clark, *Recognizing transient low-frequency whale sounds by spectrogram correlation*, J. Acoust.
//! Soc. Am. 107, 2000).

use std::ops::Range;

use super::frames::FrameSpec;
use super::settings::{CorrelationSettings, Sweeps};

/// Beyond so many widths the weights are none.
const WIDTHS: f64 = 3.0;

/// The weights of one template.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template {
    /// How many frames it lasts.
    pub frames: usize,
    /// Rows of the band that it looks at.
    pub rows: Range<usize>,
    /// Frame by frame, one weight a row. Each frame's sum is 0, the sum of all squares 1.
    pub weights: Vec<f32>,
}

impl Template {
    /// All sweeps of the settings. `bins` are those of the band; its rows count from the first of them.
    pub fn all(
        settings: &CorrelationSettings,
        frames: &FrameSpec,
        bins: &Range<usize>,
    ) -> Vec<Template> {
        let Sweeps { duration_s, start_hz, end_hz, bend, least_sweep_hz } = &settings.sweeps;
        let mut all = Vec::new();
        for duration in duration_s {
            for start in start_hz {
                for end in end_hz.iter().filter(|end| (*end - start).abs() >= *least_sweep_hz) {
                    let contour = |u: f64| start + (end - start) * u.powf(*bend);
                    all.extend(Template::of(&contour, *duration, settings.width_hz, frames, bins));
                }
            }
        }
        all
    }

    /// The template of a contour: frequency in hertz at a part, 0 to 1, of its duration. `None` where it
    /// lies outside the band.
    pub fn of(
        contour_hz: &dyn Fn(f64) -> f64,
        duration_s: f64,
        width_hz: f64,
        spec: &FrameSpec,
        bins: &Range<usize>,
    ) -> Option<Template> {
        let frames = spec.frames_in(duration_s) as usize;
        let centres: Vec<f64> =
            (0..frames).map(|t| contour_hz((t as f64 + 0.5) / frames as f64)).collect();
        let lowest = centres.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = centres.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let reach = WIDTHS * width_hz;
        let looked_at = spec.bins_in(lowest - reach, highest + reach);
        let looked_at = looked_at.start.max(bins.start)..looked_at.end.min(bins.end);
        if looked_at.len() < 2 {
            return None;
        }
        let mut weights = Vec::with_capacity(frames * looked_at.len());
        for centre in centres {
            let of_bin = |bin: usize| {
                let z2 = ((bin as f64 * spec.bin_hz() - centre) / width_hz).powi(2);
                (1.0 - z2) * (-0.5 * z2).exp()
            };
            let column: Vec<f64> = looked_at.clone().map(of_bin).collect();
            let mean = column.iter().sum::<f64>() / column.len() as f64;
            weights.extend(column.iter().map(|w| w - mean));
        }
        let norm = weights.iter().map(|w| w * w).sum::<f64>().sqrt();
        if !(norm > 0.0) {
            return None;
        }
        let weights = weights.iter().map(|w| (w / norm) as f32).collect();
        let rows = looked_at.start - bins.start..looked_at.end - bins.start;
        Some(Template { frames, rows, weights })
    }
}
