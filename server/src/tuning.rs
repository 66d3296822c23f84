//! `spyhop tune`: a search for better settings, by cross-validation.
//!
//! Each fold of each trial is a unit of work: a training with a folder of its own, named by a hash of all that
//! decides its numbers. So a search that was stopped or killed goes on, a wider one trains only what is new,
//! and several run side by side.

mod folds;
mod results;

pub use folds::NamedFold;
pub use results::{Search, write};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;
use spyhop_config::{Config, ConfigError, Preprocess, Training, Tune};
use spyhop_model::ModelFiles;
use spyhop_train::mlflow::Mlflow;
use spyhop_train::tuning::{FoldScores, Trial, TrialResult, rank, trials};
use spyhop_train::{
    End, JsonLines, RunFolder, Setup, TRIALS, Told, Tracker, TrainError, WindowTable,
    base_fingerprint, train,
};

use self::folds::Folds;
use crate::models::Model;
use crate::training::WindowsFor;
use crate::work::{
    Job, OnFailure, Outcome, Priority, Registry, Settings, Unit, UnitContext, UnitError, WorkError,
    key_of, run_in_foreground_telling,
};
use crate::{progress, training};

/// What the units of a search are called.
const KIND: &str = "tune";
/// Memory that one training takes: weights, pictures and gradients of a small network.
const MEMORY_BYTES: u64 = 512 << 20;

/// One fold of a trial.
struct Planned {
    trial: usize,
    fold: usize,
    /// What is trained, or why it can't be.
    said: Result<Fold, String>,
}

struct Fold {
    key: String,
    said: Training,
    folder: RunFolder,
}

/// What the ledger keeps of a finished fold.
#[derive(Serialize, Deserialize)]
struct Done {
    folder: PathBuf,
    scores: FoldScores,
}

/// What all folds of a search have in common.
struct Whole {
    folder: RunFolder,
    /// Where the state is in which runs are noted.
    state: Option<PathBuf>,
    features: PathBuf,
}

/// What a search was asked for.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The configuration.
    pub text: &'a str,
    /// What is laid over it.
    pub set: &'a [String],
    /// Windows are taken as they were cut, though labels were changed since.
    pub windows_as_cut: bool,
}

/// Searches; gives the trials, the best first, and the folds as the configuration splits the data (trials that
/// search over how that is done have folds of their own). `config` is what comes of what was asked for; runs are
/// noted in the folder `state`.
///
/// # Errors
/// When there is nothing to search, a key is not known, the data can't be read, or Ctrl-C was pressed. What
/// is trained stays.
pub fn search(
    asked: &Asked<'_>,
    config: &mut Config,
    folder: &RunFolder,
    state: Option<&Path>,
) -> anyhow::Result<(Vec<TrialResult>, Vec<NamedFold>)> {
    let Asked { text, set, windows_as_cut } = *asked;
    check_keys(&config.tune)?;
    let all = trials(&config.tune)?;
    let wanted = WindowsFor { as_cut: windows_as_cut, is_run: false };
    let table = training::windows(&mut config.training, text, set, wanted)?;
    let config = &*config;
    let tune = &config.tune;
    let folds = folds(config, &table);
    let planned = plan(text, set, config, &all, &table)?;
    let units: Vec<Unit> = planned
        .iter()
        .enumerate()
        .filter_map(|(index, planned)| {
            let fold = planned.said.as_ref().ok()?;
            let unit = Unit::new(fold.key.clone(), KIND, json!(index));
            Some(Unit { memory_bytes: MEMORY_BYTES, ..unit })
        })
        .collect();
    let keys: Vec<&str> = units.iter().map(|unit| unit.key.as_str()).collect();
    let job = Job {
        key: key_of(KIND, &keys).context("the search can't be planned")?,
        kind: KIND.into(),
        title: format!("{} trials of {} folds", all.len(), tune.folds),
        deployment: None,
        priority: Priority::ASKED_FOR,
        units,
    };
    let runs = PathBuf::from(&config.training.general.output_dir);
    std::fs::create_dir_all(folder.path())
        .with_context(|| format!("{} can't be made", folder.path().display()))?;
    if let Some(Err(error)) =
        state.map(|state| training::note_search(state, &config.training, folder))
    {
        eprintln!("spyhop: spyhop runs send will not know of the search: {error:#}");
    }
    // To MLflow a search is a run whose parts are its trainings.
    let mut told = training::mlflow(&config.training, folder, None)?;
    if let Some(told) = &mut told {
        told.parameters(&spyhop_config::flat(&config.to_yaml()?)?)?;
    }
    let planned = Arc::new(planned);
    let mut registry = Registry::default();
    let (by, features) = (planned.clone(), runs.join("features"));
    let whole = Whole { folder: folder.clone(), state: state.map(Path::to_owned), features };
    registry.add(KIND, move |index: usize, context: &UnitContext| {
        let fold = by.get(index).and_then(|planned| planned.said.as_ref().ok());
        let fold = fold.ok_or_else(|| UnitError::lasting("there is no such trial in the plan"))?;
        one_fold(fold, &whole, table.clone(), context)
    });
    registry.check(KIND, |done: Done| RunFolder(done.folder).report().is_file());
    let settings = Settings { workers: tune.parallel, ..Settings::default() };
    let words = |job: &spyhop_api::job::JobProgress| {
        progress::job_in_words(job).replace("units", "networks")
    };
    let found = run_in_foreground_telling(
        &runs.join(TRIALS),
        registry,
        &job,
        settings,
        &words,
        OnFailure::GoOn,
    )
    .map_err(anyhow::Error::from)
    .and_then(|outcome| results(all, &planned, outcome, tune));
    let noted = told.map_or(Ok(()), |told| tell_the_end(told, &found));
    // What was wrong first is what a person has to know.
    let found = found?;
    noted?;
    Ok((found, folds))
}

