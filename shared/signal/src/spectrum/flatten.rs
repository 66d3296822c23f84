//! *Flatten*: each row's median level, to be taken off, and where it is taken.

use std::ops::Range;

use crate::fold::Fold;
use crate::line::Line;

/// Columns that medians are taken over where nothing interrupts them: up to twice as many.
const COLUMNS: f64 = 128.0;
/// Columns at most. Short recordings with gaps between them have more, of which some are left out.
const MOST_COLUMNS: usize = 512;
/// The window moves in eighths of itself, so that a small pan does not change every colour.
const STEPS: f64 = 8.0;
/// Columns closer than a window over this differ by nothing that can be seen.
const COLUMNS_PER_WINDOW: usize = 64;
/// Nothing shorter has a median, samples.
const LEAST_SAMPLES: f64 = 64.0;

/// Columns of a line over which medians are taken. They are those of a picture: column `c` covers the
/// positions `c * column_samples..(c + 1) * column_samples`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MedianColumns {
    /// Positions that a column covers, a power of two.
    pub column_samples: u64,
    /// Runs of neighbours, in order; in each something was recorded.
    pub runs: Vec<Range<i64>>,
}

impl MedianColumns {
    /// Those of `seconds` of what was recorded around the position in the middle of what is shown. Gaps
    /// that `recorded` folds away don't count, whether the picture shows them or not: the sea on both sides of one
    /// is what a call is compared with.
    pub fn around(
        middle: f64,
        seconds: f64,
        line: &Line,
        recorded: &Fold,
        window_samples: usize,
    ) -> MedianColumns {
        let end = recorded.place_of(line.end() as f64).max(1.0);
        let span = (seconds * line.sample_rate_hz).clamp(LEAST_SAMPLES.min(end), end);
        let step = span / STEPS;
        let start = ((recorded.place_of(middle) - span / 2.0) / step).round() * step;
        let start = start.clamp(0.0, end - span);
        let finest = (window_samples / COLUMNS_PER_WINDOW).max(1).ilog2();
        let level = ((span / COLUMNS).max(1.0).log2().floor() as u32).max(finest);
        let width = (1u64 << level) as f64;
        let mut runs: Vec<Range<i64>> = Vec::new();
        for (_, positions) in recorded.stretches(&(start..start + span)) {
            let end = (positions.end / width).ceil() as i64;
            let first = (positions.start / width).floor() as i64;
            match runs.last_mut() {
                Some(last) if first <= last.end => last.end = end.max(last.end),
                _ => runs.push(first..end),
            }
        }
        MedianColumns { column_samples: 1 << level, runs: thinned(runs) }
    }

    /// Each column, in order.
    pub fn columns(&self) -> impl Iterator<Item = i64> + '_ {
        self.runs.iter().cloned().flatten()
    }

    /// From the first position of the first to the end of the last.
    pub fn positions(&self) -> Range<i64> {
        let samples = self.column_samples as i64;
        let start = self.runs.first().map_or(0, |run| run.start * samples);
        start..self.runs.last().map_or(start, |run| run.end * samples)
    }
}

/// No more columns than are looked at, those that stay spread evenly.
fn thinned(runs: Vec<Range<i64>>) -> Vec<Range<i64>> {
    let count: usize = runs.iter().map(|run| (run.end - run.start) as usize).sum();
    if count <= MOST_COLUMNS {
        return runs;
    }
    let all: Vec<i64> = runs.into_iter().flatten().collect();
    let mut kept: Vec<Range<i64>> = Vec::new();
    for nth in 0..MOST_COLUMNS {
        let column = all[nth * count / MOST_COLUMNS];
        match kept.last_mut() {
            Some(last) if last.end == column => last.end += 1,
            _ => kept.push(column..column + 1),
        }
    }
    kept
}

/// Median power of each row over columns (each column a slice of `rows` powers). Columns of another
/// length are skipped; without columns all medians are NaN.
pub fn row_medians<'a>(columns: impl IntoIterator<Item = &'a [f32]>, rows: usize) -> Vec<f32> {
    let columns: Vec<&[f32]> = columns.into_iter().filter(|c| c.len() == rows).collect();
    let mut values = vec![0.0; columns.len()];
    (0..rows)
        .map(|row| {
            for (value, column) in values.iter_mut().zip(&columns) {
                *value = column[row];
            }
            median(&mut values)
        })
        .collect()
}

