//! Gulf night: dolphins, sperm whales, a survey and a boat, on an EARS buoy at 192 kHz.

use std::ops::Range;
use std::sync::Arc;

use spyhop_api::Timestamp;

use super::airgun;
use super::chance::{Chance, Seed, Wander};
use super::scene::{Container, Look, Place, Plan, Scene, boxed, described, hann};
use super::sea::{OpenSea, Sea};
use super::sperm_whale::SpermWhale;
use super::stretch::Source;
use super::vessel::{Course, Vessel};
use super::whistle::Dolphin;

const RATE_HZ: f64 = 192_000.0;
/// Level of full scale, dB re 1 µPa.
const FULL_SCALE_DB: f64 = 172.0;
/// Samples in a record and in a file of 16 384 records.
pub const RECORD_FRAMES: usize = 250;
const FILE_FRAMES: usize = 16_384 * RECORD_FRAMES;
/// 2017-06-12T02:00:00Z: 20:00 Central Standard Time, an hour after sunset; the sun rises at five.
const ORIGIN: Timestamp = Timestamp(1_497_232_800_000_000_000);
/// Samples under half a block of noise: a third of a second.
const NOISE_BLOCK: usize = 65_536;
/// Shipping far away, on the model's scale from 0 to 1.
const SHIPPING: f64 = 0.5;

/// What is going on at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scenery {
    Dolphins,
    Foraging,
    SpermWhales,
    Quiet,
    Boat,
}

/// Plans the deployment.
pub fn plan(seed: Seed) -> Scene {
    let seed = seed.of("gulf night", 0);
    let mut chance = seed.of("times", 0).chance();
    let sea = Arc::new(Sea::open(seed.of("sea", 0), RATE_HZ, NOISE_BLOCK, weather(seed)));
    // Five bursts of four files between 20:00 and 04:00, and a run of ten between the second and the
    // third of them.
    let file_s = FILE_FRAMES as f64 / RATE_HZ;
    let mut sessions: Vec<(f64, usize, Scenery)> = [
        Scenery::Dolphins,
        Scenery::SpermWhales,
        Scenery::Foraging,
        Scenery::Quiet,
        Scenery::Dolphins,
    ]
    .into_iter()
    .enumerate()
    .map(|(i, scenery)| (6900.0 * i as f64 + chance.between(10.0, 600.0).floor(), 4, scenery))
    .collect();
    sessions.insert(2, (10_500.0 + chance.between(0.0, 600.0).floor(), 10, Scenery::Boat));

    let mut recordings = Vec::new();
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    let mut counter = 0x1dc7 + chance.count(0, 0x400) as u32;
    for (number, &(start_s, files, scenery)) in sessions.iter().enumerate() {
        let session = seed.of("session", number as i64);
        let first = (start_s * RATE_HZ) as i64;
        for file in 0..files {
            let first = first + (file * FILE_FRAMES) as i64;
            let missing = (scenery == Scenery::Boat && file == 6)
                .then(|| (chance.count(5000, 9000), chance.count(900, 1600)));
            recordings.push(Plan { name: file_name(first, counter), runs: runs(first, missing) });
            counter += 1;
        }
        let span_s = start_s..start_s + files as f64 * file_s;
        sources.extend(animals(seed, session, scenery, span_s, &sea));
    }
    sources.extend(survey(seed, &sessions, file_s, &sea));
    let conditions = conditions_table(&weather(seed), &recordings);
    let mut scene = Scene {
        deployment: described(
            "gulf-night",
            "Gulf night",
            "A night in the Gulf of Mexico in June: bottlenose dolphins whistle and hunt by \
             echolocation, sperm whales click in the deep, a seismic survey works far away and a \
             boat passes. EARS buoy, 192 kHz; the true on-axis peak of dolphin clicks \
             (110-130 kHz) lies above what this rate can hold.",
            Place {
                latitude: 28.3,
                longitude: -88.4,
                depth_m: 260.0,
                time_zone: "America/Chicago",
            },
            FULL_SCALE_DB,
        ),
        rate_hz: RATE_HZ,
        full_scale_db: FULL_SCALE_DB,
        dc: seed.of("dc", 0).chance().between(0.002, 0.006),
        origin: ORIGIN,
        sea,
        sources,
        visitors: None,
        recordings,
        container: Container::Ears,
        zone_offset_s: None,
        conditions,
    };
    let look = Look {
        band_hz: (1000.0, 30_000.0),
        spectrum: hann(2048, 2048, 512),
        range_db: (38.0, 82.0),
        speed: 0.125,
    };
    scene.show_best(5.0, look, |inside| {
        let whistles: Vec<_> =
            inside.iter().filter(|t| t.label == "whistle" && t.snr_db > 25.0).collect();
        let mut who: Vec<&str> = whistles.iter().map(|t| t.individual.as_str()).collect();
        who.sort_unstable();
        who.dedup();
        let clicks = inside.iter().any(|t| t.label.starts_with("click train"));
        whistles.len() as f64 + 3.0 * who.len() as f64 + if clicks { 1.0 } else { 0.0 }
    });
    scene
}

