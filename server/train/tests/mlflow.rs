//! Runs are told to an MLflow server: as a real one answered when these exchanges were recorded, and as one
//! that can't be reached, fails for a while or forgets.
//!
//! `SPYHOP_MLFLOW_RECORD=http://127.0.0.1:5000 cargo test -p spyhop-train --test mlflow recorded` records the
//! exchanges anew from a server that is empty.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spyhop_train::mlflow::{self, Courier, Delivered, Mlflow, Told, Trouble};
use spyhop_train::{End, RunFolder, Tracker};

/// What was asked, without what is other each time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Asked {
    method: String,
    path: String,
    body: Value,
}

/// A question and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Exchange {
    asked: Asked,
    status: u16,
    answer: Value,
}

type Answer = dyn FnMut(&Asked, &[u8]) -> (u16, Value) + Send;

/// Answers on a port of its own until the test ends.
struct Little {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Little {
    fn start(mut answer: Box<Answer>) -> Little {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some((question, bytes)) = read(&stream) else { continue };
                let (status, said) = answer(&question, &bytes);
                noted.lock().expect("whole").push(question);
                write(stream, status, &said);
            }
        });
        Little { address, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("whole").clone()
    }
}

fn read(stream: &TcpStream) -> Option<(Asked, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).ok()?;
    let body = match serde_json::from_slice(&bytes) {
        Ok(mut body) if method == "POST" => {
            forget_times(&mut body);
            body
        }
        _ => json!(bytes.len()),
    };
    Some((Asked { method, path, body }, bytes))
}

