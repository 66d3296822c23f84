//! A tile: 256 columns of one level of a pyramid, as it crosses the wire.
//!
//! All numbers are little-endian. A header of 48 bytes:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `SPT2` |
//! | i32 | level; a column of level L lasts 2^L times as long as one of level 0 |
//! | i64 | tile: its first column is column `256 * tile` of the level |
//! | u32 | bands, 0 Hz first |
//! | u32 | columns |
//! | i64 | nanoseconds that a column lasts |
//! | f64 | hertz from one band to the next |
//! | u32 | flags; 1: some of it is still to be built; 2: the levels are coarse |
//! | u32 | 0 |
//!
//! Then, for each column, a u32: the frames of the transform that it holds, 0 in a gap; and a u64: the
//! samples that were taken in it. Then, of the columns with samples, the smallest sample of each, the
//! largest of each, and the mean square of each, as f32: the lowest bytes of all 3 numbers of all columns
//! first, the highest last. Then the columns with frames, band by band within each: the mean in steps of 0.1 dB, less that of the column before
//! (wrapping, the first less 0), and how far the maximum lies above the mean in steps of 0.5 dB; both in
//! 16 bits, the low bytes of all first and then the high bytes of all, because what compresses next
//! (gzip) finds the high bytes alike.
//!
//! Where they are coarse, for those who spare the net, the mean stands in whole decibels from -200 on, less
//! that of the column before, and what the maximum has above it in steps of 2 dB; both in 8 bits.

use crate::ColumnSamples;

/// Columns of a tile.
pub const TILE_COLUMNS: usize = 256;
/// Steps of the mean on the wire, dB.
pub const MEAN_STEP_DB: f32 = 0.1;
/// Steps of what the maximum has above the mean, dB.
pub const EXCESS_STEP_DB: f32 = 0.5;
/// Steps of the mean where levels are coarse, dB, and the lowest that is told.
pub const COARSE_MEAN_STEP_DB: f32 = 1.0;
const COARSE_LEAST_DB: f32 = -200.0;
/// Steps of what the maximum has above the mean where levels are coarse, dB.
pub const COARSE_EXCESS_STEP_DB: f32 = 2.0;
/// More bands than this are no pyramid's.
const MOST_BANDS: usize = 1 << 16;

const MAGIC: &[u8; 4] = b"SPT2";
const HEADER_BYTES: usize = 48;
const UNFINISHED: u32 = 1;
const COARSE: u32 = 2;

/// Mean and maximum power of some columns of one level, and the wave form of their samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Tile {
    /// The level; below 0 it is finer than what is stored.
    pub level: i32,
    /// Which one: column `256 * tile` of the level is its first.
    pub tile: i64,
    /// Bands of a column, 0 Hz first.
    pub bands: usize,
    /// What a column lasts, nanoseconds: column `k` of the level begins `k * column_ns` after 1970 (or
    /// after the first sample, where the recordings are not dated).
    pub column_ns: i64,
    /// Hertz from one band to the next.
    pub bin_hz: f64,
    /// Whether some of it is still to be built, so that it is not to be kept.
    pub unfinished: bool,
    /// Frames of the transform in each column; 0 is a gap.
    pub frames: Vec<u32>,
    /// The samples of each column; there may be some where no frame is.
    pub samples: Vec<ColumnSamples>,
    /// Level of the mean power, dB re FS²/Hz, `mean_db[column * bands + band]`; NaN in a gap.
    pub mean_db: Vec<f32>,
    /// Level of the largest power of any frame, shaped like `mean_db`.
    pub max_db: Vec<f32>,
}

/// Why bytes are no tile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no tile: {0}; load the page anew")]
pub struct TileError(pub String);

impl Tile {
    /// A tile of gaps.
    pub fn gap(level: i32, tile: i64, bands: usize, column_ns: i64, bin_hz: f64) -> Tile {
        let cells = vec![f32::NAN; TILE_COLUMNS * bands];
        Tile {
            level,
            tile,
            bands,
            column_ns,
            bin_hz,
            unfinished: false,
            frames: vec![0; TILE_COLUMNS],
            samples: vec![ColumnSamples::default(); TILE_COLUMNS],
            mean_db: cells.clone(),
            max_db: cells,
        }
    }

