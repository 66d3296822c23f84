//! `spyhop dataset` and `spyhop train`, on the demo's right whales.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;
use spyhop_tests::{program, sounds};
use tempfile::TempDir;

use crate::said;

/// Settings of a network that learns something within seconds: 30 filters of 30 to 400 Hz, 1.7 s.
const CONFIG: &str = "
preprocess: {windows_path: windows.parquet, window_s: 1.7, hop_s: 6, label_mapping: {upcall: upcall}}
data_loader: {train_ratio: 0.6, val_ratio: 0.25, test_ratio: 0.15, batch_size: 32, epoch_windows: 768}
model:
  AST_kwargs: {hidden_size: 24, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 48, frequency_stride: 14, time_stride: 12}
  front_end: {rate_hz: 2000, low_hz: 30, high_hz: 400, mels: 30, frame_samples: 256, hop_samples: 64, fft_size: 512}
model_trainer: {num_epochs: 8, lr: 0.004, checkpoint_batches: 4}
";

/// Starts the program in a folder, with a number of threads that is the same for all runs.
fn command(folder: &Path, args: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(program::path()?);
    command.args(args.split_whitespace()).current_dir(folder).stdin(Stdio::null());
    command.env("RAYON_NUM_THREADS", "2");
    // Runs are noted in the data folder of whoever trains.
    command.env("XDG_DATA_HOME", folder.join("data"));
    Ok(command)
}

fn run(folder: &Path, args: &str) -> anyhow::Result<Output> {
    Ok(command(folder, args)?.output()?)
}

