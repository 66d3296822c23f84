//! Where models lie, and what is known of them.

mod shelf;

pub use shelf::Shelf;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use spyhop_model::config;

use crate::data_folder::models_folder;

/// What every adapter's folder holds.
const ADAPTER_FILE: &str = "adapter_config.json";

/// The folder that a person means: a path, or the name of a folder among the user's models.
///
/// # Errors
/// When there is neither.
pub fn named(word: &Path) -> anyhow::Result<PathBuf> {
    if word.is_dir() {
        return Ok(word.to_owned());
    }
    let models = models_folder();
    match models.as_ref().map(|models| models.join(word)).filter(|folder| folder.is_dir()) {
        Some(folder) => Ok(folder),
        None => match models {
            Some(models) => bail!(
                "there is no folder {}, and no model of this name in {}",
                word.display(),
                models.display()
            ),
            None => bail!("there is no folder {}", word.display()),
        },
    }
}

/// The model folders of a place: itself where it is one, else those of its folders that are. Sorted by
/// name.
///
/// # Errors
/// When the place can't be listed.
pub fn folders_of(place: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let is_model = |folder: &Path| folder.join(config::FILE_NAME).is_file();
    if is_model(place) {
        return Ok(vec![place.to_owned()]);
    }
    let entries = std::fs::read_dir(place)
        .with_context(|| format!("models can't be looked for in {}", place.display()))?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if is_model(&path) {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// Names of the user's models, which they are asked for by.
pub fn names() -> Vec<String> {
    named_folders(config::FILE_NAME)
}

/// Names of the user's adapters.
pub fn adapter_names() -> Vec<String> {
    named_folders(ADAPTER_FILE)
}

/// Folders of the user's models folder that hold a file. None where there is no such folder.
fn named_folders(file: &str) -> Vec<String> {
    let entries = models_folder().and_then(|models| std::fs::read_dir(models).ok());
    let paths = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    let mut names: Vec<String> = paths
        .filter(|path| path.join(file).is_file())
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names
}
