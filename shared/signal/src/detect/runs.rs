//! Runs of samples on the clock as samples at another rate, on positions.

use spyhop_api::Timestamp;
use spyhop_api::time::{frames_to_nanos, nanos_to_frames};

use crate::rate_change::{GiveSamples, RateChange};

/// Takes runs of samples at a recording's rate and gives samples at a listener's, by position: samples
/// since the clock's zero.
///
/// Where a run lies depends on its own start alone. One that begins where the last one ended, within a
/// sample, goes on with it: clocks of files are rounded, and a sample may be missing or there twice.
pub struct Runs {
    rate_hz: f64,
    change: RateChange,
    /// Position of the next sample at the recording's rate; `None` before the first run.
    next: Option<i64>,
    /// Samples of the coming run that are there twice.
    skip: usize,
    /// The sample before, to fill in one that is missing.
    last: f32,
}

impl Runs {
    /// Of recordings of a rate.
    pub fn new(rate_hz: f64, change: RateChange) -> Runs {
        Runs { rate_hz, change, next: None, skip: 0, last: 0.0 }
    }

    /// Samples a second that it gives.
    pub fn given_hz(&self) -> f64 {
        self.rate_hz * self.change.ratio()
    }

    /// When a sample that it gives was taken, by its position: nanoseconds on the clock.
    pub fn nanos(&self, position: i64) -> i64 {
        self.change.nanos(position, self.rate_hz)
    }

    /// How far around a sample that it gives those that it takes matter, nanoseconds.
    pub fn reach_ns(&self) -> i64 {
        frames_to_nanos(self.change.reach_samples() + 2, self.rate_hz)
    }

    /// A run begins whose first sample was taken at `start`; of these the first `skipped` are not given.
    /// Runs come in the order of the clock.
    pub fn begin(&mut self, start: Timestamp, skipped: u64, give: &mut GiveSamples<'_>) {
        let skipped = i64::try_from(skipped).unwrap_or(i64::MAX);
        let position = nanos_to_frames(start.0, self.rate_hz).saturating_add(skipped);
        self.skip = 0;
        match self.next.map(|next| position - next) {
            Some(-1) => self.skip = 1,
            Some(1) => self.change.push(position - 1, &[self.last], give),
            _ => {}
        }
        self.next = Some(position);
    }

    /// The next samples of the run; what is no number was not recorded.
    pub fn push(&mut self, samples: &[f32], give: &mut GiveSamples<'_>) {
        let Some(position) = self.next else { return };
        self.next = Some(position + samples.len() as i64);
        self.last = samples.last().copied().unwrap_or(self.last);
        let skipped = self.skip.min(samples.len());
        self.skip -= skipped;
        self.change.push(position + skipped as i64, &samples[skipped..], give);
    }

    /// Gives what is left; it may then begin anew.
    pub fn finish(&mut self, give: &mut GiveSamples<'_>) {
        self.change.finish(give);
        self.next = None;
    }
}
