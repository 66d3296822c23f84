//! `spyhop transcribe`.

use std::fs;

use serde_json::Value;
use spyhop_tests::sounds;
use tempfile::TempDir;

use crate::{out_to, said, written};

const RAVEN: &str = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation\n\
    1\tSpectrogram 1\t1\t2\t2.5\t100\t200\tupcall\n\
    2\tSpectrogram 1\t1\t3\t3.5\t100\t200\tupcall\n\
    3\tSpectrogram 1\t1\t61.25\t62\t100\t200\tmoan\n";

#[test]
fn the_table_beside_a_recording_becomes_captions_and_notes() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let silence = vec![0; 2000 * 70];
    let file = sounds::write_wav(folder.path(), "sea_20130329_235930.wav", &silence, 2000)?;
    sounds::write(folder.path(), "sea_20130329_235930.Table.1.selections.txt", RAVEN.as_bytes())?;
    let out = |name: &str| folder.path().join(name);

    let told = written("transcribe", &file, "--json", &out("sea.vtt"))?;
    let told: Value = serde_json::from_slice(&told.stdout)?;
    assert_eq!((&told["sounds"], &told["lines"][0]["count"]), (&3.into(), &2.into()), "{told}");
    let cues = "WEBVTT\n\n00:00:02.000 --> 00:00:03.500\nupcall × 2\n\n\
                00:01:01.250 --> 00:01:02.250\nmoan\n";
    assert_eq!(fs::read_to_string(out("sea.vtt"))?, cues);

    written("transcribe", &file, "--join-s 0", &out("sea.srt"))?;
    let cues = fs::read_to_string(out("sea.srt"))?;
    assert!(cues.starts_with("1\n00:00:02,000 --> 00:00:03,000\nupcall\n\n2\n"), "{cues}");

    written("transcribe", &file, "--mark-every-min 1", &out("sea.md"))?;
    let notes = fs::read_to_string(out("sea.md"))?;
    // The second minute of the recording begins half a minute after midnight.
    let expected =
        "## 23:59:30\n\n- 23:59:32 upcall × 2 (1.5 s)\n\n## 00:00:30\n\n- 00:00:31 moan (0.8 s)\n";
    assert!(notes.ends_with(expected), "{notes}");
    Ok(())
}

#[test]
fn what_a_detector_finds_is_told_where_it_is() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    // Pulses of 20 ms at 20 kHz, five a second, in two stretches.
    let rate = 96_000;
    let sound = sounds::tone(40.0, rate, |t| {
        let stretch = (5.0..10.0).contains(&t) || (25.0..30.0).contains(&t);
        let pulse = (t * 5.0).fract() < 0.000_2;
        if stretch && pulse { 0.5 * (std::f64::consts::TAU * 30_000.0 * t).sin() } else { 0.0 }
    });
    let sound = sounds::mixed(&sound, &sounds::noise(0.003, 40.0, rate));
    let file = sounds::write_wav(folder.path(), "clicks.wav", &sound, rate)?;
    let state = folder.path().join("state");
    let out = folder.path().join("clicks.vtt");
    let rest = format!("--detector click --json --state {}", state.display());
    let output = out_to("transcribe", &file, &rest, &out)?;
    anyhow::ensure!(output.status.success(), "{}", said(&output));
    let told: Value = serde_json::from_slice(&output.stdout)?;
    let starts: Vec<f64> = told["lines"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|l| l["start_s"].as_f64())
        .collect();
    let near = |s: f64| starts.iter().any(|start| (start - s).abs() < 0.5);
    assert!(near(5.0) && near(25.0), "{told}");
    Ok(())
}

#[test]
fn without_a_table_it_says_what_would_help() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let file = sounds::write_wav(folder.path(), "sea.wav", &[0; 8000], 2000)?;
    let output = out_to("transcribe", &file, "", &folder.path().join("sea.md"))?;
    let message = said(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains("--labels") && message.contains("--detector"), "{message}");

    let output = out_to("transcribe", &file, "", &folder.path().join("sea.pdf"))?;
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains(".vtt, .srt or .md"), "{}", said(&output));
    Ok(())
}
