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
