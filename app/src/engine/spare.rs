//! Pictures for whoever spares the net: columns that the server computes instead of samples.
//!
//! A class that follows sees one view on thirty screens. The samples under a second at 192 kHz are 400 kB;
//! its columns, half as many as a screen is wide and in the band that is shown, are a tenth of that, and the
//! server makes them once for all. They are kept beside what the page transforms itself as columns of which
//! not everything is known: once the page no longer spares the net, they are made better as those are.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::{Rc, Weak};

use gloo::timers::callback::Timeout;
use gloo::timers::future::TimeoutFuture;
use spyhop_api::View;
use spyhop_api::columns::{self, ColumnsAsked};
use spyhop_api::tile::{TILE_COLUMNS, Tile};
use spyhop_api::view::{Source, SpectrumSettings};
use spyhop_signal::Line;
use wasm_bindgen_futures::spawn_local;

use super::cache::Cache;
use super::distant::dispatch as dispatch_tiles;
use super::state::State;
use super::target::Target;
use super::tile::{Layer, Place, Quality};
use super::tile_request::{Abort, NotCome, tile};
use super::{Progress, Wanted};

/// Pixels that a picture is made for at most: it has up to twice as many columns.
const MOST_PX: u32 = 512;
/// Rows in the band that is shown, at least where the transform has them; up to twice as many.
const ROWS: usize = 96;
/// Columns that are asked for at once.
const PIECE_COLUMNS: usize = 128;
/// Requests at a time, as for tiles.
const AT_ONCE: usize = 5;
/// Up to so many bytes of samples are fetched instead: they are all that there is to know.
const SAMPLES_BYTES: f64 = 64e3;
/// A picture that moves is asked for once it has rested for so long, ms.
const REST_MS: u32 = 120;
/// What did not come is asked for again after so long, ms.
const AGAIN_MS: u32 = 5000;

/// Columns of a tile.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    layer: Layer,
    place: Place,
    columns: Range<usize>,
}

/// What is asked of the server, and what came of it.
#[derive(Default)]
pub struct Spare {
    is_on: bool,
    /// What is open, as far as the server can compute it.
    source: Option<Source>,
    /// What the pictures need, the most urgent first, and its transform.
    needed: Vec<(Key, SpectrumSettings)>,
    in_flight: HashMap<Key, Abort>,
    /// What did not come: tried again with the next view, or in a while.
    failed: HashSet<Key>,
    /// A person was told that something did not come, and nothing has come since.
    is_told: bool,
    /// The server computes nothing of this.
    is_refused: bool,
    /// Set while the picture moves.
    moving: Option<Timeout>,
}

impl Spare {
    /// Whether the net is spared.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// Whether nothing is to be asked for yet, because the picture moves.
    pub fn is_moving(&self) -> bool {
        self.moving.is_some()
    }

    /// Something else is opened.
    pub fn clear(&mut self) {
        *self = Spare { is_on: self.is_on, ..Spare::default() };
    }

    /// A picture as it is made: for fewer pixels.
    pub fn narrowed(&self, wanted: &Wanted) -> Wanted {
        let most = if self.is_on { MOST_PX } else { u32::MAX };
        Wanted { width_px: wanted.width_px.min(most), ..wanted.clone() }
    }

    /// Whether the server computes a picture.
    pub fn takes(&self, wanted: &Wanted, line: &Line, frame_bytes: Option<f64>) -> bool {
        let can = self.is_on && self.source.is_some() && !self.is_refused;
        let Some(frame_bytes) = frame_bytes.filter(|_| can) else { return false };
        let range = wanted.positions.start.floor() as i64..wanted.positions.end.ceil() as i64;
        let frames: f64 = line.parts(range).map(|run| run.frames as f64).sum();
        frames * frame_bytes > SAMPLES_BYTES
    }

    /// What a picture is made of.
    pub fn target(&self, wanted: &Wanted, line: &Line) -> Target {
        let wanted = self.narrowed(wanted);
        let target = Target::of(&wanted, line.sample_rate_hz, line.end(), ROWS);
        let target = target.cropped(wanted.band_hz, line.sample_rate_hz, &wanted.spectrum, ROWS);
        Target { wave_level: target.level, ..target }
    }

