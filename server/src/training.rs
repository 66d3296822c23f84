//! Data sets and training, where they meet folders, models and recordings of this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use spyhop_config::{Config, Labels, Preprocess, Training, hash_of};
use spyhop_signal::Recording;
use spyhop_train::dataset::{self, of_log, of_reviews, of_tables};
use spyhop_train::mlflow::{self, Courier, Mlflow};
use spyhop_train::{RunFolder, WindowTable, name_of};

use crate::catalogue::{FileKind, kind_of};
use crate::detection;
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
    let Some(path) = path else { return Ok(Config::read_with("", set)?.training) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| anyhow::anyhow!("can't read {}: {error}", path.display()))?;
    let read = Config::read_with(&text, set);
    Ok(read.with_context(|| format!("in {}", path.display()))?.training)
}

/// Opens a recording of a data set.
///
/// # Errors
/// When it can't be opened.
pub fn open(path: &Path) -> Result<Recording, String> {
    let opened = recording_file::open(path, &ReadingArgs::default());
    opened.map(|opened| opened.recording).map_err(|error| format!("{error:#}"))
}

/// Cuts the recordings below a folder into windows; and what a person should know.
///
/// # Errors
/// When there are no recordings or labels, or something can't be read.
pub fn cut(
    folder: &Path,
    said: &Preprocess,
    reviews: Option<&Reviews>,
) -> anyhow::Result<(WindowTable, Vec<String>)> {
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
    let recordings: Vec<PathBuf> = files.iter().filter(is_recording).cloned().collect();
    if recordings.is_empty() {
        bail!("there is no recording in {} or in folders below it", folder.display());
    }
    let mut said = said.clone();
    let (labelled, mut told) = match said.labels {
        Labels::Tables => of_tables(&folder, &recordings, &files, &open)?,
        Labels::Dclde2013 => of_log(&folder, &recordings, &files, &open, &mut said)?,
        Labels::Reviews => {
            let reviews = reviews.context(
                "which reviews are meant must be said: spyhop dataset reviews DIR --deployment ID",
            )?;
            let said_of = detection::reviewed(&reviews.state, &reviews.deployment)?;
            let label = |call: detection::ReviewedCall| {
                let label = call.label.unwrap_or_else(|| said.negative_class.clone());
                (call.start_ns, call.end_ns, label)
            };
            of_reviews(&folder, &recordings, &open, said_of.into_iter().map(label).collect())?
        }
    };
    let (table, more) = dataset::cut(&folder, &labelled, &said)?;
    told.extend(more);
    Ok((table, told))
}

/// The table of windows; where it is missing it is cut first.
///
/// # Errors
/// When it can't be read or cut.
pub fn windows(said: &Training) -> anyhow::Result<WindowTable> {
    let preprocess = &said.preprocess;
    let path = Path::new(&preprocess.windows_path);
    if !path.exists() {
        if preprocess.wav_dir.is_empty() {
            bail!(
                "there is no table of windows {}: make it with spyhop dataset, or name the folder of the recordings as preprocess.wav_dir",
                path.display()
            );
        }
        let (table, told) = cut(Path::new(&preprocess.wav_dir), preprocess, None)?;
        for sentence in told {
            eprintln!("spyhop: {sentence}");
        }
        table.write(path)?;
    }
    let table = WindowTable::read(path)?;
    Ok(match preprocess.wav_dir.as_str() {
        "" => table,
        folder => WindowTable { folder: PathBuf::from(folder), ..table },
    })
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
