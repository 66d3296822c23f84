//! Energy in a band over a slowly tracking noise floor.
//!
//! The oldest detector of all, and Raven's and PAMGuard's first one: what stands out of the noise of its
//! band by so many decibels, for as long as a call lasts.

use std::ops::Range;

use super::curve::Curve;
use super::energy_band::energy_band;
use super::frames::FrameSpec;
use super::grouping::{Grouping, Part};
use super::settings::EnergySettings;
use super::whitened::{Levels, Whitened};
use super::{Detector, Found, FoundCall};
use crate::spectrum::SpecError;

/// Frames in a window.
const PER_WINDOW: usize = 2;
/// A cell of the curve.
const CELL_S: f64 = 0.5;

/// The detector.
pub(super) struct EnergyDetector {
    whitened: Whitened,
    rest: Rest,
}

/// What is done with the frames.
struct Rest {
    settings: EnergySettings,
    frames: FrameSpec,
    bins: Range<usize>,
    /// Mean noise by the floor, which is a percentile of it.
    mean_of_floor: f64,
    grouping: Grouping<Stretch>,
    curve: Curve,
    reach: i64,
}

/// Frames that stand out.
struct Stretch {
    frames: Range<i64>,
    best_db: f32,
    /// Energy over the noise, by bin.
    excess: Vec<f64>,
}

impl Part for Stretch {
    fn join(&mut self, later: Stretch) {
        self.frames.end = self.frames.end.max(later.frames.end);
        self.best_db = self.best_db.max(later.best_db);
        self.excess.iter_mut().zip(later.excess).for_each(|(a, b)| *a += b);
    }
}

impl EnergyDetector {
    /// For samples at a rate that holds its band.
    ///
    /// # Errors
    /// When the transform can't be made.
    pub fn new(settings: &EnergySettings, rate_hz: f64) -> Result<EnergyDetector, SpecError> {
        let frames = FrameSpec::of(rate_hz, settings.window_s, PER_WINDOW);
        let bins = frames.bins_in(settings.low_hz, settings.high_hz);
        let gap = frames.frames_in(settings.gap_s);
        let grouping = Grouping::new(gap, frames.frames_in(settings.longest_s));
        let floor = settings.noise.in_frames(&frames, 1);
        // Power of noise in a bin is spread exponentially: its p-th quantile is −ln(1 − p) of its mean.
        let share = (settings.noise.percentile / 100.0).clamp(0.01, 0.99);
        let reach = (floor.reach() + grouping.reach() + 2) * frames.hop as i64;
        Ok(EnergyDetector {
            whitened: Whitened::new(&frames, bins.clone(), &settings.noise)?,
            rest: Rest {
                settings: *settings,
                frames,
                bins,
                mean_of_floor: -1.0 / (1.0 - share).ln(),
                grouping,
                curve: Curve::new((CELL_S * rate_hz).round() as i64),
                reach: reach + frames.window as i64,
            },
        })
    }
}

impl Detector for EnergyDetector {
    fn push(&mut self, position: i64, samples: &[f32], found: &mut Found) {
        let rest = &mut self.rest;
        self.whitened.push(position, samples, &mut |levels| rest.frame(&levels, found));
    }

    fn finish(&mut self, found: &mut Found) {
        let rest = &mut self.rest;
        self.whitened.finish(&mut |levels| rest.frame(&levels, found));
        let Rest { grouping, settings, frames, bins, .. } = rest;
        grouping.finish(&mut |stretch| found.calls.extend(call(&stretch, settings, frames, bins)));
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
        let Some((snr_db, _)) = levels.above_db.split_last() else { return };
        self.curve.add(self.frames.middle(levels.frame), *snr_db, &mut found.scores);
        if f64::from(*snr_db) < self.settings.edge_db {
            return;
        }
        let power = |db: &f32| 10f64.powf(f64::from(*db) / 10.0);
        let excess =
            |(level, floor): (&f32, &f32)| power(level) - self.mean_of_floor * power(floor);
        let bins = levels.level_db.iter().zip(levels.floor_db).take(self.bins.len());
        let stretch = Stretch {
            frames: levels.frame..levels.frame + 1,
            best_db: *snr_db,
            excess: bins.map(excess).collect(),
        };
        let Rest { grouping, settings, frames, bins, .. } = self;
        grouping.add(levels.frame..levels.frame + 1, stretch, &mut |stretch| {
            found.calls.extend(call(&stretch, settings, frames, bins));
        });
    }
}

/// The call that a stretch is, if it is one.
fn call(
    stretch: &Stretch,
    settings: &EnergySettings,
    frames: &FrameSpec,
    bins: &Range<usize>,
) -> Option<FoundCall> {
    let half_hop = frames.hop as i64 / 2;
    let start = frames.middle(stretch.frames.start) - half_hop;
    let end = frames.middle(stretch.frames.end - 1) + half_hop;
    let is_call = f64::from(stretch.best_db) >= settings.keep_from
        && (end - start) as f64 / frames.rate_hz >= settings.least_s;
    is_call.then(|| FoundCall {
        span: start..end,
        band_hz: energy_band(
            &stretch.excess,
            bins.start,
            frames.bin_hz(),
            (settings.low_hz, settings.high_hz),
        ),
        score: stretch.best_db,
        train: None,
    })
}