    /// Says which pictures the server computes now, the most urgent first.
    pub fn want(&mut self, pictures: &[&Wanted], line: &Line) {
        self.needed.clear();
        for wanted in pictures {
            let target = self.target(wanted, line);
            let mut keys = keys(&target, line);
            let middle = (target.positions.start + target.positions.end) / 2;
            keys.sort_by_key(|key| {
                let positions = key.place.positions(key.columns.clone());
                ((positions.start + positions.end) / 2 - middle).abs()
            });
            for key in keys {
                if !self.needed.iter().any(|(held, _)| *held == key) {
                    self.needed.push((key, wanted.spectrum));
                }
            }
        }
        let needed = &self.needed;
        self.in_flight.retain(|key, _| needed.iter().any(|(held, _)| held == key));
    }

    /// What failed may be tried again: the net may be back.
    pub fn retry(&mut self) {
        self.failed.clear();
        self.is_told = false;
    }

    /// Adds the pieces of the pictures to what is said of them: more is not fetched.
    pub fn progress(&self, cache: &Cache, progress: &mut Progress) {
        for (key, _) in self.needed.iter().filter(|(key, _)| !self.failed.contains(key)) {
            let is_there = is_at_hand(cache, key);
            progress.tiles += 1;
            progress.shown += usize::from(is_there);
            progress.sampled += usize::from(is_there);
        }
    }

    /// What is to be asked for now, and where.
    fn next(&self, cache: &Cache, line: &Line) -> Vec<(Key, String)> {
        let Some(source) = self.source.as_ref().filter(|_| !self.is_moving()) else {
            return Vec::new();
        };
        let free = AT_ONCE.saturating_sub(self.in_flight.len());
        let waits = |(key, _): &&(Key, SpectrumSettings)| {
            !self.in_flight.contains_key(key)
                && !self.failed.contains(key)
                && !is_at_hand(cache, key)
        };
        let address = |(key, spectrum): &(Key, SpectrumSettings)| {
            let (channel, source) = (key.layer.channel, source.clone());
            let view = View { source, channel, spectrum: *spectrum, ..View::default() };
            let asked = asked(key, line);
            (
                key.clone(),
                format!("api/v1/view/columns?{}&{}={asked}", view.to_query(), columns::KEY),
            )
        };
        self.needed.iter().filter(waits).take(free).map(address).collect()
    }
}

impl State {
    /// Spares the net, or no longer.
    pub fn set_sparing(&mut self, is_on: bool) {
        if self.spare.is_on == is_on {
            return;
        }
        self.spare.is_on = is_on;
        self.spare.moving = None;
        self.distant.set_sparing(is_on);
        self.replan();
        self.tell_news();
    }

    /// Says what is open, as far as the server can compute it.
    pub fn set_computed(&mut self, source: Option<Source>) {
        self.spare.source = source;
        if self.spare.is_on {
            self.replan();
        }
    }

    /// The pictures have changed: what they need is asked for when they rest.
    pub fn move_spared(&mut self) {
        self.spare.retry();
        if !self.spare.is_on {
            return;
        }
        let state = self.weak();
        self.spare.moving = Some(Timeout::new(REST_MS, move || {
            let Some(state) = state.upgrade() else { return };
            state.borrow_mut().spare.moving = None;
            dispatch(&state);
            dispatch_tiles(&state);
        }));
    }
}

/// Asks for the pieces that are due.
fn dispatch(state: &Rc<RefCell<State>>) {
    let (turn, due) = {
        let now = state.borrow();
        let Some(line) = &now.line else { return };
        (now.turn, now.spare.next(&now.cache, line))
    };
    for (key, url) in due {
        let (abort, signal) = Abort::new();
        state.borrow_mut().spare.in_flight.insert(key.clone(), abort);
        let state = state.clone();
        spawn_local(async move {
            let answer = tile(&url, signal.as_ref()).await;
            arrived(&state, turn, &key, answer);
            dispatch(&state);
        });
    }
}

/// The same, once whoever holds the state has let go of it.
pub fn dispatch_soon(state: Weak<RefCell<State>>) {
    spawn_local(async move {
        if let Some(state) = state.upgrade() {
            dispatch(&state);
        }
    });
}