fn write(mut stream: TcpStream, status: u16, said: &Value) {
    let text = said.to_string();
    let head = format!(
        "HTTP/1.1 {status} said\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        text.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(text.as_bytes()));
}

/// Times and keys are other each time.
fn forget_times(body: &mut Value) {
    match body {
        Value::Object(fields) => {
            if fields.get("key").is_some_and(|key| key == "spyhop.run") {
                fields.insert("value".into(), json!("KEY"));
            }
            for (name, value) in fields.iter_mut() {
                match name.as_str() {
                    "timestamp" | "start_time" | "end_time" => {
                        assert!(value.as_i64() > Some(1_700_000_000_000), "milliseconds: {value}");
                        *value = json!(0);
                    }
                    "filter" => *value = json!("tags.`spyhop.run` = 'KEY'"),
                    _ => forget_times(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(forget_times),
        _ => {}
    }
}

fn recording() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/mlflow.json")
}

/// Gives a question to a real server.
fn forward(server: &str, asked: &Asked, bytes: &[u8]) -> (u16, Value) {
    let address = format!("{server}{}", asked.path);
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let answer = match asked.method.as_str() {
        "GET" => agent.get(&address).call(),
        "PUT" => agent.put(&address).send(bytes),
        _ => agent.post(&address).content_type("application/json").send(bytes),
    };
    let mut answer = answer.expect("the server answers");
    let text = answer.body_mut().read_to_string().expect("text");
    let said =
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
    (answer.status().as_u16(), said)
}

fn begin(
    folder: &Path,
    server: &str,
    name: &str,
    parent: Option<&RunFolder>,
) -> (RunFolder, Mlflow) {
    let run = RunFolder(folder.join(name));
    std::fs::create_dir_all(run.path()).expect("a folder");
    let told = Told { server, experiment: "right whales", name, parent };
    let mlflow = Mlflow::open(&run, &told, None).expect("notes");
    (run, mlflow)
}

fn parameters(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A run and one that is a part of it.
fn tell(folder: &Path, server: &str) {
    let (search, mut whole) = begin(folder, server, "search", None);
    let said: BTreeMap<String, String> =
        (0..120).map(|i| (format!("space.k{i:03}"), i.to_string())).collect();
    whole.parameters(&said).expect("noted");
    let (trial, mut part) = begin(folder, server, "trial-1", Some(&search));
    part.parameters(&parameters(&[
        ("model_trainer.lr", "0.001"),
        ("model_trainer.class_weights.call (20 Hz)", ""),
    ]))
    .expect("noted");
    for (step, value) in [(1, 0.7), (2, f64::NAN), (3, 0.25)] {
        part.metric("loss/val", step, value).expect("noted");
    }
    std::fs::create_dir(trial.model()).expect("a folder");
    let card = trial.model().join("a card.toml");
    std::fs::write(&card, "name = 'tiny'").expect("written");
    part.artifact(&card).expect("noted");
    part.ended(End::Stopped).expect("noted");
    // The part is told first: its whole is made where it is missing.
    assert!(mlflow::send(&trial).expect("told").told > 0);
    // It goes on, and says again what it said; a changed parameter becomes a tag.
    let told = Told { server, experiment: "right whales", name: "trial-1", parent: Some(&search) };
    let mut part = Mlflow::open(&trial, &told, None).expect("notes");
    part.parameters(&parameters(&[("model_trainer.lr", "0.002")])).expect("noted");
    part.go_on_from(1).expect("nothing to do");
    part.metric("loss/val", 3, 0.25).expect("noted before");
    part.metric("loss/val", 4, 0.125).expect("noted");
    part.ended(End::Done).expect("noted");
    assert_eq!(mlflow::waiting(&trial).expect("read"), 4);
    assert_eq!(mlflow::send(&trial).expect("told"), Delivered { told: 4, refused: 0 });
    whole.ended(End::Failed).expect("noted");
    mlflow::send(&search).expect("told");
    for run in [&trial, &search] {
        assert_eq!(mlflow::waiting(run).expect("read"), 0);
        assert_eq!(mlflow::send(run).expect("nothing is left").told, 0);
        assert!(!run.mlflow().join("refused.jsonl").exists());
    }
}

#[test]
fn a_server_is_told_of_a_run_and_its_part_as_in_the_recorded_exchanges() {
    let folder = tempfile::tempdir().expect("a folder");
    if let Ok(real) = std::env::var("SPYHOP_MLFLOW_RECORD") {
        let exchanges = Arc::new(Mutex::new(Vec::new()));
        let kept = exchanges.clone();
        let little = Little::start(Box::new(move |asked, bytes| {
            let (status, answer) = forward(&real, asked, bytes);
            kept.lock().expect("whole").push(Exchange {
                asked: asked.clone(),
                status,
                answer: answer.clone(),
            });
            (status, answer)
        }));
        tell(folder.path(), &little.address);
        let text = serde_json::to_string_pretty(&*exchanges.lock().expect("whole")).expect("JSON");
        std::fs::create_dir_all(recording().parent().expect("a folder")).expect("a folder");
        std::fs::write(recording(), text + "\n").expect("written");
        return;
    }
    let text = std::fs::read_to_string(recording()).expect("the recording");
    let exchanges: Vec<Exchange> = serde_json::from_str(&text).expect("exchanges");
    let expected: Vec<Asked> = exchanges.iter().map(|e| e.asked.clone()).collect();
    let mut left = exchanges.into_iter();
    let little = Little::start(Box::new(move |asked, _| match left.next() {
        Some(next) if next.asked == *asked => (next.status, next.answer),
        other => {
            let said = format!("asked {asked:?}, and recorded is {other:?}");
            (400, json!({"error_code": "OTHER", "message": said}))
        }
    }));
    tell(folder.path(), &little.address);
    assert_eq!(little.asked(), expected);
}

/// A server that knows one experiment and one run.
fn sound(asked: &Asked) -> (u16, Value) {
    let run = json!({"info": {"run_id": "r1", "artifact_uri": "mlflow-artifacts:/1/r1/artifacts"}});
    match asked.path.rsplit('/').next().unwrap_or_default() {
        path if path.starts_with("get-by-name") => {
            (200, json!({"experiment": {"experiment_id": "1"}}))
        }
        "search" => (200, json!({})),
        "create" => (200, json!({ "run": run })),
        _ => (200, json!({})),
    }
}

fn metrics_of(asked: &[Asked]) -> Vec<(u64, f64)> {
    let batches = asked.iter().filter(|asked| asked.path.ends_with("log-batch"));
    let metrics =
        batches.flat_map(|asked| asked.body["metrics"].as_array().cloned().unwrap_or_default());
    metrics.filter_map(|m| Some((m["step"].as_u64()?, m["value"].as_f64()?))).collect()
}

#[test]
fn a_server_that_comes_late_is_told_everything_and_delays_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    // A port that nobody listens on any more.
    let nobody =
        TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let server = format!("http://{nobody}");
    let run = RunFolder(folder.path().join("late"));
    std::fs::create_dir(run.path()).expect("a folder");
    let told = Told { server: &server, experiment: "e", name: "late", parent: None };
    let courier = Courier::start(&run, folder.path()).expect("a thread");
    let mut tracker = Mlflow::open(&run, &told, Some(courier)).expect("notes");
    tracker.parameters(&parameters(&[("lr", "1")])).expect("noted");
    for step in 0..200 {
        tracker.metric("loss/batch", step, step as f64).expect("noted");
    }
    tracker.ended(End::Done).expect("noted");
    let kept = tracker.finish().expect("a sentence");
    assert!(kept.contains("203 messages") && kept.contains("spyhop runs send"), "{kept}");
    assert!(matches!(mlflow::send(&run), Err(Trouble::Unreachable { .. })));

    // The next run with the same server tells of it.
    let Ok(listener) = TcpListener::bind(nobody) else {
        eprintln!("skipped: somebody took the port meanwhile");
        return;
    };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Some((asked, _)) = read(&stream) else { continue };
            let (status, said) = sound(&asked);
            noted.lock().expect("whole").push(asked);
            write(stream, status, &said);
        }
    });
    let next = RunFolder(folder.path().join("next"));
    std::fs::create_dir(next.path()).expect("a folder");
    let courier = Courier::start(&next, folder.path()).expect("a thread");
    let told = Told { name: "next", ..told };
    let mut tracker = Mlflow::open(&next, &told, Some(courier)).expect("notes");
    tracker.metric("loss/batch", 1, 0.5).expect("noted");
    let begun = Instant::now();
    while mlflow::waiting(&run).expect("read") > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the earlier run is told of");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(tracker.finish(), None);
    let metrics = metrics_of(&seen.lock().expect("whole"));
    assert_eq!(metrics.len(), 201);
    assert!((0..200).all(|step| metrics.contains(&(step, step as f64))));
}

#[test]
fn what_a_server_fails_at_is_told_again_and_what_it_refuses_is_kept_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut batches = 0;
    let little = Little::start(Box::new(move |asked, _| {
        if !asked.path.ends_with("log-batch") {
            return sound(asked);
        }
        batches += 1;
        let metrics = asked.body["metrics"].as_array().expect("metrics");
        let is_bad = metrics.iter().any(|m| m["step"] == 13);
        match (batches, is_bad) {
            (1, _) => (503, json!({"detail": "busy"})),
            (_, true) => {
                (400, json!({"error_code": "INVALID_PARAMETER_VALUE", "message": "thirteen"}))
            }
            _ => (200, json!({})),
        }
    }));
    let (run, mut tracker) = begin(folder.path(), &little.address, "run", None);
    for step in 10..20 {
        tracker.metric("loss/val", step, 1.0).expect("noted");
    }
    let error = mlflow::send(&run).expect_err("it is busy").to_string();
    assert!(error.contains("503"), "{error}");
    assert_eq!(mlflow::waiting(&run).expect("read"), 10);
    assert_eq!(mlflow::send(&run).expect("told"), Delivered { told: 10, refused: 1 });
    let said = tracker.finish().expect("a sentence");
    assert!(said.contains("would not take 1 messages") && said.contains("refused.jsonl"), "{said}");
    let refused = std::fs::read_to_string(run.mlflow().join("refused.jsonl")).expect("kept");
    assert!(refused.lines().count() == 1 && refused.contains("thirteen"), "{refused}");
    let told = metrics_of(&little.asked());
    assert!([10, 12, 14, 19].iter().all(|step| told.contains(&(*step, 1.0))));
}

