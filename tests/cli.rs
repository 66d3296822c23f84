//! The command line: what it prints, what it writes, and how it says no.

use std::process::Output;

use serde_json::Value;
use spyhop_tests::{program, sounds};
use tempfile::TempDir;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> anyhow::Result<Value> {
    anyhow::ensure!(output.status.success(), "{}", said(output));
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[test]
fn info_gives_one_object_for_one_file_and_an_array_for_several() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let tone = sounds::sine(440.0, 0.5, 1.5, 8000);
    let file = sounds::write_wav(folder.path(), "buoy_20240601_120000.wav", &tone, 8000)?;
    let one = json(&program::run(["info".as_ref(), file.as_os_str(), "--json".as_ref()])?)?;
    assert_eq!(one["format"], "wav");
    assert_eq!(one["codec"], "pcm_s16le");
    assert_eq!((one["frames"].as_u64(), one["channels"].as_u64()), (Some(12_000), Some(1)));
    assert_eq!(one["duration_s"], 1.5);
    assert_eq!(one["start"], "2024-06-01T12:00:00.000000000Z");
    assert_eq!(one["start_source"], "file_name");
    assert_eq!(one["segments"][0]["frames"], 12_000);
    for key in ["start_zone", "start_uncertainty_s", "metadata", "warnings", "bits_per_sample"] {
        assert!(one.get(key).is_some(), "{key}");
    }
    let args = ["info".as_ref(), file.as_os_str(), file.as_os_str(), "--json".as_ref()];
    assert_eq!(json(&program::run(args)?)?.as_array().map(Vec::len), Some(2));
    Ok(())
}

#[test]
fn an_ears_file_keeps_its_clock_to_the_nanosecond() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let tone = sounds::sine(5000.0, 0.1, 0.1, 192_000);
    // A test vector of the format: 0000000000001e7e8dcde187 under the default convention.
    let start = "2017-06-12T06:38:38.348218750Z";
    let file = sounds::write_ears(folder.path(), "71621DC7.190", &tone, start)?;
    let info = json(&program::run(["info".as_ref(), file.as_os_str(), "--json".as_ref()])?)?;
    assert_eq!(info["format"], "ears");
    assert_eq!(info["sample_rate_hz"], 192_000.0);
    assert_eq!(info["start"], start);
    assert_eq!(info["start_uncertainty_s"], 86_400.0);
    Ok(())
}

#[test]
fn decode_writes_the_samples_of_a_range() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let samples: Vec<i16> = (0..1000).map(|i| i * 7 - 3500).collect();
    let file = sounds::write_wav(folder.path(), "ramp.wav", &samples, 8000)?;
    let out = folder.path().join("ramp.npy");
    let args = ["--from", "100", "--frames", "50", "--out"];
    let mut command = vec!["decode".into(), file.clone().into_os_string()];
    command.extend(args.map(Into::into));
    command.push(out.clone().into_os_string());
    let output = program::run(command)?;
    assert!(output.status.success(), "{}", said(&output));
    let (frames, channels, values) = sounds::read_npy(&out)?;
    assert_eq!((frames, channels), (50, 1));
    let expected: Vec<f32> = samples[100..150].iter().map(|s| f32::from(*s) / 32768.0).collect();
    assert_eq!(values, expected, "bit for bit");

    let again = folder.path().join("again.wav");
    let output =
        program::run(["decode".as_ref(), file.as_os_str(), "--out".as_ref(), again.as_os_str()])?;
    assert!(output.status.success(), "{}", said(&output));
    let info = json(&program::run(["info".as_ref(), again.as_os_str(), "--json".as_ref()])?)?;
    assert_eq!((info["codec"].as_str(), info["frames"].as_u64()), (Some("pcm_f32le"), Some(1000)));
    Ok(())
}

#[test]
fn spectrogram_writes_power_and_figures() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let tone = sounds::sine(1000.0, 0.5, 1.0, 8000);
    let file = sounds::write_wav(folder.path(), "tone.wav", &tone, 8000)?;
    let out = folder.path().join("power.npy");
    let args = [
        "spectrogram".as_ref(),
        file.as_os_str(),
        "--nfft".as_ref(),
        "256".as_ref(),
        "--hop".as_ref(),
        "128".as_ref(),
        "--scaling".as_ref(),
        "spectrum".as_ref(),
        "--out".as_ref(),
        out.as_os_str(),
    ];
    let output = program::run(args)?;
    assert!(output.status.success(), "{}", said(&output));
    let (bins, frames, power) = sounds::read_npy(&out)?;
    assert_eq!((bins, frames), (129, (8000 - 256) / 128 + 1));
    // A sine of amplitude 0.5 on bin 32 has a power of 0.125.
    let peak = power[32 * frames + frames / 2];
    assert!((peak - 0.125).abs() < 0.001, "{peak}");

    let picture = folder.path().join("tone.png");
    let output = program::run([
        "spectrogram".as_ref(),
        file.as_os_str(),
        "--out".as_ref(),
        picture.as_os_str(),
    ])?;
    assert!(output.status.success(), "{}", said(&output));
    assert!(std::fs::read(&picture)?.starts_with(b"\x89PNG"));
    Ok(())
}

#[test]
fn a_refusal_names_the_file_and_the_code_tells_kinds_apart() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let jpeg = sounds::write(folder.path(), "holiday.wav", b"\xff\xd8\xff\xe0 and so on")?;
    let good = sounds::write_wav(folder.path(), "good.wav", &[0; 100], 8000)?;
    let output = program::run(["info".as_ref(), jpeg.as_os_str()])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("holiday.wav") && said(&output).contains("JPEG"),
        "{}",
        said(&output)
    );

    // One bad file stops nothing, and still is an error.
    let args = ["info".as_ref(), jpeg.as_os_str(), good.as_os_str(), "--json".as_ref()];
    let output = program::run(args)?;
    assert_eq!(output.status.code(), Some(1));
    let both: Value = serde_json::from_slice(&output.stdout)?;
    assert!(both[0]["error"].is_string() && both[1]["frames"] == 100, "{both}");

    let output = program::run(["decode", "/nowhere/at/all.wav", "--out", "x.npy"])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("/nowhere/at/all.wav"), "{}", said(&output));

    let output = program::run([
        "spectrogram".as_ref(),
        good.as_os_str(),
        "--out".as_ref(),
        "x.txt".as_ref(),
    ])?;
    assert!(!output.status.success());
    assert!(said(&output).contains(".png"), "{}", said(&output));

    assert_eq!(program::run(["sing"])?.status.code(), Some(2), "a command that is not there");
    Ok(())
}

#[test]
fn help_teaches_each_command() -> anyhow::Result<()> {
    let all = program::run(["--help"])?;
    let text = String::from_utf8_lossy(&all.stdout).into_owned();
    for command in ["serve", "demo", "info", "decode", "spectrogram"] {
        assert!(text.contains(command), "{command}");
        let help = program::run([command, "--help"])?;
        let text = String::from_utf8_lossy(&help.stdout).into_owned();
        assert!(help.status.success() && text.contains(&format!("spyhop {command}")), "{text}");
    }
    Ok(())
}