/// Refuses keys whose values would be compared to no purpose.
fn check_keys(tune: &Tune) -> anyhow::Result<()> {
    /// Sections and keys that no figure of a trial hangs on.
    const IDLE: [&str; 15] = [
        "general",
        "detection",
        "tune",
        "data_loader.folds",
        "data_loader.fold",
        "data_loader.train_ratio",
        "data_loader.val_ratio",
        "data_loader.workers",
        "data_loader.prefetch_batches",
        "model.name",
        "model.description",
        "model.training_data",
        "model.licence",
        "model.thresholds",
        "model_trainer.checkpoint_batches",
    ];
    for key in tune.keys.keys() {
        let is_in = |whole: &str| {
            key.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if is_in("preprocess") && key != "preprocess.channel" {
            bail!(
                "tune.keys names {key}, and all trials learn from the same windows: cut a table for each value \
                 (spyhop dataset), train on each, and compare them (spyhop runs compare)"
            );
        }
        if IDLE.iter().any(|whole| is_in(whole)) {
            bail!("tune.keys names {key}, which changes nothing that trials are compared by");
        }
    }
    Ok(())
}

/// The folds of a search, as its configuration splits the data.
fn folds(config: &Config, table: &WindowTable) -> Vec<NamedFold> {
    let (loader, folds) = (&config.training.data_loader, config.tune.folds);
    let of = |fold| {
        let said = spyhop_config::DataLoader { folds, fold, ..loader.clone() };
        NamedFold::new(&said, table)
    };
    (0..folds).map(of).collect()
}

/// What came of all trials, the best first.
fn results(
    all: Vec<Trial>,
    planned: &[Planned],
    outcome: Outcome,
    tune: &Tune,
) -> anyhow::Result<Vec<TrialResult>> {
    let mut scores: BTreeMap<String, FoldScores> = BTreeMap::new();
    for (key, output) in outcome.outputs {
        let done: Done = serde_json::from_value(output).context("what a trial gave")?;
        scores.insert(key, done.scores);
    }
    let failed: BTreeMap<String, String> =
        outcome.failures.into_iter().map(|failure| (failure.unit, failure.message)).collect();
    let mut results: Vec<TrialResult> =
        all.into_iter().map(|trial| result(trial, planned, &scores, &failed, tune)).collect();
    rank(&mut results, tune.metric);
    Ok(results)
}

/// Tells MLflow how a search ended: one that was stopped or failed runs no longer either.
fn tell_the_end(mut told: Mlflow, found: &anyhow::Result<Vec<TrialResult>>) -> anyhow::Result<()> {
    let best = found.as_ref().map(|results| results.first().and_then(|result| result.mean));
    let how = match best {
        Ok(Some(_)) => End::Done,
        Err(error) if matches!(error.downcast_ref(), Some(WorkError::Stopped)) => End::Stopped,
        Ok(None) | Err(_) => End::Failed,
    };
    if let Ok(Some(best)) = best {
        told.metric("best", 0, best)?;
    }
    told.ended(how)?;
    if let Some(kept) = told.finish() {
        eprintln!("spyhop: {kept}");
    }
    Ok(())
}

/// All folds of all trials.
fn plan(
    text: &str,
    set: &[String],
    config: &Config,
    all: &[Trial],
    table: &WindowTable,
) -> anyhow::Result<Vec<Planned>> {
    let tune = &config.tune;
    let data: Vec<(&str, f64, usize)> = table
        .windows
        .iter()
        .map(|window| {
            let recording = table.recordings.get(window.recording);
            (recording.map_or("", |r| r.fingerprint.as_str()), window.start_s, window.class)
        })
        .collect();
    let data = key_of("windows", &(&table.classes, table.window_s, data))?;
    let (mut bases, mut folds) = (BTreeMap::new(), Folds::default());
    let mut planned = Vec::new();
    for trial in all {
        for fold in 0..tune.folds {
            let mut settings = set.to_vec();
            settings.extend(trial.to_settings());
            settings.push(format!("data_loader.folds={}", tune.folds));
            settings.push(format!("data_loader.fold={fold}"));
            let said = match training::read(text, &settings) {
                Ok(Config { mut training, .. }) => {
                    training.preprocess = as_cut(&training, config);
                    // Its folder is named by a hash: this is what a person knows it by.
                    let fold = folds.of(&training.data_loader, table).in_words();
                    training.general.run_name = format!("{}, {fold}", trial.in_words());
                    match fingerprint_of(&training.model.base, &mut bases) {
                        Ok(base) => Ok(fold_of(training, &data, &base)?),
                        Err(reason) => Err(reason),
                    }
                }
                // A combination that can't be is a trial that failed; a key that is not known is a slip.
                Err(error @ (ConfigError::Value { .. } | ConfigError::Kind { .. })) => {
                    Err(error.to_string())
                }
                Err(error) => bail!("in tune.keys: {error}"),
            };
            planned.push(Planned { trial: trial.number, fold, said });
        }
    }
    Ok(planned)
}

/// How the windows of all trials were cut; which channel is listened to is a trial's own.
pub(crate) fn as_cut(trial: &Training, config: &Config) -> Preprocess {
    let channel = trial.preprocess.channel;
    Preprocess { channel, ..config.training.preprocess.clone() }
}

/// What the network to go on from holds, read once for all trials; empty where there is none.
fn fingerprint_of(
    base: &str,
    known: &mut BTreeMap<String, Result<String, String>>,
) -> Result<String, String> {
    if base.is_empty() {
        return Ok(String::new());
    }
    let read = || {
        let model = Model::named(Path::new(base)).map_err(|error| format!("{error:#}"))?;
        base_fingerprint(&model).map_err(|error| error.to_string())
    };
    known.entry(base.to_owned()).or_insert_with(read).clone()
}

fn fold_of(said: Training, data: &str, base: &str) -> anyhow::Result<Fold> {
    // What a run is called and how many prepare its batches changes no number.
    let mut numbers = said.clone();
    numbers.general = Default::default();
    numbers.data_loader.workers = 1;
    numbers.data_loader.prefetch_batches = 1;
    numbers.model_trainer.checkpoint_batches = 1;
    let data = format!("{data}{base}");
    let key = key_of(KIND, &(numbers.to_yaml()?, data, env!("CARGO_PKG_VERSION")))?;
    let folder = Path::new(&said.general.output_dir).join(TRIALS).join(&key);
    Ok(Fold { key, said, folder: RunFolder(folder) })
}

/// Trains one fold, or goes on with it.
fn one_fold(
    fold: &Fold,
    whole: &Whole,
    table: WindowTable,
    context: &UnitContext,
) -> Result<Done, UnitError> {
    let Fold { said, folder, .. } = fold;
    std::fs::create_dir_all(folder.path())
        .map_err(|error| UnitError::of_file(&error, folder.path()))?;
    if let Some(Err(error)) = whole.state.as_ref().map(|state| training::note(state, said, folder))
    {
        // The disk is told of by what has to be kept.
        tracing::warn!("a network of the search will be missing in spyhop runs: {error:#}");
    }
    let base = match said.model.base.as_str() {
        "" => None,
        base => {
            let named = Model::named(Path::new(base));
            Some(named.map_err(|error| UnitError::lasting(format!("{error:#}")))?)
        }
    };
    let stop = AtomicBool::new(false);
    let watch = |told: Told| {
        if context.cancelled() {
            stop.store(true, Ordering::Relaxed);
        }
        if let Told::Batch { epoch, batch, batches, .. } = told {
            let done = (epoch - 1) as f64 + batch as f64 / batches.max(1) as f64;
            context.progress(done / said.model_trainer.num_epochs as f64);
        }
    };
    let failed = |error: &dyn std::fmt::Display| UnitError::lasting(error.to_string());
    let mut lines = JsonLines::new(folder.metrics());
    let mut mlflow = training::mlflow(said, folder, Some(&whole.folder)).map_err(|e| failed(&e))?;
    let mut tracker: Vec<Box<dyn Tracker + '_>> = vec![Box::new(&mut lines)];
    tracker.extend(mlflow.as_mut().map(|mlflow| Box::new(mlflow) as Box<dyn Tracker + '_>));
    let trained = train(Setup {
        said,
        table,
        base: base.as_ref().map(|base| base as &dyn ModelFiles),
        folder,
        features: &whole.features,
        open: &training::open,
        tracker: &mut tracker,
        stop: &stop,
        watch: &watch,
    });
    drop(tracker);
    // What could not be told stays in the folder and is told later.
    let _ = mlflow.and_then(Mlflow::finish);
    match trained {
        Ok(outcome) => Ok(Done {
            folder: folder.path().to_owned(),
            scores: FoldScores::of(&outcome.val, outcome.best_epoch, outcome.trained),
        }),
        Err(error) => Err(unit_error(error)),
    }
}

/// What an error means for the search.
fn unit_error(error: TrainError) -> UnitError {
    match error {
        TrainError::Stopped => UnitError::stopped(),
        // The other folds would fail as well: all of them rest until there is room.
        error if error.is_full_disk() => UnitError::no_space(error.to_string()),
        error => UnitError::lasting(error.to_string()),
    }
}

fn result(
    trial: Trial,
    planned: &[Planned],
    scores: &BTreeMap<String, FoldScores>,
    failed: &BTreeMap<String, String>,
    tune: &Tune,
) -> TrialResult {
    let (mut folds, mut failures) = (BTreeMap::new(), BTreeMap::new());
    for planned in planned.iter().filter(|planned| planned.trial == trial.number) {
        let said = match &planned.said {
            Ok(fold) => match scores.get(&fold.key) {
                Some(scores) => Ok(scores.clone()),
                None => Err(failed.get(&fold.key).cloned().unwrap_or_else(|| "it failed".into())),
            },
            Err(reason) => Err(reason.clone()),
        };
        match said {
            Ok(scores) => {
                folds.insert(planned.fold, scores);
            }
            Err(reason) => {
                failures.insert(planned.fold, reason);
            }
        }
    }
    TrialResult::new(trial, folds, failures, tune.metric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Remedy;

    #[test]
    fn a_full_disk_is_no_fault_of_a_fold() {
        let disk = |is_full| TrainError::Disk {
            what: "the state of training",
            done: "written",
            reason: "the disk is full".into(),
            is_full,
            path: "runs/trials/x/state.safetensors".into(),
        };
        assert_eq!(unit_error(disk(true)).remedy, Remedy::Space);
        assert_eq!(unit_error(disk(false)).remedy, Remedy::Nothing);
        assert_eq!(unit_error(TrainError::Stopped).remedy, Remedy::Told);
    }

    #[test]
    fn keys_that_change_nothing_in_a_search_are_refused() {
        let check = |key: &str| {
            let text = format!("tune: {{keys: {{{key}: [1, 2]}}}}");
            check_keys(&Config::read(&text).expect("sound").tune).map_err(|e| e.to_string())
        };
        let same = check("preprocess.window_s").expect_err("of the same windows");
        assert!(same.contains("preprocess.window_s") && same.contains("same windows"), "{same}");
        for key in ["general.run_name", "detection.upcall.threshold", "tune.folds", "model.name"] {
            let idle = check(key).expect_err(key);
            assert!(idle.contains(key) && idle.contains("changes nothing"), "{idle}");
        }
        for key in ["preprocess.channel", "model_trainer.lr", "data_loader.train_share", "lr"] {
            check(key).expect(key);
        }
    }
}
