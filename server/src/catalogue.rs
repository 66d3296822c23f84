//! What places hold: each of their folders with recordings is a deployment.
//!
//! What was found lies in a database of the state folder ([`schema`]); a thread of its own
//! ([`indexer`]) keeps it true. Questions are answered from there, as far as whoever asks may know
//! ([`access`]). Nothing is written into a place, and nothing outside of it is ever named.

pub mod access;
mod calibration_file;
mod deployment_file;
mod difference;
mod file_kind;
pub mod folder_report;
mod folders;
mod headers;
mod index_pass;
mod indexer;
mod queries;
mod recordings;
mod schema;
mod slug;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use rusqlite::Connection;
use spyhop_api::{
    Coverage, Deployment, FileFailure, PositionPublic, RecordingPage, RecordingQuery, Severity,
    Timeline, Timestamp,
};

use crate::place::{Listed, Place};
use crate::state::{self, StateError, StateFolder};
use access::{Access, Reader, published};
pub use deployment_file::{DeploymentFile, FILE_NAME};
pub use difference::Difference;
pub use file_kind::{FileKind, of_name as kind_of};
pub use index_pass::{Piece, Watch, index_once};
pub use indexer::PlaceState;
use indexer::{IndexedPlace, Indexer};
pub use recordings::{ReadTable, Recordings, read_tables};
pub use schema::CatalogueError;
use schema::{DATABASE, MIGRATIONS};

/// Deployments whose recordings are kept in memory: about 0.7 kB a recording.
const KEPT: usize = 4;

/// The recordings of some places.
pub struct Catalogue {
    state: PathBuf,
    places: Vec<IndexedPlace>,
    indexer: Indexer,
    /// Connections that nobody reads with just now.
    readers: Mutex<Vec<Connection>>,
    described: Mutex<HashMap<i64, Arc<Described>>>,
    /// The one asked for last at the end.
    recordings: Mutex<Vec<(i64, Recordings)>>,
}

/// A deployment as it stands in the catalogue.
struct Described {
    row: i64,
    place: usize,
    folder: String,
    version: i64,
    file: DeploymentFile,
    /// Without its recordings.
    deployment: Deployment,
}

impl Described {
    /// Changes when the list of its recordings, or anything in it, does.
    fn recordings_version(&self) -> String {
        format!("{}-{}", self.row, self.version)
    }
}

/// A listed file and the place that it lies in.
pub struct PlacedFile {
    pub place: Arc<Place>,
    pub file: Listed,
}

impl Catalogue {
    /// The catalogue of a state folder, for some of the places that it knows or shall know; they are
    /// looked through at once, in the background.
    ///
    /// # Errors
    /// When the database can't be opened.
    pub fn open(state: &StateFolder, places: Vec<Place>) -> Result<Catalogue, CatalogueError> {
        let database = state.database(DATABASE, &MIGRATIONS)?;
        let with_rows = |database: &Connection| -> Result<Vec<IndexedPlace>, CatalogueError> {
            let row = |place: &Arc<Place>| difference::place_row(database, &place.address());
            let places = places.into_iter().map(Arc::new);
            places.map(|place| Ok(IndexedPlace { row: row(&place)?, place })).collect()
        };
        let places = with_rows(&database)?;
        let same = |p: &IndexedPlace| IndexedPlace { place: p.place.clone(), row: p.row };
        let indexer = Indexer::start(database, places.iter().map(same).collect())?;
        Ok(Catalogue {
            state: state.path().to_owned(),
            places,
            indexer,
            readers: Mutex::default(),
            described: Mutex::default(),
            recordings: Mutex::default(),
        })
    }