    /// Its bytes on the wire, before compression.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.head(0);
        let mut before = vec![0i16; self.bands.max(1)];
        let mut steps = Vec::new();
        let mut excess = Vec::new();
        self.each_cell(|band, mean, max| {
            // A cast of a float holds on to the ends of the range.
            let step = (mean / MEAN_STEP_DB).round() as i16;
            if let Some(before) = before.get_mut(band) {
                steps.push(step.wrapping_sub(*before) as u16);
                *before = step;
            }
            excess.push(((max - mean) / EXCESS_STEP_DB).round() as u16);
        });
        for values in [steps, excess] {
            bytes.extend(values.iter().map(|v| (v & 0xff) as u8));
            bytes.extend(values.iter().map(|v| (v >> 8) as u8));
        }
        bytes
    }

    /// The same with coarse levels: about a third of the bytes once they are compressed.
    pub fn encode_coarse(&self) -> Vec<u8> {
        let mut bytes = self.head(COARSE);
        let mut before = vec![0u8; self.bands.max(1)];
        let mut excess = Vec::new();
        self.each_cell(|band, mean, max| {
            let step = ((mean - COARSE_LEAST_DB) / COARSE_MEAN_STEP_DB).round() as u8;
            if let Some(before) = before.get_mut(band) {
                bytes.push(step.wrapping_sub(*before));
                *before = step;
            }
            excess.push(((max - mean) / COARSE_EXCESS_STEP_DB).round() as u8);
        });
        bytes.append(&mut excess);
        bytes
    }

    /// Gives band, mean and maximum of each cell of the columns with frames.
    fn each_cell(&self, mut give: impl FnMut(usize, f32, f32)) {
        let bands = self.bands.max(1);
        let columns = self.mean_db.chunks_exact(bands).zip(self.max_db.chunks_exact(bands));
        for ((mean, max), _) in columns.zip(&self.frames).filter(|(_, frames)| **frames > 0) {
            for (band, (mean, max)) in mean.iter().zip(max).enumerate() {
                give(band, *mean, *max);
            }
        }
    }

    /// Everything before the levels.
    fn head(&self, form: u32) -> Vec<u8> {
        let bands = self.bands.max(1);
        let cells = self.frames.iter().filter(|&&frames| frames > 0).count() * bands;
        let columns = self.frames.len();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + (4 + 8 + 12) * columns + 4 * cells);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.level.to_le_bytes());
        bytes.extend_from_slice(&self.tile.to_le_bytes());
        bytes.extend_from_slice(&(self.bands as u32).to_le_bytes());
        bytes.extend_from_slice(&(self.frames.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&self.column_ns.to_le_bytes());
        bytes.extend_from_slice(&self.bin_hz.to_le_bytes());
        let flags = form | if self.unfinished { UNFINISHED } else { 0 };
        bytes.extend_from_slice(&flags.to_le_bytes());
        bytes.extend_from_slice(&0u32.to_le_bytes());
        bytes.extend(self.frames.iter().flat_map(|frames| frames.to_le_bytes()));
        bytes.extend(self.samples.iter().flat_map(|samples| samples.count.to_le_bytes()));
        let sampled = self.samples.iter().filter(|samples| samples.count > 0);
        let numbers: [fn(&ColumnSamples) -> f32; 3] = [|s| s.min, |s| s.max, |s| s.mean_square];
        let of_all = |of: fn(&ColumnSamples) -> f32| sampled.clone().map(of);
        let wave: Vec<[u8; 4]> =
            numbers.into_iter().flat_map(of_all).map(f32::to_le_bytes).collect();
        for plane in 0..4 {
            bytes.extend(wave.iter().map(|value| value[plane]));
        }
        bytes
    }

    /// Reads what [`Tile::encode`] or [`Tile::encode_coarse`] wrote.
    ///
    /// # Errors
    /// When the bytes are no tile, or not all of one.
    pub fn decode(bytes: &[u8]) -> Result<Tile, TileError> {
        let fail = |what: &str| TileError(what.to_owned());
        let short = || fail("it ends early");
        let mut at = Reader { bytes };
        if at.take::<4>().ok_or_else(short)? != MAGIC {
            return Err(fail("it does not begin with SPT2"));
        }
        let mut header = || -> Option<_> {
            Some((
                i32::from_le_bytes(*at.take()?),
                i64::from_le_bytes(*at.take()?),
                u32::from_le_bytes(*at.take()?) as usize,
                u32::from_le_bytes(*at.take()?) as usize,
                i64::from_le_bytes(*at.take()?),
                f64::from_le_bytes(*at.take()?),
                u32::from_le_bytes(*at.take()?),
                u32::from_le_bytes(*at.take()?),
            ))
        };
        let (level, tile, bands, columns, column_ns, bin_hz, flags, _) =
            header().ok_or_else(short)?;
        if columns != TILE_COLUMNS || !(1..=MOST_BANDS).contains(&bands) {
            return Err(TileError(format!("it claims {columns} columns of {bands} bands")));
        }
        let frames: Vec<u32> = at
            .many(4 * columns)
            .ok_or_else(short)?
            .chunks_exact(4)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        let counts: Vec<u64> = at
            .many(8 * columns)
            .ok_or_else(short)?
            .chunks_exact(8)
            .map(|b| u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
            .collect();
        let sampled = counts.iter().filter(|&&count| count > 0).count();
        let wave = at.many(4 * 3 * sampled).ok_or_else(short)?;
        let recorded = frames.iter().filter(|&&f| f > 0).count() * bands;
        let mut plane = || at.many(recorded).ok_or_else(short);
        let levels = match flags & COARSE {
            0 => Levels::Fine([plane()?, plane()?, plane()?, plane()?]),
            _ => Levels::Coarse([plane()?, plane()?]),
        };
        if !at.bytes.is_empty() {
            return Err(fail("something follows it"));
        }
        let mut out = Tile::gap(level, tile, bands, column_ns, bin_hz);
        out.unfinished = flags & UNFINISHED != 0;
        let mut before = vec![0u16; bands];
        let mut cell = 0;
        for (column, _) in frames.iter().enumerate().filter(|(_, frames)| **frames > 0) {
            for (band, before) in before.iter_mut().enumerate() {
                let (mean_db, excess_db) = levels.of_cell(cell, before);
                out.mean_db[column * bands + band] = mean_db;
                out.max_db[column * bands + band] = mean_db + excess_db;
                cell += 1;
            }
        }
        let plane = 3 * sampled;
        let number = |i: usize| {
            f32::from_le_bytes([wave[i], wave[plane + i], wave[2 * plane + i], wave[3 * plane + i]])
        };
        let with_samples = out.samples.iter_mut().zip(counts).filter(|(_, count)| *count > 0);
        for (i, (samples, count)) in with_samples.enumerate() {
            let (min, max) = (number(i), number(sampled + i));
            *samples = ColumnSamples { count, min, max, mean_square: number(2 * sampled + i) };
        }
        out.frames = frames;
        Ok(out)
    }
}

