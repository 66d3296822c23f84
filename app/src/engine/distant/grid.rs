//! How the columns of a pyramid, which lie on the clock, lie under the positions of a line.

use std::ops::Range;

use spyhop_api::pyramid::PyramidInfo;
use spyhop_api::tile::TILE_COLUMNS;
use spyhop_signal::Line;

use crate::engine::Wanted;

/// Rates that differ by less are the same: files state them as whole numbers.
const SAME_RATE: f64 = 1e-9;

/// Columns of one pyramid under the positions of one line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockGrid {
    /// Nanoseconds of position 0 on the pyramid's clock.
    origin_ns: i64,
    rate_hz: f64,
    /// What a column of level 0 lasts, nanoseconds.
    column_ns: i64,
    finest: i32,
    coarsest: i32,
}

impl ClockGrid {
    /// The grid of a pyramid; `None` where it is not of what is on the line. `whole` tells whether the
    /// line begins where the deployment does: without a clock only that fits.
    pub fn new(info: &PyramidInfo, line: &Line, whole: bool) -> Option<ClockGrid> {
        let origin_ns = match (line.origin, info.dated) {
            (Some(origin), true) => origin.0,
            (None, false) if whole => 0,
            _ => return None,
        };
        let same = (info.sample_rate_hz / line.sample_rate_hz - 1.0).abs() <= SAME_RATE;
        let sane = info.column_ns > 0 && info.finest_level <= info.coarsest_level;
        (same && sane).then_some(ClockGrid {
            origin_ns,
            rate_hz: line.sample_rate_hz,
            column_ns: info.column_ns,
            finest: info.finest_level,
            coarsest: info.coarsest_level,
        })
    }

    /// What a column of a level lasts, nanoseconds.
    pub fn column_ns(&self, level: i32) -> i64 {
        match level {
            ..0 => (self.column_ns >> level.unsigned_abs().min(62)).max(1),
            _ => self.column_ns.saturating_mul(1 << level.min(40)),
        }
    }

    /// The level whose columns are more than half a pixel of a picture and at most one, as far as the
    /// pyramid goes.
    pub fn level_of(&self, wanted: &Wanted) -> i32 {
        let samples = wanted.positions.end - wanted.positions.start;
        let pixel_ns = samples / f64::from(wanted.width_px.max(1)) / self.rate_hz * 1e9;
        let level = (pixel_ns / self.column_ns as f64).log2().floor();
        if level.is_nan() { self.finest } else { (level as i32).clamp(self.finest, self.coarsest) }
    }

    /// Levels, the finest to the coarsest.
    pub fn levels(&self) -> Range<i32> {
        self.finest..self.coarsest + 1
    }

    /// The column that position 0 lies in.
    pub fn base(&self, level: i32) -> i64 {
        self.origin_ns.div_euclid(self.column_ns(level))
    }

    /// Where a position lies in columns, counted from the beginning of [`ClockGrid::base`]: what is left
    /// is small, so that a float holds it to the sample.
    pub fn at(&self, level: i32, position: f64) -> f64 {
        let column_ns = self.column_ns(level);
        let phase_ns = self.origin_ns.rem_euclid(column_ns) as f64;
        (phase_ns + position / self.rate_hz * 1e9) / column_ns as f64
    }

    /// The position at which a column begins.
    pub fn position_of(&self, level: i32, column: i64) -> f64 {
        let column_ns = self.column_ns(level);
        let phase_ns = self.origin_ns.rem_euclid(column_ns) as f64;
        let since_ns = (column - self.base(level)) as f64 * column_ns as f64 - phase_ns;
        since_ns * self.rate_hz / 1e9
    }

    /// Tiles of a level in which something of `positions` was recorded, in order.
    pub fn recorded_tiles(&self, level: i32, line: &Line, positions: &Range<f64>) -> Vec<i64> {
        let mut tiles: Vec<i64> = Vec::new();
        let mut from = positions.start.floor().max(0.0) as i64;
        let end = positions.end.ceil() as i64;
        loop {
            let next = line.runs.partition_point(|run| run.end() <= from);
            let Some(run) = line.runs.get(next) else { return tiles };
            let position = run.position.max(from);
            if position >= end {
                return tiles;
            }
            let column = self.base(level) + self.at(level, position as f64).floor() as i64;
            let tile = column.div_euclid(TILE_COLUMNS as i64);
            if tiles.last() != Some(&tile) {
                tiles.push(tile);
            }
            let after = self.position_of(level, (tile + 1) * TILE_COLUMNS as i64);
            from = (after.ceil() as i64).max(position + 1);
        }
    }

