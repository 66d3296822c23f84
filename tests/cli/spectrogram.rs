//! `spyhop spectrogram`. That its numbers are scipy's is tested where they are made, and with scipy
//! itself in `tests/python`.

use std::path::Path;

use serde_json::Value;
use spyhop_signal::formats::wav_writer::wav_pcm16;
use spyhop_tests::sounds;
use tempfile::TempDir;

use crate::{damaged_flac, out_to, said, written};

/// All texts of a figure.
fn texts(svg: &str) -> Vec<String> {
    let parts = svg.split("<text").skip(1);
    let inside = parts.filter_map(|part| part.split_once('>')?.1.split_once("</text>"));
    inside.map(|(text, _)| text.to_owned()).collect()
}

fn figure(file: &Path, rest: &str) -> anyhow::Result<String> {
    let out = file.with_extension("svg");
    written("spectrogram", file, rest, &out)?;
    Ok(std::fs::read_to_string(out)?)
}

/// The levels beside a figure's colour bar: the labels between the time axis's title and the unit.
fn levels_db(svg: &str) -> Vec<f64> {
    let texts = texts(svg).into_iter().skip_while(|text| !text.starts_with("Time ")).skip(1);
    texts.map_while(|text| text.replace('−', "-").parse().ok()).collect()
}

#[test]
fn a_sine_has_its_power_in_each_scaling() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let tone = sounds::sine(1000.0, 0.5, 1.0, 8000);
    let file = sounds::write_wav(folder.path(), "tone.wav", &tone, 8000)?;
    let out = folder.path().join("power.npy");
    // A sine of amplitude 0.5 on bin 32 has a power of 0.125; Hann spreads it over 1.5 bins.
    for (scaling, level) in [("spectrum", 0.125), ("density", 0.125 / (1.5 * 8000.0 / 256.0))] {
        let rest = format!("--nfft 256 --hop 128 --scaling {scaling} --json");
        let output = written("spectrogram", &file, &rest, &out)?;
        let (bins, frames, power) = sounds::read_npy(&out)?;
        assert_eq!((bins, frames), (129, (8000 - 256) / 128 + 1));
        let peak = power[32 * frames + frames / 2];
        assert!((peak / level - 1.0).abs() < 0.001, "{scaling}: {peak}");
        assert!(power[60 * frames + 5] < 1e-7, "bins are rows");
        let told: Value = serde_json::from_slice(&output.stdout)?;
        assert_eq!(told["shape"], serde_json::json!([bins, frames]));
        assert_eq!(told["bin_hz"], 31.25);
    }
    Ok(())
}

#[test]
fn zeros_around_the_window_make_more_bins_of_the_same_frames() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let noise = sounds::noise(0.3, 0.5, 8000);
    let file = sounds::write_wav(folder.path(), "noise.wav", &noise, 8000)?;
    let out = folder.path().join("power.npy");
    for window in ["hann", "hamming", "blackman", "blackmanharris", "kaiser8.6", "boxcar"] {
        let rest = format!("--window {window} --window-samples 100 --hop 30");
        written("spectrogram", &file, &format!("{rest} --nfft 100"), &out)?;
        let (bins, frames, short) = sounds::read_npy(&out)?;
        written("spectrogram", &file, &format!("{rest} --nfft 400"), &out)?;
        let (more_bins, same_frames, long) = sounds::read_npy(&out)?;
        assert_eq!((bins, more_bins, same_frames), (51, 201, frames));
        let largest = short.iter().fold(0.0f32, |m, v| m.max(*v));
        for (i, value) in short.iter().enumerate() {
            let other = long[4 * (i / frames) * frames + i % frames];
            assert!((value - other).abs() < 1e-5 * largest, "{window}: {value} and {other}");
        }
    }
    Ok(())
}

