//! Which tables say where the calls of deployments are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use spyhop_api::Deployment;

use crate::catalogue::{ReadTable, Recordings};

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
    /// One table: of the recordings that it is named as, else of all of the one deployment, end to end.
    File(PathBuf),
}

/// The tables of a deployment.
pub(super) enum Tables {
    /// Of each recording, where it has one.
    Each(ReadTable),
    /// One of all recordings.
    All {
        /// The file.
        path: PathBuf,
        /// What it holds.
        text: String,
    },
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

    /// The tables of each deployment, in the same order. What is named as a recording is of that recording,
    /// unless it lies in a folder that is named as another deployment.
    ///
    /// # Errors
    /// When they can't be listed or read, or one table of several recordings is to be that of several
    /// deployments.
    pub(super) fn tables(&self, all: &[(Deployment, Recordings)]) -> anyhow::Result<Vec<Tables>> {
        match self {
            Truth::Beside => {
                let of = |(_, recordings): &(Deployment, Recordings)| {
                    recordings.beside.clone().map_or_else(Tables::none, Tables::Each)
                };
                Ok(all.iter().map(of).collect())
            }
            Truth::Folder(folder) => {
                let mut files = Vec::new();
                crate::training::list(folder, &mut files)?;
                files.sort();
                let owned = files.into_iter().map(|file| (owners(folder, &file, all), file));
                let owned: Vec<(Vec<usize>, PathBuf)> = owned.collect();
                let of = |(index, (_, recordings)): (usize, &(Deployment, Recordings))| {
                    let own = owned.iter().filter(|(owners, _)| owners.contains(&index));
                    let anybodys = owned.iter().filter(|(owners, _)| owners.is_empty());
                    // Of tables with the same name its own come first.
                    let files = own.chain(anybodys).map(|(_, file)| file.clone());
                    named(files.collect(), recordings)
                };
                Ok(all.iter().enumerate().map(of).collect())
            }
            Truth::File(file) => {
                let text = text(file)?;
                let owners = owners(file.parent().unwrap_or(file), file, all);
                let is_named = |(index, (_, recordings)): (usize, &(Deployment, Recordings))| {
                    (owners.is_empty() || owners.contains(&index))
                        && recordings.infos.iter().any(|info| is_of(file, stem(&info.name)))
                };
                let are_named: Vec<bool> = all.iter().enumerate().map(is_named).collect();
                if are_named.contains(&true) {
                    let of = |((_, recordings), is_named): (&(Deployment, Recordings), bool)| {
                        match is_named {
                            true => named(vec![file.clone()], recordings),
                            false => Tables::none(),
                        }
                    };
                    return Ok(all.iter().zip(are_named).map(of).collect());
                }
                if all.len() > 1 {
                    bail!(
                        "{} is named as none of the recordings, and one table of several recordings is of one \
                         deployment, of which there are {}: choose it with --deployment ID",
                        file.display(),
                        all.len()
                    );
                }
                let of_all = |_| Tables::All { path: file.clone(), text: text.clone() };
                Ok(all.iter().map(of_all).collect())
            }
        }
    }
}

impl Tables {
    fn none() -> Tables {
        Tables::Each(Arc::new(|_| None))
    }
}

/// Of files those that are named as recordings; of several with the same name the first.
fn named(files: Vec<PathBuf>, recordings: &Recordings) -> Tables {
    let infos = recordings.infos.clone();
    Tables::Each(Arc::new(move |index| {
        let stem = stem(&infos.get(index)?.name);
        let path = files.iter().find(|path| is_of(path, stem))?;
        Some(text(path).map_err(|error| format!("{error:#}")))
    }))
}

/// The deployments, by index, that a table's folder or one above it, not further than `within`, is named as;
/// none where the table may be of any.
fn owners(within: &Path, file: &Path, all: &[(Deployment, Recordings)]) -> Vec<usize> {
    let folders = file.ancestors().skip(1).take_while(|folder| folder.starts_with(within));
    for folder in folders {
        let alike: Vec<usize> =
            all.iter().map(|(deployment, _)| names_alike(folder, deployment)).collect();
        let most = alike.iter().copied().max().unwrap_or(0);
        if most > 0 {
            return (0..alike.len()).filter(|index| alike.get(*index) == Some(&most)).collect();
        }
    }
    Vec::new()
}

/// How many names a folder's path and a deployment's have in common at their ends.
fn names_alike(folder: &Path, deployment: &Deployment) -> usize {
    let names = folder.iter().rev().map(|name| name.to_string_lossy());
    // An id is the folder's path with ~ between its names.
    let alike = names.zip(deployment.id.rsplit('~')).take_while(|(a, b)| a == b).count();
    let is_called =
        folder.file_name().is_some_and(|name| name.to_string_lossy() == deployment.name);
    alike.max(usize::from(is_called))
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
