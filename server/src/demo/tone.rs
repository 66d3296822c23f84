//! Sounds with a pitch: a contour of frequency over time, with harmonics.

use std::f64::consts::TAU;
use std::ops::Range;

use super::chance::{Chance, Seed, Wander};
use super::level::{amplitude, scale_to_rms90};
use super::propagation::Arrivals;
use super::sea::Sea;
use super::stretch::{Source, Stretch};
use super::truth::Truth;

/// Above this part of the sample rate nothing sounds; harmonics fade out just below it.
pub const HIGHEST_OF_RATE: f64 = 0.45;

/// Seconds between the points of a contour.
const STEP_S: f64 = 0.001;

/// A voiced sound on its way to the hydrophone. All chance is drawn when it is planned.
pub struct Tone {
    /// Frequency every [`STEP_S`].
    contour_hz: Vec<f64>,
    /// Level against its mean every [`STEP_S`], dB.
    shade_db: Vec<f64>,
    /// Seconds of rise and of fall.
    edges_s: (f64, f64),
    /// Amplitudes of the fundamental and its harmonics.
    harmonics: Vec<f64>,
    phase: f64,
    /// Ways on which it arrives.
    pub arrivals: Arrivals,
    /// What it is and how loud.
    pub truth: Truth,
}

/// How a tone is made.
pub struct ToneSpec<'a> {
    /// Its seed.
    pub seed: Seed,
    /// Seconds.
    pub duration_s: f64,
    /// Frequency at a part 0–1 of the duration.
    pub contour_hz: &'a dyn Fn(f64) -> f64,
    /// RMS of the voice's unsteadiness, Hz, and how long it takes to change, s.
    pub jitter_hz: (f64, f64),
    /// Standard deviation of the voice's level in dB and how long it takes to change, s.
    pub shade_db: (f64, f64),
    /// Seconds of rise and of fall.
    pub edges_s: (f64, f64),
    /// Levels of the harmonics against the fundamental, dB, from the second one on.
    pub harmonics_db: Vec<f64>,
    /// Ways on which it arrives.
    pub arrivals: Arrivals,
}

impl Tone {
    /// Draws a tone. `truth` gives its start, names and level; its end and band follow here.
    pub fn new(spec: ToneSpec<'_>, truth: Truth) -> Tone {
        let points = (spec.duration_s / STEP_S).ceil() as usize + 1;
        let jitter = Wander::new(spec.seed.of("jitter", 0), spec.jitter_hz.1.max(STEP_S));
        let shade = Wander::new(spec.seed.of("shade", 0), spec.shade_db.1.max(STEP_S));
        let at = |i: usize| i as f64 * STEP_S;
        let contour_hz: Vec<f64> = (0..points)
            .map(|i| {
                let u = (at(i) / spec.duration_s).min(1.0);
                (spec.contour_hz)(u) + spec.jitter_hz.0 * jitter.at(at(i))
            })
            .collect();
        let shade_db = (0..points).map(|i| spec.shade_db.0 * shade.at(at(i))).collect();
        let low_hz = contour_hz.iter().copied().fold(f64::INFINITY, f64::min);
        let high_hz = contour_hz.iter().copied().fold(0.0, f64::max);
        let end_s = truth.start_s + spec.duration_s;
        Tone {
            contour_hz,
            shade_db,
            edges_s: spec.edges_s,
            harmonics: std::iter::once(1.0)
                .chain(spec.harmonics_db.iter().map(|&db| amplitude(db)))
                .collect(),
            phase: spec.seed.of("phase", 0).chance().between(0.0, TAU),
            arrivals: spec.arrivals,
            truth: Truth { end_s, low_hz, high_hz, ..truth },
        }
    }

    /// Notes how far it stands over the sea.
    pub fn measured_against(mut self, sea: &Sea) -> Tone {
        self.truth.snr_db = self.truth.received_db - 0.46 - self.sea_db(sea);
        self
    }

