//! A story as one page and its data, opened from a disk.

use spyhop_tests::{Page, program, sounds};
use tempfile::TempDir;

use crate::{Stage, row_of, tone_in_noise};

const STORY: &str = "title = 'A tone'

[[steps]]
title = 'Listen'
text = 'It is *steady*.'
view = { src = 'set:bay', t = 2024-06-01T12:00:05Z, span = 4 }
sound = 'plays'
calls_shown = true

[[steps]]
view = { src = 'set:bay', t = 2024-06-01T12:00:14Z, span = 2 }

[[steps]]
view = { src = 'set:deep', span = 0.2 }
";

/// Exports the story of a place, beside the server; gives the address of its page on the disk.
fn exported(stage: &Stage) -> anyhow::Result<String> {
    let text = |name: &str| stage.path().join(name).to_string_lossy().into_owned();
    let (museum, place, state) = (text("museum"), text("place"), text("serving"));
    let args = ["story", "export", "tone", "--out", &museum, "--data", &place, "--state", &state];
    let done = program::run(args.into_iter().chain(["--kiosk"]))?;
    anyhow::ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(format!("file://{}", text("museum/tone.html")))
}

fn stage() -> anyhow::Result<Stage> {
    let folder = TempDir::new()?;
    let place = folder.path().join("place");
    let tone = tone_in_noise(1000.0, 20.0, 8000);
    sounds::write_wav(&place.join("bay"), "a_20240601_120000.wav", &tone, 8000)?;
    // FLAC is not written at such rates.
    let high = sounds::sine(30_000.0, 0.5, 0.5, 192_000);
    sounds::write_wav(&place.join("deep"), "b_20240601_120000.wav", &high, 192_000)?;
    let toml = b"name = 'The bay'\n[calibration]\nkind = 'upa_per_fullscale'\ndb = 170.0\n";
    sounds::write(&place.join("bay"), "deployment.toml", toml)?;
    sounds::write(&place.join("stories"), "tone.toml", STORY.as_bytes())?;
    let state = folder.path().join("serving").to_string_lossy().into_owned();
    Stage::serving_with(&["--state", &state], &place, folder, &[])
}

#[test]
fn an_exported_story_shows_and_sounds_from_a_disk_without_a_server() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let url = exported(&stage)?;
    let session = &mut stage.chromium.session;
    session.goto(&format!("{url}?v=1&src=set:bay&t=2024-06-01T12:00:05Z&span=4"))?;
    let mut page = Page { session };
    page.wait_until_ready()?;
    let picture = page.picture("#spectrogram")?;
    let row = picture.brightest_row(0.1..0.9) as f64;
    assert!((row - row_of(1000.0, (0.0, 4000.0), picture.height)).abs() <= 3.0, "row {row}");
    assert_eq!(page.view("t")?.as_deref(), Some("2024-06-01T12:00:05Z"), "on the same clock");
    page.wait_for("its name", |p| Ok(p.text("body")?.contains("The bay")))?;
    assert!(!page.text("body")?.contains("uncalibrated"), "levels are in pressure, as there");
    // The head moves only where a worker reads and a worklet plays.
    page.press("#play")?;
    page.wait_for("sound", |p| {
        let pressed = "return document.querySelector('#play').getAttribute('aria-pressed')";
        Ok(p.session.execute(pressed, serde_json::json!([]))?.as_str() == Some("true"))
    })?;
    Ok(())
}

#[test]
fn an_exported_story_opens_by_a_double_click_and_asks_nobody() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let url = exported(&stage)?;
    let session = &mut stage.chromium.session;
    session.goto(&url)?;
    let mut page = Page { session };
    page.wait_for("its address", |p| {
        let search = p.session.execute("return location.search", serde_json::json!([]))?;
        Ok(search.as_str().is_some_and(|s| s.contains("story=tone") && s.contains("kiosk=1")))
    })?;
    let told = page.session.execute(
        "return fetch('api/v1/stories/tone').then(r => r.json()).then(s => s.steps[0].text_html)",
        serde_json::json!([]),
    )?;
    assert_eq!(told, "<p>It is <em>steady</em>.</p>\n");
    let forms = page.session.execute(
        "return Promise.all(['bay', 'deep'].map(id => fetch('api/v1/deployments/' + id)
            .then(r => r.json()).then(d => d.recordings.map(r => r.format + ' ' + r.start))))",
        serde_json::json!([]),
    )?;
    // What the two steps show of the bay, and a tenth on either side, is near enough for one file.
    let starts = serde_json::json!([
        ["flac 2024-06-01T12:00:04.600000000Z"],
        ["flac 2024-06-01T12:00:00.000000000Z"]
    ]);
    assert_eq!(forms, starts);
    // All that was fetched lies on the disk or in memory.
    let asked = page.session.execute(
        "return performance.getEntriesByType('resource').map(e => e.name)
            .filter(n => !/^(file|blob|data):/.test(n))",
        serde_json::json!([]),
    )?;
    assert_eq!(asked, serde_json::json!([]));
    assert!(page.notices("error")?.is_empty());
    Ok(())
}

#[test]
fn what_is_labelled_is_drawn_without_a_server() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let label = |start: &str, label: &str| {
        serde_json::json!({ "start": { "clock": start }, "span_ns": 500_000_000u64, "low_hz": 800.0,
            "high_hz": 1200.0, "label": label, "author": "Ada" })
    };
    let labels = [
        label("2024-06-01T12:00:06Z", "tone"),
        label("2024-06-01T12:00:14.5Z", "hidden by its step"),
        label("2024-06-01T12:00:19.9Z", "unseen"),
    ];
    for one in labels {
        ureq::post(&stage.server.at("api/v1/deployments/bay/annotations")).send_json(&one)?;
    }
    let url = exported(&stage)?;
    let session = &mut stage.chromium.session;
    session.goto(&format!("{url}?v=1&src=set:bay&t=2024-06-01T12:00:05Z&span=4"))?;
    let mut page = Page { session };
    page.wait_until_ready()?;
    let told = page.session.execute(
        "return fetch('api/v1/deployments/bay/annotations').then(r => r.json())
            .then(a => a.annotations.map(one => [one.label, one.low_hz, one.start]))",
        serde_json::json!([]),
    )?;
    let start = serde_json::json!({ "clock": "2024-06-01T12:00:06.000000000Z" });
    assert_eq!(told, serde_json::json!([["tone", 800, start]]));
    page.press("#panel [data-tab=labels]")?;
    let rows =
        "return [...document.querySelectorAll('#labels tr[data-label] input')].map(i => i.value)";
    page.wait_for("its row", |p| {
        Ok(p.session.execute(rows, serde_json::json!([]))? == serde_json::json!(["tone"]))
    })
}
