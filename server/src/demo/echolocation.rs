//! Echolocation of dolphins: click trains, terminal buzzes and burst pulses.

use std::f64::consts::{PI, TAU};

use super::chance::{Chance, Seed, interpolate};
use super::level::amplitude;
use super::propagation::Arrivals;
use super::pulse::{Pulse, Pulses, Shape, glints};
use super::sea::Sea;
use super::truth::Truth;
use super::whistle::{BOTTLENOSE, Dolphin};

/// What tables say of the clicks' band.
const BAND_NOTE: &str = "on-axis peaks of 110-130 kHz lie above this recorder's band";
/// No click of this demo peaks higher.
const HIGHEST_PEAK_HZ: f64 = 74_000.0;
/// What the melon and the skull throw back comes within the click's own length again.
const LONGEST_GLINT_S: f64 = 1.1e-4;

impl Dolphin {
    /// A click train of 1–8 s; `buzz` ends it in a terminal buzz.
    pub fn click_train(&self, seed: Seed, start_s: f64, buzz: bool, sea: &Sea) -> Pulses {
        let mut chance = seed.chance();
        let voice = Voice::new(&mut chance, self.range_m);
        let duration_s = chance.between(1.0, 8.0);
        let interval_s = chance.between(0.045, 0.12);
        let spread = chance.between(0.05, 0.10);
        let swell_db = chance.between(15.0, 30.0);
        let top_db = chance.between(132.0, 154.0);
        let mut scan = chance.between(0.0, 1.0);
        let mut scan_s = chance.between(0.5, 2.0);
        let mut stray = 0.0;
        let mut pulses = Vec::new();
        let mut time_s = start_s;
        while time_s < start_s + duration_s {
            // The head sweeps over us: the beam's axis is loudest and highest.
            let off_axis_db = swell_db * (0.5 + 0.5 * (TAU * scan).cos());
            let level_db = top_db - off_axis_db + self.fading.db_at(time_s) + 0.8 * chance.normal();
            pulses.push(voice.click(&mut chance, time_s, level_db, off_axis_db));
            stray = 0.88 * stray + (1.0 - 0.88f64 * 0.88).sqrt() * spread * chance.normal();
            let step_s = (interval_s * (1.0 + stray)).clamp(0.035, 0.14);
            scan += step_s / scan_s;
            if scan > 1.0 {
                scan -= 1.0;
                scan_s = chance.between(0.5, 2.0);
            }
            time_s += step_s;
        }
        let trains_end_s = time_s;
        if buzz {
            let (closing_s, last_s) = (chance.between(0.3, 1.0), chance.between(0.002, 0.006));
            while time_s < trains_end_s + closing_s {
                let u = (time_s - trains_end_s) / closing_s;
                let level_db = top_db - 15.0 + 3.0 * (PI * u).sin() + chance.normal();
                pulses.push(voice.click(&mut chance, time_s, level_db, 10.0));
                let glide = interval_s * (last_s / interval_s).powf((2.2 * u).min(1.0));
                time_s += glide * (1.0 + 0.03 * chance.normal());
            }
        }
        let arrivals = Arrivals::surface(&mut chance);
        let (label, note) = if buzz {
            ("click train with buzz", format!("interval {interval_s:.3} s gliding to 2-6 ms"))
        } else {
            ("click train", format!("interval {interval_s:.3} s"))
        };
        voice.series(self, pulses, arrivals, (label, note), sea)
    }

    /// A burst of 200–1000 pulses a second, 0.05–0.5 s long.
    pub fn burst_pulse(&self, seed: Seed, start_s: f64, sea: &Sea) -> Pulses {
        let mut chance = seed.chance();
        let mut voice = Voice::new(&mut chance, self.range_m);
        voice.shape.peak_hz = chance.between(25_000.0, 55_000.0);
        voice.stray = STRAY_IN_BURSTS;
        let duration_s = chance.between(0.08, 0.5);
        let top = chance.between(450.0, 1000.0);
        let rates = [
            (0.0, chance.between(200.0, 400.0)),
            (chance.between(0.3, 0.6), top),
            (1.0, chance.between(220.0, 0.8 * top)),
        ];
        let top_db = chance.between(116.0, 132.0);
        let mut pulses = Vec::new();
        let mut time_s = start_s;
        while time_s < start_s + duration_s {
            let u = (time_s - start_s) / duration_s;
            let swell_db = 14.0 * ((PI * u).sin().sqrt() - 1.0);
            let level_db = top_db + swell_db + 0.5 * chance.normal();
            pulses.push(voice.click(&mut chance, time_s, level_db, 0.0));
            time_s += (1.0 + 0.008 * chance.normal()) / interpolate(&rates, u);
        }
        let arrivals = Arrivals::surface(&mut chance);
        let note = format!("{:.0} to {top:.0} to {:.0} pulses/s", rates[0].1, rates[2].1);
        voice.series(self, pulses, arrivals, ("burst pulse", note), sea)
    }
}

