//! Columns: the unit of work of every picture, in the page and on the server.

use std::ops::Range;

use super::pool::Pool;
pub use super::sample_buffer::ReadSamples;
use super::sample_buffer::SampleBuffer;
use super::spec::SpectrumSpec;
use super::stft::Stft;
use super::wave::Wave;
pub use super::wave::WaveColumn;
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
/// Frame `i` is centred on position `i * hop`. A column longer than a hop pools all frames whose
/// centre it covers; a shorter one takes a frame of its own, centred on it. A frame counts when its
/// centre was recorded; samples of it that never were are zeros. Nothing depends on which other
/// columns are asked for, so that tiles meet without a seam.
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
    check(spec, stft)?;
    let column_samples = spec.column_samples as i64;
    let half_window = (spec.spectrum.window_samples / 2) as i64;
    let end = (spec.first_column + spec.columns as i64) * column_samples + half_window;
    let mut work = Work {
        spec,
        stft,
        line,
        read,
        buffer: SampleBuffer::new(PIECE_SAMPLES),
        read_limit: end.min(line.end()),
        out: Columns {
            mean: vec![0.0; spec.columns * spec.rows],
            max: Vec::new(),
            frames: vec![0; spec.columns],
            wave: vec![Wave::default().column(); spec.columns],
            exact: true,
        },
    };
    let finished = if column_samples <= spec.spectrum.hop_samples as i64 {
        work.one_frame_each(cancelled)?
    } else {
        work.pooled(cancelled)?
    };
    Ok(finished.then_some(work.out))
}

