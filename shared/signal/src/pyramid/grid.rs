//! Which nanoseconds a column covers.

use std::ops::Range;

use spyhop_api::time::NANOS_PER_S;
use spyhop_api::view::{Scaling, Window};

use super::{HOP_SAMPLES, WINDOW_SAMPLES};
use crate::spectrum::SpectrumSpec;

/// The finest level: columns a 1024th as long as those of level 0.
pub const FINEST_LEVEL: i32 = -10;
/// The coarsest level: columns a million times as long as those of level 0.
pub const COARSEST_LEVEL: i32 = 20;

/// Frames in a column of level 0, so that all levels together stay under 5 % of the size of 16-bit
/// samples.
const FRAMES_PER_COLUMN: f64 = 80.0;
/// The same of slow recordings: 20 480 samples would be too long a time.
const FRAMES_PER_SLOW_COLUMN: f64 = 16.0;
/// Recordings below this rate are slow.
const SLOW_HZ: f64 = 10_000.0;
/// The length of a column divides by two down to the finest level without a rest.
const STEP_NS: i64 = 1 << -FINEST_LEVEL;

/// The clock grid of one sampling rate. Column `k` of level `L` covers the nanoseconds
/// `k * column_ns(L)..(k + 1) * column_ns(L)` since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    sample_rate_hz: f64,
    column_ns: i64,
}

impl Grid {
    /// The grid of recordings of some rate in hertz; a rate that is none is taken as 1 Hz.
    pub fn new(sample_rate_hz: f64) -> Grid {
        let sample_rate_hz = if sample_rate_hz >= 1.0 { sample_rate_hz } else { 1.0 };
        let frames =
            if sample_rate_hz < SLOW_HZ { FRAMES_PER_SLOW_COLUMN } else { FRAMES_PER_COLUMN };
        let wanted_ns = frames * HOP_SAMPLES as f64 / sample_rate_hz * NANOS_PER_S as f64;
        let steps = (wanted_ns / STEP_NS as f64).round().max(1.0);
        Grid { sample_rate_hz, column_ns: steps as i64 * STEP_NS }
    }

    /// Samples a second.
    pub fn sample_rate_hz(&self) -> f64 {
        self.sample_rate_hz
    }

    /// The transform.
    pub fn spectrum(&self) -> SpectrumSpec {
        SpectrumSpec {
            fft_size: WINDOW_SAMPLES,
            window_samples: WINDOW_SAMPLES,
            hop_samples: HOP_SAMPLES,
            window: Window::Hann,
            scaling: Scaling::Density,
            sample_rate_hz: self.sample_rate_hz,
        }
    }

    /// What a column of a level lasts, nanoseconds. Levels beyond the finest and the coarsest are taken
    /// as these.
    pub fn column_ns(&self, level: i32) -> i64 {
        match level.clamp(FINEST_LEVEL, COARSEST_LEVEL) {
            finer @ ..0 => self.column_ns >> -finer,
            coarser => self.column_ns.saturating_mul(1 << coarser),
        }
    }

    /// The column of a level that an instant lies in.
    pub fn column_at(&self, level: i32, nanos: i64) -> i64 {
        nanos.div_euclid(self.column_ns(level))
    }

    /// The nanoseconds that some columns of a level cover, held to what an `i64` can say.
    pub fn span_ns(&self, level: i32, columns: Range<i64>) -> Range<i64> {
        let column_ns = self.column_ns(level);
        columns.start.saturating_mul(column_ns)..columns.end.saturating_mul(column_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_last_what_the_design_says() {
        for (rate, column_ns) in
            [(192_000.0, 106_667_008), (2000.0, 2_048_000_000), (9999.0, 409_640_960)]
        {
            let grid = Grid::new(rate);
            assert_eq!(grid.column_ns(0), column_ns, "{rate}");
            assert_eq!(grid.column_ns(-10) << 10, column_ns);
            assert_eq!(grid.column_ns(-11), grid.column_ns(-10));
            assert_eq!(grid.column_ns(20), column_ns << 20);
        }
        assert!(Grid::new(1.0).column_ns(20) < i64::MAX);
        assert_eq!(Grid::new(f64::NAN).sample_rate_hz(), 1.0);
    }

    #[test]
    fn every_level_halves_the_next() {
        let grid = Grid::new(48_000.0);
        for nanos in [0, 1, -1, 1_238_328_900_123_456_789, -7_000_000_000] {
            for level in FINEST_LEVEL..COARSEST_LEVEL {
                let column = grid.column_at(level, nanos);
                assert_eq!(column.div_euclid(2), grid.column_at(level + 1, nanos));
                assert!(grid.span_ns(level, column..column + 1).contains(&nanos));
            }
        }
    }
}
