//! Signature whistles of bottlenose dolphins: each animal has one contour and repeats it.

use std::f64::consts::TAU;

use super::chance::{Chance, Seed};
use super::propagation::{Arrivals, Fading, absorption_db, spreading_db};
use super::sea::Sea;
use super::tone::{Tone, ToneSpec};
use super::truth::Truth;

/// Bottlenose dolphin.
pub const BOTTLENOSE: &str = "Tursiops truncatus";

/// One dolphin: a contour of its own and a place in the sea.
pub struct Dolphin {
    seed: Seed,
    /// What it is called in the tables.
    pub name: String,
    contour: Contour,
    duration_s: f64,
    /// Factor of all its frequencies.
    pitch: f64,
    bend: f64,
    source_level_db: f64,
    /// How far away it is, m.
    pub range_m: f64,
    /// Fading of its way.
    pub fading: Fading,
}

/// The families of contours that signature whistles are named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contour {
    Upsweep,
    Loops(u32),
    InvertedU,
    Downsweep,
    FlatWithHook,
}

impl Contour {
    /// Frequency in Hz at a part 0–1 of the whistle.
    fn hz(self, u: f64, bend: f64) -> f64 {
        match self {
            Contour::Upsweep => 6000.0 + 10_000.0 * u.powf(bend),
            Contour::Loops(loops) => {
                // Each loop rises a little more slowly than it falls and begins near its foot.
                let turn = 0.06 + 0.9 * u * f64::from(loops);
                let skewed = turn - 0.09 * (TAU * turn).sin() * (bend - 0.6);
                5000.0 + 10_000.0 * (0.5 - 0.5 * (TAU * skewed).cos()).powf(0.8 + 0.2 * bend)
            }
            Contour::InvertedU => {
                let top = 0.45;
                let x = if u < top { 1.0 - u / top } else { (u - top) / (1.0 - top) };
                let foot = if u < top { 7000.0 } else { 8000.0 };
                17_000.0 - (17_000.0 - foot) * x.powf(1.0 + bend)
            }
            Contour::Downsweep => 6000.0 + 9000.0 * (1.0 - u).powf(bend),
            Contour::FlatWithHook => {
                let hook = ((u - 0.68) / 0.32).max(0.0);
                9000.0 + 350.0 * (TAU * 0.7 * u).sin() + 5200.0 * bend * hook * hook
            }
        }
    }
}

impl Dolphin {
    /// The dolphins of a pod of 4–6 that swims at a distance of about `range_m`.
    pub fn pod(seed: Seed, range_m: f64) -> Vec<Dolphin> {
        let mut chance = seed.of("pod", 0).chance();
        let mut families = vec![
            Contour::Upsweep,
            Contour::Loops(chance.count(2, 4) as u32),
            Contour::InvertedU,
            Contour::Downsweep,
            Contour::FlatWithHook,
        ];
        let count = chance.count(4, 6);
        if count == 6 {
            families.push(Contour::Loops(chance.count(2, 3) as u32));
        }
        families.truncate(count);
        let name = |i: usize| format!("dolphin {}", char::from(b'A' + i as u8));
        families
            .into_iter()
            .enumerate()
            .map(|(i, contour)| Dolphin {
                seed: seed.of("dolphin", i as i64),
                name: name(i),
                contour,
                duration_s: match contour {
                    Contour::Loops(loops) => {
                        (f64::from(loops) * chance.between(0.25, 0.4)).min(1.35)
                    }
                    Contour::Upsweep => chance.between(0.42, 0.6),
                    _ => chance.between(0.5, 0.95),
                },
                pitch: chance.between(0.9, 1.12),
                bend: chance.between(0.8, 1.35),
                source_level_db: chance.between(148.0, 162.0),
                range_m: range_m * chance.between(0.6, 1.6),
                fading: Fading::new(seed.of("way", i as i64)),
            })
            .collect()
    }

    /// A bout of 3–8 whistles every 1–10 s that begins at `start_s` and is over by `until_s`.
    pub fn bout(&self, number: i64, start_s: f64, until_s: f64, sea: &Sea) -> Vec<Tone> {
        let seed = self.seed.of("bout", number);
        let mut chance = seed.chance();
        let mut whistles = Vec::new();
        let mut time_s = start_s;
        for i in 0..chance.count(3, 8) {
            let whistle = self.whistle(seed.of("whistle", i as i64), time_s, sea);
            if whistle.truth.end_s > until_s {
                break;
            }
            time_s = whistle.truth.end_s + 0.6 + chance.wait(2.0).min(9.0);
            whistles.push(whistle);
        }
        whistles
    }

    fn whistle(&self, seed: Seed, start_s: f64, sea: &Sea) -> Tone {
        let mut chance = seed.chance();
        let pitch = self.pitch * (1.0 + 0.02 * chance.normal().clamp(-2.0, 2.0));
        let bend = self.bend * (1.0 + 0.06 * chance.normal().clamp(-2.0, 2.0));
        // The end of a rendition strays from the animal's pattern more than its beginning.
        let stray = 1.0 + 0.02 * chance.normal().clamp(-2.0, 2.0);
        let contour = |u: f64| {
            (self.contour.hz(u, bend) * pitch * (1.0 + (stray - 1.0) * u)).clamp(3200.0, 21_500.0)
        };
        let duration_s = self.duration_s * chance.between(0.9, 1.1);
        let received_db = self.source_level_db + self.fading.db_at(start_s)
            - spreading_db(self.range_m)
            - absorption_db(contour(0.5), self.range_m);
        let second_db = -chance.between(10.0, 20.0) - 4.0 * self.range_m / 1000.0;
        let third_db = -chance.between(20.0, 30.0) - 8.0 * self.range_m / 1000.0;
        let truth = Truth {
            start_s,
            label: "whistle",
            species: BOTTLENOSE,
            individual: self.name.clone(),
            received_db: received_db.clamp(95.0, 130.0),
            note: format!("signature contour {:?}", self.contour),
            ..Truth::default()
        };
        let tone = Tone::new(
            ToneSpec {
                seed,
                duration_s,
                contour_hz: &contour,
                // Peaks lie at about two and a half times the RMS: 50–150 Hz.
                jitter_hz: (chance.between(20.0, 55.0), chance.between(0.01, 0.02)),
                shade_db: (1.6, 0.09),
                edges_s: (chance.between(0.02, 0.05), chance.between(0.02, 0.05)),
                harmonics_db: vec![second_db, third_db],
                arrivals: self.way(&mut chance),
            },
            truth,
        );
        tone.measured_against(sea)
    }

    /// Direct, from the surface, and a faint smear between them.
    fn way(&self, chance: &mut Chance) -> Arrivals {
        Arrivals::surface(chance).smeared(chance, 0.03, -16.0)
    }
}
