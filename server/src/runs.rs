//! Runs of training as this machine knows them. A run is its folder; the state folder keeps a note of where
//! each is, so that failed and poor ones stay listed, and those whose folder is gone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use spyhop_api::run::{RunCurve, RunDetail, RunList, RunState, RunSummary, differing};
use spyhop_train::{
    End, JsonLines, MetricRow, RunFolder, RunStatus, TRIALS, is_training, mlflow, name_of,
};

use crate::work::now_ms;

/// Digits of a run's id.
const ID_DIGITS: usize = 12;
/// A curve has at most so many points: a picture shows no more.
const MOST_POINTS: usize = 2000;

/// What a run is called by whoever began it.
const RUN_NAME: &str = "general.run_name";

/// The notes of a state folder.
#[derive(Clone, Debug)]
pub struct Runs(PathBuf);

/// Where a run is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    folder: PathBuf,
    experiment: String,
    noted_ms: i64,
    /// It trained nothing itself: its parts are noted by themselves.
    #[serde(default)]
    is_search: bool,
}

/// A note that can't be understood.
#[derive(Debug)]
struct Damaged {
    path: PathBuf,
    problem: String,
}

/// A note with its run's id.
type Noted = (String, Result<Note, Damaged>);

impl Runs {
    /// The notes of a state folder, which need not be there.
    pub fn of_state(state: &Path) -> Runs {
        Runs(state.join("runs"))
    }

    /// Notes where a run is; whoever works in the state folder.
    ///
    /// # Errors
    /// When the note can't be written.
    pub fn note(&self, folder: &RunFolder, experiment: &str) -> anyhow::Result<()> {
        self.keep(folder, experiment, false)
    }

    /// Notes where a search is, which is no run to be listed and may have something to tell MLflow.
    ///
    /// # Errors
    /// When the note can't be written.
    pub fn note_search(&self, folder: &RunFolder, experiment: &str) -> anyhow::Result<()> {
        self.keep(folder, experiment, true)
    }

    fn keep(&self, folder: &RunFolder, experiment: &str, is_search: bool) -> anyhow::Result<()> {
        let folder = folder
            .path()
            .canonicalize()
            .with_context(|| format!("there is no folder {}", folder.path().display()))?;
        let path = self.0.join(format!("{}.json", id_of(&folder)));
        let experiment = experiment.to_owned();
        let note = Note { folder, experiment, noted_ms: now_ms(), is_search };
        let failed = || format!("the run can't be noted in {}", path.display());
        std::fs::create_dir_all(&self.0).with_context(failed)?;
        let unfinished = path.with_added_extension(std::process::id().to_string());
        let text = serde_json::to_vec(&note)?;
        let written = File::create(&unfinished).and_then(|mut file| {
            file.write_all(&text)?;
            // A name must not be given to what a power cut could still take back.
            file.sync_all()?;
            std::fs::rename(&unfinished, &path)
        });
        written.with_context(failed).inspect_err(|_| {
            // What is left of it is of no use; that it may not be there is no second error.
            let _ = std::fs::remove_file(&unfinished);
        })
    }

    /// All runs, the latest first, with the settings in which they differ.
    ///
    /// # Errors
    /// When the notes can't be read.
    pub fn list(&self) -> anyhow::Result<RunList> {
        let notes = self.notes()?;
        let listed = notes.iter().filter(|(_, note)| !note.as_ref().is_ok_and(|n| n.is_search));
        let mut runs: Vec<RunSummary> = listed.map(|(id, note)| summary(id, note)).collect();
        runs.sort_by(|a, b| b.began_ms.cmp(&a.began_ms).then_with(|| a.id.cmp(&b.id)));
        // Of a run whose folder is gone nothing is known, which is no difference.
        let known = runs.iter().map(|run| &run.settings).filter(|settings| !settings.is_empty());
        let keys = differing(known);
        for run in &mut runs {
            run.settings.retain(|key, _| keys.contains(key));
        }
        Ok(RunList { runs })
    }