#[test]
fn a_figure_has_axes_units_clock_time_and_a_colour_bar() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let tone = sounds::sine(1000.0, 0.5, 10.0, 12_000);
    let stereo: Vec<i16> = tone.iter().flat_map(|s| [*s, 0]).collect();
    let name = "buoy_20240601_120000.wav";
    let file = sounds::write(folder.path(), name, &wav_pcm16(&stereo, 2, 12_000))?;
    let texts = texts(&figure(&file, "")?);
    for text in [
        name,
        "Frequency (kHz)",
        "Time (UTC, assumed)",
        "2024-06-01",
        "12:00:05",
        "dB re FS²/Hz",
        "sampled at 12 kHz · hann window of 1024 samples (85.3 ms) · FFT 1024 (Δf 11.7 Hz) · 50 % \
         overlap · channel 0 (from 0) of 2",
    ] {
        assert!(texts.iter().any(|t| t == text), "{text} in {texts:?}");
    }

    let out = folder.path().join("tone.png");
    written("spectrogram", &file, "--size 600 300 --ratio 1.5", &out)?;
    let png = std::fs::read(&out)?;
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    let size = |at: usize| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]);
    assert_eq!((size(16), size(20)), (900, 450));
    Ok(())
}

#[test]
fn a_start_time_that_is_not_sure_is_said_to_be_so() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let tone = sounds::sine(5000.0, 0.1, 0.1, 192_000);
    let start = "2017-06-12T06:38:38Z";
    let file = sounds::write_ears(folder.path(), "71621DC7.190", &tone, start)?;
    let ears = texts(&figure(&file, "")?);
    assert!(ears.iter().any(|t| t.ends_with("start ±1 d")), "{ears:?}");

    let file = sounds::write_wav(folder.path(), "X_EST_20090329_121500.wav", &tone, 8000)?;
    let named = texts(&figure(&file, "")?);
    let title = "Time (UTC, token EST, not applied)";
    assert!(named.iter().any(|t| t == title), "{named:?}");
    Ok(())
}

#[test]
fn a_calibrated_folder_shows_levels_of_pressure() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let noise = sounds::noise(0.1, 1.0, 8000);
    let file = sounds::write_wav(folder.path(), "a.wav", &noise, 8000)?;
    let plain = figure(&file, "")?;
    let toml = b"[calibration]\nkind = 'upa_per_fullscale'\ndb = 172.0\n";
    sounds::write(folder.path(), "deployment.toml", toml)?;
    let calibrated = figure(&file, "")?;
    let unit = "dB re 1 µPa²/Hz";
    assert!(texts(&calibrated).iter().any(|t| t == unit), "{:?}", texts(&calibrated));
    assert!(texts(&plain).iter().any(|t| t == "dB re FS²/Hz"));
    // Labels stand at multiples of 5 dB: the first one within that above the floor.
    let (before, after) = (levels_db(&plain), levels_db(&calibrated));
    let higher = after[0] - before[0];
    assert!((higher - 172.0).abs() <= 5.0, "{before:?} and {after:?}");
    assert_eq!(levels_db(&figure(&file, "--db 60 100")?).first(), Some(&60.0));
    let flat = texts(&figure(&file, "--flatten")?);
    assert!(flat.iter().any(|t| t.starts_with("dB above")), "{flat:?}");

    let out = folder.path().join("a.npy");
    let output = written("spectrogram", &file, "--json", &out)?;
    let told: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!((&told["unit"], &told["calibration_db"]), (&"FS^2/Hz".into(), &172.0.into()));
    let (_, _, power) = sounds::read_npy(&out)?;
    assert!(power.iter().all(|p| *p < 1.0), "numbers stay those of scipy");
    Ok(())
}

#[test]
fn a_click_is_transformed_by_a_window_that_it_holds() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let file = sounds::write_wav(folder.path(), "click.wav", &[100; 193], 500_000)?;
    let out = folder.path().join("click.npy");
    written("spectrogram", &file, "", &out)?;
    assert_eq!(sounds::read_npy(&out)?.0, 17, "32 points");
    let output = out_to("spectrogram", &file, "--nfft 1024", &out)?;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("193 samples, fewer than the window's 1024"),
        "{}",
        said(&output)
    );
    Ok(())
}

#[test]
fn damage_in_a_recording_reaches_the_code_of_numbers_and_figures() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let file = damaged_flac(folder.path())?;
    for out in ["x.npy", "x.svg"] {
        let out = folder.path().join(out);
        let output = out_to("spectrogram", &file, "", &out)?;
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        assert!(said(&output).contains("damaged.flac: frames ") && out.is_file());
    }
    Ok(())
}
