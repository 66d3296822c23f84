//! Columns: the unit of work of every picture, in the page and on the server.

use std::ops::Range;

use super::plan::{FrameRun, plan_column};
use super::pool::Pool;
use super::sample_buffer::{ReadSamples, SampleBuffer};
use super::spec::SpectrumSpec;
use super::stft::Stft;
use super::wave::{Wave, WaveColumn};
use crate::line::Line;

/// Which columns of a picture are wanted. Column `c` covers the positions
/// `c * column_samples..(c + 1) * column_samples` of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColumnsSpec {
    /// The transform.
    pub spectrum: SpectrumSpec,
    /// Positions that a column covers, at least 1.
    pub column_samples: u64,
    /// Index of the first column; may be negative (nothing is recorded before position 0).
    pub first_column: i64,
    /// How many columns.
    pub columns: usize,
    /// Index of the first row.
    pub first_row: usize,
    /// How many rows, at most what [`SpectrumSpec::rows`] leaves after `first_row`.
    pub rows: usize,
    /// Bins that a row pools; row `r` holds the bins `r * bins_per_row..(r + 1) * bins_per_row`.
    pub bins_per_row: usize,
    /// How many of a column's frames are looked at.
    pub effort: Effort,
}

/// How many of a column's frames are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// A few, spread evenly: a first picture of something long.
    Sampled {
        /// Frames of a column that are transformed, at least 1.
        frames_per_column: usize,
    },
    /// All of them: the true mean and maximum.
    Exact,
}

/// Power and wave form of columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    /// Mean one-sided power, `mean[column * rows + row]`; 0 where nothing was recorded.
    pub mean: Vec<f32>,
    /// Largest one-sided power of any frame and bin, shaped like `mean`; empty when no column has more
    /// than one frame.
    pub max: Vec<f32>,
    /// Frames pooled in each column; 0 is a gap.
    pub frames: Vec<u32>,
    /// Wave form of each column.
    pub wave: Vec<WaveColumn>,
    /// Whether all frames and samples of all columns were looked at.
    pub exact: bool,
}

/// Samples read in one piece: 1 MiB, about a millisecond of transforms between looks at `cancelled`.
const PIECE_SAMPLES: usize = 1 << 18;

/// Transforms the columns of a picture. `stft` must be made for `spec.spectrum`.
///
/// [`plan_column`] says which frames a column has; samples under them that never were recorded are
/// zeros. Nothing depends on which other columns are asked for, so that tiles meet without a seam.
///
/// Gives `None` when `cancelled` said so; it is asked at least every 262 144 samples.
///
/// # Errors
/// When the spec can't be computed, or with the message of `read`.
pub fn columns(
    spec: &ColumnsSpec,
    stft: &mut Stft,
    line: &Line,
    read: &mut ReadSamples<'_>,
    cancelled: &mut dyn FnMut() -> bool,
) -> Result<Option<Columns>, String> {
    spec.check()?;
    if *stft.spec() != spec.spectrum {
        return Err("the columns ask for another transform than the one planned".into());
    }
    let half_window = (spec.spectrum.window_samples / 2) as i64;
    let end = spec.positions(spec.first_column + spec.columns as i64).start + half_window;
    let mut work = Work {
        spec,
        stft,
        line,
        read,
        buffer: SampleBuffer::new(PIECE_SAMPLES, line.end()),
        read_limit: end.min(line.end()),
        out: Columns {
            mean: vec![0.0; spec.columns * spec.rows],
            max: Vec::new(),
            frames: vec![0; spec.columns],
            wave: vec![Wave::default().column(); spec.columns],
            exact: true,
        },
    };
    let finished = if spec.column_samples <= spec.spectrum.hop_samples as u64 {
        work.one_frame_each(cancelled)?
    } else {
        work.pooled(cancelled)?
    };
    Ok(finished.then_some(work.out))
}