fn arrived(state: &Rc<RefCell<State>>, turn: u32, key: &Key, answer: Result<Tile, NotCome>) {
    let mut now = state.borrow_mut();
    if now.turn != turn {
        return;
    }
    match answer {
        Ok(tile) => {
            now.spare.in_flight.remove(key);
            now.spare.is_told = false;
            keep(&mut now.cache, key, &tile);
        }
        // Asked for again in the meantime, perhaps: that request stands for itself.
        Err(NotCome::Aborted) => return,
        Err(NotCome::Lost(why)) => {
            now.spare.in_flight.remove(key);
            now.spare.failed.insert(key.clone());
            if !std::mem::replace(&mut now.spare.is_told, true) {
                now.problem = Some(why);
            }
            again_later(state.clone(), turn, key.clone());
        }
        // The server can't compute it: the page does.
        Err(NotCome::Refused(_)) => {
            now.spare.in_flight.remove(key);
            now.spare.is_refused = true;
            now.replan();
        }
    }
    now.tell_news();
}

/// Something did not come, and may where the net is back.
fn again_later(state: Rc<RefCell<State>>, turn: u32, key: Key) {
    spawn_local(async move {
        TimeoutFuture::new(AGAIN_MS).await;
        let same = state.borrow().turn == turn;
        if same && state.borrow_mut().spare.failed.remove(&key) {
            dispatch(&state);
        }
    });
}

/// Puts what came beside what the page transforms itself.
fn keep(cache: &mut Cache, key: &Key, tile: &Tile) {
    let count = key.columns.len();
    if tile.bands != key.layer.strip.rows || count > TILE_COLUMNS {
        return;
    }
    let power = |db: &f32| if db.is_nan() { 0.0 } else { 10f32.powf(db / 10.0) };
    let cells = count * tile.bands;
    let mean: Vec<f32> = tile.mean_db.iter().take(cells).map(power).collect();
    let max: Vec<f32> = tile.max_db.iter().take(cells).map(power).collect();
    let frames = tile.frames.get(..count).unwrap_or_default();
    cache.change_power(key.layer, key.place, |held| {
        held.put(key.columns.start, &mean, &max, frames, Quality::Sampled);
    });
    let wave = tile.samples.iter().take(count).flat_map(|s| match s.count {
        0 => [f32::NAN; 3],
        _ => [s.min, s.max, s.mean_square],
    });
    let wave: Vec<f32> = wave.collect();
    cache.change_wave(key.layer.channel, key.place, |held| {
        held.put(key.columns.start, &wave, Quality::Sampled);
    });
}

fn is_at_hand(cache: &Cache, key: &Key) -> bool {
    let held = cache.power(&key.layer, key.place);
    held.is_some_and(|tile| tile.worst(key.columns.clone()) > Quality::Missing)
}

/// The pieces of a picture in which something was recorded.
fn keys(target: &Target, line: &Line) -> Vec<Key> {
    let of_tile = |(place, columns): (Place, Range<usize>)| {
        let pieces = columns.start / PIECE_COLUMNS..columns.end.div_ceil(PIECE_COLUMNS);
        pieces.filter_map(move |piece| {
            let columns = piece * PIECE_COLUMNS..(piece + 1) * PIECE_COLUMNS;
            let is_recorded = line.parts(place.positions(columns.clone())).next().is_some();
            is_recorded.then_some(Key { layer: target.layer, place, columns })
        })
    };
    target.tiles(target.level, line).flat_map(of_tile).collect()
}

