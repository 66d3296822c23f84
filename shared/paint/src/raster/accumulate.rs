//! Columns under one pixel column, added up; then a level for each of its pixels.

use spyhop_signal::spectrum::scale::FrequencyScale;

use super::log2::power_to_db;
use super::rows::{RowGrid, RowMap};
use super::{Flatten, RasterSpec};
use crate::column::Column;

/// Adds up the columns of one pixel column.
pub(super) struct Accumulator {
    scale: FrequencyScale,
    height: usize,
    peak_overlay: bool,
    /// One for each grid that was seen: usually one, two where tiles of different levels meet.
    sums: Vec<Sum>,
    row_db: Vec<f32>,
    other: Vec<f32>,
}

/// What was added on one grid.
struct Sum {
    grid: RowGrid,
    map: RowMap,
    power: Vec<f32>,
    weight: Vec<f32>,
    peak: Vec<f32>,
    /// Frames under the pixel.
    frames: f32,
    /// First row of the band whose columns were counted into `frames`.
    counted: Option<i64>,
    total_weight: f32,
}

impl Accumulator {
    pub fn new(spec: &RasterSpec<'_>) -> Accumulator {
        Accumulator {
            scale: spec.scale,
            height: spec.height,
            peak_overlay: spec.peak_overlay,
            sums: Vec::new(),
            row_db: Vec::new(),
            other: Vec::new(),
        }
    }

    /// Begins another pixel column.
    pub fn clear(&mut self) {
        for sum in self.sums.iter_mut().filter(|s| s.total_weight > 0.0) {
            sum.power.fill(0.0);
            sum.weight.fill(0.0);
            sum.peak.fill(0.0);
            (sum.frames, sum.counted, sum.total_weight) = (0.0, None, 0.0);
        }
    }

    /// Adds a column.
    pub fn add(&mut self, weight: f32, column: &Column<'_>) {
        if weight <= 0.0 || column.bin_hz <= 0.0 {
            return;
        }
        let (grid, first_row) = RowGrid::of(column.bin_hz, column.bins_per_row, column.first_bin);
        let known = self.sums.iter().position(|s| s.grid == grid);
        let index = known.unwrap_or_else(|| {
            self.sums.push(Sum::new(grid, RowMap::new(&grid, &self.scale, self.height)));
            self.sums.len() - 1
        });
        self.sums[index].add(weight, column, first_row, self.peak_overlay);
    }

    /// The level in dB of every pixel from the top; NaN where no column gave one.
    pub fn levels(&mut self, levels: &mut [f32]) {
        let mut given = 0.0;
        for sum in self.sums.iter().filter(|s| s.total_weight > 0.0) {
            if given == 0.0 {
                sum.levels(self.peak_overlay, &mut self.row_db, levels);
            } else {
                self.other.resize(levels.len(), 0.0);
                sum.levels(self.peak_overlay, &mut self.row_db, &mut self.other);
                let part = sum.total_weight / (given + sum.total_weight);
                for (level, other) in levels.iter_mut().zip(&self.other) {
                    if level.is_nan() {
                        *level = *other;
                    } else if !other.is_nan() {
                        *level += part * (other - *level);
                    }
                }
            }
            given += sum.total_weight;
        }
        if given == 0.0 {
            levels.fill(f32::NAN);
        }
    }
}

impl Sum {
    fn new(grid: RowGrid, map: RowMap) -> Sum {
        let zeros = vec![0.0; map.rows];
        Sum {
            grid,
            map,
            power: zeros.clone(),
            weight: zeros.clone(),
            peak: zeros,
            frames: 0.0,
            counted: None,
            total_weight: 0.0,
        }
    }

