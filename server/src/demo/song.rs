//! Humpback song: units in phrases, phrases in themes, themes in a song.

use std::f64::consts::TAU;
use std::ops::Range;

use super::chance::{Chance, Seed};
use super::propagation::{Arrivals, Fading};
use super::pulse::{Pulse, Pulses, Shape};
use super::sea::Sea;
use super::stretch::Source;
use super::tone::{Tone, ToneSpec, falling_harmonics};
use super::truth::Truth;

const HUMPBACK: &str = "Megaptera novaeangliae";

/// Kinds of unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Moan,
    Groan,
    Whup,
    Cry,
    Chirp,
    Shriek,
    Grunt,
    Trill,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Moan => "moan",
            Kind::Groan => "groan",
            Kind::Whup => "whup",
            Kind::Cry => "cry",
            Kind::Chirp => "chirp",
            Kind::Shriek => "shriek",
            Kind::Grunt => "grunt",
            Kind::Trill => "trill",
        }
    }
}

/// A unit type of one singer's song this winter.
#[derive(Clone, Copy, Debug)]
struct Unit {
    kind: Kind,
    duration_s: f64,
    gap_s: f64,
    pitch: f64,
    /// Level against the song's, dB.
    level_db: f64,
}

/// The song of a winter: all singers share it.
pub struct Song {
    themes: Vec<Vec<Unit>>,
}

/// Patterns of phrases; each theme dwells on one of them.
const PHRASES: [&[Kind]; 6] = [
    &[Kind::Moan, Kind::Moan, Kind::Cry, Kind::Groan, Kind::Whup, Kind::Whup],
    &[Kind::Grunt, Kind::Grunt, Kind::Grunt, Kind::Moan, Kind::Cry, Kind::Cry, Kind::Groan],
    &[Kind::Cry, Kind::Chirp, Kind::Cry, Kind::Chirp, Kind::Shriek, Kind::Moan],
    &[Kind::Trill, Kind::Trill, Kind::Moan, Kind::Whup, Kind::Whup, Kind::Trill],
    &[Kind::Shriek, Kind::Chirp, Kind::Chirp, Kind::Groan, Kind::Moan, Kind::Grunt, Kind::Grunt],
    &[Kind::Groan, Kind::Cry, Kind::Moan, Kind::Trill, Kind::Shriek, Kind::Shriek],
];

impl Song {
    /// The song of a seed: 4–6 themes.
    pub fn new(seed: Seed) -> Song {
        let mut chance = seed.of("song", 0).chance();
        let count = chance.count(4, 6);
        let first = chance.count(0, PHRASES.len() - 1);
        let themes = (0..count)
            .map(|theme| {
                let pattern = PHRASES[(first + theme) % PHRASES.len()];
                pattern.iter().map(|&kind| Unit::new(kind, &mut chance)).collect()
            })
            .collect();
        Song { themes }
    }
}

impl Unit {
    fn new(kind: Kind, chance: &mut Chance) -> Unit {
        let (low_s, high_s, level_db) = match kind {
            Kind::Moan => (1.2, 2.4, 0.0),
            Kind::Groan => (0.9, 1.8, -1.0),
            Kind::Whup => (0.35, 0.5, -2.0),
            Kind::Cry => (0.9, 1.3, 0.0),
            Kind::Chirp => (0.25, 0.45, -4.0),
            Kind::Shriek => (0.45, 0.7, -3.0),
            Kind::Grunt => (0.4, 0.9, -1.0),
            Kind::Trill => (0.8, 1.9, -4.0),
        };
        Unit {
            kind,
            duration_s: chance.between(low_s, high_s),
            gap_s: chance.between(0.5, 1.4),
            pitch: chance.between(0.88, 1.14),
            level_db: level_db + chance.normal(),
        }
    }
}

