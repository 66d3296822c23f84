use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU64;
use std::sync::mpsc;
use std::time::Instant;

use serde_json::json;
use spyhop_api::job::JobState;

use super::*;
use crate::work::registry::UnitContext;
use crate::work::unit::{Unit, UnitError};

/// A state folder that goes when the test ends.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn folder(name: &str) -> Folder {
    let path = std::env::temp_dir().join(format!("spyhop-engine-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    Folder(path)
}

fn quick(workers: u32) -> Settings {
    Settings {
        workers,
        retry_after: [5, 10].map(Duration::from_millis).to_vec(),
        rest: Duration::from_millis(20),
        ..Settings::default()
    }
}

fn start(folder: &Folder, registry: Registry, settings: Settings) -> Engine {
    let state = StateFolder::open(&folder.0).expect("state");
    Engine::start(Arc::new(state), registry, settings).expect("engine")
}

fn unit(key: &str) -> Unit {
    Unit::new(key, "test", json!(key))
}

fn job(key: &str, units: Vec<Unit>) -> Job {
    Job {
        key: key.into(),
        kind: "test".into(),
        title: key.into(),
        deployment: None,
        priority: Priority::BACKGROUND,
        units,
    }
}

/// Waits, for at most half a minute, until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A registry whose units note their keys down; one called `gate` waits for the sender first.
fn noting() -> (Registry, Arc<Mutex<Vec<String>>>, mpsc::Sender<()>) {
    let order: Arc<Mutex<Vec<String>>> = Arc::default();
    let (open, gate) = mpsc::channel();
    let (noted, gate) = (order.clone(), Mutex::new(gate));
    let mut registry = Registry::default();
    registry.add("test", move |key: String, _| {
        if key == "gate" {
            gate.lock().expect("gate").recv().expect("opened");
        }
        noted.lock().expect("order").push(key);
        Ok(())
    });
    (registry, order, open)
}

#[test]
fn what_a_person_looks_at_runs_before_the_rest_of_a_job() {
    let folder = folder("look");
    let (registry, order, open) = noting();
    let engine = start(&folder, registry, quick(1));
    let units = ["gate", "a", "b", "c"].map(unit).to_vec();
    let id = engine.submit(&job("j", units)).expect("submit").job;
    until("the gate is reached", || engine.snapshot().expect("read").running.len() == 1);
    engine.look_at(&["c".into()]).expect("look");
    open.send(()).expect("open");
    assert_eq!(engine.wait(id).expect("wait").state, JobState::Done);
    assert_eq!(*order.lock().expect("order"), ["gate", "c", "a", "b"]);
    let runs = engine.snapshot().expect("read").runs;
    assert!(runs.iter().zip(1..).all(|(run, number)| run.number == number && run.worker == 0));
}

#[test]
fn passing_errors_are_tried_again_and_lasting_ones_are_not() {
    let folder = folder("retry");
    let tries: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
    let counted = tries.clone();
    let mut registry = Registry::default();
    registry.add("test", move |key: String, _| {
        let n = {
            let mut tries = counted.lock().expect("tries");
            let n = tries.entry(key.clone()).or_default();
            *n += 1;
            *n
        };
        match (key.as_str(), n) {
            ("passes", 3) => Ok(()),
            ("broken", _) => Err(UnitError::lasting("broken.wav is damaged")),
            ("panics", _) => panic!("of all things"),
            _ => Err(UnitError::passing("the store does not answer")),
        }
    });
    let engine = start(&folder, registry, quick(2));
    let units = ["passes", "never", "broken", "panics"].map(unit).to_vec();
    let id = engine.submit(&job("j", units)).expect("submit").job;
    let end = engine.wait(id).expect("wait");
    assert_eq!((end.state, end.done, end.failed), (JobState::Failed, 1, 3));
    let counts: Vec<u32> = tries.lock().expect("tries").values().copied().collect();
    assert_eq!(counts, [1, 3, 1, 3], "broken, never, panics, passes");
    let failures = engine.job(id).expect("job").failures;
    let of = |key: &str| failures.iter().find(|f| f.unit == key).expect("listed").message.clone();
    assert_eq!(of("broken"), "broken.wav is damaged");
    assert!(of("panics").contains("of all things"));

    engine.retry_unit("never").expect("retry");
    until("it was tried again", || tries.lock().expect("tries")["never"] == 6);
    until("it has failed again", || engine.job(id).expect("job").job.failed == 3);
}

#[test]
fn a_cancelled_unit_stops_and_a_job_that_goes_on_takes_it_up_again() {
    let folder = folder("cancel");
    let mut registry = Registry::default();
    let is_free = Arc::new(AtomicBool::new(false));
    let free = is_free.clone();
    registry.add("test", move |_: String, context: &UnitContext| {
        while !free.load(Ordering::Relaxed) {
            context.go_on()?;
            context.progress(0.5);
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    });
    let engine = start(&folder, registry, quick(2));
    let one = engine.submit(&job("1", vec![unit("a"), unit("shared")])).expect("1").job;
    let two = engine.submit(&job("2", vec![unit("shared")])).expect("2").job;
    until("both run", || engine.snapshot().expect("read").running.len() == 2);
    until("half is done", || {
        engine.snapshot().expect("read").jobs.iter().any(|j| j.id == one && j.fraction > 0.49)
    });
    engine.cancel(one).expect("cancel");
    assert_eq!(engine.wait(one).expect("wait").state, JobState::Cancelled);
    until("only what two needs runs", || engine.snapshot().expect("read").running.len() == 1);
    assert_eq!(engine.job(two).expect("job").job.state, JobState::Running);

    // What another process writes into the ledger is obeyed, too.
    let mut beside = Ledger::look(&folder.0).expect("look");
    beside.wish(two, Wish::Pause, now_ms()).expect("pause");
    until("nothing runs", || engine.snapshot().expect("read").running.is_empty());
    assert_eq!(engine.job(two).expect("job").job.state, JobState::Paused);
    beside.wish(one, Wish::GoOn, now_ms()).expect("go on");
    beside.wish(two, Wish::GoOn, now_ms()).expect("go on");
    is_free.store(true, Ordering::Relaxed);
    assert_eq!(engine.wait(one).expect("wait").state, JobState::Done);
    assert_eq!(engine.wait(two).expect("wait").state, JobState::Done);
    assert!(matches!(engine.cancel(99), Err(WorkError::NoJob(99))));
}

#[test]
fn units_run_side_by_side_only_as_long_as_they_fit_into_the_memory() {
    let folder = folder("memory");
    let (now, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (used, peak) = (now, most.clone());
    let mut registry = Registry::default();
    registry.add("test", move |bytes: u64, _| {
        peak.fetch_max(used.fetch_add(bytes, Ordering::SeqCst) + bytes, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(2));
        used.fetch_sub(bytes, Ordering::SeqCst);
        Ok(())
    });
    let engine = start(&folder, registry, Settings { memory_bytes: 100, ..quick(4) });
    let units = (0..40u64).map(|i| {
        let bytes = [10, 45, 60, 30][i as usize % 4];
        Unit { memory_bytes: bytes, ..Unit::new(i.to_string(), "test", json!(bytes)) }
    });
    let id = engine.submit(&job("j", units.collect())).expect("submit").job;
    assert_eq!(engine.wait(id).expect("wait").done, 40);
    assert!((60..=100).contains(&most.load(Ordering::SeqCst)), "{most:?}");
    let huge = Unit { memory_bytes: 1000, ..Unit::new("huge", "test", json!(1000)) };
    let id = engine.submit(&job("huge", vec![huge])).expect("submit").job;
    assert_eq!(engine.wait(id).expect("wait").state, JobState::Done, "alone it runs");
}

#[test]
fn a_full_disk_lets_everything_rest_and_blames_no_unit() {
    let folder = folder("full");
    let is_full = Arc::new(AtomicBool::new(true));
    let full = is_full.clone();
    let mut registry = Registry::default();
    registry.add("test", move |key: String, _| {
        if full.load(Ordering::Relaxed) {
            let error = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(UnitError::of_file(&error, Path::new(&key)));
        }
        Ok(())
    });
    let engine = start(&folder, registry, quick(2));
    let units = ["a", "b", "c", "d"].map(unit).to_vec();
    let id = engine.submit(&job("j", units)).expect("submit").job;
    until("the page says so", || {
        let trouble = engine.snapshot().expect("read").trouble;
        trouble.is_some_and(|t| t.contains("disk is full"))
    });
    assert_eq!(engine.job(id).expect("job").job.failed, 0);
    is_full.store(false, Ordering::Relaxed);
    assert_eq!(engine.wait(id).expect("wait").done, 4);
    assert_eq!(engine.snapshot().expect("read").trouble, None);
}

#[test]
fn a_ledger_that_can_t_be_written_loses_no_result() {
    let folder = folder("ledger");
    let (registry, order, open) = noting();
    let engine = start(&folder, registry, quick(1));
    let id = engine.submit(&job("j", vec![unit("gate"), unit("a")])).expect("submit").job;
    until("the gate is reached", || engine.snapshot().expect("read").running.len() == 1);
    engine.shared.core().ledger.refuse_writes(true);
    open.send(()).expect("open");
    until("the page says so", || {
        let trouble = engine.snapshot().expect("read").trouble;
        trouble.is_some_and(|t| t.contains("may only be read"))
    });
    engine.shared.core().ledger.refuse_writes(false);
    assert_eq!(engine.wait(id).expect("wait").state, JobState::Done);
    assert_eq!(*order.lock().expect("order"), ["gate", "a"], "nothing was done twice");
}

#[test]
fn what_somebody_deleted_is_made_again_when_its_job_is_submitted() {
    let folder = folder("deleted");
    let out = folder.0.join("out");
    std::fs::create_dir_all(&out).expect("folder");
    let to = out.clone();
    let mut registry = Registry::default();
    registry.add("test", move |key: String, _| {
        let path = to.join(&key);
        std::fs::write(&path, &key).map_err(|e| UnitError::of_file(&e, &path))?;
        Ok(path)
    });
    registry.check("test", |path: PathBuf| path.is_file());
    let engine = start(&folder, registry, quick(2));
    let top = Unit { after: vec!["a".into(), "b".into()], ..unit("top") };
    let plan = job("j", vec![unit("a"), unit("b"), top]);
    let id = engine.submit(&plan).expect("submit").job;
    engine.wait(id).expect("wait");
    std::fs::remove_file(out.join("b")).expect("delete");
    engine.submit(&plan).expect("submit");
    engine.wait(id).expect("wait");
    assert_eq!(std::fs::read_to_string(out.join("b")).expect("again"), "b");
    assert_eq!(engine.snapshot().expect("read").runs.len(), 4, "and nothing else");
    assert_eq!(engine.keys("test").expect("keys").len(), 3);
}

/// The folder in which the test's child works.
const CHILD: &str = "SPYHOP_TEST_KILLED_CHILD";

/// Makes the files of a small pyramid, slowly enough to be killed in the middle.
fn build(state: &Path) -> Engine {
    let out = state.join("out");
    std::fs::create_dir_all(&out).expect("folder");
    let mut registry = Registry::default();
    registry.add("shard", move |(name, parts): (String, Vec<String>), context: &UnitContext| {
        let mut text = format!("{name}:");
        for part in &parts {
            let output = context.output_of(part).ok_or_else(|| UnitError::lasting("too early"))?;
            let path = out.join(output.as_str().unwrap_or_default());
            text += &std::fs::read_to_string(&path).map_err(|e| UnitError::of_file(&e, &path))?;
        }
        std::thread::sleep(Duration::from_millis(8));
        let (whole, unfinished) = (out.join(&name), out.join(format!("{name}.unfinished")));
        std::fs::write(&unfinished, text)
            .and_then(|()| std::fs::rename(&unfinished, &whole))
            .map_err(|e| UnitError::of_file(&e, &whole))?;
        Ok(name)
    });
    let shard = |name: String, after: Vec<String>| {
        let payload = json!((&name, &after));
        Unit { after, ..Unit::new(name, "shard", payload) }
    };
    let names = |tier: usize, n: usize| (0..n).map(|i| format!("{tier}-{i}")).collect::<Vec<_>>();
    let mut units: Vec<Unit> = names(1, 60).into_iter().map(|n| shard(n, Vec::new())).collect();
    for (index, part) in names(1, 60).chunks(10).enumerate() {
        units.push(shard(format!("2-{index}"), part.to_vec()));
    }
    units.push(shard("3-0".into(), names(2, 6)));
    let state = Arc::new(StateFolder::open(state).expect("state"));
    let engine = Engine::start(state, registry, quick(2)).expect("engine");
    engine.submit(&job("pyramid", units)).expect("submit");
    engine
}

/// Not a test: what the next one runs as a process of its own, and kills.
#[test]
fn a_child_to_kill() {
    if let Some(state) = std::env::var_os(CHILD) {
        let engine = build(Path::new(&state));
        engine.wait(1).expect("wait");
    }
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).expect("folder").map(|e| e.expect("entry"));
    entries
        .map(|e| {
            let text = std::fs::read_to_string(e.path()).expect("read");
            (e.file_name().to_string_lossy().into_owned(), text)
        })
        .collect()
}

#[test]
fn a_build_that_is_killed_again_and_again_ends_like_an_undisturbed_one() {
    let undisturbed = folder("undisturbed");
    let engine = build(&undisturbed.0);
    assert_eq!(engine.wait(1).expect("wait").done, 67);
    drop(engine);

    let killed = folder("killed");
    let own = std::env::current_exe().expect("own path");
    let mut finished: BTreeMap<String, i64> = BTreeMap::new();
    let mut kills = 0;
    for life_ms in (0..).map(|n| 40 + n * 37 % 130) {
        let mut child = Command::new(&own)
            .args(["--exact", "work::engine::tests::a_child_to_kill"])
            .env(CHILD, &killed.0)
            .stdout(Stdio::null())
            .spawn()
            .expect("child");
        std::thread::sleep(Duration::from_millis(life_ms));
        let ended = child.try_wait().expect("child");
        child.kill().expect("kill");
        child.wait().expect("child");
        if let Ok(ledger) = Ledger::look(&killed.0) {
            let now = ledger.finished_times().expect("read");
            for (key, at) in &finished {
                assert_eq!(now.get(key), Some(at), "{key} was done, and is done a second time");
            }
            finished = now;
        }
        if let Some(status) = ended {
            assert!(status.success());
            break;
        }
        kills += 1;
        assert!(kills < 300, "it gets somewhere between two kills");
    }
    assert!(kills >= 3, "killed {kills} times");
    assert_eq!(finished.len(), 67);
    assert_eq!(files(&killed.0.join("out")), files(&undisturbed.0.join("out")));
}
