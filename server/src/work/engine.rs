//! Runs the units of the ledger on threads of this process.
//!
//! Workers are plain threads: a unit computes and waits for disks and stores, and may use rayon
//! inside. What a person sees goes out through a channel that always holds the latest state only, at
//! most ten times a second, so a slow reader is never behind.

mod reporter;
mod worker;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
#[cfg(test)]
use spyhop_api::job::JobProgress;
use spyhop_api::job::{JobDetail, JobsSnapshot, UnitRun};
use tokio::sync::watch;

use super::ledger::{Ledger, Submitted, Wish, WorkError};
use super::meter::Meter;
use super::now_ms;
use super::registry::Registry;
use super::unit::{Job, Priority};
use crate::state::StateFolder;

/// Memory that running units are given together, bytes: the server's own needs come on top.
const MEMORY_BYTES: u64 = 256 << 20;
/// Failures that an answer lists.
const FAILURES_LISTED: usize = 100;

/// How the engine works.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Threads that run units.
    pub workers: u32,
    /// Memory that running units are given together, bytes. A unit that alone takes more runs alone.
    pub memory_bytes: u64,
    /// How long a unit rests after its first passing error, its second, …; after the last one it has
    /// failed.
    pub retry_after: Vec<Duration>,
    /// How long everything rests while the disk is full, at first; then twice as long each time.
    pub rest: Duration,
}

impl Default for Settings {
    /// One worker a core.
    fn default() -> Settings {
        let cores = std::thread::available_parallelism().map_or(2, |n| n.get());
        Settings {
            workers: u32::try_from(cores).unwrap_or(2),
            memory_bytes: MEMORY_BYTES,
            retry_after: [1, 4, 16, 64].map(Duration::from_secs).to_vec(),
            rest: Duration::from_secs(2),
        }
    }
}

/// The engine. Dropping it stops it.
pub struct Engine {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the threads share.
struct Shared {
    core: Mutex<Core>,
    /// Something to do may have come up.
    work: Condvar,
    /// A unit ended, or a wish was made.
    ended: Condvar,
    /// Reads beside the writer.
    reader: Mutex<Ledger>,
    registry: Registry,
    settings: Settings,
    meter: Mutex<Meter>,
    latest: watch::Sender<Arc<JobsSnapshot>>,
    is_dirty: AtomicBool,
    /// Held until the last thread is gone.
    _state: Arc<StateFolder>,
}

struct Core {
    ledger: Ledger,
    /// By the unit's number in the ledger.
    running: HashMap<i64, Run>,
    runs: VecDeque<UnitRun>,
    ended: u64,
    trouble: Option<Trouble>,
    is_stopping: bool,
}

/// A unit that runs.
struct Run {
    worker: u32,
    key: String,
    kind: String,
    start_ms: i64,
    memory_bytes: u64,
    stop: Arc<AtomicBool>,
    fraction: Arc<AtomicU32>,
}

/// What keeps everything from running.
struct Trouble {
    message: String,
    until_ms: i64,
    rest_ms: i64,
}

impl Engine {
    /// Starts working on what the ledger of `state` holds.
    ///
    /// # Errors
    /// When the ledger can't be opened, or a thread can't be started.
    pub fn start(
        state: Arc<StateFolder>,
        registry: Registry,
        settings: Settings,
    ) -> Result<Engine, WorkError> {
        let mut ledger = Ledger::open(&state)?;
        ledger.recover(now_ms())?;
        let core = Core {
            ledger,
            running: HashMap::new(),
            runs: VecDeque::new(),
            ended: 0,
            trouble: None,
            is_stopping: false,
        };
        let workers = settings.workers.max(1);
        let shared = Arc::new(Shared {
            core: Mutex::new(core),
            work: Condvar::new(),
            ended: Condvar::new(),
            reader: Mutex::new(Ledger::open(&state)?),
            registry,
            settings,
            meter: Mutex::default(),
            latest: watch::Sender::new(Arc::default()),
            is_dirty: AtomicBool::new(true),
            _state: state,
        });
        let engine = Engine { shared: shared.clone(), threads: Mutex::default() };
        for number in 0..workers {
            let shared = shared.clone();
            engine.spawn(format!("work-{number}"), move || worker::run(&shared, number))?;
        }
        engine.spawn("work-reporter".into(), move || reporter::run(&shared))?;
        Ok(engine)
    }

    /// Notes a job down, or brings the one of the same key up to date: new units are added, vanished
    /// ones dropped, finished ones kept as long as their outputs are there. A job that a person
    /// paused or cancelled stays so; [`retry`](Engine::retry) makes it go on.
    ///
    /// # Errors
    /// When the plan can't be carried out, or the ledger can't be written.
    pub fn submit(&self, job: &Job) -> Result<Submitted, WorkError> {
        let submitted = self.shared.core().ledger.submit(job, now_ms())?;
        let registry = &self.shared.registry;
        // Looking at files takes its time: nobody is kept from the ledger meanwhile.
        let done =
            self.shared.reader().finished(submitted.job, |kind| registry.is_checked(kind))?;
        let gone: Vec<i64> = done
            .iter()
            .filter(|unit| !registry.is_there(&unit.kind, &unit.outputs))
            .map(|unit| unit.id)
            .collect();
        if !gone.is_empty() {
            self.shared.core().ledger.redo(&gone)?;
        }
        self.shared.wishes_changed()?;
        Ok(submitted)
    }

