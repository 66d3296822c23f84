//! Which units a pyramid has, and what each is made from.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use spyhop_api::RecordingInfo;
use spyhop_signal::line::LineError;
use spyhop_signal::pyramid::{COARSEST_LEVEL, Grid, Recorded};

/// Columns of a unit at its finest level.
pub const UNIT_COLUMNS: i64 = 8192;
/// Levels that a unit makes.
pub const UNIT_LEVELS: i32 = 7;
/// Tiers of units.
pub const TIERS: u32 = (COARSEST_LEVEL as u32 + 1) / UNIT_LEVELS as u32;
/// A level that is no longer than this is the coarsest: one or two tiles hold it.
const COARSEST_COLUMNS: i64 = 256;
/// Goes into every key: to be changed whenever the numbers or the files of a unit change.
const FORM: &str = "spyhop pyramid 2";

/// A pyramid of one channel: what it is made from, and its units.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Channel, counted from 0.
    pub channel: u32,
    /// The clock grid.
    pub grid: Grid,
    /// The recordings on the clock.
    pub recorded: Recorded,
    /// Recordings that are not in it, as indices, with the reason.
    pub left_out: Vec<(usize, String)>,
    /// Its units, tier 1 first: those of a tier need those of the tiers before it.
    pub units: Vec<Unit>,
    /// Its levels, from 0.
    pub levels: Vec<LevelExtent>,
    /// Hash of everything that its numbers depend on.
    pub version: String,
    /// Indices into `units`.
    by_place: BTreeMap<(u32, i64), usize>,
}

/// One unit: a pure function of what its key is a hash of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// 1 from samples; 2 and 3 from the tier before.
    pub tier: u32,
    /// Which stretch of the clock: its columns at the finest of its levels are
    /// `index * 8192..(index + 1) * 8192`.
    pub index: i64,
    /// Hash of what it is made from: the name of its folder.
    pub key: String,
    /// Index and key of the units of the tier before that it is made from.
    pub parts: Vec<(i64, String)>,
}

/// Which columns of a level there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelExtent {
    /// The level.
    pub level: i32,
    /// From the first column with samples to the last.
    pub columns: Range<i64>,
    /// First column of the unit that the first column lies in: where the arrays of a store begin.
    pub first_stored: i64,
}

impl Unit {
    /// The finest of its levels.
    pub fn base_level(&self) -> i32 {
        base_level(self.tier)
    }

    /// Its columns at one of its levels.
    pub fn columns(&self, level: i32) -> Range<i64> {
        let columns = UNIT_COLUMNS >> (level - self.base_level()).clamp(0, UNIT_LEVELS);
        self.index * columns..(self.index + 1) * columns
    }
}

/// The finest level that a tier makes.
fn base_level(tier: u32) -> i32 {
    (tier.clamp(1, TIERS) as i32 - 1) * UNIT_LEVELS
}

/// The tier that makes a level.
pub fn tier_of(level: i32) -> u32 {
    (level.clamp(0, COARSEST_LEVEL) / UNIT_LEVELS) as u32 + 1
}

/// Columns of a level in one unit.
pub fn unit_columns(level: i32) -> i64 {
    UNIT_COLUMNS >> (level.clamp(0, COARSEST_LEVEL) % UNIT_LEVELS)
}

impl Plan {
    /// Plans the pyramid of one channel of some recordings. Those in `unreadable` are left out.
    ///
    /// # Errors
    /// When no recording has a sample.
    pub fn new(
        infos: &[RecordingInfo],
        channel: u32,
        unreadable: &BTreeMap<usize, String>,
    ) -> Result<Plan, LineError> {
        let (recorded, mut left_out) = match unreadable.is_empty() {
            true => Recorded::new(infos)?,
            false => {
                let mut readable = infos.to_vec();
                for index in unreadable.keys() {
                    if let Some(info) = readable.get_mut(*index) {
                        info.frames = 0;
                    }
                }
                Recorded::new(&readable)?
            }
        };
        for (index, reason) in &mut left_out {
            if let Some(known) = unreadable.get(index) {
                reason.clone_from(known);
            }
        }
        let grid = Grid::new(recorded.sample_rate_hz);
        let tier_1 = tier_1(infos, channel, &grid, &recorded);
        let span_ns = recorded.span_ns();
        let levels = levels(&grid, &span_ns);
        let mut units = tier_1;
        let mut from = 0;
        for tier in 2..=tier_of(levels.len() as i32 - 1) {
            let coarser = coarser_tier(tier, &units[from..]);
            from = units.len();
            units.extend(coarser);
        }
        let version = version(&units, &recorded, &levels);
        let by_place = units.iter().enumerate().map(|(i, u)| ((u.tier, u.index), i)).collect();
        Ok(Plan { channel, grid, recorded, left_out, units, levels, version, by_place })
    }

