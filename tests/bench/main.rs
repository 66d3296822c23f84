//! Measures the page in headless Chromium, side by side with wavesurfer.js: from dropping a WAV file
//! of 192 kHz to its first picture and to the exact one, memory, frame times, bytes.
//!
//! `make bench` runs it; `page-bench ours|wavesurfer SECONDS…` runs part of it.

mod renderer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use spyhop_signal::formats::wav_writer::{WavCoding, WavWriter};
use spyhop_tests::chromium::Chromium;
use spyhop_tests::meter::Meter;
use spyhop_tests::static_host::{Manners, StaticHost};
use spyhop_tests::webdriver::Session;
use spyhop_tests::{Page, Server};

const RATE_HZ: u32 = 192_000;
/// 23 MB, 230 MB and 1 GB.
const SECONDS: [u32; 3] = [60, 600, 2700];
/// Longer than anyone waits for a picture.
const PATIENCE: Duration = Duration::from_secs(240);

/// What one drop gave; `None` where it did not come to that.
#[derive(Default)]
struct Dropped {
    first_s: Option<f64>,
    exact_s: Option<f64>,
    memory_mb: Option<f64>,
    note: String,
}

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let which = args.next().unwrap_or_else(|| "both".into());
    let chosen: Vec<u32> = args.filter_map(|a| a.parse().ok()).collect();
    let seconds = if chosen.is_empty() { SECONDS.to_vec() } else { chosen };
    let folder = cache()?.join("bench");
    std::fs::create_dir_all(&folder)?;
    println!("| file | page | first picture | exact | memory over an empty page | |");
    println!("|---|---|--:|--:|--:|---|");
    for seconds in seconds {
        let file = sweeps(&folder, seconds)?;
        let name = format!("{:.0} MB", std::fs::metadata(&file)?.len() as f64 / 1e6);
        if which != "wavesurfer" {
            print_row(&name, "Spyhop", &ours(&file)?);
        }
        if which != "ours" {
            print_row(&name, "wavesurfer.js", &wavesurfer(&file)?);
        }
    }
    if which != "wavesurfer" {
        gestures(&sweeps(&folder, SECONDS[1])?)?;
    }
    Ok(())
}

fn print_row(file: &str, page: &str, dropped: &Dropped) {
    let seconds = |v: Option<f64>| v.map_or("–".to_owned(), |v| format!("{v:.2} s"));
    let memory = dropped.memory_mb.map_or("–".to_owned(), |v| format!("{v:.0} MB"));
    let (first, exact) = (seconds(dropped.first_s), seconds(dropped.exact_s));
    println!("| {file} | {page} | {first} | {exact} | {memory} | {} |", dropped.note);
}

fn cache() -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("SPYHOP_CACHE").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|h| Path::new(&h).join(".cache/spyhop"));
    named.or_else(home).context("SPYHOP_CACHE or HOME must be set")
}

/// A WAV file of sweeps between 5 and 11 kHz in noise; made once.
fn sweeps(folder: &Path, seconds: u32) -> anyhow::Result<PathBuf> {
    let file = folder.join(format!("sweeps-{seconds}s.wav"));
    let part = folder.join("sweeps.part");
    if !file.is_file() {
        let to = std::io::BufWriter::new(std::fs::File::create(&part)?);
        let mut writer = WavWriter::new(to, WavCoding::Pcm16, 1, RATE_HZ, &[])?;
        let (mut phase, mut state) = (0.0f64, 1u32);
        for second in 0..seconds {
            let samples: Vec<i16> = (0..RATE_HZ)
                .map(|i| {
                    let t = f64::from(second) + f64::from(i) / f64::from(RATE_HZ);
                    phase += (8000.0 + 3000.0 * (2.0 * t).sin()) / f64::from(RATE_HZ);
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let noise = f64::from(state >> 16) / 32768.0 - 1.0;
                    (8000.0 * (std::f64::consts::TAU * phase).sin() + 1000.0 * noise) as i16
                })
                .collect();
            writer.write_i16(&samples)?;
        }
        writer.finish()?;
        std::fs::rename(&part, &file)?;
    }
    Ok(file)
}

