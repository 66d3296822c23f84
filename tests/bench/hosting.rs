//! Measures hosting: indexing, building the pyramid of thirty days, handing out tiles, and the page
//! over them in headless Chromium.
//!
//! `make bench-hosting` runs it; the pyramid beside scipy is `tests/python/bench_pyramid.py`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use spyhop_tests::chromium::Chromium;
use spyhop_tests::meter::Meter;
use spyhop_tests::{Page, Server, program, sounds};

/// Tiny files for the catalogue alone.
const TINY_FILES: usize = 20_000;
/// A whole build of thirty days takes minutes.
const PATIENCE: Duration = Duration::from_secs(1800);
/// Connections at the same time, and seconds of load.
const CONNECTIONS: &str = "16";
const LOAD_S: &str = "10";
/// The deployment of `spyhop demo --days`.
const SEASON: &str = "season";

fn main() -> anyhow::Result<()> {
    let folder = cache()?.join("bench");
    let month = folder.join("thirty-days");
    made(&["demo", &text(&month), "--days", "30"])?;
    println!("| hosting | |");
    println!("|---|--:|");
    index_rate(&folder, &month)?;
    let state = tempfile::TempDir::new()?;
    let place = tempfile::TempDir::new()?;
    let id = season_alone(&month, place.path())?;
    let args = ["--data".into(), text(place.path()), "--state".into(), text(state.path())];
    let server = Server::start(&args)?;
    build(&server, &id)?;
    drop(server);
    // A fresh process, so that no tile is in its memory.
    let server = Server::start(&args)?;
    tiles(&server, &id, &folder)?;
    page(&server, &id)
}

fn row(what: &str, figure: String) {
    println!("| {what} | {figure} |");
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn cache() -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("SPYHOP_CACHE").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|h| Path::new(&h).join(".cache/spyhop"));
    named.or_else(home).context("SPYHOP_CACHE or HOME must be set")
}

/// Runs a subcommand that must succeed; gives what it printed.
fn made(args: &[&str]) -> anyhow::Result<String> {
    let output = program::run(args)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "spyhop {}: {said}", args.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The thirty days without the demo's other deployments, by links.
fn season_alone(month: &Path, place: &Path) -> anyhow::Result<String> {
    let name = std::fs::read_dir(month)?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .find(|name| name.contains(SEASON) || name.contains("year"))
        .context("no deployment of thirty days in the demo")?;
    let (from, to) = (month.join(&name), place.join(&name));
    std::fs::create_dir_all(&to)?;
    for entry in std::fs::read_dir(from)?.flatten() {
        let to = to.join(entry.file_name());
        std::fs::hard_link(entry.path(), &to)
            .or_else(|_| std::fs::copy(entry.path(), to).map(drop))?;
    }
    Ok(name)
}

fn index_rate(folder: &Path, month: &Path) -> anyhow::Result<()> {
    let tiny = folder.join("tiny");
    if !tiny.join("complete").exists() {
        let samples = [0i16; 100];
        for i in 0..TINY_FILES {
            let name = format!("t_{:08}_{:06}.wav", 20_240_101 + i / 86_400, clock(i % 86_400));
            sounds::write_wav(&tiny.join(format!("{:03}", i / 1000)), &name, &samples, 1000)?;
        }
        sounds::write(&tiny, "complete", b"")?;
    }
    for (what, place) in [("tiny files", tiny.as_path()), ("files of thirty days", month)] {
        let state = tempfile::TempDir::new()?;
        let args = ["index", &text(place), "--state", &text(state.path()), "--json"];
        for (turn, args) in [("new", args), ("again, nothing changed", args)] {
            let begun = Instant::now();
            let said: Value = serde_json::from_str(&made(&args)?)?;
            let seconds = begun.elapsed().as_secs_f64();
            let files = said["recordings"].as_f64().unwrap_or(f64::NAN);
            row(
                &format!("indexing {files} {what}, {turn}"),
                format!("{seconds:.2} s, {:.0} files/s", files / seconds),
            );
        }
    }
    Ok(())
}

/// Seconds of a day as hhmmss.
fn clock(second: usize) -> usize {
    second / 3600 * 10_000 + second / 60 % 60 * 100 + second % 60
}

fn build(server: &Server, id: &str) -> anyhow::Result<()> {
    let begun = Instant::now();
    wait(server, id, |info| info["built"].as_f64() == Some(1.0))?;
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    row("building the pyramid of thirty days (2 kHz) while serving", format!("{minutes:.1} min"));
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id()))?;
    let peak_kib: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .context("the server's memory")?;
    row("the server's memory at its highest while building", format!("{:.0} MB", peak_kib / 976.6));
    Ok(())
}

fn get(url: &str) -> anyhow::Result<Vec<u8>> {
    Ok(ureq::get(url).header("accept-encoding", "gzip").call()?.body_mut().read_to_vec()?)
}

fn info(server: &Server, id: &str) -> anyhow::Result<Value> {
    let list: Value = ureq::get(server.at(&format!("api/v1/deployments/{id}/pyramid")))
        .call()?
        .body_mut()
        .read_json()?;
    Ok(list["pyramids"][0].clone())
}

