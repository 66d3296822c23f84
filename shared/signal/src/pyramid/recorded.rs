//! Which samples lie where on the clock.

use std::collections::HashSet;
use std::ops::Range;

use spyhop_api::time::{NANOS_PER_S, frames_to_nanos, nanos_to_frames};
use spyhop_api::{RecordingInfo, Timestamp};

use super::WINDOW_SAMPLES;
use crate::line::{Line, LineError, Run};

/// A run of samples without a gap, on the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockRun {
    /// Which recording, as an index into what [`Recorded`] was made of.
    pub recording: usize,
    /// Index of its first frame in that recording.
    pub first_frame: u64,
    /// How many samples.
    pub frames: u64,
    /// When its first sample was taken, nanoseconds since 1970; where the recordings are not dated since
    /// the first of them.
    pub start_ns: i64,
    /// Whether it begins where the run before it ends, within half a sample.
    pub follows: bool,
}

/// The recorded runs of recordings of one rate, in clock order and without overlap.
///
/// Unlike the positions of a [`Line`] nothing here is counted from the first recording: where a run lies
/// depends on itself and on what it overlaps.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Samples a second.
    pub sample_rate_hz: f64,
    /// Whether the clock is a clock, and not the time since the first sample.
    pub dated: bool,
    /// The runs.
    pub runs: Vec<ClockRun>,
}

impl ClockRun {
    /// Which of its frames, counted from its first, are nearest to a span of the clock: borders fall as
    /// those of periods do. Empty where none are.
    pub fn frames_within(&self, span_ns: &Range<i64>, sample_rate_hz: f64) -> Range<u64> {
        let frame_at = |ns: i64| {
            let frame = nanos_to_frames(ns.saturating_sub(self.start_ns), sample_rate_hz);
            u64::try_from(frame).unwrap_or(0).min(self.frames)
        };
        let from = frame_at(span_ns.start);
        from..frame_at(span_ns.end).max(from)
    }
}

impl Recorded {
    /// Lays recordings on the clock. Returned beside it are those that are left out with the reason, as
    /// [`Line::new`] gives them. Where two runs overlap the later one is cut.
    ///
    /// # Errors
    /// When no recording has a sample.
    pub fn new(infos: &[RecordingInfo]) -> Result<(Recorded, Vec<(usize, String)>), LineError> {
        let (line, left_out) = Line::new(infos)?;
        let (rate, dated) = (line.sample_rate_hz, line.origin.is_some());
        let out: HashSet<usize> = left_out.iter().map(|(index, _)| *index).collect();
        let mut order: Vec<usize> = (0..infos.len()).filter(|i| !out.contains(i)).collect();
        if dated {
            order.sort_by(|&a, &b| {
                (infos[a].start, &infos[a].name).cmp(&(infos[b].start, &infos[b].name))
            });
        }
        let half_sample_ns = NANOS_PER_S as f64 / rate / 2.0;
        let mut runs: Vec<ClockRun> = Vec::new();
        for recording in order {
            for segment in &infos[recording].segments {
                let before = runs.last().map(|run| end_ns(run, rate));
                let start =
                    segment.start.filter(|_| dated).unwrap_or(Timestamp(before.unwrap_or(0)));
                let gap_ns = before.map_or(i64::MAX, |end| start.0.saturating_sub(end));
                let overlap = match gap_ns as f64 {
                    gap_ns if gap_ns < -half_sample_ns => nanos_to_frames(-(gap_ns as i64), rate),
                    _ => 0,
                };
                let cut = u64::try_from(overlap).unwrap_or(0);
                if segment.frames > cut {
                    runs.push(ClockRun {
                        recording,
                        first_frame: segment.first_frame + cut,
                        frames: segment.frames - cut,
                        start_ns: Timestamp::of_frame(start, overlap, rate).0,
                        follows: gap_ns as f64 <= half_sample_ns,
                    });
                }
            }
        }
        Ok((Recorded { sample_rate_hz: rate, dated, runs }, left_out))
    }

    /// From the first sample to the end of the last, nanoseconds.
    pub fn span_ns(&self) -> Range<i64> {
        match (self.runs.first(), self.runs.last()) {
            (Some(first), Some(last)) => first.start_ns..end_ns(last, self.sample_rate_hz),
            _ => 0..0,
        }
    }

    /// From the first sample of a run to the end of its last, nanoseconds.
    pub fn run_span_ns(&self, run: &ClockRun) -> Range<i64> {
        run.start_ns..end_ns(run, self.sample_rate_hz)
    }

    /// The runs on which frames depend whose centres lie in a span of the clock: those that touch it or
    /// lie within a window of it.
    pub fn within(&self, span_ns: &Range<i64>) -> Recorded {
        let reach_ns = frames_to_nanos(WINDOW_SAMPLES as i64, self.sample_rate_hz);
        let (start, end) =
            (span_ns.start.saturating_sub(reach_ns), span_ns.end.saturating_add(reach_ns));
        let from = self.runs.partition_point(|run| end_ns(run, self.sample_rate_hz) <= start);
        let to = self.runs.partition_point(|run| run.start_ns < end).max(from);
        let mut runs = self.runs[from..to].to_vec();
        if let Some(first) = runs.first_mut() {
            // What it follows has no frame here.
            first.follows = false;
        }
        Recorded { runs, ..*self }
    }

