//! `spyhop info`.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use spyhop_tests::{program, sounds};
use tempfile::TempDir;

use crate::{fixture, info, run, said};

#[test]
fn info_gives_one_object_for_one_file_and_an_array_for_several() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let tone = sounds::sine(440.0, 0.5, 1.5, 8000);
    let file = sounds::write_wav(folder.path(), "buoy_20240601_120000.wav", &tone, 8000)?;
    let one = info(&file)?;
    let expected = json!({
        "format": "wav",
        "codec": "pcm_s16le",
        "sample_rate_hz": 8000.0,
        "channels": 1,
        "bits_per_sample": 16,
        "frames": 12_000,
        "duration_s": 1.5,
        "start": "2024-06-01T12:00:00.000000000Z",
        "start_source": "file_name",
        "start_zone": "assumed UTC",
        "start_uncertainty_s": 1.0,
        "segments": [
            { "start": "2024-06-01T12:00:00.000000000Z", "first_frame": 0, "frames": 12_000 },
        ],
        "metadata": {},
        "warnings": [],
    });
    for (key, value) in expected.as_object().into_iter().flatten() {
        assert_eq!(&one[key], value, "{key}");
    }
    let args = ["info".as_ref(), file.as_os_str(), file.as_os_str(), "--json".as_ref()];
    let two: Value = serde_json::from_slice(&program::run(args)?.stdout)?;
    assert_eq!(two, json!([one, one]));
    Ok(())
}

#[test]
fn a_recording_without_a_date_has_null_for_its_start() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let file = sounds::write_wav(folder.path(), "whale.wav", &[0; 80], 8000)?;
    let undated = info(&file)?;
    assert_eq!((&undated["start"], &undated["start_source"]), (&Value::Null, &json!("none")));
    assert_eq!(undated["segments"][0]["start"], Value::Null);

    let told = run("info", &file, "--json --start 2009-03-29T12:15:00.25Z")?;
    let told: Value = serde_json::from_slice(&told.stdout)?;
    assert_eq!(told["start"], "2009-03-29T12:15:00.250000000Z", "a person's word");
    assert_eq!(told["start_source"], "override");
    Ok(())
}

#[test]
fn an_ears_file_keeps_its_clock_to_the_nanosecond() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let tone = sounds::sine(5000.0, 0.1, 0.1, 192_000);
    // A test vector of the format: 0000000000001e7e8dcde187 under the default convention.
    let start = "2017-06-12T06:38:38.348218750Z";
    let file = sounds::write_ears(folder.path(), "71621DC7.190", &tone, start)?;
    let ears = info(&file)?;
    assert_eq!(ears["format"], "ears");
    assert_eq!(ears["sample_rate_hz"], 192_000.0);
    assert_eq!(ears["start"], start);
    assert_eq!(ears["start_uncertainty_s"], 86_400.0);

    let other = run("info", &file, "--json --ears-convention readEARS")?;
    let other: Value = serde_json::from_slice(&other.stdout)?;
    assert_eq!(other["start"], "2015-10-13T03:28:37.132218750Z");
    Ok(())
}

#[test]
fn a_deployment_toml_says_how_its_folder_is_read() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let file = sounds::write_wav(folder.path(), "a_20240601_120000.wav", &[0; 80], 8000)?;
    sounds::write(folder.path(), "deployment.toml", b"zone_offset_s = -18000\n")?;
    assert_eq!(info(&file)?["start"], "2024-06-01T17:00:00.000000000Z");
    let nearer = run("info", &file, "--json --zone=+01:00")?;
    let nearer: Value = serde_json::from_slice(&nearer.stdout)?;
    assert_eq!(nearer["start"], "2024-06-01T11:00:00.000000000Z", "the command line goes first");

    sounds::write(folder.path(), "deployment.toml", b"zone_ofset_s = -18000\n")?;
    let output = run("info", &file, "--json")?;
    assert!(output.status.success(), "a misspelt key stops nothing");
    assert!(said(&output).contains("did you mean 'zone_offset_s'?"), "{}", said(&output));
    Ok(())
}

