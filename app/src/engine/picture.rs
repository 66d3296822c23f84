//! What is at hand for a picture: under each pixel the best columns of any level.

use std::ops::Range;
use std::rc::Rc;

use spyhop_paint::{Column, ColumnSource, Found};
use spyhop_signal::Line;

use super::WaveFound;
use super::cache::Cache;
use super::distant::Tiles;
use super::target::Target;
use super::tile::{Layer, Place, Quality, Strip, TILE_COLUMNS, Tile, WaveTile};

/// Finer levels are used where the right one is missing, as long as a pixel has at most 16 columns.
const FINER_LEVELS: u32 = 3;
/// Coarser levels that stand in for what is not there yet.
const COARSER_LEVELS: u32 = 12;

/// The power that is at hand for a picture.
pub struct Power {
    line: Option<Rc<Line>>,
    bin_hz: f64,
    /// The right level first, then finer ones, then coarser ones.
    levels: Vec<Level>,
}

/// Tiles of one level.
struct Level {
    /// Relative to the right one: negative is finer.
    offset: i32,
    level: u32,
    /// By their index, in order.
    tiles: Vec<(i64, Strip, Rc<Tile>)>,
}

impl Level {
    fn column(&self, column: i64) -> Option<(&Strip, &Tile, usize)> {
        let index = column.div_euclid(TILE_COLUMNS as i64);
        let found = self.tiles.binary_search_by_key(&index, |(index, ..)| *index).ok()?;
        let (_, strip, tile) = self.tiles.get(found)?;
        Some((strip, tile, column.rem_euclid(TILE_COLUMNS as i64) as usize))
    }

    fn quality(&self, line: &Line, columns: Range<i64>) -> Quality {
        worst(line, self.level, columns, |c| {
            self.column(c).map_or(Quality::Missing, |(_, tile, i)| tile.quality(i))
        })
    }
}

/// What the page transformed and what the server's tiles give: one stands in for the other.
pub struct Mixed {
    near: Power,
    far: Option<Tiles>,
    /// Whether the picture is one of tiles.
    far_first: bool,
}

impl Mixed {
    /// Of both.
    pub fn of(near: Power, far: Option<Tiles>, far_first: bool) -> Mixed {
        Mixed { near, far, far_first }
    }
}

impl ColumnSource for Mixed {
    fn columns(&self, positions: Range<f64>, each: &mut dyn FnMut(f32, Column<'_>)) -> Found {
        let Some(far) = &self.far else { return self.near.columns(positions, each) };
        let (first, second): (&dyn ColumnSource, &dyn ColumnSource) =
            if self.far_first { (far, &self.near) } else { (&self.near, far) };
        match first.columns(positions.clone(), each) {
            Found::Pending => second.columns(positions, each),
            found => found,
        }
    }
}

impl Power {
    /// Of nothing that is open.
    pub fn nothing() -> Power {
        Power { line: None, bin_hz: 1.0, levels: Vec::new() }
    }

    /// Collects the tiles that touch a picture.
    pub fn new(line: Rc<Line>, cache: &Cache, target: &Target, bin_hz: f64) -> Power {
        let wanted = target.layer;
        // Other rows of the same transform serve as well, as long as they hold the band.
        let mut layers: Vec<&Layer> = cache
            .layers()
            .filter(|l| {
                (l.spectrum, l.channel) == (wanted.spectrum, wanted.channel)
                    && l.strip.bins().start <= wanted.strip.bins().start
                    && l.strip.bins().end >= wanted.strip.bins().end.min(bins_of(&wanted))
            })
            .collect();
        layers.sort_by_key(|l| (**l != wanted, l.strip.bins_per_row));
        let finest = target.level.saturating_sub(FINER_LEVELS);
        let levels = std::iter::once(target.level)
            .chain((finest..target.level).rev())
            .chain(target.level + 1..=target.level + COARSER_LEVELS)
            .filter_map(|level| {
                let held = target.tiles(level, &line).filter_map(|(place, _)| {
                    best(cache, &layers, place).map(|(strip, tile)| (place.index, strip, tile))
                });
                let tiles: Vec<_> = held.collect();
                let offset = level as i32 - target.level as i32;
                (!tiles.is_empty()).then_some(Level { offset, level, tiles })
            })
            .collect();
        Power { line: Some(line), bin_hz, levels }
    }