fn check(spec: &ColumnsSpec, stft: &Stft) -> Result<(), String> {
    if *stft.spec() != spec.spectrum {
        return Err("the columns ask for another transform than the one planned".into());
    }
    let rows = spec.spectrum.rows(spec.bins_per_row);
    if spec.bins_per_row == 0 || spec.first_row.saturating_add(spec.rows) > rows {
        return Err(format!(
            "{} rows from row {} of {} bins each: there are {rows}",
            spec.rows, spec.first_row, spec.bins_per_row
        ));
    }
    let positions =
        i64::try_from(spec.column_samples).ok().filter(|s| *s > 0).and_then(|samples| {
            let last = spec.first_column.checked_add(i64::try_from(spec.columns).ok()?)?;
            // Room for a window and a column beyond the ends.
            last.checked_mul(samples)?.checked_add(samples.max(1 << 40))?;
            spec.first_column.checked_mul(samples)?.checked_sub(1 << 40)
        });
    if positions.is_none() {
        return Err(format!(
            "{} columns of {} samples from column {} are beyond any recording",
            spec.columns, spec.column_samples, spec.first_column
        ));
    }
    Ok(())
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
        let column_samples = spec.column_samples as i64;
        let bins = self.stft.bins();
        let mut power = [vec![0.0; bins], vec![0.0; bins]];
        let mut index = 0;
        while index < spec.columns {
            if cancelled() {
                return Ok(false);
            }
            let column = spec.first_column + index as i64;
            let centre = column * column_samples + column_samples / 2;
            let is_pair = column % 2 == 0 && index + 1 < spec.columns;
            let found = [
                self.line.is_recorded(centre),
                is_pair && self.line.is_recorded(centre + column_samples),
            ];
            let first = self.frame_range(centre);
            let frames = match found {
                [true, true] => Some(first.start..self.frame_range(centre + column_samples).end),
                [true, false] => Some(first),
                [false, true] => Some(self.frame_range(centre + column_samples)),
                [false, false] => None,
            };
            if let Some(range) = frames {
                let width = spec.spectrum.window_samples;
                let samples =
                    self.buffer.get(range, self.read_limit, self.line.end(), self.read)?;
                let [a, b] = &mut power;
                match found {
                    [true, true] => {
                        let second = &samples[samples.len() - width..];
                        self.stft.pair([&samples[..width], second], [a, b]);
                    }
                    [true, false] => self.stft.frame(samples, a),
                    _ => self.stft.frame(samples, b),
                }
            }
            for (i, power) in power.iter().enumerate().take(1 + usize::from(is_pair)) {
                self.wave_of_column(index + i)?;
                if found[i] {
                    self.out.frames[index + i] = 1;
                    self.write_rows(index + i, power);
                }
            }
            index += 1 + usize::from(is_pair);
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
            let mut wave = Wave::default();
            let range = self.column_range(index);
            let finished = match self.sampled_frames(range.clone()) {
                Some(bursts) => {
                    self.out.exact = false;
                    self.pool_bursts(&bursts, range, &mut pool, &mut wave, cancelled)?
                }
                None => self.pool_all(range, &mut pool, &mut wave, cancelled)?,
            };
            if !finished {
                return Ok(false);
            }
            self.out.frames[index] = u32::try_from(pool.frames()).unwrap_or(u32::MAX);
            self.out.wave[index] = wave.column();
            let cells = index * spec.rows..(index + 1) * spec.rows;
            let (mean, max) = (&mut self.out.mean[cells.clone()], &mut self.out.max[cells]);
            pool.finish(&spec.spectrum, spec.bins_per_row, mean, max);
        }
        if self.out.frames.iter().all(|&frames| frames <= 1) {
            self.out.max = Vec::new();
        }
        Ok(true)
    }

    fn pool_all(
        &mut self,
        range: Range<i64>,
        pool: &mut Pool,
        wave: &mut Wave,
        cancelled: &mut dyn FnMut() -> bool,
    ) -> Result<bool, String> {
        let hop = self.spec.spectrum.hop_samples as i64;
        // An even number of hops, so that pieces do not part the pairs.
        let block = (PIECE_SAMPLES as i64 / (2 * hop)).max(1) * 2 * hop;
        let mut start = range.start;
        while start < range.end {
            if cancelled() {
                return Ok(false);
            }
            let end = range.end.min(start + block);
            for part in self.line.parts(start..end) {
                self.pool_part(part.position..part.end(), pool, wave)?;
            }
            start = end;
        }
        Ok(true)
    }

    /// Pools all frames centred in a recorded range, and its wave form.
    fn pool_part(
        &mut self,
        part: Range<i64>,
        pool: &mut Pool,
        wave: &mut Wave,
    ) -> Result<(), String> {
        let hop = self.spec.spectrum.hop_samples as i64;
        let width = self.spec.spectrum.window_samples;
        let frames = frames_centred_in(part.clone(), hop);
        let mut needed = part.clone();
        if !frames.is_empty() {
            needed.start = needed.start.min(self.frame_range(frames.start * hop).start);
            needed.end = needed.end.max(self.frame_range((frames.end - 1) * hop).end);
        }
        let first_start = self.frame_range(frames.start * hop).start;
        let samples =
            self.buffer.get(needed.clone(), self.read_limit, self.line.end(), self.read)?;
        let at = (part.start - needed.start) as usize;
        wave.add(&samples[at..at + (part.end - part.start) as usize]);
        let (mut at, hop) = ((first_start - needed.start).max(0) as usize, hop as usize);
        let mut left = frames.end - frames.start;
        while left >= 2 {
            let (a, b) = (&samples[at..at + width], &samples[at + hop..at + hop + width]);
            pool.add(self.stft.transform(a, b), 2);
            at += 2 * hop;
            left -= 2;
        }
        if left == 1 {
            pool.add(self.stft.transform(&samples[at..at + width], &[]), 1);
        }
        Ok(())
    }

    /// The frames to look at in a column, in bursts of up to two neighbours (which share what has to
    /// be read); `None` when all of them are.
    fn sampled_frames(&self, range: Range<i64>) -> Option<Vec<Range<i64>>> {
        let Effort::Sampled { frames_per_column } = self.spec.effort else { return None };
        let hop = self.spec.spectrum.hop_samples as i64;
        let runs: Vec<Range<i64>> = self
            .line
            .parts(range)
            .map(|part| frames_centred_in(part.position..part.end(), hop))
            .filter(|frames| !frames.is_empty())
            .collect();
        let total: i64 = runs.iter().map(|r| r.end - r.start).sum();
        let wanted = i64::try_from(frames_per_column.max(1)).unwrap_or(i64::MAX);
        if wanted >= total {
            return None;
        }
        let burst = wanted.min(2);
        let bursts = wanted / burst;
        let picked = (0..bursts).filter_map(|j| {
            // The middle of the j-th of `bursts` equal parts of the recorded frames.
            let mut nth = i64::try_from(
                (2 * i128::from(j) + 1) * i128::from(total) / (2 * i128::from(bursts)),
            )
            .ok()?;
            for run in &runs {
                let length = run.end - run.start;
                if nth < length {
                    let first = (run.start + nth).min(run.end - burst).max(run.start);
                    return Some(first..run.end.min(first + burst));
                }
                nth -= length;
            }
            None
        });
        Some(picked.collect())
    }

    fn pool_bursts(
        &mut self,
        bursts: &[Range<i64>],
        column: Range<i64>,
        pool: &mut Pool,
        wave: &mut Wave,
        cancelled: &mut dyn FnMut() -> bool,
    ) -> Result<bool, String> {
        let hop = self.spec.spectrum.hop_samples as i64;
        let width = self.spec.spectrum.window_samples;
        for burst in bursts {
            if cancelled() {
                return Ok(false);
            }
            let last = burst.end - 1;
            let range = self.frame_range(burst.start * hop).start..self.frame_range(last * hop).end;
            let samples = self.buffer.get(range.clone(), range.end, self.line.end(), self.read)?;
            let second =
                if last > burst.start { &samples[samples.len() - width..] } else { &[][..] };
            let frames = if second.is_empty() { 1 } else { 2 };
            pool.add(self.stft.transform(&samples[..width], second), frames);
            let seen = range.start.max(column.start)..range.end.min(column.end);
            for part in self.line.parts(seen) {
                let at = (part.position - range.start) as usize;
                wave.add(&samples[at..at + part.frames as usize]);
            }
        }
        Ok(true)
    }

    fn wave_of_column(&mut self, index: usize) -> Result<(), String> {
        let mut wave = Wave::default();
        for part in self.line.parts(self.column_range(index)) {
            let range = part.position..part.end();
            wave.add(self.buffer.get(range, self.read_limit, self.line.end(), self.read)?);
        }
        self.out.wave[index] = wave.column();
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

    fn column_range(&self, index: usize) -> Range<i64> {
        let samples = self.spec.column_samples as i64;
        let start = (self.spec.first_column + index as i64) * samples;
        start..start + samples
    }

    /// Positions under the window of a frame centred on `centre`.
    fn frame_range(&self, centre: i64) -> Range<i64> {
        let width = self.spec.spectrum.window_samples as i64;
        let start = centre - width / 2;
        start..start + width
    }
}

/// Indices `i` with `i * hop` in a range of positions.
fn frames_centred_in(positions: Range<i64>, hop: i64) -> Range<i64> {
    let at_or_after = |p: i64| p.div_euclid(hop) + i64::from(p.rem_euclid(hop) != 0);
    at_or_after(positions.start)..at_or_after(positions.end)
}