/// One whale singing.
pub struct Singer {
    /// Its seed.
    pub seed: Seed,
    /// What it is called in the tables.
    pub name: &'static str,
    /// Mean received level of its units, dB re 1 µPa.
    pub level_db: f64,
    /// How long its voice rings in the sea, s.
    pub ringing_s: f64,
    /// Theme with which it begins.
    pub first_theme: usize,
}

impl Singer {
    /// Sings the song through a span of time.
    pub fn sing(&self, song: &Song, span_s: Range<f64>, sea: &Sea) -> Vec<Box<dyn Source>> {
        let mut plan = self.seed.of("plan", 0).chance();
        let fading = Fading::new(self.seed.of("way", 0));
        let arrivals = Arrivals::shallow(&mut plan).reverberant(&mut plan, self.ringing_s, -9.0);
        let mut units: Vec<Box<dyn Source>> = Vec::new();
        let mut time_s = span_s.start + plan.between(0.2, 2.0);
        let mut theme = self.first_theme;
        'song: loop {
            let phrase = &song.themes[theme % song.themes.len()];
            let phrases = plan.count(3, 7);
            for turn in 0..phrases {
                // Phrases drift a little as a theme goes on.
                let drift = 1.0 + 0.012 * (turn as f64 - phrases as f64 / 2.0);
                for (place, unit) in phrase.iter().enumerate() {
                    let seed = self.seed.of("unit", units.len() as i64);
                    let mut chance = seed.chance();
                    let duration_s = unit.duration_s * chance.between(0.9, 1.1);
                    if time_s + duration_s + self.ringing_s > span_s.end {
                        break 'song;
                    }
                    let level_db = self.level_db + unit.level_db + fading.db_at(time_s);
                    let truth = Truth {
                        start_s: time_s,
                        label: unit.kind.name(),
                        species: HUMPBACK,
                        individual: self.name.into(),
                        received_db: level_db.clamp(105.0, 135.0),
                        note: format!(
                            "theme {}, phrase {}, unit {}",
                            theme % song.themes.len() + 1,
                            turn + 1,
                            place + 1
                        ),
                        ..Truth::default()
                    };
                    let voice = Voice { seed, unit, duration_s, pitch: unit.pitch * drift };
                    units.push(voice.sound(&mut chance, truth, arrivals.clone(), sea));
                    time_s += duration_s + unit.gap_s * chance.between(0.85, 1.15);
                }
                time_s += plan.between(0.6, 1.5);
            }
            theme += 1;
        }
        units
    }
}

/// One unit as sung once.
struct Voice<'a> {
    seed: Seed,
    unit: &'a Unit,
    duration_s: f64,
    pitch: f64,
}

