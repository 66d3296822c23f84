//! Pictures of more than a page transforms by itself: from the tiles of the server's pyramid.
//!
//! A tile is asked for only while it lies under a picture, a few at a time and the most urgent first;
//! what the view has left is aborted. Tiles stay in a bounded store, and coarser or finer ones stand in
//! for those that are not there yet.

mod fetch;
mod grid;
mod source;
mod store;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use spyhop_api::pyramid::PyramidInfo;
use spyhop_api::view::{Scaling, SpectrumSettings};
use spyhop_signal::Line;
use spyhop_signal::spectrum::window_coefficients;

use super::tile_request::Abort;
use super::{Progress, Wanted};
use grid::ClockGrid;
use store::{Decoded, Key, Store};

pub use fetch::{dispatch, dispatch_soon};
pub use source::Tiles;

/// Bytes of samples up to which a picture is transformed by the page.
const NEAR_BYTES: f64 = 4e6;
/// The same where the browser was told to spare the net.
const NEAR_BYTES_SPARING: f64 = 1e6;
/// Requests at a time: a browser opens six connections to a server, one is left for samples.
const AT_ONCE: usize = 5;

/// What the server has of what is open, and what came of it.
#[derive(Default)]
pub struct Distant {
    /// Where tiles are, without product and version.
    address: String,
    pyramids: Vec<(PyramidInfo, ClockGrid)>,
    store: Store,
    /// Tiles under the pictures, the most urgent first.
    needed: Vec<Key>,
    /// What aborts each request that is under way.
    in_flight: HashMap<Key, Abort>,
    failed: HashSet<Key>,
    /// Shown, but some of them is still to be built: asked for again in a while.
    resting: HashSet<Key>,
    /// Tiles with coarse levels are enough.
    is_sparing: bool,
}

impl Distant {
    /// Takes what a server says of what is open. `whole` as for [`ClockGrid::new`]. True where anything
    /// is new.
    pub fn set(
        &mut self,
        address: String,
        pyramids: &[PyramidInfo],
        line: &Line,
        whole: bool,
    ) -> bool {
        let fitting: Vec<_> = pyramids
            .iter()
            .filter_map(|p| Some((p.clone(), ClockGrid::new(p, line, whole)?)))
            .collect();
        if (&self.address, &self.pyramids) == (&address, &fitting) {
            return false;
        }
        let versions = |all: &[(PyramidInfo, ClockGrid)]| -> Vec<String> {
            all.iter().map(|(p, _)| p.version.clone()).collect()
        };
        // Of the same version there is only more by now: what came is still right.
        if self.address != address || versions(&self.pyramids) != versions(&fitting) {
            self.store.outdate();
        }
        self.address = address;
        self.pyramids = fitting;
        self.failed.clear();
        self.resting.clear();
        true
    }

    /// Tiles with coarse levels are asked for, or no longer: then those that came so are shown until the
    /// others are there.
    pub fn set_sparing(&mut self, is_sparing: bool) {
        if self.is_sparing && !is_sparing {
            self.store.outdate();
        }
        self.is_sparing = is_sparing;
        self.in_flight.clear();
    }

    /// How the pyramid of a channel was transformed.
    pub fn spectrum(&self, channel: u32) -> Option<SpectrumSettings> {
        self.of(channel).map(|(info, _)| info.spectrum)
    }

    /// Share of the pyramid of a channel that the server has built.
    pub fn built(&self, channel: u32) -> Option<f64> {
        self.of(channel).map(|(info, _)| info.built)
    }

    fn of(&self, channel: u32) -> Option<&(PyramidInfo, ClockGrid)> {
        self.pyramids.iter().find(|(info, _)| info.channel == channel)
    }

