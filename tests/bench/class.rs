//! Measures a class: how long after the leader each of 200 followers is told, what it costs, and what is lost.
//!
//! `make bench-class` runs it. Leader, followers and server share this machine's cores; the delay is from the
//! moment before the leader's message is handed to its socket to the moment after a follower has read it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;
use spyhop_api::room::{FromMember, JoinRequest, Joined, RoomCopy, RoomEvent, ToMember};
use spyhop_api::{Moment, Pointed, Shown, View};
use spyhop_tests::class::{Socket, join, make, socket};
use spyhop_tests::{Server, program};
use tempfile::TempDir;
use tungstenite::Message;
use tungstenite::stream::MaybeTlsStream;

/// Followers, and those of them that fetch tiles as a page does after each view.
const FOLLOWERS: usize = 200;
const READERS: usize = 30;
/// Views that the leader shows, and how long each stays: ten a second is somebody who pans.
const VIEWS: usize = 150;
const EVERY: Duration = Duration::from_millis(100);
/// Pointers between two views: as often as a page sends them.
const POINTERS: usize = 2;
/// Tiles that a picture of a deployment takes where nothing of it is there yet.
const TILES_A_VIEW: usize = 12;
/// After this a step is lost.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> anyhow::Result<()> {
    let place = TempDir::new()?;
    let folder = place.path().display().to_string();
    let made = program::run(["demo", &folder, "--only", "bank-in-march"])?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let server = Server::start(["--data", &folder])?;
    let tiles = tiles(&server)?;
    println!(
        "| a class of {FOLLOWERS} on this machine, {VIEWS} views | median | 95 % | most | lost |"
    );
    println!("|---|--:|--:|--:|--:|");
    let before = memory_mb(&server, "VmRSS:")?;
    let mut bytes_a_view = 0.0;
    for (what, tiles) in [("nothing else", &[][..]), ("with tiles", &tiles)] {
        let measured = lesson(&server, tiles)?;
        let Measured { mut delays_ms, lost, bytes, fetched } = measured;
        delays_ms.sort_by(f64::total_cmp);
        let at = |share: f64| delays_ms[((delays_ms.len() - 1) as f64 * share) as usize];
        let what = match fetched {
            0 => what.to_owned(),
            _ => format!("{READERS} of them fetch {TILES_A_VIEW} tiles a view ({fetched} in all)"),
        };
        println!(
            "| {what} | {:.1} ms | {:.1} ms | {:.1} ms | {lost} |",
            at(0.5),
            at(0.95),
            at(1.0)
        );
        bytes_a_view = bytes as f64 / (FOLLOWERS * VIEWS) as f64;
        ensure!(lost == 0, "{lost} steps were lost");
    }
    let after = memory_mb(&server, "VmHWM:")?;
    println!(
        "| the server's memory before, and at its highest | {before:.0} MB | {after:.0} MB | | |"
    );
    println!(
        "| a view with {POINTERS} pointers, for one follower | {bytes_a_view:.0} bytes | | | |"
    );
    Ok(())
}

/// What one lesson cost.
struct Measured {
    delays_ms: Vec<f64>,
    lost: usize,
    bytes: u64,
    fetched: u64,
}

fn lesson(server: &Server, tiles: &[String]) -> anyhow::Result<Measured> {
    let made = make(&server.url, "v=1&src=set:bank-in-march")?;
    let asked = JoinRequest { leader_key: made.leader_key.clone(), ..JoinRequest::default() };
    let leader = join(&server.url, &made.code, &asked)?;
    let mut channel = socket(&server.url, &leader, "")?;
    let shared = Arc::new(Shared {
        sent: (0..VIEWS).map(|_| OnceLock::new()).collect(),
        is_over: AtomicBool::new(false),
        fetched: AtomicU64::new(0),
        here: Barrier::new(FOLLOWERS + 1),
        failures: Mutex::default(),
    });
    let tiles: Arc<[String]> = tiles.into();
    let mut followers = Vec::with_capacity(FOLLOWERS);
    for number in 0..FOLLOWERS {
        let member = join(&server.url, &made.code, &JoinRequest::default())?;
        let (url, shared, tiles) = (server.url.clone(), shared.clone(), tiles.clone());
        let reads = if number < READERS { tiles } else { Arc::from([]) };
        let builder = std::thread::Builder::new().stack_size(256 << 10);
        followers.push(builder.spawn(move || follow(&url, &member, number, &shared, &reads))?);
    }
    shared.here.wait();
    for (number, sent) in shared.sent.iter().enumerate() {
        let text = serde_json::to_string(&FromMember::Show { shown: shown(number) })?;
        let _ = sent.set(Instant::now());
        channel.send(Message::text(text))?;
        for pointer in 0..POINTERS {
            std::thread::sleep(EVERY / (POINTERS as u32 + 1));
            let at = Moment::Elapsed(i64::try_from(number * POINTERS + pointer)?);
            let following = spyhop_api::room::Following {
                head: None,
                pointer: Some(Pointed { at, hz: Some(440.0) }),
            };
            channel
                .send(Message::text(serde_json::to_string(&FromMember::Point { following })?))?;
        }
        std::thread::sleep(EVERY / (POINTERS as u32 + 1));
    }
    let mut measured = Measured { delays_ms: Vec::new(), lost: 0, bytes: 0, fetched: 0 };
    for follower in followers {
        let told = follower.join().ok().context("a follower broke")??;
        measured.lost += VIEWS - told.delays_ms.len();
        measured.bytes += told.bytes;
        measured.delays_ms.extend(told.delays_ms);
    }
    shared.is_over.store(true, Ordering::Relaxed);
    measured.fetched = shared.fetched.load(Ordering::Relaxed);
    let failures = shared.failures.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(failures.is_empty(), "tiles failed: {:?}", failures.first());
    channel.send(Message::text(serde_json::to_string(&FromMember::End)?))?;
    Ok(measured)
}