    fn add(&mut self, weight: f32, column: &Column<'_>, first_row: i64, peaks: bool) {
        // Rows of the column before `skipped` lie below the picture.
        let begin = first_row - self.map.first_row;
        let skipped = usize::try_from(-begin).unwrap_or(0);
        let begin = usize::try_from(begin).unwrap_or(0);
        let mean = column.mean.get(skipped..).unwrap_or(&[]);
        let rows = mean.len().min(self.map.rows.saturating_sub(begin));
        if rows == 0 {
            return;
        }
        let here = begin..begin + rows;
        for (sum, mean) in self.power[here.clone()].iter_mut().zip(mean) {
            *sum += weight * mean;
        }
        for sum in &mut self.weight[here.clone()] {
            *sum += weight;
        }
        if peaks {
            let max = if column.max.len() == column.mean.len() { column.max } else { column.mean };
            for (sum, max) in self.peak[here].iter_mut().zip(&max[skipped..]) {
                *sum = if *max > *sum { *max } else { *sum };
            }
        }
        self.total_weight += weight;
        if *self.counted.get_or_insert(first_row) == first_row {
            self.frames += column.frames;
        }
    }

    fn levels(&self, peaks: bool, row_db: &mut Vec<f32>, levels: &mut [f32]) {
        let ln_frames = self.frames.max(1.0).ln();
        let (upper, lower) = levels.split_at_mut(self.map.spans.len().min(levels.len()));

        for (level, span) in upper.iter_mut().zip(&self.map.spans) {
            let (whole, last) = (span.first + 1..span.last.max(span.first + 1), span.last);
            let sum = |of: &[f32]| {
                of[span.first] * span.first_part
                    + of[last] * span.last_part
                    + of[whole.clone()].iter().sum::<f32>()
            };
            let mut power = sum(&self.power) / sum(&self.weight);
            if peaks {
                let peak = self.peak[span.first..=last].iter().fold(0f32, |a, b| a.max(*b));
                if peak > power * peak_factor(ln_frames + span.ln_bins) {
                    power = peak;
                }
            }
            *level = power_to_db(power);
        }

        // The rows that the lower pixels lie between.
        let lowest = self.map.taps.last().map_or(0, |t| t.low);
        let highest = self.map.taps.first().map_or(0, |t| t.high);
        let factor = peak_factor(ln_frames + (self.grid.bins_per_row.max(1.0) as f32).ln());
        row_db.clear();
        let rows = self.power[lowest..=highest]
            .iter()
            .zip(&self.weight[lowest..=highest])
            .zip(&self.peak[lowest..=highest]);
        row_db.extend(rows.map(|((power, weight), peak)| {
            let mean = power / weight;
            power_to_db(if peaks && *peak > mean * factor { *peak } else { mean })
        }));
        for (level, tap) in lower.iter_mut().zip(&self.map.taps) {
            let (low, high) = (row_db[tap.low - lowest], row_db[tap.high - lowest]);
            *level = low + tap.part * (high - low);
            if level.is_nan() {
                // One of the two is missing: the pixel belongs to the row that it lies in.
                *level = if tap.part < 0.5 { low } else { high };
            }
        }
    }
}

/// How many times the mean a maximum must be to be drawn: 10·lg(ln N + 0.577) + 3 dB. (The greatest
/// of N exponentially distributed powers is ln N + 0.577 times their mean.)
fn peak_factor(ln_n: f32) -> f32 {
    1.995_262_3 * (ln_n + 0.577)
}

/// Level of the median under every pixel, dB.
pub(super) fn flatten_levels(spec: &RasterSpec<'_>, flatten: &Flatten<'_>) -> Vec<f32> {
    let mut levels = vec![f32::NAN; spec.height];
    let mut accumulator = Accumulator::new(&RasterSpec { peak_overlay: false, ..spec.clone() });
    let median = Column {
        mean: flatten.median,
        max: &[],
        frames: 1.0,
        first_bin: flatten.first_bin,
        bins_per_row: flatten.bins_per_row,
        bin_hz: flatten.bin_hz,
    };
    accumulator.add(1.0, &median);
    accumulator.levels(&mut levels);
    levels
}
