//! `spyhop detect`.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::ffi::OsStr;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use spyhop_signal::formats::wav_writer::{WavCoding, WavWriter};
use spyhop_tests::{program, sounds};
use tempfile::TempDir;

use crate::{run, said};

const RATE: u32 = 48_000;

/// Noise with whistles that rise from 6 to 14 kHz, at so many seconds.
fn sea(seconds: f64, whistles_s: &[f64]) -> Vec<i16> {
    let whistles = sounds::tone(seconds, RATE, |t| {
        let begun = whistles_s.iter().map(|start| t - start).find(|t| (0.0..0.6).contains(t));
        begun.map_or(0.0, |t| {
            let edge = (t.min(0.6 - t) * 12.0).min(1.0);
            0.03 * edge * (TAU * (6000.0 * t + 8000.0 / 1.2 * t * t)).sin()
        })
    });
    sounds::mixed(&sounds::noise(0.006, seconds, RATE), &whistles)
}

/// A recorder with a file of 20 s in each half hour of a day, and a whistle in the middle of each.
fn day(folder: &Path) -> anyhow::Result<()> {
    let sound = sea(20.0, &[9.5]);
    for half_hour in 0..48 {
        let name = format!("x_20210601_{:02}{:02}00.wav", half_hour / 2, half_hour % 2 * 30);
        sounds::write_wav(folder, &name, &sound, RATE)?;
    }
    Ok(())
}

fn args<'a>(place: &'a Path, state: &'a Path, rest: &'a str) -> Vec<&'a OsStr> {
    let fixed = ["detect".as_ref(), place.as_os_str(), "--state".as_ref(), state.as_os_str()];
    fixed.into_iter().chain(rest.split_whitespace().map(OsStr::new)).collect()
}

fn detect(place: &Path, state: &Path, rest: &str) -> anyhow::Result<Output> {
    program::run(args(place, state, rest))
}

/// Files that units left, with when they were made.
fn unit_files(state: &Path) -> anyhow::Result<BTreeMap<PathBuf, SystemTime>> {
    let mut all = BTreeMap::new();
    let Ok(folders) = fs::read_dir(state.join("detections")) else { return Ok(all) };
    for folder in folders {
        for file in fs::read_dir(folder?.path())? {
            let file = file?;
            if file.path().extension() == Some(OsStr::new("parquet")) {
                all.insert(file.path(), file.metadata()?.modified()?);
            }
        }
    }
    Ok(all)
}

#[test]
fn a_detection_that_is_killed_goes_on_and_gives_each_call_once() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let recorder = folder.path().join("recorder");
    day(&recorder)?;
    let (state, alone) = (folder.path().join("state"), folder.path().join("alone"));
    let table = |name: &str| folder.path().join(name);
    let rest = |out: &Path| format!("--detector whistle --out {}", out.display());

    let whole = detect(&recorder, &alone, &rest(&table("whole.csv")))?;
    assert!(whole.status.success(), "{}", said(&whole));
    let whole = fs::read_to_string(table("whole.csv"))?;
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(lines.len(), 49, "{whole}");
    assert!(lines[1].contains("2021-06-01T00:00:09.") && lines[1].contains(",whistle,"));

    let killed = rest(&table("killed.csv"));
    let mut child = Command::new(program::path()?)
        .args(args(&recorder, &state, &killed))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let before = loop {
        anyhow::ensure!(child.try_wait()?.is_none(), "it was done before it could be killed");
        if unit_files(&state)?.len() > 6 {
            child.kill()?;
            child.wait()?;
            break unit_files(&state)?;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    assert!(before.len() < 96 && !table("killed.csv").exists(), "{}", before.len());
    let again = detect(&recorder, &state, &killed)?;
    assert!(again.status.success(), "{}", said(&again));
    assert_eq!(fs::read_to_string(table("killed.csv"))?, whole);
    let after = unit_files(&state)?;
    assert_eq!(after.len(), 96, "two of each unit");
    // The last may have had only one of its two files.
    let kept = before.iter().filter(|(path, made)| after.get(*path) == Some(made)).count();
    assert!(kept + 2 >= before.len(), "{kept} of {}", before.len());
    Ok(())
}

#[test]
fn tables_come_as_parquet_as_csv_and_for_raven() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let recorder = folder.path().join("recorder");
    sounds::write_wav(&recorder, "x_20210601_120000.wav", &sea(20.0, &[3.0, 12.0]), RATE)?;
    sounds::write_wav(&recorder, "x_20210601_121000.wav", &sea(20.0, &[5.0]), RATE)?;
    let state = folder.path().join("state");
    let written = |name: &str, rest: &str| -> anyhow::Result<(Vec<u8>, Value)> {
        let out = folder.path().join(name);
        let rest = format!("--detector whistle --json --out {} {rest}", out.display());
        let output = detect(&recorder, &state, &rest)?;
        anyhow::ensure!(output.status.success(), "{}", said(&output));
        Ok((fs::read(out)?, serde_json::from_slice(&output.stdout)?))
    };
    let (parquet, told) = written("x.parquet", "")?;
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    assert_eq!((&told["written"], &told["source"]["name"]), (&3.into(), &"whistle".into()));
    assert_eq!(told["source"]["config_hash"].as_str().map(str::len), Some(32), "{told}");
    let (csv, _) = written("x.csv", "")?;
    let csv = String::from_utf8(csv)?;
    assert!(csv.lines().nth(3).is_some_and(|l| l.contains("x_20210601_121000.wav,5.0")), "{csv}");
    let (raven, _) = written("x.txt", "")?;
    let raven = String::from_utf8(raven)?;
    let mut rows = raven.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let header = rows.next().unwrap_or_default();
    let column = |name: &str| header.iter().position(|c| *c == name).unwrap_or_default();
    for name in ["Selection", "Begin Time (s)", "High Freq (Hz)", "Score", "Configuration"] {
        assert!(header.contains(&name), "{raven}");
    }
    let begins: Vec<f64> =
        rows.filter_map(|row| row.get(column("Begin Time (s)"))?.parse().ok()).collect();
    // Raven strings files together: the second begins at its 20th second.
    for (begin, put) in begins.iter().zip([3.0, 12.0, 25.0]) {
        assert!((begin - put).abs() < 0.1, "{begins:?}");
    }
    let (_, all) = written("all.csv", "--all")?;
    assert!(all["written"].as_u64() >= Some(3) && all["written"] == all["candidates"], "{all}");

    // A file by itself is told of as the same file in its folder.
    let out = folder.path().join("alone.csv");
    let file = recorder.join("x_20210601_121000.wav");
    let alone = detect(&file, &state, &format!("--detector whistle --out {}", out.display()))?;
    assert!(alone.status.success(), "{}", said(&alone));
    let alone = fs::read_to_string(out)?;
    assert_eq!(alone.lines().nth(1), csv.lines().nth(3));
    Ok(())
}