/// Watches our page from the drop on: when the whole file is on the picture, and when it is exact.
const WATCH: &str = "
    window.bench = {};
    const page = document.querySelector('#page');
    page.addEventListener('drop', () => { bench.begun = performance.now(); }, true);
    const painted = () => {
        const c = document.querySelector('#spectrogram');
        if (!c || !c.width) return false;
        const g = c.getContext('2d');
        return [...Array(50).keys()].every(i => {
            const d = g.getImageData(Math.floor((i + 0.5) / 50 * c.width), 0, 1, c.height).data;
            return d.some((v, i) => i % 4 !== 3 && v !== d[i % 4]);
        });
    };
    const look = () => {
        if (bench.begun && page.dataset.stage === 'viewing') {
            const now = performance.now() - bench.begun;
            const [, , tiles] = page.dataset.progress.split('/').map(Number);
            if (!bench.first && tiles > 0 && painted()) {
                bench.first = now;
                bench.firstAt = performance.timeOrigin + performance.now();
            }
            if (bench.first && page.dataset.state === 'ready') { bench.exact = now; return; }
        }
        requestAnimationFrame(look);
    };
    look();";

fn ours(file: &Path) -> anyhow::Result<Dropped> {
    let folder = tempfile::TempDir::new()?;
    let server = Server::start(["--data".as_ref(), folder.path().as_os_str()])?;
    let meter = Meter::before(&server.url)?;
    let mut chromium = Chromium::start(&[])?;
    chromium.session.goto("about:blank")?;
    let driver = chromium.driver_id();
    let empty = renderer::peak_bytes(driver);
    chromium.session.goto(&meter.url)?;
    let mut page = Page { session: &mut chromium.session };
    page.wait_for_stage("first")?;
    page.session.execute(WATCH, json!([]))?;
    let_settle(file)?;
    page.choose(&[file])?;
    wait(page.session, "bench.first")?;
    let first_at = page.session.execute("return bench.firstAt;", json!([]))?;
    let bytes = meter.bytes_until(first_at.as_f64().unwrap_or(f64::INFINITY));
    wait(page.session, "bench.exact")?;
    let [first, exact] = ["first", "exact"].map(|k| format!("return bench.{k};"));
    let first_s = page.session.execute(&first, json!([]))?.as_f64().map(|ms| ms / 1e3);
    let exact_s = page.session.execute(&exact, json!([]))?.as_f64().map(|ms| ms / 1e3);
    let backend = page.data("backend")?;
    let peak = renderer::peak_bytes(driver);
    // After the memory was read: the samples that this transforms are its own.
    let speed = "return import('./spyhop-app.js').then(app => app.speed_in_memory(3000));";
    let in_memory = page.session.execute(speed, json!([]))?.as_f64().unwrap_or(f64::NAN);
    let samples = (std::fs::metadata(file)?.len() / 2) as f64;
    let exactly = exact_s.map_or(f64::NAN, |s| samples / s);
    Ok(Dropped {
        first_s,
        exact_s,
        memory_mb: Some(peak.saturating_sub(empty) as f64 / 1e6),
        note: format!(
            "{backend}; {:.0} Msamples/s exactly, {:.0} % of {:.0} in memory; \
             {:.0} kB transferred up to the first picture",
            exactly / 1e6,
            100.0 * exactly / in_memory,
            in_memory / 1e6,
            bytes as f64 / 1e3
        ),
    })
}

/// A person takes a moment to find the file, and it is in the system's cache, for either page.
fn let_settle(file: &Path) -> anyhow::Result<()> {
    std::io::copy(&mut std::fs::File::open(file)?, &mut std::io::sink())?;
    std::thread::sleep(Duration::from_secs(2));
    Ok(())
}

fn wait(session: &mut Session, what: &str) -> anyhow::Result<()> {
    session.wait_until(what, PATIENCE, |session| {
        let done = session.execute(&format!("return {what};"), json!([]))?;
        if done.is_null() {
            let state = session
                .execute("return document.querySelector('#page')?.dataset.progress;", json!([]))?;
            return Ok(Err(state.to_string()));
        }
        Ok(Ok(()))
    })
}

