//! How fast jobs go, and how long they will take at that speed.

use std::collections::{HashMap, VecDeque};

use spyhop_api::job::{JobProgress, JobState};

/// Speeds are taken over this long, ms.
const WINDOW_MS: i64 = 60_000;
/// Between two samples, ms.
const SAMPLE_MS: i64 = 1000;
/// A shorter look says nothing, ms.
const LEAST_MS: i64 = 900;

/// The speeds of all jobs.
#[derive(Default)]
pub struct Meter {
    jobs: HashMap<i64, Speed>,
    all: Speed,
}

/// How much was done when, of something whose size is known.
#[derive(Default)]
struct Speed {
    total: u64,
    samples: VecDeque<(i64, f64)>,
}

impl Meter {
    /// Puts speed and time left into a job, of whose running units `running_done` are done.
    pub fn measure(&mut self, job: &mut JobProgress, running_done: f64, now_ms: i64) {
        if !matches!(job.state, JobState::Running | JobState::Waiting) {
            self.jobs.remove(&job.id);
            return;
        }
        let done = job.done as f64 + running_done;
        // A unit that failed took its time, too.
        let ended = done + job.failed as f64;
        let speed = self.jobs.entry(job.id).or_default();
        // What a submission changes at once is no speed.
        if speed.total != job.total {
            *speed = Speed { total: job.total, ..Speed::default() };
        }
        let per_s = speed.take(ended, now_ms);
        let left = (job.total as f64 - ended).max(0.0);
        job.fraction = if job.total == 0 { 1.0 } else { (done / job.total as f64).min(1.0) };
        job.units_per_s = per_s.unwrap_or(0.0);
        job.time_left_s = per_s.filter(|s| *s > 0.0).map(|s| left / s);
    }

    /// Units a second of everything, from how many have ended since the engine began.
    pub fn measure_all(&mut self, ended: f64, now_ms: i64) -> f64 {
        self.all.take(ended, now_ms).unwrap_or(0.0)
    }
}

impl Speed {
    /// Notes a sample down; the units a second since the oldest in the window.
    fn take(&mut self, done: f64, now_ms: i64) -> Option<f64> {
        // A clock that was set back, or work that was put back or is to be tried again.
        if self.samples.back().is_some_and(|(at, before)| now_ms < *at || done + 0.9 < *before) {
            self.samples.clear();
        }
        while self.samples.len() > 1 && self.samples[0].0 < now_ms - WINDOW_MS {
            self.samples.pop_front();
        }
        if self.samples.back().is_none_or(|(at, _)| now_ms - at >= SAMPLE_MS) {
            self.samples.push_back((now_ms, done));
        }
        let (since, before) = *self.samples.front()?;
        (now_ms - since >= LEAST_MS)
            .then(|| ((done - before) / ((now_ms - since) as f64 / 1000.0)).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_api::Timestamp;

    fn job(done: u64, total: u64) -> JobProgress {
        JobProgress {
            id: 1,
            key: String::new(),
            kind: String::new(),
            title: String::new(),
            deployment: None,
            priority: 0,
            state: JobState::Running,
            created: Timestamp(0),
            changed: Timestamp(0),
            total,
            waiting: total - done,
            running: 0,
            done,
            failed: 0,
            fraction: 0.0,
            units_per_s: 0.0,
            time_left_s: None,
            sound_h: None,
        }
    }

    #[test]
    fn ten_units_a_second_take_ninety_seconds_for_nine_hundred() {
        let mut meter = Meter::default();
        let mut last = job(0, 1000);
        for second in 0..=10 {
            last = job(10 * second, 1000);
            meter.measure(&mut last, 0.0, 1000 * second as i64);
        }
        assert!((last.units_per_s - 10.0).abs() < 1e-9);
        assert!((last.time_left_s.expect("known") - 90.0).abs() < 1e-6);
    }

    #[test]
    fn two_long_units_tell_a_time_before_either_is_done() {
        let mut meter = Meter::default();
        let mut last = job(0, 2);
        for second in 0..=20 {
            last = job(0, 2);
            meter.measure(&mut last, 2.0 * second as f64 / 100.0, 1000 * second);
        }
        assert!((last.time_left_s.expect("known") - 80.0).abs() < 1e-6);
        assert!((last.fraction - 0.2).abs() < 1e-9);
    }

    #[test]
    fn failures_are_on_the_way_to_the_end_and_no_new_beginning() {
        let mut meter = Meter::default();
        let mut last = job(0, 100);
        for second in 0..=10 {
            last = JobProgress { failed: second, ..job(3 * second, 100) };
            meter.measure(&mut last, 0.0, 1000 * second as i64);
        }
        assert!((last.time_left_s.expect("known") - 15.0).abs() < 1e-9, "60 left, 4 a second");
        let mut again = JobProgress { failed: 0, ..job(30, 100) };
        meter.measure(&mut again, 0.0, 20_000);
        assert_eq!(again.time_left_s, None, "tried again: measured anew");
    }

    #[test]
    fn what_was_done_before_is_no_speed() {
        let mut meter = Meter::default();
        let mut first = job(900, 1000);
        meter.measure(&mut first, 0.0, 0);
        assert_eq!((first.units_per_s, first.time_left_s), (0.0, None));
        let mut grown = job(950, 2000);
        meter.measure(&mut grown, 0.0, 5000);
        assert_eq!(grown.time_left_s, None, "the job grew: measured anew");
    }
}
