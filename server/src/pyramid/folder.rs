//! Where the units and stores of one product lie.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// Lists the files of a unit; it is written last.
const CONTENTS: &str = "unit.json";
/// Folders that are being made or taken away.
const UNFINISHED: &str = ".unfinished-";
/// What may not stand in a folder's name on one system or another.
const NOT_IN_NAMES: &AsciiSet = &CONTROLS
    .add(b'/')
    .add(b'\\')
    .add(b':')
    .add(b'*')
    .add(b'?')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'|')
    .add(b'%')
    .add(b'.');

/// The folder of one product of one deployment.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// What a unit's folder holds.
#[derive(Serialize, Deserialize)]
struct Contents {
    /// Length of each file in bytes: after a power cut a file may be there and empty.
    files: BTreeMap<String, u64>,
}

/// What the folder of a deployment is called below the state folder.
pub fn folder_name(deployment: &str) -> String {
    utf8_percent_encode(deployment, NOT_IN_NAMES).to_string()
}

impl Folder {
    /// The folder of a product below the state folder. Nothing is made yet.
    pub fn new(state: &Path, deployment: &str, product: &str) -> Folder {
        Folder { path: state.join("pyramids").join(folder_name(deployment)).join(product) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a unit lies.
    pub fn unit(&self, key: &str) -> PathBuf {
        self.path.join("units").join(key)
    }

    /// Whether a unit is there, by a look at its name: folders get theirs when they are whole.
    pub fn has_unit(&self, key: &str) -> bool {
        self.unit(key).join(CONTENTS).is_file()
    }

    /// Whether a unit is there with all its files in their lengths.
    pub fn has_whole_unit(&self, key: &str) -> bool {
        let unit = self.unit(key);
        self.contents(key).is_some_and(|contents| {
            contents.files.iter().all(|(name, bytes)| {
                unit.join(name).metadata().is_ok_and(|found| found.len() == *bytes)
            })
        })
    }

    /// Length of a unit's files together; 0 where there is none.
    pub fn unit_bytes(&self, key: &str) -> u64 {
        self.contents(key).map_or(0, |contents| contents.files.values().sum())
    }

    fn contents(&self, key: &str) -> Option<Contents> {
        let bytes = fs::read(self.unit(key).join(CONTENTS)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Makes a unit of files, given by their path in its folder: under another name until it is whole.
    /// Where the unit is there already it stays.
    ///
    /// # Errors
    /// When the disk says no; nothing is left behind then.
    pub fn put_unit(
        &self,
        key: &str,
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<()> {
        let whole = self.unit(key);
        let unfinished = self.unfinished()?;
        let write = || -> Result<()> {
            let mut contents = Contents { files: BTreeMap::new() };
            for (name, bytes) in files {
                let path = unfinished.join(&name);
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent)?;
                }
                fs::write(&path, &bytes)?;
                contents.files.insert(name, bytes.len() as u64);
            }
            let list = serde_json::to_vec(&contents).map_err(Error::other)?;
            fs::write(unfinished.join(CONTENTS), list)?;
            if let Some(parent) = whole.parent() {
                fs::create_dir_all(parent)?;
            }
            match fs::rename(&unfinished, &whole) {
                Err(_) if self.has_whole_unit(key) => fs::remove_dir_all(&unfinished),
                Err(_) if whole.exists() => {
                    // What is there is damaged.
                    self.remove(&whole)?;
                    fs::rename(&unfinished, &whole)
                }
                renamed => renamed,
            }
        };
        let written = write();
        if written.is_err() {
            // What is left of it is swept up the next time too: that it stays is no second error.
            let _ = fs::remove_dir_all(&unfinished);
        }
        written
    }

    /// The published stores.
    pub fn stores(&self) -> PathBuf {
        self.path.join("stores")
    }

    /// A new, empty folder for something that is made and then renamed.
    pub(super) fn unfinished(&self) -> Result<PathBuf> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{UNFINISHED}{}-{number}", std::process::id());
        let path = self.path.join(name);
        if path.exists() {
            // Of a process that had our number before and was killed.
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// Removes what no one wants any more: units whose key is not in `keys`, stores whose name is not in
    /// `stores`, and what was left unfinished. No one else may be making units here meanwhile. Returns
    /// how many units went.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn sweep(&self, keys: &HashSet<&str>, stores: &HashSet<&str>) -> Result<usize> {
        let mut swept = 0;
        for name in names(&self.path.join("units"))? {
            if !keys.contains(name.as_str()) {
                self.remove(&self.unit(&name))?;
                swept += 1;
            }
        }
        for name in names(&self.stores())?.iter().filter(|name| !stores.contains(name.as_str())) {
            self.remove(&self.stores().join(name))?;
        }
        for name in names(&self.path)?.iter().filter(|name| name.starts_with(UNFINISHED)) {
            fs::remove_dir_all(self.path.join(name))?;
        }
        Ok(swept)
    }

    /// Takes a folder's name away first, so that no one finds half of it.
    fn remove(&self, path: &Path) -> Result<()> {
        let unfinished = self.unfinished()?;
        fs::rename(path, unfinished.join("removed"))?;
        fs::remove_dir_all(unfinished)
    }
}

/// What lies in a folder; nothing where there is none.
fn names(folder: &Path) -> Result<Vec<String>> {
    match folder.read_dir() {
        Ok(entries) => {
            Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