    /// One run with its curves; `None` where there is none of this id.
    ///
    /// # Errors
    /// When the notes can't be read.
    pub fn detail(&self, id: &str) -> anyhow::Result<Option<RunDetail>> {
        let notes = self.notes()?;
        let Some((id, note)) = notes.iter().find(|(known, _)| known == id) else { return Ok(None) };
        let Ok(Note { folder, .. }) = note else {
            return Ok(Some(RunDetail { run: summary(id, note), curves: Vec::new(), untold: 0 }));
        };
        let folder = RunFolder(folder.clone());
        // What can't be read is told as the run's own problem.
        let curves = JsonLines::read(&folder.metrics()).map(curves).unwrap_or_default();
        let untold = mlflow::waiting(&folder).unwrap_or_default() as u64;
        Ok(Some(RunDetail { run: summary(id, note), curves, untold }))
    }

    /// Folders of all runs and searches that are there, and what is wrong with notes of others.
    ///
    /// # Errors
    /// When the notes can't be read.
    pub fn folders(&self) -> anyhow::Result<(Vec<RunFolder>, Vec<String>)> {
        let (mut folders, mut problems) = (Vec::new(), Vec::new());
        for (_, note) in self.notes()? {
            match note {
                Ok(note) if note.folder.is_dir() => folders.push(RunFolder(note.folder)),
                Ok(_) => {}
                Err(damaged) => problems.push(damaged.problem),
            }
        }
        Ok((folders, problems))
    }

    /// The run that a person means by its name, its id or its folder.
    ///
    /// # Errors
    /// When there is none, or several have the name.
    pub fn named(&self, word: &str) -> anyhow::Result<String> {
        let list = self.list()?;
        let folder = Path::new(word).canonicalize().ok();
        let is_it = |run: &&RunSummary| {
            run.id == word
                || run.name == word
                || folder.as_ref().is_some_and(|folder| Path::new(&run.folder) == folder)
        };
        let found: Vec<&RunSummary> = list.runs.iter().filter(is_it).collect();
        match found.as_slice() {
            [run] => Ok(run.id.clone()),
            [] => bail!("there is no run '{word}': spyhop runs lists them"),
            several => {
                let ids: Vec<&str> = several.iter().map(|run| run.id.as_str()).collect();
                bail!("several runs are called '{word}': say one by its id ({})", ids.join(", "))
            }
        }
    }

    fn notes(&self) -> anyhow::Result<Vec<Noted>> {
        let failed = || format!("the notes of runs can't be read in {}", self.0.display());
        let entries = match std::fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(failed),
        };
        let mut notes = Vec::new();
        for entry in entries {
            let path = entry.with_context(failed)?.path();
            if path.extension().is_none_or(|ending| ending != "json") {
                continue;
            }
            // One that is damaged hides none of the others.
            let note = std::fs::read(&path).map_err(|error| error.to_string()).and_then(|bytes| {
                serde_json::from_slice(&bytes).map_err(|error| error.to_string())
            });
            let note = note.map_err(|error| Damaged {
                problem: format!(
                    "this note of a run is damaged ({error}): {}; remove it, and the next training in the run's folder notes it again",
                    path.display()
                ),
                path: path.clone(),
            });
            let id = path.file_stem().map(|id| id.to_string_lossy().into_owned());
            notes.push((id.unwrap_or_default(), note));
        }
        notes.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(notes)
    }
}

fn id_of(folder: &Path) -> String {
    let hash = blake3::hash(folder.as_os_str().as_encoded_bytes()).to_hex();
    hash[..ID_DIGITS].to_owned()
}

fn summary(id: &str, note: &Result<Note, Damaged>) -> RunSummary {
    match note {
        Ok(note) => summary_of(id, note),
        Err(Damaged { path, problem }) => {
            // All that is known of it is where the note is.
            let folder = path.clone();
            let note = Note { folder, experiment: String::new(), noted_ms: 0, is_search: false };
            let problem = Some(problem.clone());
            RunSummary { name: id.to_owned(), problem, ..summary_of(id, &note) }
        }
    }
}

