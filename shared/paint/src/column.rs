//! Columns of power, and who gives them to a picture.

use std::ops::Range;

/// Power over frequency for a stretch of time.
///
/// Row r stands for the bins `first_bin + r·bins_per_row` to `first_bin + (r + 1)·bins_per_row` (not
/// included), bin k lies at `k·bin_hz`.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    /// Mean power of each row, linear (not dB).
    pub mean: &'a [f32],
    /// Maximum power of each row; may be empty, then the mean is all there is.
    pub max: &'a [f32],
    /// Frames that mean and maximum were taken over.
    pub frames: f32,
    /// First bin of row 0.
    pub first_bin: f64,
    /// Bins in a row, at least 1.
    pub bins_per_row: f64,
    /// Width of a bin, hertz.
    pub bin_hz: f64,
}

/// What a source has for a range of positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Columns, at least one of which was given.
    Data,
    /// Nothing was recorded there.
    Gap,
    /// It was recorded, but is not computed yet.
    Pending,
}

impl Found {
    /// What there is of two ranges together: of data, whatever else there is.
    #[must_use]
    pub fn and(self, other: Found) -> Found {
        match (self, other) {
            (Found::Data, _) | (_, Found::Data) => Found::Data,
            (Found::Pending, _) | (_, Found::Pending) => Found::Pending,
            _ => Found::Gap,
        }
    }
}

/// Gives the columns under a pixel.
pub trait ColumnSource {
    /// Calls `each` with every column that overlaps `positions` (samples on the line) and its weight:
    /// the share of the range that was recorded and that the column stands for (any common factor
    /// will do). Bands that are stored apart are given one after the other, with the same weight.
    fn columns(&self, positions: Range<f64>, each: &mut dyn FnMut(f32, Column<'_>)) -> Found;
}