impl Columns {
    /// Adds the columns that follow, of the same rows: as if all of them had been made at once.
    pub fn append(&mut self, mut next: Columns) {
        if self.max.is_empty() != next.max.is_empty() {
            // The maximum of a column of one frame is its mean.
            for part in [&mut *self, &mut next] {
                if part.max.is_empty() {
                    part.max.clone_from(&part.mean);
                }
            }
        }
        self.mean.append(&mut next.mean);
        self.max.append(&mut next.max);
        self.frames.append(&mut next.frames);
        self.wave.append(&mut next.wave);
        self.exact &= next.exact;
    }
}

impl ColumnsSpec {
    /// Positions that a column covers.
    pub fn positions(&self, column: i64) -> Range<i64> {
        let samples = self.column_samples as i64;
        column * samples..(column + 1) * samples
    }

    /// Whether it can be computed.
    ///
    /// # Errors
    /// When it names rows that the transform does not have, or positions beyond any recording.
    pub fn check(&self) -> Result<(), String> {
        self.spectrum.check().map_err(|e| e.to_string())?;
        let rows = self.spectrum.rows(self.bins_per_row);
        if self.bins_per_row == 0 || self.first_row.saturating_add(self.rows) > rows {
            return Err(format!(
                "{} rows from row {} of {} bins each: there are {rows}",
                self.rows, self.first_row, self.bins_per_row
            ));
        }
        let samples = i64::try_from(self.column_samples).ok().filter(|s| *s > 0);
        let positions = samples.and_then(|samples| {
            let last = self.first_column.checked_add(i64::try_from(self.columns).ok()?)?;
            // Room for a window and a column beyond the ends.
            last.checked_mul(samples)?.checked_add(samples.max(1 << 40))?;
            self.first_column.checked_mul(samples)?.checked_sub(1 << 40)
        });
        if positions.is_none() {
            return Err(format!(
                "{} columns of {} samples from column {} are beyond any recording",
                self.columns, self.column_samples, self.first_column
            ));
        }
        Ok(())
    }
}

struct Work<'a, 'r> {
    spec: &'a ColumnsSpec,
    stft: &'a mut Stft,
    line: &'a Line,
    read: &'a mut ReadSamples<'r>,
    buffer: SampleBuffer,
    read_limit: i64,
    out: Columns,
}

impl Work<'_, '_> {
    /// Columns no longer than a hop. Neighbours share an FFT; which ones do depends on the column's
    /// index alone, so that another tile gives the same bits.
    fn one_frame_each(&mut self, cancelled: &mut dyn FnMut() -> bool) -> Result<bool, String> {
        let spec = self.spec;
        let width = spec.spectrum.window_samples as i64;
        let mut power = [vec![0.0; self.stft.bins()], vec![0.0; self.stft.bins()]];
        let mut index = 0;
        while index < spec.columns {
            if cancelled() {
                return Ok(false);
            }
            let column = spec.first_column + index as i64;
            let paired = 1 + usize::from(column % 2 == 0 && index + 1 < spec.columns);
            let mut starts = [None, None];
            for (i, start) in starts.iter_mut().enumerate().take(paired) {
                let plan = plan_column(spec, self.line, column + i as i64);
                *start = plan.runs.first().map(|run| run.start);
                let mut wave = Wave::default();
                self.add_wave(&mut wave, &mut plan.wave.into_iter().peekable(), i64::MAX)?;
                self.out.wave[index + i] = wave.column();
            }
            let [a, b] = &mut power;
            match starts {
                [Some(first), Some(second)] => {
                    let both =
                        self.buffer.get(first..second + width, self.read_limit, self.read)?;
                    let second = &both[(second - first) as usize..];
                    self.stft.pair([&both[..width as usize], second], [a, b]);
                }
                [Some(start), None] => {
                    let range = start..start + width;
                    self.stft.frame(self.buffer.get(range, self.read_limit, self.read)?, a);
                }
                [None, Some(start)] => {
                    let range = start..start + width;
                    self.stft.frame(self.buffer.get(range, self.read_limit, self.read)?, b);
                }
                [None, None] => {}
            }
            for (i, power) in power.iter().enumerate() {
                if starts[i].is_some() {
                    self.out.frames[index + i] = 1;
                    self.write_rows(index + i, power);
                }
            }
            index += paired;
        }
        Ok(true)
    }

