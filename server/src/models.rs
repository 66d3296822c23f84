//! Where models lie, and what is known of them.

mod carried;
mod shelf;

pub use shelf::{FilePlace, Shelf, Stamp};

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use spyhop_model::{
    AstConfig, MemoryFiles, ModelCard, ModelError, ModelFiles, ModelFolder, check_lengths, config,
    read_card,
};

use crate::data_folder::models_folder;
use shelf::{is_adapter_file, stamps};

/// What every adapter's folder holds.
const ADAPTER_FILE: &str = "adapter_config.json";

/// A network: a folder, or one that comes with the program.
#[derive(Clone, Debug)]
pub enum Model {
    /// Of this machine.
    Folder(ModelFolder),
    /// In the program.
    Carried(MemoryFiles),
}

impl Model {
    /// The network that a person means: a path, the name of a folder among the user's models, or the name
    /// of one that comes with the program. A folder of the same name counts before that.
    ///
    /// # Errors
    /// When there is none of these.
    pub fn named(word: &Path) -> anyhow::Result<Model> {
        match (named(word), word.to_str().and_then(carried::model)) {
            (Ok(folder), _) => Ok(Model::Folder(ModelFolder(folder))),
            (Err(_), Some(files)) => Ok(Model::Carried(files)),
            (Err(error), None) => {
                let names: Vec<&str> = carried::names().collect();
                bail!("{error}; {} comes with the program", names.join(", "))
            }
        }
    }

    /// The network of a name in [`all`]. Where the program was started has no say, as it has where a
    /// person names a folder; a whole path is a folder.
    ///
    /// # Errors
    /// When there is none.
    pub fn listed(word: &Path) -> anyhow::Result<Model> {
        match (listed(word), word.to_str().and_then(carried::model)) {
            (Some(folder), _) => Ok(Model::Folder(ModelFolder(folder))),
            (None, Some(files)) => Ok(Model::Carried(files)),
            (None, None) => bail!("there is no network {} here any more", word.display()),
        }
    }

    /// The adapter of a name among the user's, likewise.
    ///
    /// # Errors
    /// When there is none.
    pub fn listed_adapter(word: &Path) -> anyhow::Result<Model> {
        let folder = listed(word);
        let folder = folder
            .with_context(|| format!("there is no adapter {} here any more", word.display()))?;
        Ok(Model::Folder(ModelFolder(folder)))
    }

    /// Its card, without a look at its weights but for how long they are.
    ///
    /// # Errors
    /// When its configuration or its card can't be read, or its weights are torn.
    pub fn card(&self) -> Result<ModelCard, ModelError> {
        if let Model::Folder(folder) = self {
            check_lengths(folder)?;
        }
        read_card(&[self], &AstConfig::read(self)?)
    }

    /// What its files look like from outside: other stamps are perhaps another network.
    ///
    /// # Errors
    /// When its folder can't be read.
    pub fn stamps(&self) -> io::Result<Vec<Stamp>> {
        match self {
            Model::Folder(ModelFolder(folder)) => stamps(folder, is_adapter_file),
            Model::Carried(_) => Ok(Vec::new()),
        }
    }

    /// The folder's name, or the one that it is carried by.
    pub fn name(&self) -> String {
        match self {
            Model::Folder(ModelFolder(folder)) => {
                let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
                whole.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
            }
            Model::Carried(files) => files.place.clone(),
        }
    }
}

impl ModelFiles for Model {
    fn place(&self) -> String {
        match self {
            Model::Folder(folder) => folder.place(),
            Model::Carried(files) => files.place(),
        }
    }

    fn read(&self, file: &str) -> Result<Option<Vec<u8>>, ModelError> {
        match self {
            Model::Folder(folder) => folder.read(file),
            Model::Carried(files) => files.read(file),
        }
    }
}

/// The networks of the user's models folder, and those that come with the program; by name.
pub fn all() -> Vec<(String, Model)> {
    let place = models_folder().unwrap_or_default();
    let own = named_folders(config::FILE_NAME);
    let mut all: Vec<(String, Model)> =
        own.into_iter().map(|n| (n.clone(), Model::Folder(ModelFolder(place.join(n))))).collect();
    for name in carried::names() {
        if !all.iter().any(|(own, _)| own == name) {
            all.extend(carried::model(name).map(|files| (name.to_owned(), Model::Carried(files))));
        }
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all
}

/// A folder of the user's models folder by its name, or a whole path.
fn listed(word: &Path) -> Option<PathBuf> {
    let folder = if word.is_absolute() { word.to_owned() } else { models_folder()?.join(word) };
    folder.is_dir().then_some(folder)
}

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

/// Names of [`all`] networks, which they are asked for by.
pub fn names() -> Vec<String> {
    all().into_iter().map(|(name, _)| name).collect()
}

/// The adapters of a place: folders in it that hold one. Sorted by name; none where it can't be listed.
pub fn adapters_of(place: &Path) -> Vec<PathBuf> {
    folders_with(place, ADAPTER_FILE)
}

/// Names of the user's adapters.
pub fn adapter_names() -> Vec<String> {
    named_folders(ADAPTER_FILE)
}

/// Folders of the user's models folder that hold a file. None where there is no such folder.
fn named_folders(file: &str) -> Vec<String> {
    let folders = models_folder().map_or_else(Vec::new, |models| folders_with(&models, file));
    let name = |path: &PathBuf| Some(path.file_name()?.to_string_lossy().into_owned());
    folders.iter().filter_map(name).collect()
}

/// Folders of a place that hold a file, sorted by name.
fn folders_with(place: &Path, file: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = paths.filter(|path| path.join(file).is_file()).collect();
    folders.sort();
    folders
}