#[test]
fn a_server_that_forgot_a_run_is_told_all_of_it_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut updates = 0;
    let little = Little::start(Box::new(move |asked, _| {
        if asked.path.ends_with("runs/update") {
            updates += 1;
            if updates == 2 {
                return (
                    404,
                    json!({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no run"}),
                );
            }
        }
        sound(asked)
    }));
    let (run, mut tracker) = begin(folder.path(), &little.address, "run", None);
    tracker.metric("loss/val", 1, 1.0).expect("noted");
    mlflow::send(&run).expect("told");
    tracker.ended(End::Done).expect("noted");
    mlflow::send(&run).expect("told from the beginning");
    assert_eq!(metrics_of(&little.asked()), [(1, 1.0), (1, 1.0)]);
    assert_eq!(mlflow::waiting(&run).expect("read"), 0);
}

#[test]
fn a_line_that_a_kill_cut_short_is_written_again_and_a_file_that_went_is_told_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let little = Little::start(Box::new(|asked, _| sound(asked)));
    let (run, mut tracker) = begin(folder.path(), &little.address, "run", None);
    tracker.metric("loss/val", 1, 1.0).expect("noted");
    tracker.artifact(&run.path().join("report.json")).expect("noted");
    let path = run.mlflow().join("outbox.jsonl");
    let whole = std::fs::read(&path).expect("notes");
    std::fs::write(&path, [&whole[..], b"{\"tell\":\"metr"].concat()).expect("written");
    assert_eq!(mlflow::waiting(&run).expect("read"), 3);
    let (_, mut tracker) = begin(folder.path(), &little.address, "run", None);
    tracker.metric("loss/val", 2, 0.5).expect("noted");
    assert_eq!(mlflow::send(&run).expect("told"), Delivered { told: 5, refused: 1 });
    assert_eq!(metrics_of(&little.asked()), [(1, 1.0), (2, 0.5)]);
    let refused = std::fs::read_to_string(run.mlflow().join("refused.jsonl")).expect("kept");
    assert!(refused.contains("not there any more"), "{refused}");
}