    /// Forgets a job: its deployment is no longer there.
    ///
    /// # Errors
    /// When the ledger can't be written.
    pub fn remove(&self, key: &str) -> Result<(), WorkError> {
        self.shared.core().ledger.remove(key)?;
        self.shared.wishes_changed()
    }

    /// Gives a job up. What is done is kept; what runs is told to stop, unless another job needs it.
    ///
    /// # Errors
    /// When there is no such job, or the ledger can't be written.
    pub fn cancel(&self, job: i64) -> Result<(), WorkError> {
        self.wish(job, Wish::Cancel)
    }

    /// Lets a job rest.
    ///
    /// # Errors
    /// When there is no such job, or the ledger can't be written.
    pub fn pause(&self, job: i64) -> Result<(), WorkError> {
        self.wish(job, Wish::Pause)
    }

    /// Makes a job go on: what failed is tried again, what was paused or cancelled waits.
    ///
    /// # Errors
    /// When there is no such job, or the ledger can't be written.
    pub fn retry(&self, job: i64) -> Result<(), WorkError> {
        self.wish(job, Wish::GoOn)
    }

    /// Tries one failed unit again.
    ///
    /// # Errors
    /// When there is no such unit, or the ledger can't be written.
    pub fn retry_unit(&self, key: &str) -> Result<(), WorkError> {
        self.shared.core().ledger.retry_unit(key)?;
        self.shared.wishes_changed()
    }

    /// Somebody looks at what these units make: they, and what they need, come before everything
    /// that waits. Keys of units that are done or unknown are passed over.
    ///
    /// # Errors
    /// When the ledger can't be written.
    pub fn look_at(&self, keys: &[String]) -> Result<(), WorkError> {
        let priority = Priority::looked_at(now_ms());
        self.shared.core().ledger.raise(keys, priority.0)
    }

    /// Everything as it is now.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub fn snapshot(&self) -> Result<JobsSnapshot, WorkError> {
        self.shared.snapshot()
    }

    /// Everything, whenever it has changed, at most ten times a second.
    pub fn changes(&self) -> watch::Receiver<Arc<JobsSnapshot>> {
        let receiver = self.shared.latest.subscribe();
        self.shared.is_dirty.store(true, Ordering::Relaxed);
        receiver
    }

    /// A job with its latest failures.
    ///
    /// # Errors
    /// When there is no such job, or the ledger can't be read.
    pub fn job(&self, id: i64) -> Result<JobDetail, WorkError> {
        let reader = self.shared.reader();
        let job = reader.job(id, now_ms())?;
        Ok(JobDetail { failures: reader.failures(id, FAILURES_LISTED)?, job })
    }

    /// Keys and outputs of a job's finished units, in the order of its submission.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub fn outputs(&self, job: i64) -> Result<Vec<(String, Value)>, WorkError> {
        self.shared.reader().outputs(job)
    }

    /// Keys of all units of a kind that some job wants: files of others may be deleted.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub fn keys(&self, kind: &str) -> Result<std::collections::HashSet<String>, WorkError> {
        self.shared.reader().keys(kind)
    }

    /// Waits until a job is done, failed or cancelled; one that is paused is waited for. Blocks the
    /// thread.
    ///
    /// # Errors
    /// When there is no such job, the ledger can't be read, or the engine is stopped.
    #[cfg(test)]
    pub fn wait(&self, job: i64) -> Result<JobProgress, WorkError> {
        let mut core = self.shared.core();
        loop {
            let progress = core.ledger.job(job, now_ms())?;
            if progress.is_over() {
                return Ok(progress);
            }
            if core.is_stopping {
                return Err(WorkError::Stopped);
            }
            core = self.shared.ended.wait(core).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Tells everything that runs to stop, puts it back and waits for that.
    pub fn stop(&self) {
        {
            let mut core = self.shared.core();
            core.is_stopping = true;
            for run in core.running.values() {
                run.stop.store(true, Ordering::Relaxed);
            }
        }
        self.shared.work.notify_all();
        self.shared.ended.notify_all();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // It has caught its units' panics; what else it died of was printed.
            let _ = thread.join();
        }
    }

    fn wish(&self, job: i64, wish: Wish) -> Result<(), WorkError> {
        self.shared.core().ledger.wish(job, wish, now_ms())?;
        self.shared.wishes_changed()
    }

    fn spawn(&self, name: String, run: impl FnOnce() + Send + 'static) -> Result<(), WorkError> {
        let thread = std::thread::Builder::new().name(name).spawn(run)?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    // Steps of the ledger are whole or not taken: a thread that panicked leaves nothing half-done.
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> MutexGuard<'_, Ledger> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells running units that nobody wants any more to stop, and wakes who waits.
    fn wishes_changed(&self) -> Result<(), WorkError> {
        let core = self.core();
        let unwished =
            if core.running.is_empty() { Default::default() } else { core.ledger.unwished()? };
        for id in unwished {
            if let Some(run) = core.running.get(&id) {
                run.stop.store(true, Ordering::Relaxed);
            }
        }
        drop(core);
        self.is_dirty.store(true, Ordering::Relaxed);
        self.work.notify_all();
        self.ended.notify_all();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
