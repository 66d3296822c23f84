//! `spyhop evaluate` and `spyhop tune`, on a small sea of upcalls.

use std::f64::consts::TAU;
use std::fs;
#[cfg(unix)]
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use spyhop_tests::{program, sounds};
use tempfile::TempDir;

use crate::said;

const RATE: u32 = 2000;
const FILE_S: f64 = 60.0;

/// Files of a minute of noise, each with an upcall every 6 s and a table beside it that tells all of them. Every
/// other call is loud, the others can't be heard.
fn sea(folder: &Path, files: usize) -> anyhow::Result<()> {
    for file in 0..files {
        let begins: Vec<f64> =
            (0..9).map(|i| 3.0 + 6.1 * f64::from(i) + 0.1 * file as f64).collect();
        let calls = sounds::tone(FILE_S, RATE, |t| {
            let call = begins.iter().enumerate().find(|(_, b)| (0.0..1.0).contains(&(t - **b)));
            call.map_or(0.0, |(i, begin)| {
                let (t, loud) = (t - begin, if i % 2 == 0 { 0.1 } else { 0.0005 });
                let edge = (t.min(1.0 - t) * 12.0).min(1.0);
                // From 90 to 190 Hz, ever faster: the phase is the integral of 90 + 100 t^1.8.
                loud * edge * (TAU * (90.0 * t + 100.0 / 2.8 * t.powf(2.8))).sin()
            })
        });
        let name = format!("sea_20210601_{:02}0000", file);
        let sound = sounds::mixed(&sounds::noise(0.02, FILE_S, RATE), &calls);
        sounds::write_wav(folder, &format!("{name}.wav"), &sound, RATE)?;
        let mut table = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tLabel\tSNR (dB)\n".to_owned();
        for (i, begin) in begins.iter().enumerate() {
            let snr_db = if i % 2 == 0 { 12.0 } else { -5.0 };
            table += &format!(
                "{}\tSpectrogram 1\t1\t{begin:.3}\t{:.3}\t90\t190\tupcall\t{snr_db}\n",
                i + 1,
                begin + 1.0
            );
        }
        table += "99\tSpectrogram 1\t1\t58.5\t59.5\t20\t30\tgrunt\t3\n";
        fs::write(folder.join(format!("{name}.Table.1.selections.txt")), table)?;
    }
    Ok(())
}

fn command(folder: &Path, args: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(program::path()?);
    command.args(args).current_dir(folder).stdin(Stdio::null()).env("RAYON_NUM_THREADS", "2");
    // Runs are noted in the data folder of whoever trains.
    command.env("XDG_DATA_HOME", folder.join("home"));
    Ok(command)
}

fn run(folder: &Path, args: &[&str]) -> anyhow::Result<Output> {
    Ok(command(folder, args)?.output()?)
}

fn evaluate(folder: &Path, more: &[&str]) -> anyhow::Result<Output> {
    let args = [&["evaluate", "--state", "state", "--draws", "100"], more].concat();
    run(folder, &args)
}

