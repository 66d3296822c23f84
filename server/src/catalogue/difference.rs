//! What has changed in a place since it was last listed, written into the catalogue in one piece.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::calibration_file;
use super::deployment_file::DeploymentFile;
use super::file_kind::{self, FileKind};
use super::folders::FolderFiles;
use super::schema::FileState;
use super::slug;
use crate::place::{Listed, Place, PlaceError, Unsure};

/// A longer `deployment.toml` is none.
const DESCRIPTION_BYTES: u64 = 1 << 20;

/// What a listing changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Files that were not there before.
    pub added: usize,
    /// Files with other content.
    pub changed: usize,
    /// Files that are gone.
    pub removed: usize,
    /// Folders that nobody is sure of, with how many files are kept of them.
    pub unsure: Vec<(Unsure, usize)>,
}

impl Difference {
    /// Files that differ.
    fn files(&self) -> usize {
        self.added + self.changed + self.removed
    }
}

/// The row of a place, made where it is missing.
///
/// # Errors
/// When the database refuses.
pub fn place_row(database: &Connection, address: &str) -> rusqlite::Result<i64> {
    database.execute("INSERT OR IGNORE INTO place (address) VALUES (?1)", [address])?;
    database.query_row("SELECT id FROM place WHERE address = ?1", [address], |row| row.get(0))
}

/// Brings the catalogue to what a place holds now: all of it or, where the database refuses, nothing.
///
/// # Errors
/// When the database refuses.
pub fn apply(
    database: &mut Connection,
    place_row: i64,
    place: &Place,
    folders: &BTreeMap<String, FolderFiles>,
    unsure: Vec<Unsure>,
) -> rusqlite::Result<Difference> {
    let changes = database.transaction()?;
    let mut difference = Difference {
        unsure: unsure.into_iter().map(|unsure| (unsure, 0)).collect(),
        ..Difference::default()
    };
    let mut known: HashMap<String, i64> = HashMap::new();
    {
        let mut rows = changes.prepare("SELECT folder, id FROM deployment WHERE place = ?1")?;
        let mut rows = rows.query([place_row])?;
        while let Some(row) = rows.next()? {
            known.insert(row.get(0)?, row.get(1)?);
        }
    }
    for (folder, files) in folders {
        let row = match known.remove(folder) {
            Some(row) => row,
            None => new_deployment(&changes, place_row, folder, &place.own_name())?,
        };
        let before = difference.files();
        let described = describe(&changes, row, place, files)?;
        compare(&changes, row, files, &mut difference)?;
        if described || difference.files() != before {
            let sql = "UPDATE deployment SET version = version + 1 WHERE id = ?1";
            changes.prepare_cached(sql)?.execute([row])?;
        }
    }
    for (folder, row) in known {
        let count = "SELECT count(*) FROM file WHERE deployment = ?1";
        let count = changes.query_row(count, [row], |r| r.get::<_, usize>(0))?;
        // Days of work hang on what the catalogue knows: it forgets nothing because of a loose cable.
        let path = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let kept = difference.unsure.iter_mut().find(|(unsure, _)| path.starts_with(&unsure.below));
        if let Some((_, kept)) = kept {
            *kept += count;
            continue;
        }
        difference.removed += count;
        changes.execute("DELETE FROM deployment WHERE id = ?1", [row])?;
    }
    changes.commit()?;
    difference.unsure.retain(|(_, kept)| *kept > 0);
    Ok(difference)
}

fn new_deployment(
    changes: &Transaction<'_>,
    place_row: i64,
    folder: &str,
    own_name: &str,
) -> rusqlite::Result<i64> {
    let mut id = slug::slug(folder, own_name);
    let taken = "SELECT 1 FROM deployment WHERE place = ?1 AND slug = ?2";
    if changes.query_row(taken, params![place_row, id], |_| Ok(())).optional()?.is_some() {
        id = slug::marked(&id, folder);
    }
    changes.execute(
        "INSERT INTO deployment (place, folder, slug) VALUES (?1, ?2, ?3)",
        params![place_row, folder, id],
    )?;
    Ok(changes.last_insert_rowid())
}

