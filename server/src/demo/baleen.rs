//! The other whales of the Bank: fin, humpback (its winter calls), sei and minke.

use std::f64::consts::TAU;
use std::ops::Range;

use super::chance::{Chance, Seed};
use super::propagation::{Arrivals, Fading};
use super::pulse::{Pulse, Pulses, Shape};
use super::sea::Sea;
use super::tone::{Tone, ToneSpec};
use super::truth::Truth;

/// Fin whale 20 Hz song through a span of time: 28 → 17 Hz, every 9–15 s, with rests.
pub fn fin_song(seed: Seed, span_s: Range<f64>, snr_db: Range<f64>, sea: &Sea) -> Vec<Tone> {
    let mut plan = seed.of("plan", 0).chance();
    let interval_s = plan.between(9.8, 13.8);
    let level_db = plan.between(snr_db.start, snr_db.end);
    let (from_hz, to_hz) = (plan.between(27.0, 29.0), plan.between(16.5, 17.5));
    let fading = Fading::new(seed.of("way", 0));
    let mut notes = Vec::new();
    let mut time_s = span_s.start + plan.between(0.0, interval_s);
    let mut rest_s = time_s + plan.between(600.0, 1100.0);
    while time_s + 1.2 < span_s.end {
        let note = seed.of("note", notes.len() as i64);
        let mut chance = note.chance();
        let (from_hz, to_hz) = (from_hz + 0.4 * chance.normal(), to_hz + 0.25 * chance.normal());
        let contour = |u: f64| from_hz + (to_hz - from_hz) * u.powf(0.8);
        let snr = (level_db + 0.5 * fading.db_at(time_s)).clamp(15.0, 20.0);
        let spec = ToneSpec {
            seed: note,
            duration_s: chance.between(0.8, 1.0),
            contour_hz: &contour,
            jitter_hz: (0.15, 0.2),
            shade_db: (0.8, 0.3),
            edges_s: (0.2, 0.35),
            harmonics_db: vec![],
            arrivals: Arrivals::shallow(&mut chance).smeared(&mut chance, 0.15, -9.0),
        };
        let truth = named(time_s, "20 Hz pulse", "Balaenoptera physalus", "fin whale");
        let truth = Truth { note: format!("interval {interval_s:.1} s"), ..truth };
        notes.push(Tone::new(spec, truth).standing_over(sea, snr));
        time_s += (interval_s + 0.25 * chance.normal()).clamp(9.0, 15.0);
        if time_s > rest_s {
            time_s += plan.between(90.0, 180.0);
            rest_s = time_s + plan.between(600.0, 1100.0);
        }
    }
    notes
}

/// A humpback's upsweep, easily taken for an upcall: 80 → 400 Hz in 0.3–0.6 s, with harmonics.
pub fn humpback_upsweep(seed: Seed, start_s: f64, sea: &Sea) -> Tone {
    let mut chance = seed.chance();
    let (from_hz, to_hz) = (chance.between(70.0, 110.0), chance.between(320.0, 430.0));
    let power = chance.between(0.9, 1.8);
    let contour = |u: f64| from_hz + (to_hz - from_hz) * u.powf(power);
    let spec = ToneSpec {
        seed,
        duration_s: chance.between(0.3, 0.6),
        contour_hz: &contour,
        jitter_hz: (2.5, 0.04),
        shade_db: (1.5, 0.1),
        edges_s: (0.04, 0.07),
        harmonics_db: vec![-chance.between(6.0, 12.0), -chance.between(12.0, 20.0)],
        arrivals: Arrivals::shallow(&mut chance).smeared(&mut chance, 0.06, -6.0),
    };
    let truth = named(start_s, "humpback upsweep", "Megaptera novaeangliae", "humpback");
    Tone::new(spec, truth).standing_over(sea, chance.between(0.0, 16.0))
}

/// A sei whale's downsweep: 82 → 34 Hz in 1.4 s.
pub fn sei_downsweep(seed: Seed, start_s: f64, sea: &Sea) -> Tone {
    let mut chance = seed.chance();
    let (from_hz, to_hz) = (chance.between(76.0, 88.0), chance.between(31.0, 37.0));
    let contour = |u: f64| from_hz * (to_hz / from_hz).powf(u.powf(0.85));
    let spec = ToneSpec {
        seed,
        duration_s: chance.between(1.25, 1.55),
        contour_hz: &contour,
        jitter_hz: (0.5, 0.15),
        shade_db: (1.2, 0.2),
        edges_s: (0.1, 0.2),
        harmonics_db: vec![],
        arrivals: Arrivals::shallow(&mut chance).smeared(&mut chance, 0.1, -7.0),
    };
    let truth = named(start_s, "downsweep", "Balaenoptera borealis", "sei whale");
    Tone::new(spec, truth).standing_over(sea, chance.between(2.0, 14.0))
}