/// The clicks of one animal in one series.
struct Voice {
    shape: Shape,
    /// How much the clicks differ: 1 in a train, where the head moves; less in a burst, all of which
    /// comes within a fraction of a second, and whose bands would drown in what differs.
    stray: f64,
}

/// How much the pulses of a burst differ, against the clicks of a train.
const STRAY_IN_BURSTS: f64 = 0.1;

impl Voice {
    fn new(chance: &mut Chance, range_m: f64) -> Voice {
        let peak_hz = chance.between(45_000.0, 72_000.0);
        let shape = Shape {
            peak_hz,
            width_hz: chance.between(40_000.0, 50_000.0).min(0.9 * peak_hz),
            skew: chance.between(0.2, 0.7),
            carrier: chance.between(0.0, TAU),
            range_m,
            glints: glints(chance, LONGEST_GLINT_S),
            ..Shape::default()
        };
        Voice { shape, stray: 1.0 }
    }

    /// A click; off the beam's axis it is lower and longer.
    fn click(&self, chance: &mut Chance, time_s: f64, level_db: f64, off_axis_db: f64) -> Pulse {
        let lower = 1.0 - 0.011 * off_axis_db;
        let stray = |chance: &mut Chance| self.stray * chance.normal();
        let glints =
            if self.stray < 1.0 { self.shape.glints } else { glints(chance, LONGEST_GLINT_S) };
        let peak_hz = self.shape.peak_hz * lower * (1.0 + 0.06 * stray(chance));
        let width_hz = self.shape.width_hz * lower * (1.0 + 0.05 * stray(chance));
        let shape = Shape {
            peak_hz: peak_hz.clamp(30_000.0, HIGHEST_PEAK_HZ),
            width_hz: width_hz.clamp(20_000.0, 55_000.0),
            skew: (self.shape.skew + 0.6 * stray(chance)).clamp(0.0, 2.0) + 0.02 * off_axis_db,
            carrier: self.shape.carrier + stray(chance),
            glints,
            ..self.shape
        };
        Pulse { time_s, level_db, shape }
    }

    fn series(
        &self,
        dolphin: &Dolphin,
        pulses: Vec<Pulse>,
        arrivals: Arrivals,
        (label, note): (&'static str, String),
        sea: &Sea,
    ) -> Pulses {
        let (low_hz, high_hz) = (
            self.shape.peak_hz - self.shape.width_hz / 2.0,
            (self.shape.peak_hz + self.shape.width_hz / 2.0).min(86_400.0),
        );
        let start_s = pulses.first().map_or(0.0, |p| p.time_s);
        let received_db = pulses.iter().map(|p| p.level_db).fold(f64::NEG_INFINITY, f64::max);
        let truth = Truth {
            start_s,
            end_s: pulses.last().map_or(start_s, |p| p.time_s) + 1e-3,
            low_hz,
            high_hz,
            label,
            species: BOTTLENOSE,
            individual: dolphin.name.clone(),
            snr_db: received_db - sea.band_db(start_s, low_hz..high_hz),
            received_db,
            note: format!(
                "{} pulses; {note}; peak {:.0} kHz ({BAND_NOTE})",
                pulses.len(),
                self.shape.peak_hz / 1000.0
            ),
        };
        // Seen from one animal the echo's delay changes by a few per cent in a train.
        let drift = amplitude(self.shape.skew) - 1.1;
        Pulses { pulses, arrivals, drift: drift.clamp(-0.06, 0.06), truth: Some(truth) }
    }
}