    /// Whether a picture is made of tiles: those of more samples than a page fetches for it.
    pub fn takes(&self, wanted: &Wanted, line: &Line, frame_bytes: f64, sparing: bool) -> bool {
        if self.of(wanted.channel).is_none() {
            return false;
        }
        let near = if sparing { NEAR_BYTES_SPARING } else { NEAR_BYTES };
        let mut bytes = 0.0;
        let range = wanted.positions.start.floor() as i64..wanted.positions.end.ceil() as i64;
        line.parts(range).any(|run| {
            bytes += run.frames as f64 * frame_bytes;
            bytes > near
        })
    }

    /// Says which pictures are made of tiles now, the most urgent first.
    pub fn want(&mut self, pictures: &[&Wanted], line: &Line) {
        self.needed.clear();
        for wanted in pictures {
            let Some((_, grid)) = self.of(wanted.channel) else { continue };
            let level = grid.level_of(wanted);
            let middle = (wanted.positions.start + wanted.positions.end) / 2.0;
            let size = spyhop_api::tile::TILE_COLUMNS as f64;
            let middle = (grid.base(level) as f64 + grid.at(level, middle)) / size - 0.5;
            let mut tiles = grid.recorded_tiles(level, line, &wanted.positions);
            tiles.sort_by(|a, b| (*a as f64 - middle).abs().total_cmp(&(*b as f64 - middle).abs()));
            let keys = tiles.into_iter().map(|tile| Key { channel: wanted.channel, level, tile });
            for key in keys {
                self.store.touch(&key);
                if !self.needed.contains(&key) {
                    self.needed.push(key);
                }
            }
        }
        let needed = &self.needed;
        self.in_flight.retain(|key, _| needed.contains(key));
    }

    /// What failed may be tried again: the net may be back.
    pub fn retry(&mut self) {
        self.failed.clear();
    }

    /// Tiles to be asked for now, and where each is.
    fn next(&self) -> Vec<(Key, String)> {
        let free = AT_ONCE.saturating_sub(self.in_flight.len());
        let waits = |key: &&Key| {
            !self.store.is_current(key)
                && !self.in_flight.contains_key(key)
                && !self.failed.contains(key)
                && !self.resting.contains(key)
        };
        let address = |key: &Key| {
            let (info, _) = self.of(key.channel)?;
            let (product, version) = (&info.product, &info.version);
            let (level, tile) = (key.level, key.tile);
            let form = if self.is_sparing { "?coarse=true" } else { "" };
            Some((*key, format!("{}/{product}/{version}/{level}/{tile}{form}", self.address)))
        };
        self.needed.iter().filter(waits).take(free).filter_map(address).collect()
    }

    /// Adds the tiles of the pictures to what is said of them.
    pub fn progress(&self, progress: &mut Progress) {
        for key in self.needed.iter().filter(|key| !self.failed.contains(key)) {
            let is_current = self.store.is_current(key);
            progress.tiles += 1;
            progress.shown += usize::from(is_current || self.store.get(key).is_some());
            progress.exact += usize::from(is_current);
        }
    }

    /// The tiles under a picture.
    pub fn tiles(&self, wanted: &Wanted, line: &Rc<Line>) -> Option<Tiles> {
        let (info, grid) = self.of(wanted.channel)?;
        let factor = match (wanted.spectrum.scaling, info.spectrum.scaling) {
            (Scaling::Spectrum, Scaling::Density) => {
                equivalent_width_hz(&info.spectrum, info.sample_rate_hz) as f32
            }
            _ => 1.0,
        };
        Tiles::under(wanted, line, *grid, &self.store, factor)
    }
}

/// What a density is multiplied by to be the power of a sine in its bin: the width of the window's
/// equivalent rectangle, hertz.
pub fn equivalent_width_hz(s: &SpectrumSettings, rate_hz: f64) -> f64 {
    let window = window_coefficients(s.window, s.window_samples as usize);
    let (sum, squares) = window.iter().fold((0.0, 0.0), |(s, q), w| (s + w, q + w * w));
    rate_hz * squares / (sum * sum)
}
