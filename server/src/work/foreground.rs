//! Runs one job while a person looks on.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use spyhop_api::job::{JobProgress, UnitFailure};

use super::engine::{Engine, Settings};
use super::ledger::WorkError;
use super::registry::Registry;
use super::unit::{Job, key_of};
use crate::progress;
use crate::state::StateFolder;

/// Below the state folder: ledgers of jobs that a command runs itself.
const FOLDER: &str = "foreground";
/// The bar moves at least this often.
const TICK: Duration = Duration::from_millis(500);

/// What came of a job.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Keys and outputs of its finished units, in the order of its submission.
    pub outputs: Vec<(String, Value)>,
    /// What failed of it: the latest hundred.
    pub failures: Vec<UnitFailure>,
}

/// What a failed unit means for the rest of its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The rest is made all the same.
    GoOn,
    /// Nothing is of use without it: what runs is put back, and who waits is told at once.
    Stop,
}

/// Runs a job to its end with a progress bar on standard error. Ctrl-C stops it cleanly, and the same
/// command later goes on where it was; what failed before is tried again.
///
/// The job has a ledger of its own below `state`, so it runs beside a server that works in that
/// folder. The ledger is removed once everything is done: units name their files by their keys, and
/// so find again what is there. Must not be called from within an async runtime.
///
/// # Errors
/// [`WorkError::Stopped`] after Ctrl-C; else when the same job already runs in another process, its
/// plan can't be carried out, or the ledger can't be written.
pub fn run_in_foreground(
    state: &Path,
    registry: Registry,
    job: &Job,
    settings: Settings,
) -> Result<Outcome, WorkError> {
    let words = &progress::job_in_words;
    run_in_foreground_telling(state, registry, job, settings, words, OnFailure::GoOn)
}

/// The same, with words of one's own beside the bar.
///
/// # Errors
/// As [`run_in_foreground`].
pub fn run_in_foreground_telling(
    state: &Path,
    registry: Registry,
    job: &Job,
    settings: Settings,
    words: &dyn Fn(&JobProgress) -> String,
    on_failure: OnFailure,
) -> Result<Outcome, WorkError> {
    let name = key_of("job", &job.key).unwrap_or_else(|_| "job".into());
    let folder = state.join(FOLDER).join(name);
    let own = Arc::new(StateFolder::open(&folder)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let engine = Engine::start(own, registry, settings)?;
    let id = engine.submit(job)?.job;
    engine.retry(id)?;
    let bar = progress::job_bar();
    let watched = runtime.block_on(watch(&engine, id, &bar, words, on_failure));
    // Everything that ran is put back before the bar goes.
    engine.stop();
    bar.finish_and_clear();
    let watched = watched?;
    if !watched.is_over() && !on_failure.ends(&watched) {
        return Err(WorkError::Stopped);
    }
    let detail = engine.job(id)?;
    let outcome = Outcome { outputs: engine.outputs(id)?, failures: detail.failures };
    drop(engine);
    if outcome.failures.is_empty() {
        // What is left of it only takes space.
        let _ = std::fs::remove_dir_all(&folder);
    }
    Ok(outcome)
}

impl OnFailure {
    /// Whether a job need not go on.
    fn ends(self, job: &JobProgress) -> bool {
        self == OnFailure::Stop && job.failed > 0
    }
}

/// Watches a job until it is over, a failure ends it, or Ctrl-C.
async fn watch(
    engine: &Engine,
    job: i64,
    bar: &indicatif::ProgressBar,
    words: &dyn Fn(&JobProgress) -> String,
    on_failure: OnFailure,
) -> Result<JobProgress, WorkError> {
    let mut changes = engine.changes();
    let mut told = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let now = engine.job(job)?.job;
        let measured = changes.borrow_and_update().jobs.iter().find(|j| j.id == job).cloned();
        let shown = measured.as_ref().filter(|_| !now.is_over()).unwrap_or(&now);
        progress::show_job(bar, shown, words(shown));
        if now.is_over() || on_failure.ends(&now) {
            return Ok(now);
        }
        tokio::select! {
            _ = &mut told => return Ok(now),
            _ = changes.changed() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::UnitContext;
    use crate::work::unit::{Priority, Unit, UnitError};
    use serde_json::json;

    #[test]
    fn a_job_in_the_foreground_gives_its_outputs_and_leaves_no_ledger() {
        let state = std::env::temp_dir().join(format!("spyhop-foreground-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&state);
        let mut registry = Registry::default();
        registry.add("square", |n: u64, _| match n {
            3 => Err(UnitError::lasting("three is broken")),
            n => Ok(n * n),
        });
        let units = |of: &[u64]| -> Vec<Unit> {
            of.iter().map(|n| Unit::new(format!("square/{n}"), "square", json!(n))).collect()
        };
        let mut job = Job {
            key: "squares".into(),
            kind: "square".into(),
            title: "Squares".into(),
            deployment: None,
            priority: Priority::ASKED_FOR,
            units: units(&[1, 2, 3]),
        };
        let settings = Settings { workers: 2, ..Settings::default() };
        let outcome =
            run_in_foreground(&state, registry.clone(), &job, settings.clone()).expect("runs");
        assert_eq!((outcome.outputs.len(), outcome.failures.len()), (2, 1));
        assert!(outcome.failures[0].message.contains("three is broken"));
        job.units = units(&[1, 2, 4]);
        let outcome = run_in_foreground(&state, registry, &job, settings).expect("runs");
        let values: Vec<Value> = outcome.outputs.into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, [json!(1), json!(4), json!(16)]);
        let left = std::fs::read_dir(state.join(FOLDER)).expect("folder").count();
        assert_eq!(left, 0);
        std::fs::remove_dir_all(state).expect("remove");
    }

    #[test]
    fn a_job_that_is_of_no_use_without_a_unit_ends_when_that_fails() {
        let state = tempfile::tempdir().expect("a folder");
        let mut registry = Registry::default();
        registry.add("wait", |n: u64, context: &UnitContext| {
            if n == 1 {
                return Err(UnitError::lasting("one is broken"));
            }
            // It goes on for ever, unless it is told to stop.
            while !context.cancelled() {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err::<u64, _>(UnitError::stopped())
        });
        let unit = |n: u64| Unit::new(format!("wait/{n}"), "wait", json!(n));
        let job = Job {
            key: "waiting".into(),
            kind: "wait".into(),
            title: "Waiting".into(),
            deployment: None,
            priority: Priority::ASKED_FOR,
            // As many as workers: each runs, in whatever order they are taken.
            units: (1..=2).map(unit).collect(),
        };
        let settings = Settings { workers: 2, ..Settings::default() };
        let words = &progress::job_in_words;
        let stop = OnFailure::Stop;
        let outcome =
            run_in_foreground_telling(state.path(), registry, &job, settings, words, stop);
        let outcome = outcome.expect("it is told of");
        assert_eq!((outcome.outputs.len(), outcome.failures.len()), (0, 1));
        assert!(outcome.failures[0].message.contains("one is broken"));
    }
}
