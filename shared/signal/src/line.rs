//! A line: recordings of one instrument laid on one time axis, with gaps.
//!
//! Positions on a line are counted in samples from its origin (the start of its first recording), so
//! that gaps are just positions where nothing was recorded. Each run of samples is placed at the
//! sample nearest to its clock time; runs of undated recordings follow one another.

use spyhop_api::time::{frames_to_nanos, nanos_to_frames};
use spyhop_api::{RecordingInfo, Timestamp};

/// Recordings on one time axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Samples a second, the same for all recordings on the line.
    pub sample_rate_hz: f64,
    /// Clock time of position 0, where the recordings are dated.
    pub origin: Option<Timestamp>,
    /// Recorded runs, in order, without overlap.
    pub runs: Vec<Run>,
}

/// A run of samples without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Position of its first sample on the line.
    pub position: i64,
    /// How many samples.
    pub frames: u64,
    /// Which recording, as an index into what the line was made of.
    pub recording: usize,
    /// Index of its first frame in that recording.
    pub first_frame: u64,
}

impl Run {
    /// One past the position of its last sample.
    pub fn end(&self) -> i64 {
        self.position.saturating_add(i64::try_from(self.frames).unwrap_or(i64::MAX))
    }
}

/// Why recordings do not form a line, or which were left off it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LineError {
    /// Nothing to lay.
    #[error("there is no recording with samples to show")]
    Empty,
}

impl Line {
    /// Lays recordings on a line, in clock order. Returned beside it are the indices of recordings
    /// that do not fit (another rate or channel count than most of what was recorded, or undated among
    /// dated ones) with the reason. Where two runs overlap the later one is cut to what the earlier
    /// leaves.
    ///
    /// # Errors
    /// When no recording has a sample.
    pub fn new(infos: &[RecordingInfo]) -> Result<(Line, Vec<(usize, String)>), LineError> {
        let (mut order, empty): (Vec<usize>, Vec<usize>) =
            (0..infos.len()).partition(|&i| infos[i].frames > 0 && infos[i].sample_rate_hz > 0.0);
        let mut left_out: Vec<(usize, String)> =
            empty.into_iter().map(|i| (i, "it holds no samples".to_owned())).collect();
        let dated = order.iter().any(|&i| infos[i].start.is_some());
        let (rate, channels) = most_recorded(infos, &order, dated).ok_or(LineError::Empty)?;
        order.retain(|&i| {
            let reason = if infos[i].sample_rate_hz != rate {
                format!("its rate is {} Hz, the line's is {rate} Hz", infos[i].sample_rate_hz)
            } else if infos[i].channels != channels {
                format!("it has {} channels, the line has {channels}", infos[i].channels)
            } else if dated && infos[i].start.is_none() {
                "no start time is known for it".to_owned()
            } else {
                return true;
            };
            left_out.push((i, reason));
            false
        });
        if dated {
            order.sort_by_key(|&i| infos[i].start);
        }
        let origin = order.iter().filter_map(|&i| infos[i].start).min();
        let mut runs: Vec<Run> = Vec::new();
        for &recording in &order {
            for segment in &infos[recording].segments {
                let after = runs.last().map_or(0, Run::end);
                let position = match (segment.start, origin) {
                    (Some(t), Some(origin)) => nanos_to_frames(t.0.saturating_sub(origin.0), rate),
                    _ => after,
                };
                let cut = u64::try_from(after.saturating_sub(position)).unwrap_or(0);
                if segment.frames > cut {
                    runs.push(Run {
                        position: position.max(after),
                        frames: segment.frames - cut,
                        recording,
                        first_frame: segment.first_frame + cut,
                    });
                }
            }
        }
        if runs.is_empty() {
            return Err(LineError::Empty);
        }
        Ok((Line { sample_rate_hz: rate, origin, runs }, left_out))
    }

    /// One past the last position.
    pub fn end(&self) -> i64 {
        self.runs.last().map_or(0, Run::end)
    }

    /// The recorded parts of `range`, in order: `(position, run, frames)`, where `position` is the
    /// first position of the part and `run` is its run cut to begin there.
    pub fn parts(&self, range: std::ops::Range<i64>) -> impl Iterator<Item = Run> + '_ {
        let from = self.runs.partition_point(|r| r.end() <= range.start);
        let is_empty = range.is_empty();
        let inside =
            self.runs[from..].iter().take_while(move |r| r.position < range.end && !is_empty);
        inside.map(move |r| {
            let start = r.position.max(range.start);
            let end = r.end().min(range.end);
            let skipped = (start - r.position) as u64;
            Run {
                position: start,
                frames: (end - start) as u64,
                recording: r.recording,
                first_frame: r.first_frame + skipped,
            }
        })
    }

    /// Positions at which nothing was recorded, inside `range` and the line's own ends.
    pub fn gaps(&self, range: std::ops::Range<i64>) -> Vec<std::ops::Range<i64>> {
        self.runs
            .windows(2)
            .filter_map(|pair| {
                let gap = pair[0].end().max(range.start)..pair[1].position.min(range.end);
                (gap.start < gap.end).then_some(gap)
            })
            .collect()
    }

    /// Whether something was recorded at a position.
    pub fn is_recorded(&self, position: i64) -> bool {
        self.parts(position..position.saturating_add(1)).next().is_some()
    }

    /// Nanoseconds from the origin to a position.
    pub fn nanos_at(&self, position: i64) -> i64 {
        frames_to_nanos(position, self.sample_rate_hz)
    }

    /// The position nearest to a number of nanoseconds from the origin.
    pub fn position_at(&self, nanos: i64) -> i64 {
        nanos_to_frames(nanos, self.sample_rate_hz)
    }
}

