//! Data sets and training, where they meet folders, models and recordings of this machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use spyhop_config::{Config, ConfigError, Labels, Preprocess, Training, hash_of, keys_said};
use spyhop_signal::Recording;
use spyhop_train::dataset::{self, Band, Levels, Sources, log_path, of_log, of_reviews, of_tables};
use spyhop_train::mlflow::{self, Courier, Mlflow};
use spyhop_train::{RunFolder, WindowTable, name_of};

use crate::catalogue::{FileKind, kind_of};
use crate::data_folder::home_folder;
use crate::detection;
use crate::progress::bar;
use crate::recording_file::{self, ReadingArgs};
use crate::runs::Runs;

/// Digits of a hash in the name of a run that has none.
const HASH_DIGITS: usize = 10;

/// Which candidates are meant, where people said something of them.
pub struct Reviews {
    /// The state folder that keeps them.
    pub state: PathBuf,
    /// The deployment.
    pub deployment: String,
}

/// Reads a configuration; an absent file is an empty one.
///
/// # Errors
/// When it can't be read or understood.
pub fn config(path: Option<&Path>, set: &[String]) -> anyhow::Result<Training> {
    let Some(path) = path else { return Ok(read("", set)?.training) };
    Ok(read(&text(path)?, set).with_context(|| format!("in {}", path.display()))?.training)
}

/// The text of a configuration.
///
/// # Errors
/// When it can't be read.
pub fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| anyhow::anyhow!("can't read {}: {error}", path.display()))
}

/// Reads a configuration's text with settings laid over it. Its paths may begin with `~/`: shells leave that as
/// it is behind `=`.
///
/// # Errors
/// When it can't be understood.
pub fn read(text: &str, set: &[impl AsRef<str>]) -> Result<Config, ConfigError> {
    let mut config = Config::read_with(text, set)?;
    let Training { general, preprocess, model, .. } = &mut config.training;
    for path in [
        &mut general.output_dir,
        &mut preprocess.windows_path,
        &mut preprocess.wav_dir,
        &mut preprocess.detection_log_path,
        &mut model.base,
    ] {
        if let (Some(below), Some(home)) = (path.strip_prefix("~/"), home_folder()) {
            *path = home.join(below).to_string_lossy().into_owned();
        }
    }
    Ok(config)
}

/// Opens a recording of a data set.
///
/// # Errors
/// When it can't be opened.
pub fn open(path: &Path) -> Result<Recording, String> {
    let opened = recording_file::open(path, &ReadingArgs::default());
    opened.map(|opened| opened.recording).map_err(|error| format!("{error:#}"))
}

/// Windows that were cut just now.
pub struct CutNow {
    /// The windows.
    pub table: WindowTable,
    /// What said where calls are.
    pub sources: Sources,
    /// What a person should know, a sentence each.
    pub told: Vec<String>,
}

