//! Moments of recordings: what stays of a candidate where only a clock is corrected.

use std::ops::Range;

use spyhop_api::RecordingInfo;
use spyhop_api::time::frames_to_nanos;
use spyhop_signal::pyramid::{ClockRun, Recorded};

/// The middle of something in a recording, whatever its clock says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedMoment {
    /// The fingerprint of the recording.
    pub recording: String,
    /// Since its first sample, nanoseconds.
    pub middle_ns: i64,
}

/// Where moments of recordings lie on the clock, and back.
#[derive(Clone, Copy)]
pub struct Moments<'a> {
    recorded: &'a Recorded,
    infos: &'a [RecordingInfo],
}

impl<'a> Moments<'a> {
    /// Of recordings that are laid on the clock.
    pub fn new(recorded: &'a Recorded, infos: &'a [RecordingInfo]) -> Moments<'a> {
        Moments { recorded, infos }
    }

    /// Whether the clock is a clock, and not the time since the first sample.
    pub fn are_dated(&self) -> bool {
        self.recorded.dated
    }

    /// What was recorded in the middle of a span of the clock; in a gap, as if the run before it went on.
    /// `None` where the recording is not known by its content.
    pub fn of(&self, span_ns: &Range<i64>) -> Option<RecordedMoment> {
        let runs = &self.recorded.runs;
        let middle_ns = span_ns.start.saturating_add(half_ns(span_ns));
        let after = runs.partition_point(|run| run.start_ns <= middle_ns);
        let run = runs.get(after.saturating_sub(1))?;
        let recording = self.print(run)?.to_owned();
        let of_run_ns = middle_ns.saturating_sub(run.start_ns);
        Some(RecordedMoment { recording, middle_ns: self.first_ns(run).saturating_add(of_run_ns) })
    }

    /// Where a span lies now of which that is the middle; `None` where it lies as before, or its recording is
    /// gone. Of several recordings of one content it is the one that is nearest to where it lay.
    pub fn moved_ns(&self, moment: &RecordedMoment, before_ns: &Range<i64>) -> Option<Range<i64>> {
        if self.of(before_ns).as_ref() == Some(moment) {
            return None;
        }
        let of_it = self.recorded.runs.iter();
        let of_it = of_it.filter(|run| self.print(run) == Some(moment.recording.as_str()));
        let before_middle_ns = half_ns(before_ns);
        let start_ns = |run: &ClockRun| {
            let of_run_ns = moment.middle_ns.saturating_sub(self.first_ns(run));
            run.start_ns.saturating_add(of_run_ns).saturating_sub(before_middle_ns)
        };
        // The last run that begins before it; the first where it is before all of them.
        let nearest = |run: &&ClockRun| {
            let first_ns = self.first_ns(run);
            let is_before = moment.middle_ns < first_ns;
            let moved_ns = start_ns(run).abs_diff(before_ns.start);
            (is_before, moment.middle_ns.abs_diff(first_ns), moved_ns)
        };
        let start_ns = start_ns(of_it.min_by_key(nearest)?);
        let now_ns = start_ns..start_ns.saturating_add(length_ns(before_ns));
        (now_ns != *before_ns).then_some(now_ns)
    }

    fn print(&self, run: &ClockRun) -> Option<&'a str> {
        let print = self.infos.get(run.recording)?.fingerprint.as_str();
        (!print.is_empty()).then_some(print)
    }

    fn first_ns(&self, run: &ClockRun) -> i64 {
        let first = i64::try_from(run.first_frame).unwrap_or(i64::MAX);
        frames_to_nanos(first, self.recorded.sample_rate_hz)
    }
}

fn length_ns(span_ns: &Range<i64>) -> i64 {
    span_ns.end.saturating_sub(span_ns.start)
}

fn half_ns(span_ns: &Range<i64>) -> i64 {
    length_ns(span_ns) / 2
}

#[cfg(test)]
pub mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    /// A recording of which no more is known than its content.
    pub fn info(fingerprint: &str) -> RecordingInfo {
        let text = serde_json::json!({
            "name": "a.wav", "fingerprint": fingerprint, "bytes": 0, "format": "", "codec": "",
            "sample_rate_hz": 1000.0, "channels": 1, "bits_per_sample": 16, "frames": 1,
            "duration_s": 1.0, "start": null, "start_source": "none", "start_zone": "",
            "start_uncertainty_s": null, "segments": [], "metadata": {}, "warnings": [],
        });
        serde_json::from_value(text).expect("a recording")
    }

    fn recorded(runs: &[(usize, u64, i64)]) -> Recorded {
        let run = |(recording, first_frame, start_s): &(usize, u64, i64)| ClockRun {
            recording: *recording,
            first_frame: *first_frame,
            frames: 10_000,
            start_ns: start_s * S,
            follows: false,
        };
        Recorded { sample_rate_hz: 1000.0, dated: true, runs: runs.iter().map(run).collect() }
    }

    /// Three seconds about the middle of a second.
    fn about(middle_s: i64) -> Range<i64> {
        (2 * middle_s - 3) * S / 2..(2 * middle_s + 3) * S / 2
    }

    #[test]
    fn a_moment_of_a_recording_is_found_again_whatever_the_clock_says() {
        let infos = [info("a"), info("b"), info("")];
        // Of the first recording two runs with a gap between them; later the clock runs faster.
        let before = recorded(&[(0, 0, 100), (0, 10_000, 150), (1, 0, 200), (2, 0, 300)]);
        let after = recorded(&[(1, 0, 1000), (0, 0, 4100), (0, 10_000, 4151), (2, 0, 5000)]);
        let (before, after) = (Moments::new(&before, &infos), Moments::new(&after, &infos));
        for (then_s, now_s) in [(103, 4103), (155, 4156), (101, 4101), (201, 1001), (99, 4099)] {
            let moment = before.of(&about(then_s)).expect("known by its content");
            assert_eq!(before.moved_ns(&moment, &about(then_s)), None);
            assert_eq!(after.moved_ns(&moment, &about(then_s)), Some(about(now_s)), "{then_s}");
        }
        // What lies in the gap stays there as long as nothing moves.
        let in_gap = before.of(&about(130)).expect("of the run before it");
        assert_eq!(before.moved_ns(&in_gap, &about(130)), None);
        assert_eq!(before.of(&about(305)), None, "nobody knows which recording it is");
        let gone = RecordedMoment { recording: "c".into(), middle_ns: 0 };
        assert_eq!(after.moved_ns(&gone, &about(103)), None);
    }

    #[test]
    fn of_two_recordings_of_one_content_the_nearer_one_is_meant() {
        let infos = [info("a"), info("a")];
        let laid = recorded(&[(0, 0, 100), (1, 0, 200)]);
        let moments = Moments::new(&laid, &infos);
        let later = recorded(&[(0, 0, 110), (1, 0, 210)]);
        let later = Moments::new(&later, &infos);
        for (then_s, now_s) in [(103, 113), (203, 213)] {
            let moment = moments.of(&about(then_s)).expect("known");
            assert_eq!(moments.moved_ns(&moment, &about(then_s)), None);
            assert_eq!(later.moved_ns(&moment, &about(then_s)), Some(about(now_s)));
        }
    }
}