/// Takes in a `deployment.toml`, or the table of its calibration, that has changed; returns whether one had.
/// Recordings are read anew where it says that they are to be read in another way.
fn describe(
    changes: &Transaction<'_>,
    row: i64,
    place: &Place,
    files: &FolderFiles,
) -> rusqlite::Result<bool> {
    let sql = "SELECT description, described FROM deployment WHERE id = ?1";
    let (before, described): (String, String) =
        changes.query_row(sql, [row], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let version_of = |file: Option<&Listed>| {
        file.map_or_else(String::new, |file| format!("{} {}", file.bytes, file.version))
    };
    let own = version_of(files.description.as_ref());
    // A tab stands in no version.
    let whole = |text: &str| match files.calibration(text) {
        None => own.clone(),
        table => format!("{own}\t{}", version_of(table)),
    };
    let is_same_text = described.split('\t').next() == Some(&own);
    if is_same_text && described == whole(&before) {
        return Ok(false);
    }
    let read = |file: Option<&Listed>, most_bytes: u64| -> Result<Option<String>, PlaceError> {
        let bytes = file.map(|file| place.read(file, most_bytes)).transpose()?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    let both = read(files.description.as_ref(), DESCRIPTION_BYTES).and_then(|text| {
        let text = text.unwrap_or_default();
        let table = read(files.calibration(&text), calibration_file::MOST_BYTES)?;
        Ok((text, table))
    });
    let (text, table) = match both {
        Ok(both) => both,
        Err(error) => {
            // What they said holds until they can be read.
            tracing::warn!("{error}");
            return Ok(false);
        }
    };
    let options = |text: &str| DeploymentFile::of_text(text, None).0.open_options();
    if options(&before) != options(&text) {
        changes.execute(
            "UPDATE file SET state = ?2 WHERE deployment = ?1 AND kind = ?3",
            params![row, FileState::Unread as i64, FileKind::Recording as i64],
        )?;
    }
    changes.execute(
        "UPDATE deployment SET description = ?2, described = ?3, calibration = ?4 WHERE id = ?1",
        params![row, text, whole(&text), table],
    )?;
    Ok(true)
}

struct Known {
    row: i64,
    kind: i64,
    bytes: u64,
    version: String,
}

/// Brings the files of a deployment to what its folder holds.
fn compare(
    changes: &Transaction<'_>,
    row: i64,
    files: &FolderFiles,
    difference: &mut Difference,
) -> rusqlite::Result<()> {
    let mut known: HashMap<String, Known> = HashMap::new();
    {
        let sql = "SELECT name, id, kind, bytes, version FROM file WHERE deployment = ?1";
        let mut rows = changes.prepare_cached(sql)?;
        let mut rows = rows.query([row])?;
        while let Some(r) = rows.next()? {
            let file =
                Known { row: r.get(1)?, kind: r.get(2)?, bytes: r.get(3)?, version: r.get(4)? };
            known.insert(r.get(0)?, file);
        }
    }
    let mut insert = changes.prepare_cached(
        "INSERT INTO file (deployment, name, kind, bytes, version) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    // Another length or time: nothing that was read of it holds any more.
    let mut update = changes.prepare_cached(
        "UPDATE file SET bytes = ?2, version = ?3, state = 0, failure = NULL, info = NULL, \
         start_ns = NULL, end_ns = NULL, duration_s = NULL, rate_hz = NULL, format = NULL \
         WHERE id = ?1",
    )?;
    let mut stems: HashSet<String> = HashSet::new();
    for (file, kind) in &files.files {
        let name = file.folder_and_name().1;
        match known.remove(name) {
            Some(old) if old.bytes == file.bytes && old.version == file.version => continue,
            Some(old) => {
                update.execute(params![old.row, file.bytes, file.version])?;
                difference.changed += 1;
            }
            None => {
                insert.execute(params![row, name, *kind as i64, file.bytes, file.version])?;
                difference.added += 1;
            }
        }
        if *kind == FileKind::Sidecar {
            stems.insert(file_kind::stem(name).to_owned());
        }
    }
    let mut delete = changes.prepare_cached("DELETE FROM file WHERE id = ?1")?;
    for (name, old) in known {
        delete.execute([old.row])?;
        difference.removed += 1;
        if old.kind == FileKind::Sidecar as i64 {
            stems.insert(file_kind::stem(&name).to_owned());
        }
    }
    // A sidecar tells of its recording.
    let mut unread =
        changes.prepare_cached("UPDATE file SET state = 0 WHERE deployment = ?1 AND name = ?2")?;
    for (file, kind) in &files.files {
        let name = file.folder_and_name().1;
        if *kind == FileKind::Recording && stems.contains(file_kind::stem(name)) {
            unread.execute(params![row, name])?;
        }
    }
    Ok(())
}
