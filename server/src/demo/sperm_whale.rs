//! Sperm whales: usual clicks, creaks and codas.

use std::f64::consts::TAU;

use super::chance::{Chance, Seed};
use super::propagation::{Arrivals, Fading};
use super::pulse::{Pulse, Pulses, Shape, glints};
use super::sea::Sea;
use super::truth::Truth;

const SPERM_WHALE: &str = "Physeter macrocephalus";
/// Reflections in the nose follow each pulse within less than the time to the next one.
const LONGEST_GLINT_S: f64 = 8e-4;

/// One sperm whale. The time between the pulses of a click tells how large it is.
pub struct SpermWhale {
    seed: Seed,
    name: String,
    shape: Shape,
    interval_s: f64,
    level_db: f64,
    arrivals: Arrivals,
    fading: Fading,
}

impl SpermWhale {
    /// A group of 2–4.
    pub fn group(seed: Seed) -> Vec<SpermWhale> {
        let mut chance = seed.of("group", 0).chance();
        (0..chance.count(2, 4))
            .map(|i| {
                let peak_hz = chance.between(4500.0, 10_000.0);
                let range_m = chance.between(500.0, 3000.0);
                SpermWhale {
                    seed: seed.of("whale", i as i64),
                    name: format!("sperm whale {}", i + 1),
                    shape: Shape {
                        peak_hz,
                        width_hz: peak_hz * chance.between(1.1, 1.4),
                        skew: 0.3,
                        carrier: chance.between(0.0, TAU),
                        range_m,
                        repeats: (chance.between(0.003, 0.0045), -8.0),
                        ..Shape::default()
                    },
                    interval_s: chance.between(0.55, 0.95),
                    level_db: chance.between(126.0, 146.0),
                    arrivals: Arrivals::surface(&mut chance),
                    fading: Fading::new(seed.of("way", i as i64)),
                }
            })
            .collect()
    }

    /// A dive's sounds between two times: usual clicks, at times a creak and then silence.
    pub fn dive(&self, start_s: f64, until_s: f64, sea: &Sea) -> Vec<Pulses> {
        let mut chance = self.seed.of("dive", start_s as i64).chance();
        let mut sounds = Vec::new();
        let mut time_s = start_s + chance.between(0.0, 4.0);
        while time_s < until_s {
            let click_until = (time_s + chance.between(18.0, 50.0)).min(until_s);
            let mut pulses = Vec::new();
            let mut stray = 0.0;
            while time_s < click_until {
                pulses.push(self.click(&mut chance, time_s, 0.0));
                stray = 0.7 * stray + 0.71 * chance.between(0.03, 0.05) * chance.normal();
                time_s += (self.interval_s * (1.0 + stray)).clamp(0.5, 1.0);
            }
            let note = format!("interval {:.2} s", self.interval_s);
            sounds.push(self.series(pulses, "usual clicks", &note, sea));
            if time_s + 8.0 < until_s && chance.whether(0.7) {
                let (length_s, first_s) = (chance.between(6.0, 15.0), time_s);
                let mut pulses = Vec::new();
                while time_s < (first_s + length_s).min(until_s) {
                    let u = (time_s - first_s) / length_s;
                    pulses.push(self.click(&mut chance, time_s, -12.0 - 4.0 * u));
                    time_s += 0.2 * (0.015f64 / 0.2).powf(u) * (1.0 + 0.02 * chance.normal());
                }
                sounds.push(self.series(pulses, "creak", "interval 0.2 to 0.015 s", sea));
                time_s += chance.between(4.0, 10.0);
            }
        }
        sounds
    }

    /// A coda of five regular clicks.
    pub fn coda(&self, number: i64, start_s: f64, sea: &Sea) -> Pulses {
        let mut chance = self.seed.of("coda", number).chance();
        let step_s = 0.25 * (1.0 + 0.04 * chance.normal());
        let pulses = (0..5)
            .map(|i| {
                let time_s = start_s + step_s * f64::from(i) + 0.004 * chance.normal();
                self.click(&mut chance, time_s, -6.0)
            })
            .collect();
        self.series(pulses, "coda", "five regular clicks 0.25 s apart", sea)
    }

    fn click(&self, chance: &mut Chance, time_s: f64, relative_db: f64) -> Pulse {
        let (repeat_s, repeat_db) = self.shape.repeats;
        let shape = Shape {
            peak_hz: self.shape.peak_hz * (1.0 + 0.06 * chance.normal()),
            width_hz: self.shape.width_hz * (1.0 + 0.08 * chance.normal()),
            skew: self.shape.skew + 0.2 * chance.normal(),
            carrier: self.shape.carrier + 0.8 * chance.normal(),
            repeats: (repeat_s, repeat_db + 0.8 * chance.normal()),
            glints: glints(chance, LONGEST_GLINT_S),
            ..self.shape
        };
        let sway_db = self.fading.db_at(time_s) + 1.5 * chance.normal();
        Pulse { time_s, level_db: self.level_db + 6.0 + relative_db + sway_db, shape }
    }

    fn series(&self, pulses: Vec<Pulse>, label: &'static str, note: &str, sea: &Sea) -> Pulses {
        let start_s = pulses.first().map_or(0.0, |p| p.time_s);
        let received_db = pulses.iter().map(|p| p.level_db).fold(f64::NEG_INFINITY, f64::max);
        let truth = Truth {
            start_s,
            end_s: pulses.last().map_or(start_s, |p| p.time_s) + 0.012,
            low_hz: 2000.0,
            high_hz: (2.2 * self.shape.peak_hz).min(20_000.0),
            label,
            species: SPERM_WHALE,
            individual: self.name.clone(),
            snr_db: received_db - sea.band_db(start_s, 2000.0..20_000.0),
            received_db,
            note: format!(
                "{} clicks; {note}; pulses {:.1} ms apart",
                pulses.len(),
                self.shape.repeats.0 * 1000.0
            ),
        };
        Pulses { pulses, arrivals: self.arrivals.clone(), drift: 0.02, truth: Some(truth) }
    }
}
