//! Columns of a level from samples.

use std::ops::Range;

use spyhop_api::ColumnSamples;
use spyhop_api::time::{frames_to_nanos, nanos_to_frames};

use super::{BANDS, ClockRun, Grid, HOP_SAMPLES, Recorded, WINDOW_SAMPLES};
use crate::line::Line;
use crate::spectrum::{Pool, ReadSamples, SampleBuffer, SpecError, Stft, Wave};

/// Mean and maximum power of successive columns of one level, and the wave form of their samples.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelColumns {
    /// Index of the first column on the clock grid.
    pub first_column: i64,
    /// Bands of a column.
    pub bands: usize,
    /// Frames of the transform in each column; 0 is a gap.
    pub frames: Vec<u32>,
    /// Mean one-sided power in FS²/Hz, `mean[column * bands + band]`; 0 in a gap.
    pub mean: Vec<f32>,
    /// Largest power of any frame, shaped like `mean`.
    pub max: Vec<f32>,
    /// The samples of each column. There may be some where no frame is.
    pub samples: Vec<ColumnSamples>,
}

/// Samples read in one piece: 1 MiB, about a millisecond of transforms between looks at `cancelled`.
const PIECE_SAMPLES: usize = 1 << 18;
/// A column that is shorter than this many samples has a frame of its own in its middle, and not those
/// of the run whose centres happen to lie in it (often none).
const POOLED_FROM_SAMPLES: i64 = 2 * HOP_SAMPLES as i64;

impl LevelColumns {
    /// Columns of nothing.
    pub fn gap(first_column: i64, columns: usize, bands: usize) -> LevelColumns {
        LevelColumns {
            first_column,
            bands,
            frames: vec![0; columns],
            mean: vec![0.0; columns * bands],
            max: vec![0.0; columns * bands],
            samples: vec![ColumnSamples::default(); columns],
        }
    }
}

/// Transforms the samples of some columns of a level. `recorded` may be all of a deployment or what
/// [`Recorded::within`] leaves of it for the columns' span; `read` reads positions of
/// [`Recorded::line`] of just that.
///
/// Memory does not grow with the length of the columns. Nothing depends on which other columns are asked
/// for, bit for bit.
///
/// Gives `None` when `cancelled` said so; it is asked at least every 262 144 samples.
///
/// # Errors
/// When the grid's rate makes no transform, or with the message of `read`.
pub fn transform(
    grid: &Grid,
    level: i32,
    columns: Range<i64>,
    recorded: &Recorded,
    read: &mut ReadSamples<'_>,
    cancelled: &mut dyn FnMut() -> bool,
) -> Result<Option<LevelColumns>, String> {
    let count = usize::try_from(columns.end.saturating_sub(columns.start)).unwrap_or(0);
    let line = recorded.line();
    let stft = Stft::new(&grid.spectrum()).map_err(|e: SpecError| e.to_string())?;
    let mut work = Work {
        grid,
        level,
        recorded,
        stft,
        pool: Pool::new(0, BANDS),
        buffer: SampleBuffer::new(PIECE_SAMPLES, line.end()),
        line,
        read,
        out: LevelColumns::gap(columns.start, count, BANDS),
    };
    let column_samples = nanos_to_frames(grid.column_ns(level), grid.sample_rate_hz());
    let finished = if column_samples < POOLED_FROM_SAMPLES {
        work.one_frame_each(cancelled)?
    } else {
        work.pooled(cancelled)?
    };
    Ok(finished.then_some(work.out))
}

struct Work<'a, 'r> {
    grid: &'a Grid,
    level: i32,
    recorded: &'a Recorded,
    /// Positions of the recorded runs, run by run.
    line: Line,
    stft: Stft,
    pool: Pool,
    buffer: SampleBuffer,
    read: &'a mut ReadSamples<'r>,
    out: LevelColumns,
}

/// Moments of a run that lie evenly on the clock: its samples, or the centres of its frames.
struct Moments {
    /// When the first is.
    first_ns: i64,
    /// Samples from one to the next.
    every: i64,
    count: i64,
    rate: f64,
}

