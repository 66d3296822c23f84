//! Snapping shrimp: the crackle of warm shallow water.

use std::f64::consts::TAU;
use std::ops::Range;

use super::chance::Seed;
use super::level::amplitude;
use super::pulse::{Printer, Shape};
use super::stretch::{Source, Stretch};

/// A reef's shrimps.
pub struct Shrimps {
    /// Their seed.
    pub seed: Seed,
    /// Snaps a second.
    pub snaps_per_s: f64,
    /// Median received level, peak to peak, dB re 1 µPa.
    pub median_db: f64,
    /// Standard deviation of the levels, dB.
    pub spread_db: f64,
}

impl Source for Shrimps {
    fn heard_s(&self) -> Range<f64> {
        f64::NEG_INFINITY..f64::INFINITY
    }

    fn add_to(&self, stretch: &mut Stretch) {
        let span = stretch.span_s();
        let mut printer = Printer::new(stretch.rate_hz);
        // Every second has a seed of its own.
        for second in span.start.floor() as i64 - 1..=span.end.floor() as i64 {
            let mut chance = self.seed.of("second", second).chance();
            let mut time_s = chance.wait(1.0 / self.snaps_per_s);
            while time_s < 1.0 {
                let level_db = (self.median_db + self.spread_db * chance.normal()).min(156.0);
                let spike = Shape {
                    peak_hz: chance.between(2500.0, 6000.0),
                    width_hz: chance.between(6000.0, 12_000.0),
                    skew: 0.2 * chance.normal(),
                    carrier: chance.between(0.0, TAU),
                    range_m: 200.0,
                    ..Shape::default()
                };
                // The claw's jet whispers before the bubble snaps.
                let precursor = Shape { peak_hz: 2500.0, width_hz: 3000.0, ..spike };
                let before_s = chance.between(0.0004, 0.0007);
                let snap_s = second as f64 + time_s;
                let echo_s = chance.between(0.0008, 0.006);
                for (shape, at_s, gain_db) in [
                    (&precursor, snap_s - before_s, -15.0),
                    (&spike, snap_s, 0.0),
                    (&spike, snap_s + echo_s, -5.0),
                ] {
                    let (first, sound) = printer.print(shape, at_s * stretch.rate_hz);
                    let sign = if gain_db == -5.0 { -1.0 } else { 1.0 };
                    let scale = sign * amplitude(level_db + gain_db);
                    sound.iter_mut().for_each(|v| *v *= scale);
                    stretch.add(first, sound);
                }
                time_s += chance.wait(1.0 / self.snaps_per_s);
            }
        }
    }
}