/// The rate and channel count of which there is most recorded time, the first of equals; of the dated
/// recordings where there are some.
fn most_recorded(infos: &[RecordingInfo], order: &[usize], dated: bool) -> Option<(f64, u32)> {
    let mut kinds: Vec<((f64, u32), f64)> = Vec::new();
    for info in order.iter().map(|&i| &infos[i]).filter(|i| !dated || i.start.is_some()) {
        let kind = (info.sample_rate_hz, info.channels);
        let recorded_s = info.frames as f64 / info.sample_rate_hz;
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, all_s)) => *all_s += recorded_s,
            None => kinds.push((kind, recorded_s)),
        }
    }
    let longer = |a: ((f64, u32), f64), b: ((f64, u32), f64)| if b.1 > a.1 { b } else { a };
    kinds.into_iter().reduce(longer).map(|(kind, _)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{self, OpenOptions, wav_writer::wav_pcm16};

    /// A recording of 100 frames at 10 Hz, dated by its name or not.
    fn info(name: &str) -> RecordingInfo {
        let bytes = wav_pcm16(&[1; 100], 1, 10);
        formats::open(name, Box::new(bytes), &OpenOptions::default()).expect("a WAV").info
    }

    #[test]
    fn recordings_lie_at_their_clock_times_with_gaps_between_them() {
        let infos = [info("x_20200101_000030.wav"), info("x_20200101_000000.wav")];
        let (line, left_out) = Line::new(&infos).expect("a line");
        assert!(left_out.is_empty());
        assert_eq!(line.origin, infos[1].start);
        let places: Vec<_> = line.runs.iter().map(|r| (r.position, r.recording)).collect();
        assert_eq!(places, [(0, 1), (300, 0)]);
        assert_eq!((line.end(), line.gaps(0..400)), (400, vec![100..300]));
        assert_eq!(line.gaps(150..200), vec![150..200]);
        assert!(line.is_recorded(99) && !line.is_recorded(100) && line.is_recorded(300));
        assert!(!line.is_recorded(-1) && !line.is_recorded(400));
        assert_eq!((line.nanos_at(300), line.position_at(30_040_000_000)), (30_000_000_000, 300));
    }

    #[test]
    fn a_part_of_a_run_keeps_its_place_in_the_file() {
        let (line, _) = Line::new(&[info("x_20200101_000000.wav")]).expect("a line");
        let parts: Vec<Run> = line.parts(-5..30).chain(line.parts(90..200)).collect();
        let part = |position: i64, frames| Run {
            position,
            frames,
            recording: 0,
            first_frame: position as u64,
        };
        assert_eq!(parts, [part(0, 30), part(90, 10)]);
        assert_eq!(line.parts(100..200).count(), 0);
        assert_eq!(line.parts(50..50).count(), 0);
    }

    #[test]
    fn where_recordings_overlap_the_later_one_is_cut() {
        let infos = [info("x_20200101_000000.wav"), info("x_20200101_000004.wav")];
        let (line, _) = Line::new(&infos).expect("a line");
        assert_eq!(line.runs[1], Run { position: 100, frames: 40, recording: 1, first_frame: 60 });
        assert_eq!(line.end(), 140);
    }

    #[test]
    fn undated_recordings_follow_one_another() {
        let (line, left_out) = Line::new(&[info("a.wav"), info("b.wav")]).expect("a line");
        assert!(left_out.is_empty() && line.origin.is_none());
        assert_eq!(line.runs.iter().map(|r| r.position).collect::<Vec<_>>(), [0, 100]);
    }

    #[test]
    fn what_most_of_it_is_stays_whatever_comes_first() {
        let mut stereo = info("x_20200101_000000.wav");
        stereo.channels = 2;
        let undated = RecordingInfo { channels: 2, frames: 1000, ..info("undated.wav") };
        let mono = [info("x_20200101_000100.wav"), info("x_20200101_000200.wav")];
        let infos = [undated, stereo, mono[0].clone(), mono[1].clone()];
        let (line, left_out) = Line::new(&infos).expect("a line");
        assert_eq!(line.runs.iter().map(|r| r.recording).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(left_out.len(), 2);
    }

    #[test]
    fn what_does_not_fit_is_left_out_with_its_reason() {
        let mut fast = info("x_20200101_000100.wav");
        fast.sample_rate_hz = 20.0;
        let mut stereo = info("x_20200101_000200.wav");
        stereo.channels = 2;
        let mut empty = info("x_20200101_000300.wav");
        empty.frames = 0;
        let infos = [info("x_20200101_000000.wav"), fast, stereo, empty, info("undated.wav")];
        let (line, mut left_out) = Line::new(&infos).expect("a line");
        assert_eq!(line.runs.len(), 1);
        left_out.sort();
        let expected = ["20 Hz", "2 channels", "no samples", "no start time"];
        assert_eq!(left_out.len(), expected.len());
        for ((index, reason), (i, part)) in left_out.iter().zip((1..).zip(expected)) {
            assert!(*index == i && reason.contains(part), "{index}: {reason}");
        }
        assert_eq!(Line::new(&infos[3..4]).map(|_| ()), Err(LineError::Empty));
    }
}