impl Voice<'_> {
    fn sound(
        &self,
        chance: &mut Chance,
        truth: Truth,
        arrivals: Arrivals,
        sea: &Sea,
    ) -> Box<dyn Source> {
        match self.unit.kind {
            Kind::Grunt | Kind::Trill => self.pulsed(chance, truth, arrivals, sea),
            _ => self.voiced(chance, truth, arrivals, sea),
        }
    }

    fn voiced(
        &self,
        chance: &mut Chance,
        truth: Truth,
        arrivals: Arrivals,
        sea: &Sea,
    ) -> Box<dyn Source> {
        let kind = self.unit.kind;
        let pitch = self.pitch * (1.0 + 0.015 * chance.normal());
        let vibrato_hz = chance.between(5.0, 8.0);
        let (bend, phase) = (chance.between(0.85, 1.2), chance.between(0.0, TAU));
        let duration_s = self.duration_s;
        let contour = |u: f64| {
            let vibrato = (TAU * vibrato_hz * duration_s * u + phase).sin();
            pitch
                * match kind {
                    Kind::Moan => 128.0 + 52.0 * (std::f64::consts::PI * u.powf(bend)).sin(),
                    Kind::Groan => 260.0 - 150.0 * u.powf(bend),
                    Kind::Whup => 60.0 + 290.0 * u.powf(1.6 * bend),
                    Kind::Cry if u < 0.4 => {
                        400.0 + 300.0 * smooth(u / 0.4) + 12.0 * u / 0.4 * vibrato
                    }
                    Kind::Cry => 700.0 - 200.0 * smooth((u - 0.4) / 0.6) + 12.0 * vibrato,
                    Kind::Chirp => 620.0 + 780.0 * u.powf(bend),
                    _ => 1250.0 + 1100.0 * (std::f64::consts::PI * u).sin() + 40.0 * vibrato,
                }
        };
        let (harmonics_db, jitter_hz) = match kind {
            Kind::Moan => (falling_harmonics(chance, 10, -3.0, -4.8), 1.5),
            Kind::Groan => (falling_harmonics(chance, 9, -2.0, -5.0), 2.5),
            Kind::Whup => (falling_harmonics(chance, 4, -9.0, -7.0), 3.0),
            Kind::Cry => (falling_harmonics(chance, 5, -10.0, -6.0), 4.0),
            Kind::Chirp => (falling_harmonics(chance, 2, -14.0, -9.0), 8.0),
            _ => (falling_harmonics(chance, 3, -12.0, -8.0), 15.0),
        };
        let spec = ToneSpec {
            seed: self.seed,
            duration_s,
            contour_hz: &contour,
            jitter_hz: (jitter_hz, 0.03),
            shade_db: (1.8, 0.12),
            edges_s: (chance.between(0.04, 0.12), chance.between(0.08, 0.2)),
            harmonics_db,
            arrivals,
        };
        Box::new(Tone::new(spec, truth).measured_against(sea))
    }

    fn pulsed(
        &self,
        chance: &mut Chance,
        truth: Truth,
        arrivals: Arrivals,
        sea: &Sea,
    ) -> Box<dyn Source> {
        let (peak_hz, width_hz, rates, pp_over_rms_db) = match self.unit.kind {
            Kind::Grunt => {
                (95.0, 90.0, (chance.between(24.0, 40.0), chance.between(20.0, 30.0)), 11.0)
            }
            _ => (460.0, 300.0, (chance.between(20.0, 30.0), chance.between(35.0, 60.0)), 15.0),
        };
        let shape = Shape {
            peak_hz: peak_hz * self.pitch * (1.0 + 0.02 * chance.normal()),
            width_hz,
            skew: 0.5,
            carrier: chance.between(0.0, TAU),
            range_m: 0.0,
            ..Shape::default()
        };
        let start_s = truth.start_s;
        let glide = chance.between(0.2, 0.8);
        let mut pulses = Vec::new();
        let mut time_s = start_s;
        while time_s < start_s + self.duration_s {
            let u = (time_s - start_s) / self.duration_s;
            let swell_db = 14.0 * ((std::f64::consts::PI * (0.02 + 0.96 * u)).sin().sqrt() - 1.0);
            let level_db = truth.received_db + pp_over_rms_db + swell_db + 0.8 * chance.normal();
            let shape = Shape {
                peak_hz: shape.peak_hz * (1.0 + glide * (u - 0.5) + 0.02 * chance.normal()),
                carrier: shape.carrier + 0.3 * chance.normal(),
                ..shape
            };
            pulses.push(Pulse { time_s, level_db, shape });
            time_s += (1.0 + 0.03 * chance.normal()) / (rates.0 + (rates.1 - rates.0) * u);
        }
        let (low_hz, high_hz) =
            ((shape.peak_hz - 0.6 * width_hz).max(30.0), shape.peak_hz + 0.6 * width_hz);
        let truth = Truth {
            end_s: time_s,
            low_hz,
            high_hz,
            snr_db: truth.received_db - sea.band_db(start_s, low_hz..high_hz),
            note: format!("{}; {:.0} to {:.0} pulses/s", truth.note, rates.0, rates.1),
            ..truth
        };
        Box::new(Pulses { pulses, arrivals, drift: 0.0, truth: Some(truth) })
    }
}

fn smooth(u: f64) -> f64 {
    u * u * (3.0 - 2.0 * u)
}
