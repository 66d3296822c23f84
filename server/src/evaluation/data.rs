//! Recordings whose calls are known.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use spyhop_api::{Deployment, RecordingInfo};
use spyhop_signal::pyramid::Recorded;

use super::hearing::LeftOut;
use crate::catalogue::{ReadTable, Recordings};
use crate::detection::Truths;

/// Endings of tables.
const ENDINGS: [&str; 3] = ["txt", "csv", "tsv"];

/// Where truth comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Truth {
    /// Tables beside the recordings.
    #[default]
    Beside,
    /// Tables in a folder, or folders below it, that are named as recordings.
    Folder(PathBuf),
    /// One table: of the recording that it is named as, else of all of a deployment, end to end.
    File(PathBuf),
}

/// The labelled recordings of a deployment.
pub struct Data {
    /// The deployment.
    pub deployment: Deployment,
    /// Those of its recordings that are labelled.
    pub recordings: Recordings,
    /// Where their samples lie on the clock.
    pub recorded: Recorded,
    /// Their calls.
    pub truths: Truths,
}

impl Truth {
    /// What a person named; nothing is tables beside the recordings.
    ///
    /// # Errors
    /// When it is not there.
    pub fn named(path: Option<&Path>) -> anyhow::Result<Truth> {
        Ok(match path {
            None => Truth::Beside,
            Some(path) if path.is_dir() => Truth::Folder(path.to_owned()),
            Some(path) if path.is_file() => Truth::File(path.to_owned()),
            Some(path) => {
                bail!("there is neither a folder of tables nor a table {}", path.display())
            }
        })
    }

    /// For a person.
    pub fn in_words(&self) -> String {
        match self {
            Truth::Beside => "tables beside the recordings".to_owned(),
            Truth::Folder(path) | Truth::File(path) => path.display().to_string(),
        }
    }
}

impl Data {
    /// The labelled recordings of a deployment; those that are not labelled, or can't be read, go into
    /// `left_out`, and what a person should know into `told`. `None` where no recording is labelled.
    ///
    /// # Errors
    /// When a table can't be read.
    pub fn of(
        deployment: Deployment,
        recordings: &Recordings,
        truth: &Truth,
        left_out: &mut Vec<LeftOut>,
        told: &mut Vec<String>,
    ) -> anyhow::Result<Option<Data>> {
        for failure in &deployment.failures {
            let name = failure.name.clone();
            left_out.push(LeftOut::recording(&deployment.id, &name, failure.reason.clone()));
        }
        let Ok((recorded, unlike)) = Recorded::new(&recordings.infos) else { return Ok(None) };
        let name = |index: usize| {
            recordings.infos.get(index).map_or_else(String::new, |info| info.name.clone())
        };
        for (index, reason) in unlike {
            left_out.push(LeftOut::recording(&deployment.id, &name(index), reason));
        }
        let truths = read(&deployment, recordings, &recorded, truth)?;
        let is_on_clock = |index: &usize| recorded.runs.iter().any(|run| run.recording == *index);
        let labelled: Vec<usize> = (0..recordings.infos.len())
            .filter(|index| truths.recordings.contains(index) && is_on_clock(index))
            .collect();
        for index in (0..recordings.infos.len()).filter(is_on_clock) {
            if !truths.recordings.contains(&index) {
                let reason = "no table says which calls are in it".to_owned();
                left_out.push(LeftOut::recording(&deployment.id, &name(index), reason));
            }
        }
        told.extend(truths.problems.iter().cloned());
        if labelled.is_empty() {
            return Ok(None);
        }
        if *truth == Truth::Beside && recordings.tables.is_none() {
            told.push(format!(
                "nobody says that the tables of {} hold every call: what they lack counts as told wrongly \
                 (all_calls_are_in_tables = true in its deployment.toml says so)",
                deployment.name
            ));
        }
        let recordings = chosen(recordings, &labelled);
        let (recorded, _) = Recorded::new(&recordings.infos)?;
        let new_index: BTreeMap<usize, usize> =
            labelled.iter().enumerate().map(|(new, old)| (*old, new)).collect();
        let truths = Truths {
            recordings: (0..labelled.len()).collect(),
            calls: truths
                .calls
                .into_iter()
                .filter_map(|mut call| {
                    call.recording = *new_index.get(&call.recording)?;
                    Some(call)
                })
                .collect(),
            problems: Vec::new(),
        };
        Ok(Some(Data { deployment, recordings, recorded, truths }))
    }
}

/// Some of the recordings, by index.
fn chosen(recordings: &Recordings, indices: &[usize]) -> Recordings {
    let infos: Vec<RecordingInfo> =
        indices.iter().filter_map(|index| recordings.infos.get(*index)).cloned().collect();
    let (open, indices) = (recordings.open.clone(), indices.to_vec());
    Recordings {
        infos: infos.into(),
        open: std::sync::Arc::new(move |index| open(indices.get(index).copied().unwrap_or(index))),
        tables: None,
        beside: None,
        version: recordings.version.clone(),
    }
}

/// Reads the tables of a deployment.
fn read(
    deployment: &Deployment,
    recordings: &Recordings,
    recorded: &Recorded,
    truth: &Truth,
) -> anyhow::Result<Truths> {
    let infos = &recordings.infos;
    match truth {
        Truth::Beside => Ok(match &recordings.beside {
            Some(tables) => Truths::of_each(tables, infos, recorded),
            None => Truths::default(),
        }),
        Truth::Folder(folder) => {
            let mut files = Vec::new();
            crate::training::list(folder, &mut files)?;
            files.sort();
            // Of tables with the same name those in a folder that is named as the deployment's are its own.
            let own = deployment.id.rsplit('/').next().unwrap_or_default().to_owned();
            let is_elsewhere = |path: &PathBuf| {
                let parent = path.parent().and_then(Path::file_name);
                parent.is_none_or(|parent| parent.to_string_lossy() != own)
            };
            files.sort_by_key(is_elsewhere);
            let known = infos.clone();
            let tables: ReadTable = std::sync::Arc::new(move |index| {
                let stem = stem(&known.get(index)?.name).to_owned();
                let path = files.iter().find(|path| is_of(path, &stem))?;
                Some(text(path).map_err(|error| format!("{error:#}")))
            });
            Ok(Truths::of_each(&tables, infos, recorded))
        }
        Truth::File(file) => {
            let text = text(file)?;
            let own = infos.iter().position(|info| is_of(file, stem(&info.name)));
            match own {
                Some(own) => {
                    let tables: ReadTable =
                        std::sync::Arc::new(move |index| (index == own).then(|| Ok(text.clone())));
                    Ok(Truths::of_each(&tables, infos, recorded))
                }
                None => Truths::of_all(&text, infos, recorded)
                    .with_context(|| file.display().to_string()),
            }
        }
    }
}

/// Whether a table is named as a recording.
fn is_of(path: &Path, stem: &str) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    let is_table = ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()));
    is_table && name.strip_prefix(stem).is_some_and(|rest| rest.starts_with('.'))
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))
}