    /// The unit that a column of a level lies in, where one has samples there.
    pub fn unit_at(&self, level: i32, column: i64) -> Option<&Unit> {
        self.unit(tier_of(level), column.div_euclid(unit_columns(level)))
    }

    /// A unit by its place.
    pub fn unit(&self, tier: u32, index: i64) -> Option<&Unit> {
        self.by_place.get(&(tier, index)).and_then(|&i| self.units.get(i))
    }

    /// The coarsest of its levels.
    pub fn coarsest_level(&self) -> i32 {
        self.levels.last().map_or(0, |extent| extent.level)
    }
}

/// Units of tier 1: those with samples in their stretch of the clock.
fn tier_1(infos: &[RecordingInfo], channel: u32, grid: &Grid, recorded: &Recorded) -> Vec<Unit> {
    let mut indices = BTreeSet::new();
    for run in &recorded.runs {
        let span_ns = recorded.run_span_ns(run);
        let last = grid.column_at(0, span_ns.end.saturating_sub(1)).div_euclid(UNIT_COLUMNS);
        indices.extend(grid.column_at(0, span_ns.start).div_euclid(UNIT_COLUMNS)..=last);
    }
    let unit = |index: i64| {
        let columns = index * UNIT_COLUMNS..(index + 1) * UNIT_COLUMNS;
        let near = recorded.within(&grid.span_ns(0, columns));
        let mut key = Key::new(1, index);
        key.number(i64::from(channel));
        key.number(grid.sample_rate_hz().to_bits() as i64);
        for run in &near.runs {
            key.text(infos.get(run.recording).map_or("", |info| &info.fingerprint));
            key.number(run.first_frame as i64);
            key.number(run.frames as i64);
            key.number(run.start_ns);
            key.number(i64::from(run.follows));
        }
        Unit { tier: 1, index, key: key.finish(), parts: Vec::new() }
    };
    indices.into_iter().map(unit).collect()
}

/// Units of a tier from all those of the one before, which are in order.
fn coarser_tier(tier: u32, finer: &[Unit]) -> Vec<Unit> {
    let parent = |unit: &Unit| unit.index.div_euclid(1 << UNIT_LEVELS);
    let group = |units: &[Unit]| {
        let index = units.first().map_or(0, parent);
        let mut key = Key::new(tier, index);
        for unit in units {
            key.number(unit.index);
            key.text(&unit.key);
        }
        let parts = units.iter().map(|unit| (unit.index, unit.key.clone())).collect();
        Unit { tier, index, key: key.finish(), parts }
    };
    finer.chunk_by(|a, b| parent(a) == parent(b)).map(group).collect()
}

fn levels(grid: &Grid, span_ns: &Range<i64>) -> Vec<LevelExtent> {
    let extent = |level: i32| {
        let last = grid.column_at(level, span_ns.end.saturating_sub(1).max(span_ns.start));
        let columns = grid.column_at(level, span_ns.start)..last + 1;
        let unit_columns = unit_columns(level);
        let first_stored = columns.start.div_euclid(unit_columns) * unit_columns;
        LevelExtent { level, columns, first_stored }
    };
    let mut levels: Vec<LevelExtent> = Vec::new();
    for extent in (0..=COARSEST_LEVEL).map(extent) {
        let is_short = extent.columns.end - extent.columns.start <= COARSEST_COLUMNS;
        levels.push(extent);
        if is_short {
            break;
        }
    }
    levels
}

fn version(units: &[Unit], recorded: &Recorded, levels: &[LevelExtent]) -> String {
    let mut key = Key::new(0, 0);
    key.number(i64::from(recorded.dated));
    for extent in levels {
        key.number(extent.columns.start);
        key.number(extent.columns.end);
    }
    for unit in units.iter().filter(|unit| unit.tier == 1) {
        key.text(&unit.key);
    }
    key.finish()
}

/// A hash of numbers and texts in order.
struct Key(blake3::Hasher);

impl Key {
    fn new(tier: u32, index: i64) -> Key {
        let mut key = Key(blake3::Hasher::new());
        key.text(FORM);
        key.number(i64::from(tier));
        key.number(index);
        key
    }

    fn number(&mut self, value: i64) {
        self.0.update(&value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as i64);
        self.0.update(text.as_bytes());
    }

    /// 32 hexadecimal digits.
    fn finish(self) -> String {
        self.0.finalize().to_hex().as_str()[..32].to_owned()
    }
}
