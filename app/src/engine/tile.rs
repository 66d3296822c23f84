//! Tiles: 256 columns of power at one level, filled piece by piece, sampled first and exact later.

use std::ops::Range;

use spyhop_api::view::{SpectrumSettings, Window};
use spyhop_signal::spectrum::WaveColumn;

/// Columns in a tile.
pub const TILE_COLUMNS: usize = 256;

/// A transform, as something that can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpectrumId {
    fft_size: u32,
    window_samples: u32,
    hop_samples: u32,
    window: (u8, u64),
    density: bool,
}

impl From<&SpectrumSettings> for SpectrumId {
    fn from(s: &SpectrumSettings) -> SpectrumId {
        let window = match s.window {
            Window::Hann => (0, 0),
            Window::HannSymmetric => (1, 0),
            Window::Hamming => (2, 0),
            Window::Blackman => (3, 0),
            Window::BlackmanHarris => (4, 0),
            Window::Kaiser(beta) => (5, beta.to_bits()),
            Window::Rectangular => (6, 0),
        };
        SpectrumId {
            fft_size: s.fft_size,
            window_samples: s.window_samples,
            hop_samples: s.hop_samples,
            window,
            density: s.scaling == spyhop_api::view::Scaling::Density,
        }
    }
}

/// Rows of a tile: which bins, and how many of them a row pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Strip {
    pub first_row: usize,
    pub rows: usize,
    pub bins_per_row: usize,
}

impl Strip {
    /// Bins of the strip.
    pub fn bins(&self) -> Range<usize> {
        self.first_row * self.bins_per_row..(self.first_row + self.rows) * self.bins_per_row
    }
}

/// Which power a tile holds, without its place in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layer {
    pub spectrum: SpectrumId,
    pub channel: u32,
    pub strip: Strip,
}

/// Where a tile is in time: its columns are `index * 256..(index + 1) * 256`, of `2^level` samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub level: u32,
    pub index: i64,
}

impl Place {
    /// Positions of the columns of a tile.
    pub fn positions(&self, columns: Range<usize>) -> Range<i64> {
        let first = self.index * TILE_COLUMNS as i64;
        (first + columns.start as i64) << self.level..(first + columns.end as i64) << self.level
    }

    /// The finer tile that holds half of this one.
    pub fn half(&self, second: bool) -> Option<Place> {
        let level = self.level.checked_sub(1)?;
        Some(Place { level, index: self.index * 2 + i64::from(second) })
    }
}

/// How good a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Quality {
    /// Nothing is there yet.
    #[default]
    Missing,
    /// A few of its frames.
    Sampled,
    /// All of its frames.
    Exact,
}

/// Power of 256 columns.
#[derive(Clone, Debug)]
pub struct Tile {
    rows: usize,
    mean: Vec<f32>,
    /// Empty as long as no column has more than one frame.
    max: Vec<f32>,
    frames: Vec<u32>,
    quality: Vec<Quality>,
}

/// A column of a tile.
pub struct TileColumn<'a> {
    pub mean: &'a [f32],
    pub max: &'a [f32],
    /// 0 is a gap.
    pub frames: u32,
    pub quality: Quality,
}

impl Tile {
    /// A tile without anything.
    pub fn new(rows: usize) -> Tile {
        Tile {
            rows,
            mean: vec![0.0; rows * TILE_COLUMNS],
            max: Vec::new(),
            frames: vec![0; TILE_COLUMNS],
            quality: vec![Quality::Missing; TILE_COLUMNS],
        }
    }

    /// Memory it takes.
    pub fn bytes(&self) -> usize {
        (self.mean.len() + self.max.len()) * size_of::<f32>() + TILE_COLUMNS * 5
    }

    /// Puts columns in, unless better ones are there.
    pub fn put(
        &mut self,
        first: usize,
        mean: &[f32],
        max: &[f32],
        frames: &[u32],
        quality: Quality,
    ) {
        let rows = self.rows;
        if rows == 0 || mean.len() < frames.len() * rows || first + frames.len() > TILE_COLUMNS {
            return;
        }
        if self.max.is_empty() && !max.is_empty() {
            self.max = self.mean.clone();
        }
        for (i, &count) in frames.iter().enumerate() {
            let column = first + i;
            if self.quality[column] > quality {
                continue;
            }
            let (to, from) = (column * rows..(column + 1) * rows, i * rows..(i + 1) * rows);
            self.mean[to.clone()].copy_from_slice(&mean[from.clone()]);
            if !self.max.is_empty() {
                let max = max.get(from.clone()).unwrap_or(&mean[from]);
                self.max[to].copy_from_slice(max);
            }
            self.frames[column] = count;
            self.quality[column] = quality;
        }
    }

