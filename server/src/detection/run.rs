//! Detecting while a person looks on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;
use spyhop_api::Deployment;
use spyhop_signal::detect::listen::ScoreRow;

use super::export::Row;
use super::keeper::KIND;
use super::plan::Plan;
use super::source::Source;
use super::unit::make_files;
use super::unit_files::{UnitFiles, folder_of};
use crate::catalogue::Recordings;
use crate::progress;
use crate::work::{
    Job, OnFailure, Priority, Registry, Settings, Unit, UnitContext, UnitError, key_of,
    run_in_foreground_telling,
};

/// What came of it.
pub struct Detected {
    pub plan: Plan,
    /// Candidates of all units, in the order of time.
    pub rows: Vec<Row>,
    /// What could not be heard, a sentence each.
    pub problems: Vec<String>,
    /// How long it took.
    pub took: Duration,
    /// Where the files of its units lie.
    folder: PathBuf,
}

impl Detected {
    /// The scores of all units, in the order of time.
    ///
    /// # Errors
    /// When a file can't be read.
    pub fn scores(&self) -> anyhow::Result<Vec<ScoreRow>> {
        let mut all = Vec::new();
        for unit in &self.plan.units {
            let files = UnitFiles::of(&self.folder, &unit.key);
            let read = files.read_scores();
            all.extend(read.with_context(|| files.scores.display().to_string())?);
        }
        Ok(all)
    }
}

/// Runs a source over a channel of a deployment; units that are there already stay. With `beside` another
/// process works in the same folder: as it may be making the same units, this one begins at the other end.
///
/// # Errors
/// When the recordings don't hold what the source listens for, one of them can't be had, the disk says no,
/// or Ctrl-C was pressed. What is done stays.
pub fn run(
    state: &Path,
    deployment: &Deployment,
    recordings: &Recordings,
    source: &Arc<Source>,
    channel: u32,
    beside: bool,
) -> anyhow::Result<Detected> {
    let folder = folder_of(state, &deployment.id);
    let plan = Arc::new(Plan::new(&recordings.infos, source, channel)?);
    let mut registry = Registry::default();
    let (planned, by, listed, into) =
        (plan.clone(), source.clone(), recordings.clone(), folder.clone());
    registry.add(KIND, move |key: String, context: &UnitContext| {
        let unit = planned.unit(&key);
        let unit = unit.ok_or_else(|| UnitError::lasting("there is no such unit in the plan"))?;
        let files = UnitFiles::of(&into, &key);
        make_files(&planned, unit, &by, &listed, &files, context, to_be_run_again)?;
        Ok(key)
    });
    let into = folder.clone();
    registry.check(KIND, move |key: String| UnitFiles::of(&into, &key).are_there());
    let mut job = job(&plan, source, deployment)?;
    if beside {
        job.units.reverse();
    }
    let begun = Instant::now();
    // A table with a hole in it would pass for a whole one: there is nothing to wait for.
    let outcome = run_in_foreground_telling(
        state,
        registry,
        &job,
        Settings::default(),
        &progress::job_in_words,
        OnFailure::Stop,
    )?;
    if let Some(failure) = outcome.failures.first() {
        anyhow::bail!("{}", failure.message);
    }
    let took = begun.elapsed();
    let classes = source.classes();
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for unit in &plan.units {
        let files = UnitFiles::of(&folder, &unit.key);
        let read = files.read_calls(&classes);
        let read = read.with_context(|| files.calls.display().to_string())?;
        problems.extend(read.problems);
        rows.extend(read.candidates.into_iter().map(|(class, candidate)| Row {
            class: classes.get(class).map_or_else(String::new, |class| class.name.clone()),
            start_ns: candidate.start_ns,
            end_ns: candidate.end_ns,
            low_hz: candidate.low_hz,
            high_hz: candidate.high_hz,
            score: candidate.score,
            clicks: candidate.train.map(|train| train.clicks),
            interval_s: candidate.train.map(|train| train.interval_s),
            software: read.software.clone(),
            is_lost: false,
            review: None,
        }));
    }
    problems.dedup();
    drop(job);
    let plan = Arc::into_inner(plan).context("a unit is still being made")?;
    Ok(Detected { plan, rows, problems, took, folder })
}

/// The list was made when the command began, so that waiting is of no use.
fn to_be_run_again(message: String) -> UnitError {
    UnitError::lasting(format!(
        "{message}: run the same command again, and the recordings are listed anew; what was heard of the \
         others is kept"
    ))
}

fn job(plan: &Plan, source: &Source, deployment: &Deployment) -> anyhow::Result<Job> {
    let memory_bytes = Source::memory_bytes(matches!(source, Source::Network(_)));
    let unit = |unit: &super::plan::PlannedUnit| {
        let (key, sound_s) = (unit.key.clone(), unit.recorded_s);
        Unit { memory_bytes, sound_s, ..Unit::new(key, KIND, json!(unit.key)) }
    };
    // Other settings make another job: the ledger of a stopped one is found again by its key.
    let keys: Vec<&str> = plan.units.iter().map(|unit| unit.key.as_str()).collect();
    let all = key_of(KIND, &keys).context("the detection can't be planned")?;
    Ok(Job {
        key: format!("{KIND}/{}/{all}", deployment.id),
        kind: KIND.into(),
        title: format!("{} in {}", source.title(), deployment.name),
        deployment: Some(deployment.id.clone()),
        priority: Priority::ASKED_FOR,
        units: plan.units.iter().map(unit).collect(),
    })
}