    /// The deployments that a reader finds, by name and without their recordings; with words in
    /// `search` those that hold all of them in their name, description, credit, notes, instrument or
    /// in the name of a recording.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn list(&self, reader: Reader, search: &str) -> Result<Vec<Deployment>, CatalogueError> {
        let list = self.list_with_versions(reader, search)?;
        Ok(list.into_iter().map(|(deployment, _)| deployment).collect())
    }

    /// The same, each with what [`Recordings::version`] is now.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn list_with_versions(
        &self,
        reader: Reader,
        search: &str,
    ) -> Result<Vec<(Deployment, String)>, CatalogueError> {
        for place in 0..self.places.len() {
            self.indexer.notice(place, None);
        }
        let now = now();
        let mut list = Vec::new();
        self.read(|database| {
            for known in self.all(database)? {
                let deployment = known.deployment.clone();
                let listed = access::access(&deployment, reader, now) == Access::Listed;
                if let Some(shown) = published(deployment, reader, now).filter(|_| listed)
                    && (search.trim().is_empty() || found(database, &known, &shown, search)?)
                {
                    list.push((shown, known.recordings_version()));
                }
            }
            Ok(())
        })?;
        list.sort_by(|(a, _), (b, _)| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(list)
    }

    /// A deployment without its recordings, as it was last looked through; `None` where there is none of
    /// that id for this reader.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn description(
        &self,
        id: &str,
        reader: Reader,
    ) -> Result<Option<Deployment>, CatalogueError> {
        let known = self.known(id, reader)?;
        Ok(known.and_then(|known| published(known.deployment.clone(), reader, now())))
    }

    /// A deployment with all its recordings and failures, looked through now where that is quick.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn deployment(
        &self,
        id: &str,
        reader: Reader,
    ) -> Result<Option<Deployment>, CatalogueError> {
        let Some(known) = self.fresh(id, reader)? else { return Ok(None) };
        let mut deployment = known.deployment.clone();
        deployment.recordings = self.recordings_of(&known)?.infos.to_vec();
        self.read(|database| {
            deployment.failures.extend(queries::failures(database, known.row)?);
            if reader == Reader::Administrator
                && deployment.position_public != PositionPublic::Exact
            {
                let count = queries::telling_positions(database, known.row)?;
                deployment.failures.extend((count > 0).then(|| tells_all(count)));
            }
            Ok(())
        })?;
        Ok(published(deployment, reader, now()))
    }

    /// What can't be opened of a deployment, as it was last looked through; none where it is not there for
    /// this reader.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn failures(&self, id: &str, reader: Reader) -> Result<Vec<FileFailure>, CatalogueError> {
        let Some(known) = self.known(id, reader)? else { return Ok(Vec::new()) };
        self.read(|database| Ok(queries::failures(database, known.row)?))
    }

    /// The recordings of a deployment, as it was last looked through, and a way to open each.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn recordings(
        &self,
        id: &str,
        reader: Reader,
    ) -> Result<Option<Recordings>, CatalogueError> {
        self.known(id, reader)?.map(|known| self.recordings_of(&known)).transpose()
    }

    /// The recordings of a deployment in the compact form.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn timeline(&self, id: &str, reader: Reader) -> Result<Option<Timeline>, CatalogueError> {
        let Some(known) = self.fresh(id, reader)? else { return Ok(None) };
        let recordings = self.recordings_of(&known)?;
        Ok(Some(Timeline::of(&recordings.infos, recordings.version)))
    }

    /// The hours in which a deployment recorded.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn coverage(&self, id: &str, reader: Reader) -> Result<Option<Coverage>, CatalogueError> {
        let Some(known) = self.fresh(id, reader)? else { return Ok(None) };
        self.read(|database| Ok(queries::coverage(database, known.row)?)).map(Some)
    }

    /// A page of the table of a deployment's recordings. `graded` tells the gravest finding of those that
    /// have one, by name: what is sorted and filtered by quality goes by it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn page(
        &self,
        id: &str,
        reader: Reader,
        query: &RecordingQuery,
        graded: &HashMap<&str, Severity>,
    ) -> Result<Option<RecordingPage>, CatalogueError> {
        let Some(known) = self.fresh(id, reader)? else { return Ok(None) };
        self.read(|database| Ok(queries::page(database, known.row, query, graded)?)).map(Some)
    }

    /// A deployment's file, recording or table; `None` unless it is listed there for this reader.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn file(
        &self,
        id: &str,
        name: &str,
        reader: Reader,
    ) -> Result<Option<PlacedFile>, CatalogueError> {
        let Some(known) = self.known(id, reader)? else { return Ok(None) };
        let Some(place) = self.places.get(known.place) else { return Ok(None) };
        let found = self.read(|database| Ok(queries::file(database, known.row, name)?))?;
        Ok(found.map(|(bytes, version)| PlacedFile {
            place: place.place.clone(),
            file: Listed { path: below(&known.folder, name), bytes, version, digest: None },
        }))
    }

    /// Asks for every place to be looked through now.
    pub fn rescan(&self) {
        self.indexer.rescan();
    }

    /// How it stands with each place, for the administrator: addresses are in it.
    pub fn places(&self) -> Vec<PlaceState> {
        self.indexer.states()
    }

    /// A deployment that is there for a reader.
    fn known(&self, id: &str, reader: Reader) -> Result<Option<Arc<Described>>, CatalogueError> {
        let found = self.find(id)?;
        if found.is_some() {
            return Ok(there_for(found, reader));
        }
        // It may have come a moment ago.
        for place in 0..self.places.len() {
            self.indexer.notice(place, None);
        }
        Ok(there_for(self.find(id)?, reader))
    }

    /// The same, as fresh as can quickly be.
    fn fresh(&self, id: &str, reader: Reader) -> Result<Option<Arc<Described>>, CatalogueError> {
        let Some(known) = self.known(id, Reader::Administrator)? else { return Ok(None) };
        self.indexer.notice(known.place, Some(known.row));
        Ok(there_for(self.find(id)?, reader))
    }

    fn find(&self, id: &str) -> Result<Option<Arc<Described>>, CatalogueError> {
        let is_it = |known: &Arc<Described>| known.deployment.id == id;
        self.read(|database| Ok(self.all(database)?.into_iter().find(is_it)))
    }

    /// All deployments of these places, each summed up anew where it has changed. Where two places
    /// have one of the same id, the later place's is told apart by its address.
    fn all(&self, database: &Connection) -> Result<Vec<Arc<Described>>, CatalogueError> {
        let mut all = Vec::new();
        let mut ids: HashSet<String> = HashSet::new();
        for (index, place) in self.places.iter().enumerate() {
            let mut rows = database.prepare_cached(
                "SELECT id, folder, slug, version FROM deployment WHERE place = ?1 ORDER BY id",
            )?;
            let mut rows = rows.query([place.row])?;
            while let Some(row) = rows.next()? {
                let (slug, version): (String, i64) = (row.get(2)?, row.get(3)?);
                let id = if ids.contains(&slug) {
                    slug::marked(&slug, &place.place.address())
                } else {
                    slug
                };
                ids.insert(id.clone());
                let row_id = row.get(0)?;
                let known = lock(&self.described).get(&row_id).cloned();
                let known = match known.filter(|k| k.version == version && k.deployment.id == id) {
                    Some(known) => known,
                    None => {
                        let folder = row.get(1)?;
                        let fresh = Arc::new(describe(database, row_id, index, folder, id)?);
                        lock(&self.described).insert(row_id, fresh.clone());
                        fresh
                    }
                };
                all.push(known);
            }
        }
        Ok(all)
    }

    fn recordings_of(&self, known: &Described) -> Result<Recordings, CatalogueError> {
        let version = known.recordings_version();
        let kept = |all: &[(i64, Recordings)]| {
            all.iter().position(|(row, r)| *row == known.row && r.version == version)
        };
        {
            let mut all = lock(&self.recordings);
            if let Some(at) = kept(&all) {
                all[at..].rotate_left(1);
                return Ok(all[all.len() - 1].1.clone());
            }
        }
        let rows = self.read(|database| Ok(queries::infos(database, known.row)?))?;
        let place = self.places.get(known.place).map(|p| p.place.clone());
        let recordings = Recordings::new(place, &known.folder, rows, &known.file, version);
        let mut all = lock(&self.recordings);
        all.retain(|(row, _)| *row != known.row);
        if all.len() >= KEPT {
            all.remove(0);
        }
        all.push((known.row, recordings.clone()));
        Ok(recordings)
    }

    /// Reads with a connection that nobody else uses meanwhile.
    fn read<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, CatalogueError>,
    ) -> Result<T, CatalogueError> {
        let free = lock(&self.readers).pop();
        let database = match free {
            Some(database) => database,
            None => state::look(&self.state, DATABASE, &MIGRATIONS)?,
        };
        let answer = question(&database);
        lock(&self.readers).push(database);
        answer
    }
}