fn done(folder: &Path, args: &str) -> anyhow::Result<Value> {
    let output = run(folder, args)?;
    anyhow::ensure!(output.status.success(), "{args}: {}", said(&output));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Values of a metric, in order of steps.
fn metric(run: &Path, name: &str) -> anyhow::Result<Vec<f64>> {
    let text = fs::read_to_string(run.join("metrics.jsonl"))?;
    let rows = text.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>()?;
    Ok(rows
        .iter()
        .filter(|row| row["name"] == name)
        .filter_map(|row| row["value"].as_f64())
        .collect())
}

/// Where a state is, once there is one.
fn wait_for(state: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !state.exists() {
        anyhow::ensure!(
            begun.elapsed() < Duration::from_secs(120),
            "there is no {}",
            state.display()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// How many steps a state has gone.
fn steps(state: &Path) -> anyhow::Result<u64> {
    // Safetensors: the length of the head, then the head in JSON.
    let bytes = fs::read(state)?;
    let (length, rest) = bytes.split_first_chunk().context("a head")?;
    let head = rest.get(..u64::from_le_bytes(*length) as usize).context("a whole head")?;
    let head: Value = serde_json::from_slice(head)?;
    let progress = head["__metadata__"]["progress"].as_str().context("where it is")?;
    let progress: Value = serde_json::from_str(progress)?;
    progress["step"].as_u64().context("steps")
}

#[test]
fn a_network_learns_the_demo_s_upcalls_and_a_killed_run_ends_with_the_same_bits()
-> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let folder = folder.path();
    let output = run(folder, "demo sea --seed 5 --only bank-in-march")?;
    anyhow::ensure!(output.status.success(), "{}", said(&output));
    fs::write(folder.join("train.yaml"), CONFIG)?;
    let cut = done(folder, "dataset tables sea --config train.yaml --out windows.parquet --json")?;
    let windows = &cut["windows"];
    assert!(
        windows["upcall"].as_u64() > Some(150) && windows["none"].as_u64() > Some(1000),
        "{cut}"
    );
    assert_eq!(cut["report"]["leaks"], serde_json::json!([]), "{cut}");
    assert_eq!(cut["recordings"], 16);

    let text = said(&run(folder, "train --config train.yaml --set preprocess.window_s=2")?);
    assert!(text.contains("were cut with preprocess.window_s 1.7"), "{text}");
    let whole = done(folder, "train --config train.yaml --set general.run_name=whole --json")?;
    let losses = metric(&folder.join("runs/whole"), "loss/val")?;
    assert_eq!(losses.len(), 8);
    assert!(losses[7] < 0.75 * losses[0], "the validation loss falls: {losses:?}");
    assert!(whole["val"]["ap"].as_f64() > Some(0.7), "{whole}");

    let parts = "train --config train.yaml --set general.run_name=parts --json";
    let run_folder = folder.join("runs/parts");
    let state = run_folder.join("state.safetensors");
    // In the first of eight epochs of 24 steps, then in a later one.
    let mut reached = 0;
    for until in [1, 30] {
        let mut child =
            command(folder, parts)?.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        wait_for(&state)?;
        let begun = Instant::now();
        loop {
            let steps = steps(&state)?;
            // A run that began anew would end with the same bits, too.
            assert!(steps >= reached, "it went on from step {reached}, and not from {steps}");
            reached = steps;
            if steps >= until {
                break;
            }
            anyhow::ensure!(begun.elapsed() < Duration::from_secs(120), "nothing is trained");
            std::thread::sleep(Duration::from_millis(1));
        }
        // SIGKILL: nothing is tidied up.
        child.kill()?;
        child.wait()?;
        reached = steps(&state)?;
    }
    assert!(!run_folder.join("report.json").exists(), "it was killed midway");
    let resumed = done(folder, parts)?;
    assert_eq!(resumed["val"], whole["val"]);
    for file in ["model/model.safetensors", "state.safetensors", "metrics.jsonl", "split.csv"] {
        let [a, b] =
            ["whole", "parts"].map(|run| fs::read(folder.join("runs").join(run).join(file)));
        assert!(a? == b?, "{file} differs");
    }

    // Both are listed, and compared by what they have not in common.
    let listed = done(folder, "runs --json")?;
    let mut named: Vec<(&str, &str)> = Vec::new();
    for run in listed["runs"].as_array().into_iter().flatten() {
        let word = |key: &str| run[key].as_str().unwrap_or_default();
        named.push((word("name"), word("state")));
        assert_eq!(run["best"]["ap"], whole["val"]["ap"], "{run}");
        assert_eq!(run["trained"], run["parameters"]);
    }
    named.sort_unstable();
    assert_eq!(named, [("parts", "done"), ("whole", "done")]);
    let compared = done(folder, "runs compare whole runs/parts --json")?;
    assert_eq!(compared["runs"][0]["settings"], serde_json::json!({}), "{compared}");
    let shown = done(folder, "runs show parts --json")?;
    assert_eq!(shown["run"]["settings"]["model_trainer.lr"], "0.004", "{shown}");
    let curve = |name: &str| {
        let mut curves = shown["curves"].as_array().into_iter().flatten();
        curves.find(|curve| curve["name"] == name).cloned().unwrap_or_default()
    };
    let last = curve("loss/val")["values"][7].as_f64();
    assert_eq!(last, losses.last().copied(), "{shown}");
    assert!(curve("loss/batch")["steps"].as_array().is_some_and(|steps| steps.len() > 100));
    let words = String::from_utf8_lossy(&run(folder, "runs")?.stdout).into_owned();
    assert!(words.contains("whole") && words.contains("100.0 %"), "{words}");
    let words = said(&run(folder, "runs show nobody")?);
    assert!(words.contains("there is no run 'nobody'"), "{words}");
    let words = String::from_utf8_lossy(&run(folder, "runs send")?.stdout).into_owned();
    assert!(words.contains("nothing that MLflow was not told"), "{words}");

    // What came of it finds calls.
    let recording = "sea/bank-in-march/DEMO_EST_20090329_121500_CH10.wav";
    let found = done(
        folder,
        &format!(
            "detect {recording} --model runs/whole/model --state state --out calls.csv --json"
        ),
    )?;
    assert_eq!(found["classes"][0]["name"], "upcall", "{found}");
    assert!(found["written"].as_u64() > Some(0), "{found}");
    Ok(())
}

/// A limit on files' lengths: the state's write ends half way, as on a full disk.
#[cfg(unix)]
#[test]
fn a_state_that_can_t_be_written_to_its_end_leaves_the_one_before() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let folder = folder.path();
    let output = run(folder, "demo sea --seed 5 --only bank-in-march")?;
    anyhow::ensure!(output.status.success(), "{}", said(&output));
    fs::write(folder.join("train.yaml"), CONFIG)?;
    let words =
        "train --config train.yaml --set preprocess.wav_dir=sea --set general.run_name=full";
    let mut child = command(folder, words)?.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let state = folder.join("runs/full/state.safetensors");
    wait_for(&state)?;
    child.kill()?;
    child.wait()?;
    let before = fs::read(&state)?;
    let program = program::path()?;
    // In blocks of 512 bytes; the signal that would end the program is ignored, so that its write fails.
    let blocks = before.len() / 1024;
    let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec '{}' {words}", program.display());
    let limited = Command::new("sh")
        .args(["-c", &line])
        .current_dir(folder)
        .env("RAYON_NUM_THREADS", "2")
        .env("XDG_DATA_HOME", folder.join("data"))
        .output()?;
    let text = said(&limited);
    assert_eq!(limited.status.code(), Some(1), "{text}");
    assert!(text.contains("the state of training can't be written"), "{text}");
    assert!(text.contains("runs/full/state.safetensors"), "{text}");
    assert!(fs::read(&state)? == before, "the state before stays");
    let listed = done(folder, "runs --json")?;
    assert_eq!(listed["runs"][0]["state"], "failed", "{listed}");
    let went_on = done(folder, &format!("{words} --json"))?;
    assert!(went_on["val"]["ap"].as_f64() > Some(0.7), "{went_on}");
    Ok(())
}

/// A sea of six minutes, a recording each with a table beside it, and a configuration that trains one epoch.
fn short_sea(folder: &Path) -> anyhow::Result<()> {
    const RATE: u32 = 2000;
    let sea = folder.join("sea");
    fs::create_dir(&sea)?;
    for minute in 0..6 {
        let name = format!("sea_20210601_00{minute:02}00");
        let noise = sounds::noise(0.1 + 0.01 * f64::from(minute), 60.0, RATE);
        sounds::write_wav(&sea, &format!("{name}.wav"), &noise, RATE)?;
        fs::write(sea.join(format!("{name}.txt")), labels(&[7.0, 33.0]))?;
    }
    fs::write(folder.join("train.yaml"), CONFIG)?;
    let search = "tune: {keys: {model_trainer.lr: [0.001, 0.01]}}\n";
    fs::write(folder.join("tune.yaml"), format!("{CONFIG}{search}"))?;
    Ok(())
}

/// A table of Raven's with upcalls of a second.
fn labels(begins_s: &[f64]) -> String {
    let rows = begins_s.iter().map(|begin_s| format!("{begin_s}\t{}\tupcall\n", begin_s + 1.0));
    "Begin Time (s)\tEnd Time (s)\tLabel\n".to_owned() + &rows.collect::<String>()
}

#[test]
fn labels_that_somebody_corrected_are_never_passed_over() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let folder = folder.path();
    short_sea(folder)?;
    let one = "train --config train.yaml --set model_trainer.num_epochs=1 --set data_loader.epoch_windows=32";
    let classes = |run: &str| -> anyhow::Result<u64> {
        let data = fs::read(folder.join("runs").join(run).join("data.json"))?;
        let data: Value = serde_json::from_slice(&data)?;
        data["windows"]["upcall"].as_u64().context("windows")
    };
    // What somebody cut is refused, with what to type.
    done(folder, "dataset tables sea --config train.yaml --out windows.parquet --json")?;
    let corrected = folder.join("sea/sea_20210601_000200.txt");
    fs::write(&corrected, labels(&[7.0, 33.0, 50.0]))?;
    for command in [one, "tune --config tune.yaml"] {
        let output = run(folder, command)?;
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("(changed: sea_20210601_000200.txt)"), "{text}");
        assert!(
            text.contains("spyhop dataset tables ") && text.contains("--windows-as-cut"),
            "{text}"
        );
    }
    assert!(!folder.join("runs").exists(), "nothing was trained");
    done(folder, &format!("{one} --windows-as-cut --set general.run_name=as-cut --json"))?;
    assert_eq!(classes("as-cut")?, 12);

    // What training cut by itself it cuts again, but not below a run that has begun.
    let own = format!(
        "{one} --json --set preprocess.wav_dir=sea --set preprocess.windows_path=own.parquet"
    );
    done(folder, &format!("{own} --set general.run_name=first"))?;
    assert_eq!(classes("first")?, 13);
    fs::write(&corrected, labels(&[7.0, 33.0, 45.0, 50.0]))?;
    let text = said(&run(folder, &format!("{own} --set general.run_name=first"))?);
    assert!(text.contains("this run has begun with them: --windows-as-cut"), "{text}");
    done(folder, &format!("{own} --set general.run_name=first --windows-as-cut"))?;
    let output = run(folder, &format!("{own} --set general.run_name=second"))?;
    let text = said(&output);
    assert!(output.status.success() && text.contains("000200.txt), and are cut again"), "{text}");
    assert_eq!(classes("second")?, 14);
    let text = said(&run(folder, &format!("{own} --set general.run_name=third"))?);
    assert!(!text.contains("labels were changed"), "{text}");
    // Where only the sound was taken along, nobody can tell, and that is said.
    for table in fs::read_dir(folder.join("sea"))? {
        let table = table?.path();
        if table.extension().is_some_and(|ending| ending == "txt") {
            fs::remove_file(table)?;
        }
    }
    let output = run(folder, &format!("{own} --set general.run_name=fourth"))?;
    let text = said(&output);
    assert!(output.status.success() && text.contains("changed since can't be seen"), "{text}");
    Ok(())
}

