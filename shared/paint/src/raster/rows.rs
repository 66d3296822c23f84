//! Which rows of power lie under each pixel of a column.

use spyhop_signal::spectrum::scale::FrequencyScale;

/// A grid of rows: where they lie in frequency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RowGrid {
    /// Width of a bin, hertz.
    pub bin_hz: f64,
    /// Bins in a row.
    pub bins_per_row: f64,
    /// First bin of row 0: what is left of it after whole rows.
    pub phase: f64,
}

impl RowGrid {
    /// The grid of a column and the index of its first row on the grid.
    pub fn of(bin_hz: f64, bins_per_row: f64, first_bin: f64) -> (RowGrid, i64) {
        let bins_per_row = bins_per_row.max(1e-9);
        let first_row = (first_bin / bins_per_row).floor();
        let phase = first_bin - first_row * bins_per_row;
        (RowGrid { bin_hz, bins_per_row, phase }, first_row as i64)
    }

    /// Where a frequency lies in rows: row r reaches from r to r + 1. (Bin k reaches half a bin to
    /// both sides of its frequency.)
    fn row_at(&self, hz: f64) -> f64 {
        (hz / self.bin_hz - self.phase + 0.5) / self.bins_per_row
    }

    /// The frequency in the middle of a row.
    pub fn middle_hz(&self, row: i64) -> f64 {
        ((row as f64 + 0.5) * self.bins_per_row + self.phase - 0.5) * self.bin_hz
    }
}

/// A pixel that covers more than a row: rows `first..last` whole, and a part of those at both ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The row that the pixel's lower edge lies in.
    pub first: usize,
    /// The row that its upper edge lies in.
    pub last: usize,
    /// Part of the first row that is covered (of what is covered, if both edges lie in it).
    pub first_part: f32,
    /// Part of the last row that is covered.
    pub last_part: f32,
    /// Natural logarithm of the bins it covers.
    pub ln_bins: f32,
}

/// A pixel that lies between two rows' centres.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    /// The row below.
    pub low: usize,
    /// The row above.
    pub high: usize,
    /// How far up from the one to the other, 0 to 1.
    pub part: f32,
}

/// The rows under every pixel, from the top.
#[derive(Clone, Debug)]
pub(super) struct RowMap {
    /// Index on the grid of the first row that is needed.
    pub first_row: i64,
    /// How many rows are needed.
    pub rows: usize,
    /// The upper pixels: they cover more than a row.
    pub spans: Vec<Span>,
    /// The pixels below them: they are smaller than a row.
    pub taps: Vec<Tap>,
}

impl RowMap {
    /// Lays a column of `height` pixels on a grid.
    pub fn new(grid: &RowGrid, scale: &FrequencyScale, height: usize) -> RowMap {
        let edge = |y: usize| grid.row_at(scale.to_hz(1.0 - y as f64 / height as f64));
        let edges: Vec<f64> = (0..=height).map(edge).collect();
        // Pixels cover less the lower they lie (or all the same), whichever the axis.
        let spans_end = edges.windows(2).position(|e| e[0] - e[1] <= 1.0).unwrap_or(height);
        let first_row = edges[height].min((edges[height] + edges[height - 1]) / 2.0 - 0.5).floor();
        let at = |row: f64| (row - first_row).max(0.0) as usize;

        let spans = edges[..=spans_end].windows(2).map(|e| {
            let (high, low) = (e[0], e[1]);
            let (first, last) = (low.floor(), (high.ceil() - 1.0).max(low.floor()));
            let one = first == last;
            Span {
                first: at(first),
                last: at(last),
                first_part: if one { (high - low) as f32 } else { (first + 1.0 - low) as f32 },
                last_part: if one { 0.0 } else { (high - last) as f32 },
                ln_bins: ((high - low) * grid.bins_per_row).max(1.0).ln() as f32,
            }
        });
        let taps = edges[spans_end..].windows(2).map(|e| {
            let centre = (e[0] + e[1]) / 2.0 - 0.5;
            let low = (centre + 1e-6).floor();
            let part = (centre - low).max(0.0);
            // Exactly on a row no other is needed: there is none above the last.
            let high = if part < 1e-6 { low } else { low + 1.0 };
            Tap { low: at(low), high: at(high), part: part as f32 }
        });
        let (spans, taps): (Vec<Span>, Vec<Tap>) = (spans.collect(), taps.collect());
        let highest = spans.iter().map(|s| s.last).chain(taps.iter().map(|t| t.high)).max();
        let rows = highest.unwrap_or(0) + 1;
        RowMap { first_row: first_row as i64, rows, spans, taps }
    }
}
