//! Winter song: ten minutes of humpback song over a reef, at 48 kHz.

use std::sync::Arc;

use spyhop_api::Timestamp;

use super::chance::{Seed, Wander};
use super::scene::{Container, Look, Place, Plan, Scene, described, hann};
use super::sea::{OpenSea, Sea};
use super::shrimp::Shrimps;
use super::song::{Singer, Song};
use super::stretch::Source;

const RATE_HZ: f64 = 48_000.0;
/// Level of full scale, dB re 1 µPa.
const FULL_SCALE_DB: f64 = 170.0;
const FILES: usize = 10;
const FILE_S: usize = 60;
/// 2024-02-10T19:30:00Z.
const ORIGIN: Timestamp = Timestamp(1_707_593_400_000_000_000);

/// Plans the deployment.
pub fn plan(seed: Seed) -> Scene {
    let seed = seed.of("winter song", 0);
    let mut chance = seed.of("plan", 0).chance();
    let sea = OpenSea {
        shipping: 0.3,
        wind_m_s: (3.0, 5.0),
        weather: Wander::new(seed.of("weather", 0), 300.0),
        floor_db: 28.0,
    };
    let sea = Arc::new(Sea::open(seed.of("sea", 0), RATE_HZ, 16_384, sea));
    let frames = FILE_S * RATE_HZ as usize;
    let recordings = (0..FILES)
        .map(|i| Plan {
            name: format!("DEMO_20240210T19{:02}00Z.wav", 30 + i),
            runs: vec![((i * frames) as i64, frames)],
        })
        .collect();
    let song = Song::new(seed);
    let span_s = 0.0..(FILES * FILE_S) as f64;
    let near = Singer {
        seed: seed.of("singer", 0),
        name: "near singer",
        level_db: 126.0,
        ringing_s: chance.between(0.8, 1.2),
        first_theme: 0,
    };
    let far = Singer {
        seed: seed.of("singer", 1),
        name: "far singer",
        level_db: 109.0,
        ringing_s: chance.between(1.2, 1.5),
        first_theme: 2,
    };
    let mut sources: Vec<Box<dyn Source>> = near.sing(&song, span_s.clone(), &sea);
    sources.extend(far.sing(&song, span_s, &sea));
    sources.push(Box::new(Shrimps {
        seed: seed.of("shrimps", 0),
        snaps_per_s: chance.between(40.0, 90.0),
        median_db: chance.between(112.0, 116.0),
        spread_db: chance.between(6.0, 8.0),
    }));
    let mut scene = Scene {
        deployment: described(
            "winter-song",
            "Winter song",
            "Ten minutes of a humpback whale's song in its winter quarters, with a second singer \
             far away and the crackle of snapping shrimp. 48 kHz: listen as it is.",
            Place {
                latitude: 20.8,
                longitude: -156.7,
                depth_m: 15.0,
                time_zone: "Pacific/Honolulu",
            },
            FULL_SCALE_DB,
        ),
        rate_hz: RATE_HZ,
        full_scale_db: FULL_SCALE_DB,
        dc: seed.of("dc", 0).chance().between(0.0012, 0.003),
        origin: ORIGIN,
        sea,
        sources,
        visitors: None,
        recordings,
        container: Container::WavGuano,
        zone_offset_s: None,
        conditions: String::new(),
    };
    let look = Look {
        band_hz: (30.0, 4000.0),
        spectrum: hann(4096, 4096, 512),
        range_db: (56.0, 112.0),
        speed: 1.0,
    };
    scene.show_best(25.0, look, |inside| {
        let near: Vec<_> = inside.iter().filter(|t| t.individual == "near singer").collect();
        let mut kinds: Vec<&str> = near.iter().map(|t| t.label).collect();
        kinds.sort_unstable();
        kinds.dedup();
        3.0 * kinds.len() as f64 + near.len() as f64
    });
    scene
}
