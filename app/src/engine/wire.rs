//! What the page says to the workers that show and play, and what they answer.

use serde::{Deserialize, Serialize};
use spyhop_api::view::{Listening, SpectrumSettings};
use spyhop_api::{Calibration, RecordingInfo};
use spyhop_signal::Line;
use spyhop_signal::line::Run;
use spyhop_workers::Sources;

/// Something that a worker is to do. Every job is answered once, with its number.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// Replaces what is open. Objects: see [`Sources`].
    Sources(Sources),
    /// Replaces the line.
    Line(LineWire),
    /// Opens a source and describes it: [`Answer::Info`].
    Open { job: u32, source: usize },
    /// Columns of a picture: [`Answer::Columns`].
    Columns { job: u32, columns: ColumnsWire },
    /// Minimum, maximum and mean square of columns: [`Answer::Wave`].
    Wave { job: u32, channel: u32, column_samples: u64, first_column: i64, columns: usize },
    /// Samples: [`Answer::Samples`].
    Samples { job: u32, start: i64, end: i64, channel: u32 },
    /// Measures of a box: [`Answer::Measures`].
    Measure {
        job: u32,
        start: i64,
        end: i64,
        channel: u32,
        band_hz: (f64, f64),
        spectrum: SpectrumSettings,
        calibration: Option<Calibration>,
    },
    /// A spectrum: [`Answer::Slice`].
    Slice { job: u32, start: i64, end: i64, channel: u32, spectrum: SpectrumSettings },
    /// Transforms samples that are in memory, for so long: [`Answer::Speed`].
    Speed { job: u32, spectrum: SpectrumSettings, duration_ms: f64 },
    /// Looks for a GPU, with `force` also for one in software: [`Answer::Gpu`].
    Gpu { force: bool },
    /// Drops the jobs up to this number that are not answered yet; they answer [`Answer::Dropped`].
    Drop { job: u32 },
    /// Begins to play. Objects: the port to whoever plays, which gets [`ChunkWire`]s and samples.
    Play(PlayWire),
    /// Renders the next frames of what plays; comes through the port as well, as a bare number.
    Render { frames: usize },
}

impl Order {
    /// The number under which it is answered.
    pub fn job(&self) -> Option<u32> {
        match self {
            Order::Open { job, .. }
            | Order::Columns { job, .. }
            | Order::Wave { job, .. }
            | Order::Samples { job, .. }
            | Order::Measure { job, .. }
            | Order::Slice { job, .. }
            | Order::Speed { job, .. } => Some(*job),
            _ => None,
        }
    }
}

/// What a worker answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// It can be given orders.
    Ready,
    /// The GPU that a worker has found, or that it has none any more.
    Gpu { adapter: Option<String> },
    /// What opening told.
    Info { job: u32, info: Box<RecordingInfo> },
    /// Objects: mean, maximum, wave form (three values a column).
    Columns { job: u32, frames: Vec<u32>, exact: bool, on_gpu: bool, cost: Cost },
    /// Objects: wave form (three values a column).
    Wave { job: u32, cost: Cost },
    /// Objects: samples.
    Samples { job: u32 },
    /// See [`spyhop_signal::measure::measure_box`].
    Measures { job: u32, measures: Box<spyhop_signal::measure::BoxMeasures> },
    /// Objects: mean and maximum.
    Slice { job: u32, bin_hz: f64, frames: usize },
    /// How fast samples in memory are transformed.
    Speed { job: u32, samples_per_s: f64 },
    /// It could not be done.
    Failed { job: u32, message: String },
    /// The worker broke down, and has to be replaced.
    Panicked { message: String },
    /// It was not wanted any more.
    Dropped { job: u32 },
}

/// What a job took.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Cost {
    /// From taking it up to answering.
    pub elapsed_ms: f64,
    /// Bytes read from disk or net for it.
    pub bytes_read: u64,
    /// How long they were waited for.
    pub read_ms: f64,
}

/// A line.
#[derive(Debug, Serialize, Deserialize)]
pub struct LineWire {
    sample_rate_hz: f64,
    /// Position, frames, recording, first frame.
    runs: Vec<(i64, u64, usize, u64)>,
}

impl From<&Line> for LineWire {
    fn from(line: &Line) -> LineWire {
        let runs = line.runs.iter().map(|r| (r.position, r.frames, r.recording, r.first_frame));
        LineWire { sample_rate_hz: line.sample_rate_hz, runs: runs.collect() }
    }
}

impl LineWire {
    /// Gives recordings other numbers: recording `i` becomes `numbers[i]`.
    pub fn number_recordings(&mut self, numbers: &[usize]) {
        for run in &mut self.runs {
            run.2 = numbers.get(run.2).copied().unwrap_or(run.2);
        }
    }
}

impl From<LineWire> for Line {
    fn from(wire: LineWire) -> Line {
        let run = |(position, frames, recording, first_frame)| Run {
            position,
            frames,
            recording,
            first_frame,
        };
        Line {
            sample_rate_hz: wire.sample_rate_hz,
            origin: None,
            runs: wire.runs.into_iter().map(run).collect(),
        }
    }
}

/// [`spyhop_signal::spectrum::ColumnsSpec`] of a channel.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ColumnsWire {
    pub spectrum: SpectrumSettings,
    pub channel: u32,
    pub column_samples: u64,
    pub first_column: i64,
    pub columns: usize,
    pub first_row: usize,
    pub rows: usize,
    pub bins_per_row: usize,
    /// Frames a column, or all of them.
    pub sampled: Option<usize>,
}

/// What is to be played.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlayWire {
    pub start: i64,
    pub end: i64,
    /// Where to begin, inside `start..end`.
    pub from: i64,
    pub channel: u32,
    pub listening: Listening,
    pub view_band_hz: (f64, f64),
    pub device_rate_hz: f64,
}
