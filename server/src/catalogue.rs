//! What a place holds: each of its folders with recordings is a deployment.
//!
//! Folders are listed anew for every question (a recorder may still be writing into them); headers
//! are read once per version of a file. Nothing outside the place is ever named: symbolic links that
//! lead out of it are passed over.

mod deployment_file;
mod file_kind;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use rayon::prelude::*;
use spyhop_api::{Deployment, FileFailure, RecordingInfo};
use spyhop_signal::formats::{self, OpenOptions, Sidecar};
use spyhop_signal::source::FileSource;

pub use deployment_file::{DeploymentFile, FILE_NAME};
use file_kind::FileKind;

/// The recordings of a place.
pub struct Catalogue {
    /// Canonical, so that a path can be told to lie inside it.
    place: Option<PathBuf>,
    opened: Mutex<HashMap<PathBuf, Opened>>,
}

/// A longer sidecar is not looked at.
const SIDECAR_BYTES: u64 = 1 << 20;

/// What opening one version of a file gave.
struct Opened {
    version: (u64, SystemTime),
    options: OpenOptions,
    result: Result<RecordingInfo, String>,
}

/// One file of a deployment.
struct Listed {
    name: String,
    path: PathBuf,
    bytes: u64,
    changed: SystemTime,
    kind: FileKind,
}

/// Why a place can't be served.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It is not there, or may not be read.
    #[error("the place of the recordings can't be read ({error}): {path}")]
    Unreadable {
        /// As it was given.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A file and not a folder.
    #[error("this is a file; give the folder that it lies in: {path}")]
    NotAFolder {
        /// As it was given.
        path: PathBuf,
    },
}

impl Catalogue {
    /// The deployments of a folder.
    ///
    /// # Errors
    /// When it can't be listed.
    pub fn of_place(path: &Path) -> Result<Catalogue, PlaceError> {
        let unreadable = |error| PlaceError::Unreadable { path: path.to_owned(), error };
        let place = path.canonicalize().map_err(unreadable)?;
        if place.is_file() {
            return Err(PlaceError::NotAFolder { path: path.to_owned() });
        }
        place.read_dir().map_err(unreadable)?;
        Ok(Catalogue { place: Some(place), opened: Mutex::default() })
    }

    /// No deployments: the page opens what a person drops on it.
    pub fn empty() -> Catalogue {
        Catalogue { place: None, opened: Mutex::default() }
    }

    /// All deployments, by name, without their recordings.
    pub fn list(&self) -> Vec<Deployment> {
        let mut list: Vec<Deployment> = self
            .folders()
            .into_iter()
            .map(|(id, folder)| describe(&id, &folder, &self.files(&folder)).0)
            .collect();
        list.sort_by(|a, b| a.name.cmp(&b.name));
        list
    }

    /// One deployment with all its recordings; `None` where there is none of that name.
    pub fn deployment(&self, id: &str) -> Option<Deployment> {
        let folder = self.folder(id)?;
        let files = self.files(&folder);
        let (mut deployment, options) = describe(id, &folder, &files);
        let opened: Vec<(&Listed, Result<RecordingInfo, String>)> = files
            .par_iter()
            .filter(|file| file.kind == FileKind::Recording)
            .map(|file| (file, self.open(file, &files, &options)))
            .collect();
        for (file, result) in opened {
            match result {
                Ok(info) => deployment.recordings.push(info),
                Err(reason) => {
                    deployment.failures.push(FileFailure { name: file.name.clone(), reason });
                }
            }
        }
        deployment.recordings.sort_by(|a, b| (a.start, &a.name).cmp(&(b.start, &b.name)));
        Some(deployment)
    }

    /// The path of a deployment's file; `None` unless it is listed there.
    pub fn file(&self, id: &str, name: &str) -> Option<PathBuf> {
        let folder = self.folder(id)?;
        self.files(&folder).into_iter().find(|file| file.name == name).map(|file| file.path)
    }

    fn folder(&self, id: &str) -> Option<PathBuf> {
        self.folders().into_iter().find(|(name, _)| name == id).map(|(_, folder)| folder)
    }

