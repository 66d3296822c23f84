//! A whitened spectrogram: levels of a band's bins over the noise floor of each.

use std::ops::Range;

use super::floor::{Floor, FloorSpec};
use super::frames::{FrameSpec, Frames};
use super::settings::NoiseFloor;
use crate::spectrum::SpecError;

/// What digital silence is taken for, dB: a level, so that differences stay numbers.
const SILENCE_DB: f32 = -200.0;
/// A floor is found from at most so many frames a second: neighbours overlap and say the same.
const LOOKS_PER_S: f64 = 32.0;

/// Turns samples into frames of levels over their floor.
pub(super) struct Whitened {
    frames: Frames,
    floor: Floor,
    bins: Range<usize>,
    above: Vec<f32>,
}

/// A frame of the band's bins and, after them, of their sum.
pub(super) struct Levels<'a> {
    /// Its number: frame `i` begins at position `i · hop`.
    pub frame: i64,
    /// Level of each, dB.
    pub level_db: &'a [f32],
    /// The floor of each, dB.
    pub floor_db: &'a [f32],
    /// Level of each over its floor, dB.
    pub above_db: &'a [f32],
}

/// Takes frames, in order.
pub(super) type TakeLevels<'a> = dyn FnMut(Levels<'_>) + 'a;

impl Whitened {
    /// Of the bins in a band.
    ///
    /// # Errors
    /// When the transform can't be made.
    pub fn new(
        spec: &FrameSpec,
        bins: Range<usize>,
        noise: &NoiseFloor,
    ) -> Result<Whitened, SpecError> {
        Ok(Whitened {
            frames: Frames::new(spec)?,
            floor: Floor::new(noise.in_frames(spec, bins.len() + 1)),
            above: vec![0.0; bins.len() + 1],
            bins,
        })
    }

    /// Takes samples from a position on.
    pub fn push(&mut self, position: i64, samples: &[f32], take: &mut TakeLevels<'_>) {
        let Whitened { frames, floor, bins, above } = self;
        frames.push(position, samples, &mut |frame, power| {
            let row = in_db(floor.row(), &power[bins.clone()]);
            floor.push(frame, row, &mut |f, levels, floor| take(over(f, levels, floor, above)));
        });
    }

    /// Gives what is left.
    pub fn finish(&mut self, take: &mut TakeLevels<'_>) {
        let Whitened { frames, floor, bins, above } = self;
        frames.end(&mut |frame, power| {
            let row = in_db(floor.row(), &power[bins.clone()]);
            floor.push(frame, row, &mut |f, levels, floor| take(over(f, levels, floor, above)));
        });
        floor.finish(&mut |f, levels, floor| take(over(f, levels, floor, above)));
    }
}

impl NoiseFloor {
    /// As frames.
    pub(super) fn in_frames(&self, frames: &FrameSpec, rows: usize) -> FloorSpec {
        let blocks = self.window_s / self.update_s.max(1e-3);
        FloorSpec {
            rows,
            block: frames.frames_in(self.update_s),
            // The frames' own block, and as many on either side.
            side: ((blocks - 1.0) / 2.0).round().clamp(1.0, 1e4) as i64,
            share: (self.percentile / 100.0) as f32,
            stride: (frames.frames_per_s() / LOOKS_PER_S).floor().max(1.0) as i64,
        }
    }
}

fn in_db(mut row: Vec<f32>, power: &[f32]) -> Vec<f32> {
    let sum: f32 = power.iter().sum();
    for (level, p) in row.iter_mut().zip(power.iter().chain([&sum])) {
        *level = (10.0 * p.log10()).max(SILENCE_DB);
    }
    row
}

fn over<'a>(
    frame: i64,
    level_db: &'a [f32],
    floor_db: &'a [f32],
    above: &'a mut [f32],
) -> Levels<'a> {
    for ((above, level), floor) in above.iter_mut().zip(level_db).zip(floor_db) {
        *above = level - floor;
    }
    Levels { frame, level_db, floor_db, above_db: above }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::Value;

    use super::*;

    /// What numpy and scipy found in the sea below.
    pub fn fixture() -> Value {
        let text = include_str!("../../tests/fixtures/numpy_detect.json");
        serde_json::from_str(text).expect("valid JSON")
    }

    /// Noise that swells, with two upsweeps: 40 s at 1 kHz, as the fixture's script makes it.
    pub fn sea() -> Vec<f32> {
        let count = 40_000;
        let mut state = 1u64;
        let mut noise = || {
            state = (1_103_515_245 * state + 12_345) % (1 << 31);
            state as f64 / f64::from(1 << 30) - 1.0
        };
        let sample = |n: usize| {
            let mut x = 0.01 * noise() * (1.0 + n as f64 / f64::from(count));
            for (start_s, level) in [(12.3, 0.02), (31.1, 0.006)] {
                let t = n as f64 / 1000.0 - start_s;
                if t > 0.0 && t < 1.0 {
                    x += level
                        * (std::f64::consts::TAU * (80.0 * t + 110.0 * t.powi(3) / 3.0)).sin();
                }
            }
            x as f32
        };
        (0..count as usize).map(sample).collect()
    }

    #[test]
    fn levels_over_the_tracked_floor_are_numpys() {
        let spec = FrameSpec { rate_hz: 1000.0, window: 128, hop: 32, fft_size: 256 };
        let noise = NoiseFloor { window_s: 15.0, update_s: 1.0, percentile: 50.0 };
        let bins = spec.bins_in(50.0, 400.0);
        let mut whitened = Whitened::new(&spec, bins.clone(), &noise).expect("a transform");
        let mut all: Vec<(i64, Vec<f32>, Vec<f32>)> = Vec::new();
        let mut take =
            |l: Levels<'_>| all.push((l.frame, l.above_db.to_vec(), l.floor_db.to_vec()));
        for (at, part) in sea().chunks(777).enumerate() {
            whitened.push(777 * at as i64, part, &mut take);
        }
        whitened.finish(&mut take);
        let fixture = &fixture()["whitened"];
        let numbers = |key: &str| -> Vec<f64> {
            fixture[key].as_array().expect("a list").iter().filter_map(Value::as_f64).collect()
        };
        assert_eq!(all.len() as u64, fixture["count"].as_u64().expect("a count"));
        let (frames, above, floor) = (numbers("frames"), numbers("above"), numbers("floor"));
        let rows = bins.len() + 1;
        assert_eq!(above.len(), frames.len() * rows);
        for (i, frame) in frames.iter().enumerate() {
            let (number, ours, floors) = &all[*frame as usize];
            assert_eq!(*number as f64, *frame);
            for row in 0..rows {
                // Transforms in float32: a bin 40 dB under its frame's strongest is good to 0.002 dB.
                let theirs = (above[i * rows + row], floor[i * rows + row]);
                assert!((f64::from(ours[row]) - theirs.0).abs() < 0.01, "{frame} {row}");
                assert!((f64::from(floors[row]) - theirs.1).abs() < 0.005, "{frame} {row}");
            }
        }
    }
}