/// The levels as they came: the planes of their bytes.
enum Levels<'a> {
    Fine([&'a [u8]; 4]),
    Coarse([&'a [u8]; 2]),
}

impl Levels<'_> {
    /// The mean of a cell, and what its maximum has above it, dB; `before` is the step of the cell before it
    /// in the same band, and becomes this one's.
    fn of_cell(&self, cell: usize, before: &mut u16) -> (f32, f32) {
        match self {
            Levels::Fine([mean_low, mean_high, excess_low, excess_high]) => {
                let step = u16::from_le_bytes([mean_low[cell], mean_high[cell]]);
                *before = before.wrapping_add(step);
                let excess = u16::from_le_bytes([excess_low[cell], excess_high[cell]]);
                let mean_db = f32::from(*before as i16) * MEAN_STEP_DB;
                (mean_db, f32::from(excess) * EXCESS_STEP_DB)
            }
            Levels::Coarse([mean, excess]) => {
                let step = (*before as u8).wrapping_add(mean[cell]);
                *before = u16::from(step);
                let mean_db = COARSE_LEAST_DB + f32::from(step) * COARSE_MEAN_STEP_DB;
                (mean_db, f32::from(excess[cell]) * COARSE_EXCESS_STEP_DB)
            }
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (first, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(first)
    }

    fn many(&mut self, count: usize) -> Option<&'a [u8]> {
        let (first, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tile() -> Tile {
        let mut tile = Tile::gap(-3, -70_000, 257, 13_333_376, 375.0);
        for column in (0..TILE_COLUMNS).filter(|c| !(20..90).contains(c)) {
            tile.frames[column] = 1 + column as u32;
            let most = 1e-3 * (column as f32).sin();
            let count = column as u64 + (1 << 40);
            tile.samples[column] =
                ColumnSamples { count, min: most - 1e-4, max: most, mean_square: most * most };
            for band in 0..257 {
                let mean = -60.0 - 0.13 * band as f32 + (column as f32).sin();
                tile.mean_db[column * 257 + band] = mean;
                tile.max_db[column * 257 + band] = mean + (band % 90) as f32;
            }
        }
        // The last samples before a gap.
        tile.samples[20] = ColumnSamples { count: 3, min: -0.5, max: 0.25, mean_square: 0.1 };
        tile
    }

    #[test]
    fn a_tile_survives_the_wire_to_half_a_step() {
        let tile = tile();
        let back = Tile::decode(&tile.encode()).expect("a tile");
        assert_eq!((back.level, back.tile, back.bands), (tile.level, tile.tile, tile.bands));
        assert_eq!((back.column_ns, back.bin_hz), (tile.column_ns, tile.bin_hz));
        assert_eq!((&back.frames, back.unfinished), (&tile.frames, false));
        assert_eq!(back.samples, tile.samples);
        for (i, (a, b)) in tile.mean_db.iter().zip(&back.mean_db).enumerate() {
            let gap = (20..90).contains(&(i / 257));
            assert!((a - b).abs() <= 0.0501 || gap && b.is_nan(), "{i}: {b} for {a}");
        }
        for (i, (a, b)) in tile.max_db.iter().zip(&back.max_db).enumerate() {
            let gap = (20..90).contains(&(i / 257));
            // Half a step of the mean and half a step of what the maximum has above it.
            assert!((a - b).abs() <= 0.3001 || gap && b.is_nan(), "{i}: {b} for {a}");
        }
    }

    #[test]
    fn coarse_levels_survive_the_wire_to_half_of_their_steps() {
        let tile = tile();
        let bytes = tile.encode_coarse();
        assert!(bytes.len() < tile.encode().len() * 6 / 10, "{}", bytes.len());
        let back = Tile::decode(&bytes).expect("a tile");
        assert_eq!((&back.frames, &back.samples), (&tile.frames, &tile.samples));
        for (i, (a, b)) in tile.mean_db.iter().zip(&back.mean_db).enumerate() {
            let gap = (20..90).contains(&(i / 257));
            assert!((a - b).abs() <= 0.501 || gap && b.is_nan(), "{i}: {b} for {a}");
        }
        for (i, (a, b)) in tile.max_db.iter().zip(&back.max_db).enumerate() {
            let gap = (20..90).contains(&(i / 257));
            assert!((a - b).abs() <= 1.501 || gap && b.is_nan(), "{i}: {b} for {a}");
        }
        assert!(Tile::decode(&bytes[..bytes.len() - 1]).is_err());
        let mut silent = Tile::gap(0, 0, 1, 1, 1.0);
        for (column, level) in [(0, f32::NEG_INFINITY), (1, 400.0), (2, -60.0)] {
            silent.frames[column] = 1;
            (silent.mean_db[column], silent.max_db[column]) = (level, level);
        }
        let held = Tile::decode(&silent.encode_coarse()).expect("a tile").mean_db;
        assert_eq!(held[..3], [-200.0, 55.0, -60.0], "held at the ends of the range");
    }

    #[test]
    fn levels_beyond_the_range_are_held_at_its_ends() {
        let mut tile = Tile::gap(0, 0, 1, 1, 1.0);
        for (column, mean) in [(0, -4000.0), (1, 4000.0), (2, f32::NEG_INFINITY), (3, 0.0)] {
            tile.frames[column] = 1;
            (tile.mean_db[column], tile.max_db[column]) = (mean, mean);
        }
        tile.unfinished = true;
        let back = Tile::decode(&tile.encode()).expect("a tile");
        assert!(back.unfinished);
        let held: Vec<f32> = back.mean_db[..4].iter().map(|db| (db * 10.0).round()).collect();
        assert_eq!(held, [-32_768.0, 32_767.0, -32_768.0, 0.0]);
    }

    #[test]
    fn what_is_cut_or_damaged_is_refused() {
        let bytes = tile().encode();
        for end in [0, 3, 4, 47, 48, 100, bytes.len() - 1] {
            assert!(Tile::decode(&bytes[..end]).is_err(), "{end}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        let mut columns = bytes.clone();
        columns[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
        let mut bands = bytes;
        bands[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
        for bad in [longer, columns, bands] {
            assert!(Tile::decode(&bad).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read(mut bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
            let _ = Tile::decode(&bytes);
            if let Some(magic) = bytes.first_chunk_mut::<4>() {
                *magic = *MAGIC;
            }
            let _ = Tile::decode(&bytes);
        }
    }
}