    /// The place's folders that hold recordings, and the place itself if it holds some.
    fn folders(&self) -> Vec<(String, PathBuf)> {
        let Some(place) = &self.place else { return Vec::new() };
        let mut folders: Vec<(String, PathBuf)> = entries(place)
            .into_iter()
            .filter(|(_, path)| path.is_dir() && self.is_inside(path))
            .filter(|(_, path)| self.has_recordings(path))
            .collect();
        if self.has_recordings(place) {
            let own = place.file_name().and_then(|n| n.to_str()).unwrap_or("recordings");
            let taken = folders.iter().any(|(id, _)| id == own);
            folders
                .push((if taken { format!("{own} (itself)") } else { own.into() }, place.clone()));
        }
        folders
    }

    fn has_recordings(&self, folder: &Path) -> bool {
        entries(folder).iter().any(|(name, path)| {
            file_kind::of_name(name) == Some(FileKind::Recording) && path.is_file()
        })
    }

    fn files(&self, folder: &Path) -> Vec<Listed> {
        let mut files: Vec<Listed> = entries(folder)
            .into_iter()
            .filter_map(|(name, path)| {
                let kind = file_kind::of_name(&name)?;
                let metadata = path.metadata().ok().filter(|m| m.is_file())?;
                let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                self.is_inside(&path).then_some(Listed {
                    name,
                    path,
                    bytes: metadata.len(),
                    changed,
                    kind,
                })
            })
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files
    }

    fn is_inside(&self, path: &Path) -> bool {
        let Some(place) = &self.place else { return false };
        path.canonicalize().is_ok_and(|real| real.starts_with(place))
    }

    /// Reads a file's headers, or remembers what that gave.
    fn open(
        &self,
        file: &Listed,
        files: &[Listed],
        options: &OpenOptions,
    ) -> Result<RecordingInfo, String> {
        // A panicked reader can't have left the map half-written: entries go in whole.
        let lock = || self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let version = (file.bytes, file.changed);
        if let Some(known) = lock().get(&file.path)
            && known.version == version
            && known.options == *options
        {
            return known.result.clone();
        }
        let result = read_headers(file, files, options);
        let opened = Opened { version, options: options.clone(), result: result.clone() };
        lock().insert(file.path.clone(), opened);
        result
    }
}

/// Reads what a file says of itself. The error is for a person and names the file.
fn read_headers(
    file: &Listed,
    files: &[Listed],
    options: &OpenOptions,
) -> Result<RecordingInfo, String> {
    let unreadable = |e: std::io::Error| format!("{} can't be read: {e}", file.name);
    let beside = files
        .iter()
        .filter(|f| f.kind == FileKind::Sidecar)
        .filter(|f| file_kind::stem(&f.name) == file_kind::stem(&file.name));
    let mut options = options.clone();
    for sidecar in beside {
        let mut bytes = Vec::new();
        let opened = File::open(&sidecar.path).map_err(unreadable)?;
        opened.take(SIDECAR_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
        options.sidecars.push(Sidecar { name: sidecar.name.clone(), bytes });
    }
    let source =
        FileSource::open(&file.path).map_err(|e| format!("{} can't be read: {e}", file.name))?;
    formats::open(&file.name, Box::new(source), &options)
        .map(|recording| recording.info)
        .map_err(|e| e.to_string())
}

/// A folder's deployment without its recordings, and how these are to be opened.
fn describe(id: &str, folder: &Path, files: &[Listed]) -> (Deployment, OpenOptions) {
    let (file, failures) = match DeploymentFile::read(folder) {
        Ok(file) => (file, Vec::new()),
        Err(error) => {
            let failure = FileFailure { name: FILE_NAME.into(), reason: error.to_string() };
            (DeploymentFile::default(), vec![failure])
        }
    };
    let options = file.open_options();
    let of_kind = |kind| files.iter().filter(move |file| file.kind == kind);
    let deployment = Deployment {
        failures,
        tables: of_kind(FileKind::Table).map(|file| file.name.clone()).collect(),
        recording_count: of_kind(FileKind::Recording).count(),
        bytes: of_kind(FileKind::Recording).map(|file| file.bytes).sum(),
        ..file.into_deployment(id)
    };
    (deployment, options)
}

/// What lies in a folder, but for names that are hidden or no text.
fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let Ok(list) = folder.read_dir() else { return Vec::new() };
    list.flatten()
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .filter(|(name, _)| !name.starts_with('.'))
        .collect()
}
