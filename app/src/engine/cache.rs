//! What was computed, up to a bound: the tiles that were not looked at for longest go first.

use std::collections::HashMap;
use std::rc::Rc;

use super::tile::{Layer, Place, Tile, WaveTile};

/// Memory that tiles may take: three whole views at the finest.
const MOST_BYTES: usize = 120 << 20;

/// A wave tile's memory, about.
const WAVE_BYTES: usize = super::tile::TILE_COLUMNS * 13;

struct Held<T> {
    tile: Rc<T>,
    used: u64,
}

/// Tiles at hand.
#[derive(Default)]
pub struct Cache {
    power: HashMap<Layer, HashMap<Place, Held<Tile>>>,
    wave: HashMap<(u32, Place), Held<WaveTile>>,
    bytes: usize,
    clock: u64,
}

impl Cache {
    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Cache::default();
    }

    /// Memory taken.
    pub fn bytes(&self) -> usize {
        self.bytes + self.wave.len() * WAVE_BYTES
    }

    /// A tile.
    pub fn power(&self, layer: &Layer, place: Place) -> Option<&Rc<Tile>> {
        Some(&self.power.get(layer)?.get(&place)?.tile)
    }

    /// A wave tile.
    pub fn wave(&self, channel: u32, place: Place) -> Option<&Rc<WaveTile>> {
        Some(&self.wave.get(&(channel, place))?.tile)
    }

    /// Layers of which there are tiles.
    pub fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.power.keys()
    }

    /// Changes a tile, made empty if it is not there.
    pub fn change_power(&mut self, layer: Layer, place: Place, change: impl FnOnce(&mut Tile)) {
        self.clock += 1;
        let used = self.clock;
        let held = self.power.entry(layer).or_default().entry(place).or_insert_with(|| {
            let tile = Tile::new(layer.strip.rows);
            self.bytes += tile.bytes();
            Held { tile: Rc::new(tile), used }
        });
        held.used = used;
        let tile = Rc::make_mut(&mut held.tile);
        let before = tile.bytes();
        change(tile);
        self.bytes = self.bytes - before + tile.bytes();
        self.evict();
    }

    /// Changes a wave tile, made empty if it is not there.
    pub fn change_wave(&mut self, channel: u32, place: Place, change: impl FnOnce(&mut WaveTile)) {
        self.clock += 1;
        let held = self
            .wave
            .entry((channel, place))
            .or_insert_with(|| Held { tile: Rc::default(), used: 0 });
        held.used = self.clock;
        change(Rc::make_mut(&mut held.tile));
        self.evict();
    }

    /// Says that tiles are looked at, so that they stay.
    pub fn touch(&mut self, layer: &Layer, place: Place) {
        self.clock += 1;
        if let Some(held) = self.power.get_mut(layer).and_then(|t| t.get_mut(&place)) {
            held.used = self.clock;
        }
        if let Some(held) = self.wave.get_mut(&(layer.channel, place)) {
            held.used = self.clock;
        }
    }

    /// Drops the older half of what was used, once there is too much.
    fn evict(&mut self) {
        if self.bytes() <= MOST_BYTES {
            return;
        }
        let mut ages: Vec<(u64, usize)> = self
            .power
            .values()
            .flat_map(|tiles| tiles.values().map(|h| (h.used, h.tile.bytes())))
            .chain(self.wave.values().map(|h| (h.used, WAVE_BYTES)))
            .collect();
        ages.sort_unstable();
        // A quarter at a time, so that this does not happen with every tile.
        let mut excess = self.bytes() - MOST_BYTES / 4 * 3;
        let mut oldest_kept = 0;
        for (used, bytes) in ages {
            oldest_kept = used + 1;
            excess = excess.saturating_sub(bytes);
            if excess == 0 {
                break;
            }
        }
        self.wave.retain(|_, h| h.used >= oldest_kept);
        for tiles in self.power.values_mut() {
            tiles.retain(|_, h| h.used >= oldest_kept);
        }
        self.power.retain(|_, tiles| !tiles.is_empty());
        self.bytes = self.power.values().flat_map(HashMap::values).map(|h| h.tile.bytes()).sum();
    }
}