impl Moments {
    fn at(&self, index: i64) -> i64 {
        self.first_ns.saturating_add(frames_to_nanos(index * self.every, self.rate))
    }

    /// The first that does not lie before an instant; `count` where all do.
    fn first_at(&self, nanos: i64) -> i64 {
        let since = nanos_to_frames(nanos.saturating_sub(self.first_ns), self.rate);
        let near = since.div_euclid(self.every).clamp(0, self.count);
        // The nearest and its neighbours: what is rounded is less than a sample.
        let mut index = (near - 1).max(0);
        while index < self.count && self.at(index) < nanos {
            index += 1;
        }
        index
    }

    /// Those in a span.
    fn within(&self, span_ns: &Range<i64>) -> Range<i64> {
        self.first_at(span_ns.start)..self.first_at(span_ns.end)
    }
}

/// The frames of a run: the first begins at its first sample.
struct RunFrames {
    position: i64,
    centres: Moments,
}

impl Work<'_, '_> {
    /// Frames of the runs, pooled in the columns that their centres lie in.
    fn pooled(&mut self, cancelled: &mut dyn FnMut() -> bool) -> Result<bool, String> {
        let stretches = self.stretches();
        let mut run = 0;
        for column in 0..self.out.frames.len() {
            let from = self.out.first_column + column as i64;
            let span_ns = self.grid.span_ns(self.level, from..from + 1);
            while let Some(frames) = self.run_frames(run, &stretches) {
                let taken = frames.centres.within(&span_ns);
                if !taken.is_empty() && !self.pool(&frames, taken.clone(), cancelled)? {
                    return Ok(false);
                }
                if taken.end < frames.centres.count {
                    break;
                }
                // The next column has none of this run.
                run += 1;
            }
            self.out.frames[column] = u32::try_from(self.pool.frames()).unwrap_or(u32::MAX);
            if self.pool.frames() > 0 {
                let cells = column * BANDS..(column + 1) * BANDS;
                let (mean, max) = (&mut self.out.mean[cells.clone()], &mut self.out.max[cells]);
                self.pool.finish(self.stft.spec(), 1, mean, max);
            }
            // After the frames, which begin earlier: samples are read forwards only.
            if !self.gather(column, &span_ns, cancelled)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Gathers the samples of a column, run by run, in blocks that bound memory.
    fn gather(
        &mut self,
        column: usize,
        span_ns: &Range<i64>,
        cancelled: &mut dyn FnMut() -> bool,
    ) -> Result<bool, String> {
        let mut wave = Wave::default();
        let recorded = self.recorded;
        let rate = recorded.sample_rate_hz;
        let ends_before = |run: &ClockRun| recorded.run_span_ns(run).end <= span_ns.start;
        let first = recorded.runs.partition_point(ends_before);
        for (run, place) in recorded.runs.iter().zip(&self.line.runs).skip(first) {
            if run.start_ns >= span_ns.end {
                break;
            }
            let count = i64::try_from(run.frames).unwrap_or(i64::MAX);
            let moments = Moments { first_ns: run.start_ns, every: 1, count, rate };
            let mut taken = moments.within(span_ns);
            while !taken.is_empty() {
                let end = taken.end.min(taken.start + PIECE_SAMPLES as i64);
                let positions = place.position + taken.start..place.position + end;
                wave.add(self.buffer.get(positions, self.line.end(), self.read)?);
                taken.start = end;
                // What is longer than a column of a unit takes a while.
                if !taken.is_empty() && cancelled() {
                    return Ok(false);
                }
            }
        }
        self.out.samples[column] = wave.column_samples();
        Ok(true)
    }

    /// Adds frames of a run to the pool, in blocks that bound memory.
    fn pool(
        &mut self,
        run: &RunFrames,
        mut frames: Range<i64>,
        cancelled: &mut dyn FnMut() -> bool,
    ) -> Result<bool, String> {
        const MOST_FRAMES: i64 = (PIECE_SAMPLES / HOP_SAMPLES) as i64;
        let (hop, width) = (HOP_SAMPLES, WINDOW_SAMPLES);
        while !frames.is_empty() {
            if cancelled() {
                return Ok(false);
            }
            let block = frames.start..frames.end.min(frames.start + MOST_FRAMES);
            let start = run.position + block.start * hop as i64;
            let end = run.position + (block.end - 1) * hop as i64 + width as i64;
            let mut samples = self.buffer.get(start..end, self.line.end(), self.read)?;
            for _ in 0..(block.end - block.start) / 2 {
                let both = self.stft.transform(&samples[..width], &samples[hop..hop + width]);
                self.pool.add(both, 2);
                samples = samples.get(2 * hop..).unwrap_or(&[]);
            }
            if (block.end - block.start) % 2 == 1 {
                self.pool.add(self.stft.transform(&samples[..width], &[]), 1);
            }
            frames.start = block.end;
        }
        Ok(true)
    }

    /// One frame in the middle of each column.
    fn one_frame_each(&mut self, cancelled: &mut dyn FnMut() -> bool) -> Result<bool, String> {
        let stretches = self.stretches();
        for column in 0..self.out.frames.len() {
            if cancelled() {
                return Ok(false);
            }
            let from = self.out.first_column + column as i64;
            let span_ns = self.grid.span_ns(self.level, from..from + 1);
            self.one_frame(column, &span_ns, &stretches)?;
            if !self.gather(column, &span_ns, cancelled)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The frame in the middle of a column, where there is one.
    fn one_frame(
        &mut self,
        column: usize,
        span_ns: &Range<i64>,
        stretches: &[Range<i64>],
    ) -> Result<(), String> {
        let half = (WINDOW_SAMPLES / 2) as i64;
        let centre_ns = span_ns.start + (span_ns.end - span_ns.start) / 2;
        // The last run that begins before the centre.
        let run = self.recorded.runs.partition_point(|run| run.start_ns <= centre_ns);
        let Some(run) = run.checked_sub(1) else { return Ok(()) };
        let since = centre_ns.saturating_sub(self.recorded.runs[run].start_ns);
        let offset = nanos_to_frames(since, self.recorded.sample_rate_hz);
        let start = self.line.runs[run].position.saturating_add(offset).saturating_sub(half);
        let end = start.saturating_add(WINDOW_SAMPLES as i64);
        if start < stretches[run].start || end > stretches[run].end {
            return Ok(());
        }
        let samples = self.buffer.get(start..end, self.line.end(), self.read)?;
        let cells = column * BANDS..(column + 1) * BANDS;
        self.stft.frame(samples, &mut self.out.mean[cells.clone()]);
        self.out.max[cells.clone()].copy_from_slice(&self.out.mean[cells]);
        self.out.frames[column] = 1;
        Ok(())
    }

    /// For each run the positions around it that were recorded without a gap.
    fn stretches(&self) -> Vec<Range<i64>> {
        let mut stretches: Vec<Range<i64>> = Vec::with_capacity(self.line.runs.len());
        for (run, clock) in self.line.runs.iter().zip(&self.recorded.runs) {
            let start = stretches.last().filter(|_| clock.follows).map(|before| before.start);
            stretches.push(start.unwrap_or(run.position)..run.end());
        }
        for i in (1..stretches.len()).rev().filter(|&i| self.recorded.runs[i].follows) {
            stretches[i - 1].end = stretches[i].end;
        }
        stretches
    }

    fn run_frames(&self, run: usize, stretches: &[Range<i64>]) -> Option<RunFrames> {
        let (hop, width) = (HOP_SAMPLES as i64, WINDOW_SAMPLES as i64);
        let clock = self.recorded.runs.get(run)?;
        let position = self.line.runs.get(run)?.position;
        // Those that begin in the run, and those of them that end before a gap.
        let begun = (i64::try_from(clock.frames).unwrap_or(i64::MAX) - 1).div_euclid(hop) + 1;
        let whole = (stretches.get(run)?.end - position - width).div_euclid(hop) + 1;
        let rate = self.recorded.sample_rate_hz;
        let first_centre_ns = clock.start_ns.saturating_add(frames_to_nanos(width / 2, rate));
        let count = begun.min(whole).max(0);
        Some(RunFrames {
            position,
            centres: Moments { first_ns: first_centre_ns, every: hop, count, rate },
        })
    }
}