/// What all followers of a lesson have in common.
struct Shared {
    /// When each view was handed to the leader's socket.
    sent: Vec<OnceLock<Instant>>,
    is_over: AtomicBool,
    fetched: AtomicU64,
    here: Barrier,
    failures: Mutex<Vec<String>>,
}

/// What one follower was told.
#[derive(Default)]
struct Told {
    delays_ms: Vec<f64>,
    bytes: u64,
}

fn shown(number: usize) -> Shown {
    let view = format!("v=1&src=set:bank-in-march&span=60&f={}-500", number + 1);
    let (read, _) = View::from_query(&view);
    Shown { view: read.to_query(), ..Shown::default() }
}

fn follow(
    url: &str,
    member: &Joined,
    number: usize,
    shared: &Arc<Shared>,
    tiles: &Arc<[String]>,
) -> anyhow::Result<Told> {
    let channel = socket(url, member, "");
    let (turns, views) = std::sync::mpsc::channel::<usize>();
    if !tiles.is_empty() {
        let (shared, tiles, url) = (shared.clone(), tiles.clone(), url.to_owned());
        std::thread::spawn(move || {
            let agent = ureq::Agent::new_with_defaults();
            while let Ok(mut view) = views.recv() {
                // As a page does: what the view has left meanwhile is not fetched any more.
                while let Ok(newer) = views.try_recv() {
                    view = newer;
                }
                for tile in 0..TILES_A_VIEW {
                    let at = (view * TILES_A_VIEW + tile + number) % tiles.len();
                    let got = agent.get(format!("{url}{}", tiles[at])).call();
                    let read = got.and_then(|mut answer| answer.body_mut().read_to_vec());
                    match read {
                        Ok(_) => {
                            shared.fetched.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) if !shared.is_over.load(Ordering::Relaxed) => {
                            let failures = shared.failures.lock();
                            failures
                                .unwrap_or_else(PoisonError::into_inner)
                                .push(error.to_string());
                        }
                        Err(_) => return,
                    }
                }
            }
        });
    }
    // Whoever waits is let go in any case.
    shared.here.wait();
    let mut channel: Socket = channel?;
    if let MaybeTlsStream::Plain(stream) = channel.get_ref() {
        stream.set_read_timeout(Some(PATIENCE))?;
    }
    let numbers: std::collections::HashMap<String, usize> =
        (0..VIEWS).map(|number| (shown(number).view, number)).collect();
    let (mut told, mut copy) = (Told::default(), RoomCopy::default());
    while told.delays_ms.len() < VIEWS {
        // Silence is the end: what has not come by then is lost.
        let Ok(message) = channel.read() else { break };
        let now = Instant::now();
        let Message::Text(text) = message else { continue };
        told.bytes += text.len() as u64;
        let message: ToMember = serde_json::from_str(&text)?;
        ensure!(copy.take(&message), "a step is missing before {text}");
        let ToMember::Event { event: RoomEvent::Shown { shown }, .. } = message else { continue };
        let Some(number) = numbers.get(&shown.view) else { continue };
        if let Some(sent) = shared.sent.get(*number).and_then(OnceLock::get) {
            told.delays_ms.push(now.duration_since(*sent).as_secs_f64() * 1e3);
        }
        // The view counts for all tiles of the picture; who has ended fetches none.
        let _ = turns.send(*number);
    }
    Ok(told)
}

/// Addresses of tiles of the demo's deployment.
fn tiles(server: &Server) -> anyhow::Result<Vec<String>> {
    let begun = Instant::now();
    let base = "api/v1/deployments/bank-in-march";
    let get = |path: &str| -> anyhow::Result<Value> {
        Ok(ureq::get(server.at(path))
            .call()?
            .body_mut()
            .with_config()
            .limit(1 << 28)
            .read_json()?)
    };
    let info = loop {
        let info = get(&format!("{base}/pyramid")).unwrap_or_default()["pyramids"][0].clone();
        if info["built"].as_f64() == Some(1.0) {
            break info;
        }
        ensure!(begun.elapsed() < Duration::from_secs(300), "the pyramid is not built: {info}");
        std::thread::sleep(Duration::from_millis(200));
    };
    let deployment = get(base)?;
    let start = deployment["recordings"][0]["start"].as_str().context("a start")?;
    let start = spyhop_api::Timestamp::from_iso(start)?.0;
    let column_ns = info["column_ns"].as_i64().context("column_ns")?;
    let text = |key: &str| info[key].as_str().unwrap_or_default().to_owned();
    let (product, version) = (text("product"), text("version"));
    let tiles = (0..3i64).flat_map(|level| {
        let first = start.div_euclid((column_ns << level) * 256);
        let (product, version) = (product.clone(), version.clone());
        (0..20)
            .map(move |tile| format!("{base}/tiles/{product}/{version}/{level}/{}", first + tile))
    });
    let there = tiles.filter(|path| ureq::get(server.at(path)).call().is_ok()).collect::<Vec<_>>();
    ensure!(there.len() >= TILES_A_VIEW, "too few tiles: {}", there.len());
    Ok(there)
}

/// A line of what the system says of the server's memory, MB.
fn memory_mb(server: &Server, key: &str) -> anyhow::Result<f64> {
    let status =
        std::fs::read_to_string(Path::new("/proc").join(server.id().to_string()).join("status"))?;
    let kib: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .context("the server's memory")?;
    Ok(kib / 976.6)
}