/// Wind from 2 to 8 m/s, changing over two hours.
fn weather(seed: Seed) -> OpenSea {
    OpenSea {
        shipping: SHIPPING,
        wind_m_s: (2.0, 8.0),
        weather: Wander::new(seed.of("weather", 0), 7200.0),
        floor_db: 28.0,
    }
}

/// Wind and shipping in the middle of each recording, as CSV.
fn conditions_table(weather: &OpenSea, recordings: &[Plan]) -> String {
    let mut table = String::from("file,wind_m_s,shipping\n");
    for plan in recordings {
        let span = plan.span_s(RATE_HZ);
        let wind = weather.wind_at((span.start + span.end) / 2.0);
        table += &format!("{},{wind:.2},{SHIPPING}\n", plan.name);
    }
    table
}

/// `71621DC7.190`: last digit of the year, day of the year, hexadecimal counter, buoy 19, disk 0.
fn file_name(first: i64, counter: u32) -> String {
    let day = 162 + ((20.0 + first as f64 / RATE_HZ / 3600.0) / 24.0).floor() as i64;
    format!("7{day:03}{counter:04X}.190")
}

/// The runs of a file; `missing` is the first record that is missing and how many are.
fn runs(first: i64, missing: Option<(usize, usize)>) -> Vec<(i64, usize)> {
    match missing {
        None => vec![(first, FILE_FRAMES)],
        Some((record, records)) => {
            let (lost, resumed) = (record * RECORD_FRAMES, (record + records) * RECORD_FRAMES);
            vec![(first, lost), (first + resumed as i64, FILE_FRAMES - resumed)]
        }
    }
}

/// What lives in a session of a night.
fn animals(
    night: Seed,
    seed: Seed,
    scenery: Scenery,
    span_s: Range<f64>,
    sea: &Sea,
) -> Vec<Box<dyn Source>> {
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    let mut chance = seed.of("animals", 0).chance();
    let range_m = match scenery {
        Scenery::Quiet => 1500.0,
        Scenery::Boat => 700.0,
        _ => chance.between(180.0, 380.0),
    };
    if scenery != Scenery::SpermWhales {
        // It is the same pod all night.
        let pod = Dolphin::pod(night.of("dolphins", 0), range_m);
        let busy = match scenery {
            Scenery::Dolphins => (7.0, 9.0, 16.0),
            Scenery::Foraging => (16.0, 3.0, 7.0),
            Scenery::Boat => (14.0, 14.0, 40.0),
            _ => (40.0, 30.0, 200.0),
        };
        sources.extend(pod_life(seed, &pod, busy, span_s.clone(), sea));
    }
    if matches!(scenery, Scenery::SpermWhales | Scenery::Quiet | Scenery::Foraging) {
        let mut group = SpermWhale::group(seed.of("sperm whales", 0));
        if scenery == Scenery::Foraging {
            group.truncate(1);
        }
        for whale in &group {
            sources.extend(boxed(whale.dive(span_s.start, span_s.end, sea)));
        }
        if scenery != Scenery::Foraging {
            // Two whales exchange codas.
            let mut time_s = span_s.start + chance.between(5.0, 40.0);
            for number in 0..chance.count(4, 7) {
                let whale = &group[number % group.len().min(2)];
                sources.push(Box::new(whale.coda(number as i64, time_s, sea)));
                time_s += chance.between(1.8, 4.5);
            }
        }
    }
    if scenery == Scenery::Boat {
        let middle_s = (span_s.start + span_s.end) / 2.0 + chance.between(-20.0, 20.0);
        let course = boat(&mut chance, middle_s);
        let boat = Vessel::new(seed.of("boat", 0), RATE_HZ, NOISE_BLOCK, course, sea);
        sources.push(Box::new(boat));
    }
    sources
}