/// Cuts the recordings below a folder into windows, and listens to how loud they are.
///
/// # Errors
/// When there are no recordings or labels, or something can't be read.
pub fn cut(folder: &Path, said: &Training, reviews: Option<&Reviews>) -> anyhow::Result<CutNow> {
    let band = band(said);
    let said = &said.preprocess;
    let Files { folder, files, recordings } = Files::below(folder)?;
    if recordings.is_empty() {
        bail!("there is no recording in {} or in folders below it", folder.display());
    }
    let mut said = said.clone();
    // Sources before what they say: what somebody writes in between is then seen to have changed.
    let (sources, (labelled, mut told)) = match said.labels {
        Labels::Tables => (
            Sources::of_tables(&folder, &recordings, &files)?,
            of_tables(&folder, &recordings, &files, &open)?,
        ),
        Labels::Dclde2013 => {
            let path = log_path(&folder, &files, &said.detection_log_path)?;
            let sources = Sources::of_log(&folder, &path)?;
            (sources, of_log(&folder, &recordings, &files, &open, &mut said)?)
        }
        Labels::Reviews => {
            let reviews = reviews.context(
                "which reviews are meant must be said: spyhop dataset reviews DIR --deployment ID",
            )?;
            let sounds = reviewed(reviews, &said.negative_class)?;
            let state = reviews.state.canonicalize().unwrap_or_else(|_| reviews.state.clone());
            let sources = Sources::of_reviews(&state, &reviews.deployment, &sounds);
            (sources, of_reviews(&folder, &recordings, &open, sounds)?)
        }
    };
    let (mut table, more) = dataset::cut(&folder, &labelled, &said)?;
    told.extend(more);
    let bar = bar(1, "listening to windows");
    let levels = Levels::measure(&table, band, &open, &|done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    match levels {
        Ok(levels) => table.levels = Some(levels),
        // What is cut may well be of use, and whoever trains on it is told what can't be read.
        Err(error) => told.push(format!("how loud windows are is not known: {error}")),
    }
    Ok(CutNow { table, sources, told })
}

/// The band in which levels of windows are told: the network's, as far as the configuration says it.
fn band(said: &Training) -> Band {
    let (keys, faster) = (&said.model.front_end, said.model.time_compression.unwrap_or(1.0));
    Band {
        low_hz: keys.low_hz.map_or(0.0, |hz| hz / faster),
        high_hz: keys.high_hz.map(|hz| hz / faster),
        channel: said.preprocess.channel,
    }
}

/// What is in a folder and in folders below it, in order of names.
struct Files {
    folder: PathBuf,
    files: Vec<PathBuf>,
    recordings: Vec<PathBuf>,
}

impl Files {
    fn below(folder: &Path) -> anyhow::Result<Files> {
        let folder = folder
            .canonicalize()
            .with_context(|| format!("there is no folder {}", folder.display()))?;
        let mut files = Vec::new();
        list(&folder, &mut files)?;
        files.sort();
        let is_recording = |path: &&PathBuf| {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
            name.is_some_and(|name| kind_of(&name) == Some(FileKind::Recording))
        };
        let recordings = files.iter().filter(is_recording).cloned().collect();
        Ok(Files { folder, files, recordings })
    }
}

/// What people said of candidates: begin, end and what it is.
fn reviewed(reviews: &Reviews, negative_class: &str) -> anyhow::Result<Vec<(i64, i64, String)>> {
    let said_of = detection::reviewed(&reviews.state, &reviews.deployment)?;
    let label = |call: detection::ReviewedCall| {
        let label = call.label.unwrap_or_else(|| negative_class.to_owned());
        (call.start_ns, call.end_ns, label)
    };
    Ok(said_of.into_iter().map(label).collect())
}

/// What a table of windows is wanted for.
#[derive(Clone, Copy, Debug, Default)]
pub struct WindowsFor {
    /// Windows are taken as they were cut, though labels were changed since.
    pub as_cut: bool,
    /// They are for the run of the configuration's name: where it has begun it keeps its windows.
    pub is_run: bool,
}

/// The table of windows; where it is missing it is cut first, and again where labels were changed since. What
/// the configuration (its text with settings laid over it) does not say of how windows are cut is then as the
/// table was cut.
///
/// # Errors
/// When it can't be read or cut, or was cut by other settings than the configuration says, or, by somebody,
/// from other labels than there are now.
pub fn windows(
    said: &mut Training,
    text: &str,
    set: &[impl AsRef<str>],
    wanted: WindowsFor,
) -> anyhow::Result<WindowTable> {
    let preprocess = &said.preprocess;
    let path = PathBuf::from(&preprocess.windows_path);
    if !path.exists() {
        if preprocess.wav_dir.is_empty() {
            bail!(
                "there is no table of windows {}: make it with spyhop dataset, or name the folder of the recordings as preprocess.wav_dir",
                path.display()
            );
        }
        cut_for_training(said, &path)?;
    }
    let mut table = WindowTable::read(&path)?;
    said.preprocess = as_cut(&path, preprocess, &keys_said(text, set, "preprocess")?)?;
    if !wanted.as_cut && cut_again(said, &path, &table, wanted)? {
        table = WindowTable::read(&path)?;
    }
    Ok(match said.preprocess.wav_dir.as_str() {
        "" => table,
        folder => WindowTable { folder: PathBuf::from(folder), ..table },
    })
}

fn cut_for_training(said: &Training, path: &Path) -> anyhow::Result<()> {
    let preprocess = &said.preprocess;
    let CutNow { table, sources, told } = cut(Path::new(&preprocess.wav_dir), said, None)?;
    for sentence in told {
        eprintln!("spyhop: {sentence}");
    }
    table.write(path, preprocess, &Sources { by_training: true, ..sources })?;
    Ok(())
}

/// Looks whether a table says what its labels say now. One that training cut is cut again where they were
/// changed.
fn cut_again(
    said: &Training,
    path: &Path,
    table: &WindowTable,
    wanted: WindowsFor,
) -> anyhow::Result<bool> {
    let preprocess = &said.preprocess;
    let Some(before) = WindowTable::sources(path)? else {
        eprintln!(
            "spyhop: {} was cut by an older version, which kept nothing of its labels: whether they were changed since can't be seen",
            path.display()
        );
        return Ok(false);
    };
    let folder = match preprocess.wav_dir.as_str() {
        "" => table.folder.as_path(),
        folder => Path::new(folder),
    };
    let now = match sources_now(folder, preprocess, &before) {
        Ok(now) if !now.is_empty() || before.is_empty() => now,
        no => {
            let why = no.err().map(|error| format!(": {error:#}")).unwrap_or_default();
            eprintln!(
                "spyhop: the labels that {} was cut from are not in {} any more, so that whether they were changed since can't be seen{why}",
                path.display(),
                folder.display()
            );
            return Ok(false);
        }
    };
    let Some(changes) = before.changes(&now) else { return Ok(false) };
    let since =
        format!("labels were changed since the windows of {} were cut ({changes})", path.display());
    if !before.by_training || preprocess.wav_dir.is_empty() {
        let of_deployment = before.reviews.map(|r| format!(" --deployment {}", r.deployment));
        bail!(
            "{since}: cut them again (spyhop dataset {} {}{} --out {}, with this configuration), or train on them as they are with --windows-as-cut",
            word(preprocess.labels),
            folder.display(),
            of_deployment.unwrap_or_default(),
            path.display()
        );
    }
    if wanted.is_run && run_folder(said)?.state().exists() {
        bail!(
            "{since}, and this run has begun with them: --windows-as-cut goes on with it; another general.run_name with another preprocess.windows_path begins one with the labels as they are now (this table is what the begun run stands on)"
        );
    }
    eprintln!("spyhop: {since}, and are cut again");
    cut_for_training(said, path)?;
    Ok(true)
}

/// What says now where calls are, where windows were cut from `before`.
fn sources_now(folder: &Path, said: &Preprocess, before: &Sources) -> anyhow::Result<Sources> {
    if let Some(reviews) = &before.reviews {
        let of = Reviews { state: reviews.state.clone(), deployment: reviews.deployment.clone() };
        let sounds = reviewed(&of, &said.negative_class)?;
        return Ok(Sources::of_reviews(&of.state, &of.deployment, &sounds));
    }
    let Files { folder, files, recordings } = Files::below(folder)?;
    if let Some(log) = &before.log {
        let path = match said.detection_log_path.as_str() {
            "" => folder.join(&log.path),
            named => PathBuf::from(named),
        };
        return Ok(Sources::of_log(&folder, &path)?);
    }
    Ok(Sources::of_tables(&folder, &recordings, &files)?)
}

/// What says where calls are, as a configuration has it.
pub fn word(labels: Labels) -> &'static str {
    match labels {
        Labels::Tables => "tables",
        Labels::Dclde2013 => "dclde2013",
        Labels::Reviews => "reviews",
    }
}