    /// Columns that overlap some positions.
    pub fn columns(&self, level: i32, positions: &Range<f64>) -> Range<i64> {
        let base = self.base(level);
        let first = base + self.at(level, positions.start).floor() as i64;
        let end = base + self.at(level, positions.end).ceil() as i64;
        first..end.max(first + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_api::Timestamp;
    use spyhop_api::view::SpectrumSettings;
    use spyhop_signal::line::Run;

    fn info(dated: bool) -> PyramidInfo {
        PyramidInfo {
            product: "spectrum".into(),
            channel: 0,
            version: "1".into(),
            spectrum: SpectrumSettings::default(),
            sample_rate_hz: 192_000.0,
            column_ns: 106_667_008,
            finest_level: -10,
            coarsest_level: 20,
            dated,
            built: 1.0,
        }
    }

    fn line(origin: Option<i64>) -> Line {
        let run = Run { position: 0, frames: 1 << 40, recording: 0, first_frame: 0 };
        Line { sample_rate_hz: 192_000.0, origin: origin.map(Timestamp), runs: vec![run] }
    }

    fn wanted(positions: Range<f64>, width_px: u32) -> Wanted {
        let spectrum = SpectrumSettings::default();
        Wanted { positions, width_px, height_px: 600, band_hz: (0.0, 96e3), spectrum, channel: 0 }
    }

    #[test]
    fn a_position_lies_in_the_column_of_its_own_clock_time() {
        let origin = 1_238_328_900_123_456_789;
        let grid = ClockGrid::new(&info(true), &line(Some(origin)), false).expect("a grid");
        for position in [0i64, 1, 20_480, 192_000 * 86_400 * 30] {
            let clock_ns = i128::from(origin) + i128::from(position) * 1_000_000_000 / 192_000;
            for level in [-10, -4, 0, 7, 20] {
                let column_ns = i128::from(grid.column_ns(level));
                let expected = clock_ns.div_euclid(column_ns) as i64;
                let found = grid.base(level) + grid.at(level, position as f64).floor() as i64;
                assert_eq!(found, expected, "{position} at {level}");
            }
        }
    }

    #[test]
    fn a_column_is_at_most_a_pixel_and_more_than_half_of_one() {
        let grid = ClockGrid::new(&info(true), &line(Some(0)), false).expect("a grid");
        for seconds in [20.0, 3600.0, 86_400.0 * 30.0] {
            let wanted = wanted(0.0..seconds * 192e3, 1100);
            let column_s = grid.column_ns(grid.level_of(&wanted)) as f64 * 1e-9;
            let pixel_s = seconds / 1100.0;
            assert!(column_s <= pixel_s && column_s > pixel_s / 2.0, "{seconds}: {column_s}");
        }
        assert_eq!(grid.level_of(&wanted(0.0..8.0, 1100)), -10, "no finer than there is");
    }

    #[test]
    fn tiles_in_which_nothing_was_recorded_are_not_asked_for() {
        let mut line = line(Some(1_700_000_000_000_000_000));
        let day = 86_400 * 192_000;
        let run = |day_of: i64| Run {
            position: day_of * day,
            frames: 192_000 * 60,
            recording: 0,
            first_frame: 0,
        };
        line.runs = vec![run(0), run(10), run(20)];
        let grid = ClockGrid::new(&info(true), &line, true).expect("a grid");
        let tiles = grid.recorded_tiles(0, &line, &(0.0..30.0 * day as f64));
        // A minute is 563 columns: three or four tiles, three times.
        assert!((9..=12).contains(&tiles.len()), "{tiles:?}");
        assert!(tiles.windows(2).all(|t| t[0] < t[1]));
        for run in &line.runs {
            let columns = grid.columns(0, &(run.position as f64..run.end() as f64));
            let first = columns.start.div_euclid(256);
            assert!((first..=(columns.end - 1).div_euclid(256)).all(|t| tiles.contains(&t)));
        }
        assert!(grid.recorded_tiles(0, &line, &(day as f64 / 2.0..day as f64)).is_empty());
        assert_eq!(grid.recorded_tiles(20, &line, &(0.0..30.0 * day as f64)).len(), 1);
    }

    #[test]
    fn a_line_without_a_clock_fits_only_as_a_whole() {
        assert!(ClockGrid::new(&info(false), &line(None), true).is_some());
        assert!(ClockGrid::new(&info(false), &line(None), false).is_none());
        assert!(ClockGrid::new(&info(true), &line(None), true).is_none());
        let other = PyramidInfo { sample_rate_hz: 96_000.0, ..info(true) };
        assert!(ClockGrid::new(&other, &line(Some(0)), true).is_none());
    }
}
