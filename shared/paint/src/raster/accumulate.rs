//! Columns under pixel columns, added up; then a level for each pixel.
//!
//! Adding runs along a column; everything after it runs across [`LANES`] neighbouring pixel columns
//! at once, which a compiler turns into SIMD on any machine.

use spyhop_api::Calibration;
use spyhop_api::view::Statistic;
use spyhop_signal::spectrum::scale::FrequencyScale;

use super::log2::power_to_db;
use super::rows::{RowGrid, RowMap, Span, Tap};
use super::{Flatten, RasterSpec};
use crate::column::Column;

/// Pixel columns that are worked on together.
pub(super) const LANES: usize = 8;

/// A number for each of them.
pub(super) type Lanes = [f32; LANES];

/// Adds up the columns of a block of pixel columns.
pub(super) struct Accumulator<'a> {
    scale: FrequencyScale,
    height: usize,
    statistic: Statistic,
    /// What rows are multiplied by; a flat calibration is added to their levels later.
    table: Option<&'a Calibration>,
    /// One for each grid that was seen: usually one, two where tiles of different levels meet.
    sums: Vec<Sum>,
    row_db: Vec<Lanes>,
    other: Vec<Lanes>,
}

/// What was added on one grid.
struct Sum {
    grid: RowGrid,
    map: RowMap,
    /// What the power of each row is multiplied by; empty where that is nothing.
    gains: Vec<f32>,
    /// Of the pixel column that is being added.
    column: ColumnSum,
    /// Mean power of each row, NaN where there is none.
    mean: Vec<Lanes>,
    /// Maximum power of each row.
    peak: Vec<Lanes>,
    /// Natural logarithm of the frames under the pixel.
    ln_frames: Lanes,
    /// Weight of all that was added; 0 for a pixel column without anything on this grid.
    weight: Lanes,
}

struct ColumnSum {
    power: Vec<f32>,
    weight: Vec<f32>,
    peak: Vec<f32>,
    /// Frames under the pixel.
    frames: f32,
    /// First row of the band whose columns were counted into `frames`.
    counted: Option<i64>,
    total_weight: f32,
}

impl<'a> Accumulator<'a> {
    pub fn new(spec: &RasterSpec<'a>) -> Accumulator<'a> {
        let is_flat = |c: &&Calibration| c.offset_db().is_some();
        Accumulator {
            scale: spec.scale,
            height: spec.height,
            statistic: spec.statistic,
            table: spec.calibration.filter(|c| !is_flat(c) && spec.flatten.is_none()),
            sums: Vec::new(),
            row_db: Vec::new(),
            other: Vec::new(),
        }
    }

    /// Begins another block of pixel columns.
    pub fn begin(&mut self) {
        for sum in &mut self.sums {
            sum.weight = [0.0; LANES];
        }
    }

    /// Adds a column to the pixel column at hand.
    pub fn add(&mut self, weight: f32, column: &Column<'_>) {
        if weight <= 0.0 || column.bin_hz <= 0.0 {
            return;
        }
        let (grid, first_row) = RowGrid::of(column.bin_hz, column.bins_per_row, column.first_bin);
        let known = self.sums.iter().position(|s| s.grid == grid);
        let index = known.unwrap_or_else(|| {
            let map = RowMap::new(&grid, &self.scale, self.height);
            self.sums.push(Sum::new(grid, map, self.table));
            self.sums.len() - 1
        });
        let sum = &mut self.sums[index];
        sum.column.add(
            weight,
            column,
            first_row - sum.map.first_row,
            self.statistic != Statistic::Mean,
        );
    }

    /// Keeps what was added as pixel column `lane` of the block, and begins the next.
    pub fn keep(&mut self, lane: usize) {
        for sum in self.sums.iter_mut().filter(|s| s.column.total_weight > 0.0) {
            let column = &mut sum.column;
            for ((mean, power), weight) in
                sum.mean.iter_mut().zip(&column.power).zip(&column.weight)
            {
                mean[lane] = power / weight;
            }
            if self.statistic != Statistic::Mean {
                for (peak, from) in sum.peak.iter_mut().zip(&column.peak) {
                    peak[lane] = *from;
                }
            }
            for (row, gain) in sum.gains.iter().enumerate() {
                sum.mean[row][lane] *= gain;
                sum.peak[row][lane] *= gain;
            }
            sum.ln_frames[lane] = column.frames.max(1.0).ln();
            sum.weight[lane] = column.total_weight;
            column.clear();
        }
    }

    /// The level in dB of every pixel of the block from the top; NaN where no column gave one.
    pub fn levels(&mut self, levels: &mut [Lanes]) {
        let mut given = [0f32; LANES];
        for sum in self.sums.iter().filter(|s| s.weight != [0.0; LANES]) {
            if given == [0.0; LANES] {
                sum.levels(self.statistic, &mut self.row_db, levels);
            } else {
                self.other.resize(levels.len(), [0.0; LANES]);
                sum.levels(self.statistic, &mut self.row_db, &mut self.other);
                for lane in (0..LANES).filter(|lane| sum.weight[*lane] > 0.0) {
                    let part = sum.weight[lane] / (given[lane] + sum.weight[lane]);
                    for (level, other) in levels.iter_mut().zip(&self.other) {
                        let (level, other) = (&mut level[lane], other[lane]);
                        if part == 1.0 || level.is_nan() {
                            *level = other;
                        } else if !other.is_nan() {
                            *level += part * (other - *level);
                        }
                    }
                }
            }
            for (given, weight) in given.iter_mut().zip(&sum.weight) {
                *given += weight;
            }
        }
        for lane in (0..LANES).filter(|lane| given[*lane] == 0.0) {
            levels.iter_mut().for_each(|level| level[lane] = f32::NAN);
        }
    }
}

impl ColumnSum {
    fn new(rows: usize) -> ColumnSum {
        let zeros = vec![0.0; rows];
        ColumnSum {
            power: zeros.clone(),
            weight: zeros.clone(),
            peak: zeros,
            frames: 0.0,
            counted: None,
            total_weight: 0.0,
        }
    }