    /// One of its columns.
    pub fn column(&self, index: usize) -> TileColumn<'_> {
        let rows = index * self.rows..(index + 1) * self.rows;
        TileColumn {
            mean: self.mean.get(rows.clone()).unwrap_or_default(),
            max: self.max.get(rows).unwrap_or_default(),
            frames: self.frames[index],
            quality: self.quality[index],
        }
    }

    /// How good a column is.
    pub fn quality(&self, index: usize) -> Quality {
        self.quality[index]
    }

    /// The worst of some columns.
    pub fn worst(&self, columns: Range<usize>) -> Quality {
        self.quality[columns].iter().copied().min().unwrap_or_default()
    }

    /// Fills columns of this tile from pairs of columns of a tile one level finer (the first half of
    /// this tile's columns, or the second). Means are weighted by their frames.
    pub fn put_halved(&mut self, finer: &Tile, second: bool) {
        let half = TILE_COLUMNS / 2;
        let rows = self.rows;
        if finer.rows != rows {
            return;
        }
        let mut mean = vec![0.0; rows];
        let mut max = vec![0.0; rows];
        for i in 0..half {
            let (a, b) = (finer.column(2 * i), finer.column(2 * i + 1));
            let frames = a.frames.saturating_add(b.frames);
            let share = if frames == 0 { 0.0 } else { a.frames as f32 / frames as f32 };
            for ((mean, a), b) in mean.iter_mut().zip(a.mean).zip(b.mean) {
                *mean = a * share + b * (1.0 - share);
            }
            let highest = |c: &TileColumn<'_>, row: usize| {
                if c.frames == 0 { 0.0 } else { c.max.get(row).copied().unwrap_or(c.mean[row]) }
            };
            for (row, max) in max.iter_mut().enumerate() {
                *max = highest(&a, row).max(highest(&b, row));
            }
            let column = i + if second { half } else { 0 };
            self.put(column, &mean, &max, &[frames], a.quality.min(b.quality));
        }
    }
}

/// Wave form of 256 columns.
#[derive(Clone, Debug)]
pub struct WaveTile {
    pub columns: Vec<WaveColumn>,
    pub quality: Vec<Quality>,
}

impl Default for WaveTile {
    fn default() -> WaveTile {
        let nothing = WaveColumn { min: f32::NAN, max: f32::NAN, mean_square: f32::NAN };
        WaveTile {
            columns: vec![nothing; TILE_COLUMNS],
            quality: vec![Quality::Missing; TILE_COLUMNS],
        }
    }
}

impl WaveTile {
    /// Puts columns in (minimum, maximum, mean square of each), unless better ones are there.
    pub fn put(&mut self, first: usize, values: &[f32], quality: Quality) {
        for (i, v) in values.as_chunks::<3>().0.iter().enumerate() {
            if let (Some(column), Some(held)) =
                (self.columns.get_mut(first + i), self.quality.get_mut(first + i))
                && *held <= quality
            {
                *column = WaveColumn { min: v[0], max: v[1], mean_square: v[2] };
                *held = quality;
            }
        }
    }

    /// The worst of some columns.
    pub fn worst(&self, columns: Range<usize>) -> Quality {
        self.quality[columns].iter().copied().min().unwrap_or_default()
    }

    /// As [`Tile::put_halved`]; the two halves of a column weigh the same.
    pub fn put_halved(&mut self, finer: &WaveTile, second: bool) {
        let half = TILE_COLUMNS / 2;
        for i in 0..half {
            let (a, b) = (finer.columns[2 * i], finer.columns[2 * i + 1]);
            let quality = finer.quality[2 * i].min(finer.quality[2 * i + 1]);
            let mean_square = match (a.mean_square.is_nan(), b.mean_square.is_nan()) {
                (false, false) => (a.mean_square + b.mean_square) / 2.0,
                (true, _) => b.mean_square,
                (_, true) => a.mean_square,
            };
            // `min` and `max` of floats ignore a NaN beside a number.
            let merged = [a.min.min(b.min), a.max.max(b.max), mean_square];
            self.put(i + if second { half } else { 0 }, &merged, quality);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_fine_columns_make_a_coarse_one_weighted_by_their_frames() {
        let mut fine = Tile::new(2);
        fine.put(0, &[1.0, 2.0, 4.0, 8.0], &[3.0, 3.0, 9.0, 9.0], &[3, 1], Quality::Exact);
        fine.put(2, &[5.0, 5.0, 0.0, 0.0], &[7.0, 7.0, 0.0, 0.0], &[2, 0], Quality::Exact);
        let mut coarse = Tile::new(2);
        coarse.put_halved(&fine, true);
        let column = coarse.column(128);
        assert_eq!(
            (column.mean, column.max, column.frames),
            (&[1.75, 3.5][..], &[9.0, 9.0][..], 4)
        );
        assert_eq!(coarse.column(129).mean, &[5.0, 5.0], "a gap weighs nothing");
        assert_eq!(coarse.quality(128), Quality::Exact);
        assert_eq!(coarse.quality(130), Quality::Missing);
    }

    #[test]
    fn sampled_columns_never_replace_exact_ones() {
        let mut tile = Tile::new(1);
        tile.put(3, &[5.0], &[6.0], &[10], Quality::Exact);
        tile.put(2, &[1.0, 1.0], &[], &[1, 1], Quality::Sampled);
        assert_eq!(tile.column(3).mean, &[5.0]);
        assert_eq!(tile.column(2).max, &[1.0], "a column of one frame is its own maximum");
    }
}
