//! What was trained on the server's machine is told to this machine, and else to the administrator.

use std::process::Command;

use spyhop_tests::{Server, program};
use tempfile::TempDir;
use ureq::http::StatusCode;

use crate::{get, json};

/// A state folder that knows of a training that failed at once: it has no recordings.
fn state() -> anyhow::Result<TempDir> {
    let folder = TempDir::new()?;
    let at = folder.path();
    // Windows of a recording that is not there.
    let run = |words: &[&str]| {
        Command::new(program::path()?)
            .args(words)
            .current_dir(at)
            .output()
            .map_err(anyhow::Error::from)
    };
    let demo = run(&["demo", "sea", "--seed", "3", "--only", "bank-in-march"])?;
    anyhow::ensure!(demo.status.success());
    std::fs::write(
        at.join("train.yaml"),
        "preprocess: {window_s: 1.7, label_mapping: {upcall: upcall}}",
    )?;
    let cut =
        run(&["dataset", "tables", "sea", "--config", "train.yaml", "--out", "windows.parquet"])?;
    anyhow::ensure!(cut.status.success(), "{}", String::from_utf8_lossy(&cut.stderr));
    std::fs::rename(at.join("sea"), at.join("elsewhere"))?;
    let trained = run(&[
        "train",
        "--config",
        "train.yaml",
        "--set",
        "general.run_name=poor",
        "--state",
        "state",
    ])?;
    assert_eq!(trained.status.code(), Some(1));
    Ok(folder)
}

#[test]
fn a_run_that_failed_is_told_with_its_reason_and_its_settings() -> anyhow::Result<()> {
    let folder = state()?;
    let (place, state) = (TempDir::new()?, folder.path().join("state"));
    let args = |more: &[&str]| {
        let mut args = vec!["--data".to_owned(), place.path().display().to_string()];
        args.extend(["--state".to_owned(), state.display().to_string()]);
        args.extend(more.iter().map(|word| (*word).to_owned()));
        args
    };
    let server = Server::start(args(&[]))?;
    let list = json(&server.at("api/v1/runs"))?;
    let run = &list["runs"][0];
    assert_eq!((&run["name"], &run["state"]), (&"poor".into(), &"failed".into()), "{list}");
    assert!(run["problem"].as_str().is_some_and(|p| p.contains("bank-in-march")), "{run}");
    let id = run["id"].as_str().unwrap_or_default();
    let one = json(&server.at(&format!("api/v1/runs/{id}")))?;
    assert_eq!(one["run"]["settings"]["preprocess.window_s"], "1.7", "{one}");
    assert_eq!(one["untold"], 0);
    let none = get(&server.at("api/v1/runs/nobody"), &[])?;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
    // Pages of other sites may read recordings, and not which folders there are.
    let answer = get(&server.at("api/v1/runs"), &[("origin", "https://elsewhere.example")])?;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let document = json(&server.at("api/v1/openapi.json"))?;
    assert!(document["paths"]["/api/v1/runs/{id}"]["get"].is_object());
    drop(server);

    let server = Server::start(args(&["--public-url", "https://whales.example/"]))?;
    let answer = get(&server.at("api/v1/runs"), &[])?;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let token = std::fs::read_to_string(state.join("administrator-token"))?;
    let bearer = format!("Bearer {}", token.trim());
    let answer = get(&server.at("api/v1/runs"), &[("authorization", &bearer)])?;
    assert_eq!(answer.status(), StatusCode::OK);
    Ok(())
}