/// How the windows of a table were cut, as a configuration says it; `keys` are those that it says itself.
fn as_cut(path: &Path, said: &Preprocess, keys: &BTreeSet<String>) -> anyhow::Result<Preprocess> {
    /// Where files are, and what is done after windows are cut.
    const OTHERS: [&str; 4] = ["windows_path", "wav_dir", "detection_log_path", "channel"];
    /// What `spyhop dataset` takes as a word of its own, whatever the configuration says.
    const LABELS: &str = "labels";
    let Some(cut_by) = WindowTable::cut_by(path)? else { return Ok(said.clone()) };
    let mut whole = serde_json::to_value(said)?;
    let (mut refused, mut taken) = (Vec::new(), Vec::new());
    for (key, value) in whole.as_object_mut().into_iter().flatten() {
        let Some(cut) = cut_by.get(key).filter(|_| !OTHERS.contains(&key.as_str())) else {
            continue;
        };
        if cut == value {
            continue;
        }
        if keys.contains(key) && key != LABELS {
            refused.push(format!("preprocess.{key} {cut}, where the configuration says {value}"));
        } else {
            taken.push(format!("preprocess.{key} {cut}"));
            *value = cut.clone();
        }
    }
    if !refused.is_empty() {
        bail!(
            "the windows of {} were cut with {}: cut them again (spyhop dataset with this configuration), name \
             another table as preprocess.windows_path, or leave out of the configuration what the table is to say",
            path.display(),
            refused.join("; ")
        );
    }
    if !taken.is_empty() {
        eprintln!("spyhop: as {} was cut: {}", path.display(), taken.join(", "));
    }
    Ok(serde_json::from_value(whole)?)
}

/// The folder of a run: named by a person, else by what decides it.
///
/// # Errors
/// When the configuration can't be written.
pub fn run_folder(said: &Training) -> anyhow::Result<RunFolder> {
    let general = &said.general;
    let name = match general.run_name.as_str() {
        "" => {
            let hash = hash_of(&said.to_yaml()?);
            format!("{}-{}", general.experiment_name, &hash[..HASH_DIGITS.min(hash.len())])
        }
        name => name.to_owned(),
    };
    check_name(&name)?;
    Ok(RunFolder(Path::new(&general.output_dir).join(name)))
}