fn object(output: &Output) -> anyhow::Result<Value> {
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[test]
fn a_detector_is_held_against_the_tables_beside_the_recordings() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let folder = folder.path();
    sea(&folder.join("data/sea"), 4)?;
    let unlabelled = sounds::noise(0.02, 5.0, RATE);
    sounds::write_wav(&folder.join("data/sea"), "sea_20210601_100000.wav", &unlabelled, RATE)?;
    let fast = sounds::noise(0.02, 1.0, 192_000);
    sounds::write_wav(&folder.join("data/fast"), "fast_20210601_100000.wav", &fast, 192_000)?;
    fs::write(
        folder.join("data/fast/fast_20210601_100000.Table.1.selections.txt"),
        "Selection\tBegin Time (s)\tEnd Time (s)\tLabel\n",
    )?;
    let output =
        evaluate(folder, &["--model", "upcall", "--data", "data", "--json", "--out", "report"])?;
    anyhow::ensure!(output.status.success(), "{}", said(&output));
    let found = object(&output)?;
    for level in ["window_level", "call_level", "call_level_3s"] {
        for of in [&found[level], &found[level]["by_class"]["upcall"]] {
            for key in ["precision", "recall", "f1", "fp_per_hour"] {
                assert!(of[key].is_f64(), "{level} {key}: {of}");
            }
        }
    }
    let call = &found["call_level"];
    assert_eq!(call["buffer_s"], 1.5);
    assert_eq!(call["by_class"]["upcall"]["f1"], call["f1"]);
    // Five of nine calls are loud.
    assert_eq!(
        (&call["true_positives"], &call["false_negatives"]),
        (&json!(20), &json!(16)),
        "{call}"
    );
    let ends = ["low", "high"].map(|end| call["interval"]["f1"][end].as_f64());
    let (Some(f1), [Some(low), Some(high)]) = (call["f1"].as_f64(), ends) else {
        anyhow::bail!("no interval: {call}");
    };
    assert!(low <= f1 && f1 <= high, "{call}");
    let class = &found["by_class"]["upcall"];
    assert_eq!(class["calls"], 36);
    assert_eq!(
        (&class["at_0_db_or_more"]["recall"], &class["at_0_db_or_more"]["calls"]),
        (&json!(1.0), &json!(20))
    );
    assert!(class["at_0_db_or_more"]["f1"].as_f64() > Some(0.9), "{class}");
    assert_eq!(class["by_snr"].as_array().map(Vec::len), Some(8));
    assert_eq!(class["by_snr"][0]["recall"], 0.0);
    assert!(found["window_level"]["auc"].as_f64() > Some(0.7), "{}", found["window_level"]);
    assert_eq!(found["other_labels"]["grunt"], 4);
    assert_eq!(found["recordings"].as_array().map(Vec::len), Some(4));
    let left_out = found["left_out"].to_string();
    assert!(
        left_out.contains("sea_20210601_100000.wav") && left_out.contains("no table says"),
        "{left_out}"
    );
    assert!(left_out.contains("\"fast\"") && left_out.contains("--any-rate"), "{left_out}");

    // The same numbers are in the report, which needs nothing else.
    let written: Value = serde_json::from_slice(&fs::read(folder.join("report/evaluation.json"))?)?;
    assert_eq!(written, found);
    let page = fs::read_to_string(folder.join("report/report.html"))?;
    assert!(page.starts_with("<!doctype html>") && page.matches("<svg").count() >= 5);
    for outside in ["http:", "https:", "<script", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let rows = fs::read_to_string(folder.join("report/by_recording.csv"))?;
    assert_eq!(rows.lines().count(), 5, "{rows}");
    assert!(
        fs::read_to_string(folder.join("report/by_snr.csv"))?
            .contains("upcall,upcall,-6,-3,16,0,0.000000")
    );
    let words = evaluate(folder, &["--model", "upcall", "--data", "data"])?;
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(words.contains("calls of 0 dB or more  F1"), "{words}");
    assert!(words.contains("not told: each recorded hour holds some"), "{words}");

    // False alarms where nobody calls are told once there is such a recording.
    sea(&folder.join("quiet/sea"), 1)?;
    let quiet = folder.join("quiet/sea");
    let noise = sounds::noise(0.02, FILE_S, RATE);
    sounds::write_wav(&quiet, "sea_20210601_050000.wav", &noise, RATE)?;
    let empty = "Selection\tBegin Time (s)\tEnd Time (s)\tLabel\n";
    fs::write(quiet.join("sea_20210601_050000.Table.1.selections.txt"), empty)?;
    let words = evaluate(folder, &["--model", "upcall", "--data", "quiet"])?;
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(words.contains("fp/h in 0.02 h"), "{words}");

    // Tables elsewhere, of which one alone names a single recording.
    fs::create_dir(folder.join("tables"))?;
    for file in fs::read_dir(folder.join("data/sea"))? {
        let file = file?.path();
        if file.extension().is_some_and(|ending| ending == "txt") {
            let name = file.file_name().unwrap_or_default();
            fs::rename(&file, folder.join("tables").join(name))?;
        }
    }
    let beside = evaluate(folder, &["--model", "upcall", "--data", "data/sea", "--json"])?;
    assert!(said(&beside).contains("there is no table of calls"), "{}", said(&beside));
    assert_eq!(beside.status.code(), Some(1));
    let elsewhere = evaluate(
        folder,
        &["--model", "upcall", "--data", "data/sea", "--truth", "tables", "--json"],
    )?;
    assert_eq!(object(&elsewhere)?["call_level"], *call, "{}", said(&elsewhere));
    let one = "data/sea/sea_20210601_000000.wav";
    let table = "tables/sea_20210601_000000.Table.1.selections.txt";
    let one = evaluate(folder, &["--model", "upcall", "--data", one, "--truth", table, "--json"])?;
    let one = object(&one)?;
    assert_eq!(one["call_level"]["true_positives"], 5, "{one}");
    assert_eq!(one["call_level"]["interval"]["f1"], Value::Null, "one recording tells no spread");
    Ok(())
}

#[test]
fn several_models_stand_in_one_table_and_one_that_fails_stays_in_it() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let folder = folder.path();
    sea(&folder.join("sea"), 2)?;
    let models = ["--model", "upcall-energy", "--model", "upcall", "--model", "nobody"];
    let args = [&models, &["--data", "sea", "--json", "--out", "report"][..]].concat();
    let output = evaluate(folder, &args)?;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let found = object(&output)?;
    let names: Vec<&Value> =
        found["models"].as_array().into_iter().flatten().map(|one| &one["model"]).collect();
    assert_eq!(names, ["upcall-energy", "upcall", "nobody"]);
    let error = found["models"][2]["error"].as_str().unwrap_or_default();
    assert!(error.contains("nor a detector: those are fin-20hz, upcall"), "{error}");
    let page = fs::read_to_string(folder.join("report/report.html"))?;
    assert!(page.contains("failed: ") && page.contains("nobody"));
    // Nobody labelled whistles, and nobody could hear them here.
    let whistle = evaluate(folder, &["--model", "whistle", "--data", "sea"])?;
    assert!(said(&whistle).contains("no labelled recording is in its scope"), "{}", said(&whistle));
    let humpback = evaluate(folder, &["--model", "humpback", "--data", "sea"])?;
    let text = said(&humpback);
    assert!(text.contains("(humpback unit): there are grunt, upcall"), "{text}");
    let named = ["--model", "humpback", "--data", "sea", "--label", "upcall=humpback unit"];
    assert!(evaluate(folder, &named)?.status.success());
    let two = ["--model", "one", "--model", "two", "--adapter", "three", "--data", "sea"];
    let text = said(&evaluate(folder, &two)?);
    assert!(text.contains("--adapter is laid over one network"), "{text}");
    let args = ["evaluate", "--model", "upcall", "--data", "sea", "--draws", "2000000000000000000"];
    let many = run(folder, &args)?;
    assert_eq!(many.status.code(), Some(2), "{}", said(&many));
    assert!(said(&many).contains("1..=100000"), "{}", said(&many));
    Ok(())
}

