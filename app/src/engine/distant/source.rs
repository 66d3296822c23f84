//! What tiles give to a picture: under each pixel the columns of the best level at hand.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use spyhop_api::ColumnSamples;
use spyhop_api::tile::TILE_COLUMNS;
use spyhop_paint::{Column, ColumnSource, Found};
use spyhop_signal::Line;

use super::grid::ClockGrid;
use super::store::{Decoded, Key, Store};
use crate::engine::{Wanted, WaveFound};

/// Finer levels are used where the right one is missing, as long as a pixel has at most 16 columns.
const FINER_LEVELS: i32 = 3;

/// Tiles under a picture.
pub struct Tiles {
    line: Rc<Line>,
    grid: ClockGrid,
    /// The right level first, then finer ones, then coarser ones.
    levels: Vec<Level>,
    /// What densities are multiplied by: 1, or what makes them the spectrum that is asked for.
    factor: f32,
    /// A column in that form.
    scaled: RefCell<(Vec<f32>, Vec<f32>)>,
}

/// Tiles of one level, in order.
struct Level {
    level: i32,
    tiles: Vec<(i64, Rc<Decoded>)>,
    /// Those that should be there.
    missing: Vec<i64>,
}

impl Level {
    /// Whether everything that was recorded under some columns is at hand.
    fn holds(&self, columns: &Range<i64>) -> bool {
        let size = TILE_COLUMNS as i64;
        let tiles = columns.start.div_euclid(size)..=(columns.end - 1).div_euclid(size);
        let next = self.missing.partition_point(|tile| tile < tiles.start());
        self.missing.get(next).is_none_or(|tile| tile > tiles.end())
    }

    /// A column: its tile and its place in it.
    fn column(&self, column: i64) -> Option<(&Decoded, usize)> {
        let (tile, index) = (
            column.div_euclid(TILE_COLUMNS as i64),
            column.rem_euclid(TILE_COLUMNS as i64) as usize,
        );
        let found = self.tiles.binary_search_by_key(&tile, |(t, _)| *t).ok()?;
        Some((&self.tiles[found].1, index))
    }
}

impl Tiles {
    /// Collects the tiles under a picture; `None` where there are none at all.
    pub fn under(
        wanted: &Wanted,
        line: &Rc<Line>,
        grid: ClockGrid,
        store: &Store,
        factor: f32,
    ) -> Option<Tiles> {
        let right = grid.level_of(wanted);
        let finer = (right - FINER_LEVELS..right).rev().filter(|l| *l >= grid.levels().start);
        let order = std::iter::once(right).chain(finer).chain(right + 1..grid.levels().end);
        let levels: Vec<Level> = order
            .filter_map(|level| {
                let mut found = Level { level, tiles: Vec::new(), missing: Vec::new() };
                for tile in grid.recorded_tiles(level, line, &wanted.positions) {
                    match store.get(&Key { channel: wanted.channel, level, tile }) {
                        Some(held) => found.tiles.push((tile, held.clone())),
                        None => found.missing.push(tile),
                    }
                }
                (!found.tiles.is_empty()).then_some(found)
            })
            .collect();
        let scaled = RefCell::default();
        (!levels.is_empty()).then(|| Tiles { line: line.clone(), grid, levels, factor, scaled })
    }

    /// The level to draw a pixel with.
    fn choose(&self, positions: &Range<f64>) -> Option<&Level> {
        self.levels.iter().find(|l| l.holds(&self.grid.columns(l.level, positions)))
    }

    /// Columns under a pixel that are no gaps, with their weight: the recorded time that they stand for.
    fn each(&self, positions: &Range<f64>, mut give: impl FnMut(f64, &Decoded, usize)) -> Found {
        let touched = positions.start.floor() as i64..positions.end.ceil() as i64;
        if self.line.parts(touched).next().is_none() {
            return Found::Gap;
        }
        let Some(level) = self.choose(positions) else { return Found::Pending };
        let base = self.grid.base(level.level);
        let at = |position| self.grid.at(level.level, position);
        let (start, end) = (at(positions.start), at(positions.end));
        let mut found = Found::Gap;
        let mut column = |share: f64, column: i64| {
            let recorded = |(tile, index): &(&Decoded, usize)| tile.frames[*index] > 0;
            let at_hand = level.column(base + column).filter(recorded);
            if let Some((tile, index)) = at_hand.filter(|_| share > 0.0) {
                found = Found::Data;
                give(share * f64::from(tile.frames[index]), tile, index);
            }
        };
        if end - start < 1.0 {
            // A pixel smaller than a column lies between the centres of two.
            let between = (start + end) / 2.0 - 0.5;
            let share = between - between.floor();
            column(1.0 - share, between.floor() as i64);
            column(share, between.floor() as i64 + 1);
        } else {
            for index in start.floor() as i64..end.ceil() as i64 {
                column(end.min(index as f64 + 1.0) - start.max(index as f64), index);
            }
        }
        found
    }

    /// The wave form under a pixel: that of all columns that touch it, as for samples.
    pub fn wave(&self, positions: &Range<f64>) -> WaveFound {
        let touched = positions.start.floor() as i64..positions.end.ceil() as i64;
        if self.line.parts(touched).next().is_none() {
            return WaveFound::Gap;
        }
        let Some(level) = self.choose(positions) else { return WaveFound::Pending };
        let mut all = ColumnSamples::default();
        for column in self.grid.columns(level.level, positions) {
            if let Some((tile, index)) = level.column(column) {
                all = all.with(tile.samples[index]);
            }
        }
        match all.count {
            0 => WaveFound::Gap,
            _ => WaveFound::Data { min: all.min, max: all.max, rms: all.mean_square.sqrt() },
        }
    }
}

impl ColumnSource for Tiles {
    fn columns(&self, positions: Range<f64>, each: &mut dyn FnMut(f32, Column<'_>)) -> Found {
        let mut scaled = self.scaled.borrow_mut();
        self.each(&positions, |weight, tile, index| {
            let (mut mean, mut max) = tile.column(index);
            if self.factor != 1.0 {
                scaled.0.clear();
                scaled.1.clear();
                scaled.0.extend(mean.iter().map(|p| p * self.factor));
                scaled.1.extend(max.iter().map(|p| p * self.factor));
                (mean, max) = (&scaled.0, &scaled.1);
            }
            let column = Column {
                mean,
                max,
                frames: tile.frames[index] as f32,
                first_bin: 0.0,
                bins_per_row: 1.0,
                bin_hz: tile.bin_hz,
            };
            each(weight as f32, column);
        })
    }
}