/// The peer: its own page, the same file by the same way.
fn wavesurfer(file: &Path) -> anyhow::Result<Dropped> {
    let folder = cache()?.join("wavesurfer");
    let page = include_str!("wavesurfer.html");
    std::fs::write(folder.join("index.html"), page).context("first type  .ci/tools wavesurfer")?;
    let host = StaticHost::start(&folder, Manners { prefix: "/", ranges: true, cors: false })?;
    let mut chromium = Chromium::start(&[])?;
    chromium.session.goto("about:blank")?;
    let empty = renderer::peak_bytes(chromium.driver_id());
    chromium.session.goto(&host.url)?;
    let mut outcome = Dropped::default();
    let_settle(file)?;
    let run = |session: &mut Session| -> anyhow::Result<Value> {
        session.send_keys("#file", &file.display().to_string())?;
        session.wait_until("wavesurfer's picture", PATIENCE, |session| {
            let done = session.execute("return window.outcome;", json!([]))?;
            Ok(if done.is_null() { Err("still drawing".into()) } else { Ok(done) })
        })
    };
    match run(&mut chromium.session) {
        Ok(done) => {
            outcome.note = done["error"].as_str().unwrap_or_default().to_owned();
            let drawn_s = done["drawn_ms"].as_f64().map(|ms| ms / 1e3);
            outcome.first_s = drawn_s.filter(|_| outcome.note.is_empty());
            outcome.exact_s = outcome.first_s;
        }
        Err(error) => {
            let said = format!("{error:#}");
            let crashed = said.contains("crash") || said.contains("disconnected");
            outcome.note = if crashed { "the tab crashed".into() } else { said };
        }
    }
    let peak = renderer::peak_bytes(chromium.driver_id());
    outcome.memory_mb = (peak > empty).then(|| (peak - empty) as f64 / 1e6);
    Ok(outcome)
}

/// Moves the wheel over the picture sixty times a second and notes how long each frame took.
const GESTURES: &str = "
    const overlay = document.querySelector('#overlay');
    const r = overlay.getBoundingClientRect();
    const x = r.x + 0.6 * r.width, y = r.y + 0.7 * r.height;
    const times = [], long = [];
    new PerformanceObserver(l => l.getEntries().forEach(e => long.push(e.duration)))
        .observe({type: 'longtask'});
    return new Promise(done => {
        let last = performance.now(), n = 0;
        const step = () => {
            const now = performance.now();
            times.push(now - last);
            last = now;
            if (++n > 600) {
                times.sort((a, b) => a - b);
                const at = p => times[Math.floor(p * (times.length - 1))];
                done({median: at(0.5), p95: at(0.95), worst: at(1), long: long.length, longest: Math.max(0, ...long)});
                return;
            }
            const zoom = n % 200 < 100;
            const delta = zoom ? (n % 100 < 50 ? -60 : 60) : (n % 100 < 50 ? 40 : -40);
            overlay.dispatchEvent(new WheelEvent('wheel', {
                clientX: x, clientY: y, ctrlKey: zoom, deltaX: zoom ? 0 : delta, deltaY: zoom ? delta : 0,
                bubbles: true, cancelable: true}));
            requestAnimationFrame(step);
        };
        requestAnimationFrame(step);
    });";

fn gestures(file: &Path) -> anyhow::Result<()> {
    let folder = tempfile::TempDir::new()?;
    let server = Server::start(["--data".as_ref(), folder.path().as_os_str()])?;
    let mut chromium = Chromium::start(&[])?;
    chromium.session.goto(&format!("{}?gpu=off", server.url))?;
    let mut page = Page { session: &mut chromium.session };
    page.open(&[file])?;
    let t = page.session.execute(GESTURES, json!([]))?;
    let ms = |key: &str| t[key].as_f64().unwrap_or(f64::NAN);
    println!();
    println!(
        "| 10 s of zooming and panning on the CPU path | median | 95 % | worst | tasks over 50 ms |"
    );
    println!("|---|--:|--:|--:|--:|");
    println!(
        "| frame time | {:.1} ms | {:.1} ms | {:.1} ms | {} (longest {:.0} ms) |",
        ms("median"),
        ms("p95"),
        ms("worst"),
        t["long"],
        ms("longest")
    );
    Ok(())
}
