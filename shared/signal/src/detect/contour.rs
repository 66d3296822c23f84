//! Contours: tonal calls of any shape, as dolphins whistle.
//!
//! A template can't know a signature whistle, so what is looked for is that a ridge holds together. The
//! steps are those of PAMGuard's whistle and moan detector (Gillespie, Caillat, Gordon and White,
//! *Automatic detection and classification of odontocete whistles*, J. Acoust. Soc. Am. 134, 2013): the
//! spectrogram is whitened over time, the median over frequency is taken off each frame (a click fills
//! all of it and goes), the rest is smoothed, and what then stands out is put together where it touches.
//! Harmonics are told by the contour below them.

mod harmonic;
mod ridge;
mod smooth;

use std::ops::Range;

use harmonic::Harmonics;
use ridge::Ridges;
use smooth::Smooth;

use super::curve::Curve;
use super::frames::FrameSpec;
use super::settings::ContourSettings;
use super::whitened::{Levels, Whitened};
use super::{Detector, Found};
use crate::spectrum::SpecError;

/// Frames in a window.
const PER_WINDOW: usize = 4;
/// A cell of the curve.
const CELL_S: f64 = 0.1;

/// A contour that has ended.
#[derive(Clone, Debug, PartialEq)]
struct Contour {
    /// For each frame from its first to its last: the row of its ridge, and its level.
    ridge: Vec<Option<(f32, f32)>>,
    first: i64,
    /// Lowest and highest row that belong to it.
    rows: Range<usize>,
}

impl Contour {
    fn frames(&self) -> Range<i64> {
        self.first..self.first + self.ridge.len() as i64
    }

    /// Mean level of the ridge.
    fn level_db(&self) -> f32 {
        let levels = self.ridge.iter().flatten().map(|(_, level)| *level);
        let count = self.ridge.iter().flatten().count();
        levels.sum::<f32>() / count.max(1) as f32
    }
}

/// The detector.
pub(super) struct ContourDetector {
    whitened: Whitened,
    rest: Rest,
}

/// What is done with the frames.
struct Rest {
    frames: FrameSpec,
    bins: Range<usize>,
    keep_from: f64,
    smooth: Smooth,
    ridges: Ridges,
    harmonics: Harmonics,
    curve: Curve,
    reach: i64,
}

impl ContourDetector {
    /// For samples at a rate that holds its band.
    ///
    /// # Errors
    /// When the transform can't be made.
    pub fn new(settings: &ContourSettings, rate_hz: f64) -> Result<ContourDetector, SpecError> {
        let frames = FrameSpec::of(rate_hz, settings.window_s, PER_WINDOW);
        let bins = frames.bins_in(settings.low_hz, settings.high_hz);
        let flat = (settings.flat_hz / frames.bin_hz()).round().max(3.0) as usize | 1;
        let longest = frames.frames_in(settings.longest_s);
        let gap = frames.frames_in(settings.gap_s);
        let least = frames.frames_in(settings.least_s);
        let floor = settings.noise.in_frames(&frames, 1);
        let reach = floor.reach() + 4 * longest + gap + 4;
        Ok(ContourDetector {
            whitened: Whitened::new(&frames, bins.clone(), &settings.noise)?,
            rest: Rest {
                keep_from: settings.keep_from,
                smooth: Smooth::new(bins.len(), flat),
                ridges: Ridges::new(settings.edge_db as f32, gap, least..longest + 1),
                harmonics: Harmonics::new(longest, bins.start),
                curve: Curve::new((CELL_S * rate_hz).round() as i64),
                reach: reach * frames.hop as i64 + frames.window as i64,
                frames,
                bins,
            },
        })
    }
}

impl Detector for ContourDetector {
    fn push(&mut self, position: i64, samples: &[f32], found: &mut Found) {
        let rest = &mut self.rest;
        self.whitened.push(position, samples, &mut |levels| rest.frame(&levels, found));
    }

    fn finish(&mut self, found: &mut Found) {
        let rest = &mut self.rest;
        self.whitened.finish(&mut |levels| rest.frame(&levels, found));
        rest.end(found);
        rest.curve.finish(&mut found.scores);
    }

    fn reach_samples(&self) -> i64 {
        self.rest.reach
    }

    fn cell_samples(&self) -> i64 {
        self.rest.curve.cell()
    }
}

impl Rest {
    fn frame(&mut self, levels: &Levels<'_>, found: &mut Found) {
        let above = &levels.above_db[..self.bins.len()];
        let mut ended = Vec::new();
        let Rest { smooth, ridges, curve, frames, .. } = self;
        smooth.push(levels.frame, above, &mut |frame, row| {
            let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            curve.add(frames.middle(frame), highest, &mut found.scores);
            ridges.push(frame, row, &mut ended);
        });
        self.tell(ended, Some(levels.frame), found);
    }

    fn end(&mut self, found: &mut Found) {
        let mut ended = Vec::new();
        let Rest { smooth, ridges, curve, frames, .. } = self;
        smooth.finish(&mut |frame, row| {
            let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            curve.add(frames.middle(frame), highest, &mut found.scores);
            ridges.push(frame, row, &mut ended);
        });
        ridges.finish(&mut ended);
        self.tell(ended, None, found);
    }

    /// Tells those contours that are no harmonics, as soon as that is known.
    fn tell(&mut self, ended: Vec<Contour>, now: Option<i64>, found: &mut Found) {
        ended.into_iter().for_each(|contour| self.harmonics.push(contour));
        let half_hop = self.frames.hop as i64 / 2;
        let Rest { harmonics, frames, bins, keep_from, .. } = self;
        harmonics.fundamentals(now, &mut |contour| {
            let score = contour.level_db();
            if f64::from(score) < *keep_from {
                return;
            }
            let at = contour.frames();
            let hz = |row: f64| (bins.start as f64 + row) * frames.bin_hz();
            found.calls.push(super::FoundCall {
                span: frames.middle(at.start) - half_hop..frames.middle(at.end - 1) + half_hop,
                band_hz: (hz(contour.rows.start as f64 - 0.5), hz(contour.rows.end as f64 - 0.5)),
                score,
                train: None,
            });
        });
    }
}
