//! Windows of recordings at any rate, as a network takes them.

use std::ops::Range;

use spyhop_api::time::frames_to_nanos;
use spyhop_api::{Timestamp, WindowPlan};

use super::Runs;
use super::windows::{Window, Windows};
use crate::rate_change::{RateChange, RateError};

/// Cuts runs of samples at a recording's rate into the windows of a plan.
pub struct RunWindows {
    runs: Runs,
    windows: Windows,
    plan: WindowPlan,
}

/// A window with samples of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct HeardWindow {
    /// Position of its first sample, at the plan's rate.
    pub position: i64,
    /// Its samples.
    pub samples: Vec<f32>,
    /// The positions that it speaks for.
    pub speaks_for: Range<i64>,
}

impl RunWindows {
    /// Of recordings of a rate.
    ///
    /// # Errors
    /// When one rate can't be made of the other.
    pub fn new(rate_hz: f64, plan: &WindowPlan) -> Result<RunWindows, RateError> {
        let runs = Runs::new(rate_hz, RateChange::to(rate_hz, plan.rate_hz)?);
        let windows = Windows::new(plan.window_samples, plan.hop_samples, plan.least_samples);
        Ok(RunWindows { runs, windows, plan: *plan })
    }

    /// What it cuts by.
    pub fn plan(&self) -> &WindowPlan {
        &self.plan
    }

    /// How far around a window samples of a recording matter to what becomes of it, nanoseconds.
    pub fn reach_ns(&self) -> i64 {
        2 * frames_to_nanos(self.windows.reach_samples(), self.plan.rate_hz) + self.runs.reach_ns()
    }

    /// A range of positions on the clock, nanoseconds.
    pub fn span_ns(&self, positions: &Range<i64>) -> Range<i64> {
        let nanos = |position| frames_to_nanos(position, self.plan.rate_hz);
        nanos(positions.start)..nanos(positions.end)
    }

    /// A run begins whose first sample was taken at `start`; of these the first `skipped` are not given.
    pub fn begin(&mut self, start: Timestamp, skipped: u64, cut: &mut Vec<HeardWindow>) {
        let RunWindows { runs, windows, .. } = self;
        runs.begin(start, skipped, &mut |at, samples| {
            windows.push(at, samples, &mut |window| cut.push(window.into()));
        });
    }

    /// The next samples of the run.
    pub fn push(&mut self, samples: &[f32], cut: &mut Vec<HeardWindow>) {
        let RunWindows { runs, windows, .. } = self;
        runs.push(samples, &mut |at, samples| {
            windows.push(at, samples, &mut |window| cut.push(window.into()));
        });
    }

    /// Gives what is left.
    pub fn finish(&mut self, cut: &mut Vec<HeardWindow>) {
        let RunWindows { runs, windows, .. } = self;
        runs.finish(&mut |at, samples| {
            windows.push(at, samples, &mut |window| cut.push(window.into()));
        });
        windows.end(&mut |window| cut.push(window.into()));
    }
}

impl From<Window<'_>> for HeardWindow {
    fn from(window: Window<'_>) -> HeardWindow {
        HeardWindow {
            position: window.position,
            samples: window.samples.to_vec(),
            speaks_for: window.speaks_for,
        }
    }
}