fn summary_of(id: &str, note: &Note) -> RunSummary {
    let folder = RunFolder(note.folder.clone());
    let read = RunStatus::read(&folder);
    let mut settings = std::fs::read_to_string(folder.config())
        .ok()
        .and_then(|text| spyhop_config::flat(&text).ok())
        .unwrap_or_default();
    // A part of a search has a folder that is named by a hash.
    let is_part = folder.path().parent().is_some_and(|above| name_of(above) == TRIALS);
    let own = if is_part { settings.remove(RUN_NAME) } else { None };
    let name = own.filter(|own| !own.is_empty()).unwrap_or_else(|| name_of(folder.path()));
    let (status, problem) = match read {
        Ok(status) => (status, None),
        Err(error) => (None, Some(error.to_string())),
    };
    let is_there = folder.path().is_dir();
    let state = match (&status, is_there) {
        (_, false) => RunState::Gone,
        _ if is_training(&folder) => RunState::Running,
        // What came of it says so, though the status is damaged.
        (None, true) if folder.report().is_file() => RunState::Done,
        (None, true) => RunState::Interrupted,
        (Some(status), true) => match status.end {
            None => RunState::Interrupted,
            Some(End::Done) => RunState::Done,
            Some(End::Stopped) => RunState::Stopped,
            Some(End::Failed) => RunState::Failed,
        },
    };
    let gone = || format!("its folder is not there any more: {}", folder.path().display());
    let status = status.unwrap_or_default();
    let val = status.best.as_ref().map(|best| &best.val);
    let best = val.map_or_else(BTreeMap::new, |val| {
        [("ap", val.ap), ("f1", val.f1), ("accuracy", val.accuracy), ("loss", val.loss)]
            .into_iter()
            .filter(|(_, value)| value.is_finite())
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    });
    let is_running = state == RunState::Running;
    RunSummary {
        id: id.to_owned(),
        name,
        experiment: note.experiment.clone(),
        folder: folder.path().display().to_string(),
        state,
        problem: status.problem.or(problem).or_else(|| (!is_there).then(gone)),
        began_ms: if status.began_ms > 0 { status.began_ms } else { note.noted_ms },
        at_ms: status.at_ms.max(note.noted_ms),
        spent_s: status.spent_s,
        epoch: status.epoch as u64,
        epochs: status.epochs as u64,
        batch: status.batch as u64,
        batches: status.batches as u64,
        loss: status.loss,
        rate: status.rate,
        windows_per_s: status.windows_per_s.filter(|_| is_running),
        left_s: status.left_s.filter(|_| is_running),
        trained: status.trained as u64,
        parameters: status.parameters as u64,
        metric: status.metric,
        best_epoch: status.best.as_ref().map_or(0, |best| best.epoch as u64),
        best,
        settings,
    }
}