    fn clear(&mut self) {
        self.power.fill(0.0);
        self.weight.fill(0.0);
        self.peak.fill(0.0);
        (self.frames, self.counted, self.total_weight) = (0.0, None, 0.0);
    }

    /// Adds a column whose first row stands `begin` rows above the first that is needed.
    fn add(&mut self, weight: f32, column: &Column<'_>, begin: i64, peaks: bool) {
        // Rows of the column before `skipped` lie below the picture.
        let skipped = usize::try_from(-begin).unwrap_or(0);
        let first = usize::try_from(begin).unwrap_or(0);
        let mean = column.mean.get(skipped..).unwrap_or(&[]);
        let rows = mean.len().min(self.power.len().saturating_sub(first));
        if rows == 0 {
            return;
        }
        let here = first..first + rows;
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
        if *self.counted.get_or_insert(begin) == begin {
            self.frames += column.frames;
        }
    }
}

impl Sum {
    fn new(grid: RowGrid, map: RowMap, table: Option<&Calibration>) -> Sum {
        let gain = |table: &Calibration, row: usize| {
            let db = table.offset_db_near(grid.middle_hz(map.first_row + row as i64));
            10f64.powf(db / 10.0) as f32
        };
        let gains = table
            .map(|table| (0..map.rows).map(|row| gain(table, row)).collect())
            .unwrap_or_default();
        Sum {
            grid,
            gains,
            column: ColumnSum::new(map.rows),
            mean: vec![[0.0; LANES]; map.rows],
            peak: vec![[0.0; LANES]; map.rows],
            map,
            ln_frames: [0.0; LANES],
            weight: [0.0; LANES],
        }
    }

    fn levels(&self, statistic: Statistic, row_db: &mut Vec<Lanes>, levels: &mut [Lanes]) {
        let (upper, lower) = levels.split_at_mut(self.map.spans.len().min(levels.len()));
        for (level, span) in upper.iter_mut().zip(&self.map.spans) {
            let peak = self.span_peak(span, statistic != Statistic::Mean);
            *level = self.shown(&self.span_mean(span), &peak, span.ln_bins, statistic);
        }
        // The rows that the lower pixels lie between.
        let (Some(top), Some(bottom)) = (self.map.taps.first(), self.map.taps.last()) else {
            return;
        };
        let rows = bottom.low..top.high.max(top.low) + 1;
        let ln_bins = (self.grid.bins_per_row.max(1.0) as f32).ln();
        row_db.clear();
        row_db.extend(
            self.mean[rows.clone()]
                .iter()
                .zip(&self.peak[rows.clone()])
                .map(|(mean, peak)| self.shown(mean, peak, ln_bins, statistic)),
        );
        for (level, tap) in lower.iter_mut().zip(&self.map.taps) {
            *level = between(tap, &row_db[tap.low - rows.start], &row_db[tap.high - rows.start]);
        }
    }