/// Copies what the catalogue of another process holds at this moment into a folder that has none yet.
/// Where there is none that this program can read, nothing is copied: it can all be looked into anew.
///
/// # Errors
/// When the copy can't be written.
pub fn copy(from: &Path, to: &StateFolder) -> Result<(), CatalogueError> {
    match state::look(from, DATABASE, &MIGRATIONS) {
        Ok(database) => {
            let copy = to.path().join(DATABASE);
            database.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
            Ok(())
        }
        Err(StateError::Missing { .. } | StateError::Older { .. } | StateError::Newer { .. }) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// The time now, for embargoes.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

fn there_for(known: Option<Arc<Described>>, reader: Reader) -> Option<Arc<Described>> {
    known.filter(|k| access::access(&k.deployment, reader, now()) != Access::Absent)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What lies behind these locks goes in whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Reads a deployment's own row, and sums up its files.
fn describe(
    database: &Connection,
    row: i64,
    place: usize,
    folder: String,
    id: String,
) -> Result<Described, CatalogueError> {
    let sql = "SELECT version, description, calibration FROM deployment WHERE id = ?1";
    let (version, text, calibration): (i64, String, Option<String>) =
        database.query_row(sql, [row], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
    let (file, problem) = DeploymentFile::of_text(&text, calibration.as_deref());
    let mut deployment = file.clone().into_deployment(&id);
    if file.name.is_empty() {
        // The folder's own name, as it stands on the disk.
        deployment.name =
            folder.rsplit('/').next().filter(|n| !n.is_empty()).unwrap_or(&id).to_owned();
    }
    let failure = |e: deployment_file::DeploymentFileError| FileFailure {
        name: FILE_NAME.into(),
        reason: e.to_string(),
    };
    deployment.failures.extend(problem.map(failure));
    queries::sum_up(database, row, &mut deployment)?;
    Ok(Described { row, place, folder, version, file, deployment })
}

/// Whether all words stand somewhere in what a deployment shows, or in the name of a recording.
fn found(
    database: &Connection,
    known: &Described,
    shown: &Deployment,
    search: &str,
) -> Result<bool, CatalogueError> {
    let texts = [
        &shown.id,
        &shown.name,
        &shown.description,
        &shown.credit,
        &shown.licence,
        &shown.position,
        &shown.instrument,
        &shown.notes,
    ];
    let all = texts.map(|text| text.to_lowercase()).join("\n");
    let missing: Vec<String> = search
        .split_whitespace()
        .map(str::to_lowercase)
        .filter(|word| !all.contains(word.as_str()))
        .collect();
    if missing.is_empty() {
        return Ok(true);
    }
    let query = RecordingQuery { search: missing.join(" "), limit: 0, ..RecordingQuery::default() };
    Ok(queries::page(database, known.row, &query, &HashMap::new())?.total > 0)
}

/// What the administrator is told where hiding the position of a deployment is not enough.
fn tells_all(count: usize) -> FileFailure {
    FileFailure {
        name: FILE_NAME.into(),
        reason: format!(
            "position_public keeps the position back here, but {count} recordings carry one in \
             their own headers, which whoever may read the files can read: make the deployment \
             private, or take it out of copies of them"
        ),
    }
}

#[cfg(test)]
mod tests;
