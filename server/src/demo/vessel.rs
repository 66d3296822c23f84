//! Vessels passing: lines of shaft and blades, a generator, cavitation, and the Lloyd mirror.

use std::f64::consts::{PI, TAU};
use std::ops::Range;

use super::chance::{Seed, Wander, interpolate};
use super::level::{amplitude, power_db};
use super::noise::{Noise, Spectrum};
use super::propagation::{SOUND_SPEED_M_S, absorption_db, spreading_db};
use super::sea::Sea;
use super::stretch::{Source, Stretch};
use super::truth::Truth;

/// What a vessel is and how it passes.
#[derive(Clone, Debug)]
pub struct Course {
    /// When it is nearest, seconds since the origin.
    pub nearest_s: f64,
    /// How long before and after that it is heard, s.
    pub heard_s: f64,
    /// Its least distance at the surface, m.
    pub nearest_m: f64,
    /// m/s.
    pub speed_m_s: f64,
    /// Depths of the propeller and of the hydrophone, m.
    pub depths_m: (f64, f64),
    /// Frequency of the first line (blades or engine), Hz.
    pub line_hz: f64,
    /// Source levels of its multiples, dB re 1 µPa·m.
    pub lines_db: Vec<f64>,
    /// The generator's lines: Hz and dB re 1 µPa·m.
    pub generator: Vec<(f64, f64)>,
    /// Source density of cavitation, `(lg Hz, dB re 1 µPa²·m²/Hz)`.
    pub cavitation_db: Vec<(f64, f64)>,
    /// Depth of the cavitation's modulation at the blades' rate, and how many blades there are: one
    /// of them beats stronger. No modulation where the rate is an engine's.
    pub beats: (f64, u32),
    /// Above about this frequency the surface is too rough to mirror.
    pub mirror_hz: f64,
}

/// A vessel that passes.
pub struct Vessel {
    course: Course,
    noise: Noise<Cavitation>,
    wander: Wander,
    truth: Truth,
}

/// Seconds over which the blades' rate wanders.
const WANDER_S: f64 = 20.0;

impl Vessel {
    /// A vessel on its course, at a sample rate; `block` samples are about a third of a second to a
    /// second.
    pub fn new(seed: Seed, rate_hz: f64, block: usize, course: Course, sea: &Sea) -> Vessel {
        let received_db = interpolate(&course.cavitation_db, 2.0)
            - spreading_db(course.slant_m(course.nearest_s));
        let band_hz = 20.0..0.45 * rate_hz;
        let truth = Truth {
            start_s: course.nearest_s - course.heard_s,
            end_s: course.nearest_s + course.heard_s,
            low_hz: band_hz.start,
            high_hz: band_hz.end.min(30_000.0),
            label: "vessel",
            species: "-",
            individual: "vessel".into(),
            received_db,
            snr_db: received_db - sea.band_db(course.nearest_s, 99.0..101.0) + power_db(2.0),
            note: format!(
                "lines every {:.1} Hz; nearest {:.0} m at {:.0} s; {:.1} m/s; level is the density \
                 at 100 Hz",
                course.line_hz, course.nearest_m, course.nearest_s, course.speed_m_s
            ),
        };
        let noise = Noise::new(seed, rate_hz, block, Cavitation(course.clone()));
        Vessel { course, noise, wander: Wander::new(seed.of("wander", 0), WANDER_S), truth }
    }

    /// Adds the lines: multiples of one phase, so that they wander together.
    fn add_lines(&self, stretch: &Stretch, out: &mut [f64]) {
        let course = &self.course;
        let step = (stretch.rate_hz / 20.0).ceil() as usize;
        let nyquist_hz = 0.45 * stretch.rate_hz;
        for (chunk_index, chunk) in out.chunks_mut(step).enumerate() {
            let first = stretch.first + (chunk_index * step) as i64;
            let (t0, t1) =
                (first as f64 / stretch.rate_hz, (first + step as i64) as f64 / stretch.rate_hz);
            let gains = |t: f64| -> Vec<f64> {
                let ways =
                    -spreading_db(course.slant_m(t)) + power_db(course.nearness(t).max(1e-9));
                course
                    .lines_db
                    .iter()
                    .enumerate()
                    .map(|(k, &db)| {
                        let hz = course.line_hz * (k + 1) as f64;
                        let heard = if hz < nyquist_hz { 2f64.sqrt() } else { 0.0 };
                        heard * amplitude(db + ways) * course.mirror(hz, t).sqrt()
                    })
                    .collect()
            };
            let (from, to) = (gains(t0), gains(t1));
            let generator: Vec<(f64, f64)> = course
                .generator
                .iter()
                .map(|&(hz, db)| {
                    let ways = -spreading_db(course.slant_m(t0));
                    let gain = amplitude(db + ways) * course.mirror(hz, t0).sqrt();
                    (hz, 2f64.sqrt() * gain * course.nearness(t0).sqrt())
                })
                .collect();
            let (clock0, clock1) = (self.blade_clock_s(t0), self.blade_clock_s(t1));
            for (n, value) in chunk.iter_mut().enumerate() {
                let u = n as f64 / step as f64;
                let clock_s = clock0 + (clock1 - clock0) * u;
                let (sin, cos) = (TAU * course.line_hz * clock_s).sin_cos();
                let (mut before, mut now) = (0.0, sin);
                for (a, b) in from.iter().zip(&to) {
                    *value += (a + (b - a) * u) * now;
                    (before, now) = (now, 2.0 * cos * now - before);
                }
                let time_s = t0 + (t1 - t0) * u;
                let sent_s = time_s - course.slant_m(time_s) / SOUND_SPEED_M_S;
                for &(hz, gain) in &generator {
                    *value += gain * (TAU * hz * sent_s).sin();
                }
            }
        }
    }

