//! Columns that were computed in one piece, as the source of a picture.

use std::ops::Range;

use spyhop_signal::spectrum::{Columns, ColumnsSpec};

use crate::column::{Column, ColumnSource, Found};

/// A [`ColumnSource`] over [`Columns`]. What lies outside them is a gap.
#[derive(Clone, Copy, Debug)]
pub struct GridSource<'a> {
    spec: &'a ColumnsSpec,
    columns: &'a Columns,
}

impl<'a> GridSource<'a> {
    /// The columns and what they were made of.
    pub fn new(spec: &'a ColumnsSpec, columns: &'a Columns) -> GridSource<'a> {
        GridSource { spec, columns }
    }
}

impl ColumnSource for GridSource<'_> {
    fn columns(&self, positions: Range<f64>, each: &mut dyn FnMut(f32, Column<'_>)) -> Found {
        let spec = self.spec;
        let per_column = spec.column_samples as f64;
        // In columns from the first one.
        let start = positions.start / per_column - spec.first_column as f64;
        let end = positions.end / per_column - spec.first_column as f64;
        let first = start.floor().max(0.0) as usize;
        let last = (end.ceil().max(0.0) as usize).min(self.columns.frames.len());
        let mut found = Found::Gap;
        for index in first..last {
            let frames = self.columns.frames[index];
            let overlap = end.min((index + 1) as f64) - start.max(index as f64);
            let rows = index * spec.rows..(index + 1) * spec.rows;
            let Some(mean) = self.columns.mean.get(rows.clone()) else { continue };
            if frames == 0 || overlap <= 0.0 {
                continue;
            }
            found = Found::Data;
            let column = Column {
                mean,
                max: self.columns.max.get(rows).unwrap_or(&[]),
                frames: frames as f32,
                first_bin: (spec.first_row * spec.bins_per_row) as f64,
                bins_per_row: spec.bins_per_row as f64,
                bin_hz: spec.spectrum.bin_hz(),
            };
            // A column that is partly a gap has fewer frames, and counts for less.
            each(overlap as f32 * frames as f32, column);
        }
        found
    }
}

/// Several [`GridSource`]s as one, each of another stretch, in order: a picture that was computed piece by
/// piece.
#[derive(Clone, Debug)]
pub struct Grids<'a>(Vec<GridSource<'a>>);

impl<'a> Grids<'a> {
    /// Of pieces in the order of their positions.
    pub fn new(pieces: impl IntoIterator<Item = GridSource<'a>>) -> Grids<'a> {
        Grids(pieces.into_iter().collect())
    }
}

impl ColumnSource for Grids<'_> {
    fn columns(&self, positions: Range<f64>, each: &mut dyn FnMut(f32, Column<'_>)) -> Found {
        let end_of = |grid: &GridSource<'_>| {
            grid.spec.positions(grid.spec.first_column + grid.spec.columns as i64).start as f64
        };
        let first = self.0.partition_point(|grid| end_of(grid) <= positions.start);
        let mut found = Found::Gap;
        for grid in self.0.get(first..).unwrap_or_default() {
            if grid.spec.positions(grid.spec.first_column).start as f64 >= positions.end {
                break;
            }
            found = found.and(grid.columns(positions.clone(), each));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use spyhop_api::view::{Scaling, Window};
    use spyhop_signal::spectrum::{Effort, SpectrumSpec};

    use super::*;

    #[test]
    fn a_picture_in_pieces_is_the_same_as_in_one() {
        let spectrum = SpectrumSpec {
            sample_rate_hz: 1000.0,
            fft_size: 64,
            window_samples: 64,
            hop_samples: 32,
            window: Window::Hann,
            scaling: Scaling::Density,
        };
        let spec = |first_column, columns| ColumnsSpec {
            spectrum,
            column_samples: 10,
            first_column,
            columns,
            first_row: 0,
            rows: 1,
            bins_per_row: 64,
            effort: Effort::Exact,
        };
        let made = |range: Range<u32>| Columns {
            mean: range.clone().map(|n| n as f32).collect(),
            max: Vec::new(),
            frames: range.map(|n| u32::from(n != 5)).collect(),
            wave: Vec::new(),
            exact: true,
        };
        let (whole, parts) = (made(2..12), [made(2..6), made(6..7), made(7..12)]);
        let specs = [spec(2, 4), spec(6, 1), spec(7, 5)];
        let one_spec = spec(2, 10);
        let one = GridSource::new(&one_spec, &whole);
        let pieces = Grids::new(specs.iter().zip(&parts).map(|(s, c)| GridSource::new(s, c)));
        for range in
            [0.0..200.0, 0.0..15.0, 45.0..75.0, 51.0..59.0, 65.0..70.0, 119.0..500.0, 130.0..140.0]
        {
            let told = |source: &dyn ColumnSource| {
                let mut seen = Vec::new();
                let found =
                    source.columns(range.clone(), &mut |weight, c| seen.push((weight, c.mean[0])));
                (found, seen)
            };
            assert_eq!(told(&pieces), told(&one), "{range:?}");
        }
    }
}
