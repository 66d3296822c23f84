//! A seismic survey far away: one faint shot after the other.

use std::ops::Range;

use super::chance::Seed;
use super::propagation::{Arrivals, Fading};
use super::pulse::{Pulse, Pulses, Shape};
use super::sea::Sea;
use super::truth::Truth;

/// The shots of a survey that are heard between two times.
pub fn survey(seed: Seed, heard_s: Range<f64>, sea: &Sea) -> Vec<Pulses> {
    let mut plan = seed.of("survey", 0).chance();
    let interval_s = plan.between(8.0, 15.0);
    let level_db = plan.between(119.0, 129.0);
    let peak_hz = plan.between(35.0, 60.0);
    let fading = Fading::new(seed.of("way", 0));
    let first = (heard_s.start / interval_s).ceil() as i64;
    let last = (heard_s.end / interval_s).floor() as i64;
    (first..=last)
        .map(|shot| {
            let mut chance = seed.of("shot", shot).chance();
            let time_s = shot as f64 * interval_s + 0.08 * chance.normal();
            let received_db = level_db + fading.db_at(time_s);
            let shape = Shape {
                peak_hz: peak_hz * (1.0 + 0.04 * chance.normal()),
                width_hz: 1.7 * peak_hz,
                skew: 0.8,
                carrier: 0.3 * chance.normal(),
                range_m: 0.0,
                ..Shape::default()
            };
            let seconds = chance.between(0.1, 0.3);
            let tail_s = chance.between(1.0, 2.0);
            let arrivals = Arrivals(vec![(0.0, 1.0)])
                .smeared(&mut chance, seconds, 0.0)
                .reverberant(&mut chance, tail_s, -8.0);
            let truth = Truth {
                start_s: time_s,
                end_s: time_s + seconds + 0.3,
                low_hz: 5.0,
                high_hz: 250.0,
                label: "airgun",
                species: "-",
                individual: "survey".into(),
                snr_db: received_db - sea.band_db(time_s, 5.0..250.0),
                received_db,
                note: format!("every {interval_s:.1} s, tail {tail_s:.1} s"),
            };
            let pulses = vec![Pulse { time_s, level_db: received_db, shape }];
            Pulses { pulses, arrivals, drift: 0.0, truth: Some(truth) }
        })
        .collect()
}
