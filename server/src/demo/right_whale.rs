//! North Atlantic right whales: upcalls and, rarely, gunshots.
//!
//! The distributions follow the upcalls of a file of the DCLDE 2013 data set.

use std::ops::Range;

use super::chance::{Chance, Seed};
use super::propagation::Arrivals;
use super::pulse::{Pulse, Pulses, Shape};
use super::sea::Sea;
use super::tone::{Tone, ToneSpec};
use super::truth::Truth;

/// North Atlantic right whale.
pub const RIGHT_WHALE: &str = "Eubalaena glacialis";

/// Quantiles of an upcall's duration, s.
const DURATION_S: [(f64, f64); 5] = [(0.0, 0.5), (0.1, 0.6), (0.5, 1.01), (0.9, 1.21), (1.0, 1.45)];
/// Quantiles of the frequency at which it begins, Hz.
const START_HZ: [(f64, f64); 5] =
    [(0.0, 55.0), (0.1, 68.0), (0.5, 96.0), (0.9, 123.0), (1.0, 140.0)];
/// Quantiles of the frequency at which it ends, Hz.
const END_HZ: [(f64, f64); 5] =
    [(0.0, 135.0), (0.1, 149.0), (0.5, 193.0), (0.9, 282.0), (1.0, 330.0)];
/// Quantiles of the time from one call to the next, s: a quarter are answers within 2–10 s, the
/// median is 29 s.
const SPACING_S: [(f64, f64); 5] =
    [(0.0, 2.0), (0.25, 10.0), (0.5, 29.0), (0.8, 50.0), (1.0, 80.0)];
/// In-band SNR, dB, spread evenly.
const SNR_DB: (f64, f64) = (-6.0, 18.0);

/// One upcall by a caller, standing `snr_db` over the sea.
pub fn upcall(seed: Seed, caller: usize, start_s: f64, snr_db: f64, sea: &Sea) -> Tone {
    let mut chance = seed.chance();
    let duration_s = chance.quantiles(&DURATION_S);
    let start_hz = chance.quantiles(&START_HZ);
    let end_hz = chance.quantiles(&END_HZ).max(start_hz + 30.0);
    // Concave up: slowly at first, ever faster.
    let power = chance.between(1.3, 2.5);
    let contour = |u: f64| start_hz + (end_hz - start_hz) * u.powf(power);
    let (smear_s, smear_db) = (chance.between(0.02, 0.1), chance.between(-8.0, -4.0));
    let truth = Truth {
        start_s,
        label: "upcall",
        species: RIGHT_WHALE,
        individual: format!("caller {}", caller + 1),
        note: format!("{start_hz:.0} to {end_hz:.0} Hz"),
        ..Truth::default()
    };
    let spec = ToneSpec {
        seed,
        duration_s,
        contour_hz: &contour,
        jitter_hz: (1.2, 0.08),
        shade_db: (1.5, 0.15),
        edges_s: (chance.between(0.05, 0.1), chance.between(0.05, 0.1)),
        harmonics_db: vec![-chance.between(15.0, 25.0)],
        arrivals: Arrivals::shallow(&mut chance).smeared(&mut chance, smear_s, smear_db),
    };
    Tone::new(spec, truth).standing_over(sea, snr_db)
}

/// Callers that answer each other through a span of time. `pace` stretches the time between calls.
pub fn chorus(seed: Seed, span_s: Range<f64>, pace: f64, sea: &Sea) -> Vec<Tone> {
    let mut plan = seed.of("plan", 0).chance();
    let callers = plan.count(2, 3);
    let mut calls: Vec<Tone> = Vec::new();
    let mut caller = 0;
    let mut time_s = span_s.start + plan.between(1.0, 8.0);
    // Evenly spread levels that stay with a caller for some calls: a golden-ratio sequence.
    let mut level = plan.unit();
    let mut snr_db = vec![0.0; callers];
    let next_level = |level: &mut f64| {
        *level = (*level + 0.618_033_988_75).fract();
        SNR_DB.0 + (SNR_DB.1 - SNR_DB.0) * *level
    };
    for snr in &mut snr_db {
        *snr = next_level(&mut level);
    }
    while time_s + 1.6 < span_s.end {
        let number = calls.len() as i64;
        let loudness = (snr_db[caller] + 0.7 * plan.normal()).clamp(SNR_DB.0, SNR_DB.1);
        calls.push(upcall(seed.of("upcall", number), caller, time_s, loudness, sea));
        let wait_s = plan.quantiles(&SPACING_S);
        if wait_s < 10.0 {
            caller = (caller + 1) % callers;
        } else if plan.whether(0.4) {
            caller = plan.count(0, callers - 1);
        }
        if plan.whether(0.35) {
            snr_db[caller] = next_level(&mut level);
        }
        time_s += if wait_s < 10.0 { wait_s } else { (wait_s * pace).max(2.0) };
    }
    calls
}

/// A gunshot: 20 Hz to 1 kHz at once.
pub fn gunshot(seed: Seed, time_s: f64, sea: &Sea) -> Pulses {
    let mut chance = seed.chance();
    let band = 20.0..900.0;
    let snr_db = chance.between(10.0, 20.0);
    let received_db = sea.band_db(time_s, band.clone()) + snr_db;
    let shape = Shape {
        peak_hz: chance.between(150.0, 350.0),
        width_hz: chance.between(900.0, 1200.0),
        skew: 0.2,
        carrier: chance.between(0.0, std::f64::consts::TAU),
        range_m: 0.0,
        ..Shape::default()
    };
    let arrivals = Arrivals::shallow(&mut chance).reverberant(&mut chance, 0.5, -4.0);
    // Peak to peak lies about 9 dB above an RMS, and the pulse is short.
    let pulses = vec![Pulse { time_s, level_db: received_db + 15.0, shape }];
    let truth = Truth {
        start_s: time_s,
        end_s: time_s + 0.25,
        low_hz: band.start,
        high_hz: band.end,
        label: "gunshot",
        species: RIGHT_WHALE,
        individual: "-".into(),
        snr_db,
        received_db,
        note: String::new(),
    };
    Pulses { pulses, arrivals, drift: 0.0, truth: Some(truth) }
}

/// Whether a call is overlapped in time and frequency by what others have marked.
pub fn overlapped(call: &Truth, others: &[Truth]) -> bool {
    others.iter().any(|o| {
        o.start_s < call.end_s
            && o.end_s > call.start_s
            && o.low_hz < call.high_hz
            && o.high_hz > call.low_hz
    })
}

/// A time near a call at which something else falls into it.
pub fn time_within(chance: &mut Chance, call: &Truth, length_s: f64) -> f64 {
    let latest = call.end_s - 0.2;
    let earliest = call.start_s - 0.6 * length_s;
    chance.between(earliest, latest.max(earliest))
}
