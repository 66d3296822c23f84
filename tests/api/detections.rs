//! Detections: started, watched, asked and reviewed.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use spyhop_tests::models::{data_home, put_adapter};
use spyhop_tests::{Server, sounds};
use tempfile::TempDir;
use ureq::http::StatusCode;

use crate::{get, json, send, serve};

/// A deployment with a whistle from 6 to 14 kHz every ten seconds of a minute, around a half hour.
fn whistles(place: &Path) -> anyhow::Result<()> {
    let sound = sounds::tone(30.0, 48_000, |t| {
        let t = (t + 5.0) % 10.0;
        let edge = (t.min(0.6 - t) * 12.0).clamp(0.0, 1.0);
        0.03 * edge * (std::f64::consts::TAU * (6000.0 * t + 8000.0 / 1.2 * t * t)).sin()
    });
    let sound = sounds::mixed(&sound, &sounds::noise(0.006, 30.0, 48_000));
    for name in ["x_20210601_002930.wav", "x_20210601_003000.wav"] {
        sounds::write_wav(&place.join("site"), name, &sound, 48_000)?;
    }
    Ok(())
}

/// A run once its job is over, watched as the page watches it.
fn over(server: &Server, run: &Value) -> anyhow::Result<Value> {
    for _ in 0..600 {
        let job = json(&server.at(&format!("api/v1/jobs/{}", run["job"]["id"])))?;
        if job["job"]["state"] == "done" {
            return json(&server.at(&format!("api/v1/deployments/site/detections/{}", run["id"])));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    anyhow::bail!("not over: {run}")
}

#[test]
fn a_detection_is_started_watched_asked_and_reviewed() -> anyhow::Result<()> {
    let place = TempDir::new()?;
    let state = TempDir::new()?;
    whistles(place.path())?;
    let args =
        ["--data".as_ref(), place.path().as_os_str(), "--state".as_ref(), state.path().as_os_str()];
    let server = Server::start(args)?;
    let fits = json(&server.at("api/v1/deployments/site/detectors"))?;
    assert_eq!(fits["sample_rate_hz"], 48_000.0);
    let chance = |id: &str| {
        let all = fits["detectors"].as_array().into_iter().flatten();
        all.filter(|d| d["id"] == id).map(|d| d["chance"].clone()).next().unwrap_or_default()
    };
    assert_eq!((chance("whistle"), chance("click")), ("likely".into(), "none".into()), "{fits}");
    let mut networks = fits["networks"].as_array().into_iter().flatten();
    let upcalls = networks.find(|n| n["name"] == "upcall-small").cloned().unwrap_or_default();
    assert_eq!(upcalls["chance"], "possible", "{fits}");

    let all = server.at("api/v1/deployments/site/detections");
    let wanted = serde_json::json!({ "detector": "whistle" });
    let (status, run) = send("POST", &all, &[], &wanted)?;
    assert_eq!(status, 202, "{run}");
    let run = over(&server, &run)?;
    assert_eq!((&run["candidates"], &run["reviewed"]), (&6.into(), &0.into()), "{run}");
    assert_eq!(run["source"]["config_hash"].as_str().map(str::len), Some(32));
    let one = format!("{all}/{}", run["id"]);
    let page = |query: &str| json(&format!("{one}/calls?{query}"));
    let ids = |page: &Value| -> Vec<i64> {
        let calls = page["calls"].as_array().into_iter().flatten();
        calls.filter_map(|call| call["id"].as_i64()).collect()
    };
    let calls = page("limit=4")?;
    assert_eq!((&calls["total"], ids(&calls).len()), (&6.into(), 4), "{calls}");
    let rest = page("limit=4&offset=4")?;
    assert_eq!(ids(&rest).len(), 2);
    let start = calls["calls"][0]["start"]["clock"].as_str().unwrap_or_default();
    assert!(start.starts_with("2021-06-01T00:29:3"), "{calls}");
    let span = page("from=2021-06-01T00:29:40Z&until=2021-06-01T00:30:10Z")?;
    assert_eq!(ids(&span), ids(&page("offset=1&limit=3")?));
    let best = page("sort=score&descending=true&limit=1")?;
    let score = best["calls"][0]["score"].as_f64().unwrap_or_default();
    assert_eq!(page(&format!("least_score={}", score + 0.01))?["total"], 0);
    assert_eq!(page("class=whistle")?["total"], 6);
    assert_eq!(page(&format!("thresholds={}", score + 0.01))?["total"], 0);
    assert_eq!(page(&format!("thresholds={}", score - 0.01))?["calls"][0], best["calls"][0]);

    // Accepted, then taken back; relabelled on an old version, which is refused.
    let call = format!("{one}/calls/{}", ids(&calls)[0]);
    let say = |version: u32, body: Value| {
        send("PUT", &format!("{call}/review?version={version}"), &[], &body)
    };
    let accept = serde_json::json!({ "verdict": "accepted", "author": "Ada" });
    let (status, said) = say(0, accept.clone())?;
    assert_eq!((status, &said["review"]["version"]), (200, &1.into()), "{said}");
    assert_eq!(page("review=accepted")?["total"], 1);
    let squeak = serde_json::json!({ "verdict": "relabelled", "label": "squeak" });
    let (status, problem) = say(0, squeak.clone())?;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().is_some_and(|d| d.contains("reviewed elsewhere")));
    assert_eq!(say(1, serde_json::json!({ "verdict": "unreviewed" }))?.0, 200);
    assert_eq!(say(2, squeak)?.0, 200);
    assert_eq!(say(3, serde_json::json!({ "verdict": "relabelled" }))?.0, 400, "as what?");
    let history = json(&format!("{call}/history"))?;
    let verdicts: Vec<&Value> =
        history["steps"].as_array().into_iter().flatten().map(|step| &step["verdict"]).collect();
    assert_eq!(verdicts, ["accepted", "unreviewed", "relabelled"]);
    assert_eq!(history["steps"][0]["author"], "Ada");

    let density = json(&format!("{one}/density?bin_s=1800"))?;
    assert_eq!(density["start"]["clock"], "2021-06-01T00:00:00.000000000Z");
    assert_eq!(density["classes"][0]["counts"], serde_json::json!([3, 3]));
    let fine = json(&format!("{one}/density?bin_s=0.5&until=2021-06-01T00:29:50Z"))?;
    let counts = fine["classes"][0]["counts"].as_array().cloned().unwrap_or_default();
    assert_eq!(counts.iter().filter_map(Value::as_u64).sum::<u64>(), 2, "{fine}");
    let histograms = json(&format!("{one}/histograms"))?;
    let sum = |what: &str| -> u64 {
        let counts = histograms["classes"][0][what].as_array().into_iter().flatten();
        counts.filter_map(Value::as_u64).sum()
    };
    assert_eq!((sum("candidates"), sum("accepted"), sum("rejected")), (6, 0, 1), "{histograms}");
    // From a threshold on to the last one, wherever bins end.
    let counted = |thresholds: &str| -> anyhow::Result<Vec<u64>> {
        let told = json(&format!("{one}/counts?thresholds={thresholds}"))?;
        let of = |what: &str| told["classes"][0][what].as_u64().unwrap_or(u64::MAX);
        Ok(["candidates", "accepted", "rejected"].map(of).to_vec())
    };
    assert_eq!(counted("")?, [6, 0, 1]);
    assert_eq!(counted(&(score - 1e-4).to_string())?[0], 1);
    assert_eq!(counted(&(score + 1e-4).to_string())?, [0, 0, 0]);
    let scores = json(&format!("{one}/scores?bin_s=1"))?;
    let scores = scores["classes"][0]["scores"].as_array().cloned().unwrap_or_default();
    // A score may stand at the edge of a second.
    assert!((60..=61).contains(&scores.len()), "{}", scores.len());

    for (format, begin) in [("parquet", &b"PAR1"[..]), ("csv", b"start,"), ("txt", b"Selection\t")]
    {
        let mut table = get(&format!("{one}/table?format={format}"), &[])?;
        let bytes = table.body_mut().read_to_vec()?;
        assert!(bytes.starts_with(begin), "{format}");
        let has = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
        assert!(format == "parquet" || has("squeak"), "what people say is in it");
    }
    for (query, part) in [
        ("calls?class=wistle", "did you mean 'whistle'?"),
        ("calls?review=rejectd", "did you mean 'rejected'?"),
        ("calls?from=yesterday", "yesterday"),
        ("calls?thresholds=0.5,high", "'high' is no threshold"),
        ("density?bin_s=0", "bin"),
        ("density?bin_s=1e-6", "bin"),
        ("table?format=xml", "xml"),
    ] {
        let mut answer = get(&format!("{one}/{query}"), &[])?;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
        let problem: Value = answer.body_mut().read_json()?;
        assert!(problem["detail"].as_str().is_some_and(|d| d.contains(part)), "{problem}");
    }
    for (wanted, part) in [
        (serde_json::json!({ "detector": "click" }), "nothing above 24 kHz"),
        (serde_json::json!({ "detector": "wistle" }), "did you mean 'whistle'?"),
        (serde_json::json!({ "model": "/etc" }), "there is no network '/etc'"),
        (serde_json::json!({ "detector": "whistle", "channel": 3 }), "channel"),
        (
            serde_json::json!({ "detector": "whistle", "config": "detection: {wistle: {}}" }),
            "did you mean 'whistle'?",
        ),
    ] {
        let (status, problem) = send("POST", &all, &[], &wanted)?;
        assert_eq!(status, 400, "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|d| d.contains(part)), "{problem}");
    }
    drop(server);

    // What was found and said is there after a restart, and asking again makes nothing anew.
    let server = Server::start(args)?;
    let all = server.at("api/v1/deployments/site/detections");
    let (_, again) = send("POST", &all, &[], &wanted)?;
    assert_eq!(again["id"], run["id"]);
    let again = over(&server, &again)?;
    assert_eq!((&again["candidates"], &again["reviewed"]), (&6.into(), &1.into()), "{again}");
    let one = format!("{all}/{}", run["id"]);
    let said = json(&format!("{one}/calls?review=relabelled"))?;
    assert_eq!(said["calls"][0]["review"]["label"], "squeak", "{said}");
    assert_eq!(send("DELETE", &one, &[], &Value::Null)?.0, 204);
    assert_eq!(get(&one, &[])?.status(), StatusCode::NOT_FOUND);
    assert_eq!(json(&all)?["runs"], serde_json::json!([]));
    Ok(())
}

#[test]
fn a_detection_that_is_given_up_keeps_what_it_found_and_goes_on_when_asked_again()
-> anyhow::Result<()> {
    let place = TempDir::new()?;
    let sound = sounds::noise(0.1, 60.0, 48_000);
    for hour in 0..24 {
        let name = format!("x_20210601_{hour:02}0000.wav");
        sounds::write_wav(&place.path().join("site"), &name, &sound, 48_000)?;
    }
    let server = serve(place.path())?;
    let all = server.at("api/v1/deployments/site/detections");
    let wanted = serde_json::json!({ "detector": "whistle" });
    let (_, run) = send("POST", &all, &[], &wanted)?;
    let job = server.at(&format!("api/v1/jobs/{}", run["job"]["id"]));
    let (status, given_up) = send("POST", &format!("{job}/cancel"), &[], &Value::Null)?;
    assert_eq!((status, &given_up["state"]), (200, &"cancelled".into()), "{given_up}");
    assert!(given_up["done"].as_u64() < Some(24), "{given_up}");
    let (_, again) = send("POST", &all, &[], &wanted)?;
    assert_eq!(again["id"], run["id"]);
    assert_eq!(over(&server, &again)?["job"]["done"], 24);
    Ok(())
}

#[test]
fn recall_is_told_by_tables_of_all_calls_and_by_windows_that_were_gone_through()
-> anyhow::Result<()> {
    let place = TempDir::new()?;
    whistles(place.path())?;
    let site = place.path().join("site");
    let server = serve(place.path())?;
    let all = server.at("api/v1/deployments/site/detections");
    let (_, run) = send("POST", &all, &[], &serde_json::json!({ "detector": "whistle" }))?;
    over(&server, &run)?;
    let one = format!("{all}/{}", run["id"]);
    let unknown = json(&format!("{one}/recall"))?;
    assert_eq!(unknown, serde_json::json!({ "truth": null, "sample": null }), "nothing is known");

    // Four windows of 15 s hold the minute; each seed draws them in its own order.
    let windows = format!("{one}/windows");
    let request = serde_json::json!({ "windows": 3, "window_s": 15.0, "seed": 5 });
    let (status, drawn) = send("POST", &windows, &[], &request)?;
    assert_eq!((status, drawn["windows"].as_array().map(Vec::len)), (200, Some(3)), "{drawn}");
    let (_, drawn) = send("POST", &windows, &[], &request)?;
    assert_eq!(drawn["windows"].as_array().map(Vec::len), Some(4), "no fifth is there: {drawn}");
    let (status, problem) = send("POST", &windows, &[], &request)?;
    assert_eq!(
        (status, problem["detail"].as_str().is_some_and(|d| d.contains("nothing is left"))),
        (400, true)
    );
    assert_eq!(json(&windows)?, drawn);
    let window = drawn["windows"][0].clone();
    let at = format!("{windows}/{}", window["id"]);
    let done = serde_json::json!({
        "is_done": true, "missed": [{ "class": "whistle", "calls": 3 }], "author": "Ada",
    });
    let (status, problem) = send("PUT", &format!("{at}?version=0"), &[], &done)?;
    assert_eq!(status, 400, "its candidates are not reviewed: {problem}");
    assert!(
        problem["detail"].as_str().is_some_and(|d| d.contains("not reviewed yet")),
        "{problem}"
    );
    let start = window["start"]["clock"].as_str().unwrap_or_default();
    let calls = json(&format!("{one}/calls?from={start}&limit=100"))?;
    let inside = window["candidates"].as_u64().unwrap_or_default() as usize;
    assert!((1..=2).contains(&inside), "{window}");
    let first: Vec<&Value> = calls["calls"].as_array().into_iter().flatten().take(inside).collect();
    for (n, call) in first.iter().enumerate() {
        let verdict = if n == 0 { "accepted" } else { "rejected" };
        let address = format!("{one}/calls/{}/review?version=0", call["id"]);
        assert_eq!(send("PUT", &address, &[], &serde_json::json!({ "verdict": verdict }))?.0, 200);
    }
    let (status, said) = send("PUT", &format!("{at}?version=0"), &[], &done)?;
    assert_eq!(
        (status, &said["version"], &said["review"]["author"]),
        (200, &1.into(), &"Ada".into()),
        "{said}"
    );
    assert_eq!(send("PUT", &format!("{at}?version=0"), &[], &done)?.0, 409, "reviewed meanwhile");
    let bird = serde_json::json!({ "missed": [{ "class": "bird", "calls": 1 }] });
    assert_eq!(send("PUT", &format!("{at}?version=1"), &[], &bird)?.0, 400);
    let sample = json(&format!("{one}/recall"))?["sample"].clone();
    assert_eq!((&sample["windows"], &sample["reviewed"]), (&4.into(), &1.into()), "{sample}");
    let score = &first[0]["score"];
    let known = serde_json::json!([{ "calls": 4, "found": [score] }]);
    assert_eq!(sample["classes"][0]["groups"], known, "one of four was found: {sample}");

    // A table that somebody says to be complete: of its four whistles three were found.
    let rows =
        [(5.0, "whistle"), (10.0, "Whistle"), (15.0, "whistle"), (20.0, "boat"), (25.0, "whistle")];
    let mut table =
        "Selection\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tLabel\n"
            .to_owned();
    for (n, (start, label)) in rows.iter().enumerate() {
        table += &format!("{}\t{start}\t{}\t6000\t14000\t{label}\n", n + 1, start + 0.6);
    }
    std::fs::write(site.join("x_20210601_002930.Table.1.selections.txt"), table)?;
    assert_eq!(
        json(&format!("{one}/recall"))?["truth"],
        Value::Null,
        "nobody says that it is complete"
    );
    std::fs::write(site.join("deployment.toml"), "all_calls_are_in_tables = true\n")?;
    let server = serve(place.path())?;
    let all = server.at("api/v1/deployments/site/detections");
    let (_, run) = send("POST", &all, &[], &serde_json::json!({ "detector": "whistle" }))?;
    over(&server, &run)?;
    let truth = json(&format!("{all}/{}/recall", run["id"]))?["truth"].clone();
    assert_eq!((&truth["tables"], &truth["buffer_s"]), (&1.into(), &1.5.into()), "{truth}");
    assert_eq!(truth["other_labels"], serde_json::json!(["boat"]));
    let group = &truth["classes"][0]["groups"][0];
    assert_eq!(
        (&group["calls"], group["found"].as_array().map(Vec::len)),
        (&4.into(), Some(3)),
        "{truth}"
    );
    Ok(())
}

#[test]
fn a_network_is_run_with_an_adapter_which_stands_in_every_row() -> anyhow::Result<()> {
    let home = data_home(&["tiny"])?;
    put_adapter(home.path(), "gulf")?;
    let place = TempDir::new()?;
    let sound = sounds::noise(0.1, 30.0, 16_000);
    sounds::write_wav(&place.path().join("site"), "x_20210601_003000.wav", &sound, 16_000)?;
    let server = Server::start_of(home.path(), ["--data".as_ref(), place.path().as_os_str()])?;
    let all = server.at("api/v1/deployments/site/detections");
    // Whatever this network of random weights says of noise is a candidate.
    let config = "detection: {model: {keep_from: 0.001, threshold: 0.001}}";
    let run = |adapter: Option<&str>| -> anyhow::Result<Value> {
        let wanted = serde_json::json!({ "model": "tiny", "adapter": adapter, "config": config });
        let (status, run) = send("POST", &all, &[], &wanted)?;
        anyhow::ensure!(status == 202, "{run}");
        over(&server, &run)
    };
    let (plain, adapted) = (run(None)?, run(Some("gulf"))?);
    assert_ne!(plain["id"], adapted["id"]);
    assert_eq!(adapted["title"], "tiny with gulf", "{adapted}");
    assert_eq!(
        (&plain["source"]["adapter"], &adapted["source"]["adapter"]),
        (&Value::Null, &"gulf".into())
    );
    assert_ne!(plain["source"]["fingerprint"], adapted["source"]["fingerprint"]);
    let mut table = get(&format!("{all}/{}/table?format=csv", adapted["id"]), &[])?;
    let table = table.body_mut().read_to_string()?;
    let mut rows = table.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap_or_default();
    let cell = |row: &[&str], name: &str| {
        let at = header.iter().position(|column| *column == name);
        at.and_then(|at| row.get(at)).map(|cell| (*cell).to_owned()).unwrap_or_default()
    };
    let rows: Vec<Vec<&str>> = rows.collect();
    assert!(!rows.is_empty(), "{table}");
    for row in &rows {
        assert_eq!((cell(row, "model"), cell(row, "adapter")), ("tiny".into(), "gulf".into()));
        assert_eq!(cell(row, "config_hash"), adapted["source"]["config_hash"]);
        assert!(cell(row, "software").starts_with("spyhop "), "{row:?}");
    }
    for (wanted, part) in [
        (
            serde_json::json!({ "model": "tiny", "adapter": "gulff" }),
            "there is no adapter 'gulff' on this server, did you mean 'gulf'?",
        ),
        (serde_json::json!({ "model": "gulf" }), "there is no network 'gulf'"),
        (
            serde_json::json!({ "model": "upcall-small", "adapter": "gulf" }),
            "names 3 classes, and the network has 5 outputs",
        ),
        (serde_json::json!({ "detector": "whistle", "adapter": "gulf" }), "goes with a model"),
    ] {
        let (status, problem) = send("POST", &all, &[], &wanted)?;
        assert_eq!(status, 400, "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|d| d.contains(part)), "{problem}");
    }
    Ok(())
}
