//! The files of a place by folder: each folder with recordings is a deployment.

use std::collections::{BTreeMap, HashMap};

use super::calibration_file;
use super::deployment_file::FILE_NAME;
use super::file_kind::{self, FileKind};
use crate::place::Listed;

/// What lies in one folder.
#[derive(Debug, Default)]
pub struct FolderFiles {
    /// Recordings, sidecars and tables, with their kind.
    pub files: Vec<(Listed, FileKind)>,
    /// Its `deployment.toml`.
    pub description: Option<Listed>,
    /// What may be the table of its calibration.
    pub tables: Vec<Listed>,
}

impl FolderFiles {
    /// The table of the calibration that the text of its `deployment.toml` names, where it is there.
    pub fn calibration(&self, text: &str) -> Option<&Listed> {
        let name = calibration_file::named(text)?;
        self.tables.iter().find(|file| file.folder_and_name().1 == name)
    }
}

/// Whether a file of this name is of use here.
pub fn wanted(name: &str) -> bool {
    name == FILE_NAME || file_kind::of_name(name).is_some() || calibration_file::may_be(name)
}

/// Groups a listing; folders without recordings are left out. Folders and names are in order.
pub fn by_folder(listing: Vec<Listed>) -> BTreeMap<String, FolderFiles> {
    let mut folders: BTreeMap<String, FolderFiles> = BTreeMap::new();
    for file in listing {
        let (folder, name) = file.folder_and_name();
        let (kind, name_is_toml) = (file_kind::of_name(name), name == FILE_NAME);
        let entry = folders.entry(folder.to_owned()).or_default();
        match kind {
            _ if name_is_toml => entry.description = Some(file),
            Some(kind) => entry.files.push((file, kind)),
            None => entry.tables.push(file),
        }
    }
    folders.retain(|_, folder| folder.files.iter().any(|(_, kind)| *kind == FileKind::Recording));
    for folder in folders.values_mut() {
        folder.files.sort_by(|a, b| a.0.path.cmp(&b.0.path));
    }
    folders
}

/// The sidecars of a folder by the stem that they share with their recording.
pub fn sidecars_by_stem<'a>(
    sidecars: impl Iterator<Item = &'a Listed>,
) -> HashMap<String, Vec<Listed>> {
    let mut by_stem: HashMap<String, Vec<Listed>> = HashMap::new();
    for sidecar in sidecars {
        let stem = file_kind::stem(sidecar.folder_and_name().1).to_owned();
        by_stem.entry(stem).or_default().push(sidecar.clone());
    }
    by_stem
}