    /// Gives it the level that stands `snr_db` over the sea.
    pub fn standing_over(mut self, sea: &Sea, snr_db: f64) -> Tone {
        self.truth.snr_db = snr_db;
        self.truth.received_db = snr_db + 0.46 + self.sea_db(sea);
        self
    }

    /// Level of the sea in the 5–95 % band of the sound. (That band holds 90 % of the sound's
    /// energy: the 0.46 dB above.)
    fn sea_db(&self, sea: &Sea) -> f64 {
        let mut sorted = self.contour_hz.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
        let (low, high) = (at(0.05), at(0.95));
        // A steady tone still has the width that its length gives it.
        let least = 1.0 / (self.truth.end_s - self.truth.start_s);
        let widen = ((least - (high - low)) / 2.0).max(0.0);
        sea.band_db(self.truth.start_s, (low - widen).max(1.0)..high + widen)
    }

    /// The sound as received, beginning `offset` samples before its start.
    pub fn sound(&self, rate_hz: f64, offset: f64) -> Vec<f64> {
        let mut wet = self.arrivals.apply(&self.dry(rate_hz, offset), rate_hz);
        scale_to_rms90(&mut wet, self.truth.received_db);
        wet
    }

    fn dry(&self, rate_hz: f64, offset: f64) -> Vec<f64> {
        let duration_s = self.truth.end_s - self.truth.start_s;
        let frames = (duration_s * rate_hz + offset).ceil() as usize;
        let highest_hz = HIGHEST_OF_RATE * rate_hz;
        let mut phase = self.phase;
        (0..frames)
            .map(|n| {
                let t = (n as f64 - offset) / rate_hz;
                if t < 0.0 {
                    return 0.0;
                }
                let x = t / STEP_S;
                let hz = lerp(&self.contour_hz, x);
                phase += TAU * hz / rate_hz;
                let (sin, cos) = phase.sin_cos();
                // sin(kφ) = 2·cos φ·sin((k−1)φ) − sin((k−2)φ)
                let (mut before, mut now, mut sum) = (0.0, sin, 0.0);
                for (k, gain) in self.harmonics.iter().enumerate() {
                    let headroom = (highest_hz - (k + 1) as f64 * hz) / (0.03 * rate_hz);
                    if headroom <= 0.0 {
                        break;
                    }
                    sum += gain * headroom.min(1.0) * now;
                    (before, now) = (now, 2.0 * cos * now - before);
                }
                let shade = lerp(&self.shade_db, x);
                sum * self.envelope(t, duration_s) * (shade * std::f64::consts::LN_10 / 20.0).exp()
            })
            .collect()
    }

    fn envelope(&self, t: f64, duration_s: f64) -> f64 {
        let (rise, fall) = self.edges_s;
        let edge = (t / rise).min((duration_s - t) / fall).clamp(0.0, 1.0);
        0.5 - 0.5 * (std::f64::consts::PI * edge).cos()
    }
}

fn lerp(points: &[f64], x: f64) -> f64 {
    let i = (x as usize).min(points.len().saturating_sub(2));
    let (a, b) = (points[i], points[(i + 1).min(points.len() - 1)]);
    a + (b - a) * (x - i as f64).clamp(0.0, 1.0)
}

impl Source for Tone {
    fn heard_s(&self) -> Range<f64> {
        self.truth.start_s..self.truth.end_s + self.arrivals.spread_s() + 0.01
    }

    fn add_to(&self, stretch: &mut Stretch) {
        let start = self.truth.start_s * stretch.rate_hz;
        let sound = self.sound(stretch.rate_hz, start - start.floor());
        stretch.add(start.floor() as i64, &sound);
    }

    fn truth(&self) -> Option<Truth> {
        Some(self.truth.clone())
    }
}

/// Falling levels of harmonics: the first of them at `first` dB under the fundamental, each further
/// one `step` dB lower, unsteady by 2 dB.
pub fn falling_harmonics(
    chance: &mut Chance,
    count: usize,
    first_db: f64,
    step_db: f64,
) -> Vec<f64> {
    (0..count).map(|k| first_db + step_db * k as f64 + chance.normal()).collect()
}