#[test]
fn what_is_wrong_with_a_configuration_is_told_before_anything_is_read() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let folder = folder.path();
    let refused = |config: &str, more: &str| -> anyhow::Result<String> {
        fs::write(folder.join("train.yaml"), config)?;
        let output = run(folder, &format!("train --config train.yaml {more}"))?;
        anyhow::ensure!(output.status.code() == Some(1), "{}", said(&output));
        Ok(said(&output))
    };
    let text = refused("model_trainer: {learning_rate: 1}", "")?;
    assert!(text.contains("'model_trainer.learning_rate' is unknown"), "{text}");
    let text = refused("data_loader: {config: {batch_size: 8}}", "")?;
    assert!(text.contains("directly under data_loader"), "{text}");
    let text = refused("", "--set model_trainer.lr=fast")?;
    assert!(text.contains("model_trainer.lr is 'fast', where a number is expected"), "{text}");
    let text = refused("general: {config_version: 0}", "")?;
    assert!(text.contains("is of version 0, and this program reads version 1"), "{text}");
    let text = refused("general: {mlflow_server_uri: 'https://me:hush@host'}", "")?;
    assert!(text.contains("MLFLOW_TRACKING_PASSWORD") && !text.contains("hush"), "{text}");
    let text = refused("", "")?;
    assert!(text.contains("there is no table of windows windows.parquet"), "{text}");
    let output = run(folder, "train --config nothing.yaml")?;
    assert!(said(&output).contains("can't read nothing.yaml"), "{}", said(&output));
    let output = run(folder, "dataset tables nowhere --out x.parquet")?;
    assert!(said(&output).contains("there is no folder nowhere"), "{}", said(&output));
    let output = run(folder, "dataset tables . --out x.parquet")?;
    assert!(said(&output).contains("there is no recording in"), "{}", said(&output));
    Ok(())
}