    /// The vessel's own clock as it is heard: late by the way (hence Doppler), unsteady by some
    /// tenths of a per cent.
    fn blade_clock_s(&self, time_s: f64) -> f64 {
        let sent_s = time_s - self.course.slant_m(time_s) / SOUND_SPEED_M_S;
        sent_s + 0.0012 * WANDER_S * self.wander.at(sent_s)
    }

    /// The blades beat in the cavitation's hiss, one of them stronger.
    fn beat(&self, time_s: f64) -> f64 {
        let (depth, blades) = self.course.beats;
        if depth == 0.0 {
            return 1.0;
        }
        let phase = TAU * self.course.line_hz * self.blade_clock_s(time_s);
        let stronger = 0.5 * (phase / f64::from(blades)).cos();
        1.0 + depth * (phase.cos() * (1.0 + stronger) + 0.4 * stronger)
    }
}

impl Source for Vessel {
    fn heard_s(&self) -> Range<f64> {
        self.truth.start_s..self.truth.end_s
    }

    fn add_to(&self, stretch: &mut Stretch) {
        let rate = stretch.rate_hz;
        let from = ((self.truth.start_s * rate) as i64).max(stretch.first);
        let to = ((self.truth.end_s * rate) as i64).min(stretch.end());
        let Ok(frames) = usize::try_from(to - from) else { return };
        let mut sound = self.noise.at(from, frames);
        if self.course.beats.0 > 0.0 {
            for (n, value) in sound.iter_mut().enumerate() {
                *value *= self.beat((from + n as i64) as f64 / rate);
            }
        }
        let part = Stretch { rate_hz: rate, first: from, samples: Vec::new() };
        self.add_lines(&part, &mut sound);
        stretch.add(from, &sound);
    }

    fn truth(&self) -> Option<Truth> {
        Some(self.truth.clone())
    }
}

impl Course {
    /// Distance from the hydrophone, m.
    pub fn slant_m(&self, time_s: f64) -> f64 {
        let along = self.speed_m_s * (time_s - self.nearest_s);
        let down = self.depths_m.1 - self.depths_m.0;
        (self.nearest_m * self.nearest_m + along * along + down * down).sqrt()
    }

    /// Power of the Lloyd mirror: the surface's inverted image interferes with the vessel, with nulls
    /// at n·c/(2·z·sin θ). A part comes by the sea floor and fills them.
    pub fn mirror(&self, hz: f64, time_s: f64) -> f64 {
        let (source_m, receiver_m) = self.depths_m;
        let sin = receiver_m / self.slant_m(time_s);
        let echo = 0.93 * (-(hz / self.mirror_hz).powi(2)).exp();
        let phase = 2.0 * TAU * hz * source_m * sin / SOUND_SPEED_M_S;
        let direct = 1.0 + echo * echo - 2.0 * echo * phase.cos();
        0.9 * direct + 0.1
    }

    /// Power against that at the nearest point, beyond what distance does: the ends of the passage
    /// die away (by 25 dB) and are then cut without a click.
    fn nearness(&self, time_s: f64) -> f64 {
        let x = ((time_s - self.nearest_s) / self.heard_s).abs().min(1.0);
        let edge = 0.5 - 0.5 * (PI * ((1.0 - x) / 0.15).min(1.0)).cos();
        edge * 10f64.powf(-2.5 * x * x)
    }
}

/// Cavitation as received, block by block.
struct Cavitation(Course);

impl Spectrum for Cavitation {
    fn fill(&self, time_s: f64, bin_hz: f64, density: &mut [f64]) {
        let course = &self.0;
        let range_m = course.slant_m(time_s);
        let near = course.nearness(time_s);
        let ways_db = -spreading_db(range_m);
        for (k, density) in density.iter_mut().enumerate().skip(1) {
            let hz = k as f64 * bin_hz;
            let db = interpolate(&course.cavitation_db, hz.log10()) + ways_db
                - absorption_db(hz, range_m);
            *density = near * 10f64.powf(db / 10.0) * course.mirror(hz, time_s);
        }
    }
}
