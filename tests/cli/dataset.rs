//! `spyhop dataset`: what is told, and what a configuration changes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use spyhop_tests::{program, sounds};
use tempfile::TempDir;

use crate::said;

const RATE: u32 = 2000;
const LOG: &str = "\
Start_DateTime_ISO8601,End_DateTime_ISO8601,Species,Detection_Confidence
2009-03-28T00:00:07.2-05:00,2009-03-28T00:00:08.2-05:00,RIWH,Detected
2009-03-28T00:00:07.2-05:00,2009-03-28T00:00:08.2-05:00,RIWH,Detected
2009-03-28T00:01:31.5-05:00,2009-03-28T00:01:32.5-05:00,RIWH,Possibly_Detected
2009-03-28T00:01:40.5-05:00,2009-03-28T00:01:41.5-05:00,HUWH,Detected
";

fn dataset(folder: &Path, args: &str) -> anyhow::Result<Output> {
    let mut command = Command::new(program::path()?);
    command.arg("dataset").args(args.split_whitespace()).current_dir(folder);
    Ok(command.stdin(Stdio::null()).output()?)
}

fn cut(folder: &Path, args: &str) -> anyhow::Result<Value> {
    let output = dataset(folder, &format!("{args} --out windows.parquet --json"))?;
    anyhow::ensure!(output.status.success(), "{args}: {}", said(&output));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Two minutes of recordings, called as the published ones.
fn sea() -> anyhow::Result<TempDir> {
    let folder = TempDir::new()?;
    let sea = folder.path().join("sea");
    fs::create_dir(&sea)?;
    for minute in 0..2 {
        let name = format!("NOPP6_EST_20090328_000{minute}00_CH10.wav");
        sounds::write_wav(&sea, &name, &sounds::noise(0.1, 60.0, RATE), RATE)?;
    }
    Ok(folder)
}

#[test]
fn the_published_log_gives_the_published_windows_whatever_zone_or_configuration_there_is()
-> anyhow::Result<()> {
    let folder = sea()?;
    let folder = folder.path();
    fs::write(folder.join("sea/SEA_upcall-detection-log.csv"), LOG)?;
    let windows = json!({"Detected": 1, "Possibly_Detected": 1, "Not_Detected": 40 - 2});
    let usual = cut(folder, "dclde2013 sea")?;
    assert_eq!(usual["windows"], windows);
    assert_eq!(usual["told"], json!(["1 rows of the log stood twice and count once"]));
    fs::write(folder.join("other.yaml"), "preprocess: {labels: tables, channel: 0}")?;
    fs::write(folder.join("sea/deployment.toml"), "zone_offset_s = -18000\n")?;
    assert_eq!(cut(folder, "dclde2013 sea --config other.yaml")?, usual);
    Ok(())
}

#[test]
fn recordings_without_a_table_and_those_that_can_t_be_read_are_told() -> anyhow::Result<()> {
    let folder = sea()?;
    let folder = folder.path();
    let table = "Begin Time (s)\tEnd Time (s)\tLabel\n10\t11\tupcall\n";
    fs::write(folder.join("sea/NOPP6_EST_20090328_000000_CH10.txt"), table)?;
    fs::write(folder.join("sea/damaged.wav"), "RIFF")?;
    let output = dataset(folder, "tables sea --out windows.parquet")?;
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("a recording is left out: ") && text.contains("damaged.wav"), "{text}");
    assert!(text.contains("1 of 2 recordings have no table of calls and are left out"), "{text}");
    assert_eq!(cut(folder, "tables sea")?["recordings"], 1);
    Ok(())
}

#[test]
fn levels_are_told_by_class_and_recordings_of_one_time_in_two_parts() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let folder = folder.path();
    let sea = folder.join("sea");
    fs::create_dir(&sea)?;
    for (name, amplitude) in [("north_20210601_000000", 0.1), ("south_20210601_000020", 0.05)] {
        let noise = sounds::noise(amplitude, 60.0, RATE);
        sounds::write_wav(&sea, &format!("{name}.wav"), &noise, RATE)?;
        let table = "Begin Time (s)\tEnd Time (s)\tLabel\n10\t11\tupcall\n";
        fs::write(sea.join(format!("{name}.txt")), table)?;
    }
    let args = "tables sea --set data_loader.train_ratio=0.5 --set data_loader.val_ratio=0.5 \
                --set data_loader.test_ratio=0";
    let told = cut(folder, args)?;
    // Noise of even distribution has an RMS of its amplitude over the root of three: -24.8 and -30.8 dB.
    let levels = &told["levels"]["rms_db_re_fs"];
    for class in ["upcall", "none"] {
        let level = |at: usize| levels[class][at].as_f64().unwrap_or_default();
        assert!((level(0) + 30.8).abs() < 0.5 && (level(2) + 24.8).abs() < 0.5, "{levels}");
    }
    let output = dataset(folder, &format!("{args} --out windows.parquet"))?;
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        words.contains("RMS, dB re FS") && words.contains("    upcall             -3"),
        "{words}"
    );
    let text = said(&output);
    assert!(text.contains("overlap by 40 s by their clocks"), "{text}");
    assert!(
        text.contains("north_20210601_000000.wav (") && text.contains("split_by: day"),
        "{text}"
    );
    Ok(())
}