    /// The runs as positions to read samples by: those that follow one another touch, and between others
    /// one position is left out. Runs of the line are those of `runs`, in the same order.
    pub fn line(&self) -> Line {
        let mut end = 0;
        let place = |run: &ClockRun| {
            let position = if run.follows { end } else { end + 1 };
            let placed = Run {
                position,
                frames: run.frames,
                recording: run.recording,
                first_frame: run.first_frame,
            };
            end = placed.end();
            placed
        };
        let runs = self.runs.iter().map(place).collect();
        Line { sample_rate_hz: self.sample_rate_hz, origin: None, runs }
    }
}

/// When the sample after the last one of a run would be taken.
fn end_ns(run: &ClockRun, rate: f64) -> i64 {
    let frames = i64::try_from(run.frames).unwrap_or(i64::MAX);
    run.start_ns.saturating_add(frames_to_nanos(frames, rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{self, OpenOptions, wav_writer::wav_pcm16};

    /// 1000 frames at 1 kHz.
    fn info(name: &str) -> RecordingInfo {
        let bytes = wav_pcm16(&[1; 1000], 1, 1000);
        formats::open(name, Box::new(bytes), &OpenOptions::default()).expect("a WAV").info
    }

    fn moved(mut info: RecordingInfo, by_ns: i64) -> RecordingInfo {
        for start in info.segments.iter_mut().filter_map(|s| s.start.as_mut()) {
            start.0 += by_ns;
        }
        info.start = info.segments[0].start;
        info
    }

    #[test]
    fn runs_that_touch_within_half_a_sample_follow() {
        for (by_ns, follows, cut) in [
            (0, true, 0),
            (499_000, true, 0),
            (501_000, false, 0),
            (-499_000, true, 0),
            (-2_400_000, true, 2),
        ] {
            let infos =
                [info("x_20200101_000000.wav"), moved(info("x_20200101_000001.wav"), by_ns)];
            let (recorded, _) = Recorded::new(&infos).expect("recordings");
            let [first, second] = recorded.runs[..] else { panic!("{:?}", recorded.runs) };
            assert!(!first.follows && recorded.dated);
            assert_eq!((second.follows, second.first_frame), (follows, cut), "{by_ns}");
            assert_eq!(second.frames, 1000 - cut);
            let start_ns = infos[1].segments[0].start.expect("dated").0;
            assert_eq!(second.start_ns, start_ns + cut as i64 * 1_000_000);
        }
    }

    #[test]
    fn what_lies_before_a_run_changes_nothing_of_it() {
        let later = [info("x_20200101_000005.wav"), info("x_20200101_000006.wav")];
        let mut all = later.to_vec();
        all.push(moved(info("x_20200101_000000.wav"), 333_333));
        let (alone, _) = Recorded::new(&later).expect("recordings");
        let (more, _) = Recorded::new(&all).expect("recordings");
        assert_eq!(more.runs[1..], alone.runs);
        let span_ns = alone.span_ns();
        assert_eq!(more.within(&span_ns), alone.within(&span_ns));
        assert_eq!(span_ns.end - span_ns.start, 2 * NANOS_PER_S);
    }

    #[test]
    fn a_span_depends_on_runs_within_a_window_of_it() {
        let infos = [info("x_20200101_000000.wav"), info("x_20200101_000002.wav")];
        let (recorded, _) = Recorded::new(&infos).expect("recordings");
        let zero = recorded.runs[0].start_ns;
        let within = |from_ms: i64, to_ms: i64| {
            let span_ns = zero + from_ms * 1_000_000..zero + to_ms * 1_000_000;
            recorded.within(&span_ns).runs.iter().map(|run| run.recording).collect::<Vec<_>>()
        };
        assert_eq!(within(0, 1488), [0]);
        assert_eq!(within(0, 1489), [0, 1]);
        assert_eq!(within(1512, 1513), [1]);
        assert_eq!(within(1511, 1512), [0, 1]);
        assert_eq!(within(-900, -600), [0; 0]);
        assert_eq!(within(3512, 9000), [0; 0]);
    }

    #[test]
    fn undated_recordings_are_one_run_after_another_from_zero() {
        let (recorded, _) = Recorded::new(&[info("a.wav"), info("b.wav")]).expect("recordings");
        assert!(!recorded.dated);
        let starts: Vec<i64> = recorded.runs.iter().map(|run| run.start_ns).collect();
        assert_eq!(starts, [0, NANOS_PER_S]);
        assert!(recorded.runs[1].follows);
        let positions: Vec<i64> = recorded.line().runs.iter().map(|run| run.position).collect();
        assert_eq!(positions, [1, 1001]);
    }
}