    /// Columns longer than a hop.
    fn pooled(&mut self, cancelled: &mut dyn FnMut() -> bool) -> Result<bool, String> {
        let spec = self.spec;
        self.out.max = vec![0.0; self.out.mean.len()];
        let first_bin = spec.first_row * spec.bins_per_row;
        let end_bin = ((spec.first_row + spec.rows) * spec.bins_per_row).min(self.stft.bins());
        let mut pool = Pool::new(first_bin, end_bin - first_bin);
        for index in 0..spec.columns {
            let plan = plan_column(spec, self.line, spec.first_column + index as i64);
            self.out.exact &= plan.exact;
            if !plan.exact {
                // What lies between the bursts is not looked at.
                self.read_limit = i64::MIN;
            }
            let mut wave = Wave::default();
            let mut unseen = plan.wave.into_iter().peekable();
            for run in plan.runs {
                if !self.pool_run(run, &mut pool, &mut unseen, &mut wave, cancelled)? {
                    return Ok(false);
                }
            }
            self.add_wave(&mut wave, &mut unseen, i64::MAX)?;
            self.out.wave[index] = wave.column();
            self.out.frames[index] = u32::try_from(pool.frames()).unwrap_or(u32::MAX);
            let cells = index * spec.rows..(index + 1) * spec.rows;
            let (mean, max) = (&mut self.out.mean[cells.clone()], &mut self.out.max[cells]);
            pool.finish(&spec.spectrum, spec.bins_per_row, mean, max);
        }
        if self.out.frames.iter().all(|&frames| frames <= 1) {
            self.out.max = Vec::new();
        }
        Ok(true)
    }

    /// Pools a run of frames, and adds to the wave form what of `unseen` lies before its end.
    fn pool_run(
        &mut self,
        run: FrameRun,
        pool: &mut Pool,
        unseen: &mut Unseen,
        wave: &mut Wave,
        cancelled: &mut dyn FnMut() -> bool,
    ) -> Result<bool, String> {
        let (hop, width) = (self.spec.spectrum.hop_samples, self.spec.spectrum.window_samples);
        // An even number of frames, so that blocks do not part the pairs.
        let most = 2 * (PIECE_SAMPLES / (2 * hop)).max(1) as u64;
        let mut left = run;
        while left.frames > 0 {
            if cancelled() {
                return Ok(false);
            }
            let block = FrameRun { frames: left.frames.min(most), ..left };
            let range = block.positions(self.spec);
            self.add_wave(wave, unseen, range.start)?;
            let mut samples = self.buffer.get(range.clone(), self.read_limit, self.read)?;
            for _ in 0..block.frames / 2 {
                pool.add(self.stft.transform(&samples[..width], &samples[hop..hop + width]), 2);
                samples = samples.get(2 * hop..).unwrap_or(&[]);
            }
            if block.frames % 2 == 1 {
                pool.add(self.stft.transform(&samples[..width], &[]), 1);
            }
            self.add_wave(wave, unseen, range.end)?;
            left.start += (block.frames * hop as u64) as i64;
            left.frames -= block.frames;
        }
        Ok(true)
    }

    /// Adds to a wave form what of `unseen` lies before `end`.
    fn add_wave(&mut self, wave: &mut Wave, unseen: &mut Unseen, end: i64) -> Result<(), String> {
        while let Some(part) = unseen.peek_mut().filter(|part| part.start < end) {
            let now = part.start..part.end.min(end).min(part.start + PIECE_SAMPLES as i64);
            wave.add(self.buffer.get(now.clone(), self.read_limit, self.read)?);
            part.start = now.end;
            if part.is_empty() {
                unseen.next();
            }
        }
        Ok(())
    }

    fn write_rows(&mut self, index: usize, power: &[f32]) {
        let spec = self.spec;
        let cells = &mut self.out.mean[index * spec.rows..(index + 1) * spec.rows];
        let bins = power[spec.first_row * spec.bins_per_row..].chunks(spec.bins_per_row);
        for (cell, bins) in cells.iter_mut().zip(bins) {
            *cell = bins.iter().sum::<f32>() / bins.len() as f32;
        }
    }
}

/// Positions of a column whose samples are not yet in its wave form.
type Unseen = std::iter::Peekable<std::vec::IntoIter<Range<i64>>>;