/// Settings of a network that is trained within a second.
const CONFIG: &str = "
preprocess: {wav_dir: sea, window_s: 1.7, hop_s: 1.7, label_mapping: {upcall: upcall}}
data_loader: {train_ratio: 0.5, val_ratio: 0.25, test_ratio: 0.25, batch_size: 16}
model:
  AST_kwargs: {hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32, frequency_stride: 14, time_stride: 12}
  front_end: {rate_hz: 2000, low_hz: 30, high_hz: 400, mels: 30, frame_samples: 256, hop_samples: 64, fft_size: 512}
model_trainer: {num_epochs: 1}
tune:
  folds: 2
  keys: {model_trainer.lr: [0.001, 0.004], model.AST_kwargs.num_attention_heads: [2, 3]}
";

fn reports(folder: &Path) -> Vec<PathBuf> {
    let trials = fs::read_dir(folder.join("runs/trials"));
    let folders = trials.into_iter().flatten().flatten().map(|entry| entry.path());
    folders.map(|folder| folder.join("report.json")).filter(|report| report.exists()).collect()
}

#[test]
fn a_search_goes_on_where_it_was_killed_and_lists_what_failed() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let folder = folder.path();
    sea(&folder.join("sea"), 8)?;
    fs::write(folder.join("tune.yaml"), CONFIG)?;
    let args = ["tune", "--config", "tune.yaml", "--set", "general.run_name=rates", "--json"];
    let mut child = command(folder, &args)?.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let begun = Instant::now();
    while reports(folder).len() < 2 {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(120), "nothing was trained");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill()?;
    child.wait()?;
    // The last one may have been noted down by nobody yet; then it is gone through again. The first one was.
    let made = |report: &PathBuf| anyhow::Ok((fs::metadata(report)?.modified()?, report.clone()));
    let killed = reports(folder);
    assert!(killed.len() < 4, "it was killed midway");
    let first = killed.iter().map(made).collect::<Result<Vec<_>, _>>()?.into_iter().min();
    let (first_made, first) = first.expect("two reports");

    let output = run(folder, &args)?;
    assert_eq!(output.status.code(), Some(3), "two of four trials can't be: {}", said(&output));
    let found = object(&output)?;
    let trials = found["trials"].as_array().cloned().unwrap_or_default();
    assert_eq!(trials.len(), 4, "{found}");
    assert!(trials[0]["mean"].as_f64() >= trials[1]["mean"].as_f64() && trials[1]["mean"].is_f64());
    for failed in &trials[2..] {
        let reason = failed["failures"]["0"].as_str().unwrap_or_default();
        assert!(reason.contains("num_attention_heads must divide hidden_size"), "{failed}");
        assert_eq!(failed["mean"], Value::Null);
    }
    assert_eq!(reports(folder).len(), 4);
    assert_eq!(made(&first)?.0, first_made, "it was not trained again");
    let listed = object(&run(folder, &["runs", "--json"])?)?;
    let states: Vec<&Value> =
        listed["runs"].as_array().into_iter().flatten().map(|run| &run["state"]).collect();
    assert_eq!(states, ["done"; 4], "each network is a run, and the search is none: {listed}");
    // Folders are named by hashes, and runs by what a person knows them by.
    for run in listed["runs"].as_array().into_iter().flatten() {
        let name = run["name"].as_str().unwrap_or_default();
        let parts = ["model_trainer.lr=0.00", " of 2, on sea_20210601_"];
        assert!(parts.iter().all(|part| name.contains(part)), "{run}");
    }
    let folds = &found["validated_on"];
    assert_eq!(
        (&folds[0]["name"], &folds[1]["name"]),
        (&json!("fold 1 of 2"), &json!("fold 2 of 2"))
    );
    let validated =
        |fold: usize| folds[fold]["validated_on"].as_array().cloned().unwrap_or_default();
    assert_eq!(validated(0).len() + validated(1).len(), 6, "all but the test part: {folds}");
    assert!(validated(0).iter().all(|recording| !validated(1).contains(recording)), "{folds}");
    let search = folder.join("runs/rates-search");
    let csv = fs::read_to_string(search.join("trials.csv"))?;
    assert_eq!(csv.lines().count(), 5, "{csv}");
    assert!(fs::read_to_string(search.join("report.html"))?.contains("<svg"));

    // What was best is trained by itself, and a learning curve is a search over the share.
    let best = search.join("best.yaml");
    let text = fs::read_to_string(&best)?;
    assert!(text.contains("run_name: ''"), "it is no part of the search's folder: {text}");
    let best = best.to_string_lossy();
    let trained =
        run(folder, &["train", "--config", &best, "--set", "general.run_name=best", "--json"])?;
    anyhow::ensure!(trained.status.success(), "{}", said(&trained));
    let half = ["--set", "general.run_name=half", "--set", "data_loader.train_share=0.5"];
    let half = run(folder, &[&["train", "--config", &best], &half[..]].concat())?;
    anyhow::ensure!(half.status.success(), "{}", said(&half));
    let models = ["--model", "runs/half/model", "--model", "runs/best/model"];
    let both =
        evaluate(folder, &[&models, &["--data", "sea", "--json", "--out", "both"][..]].concat())?;
    anyhow::ensure!(both.status.success(), "{}", said(&both));
    assert!(said(&both).contains("best/model has heard 6 of these 8 recordings before"));
    let both = object(&both)?;
    assert_eq!(
        (&both["models"][0]["train_share"], &both["models"][1]["train_share"]),
        (&json!(0.5), &json!(1.0))
    );
    let calibration = &both["models"][1]["by_class"]["upcall"]["calibration"];
    assert!(calibration["expected_calibration_error"].is_f64(), "{calibration}");
    let page = fs::read_to_string(folder.join("both/report.html"))?;
    assert!(page.contains("Learning curve") && page.contains("what scores mean"));
    assert!(page.contains("has heard 6 of these 8 recordings before"), "{page}");
    // All but the test part was learned from, or chosen by; without it figures are honest.
    let seen = |object: &Value| object["learned_from"].as_array().map_or(0, Vec::len);
    assert_eq!(seen(&both["models"][1]), 6, "{}", both["models"][1]["learned_from"]);
    assert!((4..6).contains(&seen(&both["models"][0])), "half of them stayed unused");
    let args = ["--model", "runs/best/model", "--data", "sea", "--json"];
    let unseen = object(&evaluate(folder, &[&args[..], &["--unseen"]].concat())?)?;
    assert_eq!((unseen["recordings"].as_array().map(Vec::len), seen(&unseen)), (Some(2), 0));
    let left_out = unseen["left_out"].as_array().cloned().unwrap_or_default();
    let reasons: Vec<&str> = left_out.iter().filter_map(|one| one["reason"].as_str()).collect();
    assert_eq!(reasons.iter().filter(|r| r.ends_with("learned from it")).count(), 3, "{unseen}");
    assert_eq!(reasons.iter().filter(|r| r.ends_with("was chosen by it")).count(), 3, "{unseen}");
    let shares = "tune.keys={data_loader.train_share: [0.5, 1]}";
    // Two at a time, on pictures that nobody has made yet.
    let aside = ["--set", "tune.parallel=2", "--set", "model.front_end.low_hz=35"];
    let curve = ["tune", "--config", "tune.yaml", "--set", shares];
    let curve = run(folder, &[&curve[..], &aside, &["--set", "general.run_name=curve"]].concat())?;
    anyhow::ensure!(curve.status.success(), "{}", said(&curve));
    assert!(
        fs::read_to_string(folder.join("runs/curve-search/report.html"))?
            .contains("Learning curve")
    );
    let slip = run(
        folder,
        &["tune", "--config", "tune.yaml", "--set", "tune.keys={model_trainer.rate: [1]}"],
    )?;
    assert!(said(&slip).contains("'model_trainer.rate' is unknown"), "{}", said(&slip));
    Ok(())
}