#[test]
fn a_run_that_a_person_deleted_on_the_server_is_told_of_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut is_deleted = false;
    let little = Little::start(Box::new(move |asked, _| {
        if asked.path.ends_with("log-batch") && !std::mem::replace(&mut is_deleted, true) {
            let message = "The run r1 must be in the 'active' state. Current state is deleted.";
            return (400, json!({"error_code": "INVALID_PARAMETER_VALUE", "message": message}));
        }
        sound(asked)
    }));
    let (run, mut tracker) = begin(folder.path(), &little.address, "run", None);
    tracker.metric("loss/val", 1, 1.0).expect("noted");
    assert_eq!(mlflow::send(&run).expect("told"), Delivered { told: 2, refused: 0 });
    let made = little.asked().iter().filter(|asked| asked.path.ends_with("runs/create")).count();
    assert_eq!(made, 2);
    assert_eq!(metrics_of(&little.asked()), [(1, 1.0), (1, 1.0)]);
}

#[test]
fn a_file_or_an_end_that_is_never_taken_is_in_nobody_s_way_and_a_busy_server_is_asked_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut asked_before = 0;
    let little = Little::start(Box::new(move |asked, _| {
        if asked.method == "PUT" {
            asked_before += 1;
            // No word of MLflow's: a proxy answers.
            return if asked_before == 1 { (429, json!({})) } else { (413, json!("too large")) };
        }
        if asked.path.ends_with("runs/update") {
            return (400, json!({"error_code": "INVALID_STATE", "message": "no such status"}));
        }
        sound(asked)
    }));
    let (run, mut tracker) = begin(folder.path(), &little.address, "run", None);
    std::fs::write(run.report(), "{}").expect("written");
    tracker.artifact(&run.report()).expect("noted");
    tracker.metric("loss/val", 1, 1.0).expect("noted");
    tracker.ended(End::Done).expect("noted");
    let error = mlflow::send(&run).expect_err("it is busy").to_string();
    assert!(error.contains("it is busy"), "{error}");
    assert_eq!(mlflow::waiting(&run).expect("read"), 3);
    assert_eq!(mlflow::send(&run).expect("told"), Delivered { told: 3, refused: 2 });
    assert_eq!(metrics_of(&little.asked()), [(1, 1.0)]);
    let refused = std::fs::read_to_string(run.mlflow().join("refused.jsonl")).expect("kept");
    assert!(refused.contains("(413)") && refused.contains("no such status"), "{refused}");
}

