//! Bank in March: right whales among what is easily taken for them, at 2 kHz.

use std::ops::Range;
use std::sync::Arc;

use spyhop_api::Timestamp;

use super::baleen::{
    cod_grunt, fin_song, haddock_knocks, humpback_upsweep, minke_train, sei_downsweep,
};
use super::chance::{Chance, Seed, interpolate};
use super::right_whale::{chorus, gunshot, overlapped, time_within};
use super::scene::{Container, Look, Place, Plan, Scene, boxed, described, hann};
use super::sea::{Bank, Sea};
use super::stretch::Source;
use super::truth::Truth;
use super::vessel::{Course, Vessel};

/// Samples a second.
pub const RATE_HZ: f64 = 2000.0;
/// Level of full scale, dB re 1 µPa.
pub const FULL_SCALE_DB: f64 = 160.0;
/// Samples under half a block of a vessel's noise: a second.
const VESSEL_BLOCK: usize = 2048;
const FILES: usize = 16;
const FILE_S: usize = 900;
/// On Stellwagen Bank.
pub const PLACE: Place =
    Place { latitude: 42.4, longitude: -70.4, depth_m: 70.0, time_zone: "America/New_York" };
/// Seconds east of UTC of the clock in the files' names, which call it EST.
pub const ZONE_OFFSET_S: i32 = -5 * 3600;
/// 2009-03-29T12:15:00 by that clock.
const ORIGIN: Timestamp = Timestamp(1_238_346_900_000_000_000);
/// So many of the upcalls are overlapped by another sound.
const OVERLAPPED: f64 = 0.3;

/// Plans the deployment.
pub fn plan(seed: Seed) -> Scene {
    let seed = seed.of("bank in march", 0);
    let sea = Arc::new(Sea::bank(seed.of("sea", 0), RATE_HZ, Bank::new(seed, FULL_SCALE_DB, 0.0)));
    let frames = FILE_S * RATE_HZ as usize;
    let recordings = (0..FILES)
        .map(|i| {
            let minutes = 12 * 60 + 15 + i * FILE_S / 60;
            let name =
                format!("DEMO_EST_20090329_{:02}{:02}00_CH10.wav", minutes / 60, minutes % 60);
            Plan { name, runs: vec![((i * frames) as i64, frames)] }
        })
        .collect();
    let span_s = 0.0..(FILES * FILE_S) as f64;
    let mut sources = life(seed, span_s.clone(), &Season::default(), &sea);
    let mut chance = seed.of("ships", 0).chance();
    for (number, (part, nearest_m)) in
        [(0.32, chance.between(1800.0, 3000.0)), (0.74, chance.between(500.0, 900.0))]
            .into_iter()
            .enumerate()
    {
        let nearest_s = span_s.end * (part + chance.between(-0.08, 0.08));
        let course = ship(&mut chance, nearest_s, nearest_m);
        let seed = seed.of("ship", number as i64);
        sources.push(Box::new(Vessel::new(seed, RATE_HZ, VESSEL_BLOCK, course, &sea)));
    }
    let mut scene = Scene {
        deployment: described(
            "bank-in-march",
            "Bank in March",
            "Four hours on Stellwagen Bank in March: North Atlantic right whales call to each \
             other among fin whales' 20 Hz song, humpbacks, sei and minke whales, cod, haddock \
             and ships. 2 kHz.",
            PLACE,
            FULL_SCALE_DB,
        ),
        rate_hz: RATE_HZ,
        full_scale_db: FULL_SCALE_DB,
        dc: -seed.of("dc", 0).chance().between(0.008, 0.019),
        origin: ORIGIN,
        sea,
        sources,
        visitors: None,
        recordings,
        container: Container::Wav,
        zone_offset_s: Some(ZONE_OFFSET_S),
        conditions: String::new(),
    };
    let look = Look {
        band_hz: (10.0, 400.0),
        spectrum: hann(1024, 512, 64),
        range_db: (72.0, 108.0),
        speed: 4.0,
    };
    scene.show_best(45.0, look, |inside| {
        inside
            .iter()
            .map(|t| match t.label {
                "upcall" => (t.snr_db - 3.0).clamp(0.0, 12.0),
                "humpback upsweep" | "downsweep" => 1.5,
                "vessel" | "gunshot" => -4.0,
                _ => 0.0,
            })
            .sum()
    });
    scene
}

/// How lively a time is.
#[derive(Clone, Copy, Debug)]
pub struct Season {
    /// Factor of the time between upcalls; none where it is infinite.
    pub upcall_pace: f64,
    /// How many fin whales sing.
    pub fin_whales: usize,
    /// Sounds an hour: humpback upsweeps, sei downsweeps, minke trains, cod grunts, haddock knocks,
    /// gunshots.
    pub per_hour: [f64; 6],
}

impl Default for Season {
    fn default() -> Season {
        Season { upcall_pace: 1.0, fin_whales: 2, per_hour: [60.0, 16.0, 4.0, 30.0, 9.0, 2.5] }
    }
}