/// SIGINT is Ctrl-C; the server is a port that nobody listens on.
#[cfg(unix)]
#[test]
fn a_search_that_is_stopped_says_so_to_mlflow_and_what_was_not_told_is_not_forgotten()
-> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let folder = folder.path();
    sea(&folder.join("sea"), 8)?;
    fs::write(folder.join("tune.yaml"), CONFIG)?;
    let nobody = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let server = format!("general.mlflow_server_uri=http://{nobody}");
    let args = ["--set", "general.run_name=rates", "--set", &server, "--state", "state"];
    let args = [&["tune", "--config", "tune.yaml"], &args[..]].concat();
    let mut child = command(folder, &args)?.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let begun = Instant::now();
    while reports(folder).is_empty() {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(120), "nothing was trained");
        std::thread::sleep(Duration::from_millis(2));
    }
    let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status()?;
    anyhow::ensure!(told.success() && !child.wait()?.success(), "it stops before its end");
    let notes = fs::read_to_string(folder.join("runs/rates-search/mlflow/outbox.jsonl"))?;
    let last = notes.lines().last().unwrap_or_default();
    assert!(last.contains(r#""tell":"end","how":"stopped""#), "{notes}");

    let sent = run(folder, &["runs", "send", "--state", "state", "--json"])?;
    assert_eq!(sent.status.code(), Some(1), "{}", said(&sent));
    let troubles = object(&sent)?["troubles"].clone();
    let of: Vec<&String> = troubles.as_object().into_iter().flatten().map(|(of, _)| of).collect();
    assert!(of.iter().any(|folder| folder.ends_with("runs/rates-search")), "{troubles}");
    assert!(of.iter().any(|folder| folder.contains("runs/trials/")), "{troubles}");
    Ok(())
}