#[test]
fn notes_that_a_power_cut_damaged_are_told_from_the_beginning_and_fail_no_training() {
    let folder = tempfile::tempdir().expect("a folder");
    let little = Little::start(Box::new(|asked, _| sound(asked)));
    let (run, mut tracker) = begin(folder.path(), &little.address, "run", None);
    for step in 1..4 {
        tracker.metric("loss/val", step, 1.0).expect("noted");
    }
    mlflow::send(&run).expect("told");
    drop(tracker);
    // The last line is gone, and of the one before only zeros came to the disk.
    let path = run.mlflow().join("outbox.jsonl");
    let text = std::fs::read_to_string(&path).expect("notes");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.pop();
    let zeros = "\0".repeat(lines.pop().map_or(0, str::len));
    std::fs::write(&path, format!("{}\n{zeros}\n", lines.join("\n"))).expect("written");
    assert_eq!(mlflow::waiting(&run).expect("read"), 3);
    let (_, mut tracker) = begin(folder.path(), &little.address, "run", None);
    for step in 1..4 {
        tracker.metric("loss/val", step, 1.0).expect("noted");
    }
    assert_eq!(mlflow::send(&run).expect("told"), Delivered { told: 6, refused: 1 });
    let told = metrics_of(&little.asked());
    assert_eq!(told, [(1, 1.0), (2, 1.0), (3, 1.0), (1, 1.0), (2, 1.0), (3, 1.0)]);
    // Within a line nothing is taken for told either.
    let sent = run.mlflow().join("sent.json");
    let known = std::fs::read_to_string(&sent).expect("kept");
    let known: Value = serde_json::from_str(&known).expect("JSON");
    let within = json!({"server": known["server"], "run_id": "r1", "artifact_uri": "", "bytes": 7});
    std::fs::write(&sent, within.to_string()).expect("written");
    assert_eq!(mlflow::waiting(&run).expect("read"), 6);
}

#[test]
fn parts_of_a_search_that_were_not_told_of_are_told_of_by_the_next_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let little = Little::start(Box::new(|asked, _| sound(asked)));
    let (part, mut tracker) = begin(&folder.path().join("trials"), &little.address, "part", None);
    tracker.metric("loss/val", 1, 1.0).expect("noted");
    drop(tracker);
    assert_eq!(mlflow::waiting(&part).expect("read"), 2);
    let next = RunFolder(folder.path().join("next"));
    std::fs::create_dir(next.path()).expect("a folder");
    let told = Told { server: &little.address, experiment: "e", name: "next", parent: None };
    let courier = Courier::start(&next, folder.path()).expect("a thread");
    let mut tracker = Mlflow::open(&next, &told, Some(courier)).expect("notes");
    tracker.metric("loss/val", 1, 0.5).expect("noted");
    let begun = Instant::now();
    while mlflow::waiting(&part).expect("read") > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the part is told of");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(tracker.finish(), None);
}