/// What a pod does: `busy` gives mean seconds between bouts of whistles, click trains and burst
/// pulses.
fn pod_life(
    seed: Seed,
    pod: &[Dolphin],
    busy: (f64, f64, f64),
    span_s: Range<f64>,
    sea: &Sea,
) -> Vec<Box<dyn Source>> {
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    let mut chance = seed.of("pod life", 0).chance();
    let mut events = |mean_s: f64| -> Vec<(f64, usize, Chance)> {
        let mut found = Vec::new();
        let mut time_s = span_s.start + 0.3 + chance.wait(0.4 * mean_s);
        while time_s < span_s.end - 1.0 {
            let number = found.len() as i64;
            found.push((time_s, chance.count(0, pod.len() - 1), seed.of("event", number).chance()));
            time_s += 0.2 * mean_s + chance.wait(0.8 * mean_s);
        }
        found
    };
    let (bouts, trains, bursts) = (events(busy.0), events(busy.1), events(busy.2));
    let mut whistling_until = vec![f64::NEG_INFINITY; pod.len()];
    for (number, (time_s, who, _)) in bouts.into_iter().enumerate() {
        let Some(who) = silent(&whistling_until, who, time_s) else { continue };
        let bout = pod[who].bout(seed.of("bout", number as i64), time_s, span_s.end, sea);
        whistling_until[who] = bout.last().map_or(time_s, |w| w.truth.end_s + 0.5);
        sources.extend(boxed(bout));
    }
    let mut clicking_until = vec![f64::NEG_INFINITY; pod.len()];
    for (number, (time_s, who, mut chance)) in trains.into_iter().enumerate() {
        let Some(who) = silent(&clicking_until, who, time_s) else { continue };
        let train = seed.of("train", number as i64);
        let train = pod[who].click_train(train, time_s, chance.whether(0.35), sea);
        clicking_until[who] = train.heard_s().end;
        sources.push(Box::new(train));
    }
    for (number, (time_s, who, _)) in bursts.into_iter().enumerate() {
        let Some(who) = silent(&clicking_until, who, time_s) else { continue };
        sources.push(Box::new(pod[who].burst_pulse(seed.of("burst", number as i64), time_s, sea)));
    }
    sources
}

/// The animal asked for, or the next one that is not sounding already.
fn silent(sounding_until_s: &[f64], who: usize, time_s: f64) -> Option<usize> {
    let count = sounding_until_s.len();
    (0..count).map(|i| (who + i) % count).find(|&i| sounding_until_s[i] < time_s)
}

/// A small boat that passes in two to three minutes.
fn boat(chance: &mut Chance, nearest_s: f64) -> Course {
    let line_hz = chance.between(62.0, 115.0);
    let first_db = chance.between(146.0, 152.0);
    Course {
        nearest_s,
        heard_s: chance.between(65.0, 85.0),
        nearest_m: chance.between(90.0, 200.0),
        speed_m_s: chance.between(6.5, 8.0),
        depths_m: (chance.between(0.8, 1.2), 260.0),
        line_hz,
        lines_db: (0..14).map(|k| first_db - 1.8 * f64::from(k) + chance.normal()).collect(),
        generator: vec![],
        cavitation_db: vec![
            (1.0, 118.0),
            (2.0, 136.0),
            (3.0, 131.0),
            (4.0, 117.0),
            (4.5, 106.0),
            (5.0, 90.0),
        ],
        beats: (0.0, 3),
        mirror_hz: 9000.0,
    }
}

/// Shots of a survey far away, heard in every session.
fn survey(
    seed: Seed,
    sessions: &[(f64, usize, Scenery)],
    file_s: f64,
    sea: &Sea,
) -> Vec<Box<dyn Source>> {
    let heard = |&(start_s, files, _): &(f64, usize, Scenery)| {
        let end_s = start_s + files as f64 * file_s;
        boxed(airgun::survey(seed.of("survey", 0), start_s..end_s - 1.0, sea))
    };
    sessions.iter().flat_map(heard).collect()
}
