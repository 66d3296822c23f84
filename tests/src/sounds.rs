//! Recordings for tests, made by our own encoders.

use std::f64::consts::TAU;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use spyhop_api::Timestamp;
use spyhop_signal::formats::EarsConvention;
use spyhop_signal::formats::ears::encode;
use spyhop_signal::formats::wav_writer::{WavCoding, WavWriter, wav_pcm16};

/// A sine of an amplitude (1 is full scale).
pub fn sine(frequency_hz: f64, amplitude: f64, seconds: f64, rate_hz: u32) -> Vec<i16> {
    tone(seconds, rate_hz, |t| amplitude * (TAU * frequency_hz * t).sin())
}

/// Samples of a function of time in seconds.
pub fn tone(seconds: f64, rate_hz: u32, at: impl Fn(f64) -> f64) -> Vec<i16> {
    let rate = f64::from(rate_hz);
    (0..(seconds * rate) as usize)
        .map(|i| (at(i as f64 / rate) * 32767.0).round().clamp(-32768.0, 32767.0) as i16)
        .collect()
}

/// White noise of an amplitude, the same at every call (a linear congruence is noise enough).
pub fn noise(amplitude: f64, seconds: f64, rate_hz: u32) -> Vec<i16> {
    let mut state = 1u64;
    (0..(seconds * f64::from(rate_hz)) as usize)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let unit = (state >> 33) as f64 / f64::from(1u32 << 30) - 1.0;
            (unit * amplitude * 32767.0) as i16
        })
        .collect()
}

/// The sum of two, as long as the shorter.
pub fn mixed(a: &[i16], b: &[i16]) -> Vec<i16> {
    a.iter().zip(b).map(|(a, b)| a.saturating_add(*b)).collect()
}

/// Writes a mono WAV file.
///
/// # Errors
/// When the file can't be written.
pub fn write_wav(
    folder: &Path,
    name: &str,
    samples: &[i16],
    rate_hz: u32,
) -> anyhow::Result<PathBuf> {
    write(folder, name, &wav_pcm16(samples, 1, rate_hz))
}

/// Writes a mono WAV file with a GUANO chunk of some fields, each `Name: value`.
///
/// # Errors
/// When the file can't be written.
pub fn write_wav_with_guano(
    folder: &Path,
    name: &str,
    samples: &[i16],
    rate_hz: u32,
    fields: &[&str],
) -> anyhow::Result<PathBuf> {
    let guano = [&["GUANO|Version: 1.0"], fields].concat().join("\n");
    let mut file = Cursor::new(Vec::new());
    let chunks = [(*b"guan", guano.as_bytes())];
    let mut wav = WavWriter::new(&mut file, WavCoding::Pcm16, 1, rate_hz, &chunks)?;
    let samples: Vec<f32> = samples.iter().map(|s| f32::from(*s) / 32_768.0).collect();
    wav.write(&samples)?;
    wav.finish()?;
    write(folder, name, &file.into_inner())
}

/// Writes an EARS file whose clock begins at `start` (ISO 8601).
///
/// # Errors
/// When the file can't be written.
pub fn write_ears(
    folder: &Path,
    name: &str,
    samples: &[i16],
    start: &str,
) -> anyhow::Result<PathBuf> {
    let starts = [(0, Timestamp::from_iso(start)?)];
    write(folder, name, &encode(samples, &starts, EarsConvention::Unophysics, name))
}

/// Writes bytes.
///
/// # Errors
/// When the file can't be written.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(name);
    std::fs::write(&path, bytes)?;
    Ok(path)
}

/// Reads what `--out x.npy` wrote: rows, columns and the values, row by row.
///
/// # Errors
/// When it is not a float32 array of two dimensions.
pub fn read_npy(path: &Path) -> anyhow::Result<(usize, usize, Vec<f32>)> {
    let bytes = std::fs::read(path)?;
    anyhow::ensure!(bytes.starts_with(b"\x93NUMPY\x01\x00"), "no npy of version 1");
    let head_len = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let head = std::str::from_utf8(&bytes[10..10 + head_len])?;
    anyhow::ensure!(head.contains("'<f4'"), "{head}");
    let shape = head.split_once("'shape': (").and_then(|(_, rest)| rest.split_once(')'));
    let sizes: Vec<usize> = shape
        .map(|(shape, _)| shape.split(',').filter_map(|n| n.trim().parse().ok()).collect())
        .unwrap_or_default();
    let [rows, columns] = sizes[..] else { anyhow::bail!("no two dimensions: {head}") };
    let data = &bytes[10 + head_len..];
    let values: Vec<f32> =
        data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    anyhow::ensure!(values.len() == rows * columns, "{} values: {head}", values.len());
    if head.contains("'fortran_order': False") {
        return Ok((rows, columns, values));
    }
    // Stored column by column.
    let by_row = (0..rows * columns).map(|i| values[i % columns * rows + i / columns]);
    Ok((rows, columns, by_row.collect()))
}