    /// Mean power of the rows under a pixel, of those that there are.
    fn span_mean(&self, span: &Span) -> Lanes {
        let (mut sum, mut cover) = ([0f32; LANES], [0f32; LANES]);
        let mut add = |rows: &[Lanes], part: f32| {
            for row in rows {
                for lane in 0..LANES {
                    let missing = row[lane].is_nan();
                    sum[lane] += if missing { 0.0 } else { row[lane] * part };
                    cover[lane] += if missing { 0.0 } else { part };
                }
            }
        };
        add(&self.mean[span.first..=span.first], span.first_part);
        if span.last > span.first {
            add(&self.mean[span.first + 1..span.last], 1.0);
            add(&self.mean[span.last..=span.last], span.last_part);
        }
        std::array::from_fn(|lane| sum[lane] / cover[lane])
    }

    fn span_peak(&self, span: &Span, peaks: bool) -> Lanes {
        let mut highest = [0f32; LANES];
        if peaks {
            for row in &self.peak[span.first..=span.last] {
                for lane in 0..LANES {
                    highest[lane] =
                        if row[lane] > highest[lane] { row[lane] } else { highest[lane] };
                }
            }
        }
        highest
    }

    /// Levels in dB: of the mean, of the maximum, or of the maximum where the mean hides it. (Of the
    /// mean alone the maxima are all 0.)
    fn shown(&self, mean: &Lanes, peak: &Lanes, ln_bins: f32, statistic: Statistic) -> Lanes {
        std::array::from_fn(|lane| {
            let least = match statistic {
                Statistic::Max => 0.0,
                _ => mean[lane] * peak_factor(self.ln_frames[lane] + ln_bins),
            };
            power_to_db(if peak[lane] > least { peak[lane] } else { mean[lane] })
        })
    }
}

/// Levels between two rows.
fn between(tap: &Tap, low: &Lanes, high: &Lanes) -> Lanes {
    std::array::from_fn(|lane| {
        let level = low[lane] + tap.part * (high[lane] - low[lane]);
        // Where one of the two is missing the pixel belongs to the row that it lies in.
        let nearest = if tap.part < 0.5 { low[lane] } else { high[lane] };
        if level.is_nan() { nearest } else { level }
    })
}

/// How many times the mean a maximum must be to be drawn: 10·lg(ln N + 0.577) + 3 dB. (The greatest
/// of N exponentially distributed powers is ln N + 0.577 times their mean.)
fn peak_factor(ln_n: f32) -> f32 {
    1.995_262_3 * (ln_n + 0.577)
}

/// Level of the median under every pixel, dB.
pub(super) fn flatten_levels(spec: &RasterSpec<'_>, flatten: &Flatten<'_>) -> Vec<f32> {
    let mut levels = vec![[f32::NAN; LANES]; spec.height];
    let spec = RasterSpec { statistic: Statistic::Mean, ..spec.clone() };
    let mut accumulator = Accumulator::new(&spec);
    let median = Column {
        mean: flatten.median,
        max: &[],
        frames: 1.0,
        first_bin: flatten.first_bin,
        bins_per_row: flatten.bins_per_row,
        bin_hz: flatten.bin_hz,
    };
    accumulator.begin();
    accumulator.add(1.0, &median);
    accumulator.keep(0);
    accumulator.levels(&mut levels);
    levels.iter().map(|level| level[0]).collect()
}

#[cfg(test)]
mod tests {
    use spyhop_signal::spectrum::peak_threshold_db;

    use super::*;

    #[test]
    fn the_overlay_follows_the_rule_of_the_spectra() {
        for frames in [1f64, 2.0, 100.0, 1e6] {
            let factor = f64::from(peak_factor(frames.ln() as f32));
            assert!((10.0 * factor.log10() - peak_threshold_db(frames)).abs() < 1e-4);
        }
    }
}