/// A minke whale's pulse train: 100–400 Hz, 3–6 pulses a second for 30–60 s, slowing down or
/// speeding up.
pub fn minke_train(seed: Seed, start_s: f64, sea: &Sea) -> Pulses {
    let mut chance = seed.chance();
    let length_s = chance.between(30.0, 60.0);
    let rates = (chance.between(3.0, 6.0), chance.between(3.0, 6.0));
    let (low_hz, high_hz) = (100.0, 400.0);
    let snr_db = chance.between(2.0, 10.0);
    let received_db = sea.band_db(start_s, low_hz..high_hz) + snr_db;
    let shape = Shape {
        peak_hz: chance.between(150.0, 260.0),
        width_hz: chance.between(100.0, 170.0),
        skew: 0.5,
        carrier: chance.between(0.0, TAU),
        range_m: 0.0,
        ..Shape::default()
    };
    let fading = Fading::new(seed.of("way", 0));
    let mut pulses = Vec::new();
    let mut time_s = start_s;
    while time_s < start_s + length_s {
        let u = (time_s - start_s) / length_s;
        // Trains swell in their first third and die away in the last.
        let swell_db = 9.0 * ((4.0 * u).min(1.0).min(5.0 * (1.0 - u)) - 1.0);
        let shape = Shape {
            peak_hz: shape.peak_hz * (1.0 + 0.04 * chance.normal()),
            carrier: chance.between(0.0, TAU),
            ..shape
        };
        let level_db = received_db + 11.0 + swell_db + fading.db_at(time_s) + chance.normal();
        pulses.push(Pulse { time_s, level_db, shape });
        time_s += (1.0 + 0.02 * chance.normal()) / (rates.0 + (rates.1 - rates.0) * u);
    }
    let arrivals = Arrivals::shallow(&mut chance).smeared(&mut chance, 0.05, -5.0);
    let truth = Truth {
        end_s: time_s,
        low_hz,
        high_hz,
        snr_db,
        received_db,
        note: format!("{} pulses, {:.1} to {:.1} a second", pulses.len(), rates.0, rates.1),
        ..named(start_s, "pulse train", "Balaenoptera acutorostrata", "minke whale")
    };
    Pulses { pulses, arrivals, drift: 0.0, truth: Some(truth) }
}

/// Cod: a grunt of low pulses, 30–80 Hz.
pub fn cod_grunt(seed: Seed, start_s: f64, sea: &Sea) -> Pulses {
    let mut chance = seed.chance();
    let rate = chance.between(35.0, 55.0);
    let shape = fish_shape(&mut chance, 45.0..65.0, 40.0);
    let count = chance.count(5, 12);
    let intervals = (0..count).map(|i| f64::from(i as u32) / rate).collect::<Vec<_>>();
    fish(&mut chance, (start_s, &intervals), shape, (30.0, 80.0), ("grunt", "Gadus morhua"), sea)
}

/// Haddock: a series of knocks that comes faster and faster.
pub fn haddock_knocks(seed: Seed, start_s: f64, sea: &Sea) -> Pulses {
    let mut chance = seed.chance();
    let shape = fish_shape(&mut chance, 160.0..260.0, 220.0);
    let (mut step_s, mut at_s) = (chance.between(0.12, 0.3), 0.0);
    let mut times = Vec::new();
    for _ in 0..chance.count(6, 22) {
        times.push(at_s);
        at_s += step_s * (1.0 + 0.05 * chance.normal());
        step_s *= 0.94;
    }
    let names = ("knocks", "Melanogrammus aeglefinus");
    fish(&mut chance, (start_s, &times), shape, (80.0, 400.0), names, sea)
}

fn fish_shape(chance: &mut Chance, peak_hz: Range<f64>, width_hz: f64) -> Shape {
    Shape {
        peak_hz: chance.between(peak_hz.start, peak_hz.end),
        width_hz: width_hz * chance.between(0.8, 1.2),
        skew: 0.6,
        carrier: chance.between(0.0, TAU),
        range_m: 0.0,
        ..Shape::default()
    }
}

fn fish(
    chance: &mut Chance,
    (start_s, times_s): (f64, &[f64]),
    shape: Shape,
    (low_hz, high_hz): (f64, f64),
    (label, species): (&'static str, &'static str),
    sea: &Sea,
) -> Pulses {
    let snr_db = chance.between(3.0, 12.0);
    let received_db = sea.band_db(start_s, low_hz..high_hz) + snr_db;
    let pulses: Vec<Pulse> = times_s
        .iter()
        .map(|t| Pulse {
            time_s: start_s + t,
            level_db: received_db + 9.0 + 1.5 * chance.normal(),
            shape: shape.turned(0.3 * chance.normal()),
        })
        .collect();
    let arrivals = Arrivals::surface(chance).smeared(chance, 0.03, -8.0);
    let truth = Truth {
        end_s: pulses.last().map_or(start_s, |p| p.time_s) + 0.03,
        low_hz,
        high_hz,
        snr_db,
        received_db,
        note: format!("{} pulses", pulses.len()),
        ..named(start_s, label, species, "-")
    };
    Pulses { pulses, arrivals, drift: 0.0, truth: Some(truth) }
}

fn named(start_s: f64, label: &'static str, species: &'static str, individual: &str) -> Truth {
    Truth { start_s, label, species, individual: individual.into(), ..Truth::default() }
}