/// Lines of a run's metrics as curves, thinned out where there are many points; the last stays.
fn curves(rows: Vec<MetricRow>) -> Vec<RunCurve> {
    let mut by_name: BTreeMap<String, Vec<(u64, Option<f64>)>> = BTreeMap::new();
    for MetricRow { step, name, value } in rows {
        by_name.entry(name).or_default().push((step as u64, value));
    }
    let thinned = |points: Vec<(u64, Option<f64>)>| {
        let every = points.len().div_ceil(MOST_POINTS).max(1);
        let last = points.len().saturating_sub(1);
        let kept = points.into_iter().enumerate();
        kept.filter(|(i, _)| (last - i).is_multiple_of(every))
            .map(|(_, point)| point)
            .collect::<Vec<_>>()
    };
    let curve = |(name, points)| {
        let (steps, values) = thinned(points).into_iter().unzip();
        RunCurve { name, steps, values }
    };
    by_name.into_iter().map(curve).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_whose_folder_is_gone_stays_listed_and_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let runs = Runs::of_state(&folder.path().join("state"));
        assert_eq!(runs.list().expect("none yet"), RunList::default());
        let [first, second] = ["first", "second"].map(|name| RunFolder(folder.path().join(name)));
        for (run, lr) in [(&first, "0.1"), (&second, "0.2")] {
            std::fs::create_dir(run.path()).expect("a folder");
            let config = format!("model_trainer: {{lr: {lr}, num_epochs: 2}}");
            std::fs::write(run.config(), config).expect("written");
            runs.note(run, "whales").expect("noted");
        }
        let list = runs.list().expect("two");
        let states: Vec<_> = list.runs.iter().map(|run| run.state).collect();
        assert_eq!(states, [RunState::Interrupted; 2]);
        for run in &list.runs {
            assert_eq!(run.settings.keys().collect::<Vec<_>>(), ["model_trainer.lr"]);
        }
        std::fs::remove_dir_all(first.path()).expect("removed");
        let id = runs.named("first").expect("still known");
        let detail = runs.detail(&id).expect("read").expect("there");
        assert_eq!(detail.run.state, RunState::Gone);
        assert!(detail.run.problem.is_some_and(|p| p.contains("not there any more")));
        let second = RunFolder(second.path().canonicalize().expect("there"));
        assert_eq!(runs.folders().expect("read"), (vec![second], Vec::new()));
        assert!(runs.named("third").expect_err("none").to_string().contains("no run 'third'"));
        assert_eq!(runs.detail("0").expect("read"), None);
    }

    #[test]
    fn a_damaged_note_or_status_hides_nothing_and_is_told_of() {
        let folder = tempfile::tempdir().expect("a folder");
        let runs = Runs::of_state(&folder.path().join("state"));
        let [sound, poor, search] =
            ["sound", "poor", "search"].map(|name| RunFolder(folder.path().join(name)));
        for run in [&sound, &poor, &search] {
            std::fs::create_dir(run.path()).expect("a folder");
        }
        runs.note(&sound, "whales").expect("noted");
        runs.note(&poor, "whales").expect("noted");
        runs.note_search(&search, "whales").expect("noted");
        std::fs::write(sound.status(), "{\"end\": \"do").expect("written");
        let id = runs.named("poor").expect("known");
        let note = folder.path().join("state/runs").join(format!("{id}.json"));
        std::fs::write(&note, "").expect("written");

        let list = runs.list().expect("read").runs;
        assert_eq!(list.len(), 2, "a search is no run: {list:?}");
        let of = |name: &str| list.iter().find(|run| run.name == name).expect(name);
        assert_eq!(of("sound").state, RunState::Interrupted);
        let problem = of("sound").problem.clone().unwrap_or_default();
        assert!(problem.contains("the status of the run is damaged"), "{problem}");
        let problem = of(&id).problem.clone().unwrap_or_default();
        assert!(problem.contains("this note of a run is damaged"), "{problem}");
        let detail = runs.detail(&id).expect("read").expect("there");
        assert_eq!((detail.run.state, detail.untold), (RunState::Gone, 0));
        // MLflow is told of searches as well, and who is left out is said.
        let (folders, problems) = runs.folders().expect("read");
        assert_eq!(folders.len(), 2);
        assert_eq!(problems, [problem]);

        std::fs::write(sound.report(), "{}").expect("written");
        let list = runs.list().expect("read").runs;
        assert!(list.iter().any(|run| run.name == "sound" && run.state == RunState::Done));
        runs.note(&poor, "whales").expect("noted again");
        assert_eq!(runs.named("poor").expect("known"), id);
    }

    #[test]
    fn a_long_curve_is_thinned_out_and_keeps_its_last_point() {
        let row = |step| MetricRow { step, name: "loss/batch".into(), value: Some(step as f64) };
        let all = curves((0..7001).map(row).collect());
        assert_eq!(all.len(), 1);
        let steps = &all[0].steps;
        assert!(steps.len() <= MOST_POINTS && steps.last() == Some(&7000), "{}", steps.len());
        assert_eq!(all[0].values.len(), steps.len());
    }
}