/// Notes a run in a state folder, so that it is listed whatever comes of it.
///
/// # Errors
/// When that can't be written.
pub fn note(state: &Path, said: &Training, folder: &RunFolder) -> anyhow::Result<()> {
    Runs::of_state(state).note(folder, &said.general.experiment_name)
}

/// Notes a search likewise: it is none of the runs that are listed, and may have something to tell MLflow.
///
/// # Errors
/// When that can't be written.
pub fn note_search(state: &Path, said: &Training, folder: &RunFolder) -> anyhow::Result<()> {
    Runs::of_state(state).note_search(folder, &said.general.experiment_name)
}

/// Whoever tells an MLflow server of a run, where the configuration names one; `parent` is the run that it is
/// a part of, which was opened before.
///
/// # Errors
/// When the notes for it can't be written.
pub fn mlflow(
    said: &Training,
    folder: &RunFolder,
    parent: Option<&RunFolder>,
) -> anyhow::Result<Option<Mlflow>> {
    let general = &said.general;
    if general.mlflow_server_uri.is_empty() {
        return Ok(None);
    }
    // A part of a search has a folder that is named by a hash.
    let name = match (parent, general.run_name.as_str()) {
        (None, _) | (_, "") => name_of(folder.path()),
        (Some(_), name) => name.to_owned(),
    };
    let told = mlflow::Told {
        server: &general.mlflow_server_uri,
        experiment: &general.experiment_name,
        name: &name,
        parent,
    };
    let courier = Courier::start(folder, Path::new(&general.output_dir))?;
    Ok(Some(Mlflow::open(folder, &told, Some(courier))?))
}

/// A name that a run's folder may have.
///
/// # Errors
/// When a name is none for a folder.
pub fn check_name(name: &str) -> anyhow::Result<()> {
    if name.contains(['/', '\\']) || name.starts_with('.') || name.is_empty() {
        bail!("'{name}' is no name for a run's folder: give general.run_name another one");
    }
    Ok(())
}

/// All files in a folder and in folders below it.
///
/// # Errors
/// When one can't be listed.
pub fn list(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("{} can't be listed", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_train::{Window, WindowedRecording};

    #[test]
    fn a_path_below_one_s_home_is_found_there() {
        let Some(home) = home_folder() else { return };
        let said = read("general: {output_dir: ~/runs}", &["model.base=~/models/ast"]);
        let Training { general, model, preprocess, .. } = said.expect("sound").training;
        assert_eq!(Path::new(&model.base), home.join("models/ast"));
        assert_eq!(Path::new(&general.output_dir), home.join("runs"));
        assert_eq!(preprocess.windows_path, "windows.parquet");
    }

    #[test]
    fn windows_that_were_cut_by_other_settings_are_refused_and_unsaid_ones_are_the_table_s()
    -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("windows.parquet");
        let recording = WindowedRecording {
            name: "a.wav".into(),
            fingerprint: "1-a".into(),
            day: String::new(),
            start_ns: None,
            duration_s: 900.0,
            recorded_s: 900.0,
        };
        let table = WindowTable {
            folder: "/sea".into(),
            window_s: 3.0,
            negative_class: "none".into(),
            classes: vec!["upcall".into(), "none".into()],
            recordings: vec![recording],
            windows: vec![Window { recording: 0, start_s: 0.0, class: 1 }],
            levels: None,
        };
        let said = |text: &str| -> anyhow::Result<Preprocess> {
            let set = [format!("preprocess.windows_path={}", path.display())];
            let mut said = read(text, &set)?.training;
            windows(&mut said, text, &set, WindowsFor::default())?;
            Ok(said.preprocess)
        };
        let cut = read("preprocess: {window_s: 3, hop_s: 1.5, labels: reviews}", &[""; 0])?;
        table.write(&path, &cut.training.preprocess, &Sources::default())?;
        let text = said("preprocess: {window_s: 2, hop_s: 1.5, channel: 1}");
        let text = text.expect_err("of another length").to_string();
        assert!(text.contains("windows.parquet were cut with preprocess.window_s 3"), "{text}");
        assert!(
            text.contains("where the configuration says 2") && !text.contains("hop_s"),
            "{text}"
        );
        assert!(text.contains("name another table as preprocess.windows_path"), "{text}");
        // What nobody says is told as it is; a channel is no matter of cutting.
        let taken = said("preprocess: {window_s: 3, channel: 1, wav_dir: /other, labels: tables}")?;
        assert_eq!((taken.hop_s, taken.labels, taken.channel), (1.5, Labels::Reviews, 1));
        assert_eq!(taken.wav_dir, "/other");
        Ok(())
    }
}
