//! Weeks on the Bank: an hourly recording, for what only long spans of time show.

use std::f64::consts::TAU;
use std::sync::Arc;

use spyhop_api::Timestamp;

use super::bank_in_march::{FULL_SCALE_DB, PLACE, RATE_HZ, Season, ZONE_OFFSET_S, life, ship};
use super::chance::{Seed, Wander};
use super::scene::{Container, Plan, Scene, boxed, described};
use super::sea::{Bank, Sea};
use super::stretch::Source;
use super::vessel::Vessel;

/// 2009-03-01T00:00:00 by the clock in the files' names.
const ORIGIN: Timestamp = Timestamp(1_235_883_600_000_000_000);
/// Recordings of a day.
const FILES_A_DAY: usize = 24;
/// At most so long is each, s, and so many samples have all of them together (2.7 GB).
const FILE_S: usize = 900;
const MOST_FRAMES: usize = 1_350_000_000;

/// Plans `days` days of hourly recordings.
pub fn plan(seed: Seed, days: usize) -> Scene {
    let seed = seed.of("season", 0);
    let bank = Bank::new(seed, FULL_SCALE_DB, 2.5);
    let sea = Arc::new(Sea::bank(seed.of("sea", 0), RATE_HZ, bank));
    let files = days * FILES_A_DAY;
    let frames = (FILE_S * RATE_HZ as usize).min(MOST_FRAMES / files.max(1));
    let hour_frames = 3600 * RATE_HZ as i64;
    let first_day = jiff::civil::date(2009, 3, 1);
    let recordings = (0..files)
        .map(|i| {
            let day = first_day.saturating_add(jiff::Span::new().days((i / FILES_A_DAY) as i64));
            let name =
                format!("DEMO_EST_{}_{:02}0000_CH10.wav", day.strftime("%Y%m%d"), i % FILES_A_DAY);
            Plan { name, runs: vec![(i as i64 * hour_frames, frames)] }
        })
        .collect();
    let (mood, fins) = (
        Wander::new(seed.of("mood", 0), 2.0 * 86_400.0),
        Wander::new(seed.of("fins", 0), 86_400.0),
    );
    let quarters = Arc::clone(&sea);
    let visitors = move |index: usize, span_s: std::ops::Range<f64>| -> Vec<Box<dyn Source>> {
        let seed = seed.of("hour", index as i64);
        let mut chance = seed.of("ships", 0).chance();
        let (days, hour) = (span_s.start / 86_400.0, (span_s.start / 3600.0).rem_euclid(24.0));
        // Right whales come and go over days and call most at dusk; fish grunt at night.
        let dusk = 0.5 + 0.5 * (TAU * (hour - 19.0) / 24.0).cos();
        let presence = mood.at(span_s.start) + dusk - 0.3;
        let dark = 0.5 + 0.5 * (TAU * hour / 24.0).cos();
        let arriving = (days / 20.0).min(1.0);
        let season = Season {
            upcall_pace: if presence > 0.0 { (1.2 / presence).max(0.8) } else { f64::INFINITY },
            fin_whales: (1.2 + fins.at(span_s.start)).clamp(0.0, 2.0) as usize,
            per_hour: [
                60.0 * arriving * chance.unit(),
                16.0 * chance.unit(),
                5.0 * chance.unit(),
                90.0 * dark,
                12.0 * dark,
                3.0 * presence.max(0.0),
            ],
        };
        let mut sources = life(seed, span_s.clone(), &season, &quarters);
        if chance.whether(0.2) {
            let nearest_s = chance.between(span_s.start - 300.0, span_s.end + 300.0);
            let nearest_m = chance.between(600.0, 3000.0);
            let course = ship(&mut chance, nearest_s, nearest_m);
            let vessel = Vessel::new(seed.of("ship", 0), RATE_HZ, 2048, course, &quarters);
            sources.extend(boxed(vec![vessel]));
        }
        sources
    };
    let mut scene = Scene {
        deployment: described(
            "bank-season",
            "Bank, a season",
            "Hourly recordings from the Bank: days with and without right whales, dusk choruses, \
             storms, ships. 2 kHz.",
            PLACE,
            FULL_SCALE_DB,
        ),
        rate_hz: RATE_HZ,
        full_scale_db: FULL_SCALE_DB,
        dc: -seed.of("dc", 0).chance().between(0.008, 0.019),
        origin: ORIGIN,
        sea,
        sources: Vec::new(),
        visitors: Some(Box::new(visitors)),
        recordings,
        container: Container::Wav,
        zone_offset_s: Some(ZONE_OFFSET_S),
        conditions: String::new(),
    };
    scene.deployment.best_view = "v=1&f=10-1000&db=66..106&rate=4".into();
    scene
}
