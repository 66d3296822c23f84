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
    /// that do not fit (another rate or channel count than the first, or undated among dated ones)
    /// with the reason. Where two runs overlap the later one is cut to what the earlier leaves.
    ///
    /// # Errors
    /// When no recording has a sample.
    pub fn new(infos: &[RecordingInfo]) -> Result<(Line, Vec<(usize, String)>), LineError> {
        let mut order: Vec<usize> = (0..infos.len())
            .filter(|&i| infos[i].frames > 0 && infos[i].sample_rate_hz > 0.0)
            .collect();
        let mut left_out: Vec<(usize, String)> = (0..infos.len())
            .filter(|i| !order.contains(i))
            .map(|i| (i, "it holds no samples".to_owned()))
            .collect();
        let first = *order.first().ok_or(LineError::Empty)?;
        let (rate, channels) = (infos[first].sample_rate_hz, infos[first].channels);
        let dated = order.iter().any(|&i| infos[i].start.is_some());
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
        self.runs[from..].iter().take_while(move |r| r.position < range.end).map(move |r| {
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