/// Everything that lives within a span of time.
pub fn life(seed: Seed, span_s: Range<f64>, season: &Season, sea: &Sea) -> Vec<Box<dyn Source>> {
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    for singer in 0..season.fin_whales {
        // The second one is farther away and sings for a part of the time.
        let length_s = span_s.end - span_s.start;
        let (span_s, snr_db) = match singer {
            0 => (span_s.clone(), 17.0..20.0),
            _ => (span_s.start + 0.2 * length_s..span_s.start + 0.65 * length_s, 15.0..16.0),
        };
        let seed = seed.of("fin whale", singer as i64);
        sources.extend(boxed(fin_song(seed, span_s, snr_db, sea)));
    }
    let hours = (span_s.end - span_s.start) / 3600.0;
    for (kind, &rate) in season.per_hour.iter().enumerate() {
        let seed = seed.of("kind", kind as i64);
        let mut chance = seed.chance();
        let count = (rate * hours + chance.unit()).floor() as i64;
        for number in 0..count {
            let time_s = chance.between(span_s.start, span_s.end - 2.0);
            sources.extend(confuser(seed.of("sound", number), kind, time_s, sea));
        }
    }
    if season.upcall_pace.is_finite() {
        let calls = chorus(seed.of("chorus", 0), span_s, season.upcall_pace, sea);
        sources.extend(overlaps(seed, calls.iter().map(|c| &c.truth), &sources, sea));
        sources.extend(boxed(calls));
    }
    sources
}

/// One sound of a kind, in the order of [`Season::per_hour`].
fn confuser(seed: Seed, kind: usize, time_s: f64, sea: &Sea) -> Vec<Box<dyn Source>> {
    match kind {
        0 => vec![Box::new(humpback_upsweep(seed, time_s, sea))],
        1 => {
            // Often in pairs.
            let mut chance = seed.of("pair", 0).chance();
            let mut pair: Vec<Box<dyn Source>> = vec![Box::new(sei_downsweep(seed, time_s, sea))];
            if chance.whether(0.5) {
                let after_s = time_s + chance.between(3.2, 4.5);
                pair.push(Box::new(sei_downsweep(seed.of("second", 0), after_s, sea)));
            }
            pair
        }
        2 => vec![Box::new(minke_train(seed, time_s, sea))],
        3 => vec![Box::new(cod_grunt(seed, time_s, sea))],
        4 => vec![Box::new(haddock_knocks(seed, time_s, sea))],
        _ => vec![Box::new(gunshot(seed, time_s, sea))],
    }
}

/// Sounds that fall into upcalls, so that a given part of them is overlapped.
fn overlaps<'a>(
    seed: Seed,
    calls: impl Iterator<Item = &'a Truth>,
    others: &[Box<dyn Source>],
    sea: &Sea,
) -> Vec<Box<dyn Source>> {
    let mut chance: Chance = seed.of("overlaps", 0).chance();
    let others: Vec<Truth> = others.iter().filter_map(|s| s.truth()).collect();
    let mut added: Vec<Box<dyn Source>> = Vec::new();
    let (mut seen, mut hit) = (0.0, 0.0);
    for (number, call) in calls.enumerate() {
        seen += 1.0;
        if overlapped(call, &others) {
            hit += 1.0;
        } else if hit < OVERLAPPED * seen {
            let (kind, length_s) = [(0, 0.5), (1, 1.4), (3, 0.2), (4, 2.0)][chance.count(0, 3)];
            let time_s = time_within(&mut chance, call, length_s).max(0.0);
            added.extend(confuser(seed.of("overlap", number as i64), kind, time_s, sea));
            hit += 1.0;
        }
    }
    added
}

/// A ship that passes for 15–40 minutes.
pub fn ship(chance: &mut Chance, nearest_s: f64, nearest_m: f64) -> Course {
    let blades = chance.count(4, 5) as u32;
    // Blade lines of merchant ships stand well over the cavitation between them up to some 60 Hz.
    let first_db = chance.between(178.0, 184.0);
    let cavitation_db = vec![
        (0.7, 150.0),
        (1.602, chance.between(165.0, 170.0)),
        (2.0, 160.0),
        (3.0, chance.between(140.0, 145.0)),
        (4.0, 117.0),
    ];
    // A generator's lines lie 15-25 dB over what is around them.
    let generator = [30.0f64, 60.0, 120.0]
        .map(|hz| (hz, interpolate(&cavitation_db, hz.log10()) + chance.between(15.0, 25.0)));
    Course {
        nearest_s,
        heard_s: 60.0 * chance.between(8.0, 20.0),
        nearest_m,
        speed_m_s: chance.between(5.0, 8.0),
        depths_m: (chance.between(4.0, 6.0), 70.0),
        line_hz: f64::from(blades) * chance.between(1.2, 2.2),
        lines_db: (0..12).map(|k| first_db - 3.0 * f64::from(k) + chance.normal()).collect(),
        generator: generator.to_vec(),
        cavitation_db,
        beats: (chance.between(0.2, 0.5), blades),
        mirror_hz: 3000.0,
    }
}
