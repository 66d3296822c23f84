//! What a table of windows was cut from, so that whoever trains on it sees that labels were changed since.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use spyhop_signal::tables::{Sequence, TableError, read_table};

use super::tables::{some_of, tables_beside};
use crate::TrainError;

/// What said where calls are when a table of windows was cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// Digest of each table of calls by its path below the recordings' folder.
    pub tables: BTreeMap<String, String>,
    /// The log of detections.
    pub log: Option<LogSource>,
    /// What people had said of candidates.
    pub reviews: Option<ReviewSource>,
    /// Whether training cut the windows by itself: it may do so again.
    pub by_training: bool,
}

/// A log of detections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSource {
    /// Where it lies: below the recordings' folder, or else from the root on.
    pub path: PathBuf,
    /// Of its bytes.
    pub digest: String,
}

/// What people said of candidates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewSource {
    /// The state folder that keeps it.
    pub state: PathBuf,
    /// The deployment.
    pub deployment: String,
    /// Of all that was said.
    pub digest: String,
}

impl Sources {
    /// Tables of calls among files that lie beside recordings, as [`super::of_tables`] reads them.
    ///
    /// # Errors
    /// When one can't be read.
    pub fn of_tables(
        folder: &Path,
        recordings: &[PathBuf],
        files: &[PathBuf],
    ) -> Result<Sources, TrainError> {
        let mut tables = BTreeMap::new();
        for path in tables_beside(recordings, files) {
            let text = std::fs::read_to_string(path)
                .map_err(|error| TrainError::reading("a table", path, &error))?;
            // Folders hold other tables, too: of the weather, of positions. They change nothing.
            let read = read_table(&text, &Sequence::default(), 1);
            if !matches!(read, Err(TableError::Unknown { .. } | TableError::Empty)) {
                let name = path.strip_prefix(folder).unwrap_or(path);
                tables.insert(
                    name.to_string_lossy().replace('\\', "/"),
                    blake3::hash(text.as_bytes()).to_hex().to_string(),
                );
            }
        }
        Ok(Sources { tables, ..Sources::default() })
    }

    /// A log, as [`super::of_log`] reads it.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn of_log(folder: &Path, path: &Path) -> Result<Sources, TrainError> {
        let failed = |error| TrainError::reading("the log", path, &error);
        let digest = blake3::hash(&std::fs::read(path).map_err(failed)?).to_hex().to_string();
        let whole = path.canonicalize().map_err(failed)?;
        let path = whole.strip_prefix(folder).map_or(whole.as_path(), |below| below).to_owned();
        Ok(Sources { log: Some(LogSource { path, digest }), ..Sources::default() })
    }

    /// What people said of candidates: begin and end in nanoseconds since 1970, and what each is.
    pub fn of_reviews(state: &Path, deployment: &str, said: &[(i64, i64, String)]) -> Sources {
        let mut hasher = blake3::Hasher::new();
        for (begin_ns, end_ns, label) in said {
            hasher.update(&begin_ns.to_le_bytes());
            hasher.update(&end_ns.to_le_bytes());
            hasher.update(&(label.len() as u64).to_le_bytes());
            hasher.update(label.as_bytes());
        }
        let reviews = ReviewSource {
            state: state.to_owned(),
            deployment: deployment.to_owned(),
            digest: hasher.finalize().to_hex().to_string(),
        };
        Sources { reviews: Some(reviews), ..Sources::default() }
    }

    /// Whether nothing is known of labels.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.log.is_none() && self.reviews.is_none()
    }

    /// What is otherwise now, for a person: `changed: a.txt; new: b.txt`. `None` where nothing is.
    pub fn changes(&self, now: &Sources) -> Option<String> {
        let names = |are: &dyn Fn(&str) -> bool, of: &BTreeMap<String, String>| -> Vec<String> {
            of.keys().filter(|name| are(name)).cloned().collect()
        };
        let differs = |name: &str| {
            let before = self.tables.get(name);
            before.is_some_and(|before| now.tables.get(name).is_some_and(|n| n != before))
        };
        let mut changed = names(&differs, &now.tables);
        if let (Some(before), Some(log)) = (&self.log, &now.log)
            && before.digest != log.digest
        {
            changed.push(log.path.display().to_string());
        }
        if let (Some(before), Some(reviews)) = (&self.reviews, &now.reviews)
            && before.digest != reviews.digest
        {
            changed.push(format!("what people said of candidates of {}", reviews.deployment));
        }
        let new = names(&|name| !self.tables.contains_key(name), &now.tables);
        let gone = names(&|name| !now.tables.contains_key(name), &self.tables);
        let told: Vec<String> = [("changed", changed), ("new", new), ("gone", gone)]
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(word, names)| format!("{word}: {}", some_of(&names)))
            .collect();
        (!told.is_empty()).then(|| told.join("; "))
    }
}
