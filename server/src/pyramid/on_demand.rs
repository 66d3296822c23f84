//! Columns that no unit holds yet: from samples, or from the nearest finer level that is built.
//!
//! They are made by the very steps by which units are made, so that they are the same to the bit.

use std::ops::Range;

use spyhop_api::time::nanos_to_frames;
use spyhop_signal::pyramid::{BANDS, LevelColumns};

use super::plan::{UNIT_LEVELS, Unit, tier_of};
use super::recordings::Unreadable;
use super::tiles::Tiles;
use super::unit::{place, read_top};

/// Samples that are transformed for one answer: some two tenths of a second's work. What takes more waits
/// for its unit.
const MOST_SAMPLES: i64 = 48 << 20;

impl Tiles {
    /// Columns of a level, and whether nothing is missing from them.
    pub(super) fn on_demand(
        &self,
        level: i32,
        columns: Range<i64>,
    ) -> Result<(LevelColumns, bool), Unreadable> {
        if tier_of(level) == 1 {
            return self.transformed(level, columns);
        }
        // As many of the unit's finest columns as these are made of.
        let halvings = level % UNIT_LEVELS;
        let base = columns.start << halvings..columns.end << halvings;
        let count = usize::try_from(base.end - base.start).unwrap_or(0);
        let mut all = LevelColumns::gap(base.start, count, BANDS);
        let mut finished = true;
        if let Some(unit) = self.plan.unit_at(level, columns.start) {
            for part in
                unit.parts.iter().filter_map(|(index, _)| self.plan.unit(unit.tier - 1, *index))
            {
                let covered = part.columns(part.base_level() + UNIT_LEVELS);
                if covered.end <= base.start || covered.start >= base.end {
                    continue;
                }
                let (top, whole) = self.top(part)?;
                finished &= whole;
                if let Some(top) = top {
                    place(&mut all, &cut(&top, &base));
                }
            }
        }
        Ok((reduced(all, halvings), finished))
    }

    fn transformed(
        &self,
        level: i32,
        columns: Range<i64>,
    ) -> Result<(LevelColumns, bool), Unreadable> {
        let plan = &self.plan;
        let count = usize::try_from(columns.end - columns.start).unwrap_or(0);
        let span_ns = plan.grid.span_ns(level, columns.clone());
        let samples =
            nanos_to_frames(span_ns.end.saturating_sub(span_ns.start), plan.grid.sample_rate_hz());
        let near = plan.recorded.within(&span_ns);
        if samples > MOST_SAMPLES && !near.runs.is_empty() {
            return Ok((LevelColumns::gap(columns.start, count, BANDS), false));
        }
        let halvings = level.max(0);
        let base = columns.start << halvings..columns.end << halvings;
        let finest = level.min(0);
        let made =
            self.recordings
                .columns(&plan.grid, finest, base, &near, plan.channel, &mut || false)?;
        let all = made.unwrap_or_else(|| LevelColumns::gap(columns.start, count, BANDS));
        Ok((reduced(all, halvings), true))
    }

    /// The top of a unit: its own, or what its parts give so far.
    fn top(&self, unit: &Unit) -> Result<(Option<LevelColumns>, bool), Unreadable> {
        if let Some(top) = read_top(&self.folder, &unit.key) {
            return Ok((Some(top), true));
        }
        if unit.tier == 1 {
            return Ok((None, false));
        }
        let coarsest = unit.base_level() + UNIT_LEVELS - 1;
        let (columns, finished) = self.on_demand(coarsest, unit.columns(coarsest))?;
        Ok((Some(columns.reduce()), finished))
    }
}

fn reduced(mut columns: LevelColumns, halvings: i32) -> LevelColumns {
    for _ in 0..halvings {
        columns = columns.reduce();
    }
    columns
}

/// The columns of `columns` that lie in a range.
fn cut(columns: &LevelColumns, range: &Range<i64>) -> LevelColumns {
    let last = columns.first_column + columns.frames.len() as i64;
    let (start, end) = (columns.first_column.max(range.start), last.min(range.end));
    let from = usize::try_from(start - columns.first_column).unwrap_or(0);
    let to = usize::try_from(end - columns.first_column).unwrap_or(0).max(from);
    let cells = from * columns.bands..to * columns.bands;
    LevelColumns {
        first_column: start,
        bands: columns.bands,
        frames: columns.frames.get(from..to).unwrap_or_default().to_vec(),
        samples: columns.samples.get(from..to).unwrap_or_default().to_vec(),
        mean: columns.mean.get(cells.clone()).unwrap_or_default().to_vec(),
        max: columns.max.get(cells).unwrap_or_default().to_vec(),
    }
}