    /// The level to paint a pixel with: exact before sampled unless it is much coarser.
    fn choose(&self, line: &Line, positions: &Range<f64>) -> Option<&Level> {
        let quality = |l: &Level| l.quality(line, columns_under(positions, l.level));
        let mut sampled: Option<&Level> = None;
        let mut coarse: Option<&Level> = None;
        for level in &self.levels {
            match quality(level) {
                Quality::Exact if level.offset <= 1 => return Some(level),
                Quality::Sampled if level.offset <= 0 => sampled = sampled.or(Some(level)),
                Quality::Missing => {}
                _ => coarse = coarse.or(Some(level)),
            }
        }
        sampled.or(coarse)
    }
}

/// One past the last bin that a layer's transform can have, as far as its own strip tells.
fn bins_of(layer: &Layer) -> usize {
    layer.strip.bins().end
}

fn best(cache: &Cache, layers: &[&Layer], place: Place) -> Option<(Strip, Rc<Tile>)> {
    let mut found: Option<(Strip, &Rc<Tile>)> = None;
    for layer in layers {
        if let Some(tile) = cache.power(layer, place) {
            // The first, unless another is whole where it is not.
            let better = found
                .is_none_or(|(_, held)| tile.worst(0..TILE_COLUMNS) > held.worst(0..TILE_COLUMNS));
            if better {
                found = Some((layer.strip, tile));
            }
        }
    }
    found.map(|(strip, tile)| (strip, tile.clone()))
}

/// Columns of a level that overlap a range of positions.
fn columns_under(positions: &Range<f64>, level: u32) -> Range<i64> {
    let scale = (1u64 << level) as f64;
    let start = (positions.start / scale).floor() as i64;
    start..((positions.end / scale).ceil() as i64).max(start + 1)
}

/// The worst of some columns; those in which nothing was recorded do not count.
fn worst(
    line: &Line,
    level: u32,
    columns: Range<i64>,
    quality: impl Fn(i64) -> Quality,
) -> Quality {
    columns
        .filter_map(|column| {
            let quality = quality(column);
            let recorded = quality > Quality::Missing
                || line.parts(column << level..(column + 1) << level).next().is_some();
            recorded.then_some(quality)
        })
        .min()
        .unwrap_or_default()
}

impl ColumnSource for Power {
    fn columns(&self, positions: Range<f64>, each: &mut dyn FnMut(f32, Column<'_>)) -> Found {
        let Some(line) = &self.line else { return Found::Pending };
        let touched = positions.start.floor() as i64..positions.end.ceil() as i64;
        if line.parts(touched).next().is_none() {
            return Found::Gap;
        }
        let Some(level) = self.choose(line, &positions) else { return Found::Pending };
        let mut found = Found::Gap;
        let mut give = |weight: f64, column: i64| {
            let Some((strip, tile, index)) = level.column(column) else { return };
            let column = tile.column(index);
            if column.frames == 0 || column.quality == Quality::Missing || weight <= 0.0 {
                return;
            }
            found = Found::Data;
            let power = Column {
                mean: column.mean,
                max: column.max,
                frames: column.frames as f32,
                first_bin: strip.bins().start as f64,
                bins_per_row: strip.bins_per_row as f64,
                bin_hz: self.bin_hz,
            };
            each(weight as f32, power);
        };
        let scale = (1u64 << level.level) as f64;
        let (start, end) = (positions.start / scale, positions.end / scale);
        if end - start < 1.0 {
            // A pixel smaller than a column lies between the centres of two.
            let between = (start + end) / 2.0 - 0.5;
            let share = between - between.floor();
            give(1.0 - share, between.floor() as i64);
            give(share, between.floor() as i64 + 1);
        } else {
            for column in columns_under(&positions, level.level) {
                let overlap = end.min(column as f64 + 1.0) - start.max(column as f64);
                give(overlap, column);
            }
        }
        found
    }
}

/// The wave form under one pixel.
pub fn wave(
    line: &Line,
    cache: &Cache,
    channel: u32,
    wave_level: u32,
    positions: Range<f64>,
) -> WaveFound {
    let touched = positions.start.floor() as i64..positions.end.ceil() as i64;
    if line.parts(touched).next().is_none() {
        return WaveFound::Gap;
    }
    let finest = wave_level.saturating_sub(FINER_LEVELS);
    let levels = std::iter::once(wave_level)
        .chain((finest..wave_level).rev())
        .chain(wave_level + 1..=wave_level + COARSER_LEVELS);
    let mut best: Option<(Quality, u32)> = None;
    for level in levels {
        let quality = worst(line, level, columns_under(&positions, level), |c| {
            wave_column(cache, channel, level, c).map_or(Quality::Missing, |(t, i)| t.quality[i])
        });
        if quality == Quality::Exact && level <= wave_level + 1 {
            best = Some((quality, level));
            break;
        }
        if quality > Quality::Missing && best.is_none() {
            best = Some((quality, level));
        }
    }
    let Some((_, level)) = best else { return WaveFound::Pending };
    let (mut min, mut max, mut squares, mut count) = (f32::INFINITY, f32::NEG_INFINITY, 0.0, 0u32);
    for column in columns_under(&positions, level) {
        let Some((tile, index)) = wave_column(cache, channel, level, column) else { continue };
        let wave = tile.columns[index];
        if wave.mean_square.is_finite() {
            min = min.min(wave.min);
            max = max.max(wave.max);
            squares += wave.mean_square;
            count += 1;
        }
    }
    if count == 0 {
        return WaveFound::Gap;
    }
    WaveFound::Data { min, max, rms: (squares / count as f32).sqrt() }
}

fn wave_column(
    cache: &Cache,
    channel: u32,
    level: u32,
    column: i64,
) -> Option<(&Rc<WaveTile>, usize)> {
    let size = TILE_COLUMNS as i64;
    let tile = cache.wave(channel, Place { level, index: column.div_euclid(size) })?;
    Some((tile, column.rem_euclid(size) as usize))
}