#[test]
fn one_bad_file_stops_nothing_and_still_is_an_error() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let bad = sounds::write(folder.path(), "holiday.wav", b"\xff\xd8\xff\xe0 and so on")?;
    let good = sounds::write_wav(folder.path(), "good.wav", &[0; 100], 8000)?;
    let args = ["info".as_ref(), bad.as_os_str(), good.as_os_str(), "--json".as_ref()];
    let output = program::run(args)?;
    assert_eq!(output.status.code(), Some(1));
    let both: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(both[0]["name"], "holiday.wav");
    assert!(both[0]["error"].as_str().is_some_and(|e| e.contains("JPEG")), "{both}");
    assert_eq!(both[1]["frames"], 100);
    Ok(())
}

#[test]
fn a_folder_is_told_as_a_deployment_with_its_gaps() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let night = folder.path().join("night");
    let tone = sounds::sine(440.0, 0.5, 10.0, 8000);
    sounds::write_wav(&night, "x_20240601_120110.wav", &tone, 8000)?;
    sounds::write_wav(&night, "x_20240601_120000.wav", &tone, 8000)?;
    // It begins before the one before it ends, and another one has another rate.
    sounds::write_wav(&night, "x_20240601_120115.wav", &tone, 8000)?;
    sounds::write_wav(&night, "y_20240601_130000.wav", &tone[..4000], 4000)?;
    sounds::write_wav(&night, "undated.wav", &tone, 8000)?;
    sounds::write(&night, "bad.wav", b"no recording")?;
    sounds::write(&night, "deployment.toml", b"name = 'Night watch'")?;
    let told = info(folder.path())?;
    assert_eq!((&told["id"], &told["name"]), (&json!("night"), &json!("Night watch")));
    assert_eq!(told["recordings"], 5);
    let line = &told["lines"][0];
    assert_eq!((&line["recorded_s"], &line["duration_s"]), (&json!(25.0), &json!(85.0)));
    assert_eq!(line["runs"].as_array().map(Vec::len), Some(3));
    let gap = json!([{
        "start": "2024-06-01T12:00:10.000000000Z",
        "from_s": 10.0,
        "duration_s": 60.0,
        "after": "x_20240601_120000.wav",
    }]);
    assert_eq!(line["gaps"], gap);
    assert_eq!(told["lines"][1]["sample_rate_hz"], 4000.0, "another rate is another line");
    assert_eq!(told["left_out"][0]["name"], "undated.wav");
    assert_eq!(told["failures"][0]["name"], "bad.wav");

    let output = run("info", folder.path(), "")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("Night watch") && text.contains("1 min 0 s after x_20240601_120000.wav"),
        "{text}"
    );

    let empty = TempDir::new()?;
    let output = run("info", empty.path(), "--json")?;
    assert_eq!(output.status.code(), Some(1));
    Ok(())
}

#[test]
fn the_hydrophones_deployment_shows_its_gap() -> anyhow::Result<()> {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/hydrophone");
    if !folder.is_dir() {
        eprintln!("skipped: the real recordings are not at {}", folder.display());
        return Ok(());
    }
    let told = info(&folder)?;
    let gaps = &told["lines"][0]["gaps"];
    assert_eq!(gaps.as_array().map(Vec::len), Some(1), "{told}");
    let gap_s = gaps[0]["duration_s"].as_f64().unwrap_or_default();
    assert!((gap_s - 60.0).abs() < 1.0, "{gaps}");
    Ok(())
}

/// `spyhop info … | head` is what people type; the end of the pipe is no accident.
#[test]
fn a_reader_that_has_had_enough_is_no_accident() -> anyhow::Result<()> {
    let file = fixture("s16.wav");
    for command in ["info --json", "info", "decode --json --out"] {
        let mut program = Command::new(program::path()?);
        program.args(command.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped());
        let folder = TempDir::new()?;
        if command.ends_with("--out") {
            program.arg(folder.path().join("x.npy"));
        }
        let mut child = program.arg(&file).spawn()?;
        drop(child.stdout.take());
        let output = child.wait_with_output()?;
        assert!(output.status.success(), "{command}: {}", said(&output));
    }
    Ok(())
}