/// The middle value, or the mean of the two middle ones; reorders `values`.
fn median(values: &mut [f32]) -> f32 {
    let n = values.len();
    if n == 0 {
        return f32::NAN;
    }
    let (below, &mut middle, _) = values.select_nth_unstable_by(n / 2, f32::total_cmp);
    if n % 2 == 1 {
        return middle;
    }
    let lower = below.iter().copied().max_by(f32::total_cmp).unwrap_or(middle);
    (lower + middle) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Run;

    /// So many recordings of `recorded` samples each, one every `every`.
    fn line(count: i64, recorded: u64, every: i64) -> Line {
        let run =
            |n: i64| Run { position: n * every, frames: recorded, recording: 0, first_frame: 0 };
        Line { sample_rate_hz: 1000.0, origin: None, runs: (0..count).map(run).collect() }
    }

    fn around(middle: f64, seconds: f64, line: &Line) -> MedianColumns {
        MedianColumns::around(middle, seconds, line, &Fold::of(line), 256)
    }

    #[test]
    fn medians_are_taken_over_as_much_as_was_recorded_whatever_lies_between() {
        // Ten seconds a minute.
        let line = line(20, 10_000, 60_000);
        let columns = around(9.0 * 60_000.0 + 5000.0, 40.0, &line);
        assert_eq!(columns.column_samples, 256, "half of a 128th of 40 s to one");
        // Forty seconds in eighths: from the middle of one recording to that of the fourth after it.
        let recorded: usize = columns
            .columns()
            .map(|c| c * 256..(c + 1) * 256)
            .map(|p| line.parts(p).map(|run| run.frames as usize).sum::<usize>())
            .inspect(|samples| assert!(*samples > 0, "a column of a gap"))
            .sum();
        assert!((40_000..40_000 + 2 * 256).contains(&recorded), "{recorded}");
        assert_eq!(columns.runs.len(), 5, "{:?}", columns.runs);
        assert!(columns.positions().contains(&(9 * 60_000 + 5000)));
    }

    #[test]
    fn in_the_middle_of_a_gap_the_sea_on_both_sides_is_taken() {
        let line = line(2, 10_000, 600_000);
        let columns = around(300_000.0, 10.0, &line);
        let [before, after] = columns.runs.as_slice() else { panic!("{columns:?}") };
        assert_eq!(before.end, 10_000 / 64 + 1);
        assert_eq!(after.start, 600_000 / 64);
        assert_eq!((before.end - before.start, after.end - after.start), (79, 79));
    }

    #[test]
    fn a_small_pan_moves_nothing_and_the_ends_hold_the_window_back() {
        let line = line(1, 100_000, 0);
        assert_eq!(around(50_000.0, 16.0, &line), around(50_900.0, 16.0, &line));
        assert_ne!(around(50_000.0, 16.0, &line), around(52_000.0, 16.0, &line));
        assert_eq!(around(0.0, 16.0, &line).positions().start, 0);
        assert_eq!(around(99_000.0, 1e9, &line).positions(), 0..100_352);
        assert_eq!(around(5.0, 1e-9, &line).column_samples, 4, "a window's 64th");
    }

    #[test]
    fn thousands_of_recordings_are_looked_at_here_and_there() {
        let line = line(30_000, 100, 100_000);
        let columns = around(1.5e9, 1e6, &line);
        assert_eq!(columns.columns().count(), MOST_COLUMNS);
        assert!(columns.columns().is_sorted());
        let positions = columns.positions();
        assert!(positions.start < 100_000 && positions.end > 29_900 * 100_000, "{positions:?}");
    }

    #[test]
    fn a_loud_column_does_not_move_a_rows_median() {
        let columns: [&[f32]; 5] =
            [&[1.0, 2.0], &[1.0, 2.5], &[900.0, 2.0], &[1.2, 3.0], &[0.9, 9.0]];
        assert_eq!(row_medians(columns, 2), [1.0, 2.5]);
        assert_eq!(row_medians(columns[..4].iter().copied(), 2), [1.1, 2.25]);
    }

    #[test]
    fn nothing_has_no_median() {
        assert!(row_medians(std::iter::empty(), 1)[0].is_nan());
    }
}