#[test]
fn what_fits_a_recording_is_listed_with_the_reasons() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let state = folder.path().join("state");
    let slow = sounds::write_wav(folder.path(), "a.wav", &sounds::noise(0.1, 1.0, 2000), 2000)?;
    let fast = sounds::noise(0.1, 1.0, 192_000);
    let fast = sounds::write_wav(folder.path(), "b.wav", &fast, 192_000)?;
    let listed = |file: &Path| -> anyhow::Result<BTreeMap<String, (String, String)>> {
        let output = detect(file, &state, "--list --json")?;
        anyhow::ensure!(output.status.success(), "{}", said(&output));
        let list: Value = serde_json::from_slice(&output.stdout)?;
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let all = list["detectors"].as_array().into_iter().flatten();
        Ok(all.map(|d| (word(&d["id"]), (word(&d["chance"]), word(&d["sentence"])))).collect())
    };
    let (slow_list, fast_list) = (listed(&slow)?, listed(&fast)?);
    assert_eq!((&*slow_list["upcall"].0, &*slow_list["click"].0), ("likely", "none"));
    let why = &slow_list["click"].1;
    assert!(why.contains("this recording has 2 kHz, which holds nothing above 1 kHz"), "{why}");
    assert_eq!((&*fast_list["upcall"].0, &*fast_list["click"].0), ("possible", "likely"));
    let words = detect(&slow, &state, "--list")?;
    let words = String::from_utf8(words.stdout)?;
    assert!(words.contains("upcall") && words.lines().count() > slow_list.len() + 2, "{words}");
    let network = |words: &str| -> Option<String> {
        words.lines().find(|line| line.trim_start().starts_with("upcall-small")).map(str::to_owned)
    };
    let told = network(&words).unwrap_or_default();
    assert!(told.contains("likely    hears upcall from 30 Hz to 400 Hz"), "{words}");
    let slower = sounds::write_wav(folder.path(), "c.wav", &sounds::noise(0.1, 1.0, 500), 500)?;
    let words = String::from_utf8(detect(&slower, &state, "--list")?.stdout)?;
    let told = network(&words).unwrap_or_default();
    assert!(
        told.contains("no        the network upcall-small listens from 30 to 400 Hz"),
        "{words}"
    );

    // And what is refused is refused by the same sentence.
    let out = folder.path().join("x.csv");
    let refused = detect(&slow, &state, &format!("--detector click --out {}", out.display()))?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains(why) && !out.exists(), "{}", said(&refused));
    Ok(())
}