fn wait(server: &Server, id: &str, done: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let begun = Instant::now();
    loop {
        let info = info(server, id).unwrap_or_default();
        if done(&info) {
            return Ok(info);
        }
        ensure!(begun.elapsed() < PATIENCE, "the pyramid is not built: {info}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Addresses of tiles over all levels that have something in them, the coarsest first.
fn addresses(server: &Server, id: &str) -> anyhow::Result<Vec<String>> {
    let info = wait(server, id, |info| info["built"].as_f64() == Some(1.0))?;
    let timeline: Value = ureq::get(server.at(&format!("api/v1/deployments/{id}")))
        .call()?
        .body_mut()
        .with_config()
        .limit(1 << 30)
        .read_json()?;
    let recordings = timeline["recordings"].as_array().context("recordings")?;
    let starts: Vec<i64> = recordings
        .iter()
        .filter_map(|r| spyhop_api::Timestamp::from_iso(r["start"].as_str()?).ok())
        .map(|t| t.0)
        .collect();
    let column_ns = info["column_ns"].as_i64().context("column_ns")?;
    let (product, version) = (&info["product"], &info["version"]);
    let base = format!(
        "api/v1/deployments/{id}/tiles/{}/{}",
        product.as_str().unwrap_or_default(),
        version.as_str().unwrap_or_default()
    );
    let mut all = Vec::new();
    for level in (0..=10).rev() {
        let tile_ns = (column_ns << level) * 256;
        let mut tiles: Vec<i64> = starts.iter().map(|start| start.div_euclid(tile_ns)).collect();
        tiles.dedup();
        all.extend(tiles.into_iter().take(200).map(|tile| format!("{base}/{level}/{tile}")));
    }
    Ok(all)
}

fn tiles(server: &Server, id: &str, folder: &Path) -> anyhow::Result<()> {
    let all = addresses(server, id)?;
    let mut cold: Vec<f64> = Vec::new();
    let mut bytes = 0;
    for path in &all {
        let begun = Instant::now();
        bytes += get(&server.at(path))?.len();
        cold.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    cold.sort_by(f64::total_cmp);
    let at = |share: f64| cold[((cold.len() - 1) as f64 * share) as usize];
    row(
        "a tile for the first time (stored, not in memory), one after the other",
        format!(
            "p50 {:.1} ms, p99 {:.1} ms, {:.0} kB",
            at(0.5),
            at(0.99),
            bytes as f64 / all.len() as f64 / 1e3
        ),
    );
    // What a page leafs through: a few hundred tiles, again and again.
    let paths: Vec<String> = all.iter().take(300).map(|path| format!("\"/{path}\"")).collect();
    let script = folder.join("tiles.lua");
    let lua = format!(
        "local paths = {{{}}}\nlocal n = 0\nrequest = function()\n  n = n + 1\n  \
         return wrk.format('GET', paths[n % #paths + 1], {{['Accept-Encoding'] = 'gzip'}})\nend\n",
        paths.join(",")
    );
    std::fs::write(&script, lua)?;
    let output = Command::new("wrk")
        .args(["-t1", "-c", CONNECTIONS, "-d", LOAD_S, "--latency", "-s", &text(&script)])
        .arg(&server.url)
        .output()
        .context("wrk is missing: apt-get install wrk")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let figure = |key: &str| {
        let line = said.lines().find(|line| line.trim_start().starts_with(key));
        line.and_then(|line| line.split_whitespace().last()).unwrap_or("?").to_owned()
    };
    row(
        &format!("warm tiles at {CONNECTIONS} connections, wrk beside the server on two cores"),
        format!("{} tiles/s, p50 {}, p99 {}", figure("Requests/sec"), figure("50%"), figure("99%")),
    );
    ensure!(!said.contains("Non-2xx"), "some tiles failed: {said}");
    Ok(())
}

/// From opening the link of thirty days to the complete picture, then one zoom down to 10 ms.
fn page(server: &Server, id: &str) -> anyhow::Result<()> {
    let meter = Meter::before(&server.url)?;
    let mut chromium = Chromium::start(&[])?;
    let mut page = Page { session: &mut chromium.session };
    page.session.goto(&meter.url)?;
    page.wait_for_stage("first")?;
    let link = format!("{}?v=1&src=set:{id}", meter.url);
    let begun = Instant::now();
    page.session.goto(&link)?;
    page.wait_until_ready()?;
    row(
        "from opening the link of thirty days to the complete picture",
        format!("{:.2} s", begun.elapsed().as_secs_f64()),
    );
    let (requests, bytes) = (meter.requests(), meter.bytes());
    let overlay = page.place("#overlay")?;
    let (x, y) = overlay.at(0.37, 0.6);
    let zoom = "const [x, y] = arguments; \
        document.querySelector('#overlay').dispatchEvent(new WheelEvent('wheel', {clientX: x, \
        clientY: y, ctrlKey: true, deltaY: -100, bubbles: true, cancelable: true}));";
    let mut steps = 0;
    while span_s(&mut page)? > 0.010 && steps < 400 {
        page.session.execute(zoom, json!([x, y]))?;
        std::thread::sleep(Duration::from_millis(30));
        steps += 1;
    }
    page.wait_until_ready()?;
    row(
        &format!("one zoom from thirty days to 10 ms in {steps} turns of the wheel"),
        format!(
            "{} requests, {:.1} MB",
            meter.requests() - requests,
            (meter.bytes() - bytes) as f64 / 1e6
        ),
    );
    Ok(())
}

/// Width of what is shown, seconds; everything while the link names no span.
fn span_s(page: &mut Page<'_>) -> anyhow::Result<f64> {
    let said = page.data("view")?;
    let (view, _) = spyhop_api::View::from_query(&said);
    Ok(view.span_ns.map_or(f64::INFINITY, |ns| ns as f64 * 1e-9))
}
