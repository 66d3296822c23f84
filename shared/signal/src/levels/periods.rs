//! Periods of the clock: minutes begin where the clock's minutes do, whatever files begin and end.

use spyhop_api::Timestamp;
use spyhop_api::time::{frames_to_nanos, nanos_to_frames};

/// Cuts runs of samples at the borders of periods of the clock, which are counted from 1970. A sample
/// belongs to the period in which it lies; a border falls on the sample nearest to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Periods {
    sample_rate_hz: f64,
    period_ns: i64,
    run_start_ns: i64,
    /// The next sample, counted from the run's first.
    next: i64,
    index: i64,
    /// One past the last sample of the period, counted from the run's first.
    end: i64,
}

impl Periods {
    /// Periods of at least a nanosecond; the first run begins at 1970.
    pub fn new(sample_rate_hz: f64, period_ns: i64) -> Periods {
        let period_ns = period_ns.max(1);
        Periods { sample_rate_hz, period_ns, run_start_ns: 0, next: 0, index: 0, end: 0 }
    }

    /// A run of samples without a gap begins.
    pub fn begin(&mut self, start: Timestamp) {
        self.run_start_ns = start.0;
        (self.next, self.end) = (0, 0);
    }

    /// Where the next samples belong: the start of their period in nanoseconds since 1970, and how many
    /// of `available` samples do (0 only where none are). They are then passed.
    pub fn take(&mut self, available: usize) -> (i64, usize) {
        if self.end <= self.next {
            let after_start_ns = frames_to_nanos(self.next, self.sample_rate_hz);
            let at_ns = self.run_start_ns.saturating_add(after_start_ns);
            self.index = at_ns.div_euclid(self.period_ns);
            self.end = self.border();
            // The border before the sample is nearest to it.
            if self.end <= self.next {
                self.index = self.index.saturating_add(1);
                self.end = self.border();
            }
        }
        let room = usize::try_from(self.end - self.next).unwrap_or(0).max(1);
        let taken = available.min(room);
        self.next += taken as i64;
        (self.index.saturating_mul(self.period_ns), taken)
    }

    fn border(&self) -> i64 {
        let end_ns = self.index.saturating_add(1).saturating_mul(self.period_ns);
        nanos_to_frames(end_ns.saturating_sub(self.run_start_ns), self.sample_rate_hz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn pieces(periods: &mut Periods, mut samples: usize) -> Vec<(i64, usize)> {
        let mut pieces = Vec::new();
        while samples > 0 {
            let (start_ns, taken) = periods.take(samples);
            pieces.push((start_ns / SECOND, taken));
            samples -= taken;
        }
        pieces
    }

    #[test]
    fn runs_are_cut_at_the_clocks_minutes() {
        let mut periods = Periods::new(10.0, 60 * SECOND);
        periods.begin(Timestamp(50 * SECOND));
        assert_eq!(pieces(&mut periods, 750), [(0, 100), (60, 600), (120, 50)]);
        // What is pushed in pieces is cut at the same places.
        assert_eq!(pieces(&mut periods, 600), [(120, 550), (180, 50)]);
    }

    #[test]
    fn a_border_between_samples_falls_on_the_nearest_one() {
        let mut periods = Periods::new(10.0, SECOND);
        // 40 ms late: the border is nearest to sample 10, at 1.04 s.
        periods.begin(Timestamp(40_000_000));
        assert_eq!(pieces(&mut periods, 25), [(0, 10), (1, 10), (2, 5)]);
        // A nanosecond early: the first sample belongs to the second that begins there.
        periods.begin(Timestamp(5 * SECOND - 1));
        assert_eq!(pieces(&mut periods, 10), [(5, 10)]);
    }

    #[test]
    fn periods_shorter_than_a_sample_still_pass_every_sample() {
        let mut periods = Periods::new(1.0, 1);
        assert_eq!(pieces(&mut periods, 3).len(), 3);
        periods.begin(Timestamp(i64::MAX));
        assert_eq!(pieces(&mut periods, 3).iter().map(|p| p.1).sum::<usize>(), 3);
        periods.begin(Timestamp(i64::MIN));
        assert_eq!(pieces(&mut periods, 3).iter().map(|p| p.1).sum::<usize>(), 3);
    }
}