#[test]
fn settings_are_read_from_a_file_whose_slips_are_named() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let state = folder.path().join("state");
    let file = folder.path().join("a.wav");
    sounds::write_wav(folder.path(), "a.wav", &sea(10.0, &[3.0]), RATE)?;
    let config = folder.path().join("spyhop.yaml");
    let out = folder.path().join("x.csv");
    let rest = format!("--detector whistle --config {} --out {}", config.display(), out.display());
    for (text, code, part) in [
        ("detection: {whistle: {threshhold: 9}}", 1, "did you mean 'threshold'?"),
        ("detection: {whistles: {threshold: 9}}", 1, "did you mean 'whistle'?"),
        ("detection: {whistle: {threshold: high}}", 1, "a number is expected"),
        ("detection: [", 1, "spyhop.yaml"),
        ("detection: {whistle: {keep_from: 60, threshold: 60}}", 0, ""),
    ] {
        fs::write(&config, text)?;
        let output = detect(&file, &state, &rest)?;
        assert_eq!(output.status.code(), Some(code), "{text}: {}", said(&output));
        assert!(said(&output).contains(part), "{text}: {}", said(&output));
    }
    assert_eq!(fs::read_to_string(&out)?.lines().count(), 1, "nothing is so loud");

    // All keys with their usual values are what is used without any.
    let usual = program::run(["detect", "--print-config"])?;
    assert!(usual.status.success());
    fs::write(&config, &usual.stdout)?;
    let with = detect(&file, &state, &rest)?;
    assert!(with.status.success(), "{}", said(&with));
    let with = fs::read_to_string(&out)?;
    detect(&file, &state, &format!("--detector whistle --out {}", out.display()))?;
    assert_eq!(fs::read_to_string(&out)?, with);
    Ok(())
}

#[test]
fn samples_that_are_no_numbers_hide_nothing_else() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let sound = sea(20.0, &[3.0, 10.0, 16.0]);
    let mut samples: Vec<f32> = sound.iter().map(|s| f32::from(*s) / 32_768.0).collect();
    // In the middle whistle, and beside it.
    for (i, sample) in samples[480_000..500_000].iter_mut().enumerate() {
        *sample = [f32::NAN, f32::INFINITY, f32::MAX][i % 3];
    }
    let mut wav = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut wav, WavCoding::Float32, 1, RATE, &[])?;
    writer.write(&samples)?;
    writer.finish()?;
    let file = sounds::write(folder.path(), "a.wav", &wav.into_inner())?;
    let out = folder.path().join("x.csv");
    let state = folder.path().join("state");
    let output = detect(&file, &state, &format!("--detector whistle --out {}", out.display()))?;
    assert!(output.status.success(), "{}", said(&output));
    let found = fs::read_to_string(&out)?;
    let starts: Vec<f64> =
        found.lines().skip(1).filter_map(|line| line.split(',').nth(3)?.parse().ok()).collect();
    let near = |at: f64| starts.iter().filter(|start| (*start - at).abs() < 0.1).count();
    assert_eq!((near(3.0), near(16.0)), (1, 1), "{found}");
    Ok(())
}

#[test]
fn what_can_t_be_heard_is_told_and_the_rest_is_heard() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let recorder = folder.path().join("recorder");
    let state = folder.path().join("state");
    sounds::write_wav(&recorder, "x_20210601_120000.wav", &sea(10.0, &[3.0]), RATE)?;
    sounds::write(&recorder, "x_20210601_121000.wav", b"\xff\xd8\xff\xe0 a JPEG")?;
    let out = folder.path().join("x.csv");
    let rest = format!("--detector whistle --out {}", out.display());
    let output = detect(&recorder, &state, &rest)?;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("JPEG"), "{}", said(&output));
    assert_eq!(fs::read_to_string(&out)?.lines().count(), 2);

    for (rest, code, part) in [
        ("--detector wistle --out x.csv", 1, "did you mean 'whistle'?"),
        ("--detector whistle --out x.xml", 2, ".parquet, .csv or .txt"),
        ("--detector whistle --channel 4 --out x.csv", 1, "channel"),
        ("--out x.csv", 2, "--detector"),
        ("--adapter a --detector whistle --out x.csv", 1, "goes with a model"),
        ("--model nowhere --out x.csv", 1, "nowhere"),
    ] {
        let output = detect(&recorder, &state, rest)?;
        assert_eq!(output.status.code(), Some(code), "{rest}: {}", said(&output));
        assert!(said(&output).contains(part), "{rest}: {}", said(&output));
    }
    let missing = run("detect", &folder.path().join("nowhere"), "--list")?;
    assert_eq!(missing.status.code(), Some(1));
    Ok(())
}
