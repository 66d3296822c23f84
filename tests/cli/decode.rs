//! `spyhop decode`.

use spyhop_signal::formats::{self, OpenOptions, wav_writer::wav_pcm16};
use spyhop_signal::source::FileSource;
use spyhop_tests::sounds;
use tempfile::TempDir;

use crate::{damaged_flac, fixture, info, out_to, said, written};

/// Fixtures that libsndfile wrote; that the readers give its numbers is tested beside them.
const LOSSLESS: [&str; 17] = [
    "u8.wav",
    "s16.wav",
    "s24.wav",
    "s32.wav",
    "f32.wav",
    "f64.wav",
    "alaw.wav",
    "ulaw.wav",
    "s24ex.wav",
    "s16.rf64",
    "f32.w64",
    "s16.aiff",
    "sowt.aifc",
    "fl32.aifc",
    "s8.flac",
    "s16.flac",
    "s24.flac",
];

/// Samples as bits: two NaN are the same, 0 and −0 are not.
fn bits(samples: &[f32]) -> Vec<u32> {
    samples.iter().map(|s| s.to_bits()).collect()
}

/// The samples of a WAV file of 32-bit floats that ends with them.
fn last_floats(wav: &[u8], count: usize) -> Vec<f32> {
    let data = &wav[wav.len() - 4 * count..];
    data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

#[test]
fn every_lossless_format_decodes_to_the_bits_that_the_reader_gives() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    for name in LOSSLESS {
        let file = fixture(name);
        let source = Box::new(FileSource::open(&file)?);
        let mut recording = formats::open(name, source, &OpenOptions::default())?;
        let (frames, channels) = (recording.info.frames as usize, recording.info.channels as usize);
        let mut expected = Vec::new();
        recording.read(0, frames, &mut expected)?;

        let npy = folder.path().join("x.npy");
        written("decode", &file, "", &npy)?;
        let (rows, columns, samples) = sounds::read_npy(&npy)?;
        assert_eq!((rows, columns), (frames, channels), "{name}");
        assert_eq!(bits(&samples), bits(&expected), "{name}");

        let wav = folder.path().join("x.wav");
        written("decode", &file, "", &wav)?;
        let told = info(&wav)?;
        assert_eq!(
            (&told["codec"], &told["frames"], &told["channels"]),
            (&"pcm_f32le".into(), &frames.into(), &channels.into()),
            "{name}"
        );
        assert_eq!(told["sample_rate_hz"], info(&file)?["sample_rate_hz"], "{name}");
        let samples = last_floats(&std::fs::read(&wav)?, expected.len());
        assert_eq!(bits(&samples), bits(&expected), "{name} as WAV");
    }
    Ok(())
}

#[test]
fn integers_are_divided_by_full_scale() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let extremes = [0, 1, -1, i16::MAX, i16::MIN, 12_345];
    let file = sounds::write_wav(folder.path(), "extremes.wav", &extremes, 8000)?;
    let out = folder.path().join("x.npy");
    written("decode", &file, "", &out)?;
    let expected: Vec<f32> = extremes.iter().map(|s| f32::from(*s) / 32_768.0).collect();
    assert_eq!(sounds::read_npy(&out)?, (6, 1, expected));
    Ok(())
}

#[test]
fn floats_beyond_full_scale_and_no_numbers_stay_as_they_are() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let samples = [0.0f32, -0.0, 3.5, -1e30, 1e-42, f32::INFINITY, f32::NAN];
    // Sixteen-bit samples of the right length, made float by their header.
    let mut wav = wav_pcm16(&[0; 14], 1, 8000);
    let fmt = wav.windows(4).position(|w| w == b"fmt ").expect("a fmt chunk") + 8;
    wav[fmt] = 3;
    wav[fmt + 12] = 4;
    wav[fmt + 14] = 32;
    let data = wav.len() - 28;
    for (to, sample) in wav[data..].chunks_exact_mut(4).zip(samples) {
        to.copy_from_slice(&sample.to_le_bytes());
    }
    let file = sounds::write(folder.path(), "floats.wav", &wav)?;
    let out = folder.path().join("x.npy");
    written("decode", &file, "", &out)?;
    assert_eq!(bits(&sounds::read_npy(&out)?.2), bits(&samples));
    Ok(())
}

#[test]
fn a_range_and_a_channel_are_that_part_of_the_whole() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let samples: Vec<i16> = (0..2000).map(|i| i * 13 - 9000).collect();
    let file = sounds::write(folder.path(), "stereo.wav", &wav_pcm16(&samples, 2, 8000))?;
    let out = folder.path().join("x.npy");
    for (range, from, to) in [
        ("--from 100 --frames 50", 100, 150),
        ("--from 990", 990, 1000),
        ("--from 990 --frames 99999999", 990, 1000),
        ("--from 1000", 1000, 1000),
        ("--frames 1", 0, 1),
    ] {
        for channel in [None, Some(0), Some(1)] {
            let args = channel.map_or(range.to_owned(), |c| format!("{range} --channel {c}"));
            written("decode", &file, &args, &out)?;
            let kept = |i: usize| channel.is_none_or(|c| i % 2 == c);
            let expected: Vec<f32> = (2 * from..2 * to)
                .filter(|i| kept(*i))
                .map(|i| f32::from(samples[i]) / 32_768.0)
                .collect();
            let columns = if channel.is_some() { 1 } else { 2 };
            assert_eq!(sounds::read_npy(&out)?, (to - from, columns, expected), "{args}");
        }
    }
    Ok(())
}

#[test]
fn what_is_damaged_becomes_silence_and_the_code_says_so() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let file = damaged_flac(folder.path())?;
    let out = folder.path().join("x.npy");
    let output = out_to("decode", &file, "", &out)?;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("damaged.flac: frames "), "{}", said(&output));
    let whole = info(&file)?["frames"].as_u64();
    assert_eq!(Some(sounds::read_npy(&out)?.0 as u64), whole, "nothing is moved");
    Ok(())
}

#[test]
fn a_recording_is_never_written_over_and_nothing_half_written_is_left() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let file = sounds::write_wav(folder.path(), "only.wav", &[1; 100], 8000)?;
    let before = std::fs::read(&file)?;
    let output = out_to("decode", &file, "", &folder.path().join(".").join("only.wav"))?;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("is the recording itself"), "{}", said(&output));
    assert_eq!(std::fs::read(&file)?, before);

    let nowhere = folder.path().join("nowhere").join("x.npy");
    let output = out_to("decode", &file, "", &nowhere)?;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("there is no such folder"), "{}", said(&output));
    assert_eq!(folder.path().read_dir()?.count(), 1);
    Ok(())
}
