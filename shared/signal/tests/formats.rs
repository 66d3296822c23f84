//! Every format against libsndfile, on small recordings that `fixtures/formats/make.py` made.

mod common;

use common::{all, crc32, fixtures, open, table};

const LOSSY: [&str; 5] = ["mono.mp3", "stereo.mp3", "untold.mp3", "mono.ogg", "stereo.ogg"];

#[test]
fn every_lossless_format_decodes_to_libsndfiles_numbers_bit_for_bit() {
    for (name, expected) in table("expected.json") {
        if LOSSY.contains(&name.as_str()) {
            continue;
        }
        let mut recording = open(&fixtures().join(&name));
        let info = recording.info.clone();
        assert_eq!(
            (info.sample_rate_hz, info.channels, info.frames),
            (expected.rate, expected.channels, expected.frames),
            "{name}"
        );
        assert!(info.warnings.is_empty(), "{name}: {:?}", info.warnings);
        let samples = all(&mut recording);
        assert_eq!(crc32(&samples), expected.crc32, "{name}");
        assert!(recording.problems().is_empty(), "{name}: {:?}", recording.problems());
    }
}

#[test]
fn lossy_formats_have_libsndfiles_count_of_frames_and_say_that_they_are_lossy() {
    for (name, expected) in table("expected.json") {
        if !LOSSY.contains(&name.as_str()) {
            continue;
        }
        let mut recording = open(&fixtures().join(&name));
        let info = recording.info.clone();
        assert_eq!(
            (info.sample_rate_hz, info.channels, info.frames),
            (expected.rate, expected.channels, expected.frames),
            "{name}"
        );
        assert!(info.warnings.iter().any(|w| w.contains("lossy")), "{name}");
        assert_eq!(info.metadata.contains_key("length"), name == "untold.mp3");
        if name != "untold.mp3" {
            assert_eq!(all(&mut recording).len() as u64, info.frames * u64::from(info.channels));
        }
    }
}

/// Decoders of a lossy coding need not round alike: 16-bit steps are far below what the coding
/// itself changes, and a shift by one sample would be off by a hundred times more.
#[test]
fn lossy_formats_sound_as_libsndfile_decodes_them_and_begin_at_the_same_sample() {
    for name in LOSSY {
        let Ok(bytes) = std::fs::read(fixtures().join(format!("{name}.every97th.f32"))) else {
            assert_eq!(name, "untold.mp3");
            continue;
        };
        let expected: Vec<f32> =
            bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
        let mut recording = open(&fixtures().join(name));
        let channels = recording.info.channels as usize;
        let samples: Vec<f32> = all(&mut recording).into_iter().step_by(97 * channels).collect();
        assert_eq!(samples.len(), expected.len(), "{name}");
        let worst = samples.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
        assert!(worst < 1.0 / 32_768.0, "{name}: off by {worst}");
    }
}

#[test]
fn any_range_is_the_same_part_of_the_whole() {
    for name in table("expected.json").keys() {
        let mut recording = open(&fixtures().join(name));
        let channels = recording.info.channels as usize;
        let whole = all(&mut recording);
        let frames = recording.info.frames;
        let mut part = Vec::new();
        // A walk over the file that jumps both ways.
        for step in 0..24u64 {
            let from = step * 7919 % frames;
            let count = 1 + (step * 37 % 500) as usize;
            recording.read(from, count, &mut part).expect("decodes");
            let end = (from as usize + count).min(whole.len() / channels);
            let expected = &whole[(from as usize * channels).min(whole.len())..end * channels];
            assert_eq!(part, expected, "{name}: {count} frames from {from}");
            let channel = step as usize % channels;
            recording.read_channel(from, count, channel as u32, &mut part).expect("decodes");
            let expected: Vec<f32> =
                expected.iter().skip(channel).step_by(channels).copied().collect();
            assert_eq!(part, expected, "{name}: channel {channel}");
        }
        recording.read(frames, 10, &mut part).expect("nothing is no error");
        assert!(part.is_empty(), "{name}");
        recording.read(u64::MAX, usize::MAX, &mut part).expect("nothing is no error");
        assert!(part.is_empty(), "{name}");
    }
}
