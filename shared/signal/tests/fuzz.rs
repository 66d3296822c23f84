//! The fuzz targets on stable: over the corpus, and over seeded mutations of it for a fixed time.

mod common;
#[path = "common/targets.rs"]
mod targets;

use std::time::{Duration, Instant};

use common::fixtures;
use proptest::prelude::*;
use spyhop_api::Timestamp;
use spyhop_signal::formats::ears;
use targets::TARGETS;

/// Mutations of each target are run for this long, unless `SPYHOP_FUZZ_SECONDS` says otherwise.
const TIME: Duration = Duration::from_millis(1200);

fn time() -> Duration {
    let asked = std::env::var("SPYHOP_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok());
    asked.map_or(TIME, Duration::from_secs)
}

/// The fixtures, some EARS records, a sidecar, names, and nothing.
fn corpus() -> Vec<Vec<u8>> {
    let mut corpus: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"x_20200101_000000.wav%Y%m%d_%H%M%S____".to_vec(),
        br#"<CFG ID="4"><SUFFIX> wav </SUFFIX></CFG><PROC_EVENT ID="4"><W
            SamplingStartTimeUTC="2021-06-10T03:36:54"/></PROC_EVENT>"#
            .to_vec(),
    ];
    let start = Timestamp(1_497_249_518_348_218_750);
    let later = Timestamp(start.0 + 2_000_000_000);
    let samples: Vec<i16> = (0..20_000).map(|i| (i * 37 % 2000) as i16).collect();
    corpus.push(ears::encode(
        &samples,
        &[(0, start), (30, later)],
        ears::EarsConvention::Unophysics,
        "71621DC7.190",
    ));
    let mut files: Vec<_> = fixtures().read_dir().expect("the fixtures").flatten().collect();
    files.sort_by_key(|f| f.file_name());
    corpus.extend(files.iter().map(|f| std::fs::read(f.path()).expect("a fixture")));
    // The targets that take places first get them in front of every file.
    let prefixed: Vec<Vec<u8>> =
        corpus.iter().map(|f| [&[0, 9, 99, 199, 249, 250, 3, 120], &f[..]].concat()).collect();
    corpus.extend(prefixed);
    corpus
}

/// A small generator of its own, so that a failure can be repeated by its number.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn mutate(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus[random.below(corpus.len())].clone();
    for _ in 0..1 + random.below(6) {
        if bytes.is_empty() {
            break;
        }
        // Headers are where the lies are.
        let reach = if random.below(2) == 0 { bytes.len() } else { bytes.len().min(200) };
        let at = random.below(reach);
        match random.below(7) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)],
            2 => {
                let value = [0, 1, u32::MAX, i32::MAX as u32, 0x8000_0000][random.below(5)];
                let end = bytes.len().min(at + 4);
                bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
            }
            3 => bytes.truncate(at),
            4 => {
                let end = bytes.len().min(at + random.below(64));
                bytes.drain(at..end);
            }
            5 => {
                let other = &corpus[random.below(corpus.len())];
                let from = random.below(other.len());
                let part = &other[from..other.len().min(from + random.below(400))];
                let place = at..bytes.len().min(at + part.len());
                bytes.splice(place, part.iter().copied());
            }
            _ => {
                let end = bytes.len().min(at + random.below(64));
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
    bytes
}

#[test]
fn no_target_panics_on_the_corpus_or_on_what_becomes_of_it() {
    let corpus = corpus();
    for (name, target) in TARGETS {
        for bytes in &corpus {
            target(bytes);
        }
        let begun = Instant::now();
        let mut seed = 1u64;
        while begun.elapsed() < time() {
            let bytes = mutate(&mut Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)), &corpus);
            let result = std::panic::catch_unwind(|| target(&bytes));
            assert!(result.is_ok(), "target {name} panics on mutation {seed}");
            seed += 1;
        }
    }
}

/// Where the setup of a Vorbis stream's decoder lies in an Ogg file.
fn vorbis_setup(file: &[u8]) -> std::ops::Range<usize> {
    let find = |from: usize, what: &[u8]| {
        from + file[from..].windows(what.len()).position(|w| w == what).expect("an Ogg file")
    };
    let start = find(0, b"\x05vorbis") + 7;
    start..find(start, b"OggS")
}

/// Ogg's checksums are not looked at by the reader, so that each of these reaches the decoder's
/// setup or its packets of sound. Half of them lie behind the codebooks, which few survive.
#[test]
fn damaged_vorbis_headers_and_packets_reach_no_panic() {
    let files = ["mono.ogg", "stereo.ogg"]
        .map(|name| std::fs::read(fixtures().join(name)).expect("a fixture"));
    let (begun, mut seed, mut opened) = (Instant::now(), 1u64, 0);
    while begun.elapsed() < time() {
        let random = &mut Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut bytes = files[random.below(files.len())].clone();
        let setup = vorbis_setup(&bytes);
        let place = match random.below(4) {
            0 => setup,
            1 | 2 => setup.end - 90..setup.end,
            _ => setup.end..bytes.len(),
        };
        for _ in 0..1 + random.below(5) {
            let at = place.start + random.below(place.len());
            match random.below(3) {
                0 => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)],
                _ => bytes[at] ^= 1 << random.below(8),
            }
        }
        let result = std::panic::catch_unwind(|| {
            let name = "x.ogg";
            let file = Box::new(bytes.clone());
            let recording = spyhop_signal::formats::open(name, file, &Default::default());
            let Ok(mut recording) = recording else { return false };
            let mut out = Vec::new();
            let _ = recording.read(0, 60_000, &mut out);
            assert!(out.len() <= 60_000 * recording.info.channels as usize);
            true
        });
        assert!(result.is_ok(), "mutation {seed} panics");
        opened += u32::from(result.is_ok_and(|opened| opened));
        seed += 1;
    }
    assert!(opened > 20, "only {opened} of {seed} reached the sound");
    println!("{seed} mutations, {opened} of them decoded");
}

proptest! {
    #[test]
    fn no_bytes_at_all_make_a_target_panic(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        for (_, target) in TARGETS {
            target(&bytes);
        }
    }

    #[test]
    fn what_a_wav_header_claims_costs_no_memory(
        channels in any::<u16>(), rate in any::<u32>(), block in any::<u16>(),
        bits in any::<u16>(), size in any::<u32>(), tag in 0u16..9,
    ) {
        let mut bytes = spyhop_signal::formats::wav_writer::wav_pcm16(&[1, 2, 3], 1, 8000);
        let fmt = bytes.windows(4).position(|w| w == b"fmt ").expect("a fmt chunk") + 8;
        bytes[fmt..fmt + 2].copy_from_slice(&tag.to_le_bytes());
        bytes[fmt + 2..fmt + 4].copy_from_slice(&channels.to_le_bytes());
        bytes[fmt + 4..fmt + 8].copy_from_slice(&rate.to_le_bytes());
        bytes[fmt + 12..fmt + 14].copy_from_slice(&block.to_le_bytes());
        bytes[fmt + 14..fmt + 16].copy_from_slice(&bits.to_le_bytes());
        let data = bytes.windows(4).position(|w| w == b"data").expect("a data chunk") + 4;
        bytes[data..data + 4].copy_from_slice(&size.to_le_bytes());
        targets::any(&bytes);
    }
}
