//! Tiles that came, up to a bound: those that were not looked at for longest go first.

use std::collections::HashMap;
use std::rc::Rc;

use spyhop_api::ColumnSamples;
use spyhop_api::tile::{TILE_COLUMNS, Tile};

/// Memory that tiles may take: about ten screens of them.
const MOST_BYTES: usize = 64 << 20;

/// Which tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub channel: u32,
    pub level: i32,
    /// Its first column is column `256 · tile` of the level.
    pub tile: i64,
}

/// Power of 256 columns, linear, ready to be painted.
pub struct Decoded {
    pub bands: usize,
    pub bin_hz: f64,
    /// Frames in each column; 0 is a gap.
    pub frames: Vec<u32>,
    /// The wave form of each column.
    pub samples: Vec<ColumnSamples>,
    /// Mean power, band by band of each column.
    mean: Vec<f32>,
    /// Maximum power, shaped like `mean`.
    max: Vec<f32>,
}

impl Decoded {
    /// From the wire's decibels.
    pub fn of(tile: &Tile) -> Decoded {
        // 10^(x/10) as a power of two, which costs less.
        const OCTAVES_PER_DB: f32 = std::f32::consts::LOG2_10 / 10.0;
        let power = |db: &f32| if db.is_nan() { 0.0 } else { (db * OCTAVES_PER_DB).exp2() };
        Decoded {
            bands: tile.bands,
            bin_hz: tile.bin_hz,
            frames: tile.frames.clone(),
            samples: tile.samples.clone(),
            mean: tile.mean_db.iter().map(power).collect(),
            max: tile.max_db.iter().map(power).collect(),
        }
    }

    /// Mean and maximum of a column's bands.
    pub fn column(&self, index: usize) -> (&[f32], &[f32]) {
        let bands = index * self.bands..(index + 1) * self.bands;
        let mean = self.mean.get(bands.clone()).unwrap_or_default();
        (mean, self.max.get(bands).unwrap_or_default())
    }

    fn bytes(&self) -> usize {
        (self.mean.len() + self.max.len()) * size_of::<f32>()
            + TILE_COLUMNS * (4 + size_of::<ColumnSamples>())
    }
}

struct Held {
    tile: Rc<Decoded>,
    /// Whether it is of the version that is asked for now, and all of it.
    current: bool,
    used: u64,
}

/// Tiles at hand.
#[derive(Default)]
pub struct Store {
    held: HashMap<Key, Held>,
    bytes: usize,
    clock: u64,
}

impl Store {
    /// A tile, of whichever version.
    pub fn get(&self, key: &Key) -> Option<&Rc<Decoded>> {
        self.held.get(key).map(|h| &h.tile)
    }

    /// Whether a tile need not be asked for again.
    pub fn is_current(&self, key: &Key) -> bool {
        self.held.get(key).is_some_and(|h| h.current)
    }

    /// Keeps a tile.
    pub fn put(&mut self, key: Key, tile: Decoded, finished: bool) {
        self.clock += 1;
        self.bytes += tile.bytes();
        let held = Held { tile: Rc::new(tile), current: finished, used: self.clock };
        if let Some(old) = self.held.insert(key, held) {
            self.bytes -= old.tile.bytes();
        }
        self.evict();
    }

    /// Says that a tile is looked at, so that it stays.
    pub fn touch(&mut self, key: &Key) {
        self.clock += 1;
        if let Some(held) = self.held.get_mut(key) {
            held.used = self.clock;
        }
    }

    /// What is held was of another version: it is shown until the new one is there.
    pub fn outdate(&mut self) {
        for held in self.held.values_mut() {
            held.current = false;
        }
    }

    fn evict(&mut self) {
        if self.bytes <= MOST_BYTES {
            return;
        }
        let mut ages: Vec<(u64, Key)> = self.held.iter().map(|(k, h)| (h.used, *k)).collect();
        ages.sort_unstable();
        // A quarter at a time, so that this does not happen with every tile.
        for (_, key) in ages {
            if self.bytes <= MOST_BYTES / 4 * 3 {
                break;
            }
            if let Some(old) = self.held.remove(&key) {
                self.bytes -= old.tile.bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile() -> Tile {
        let mut tile = Tile::gap(0, 0, 257, 1000, 375.0);
        tile.frames[3] = 80;
        tile.samples[3].count = 20_480;
        for band in 0..257 {
            tile.mean_db[3 * 257 + band] = -60.0;
            tile.max_db[3 * 257 + band] = -40.0;
        }
        tile
    }

    fn key(tile: i64) -> Key {
        Key { channel: 0, level: 2, tile }
    }

    #[test]
    fn decibels_become_power_and_a_gap_none() {
        let decoded = Decoded::of(&tile());
        let (mean, max) = decoded.column(3);
        assert!((mean[100] / 1e-6 - 1.0).abs() < 1e-5, "{}", mean[100]);
        assert!((max[100] / 1e-4 - 1.0).abs() < 1e-5);
        assert_eq!((decoded.frames[2], decoded.column(2).0[0]), (0, 0.0));
        assert_eq!(decoded.samples[3].count, 20_480);
    }

    #[test]
    fn what_was_not_looked_at_for_longest_goes_first() {
        let mut store = Store::default();
        let each = Decoded::of(&tile()).bytes();
        let most = MOST_BYTES / each;
        for i in 0..most as i64 {
            store.put(key(i), Decoded::of(&tile()), true);
        }
        store.touch(&key(0));
        store.put(key(-1), Decoded::of(&tile()), true);
        assert!(store.get(&key(0)).is_some() && store.get(&key(-1)).is_some());
        assert!(store.get(&key(1)).is_none());
        assert!(store.bytes <= MOST_BYTES);
    }

    #[test]
    fn a_tile_of_another_version_stays_until_the_new_one_is_there() {
        let mut store = Store::default();
        store.put(key(0), Decoded::of(&tile()), true);
        store.outdate();
        assert!(store.get(&key(0)).is_some() && !store.is_current(&key(0)));
        store.put(key(0), Decoded::of(&tile()), true);
        assert!(store.is_current(&key(0)));
    }
}