fn asked(key: &Key, line: &Line) -> ColumnsAsked {
    let strip = key.layer.strip;
    ColumnsAsked {
        level: key.place.level,
        first: key.place.index * TILE_COLUMNS as i64 + key.columns.start as i64,
        count: key.columns.len(),
        first_row: strip.first_row,
        rows: strip.rows,
        bins_per_row: strip.bins_per_row,
        line_end: line.end(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_signal::line::Run;

    const RATE_HZ: f64 = 192_000.0;

    fn line() -> Line {
        let run = Run { position: 0, frames: 1 << 40, recording: 0, first_frame: 0 };
        Line { sample_rate_hz: RATE_HZ, origin: None, runs: vec![run] }
    }

    fn wanted(span_s: f64, band_hz: (f64, f64), fft_size: u32) -> Wanted {
        let spectrum = SpectrumSettings {
            fft_size,
            window_samples: fft_size,
            hop_samples: fft_size / 2,
            ..SpectrumSettings::default()
        };
        let positions = 1e6..1e6 + span_s * RATE_HZ;
        Wanted { positions, width_px: 2560, height_px: 900, band_hz, spectrum, channel: 0 }
    }

    fn spare() -> Spare {
        let source = Source::Deployment { id: "bay".into(), recording: None };
        Spare { is_on: true, source: Some(source), ..Spare::default() }
    }

    #[test]
    fn a_picture_has_so_many_cells_whatever_it_shows() {
        for span_s in [0.5, 1.0, 3.0, 9.9] {
            for (band_hz, fft_size) in
                [((0.0, 96e3), 512), ((0.0, 96e3), 4096), ((0.0, 24e3), 2048), ((5e3, 5.5e3), 1024)]
            {
                let wanted = wanted(span_s, band_hz, fft_size);
                let (spare, line) = (spare(), line());
                assert!(spare.takes(&wanted, &line, Some(2.0)));
                let target = spare.target(&wanted, &line);
                let columns: usize = keys(&target, &line).iter().map(|key| key.columns.len()).sum();
                let rows = target.layer.strip.rows;
                // 150 kB at five bits a cell, of plain noise, a frame a column.
                assert!(columns * rows <= 230_000, "{columns} x {rows} of {wanted:?}");
                assert!(columns >= 384, "{columns} of {wanted:?}");
                let bin_hz = RATE_HZ / f64::from(fft_size);
                let bins = target.layer.strip.bins();
                assert!(bins.start as f64 * bin_hz <= band_hz.0, "{wanted:?}");
                assert!(bins.end as f64 * bin_hz >= band_hz.1, "{wanted:?}");
            }
        }
    }

    #[test]
    fn a_few_samples_are_fetched_as_they_are_and_so_is_all_where_the_net_is_not_spared() {
        let short = wanted(0.1, (0.0, 96e3), 512);
        assert!(!spare().takes(&short, &line(), Some(2.0)));
        let long = wanted(3.0, (0.0, 96e3), 512);
        assert!(spare().takes(&long, &line(), Some(2.0)));
        assert!(!spare().takes(&long, &line(), None), "of one's own disk");
        let full = Spare { is_on: false, ..spare() };
        assert!(!full.takes(&long, &line(), Some(2.0)));
        assert_eq!(full.narrowed(&long), long);
        let refused = Spare { is_refused: true, ..spare() };
        assert!(!refused.takes(&long, &line(), Some(2.0)));
    }

    #[test]
    fn what_the_server_computed_lies_where_it_was_asked_for() {
        let (spare, line) = (spare(), line());
        let target = spare.target(&wanted(1.0, (0.0, 96e3), 512), &line);
        let key = keys(&target, &line).remove(1);
        let bands = key.layer.strip.rows;
        let mut tile = Tile::gap(0, 0, bands, 1, 1.0);
        tile.frames[3] = 2;
        tile.mean_db[3 * bands..4 * bands].fill(-30.0);
        tile.max_db[3 * bands..4 * bands].fill(-20.0);
        let mut cache = Cache::default();
        assert!(!is_at_hand(&cache, &key));
        keep(&mut cache, &key, &tile);
        assert!(is_at_hand(&cache, &key));
        let held = cache.power(&key.layer, key.place).expect("a tile");
        let column = held.column(key.columns.start + 3);
        assert!((column.mean[0] / 1e-3 - 1.0).abs() < 1e-5, "{}", column.mean[0]);
        assert!((column.max[0] / 1e-2 - 1.0).abs() < 1e-5);
        assert_eq!((column.frames, column.quality), (2, Quality::Sampled));
        assert_eq!(held.column(key.columns.start + 2).frames, 0, "a gap");
        let asked = asked(&key, &line);
        assert_eq!(asked.first << asked.level, key.place.positions(key.columns.clone()).start);
    }
}
