//! One pass over a place: what is there is listed, what is new or changed is looked into.
//!
//! Everything is written in small complete pieces: a pass that is killed goes on where it was, because
//! a file that was listed and not read yet stays marked so.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use rusqlite::{Connection, params};
use spyhop_api::time::frames_to_nanos;
use spyhop_api::{Deployment, FileFailure, RecordingInfo, Timestamp};
use spyhop_signal::formats::OpenOptions;

use super::access::carries_position;
use super::deployment_file::{DeploymentFile, FILE_NAME};
use super::difference::{self, Difference};
use super::file_kind::{self, FileKind};
use super::folders::{self, FolderFiles};
use super::headers::{self, Headers};
use super::queries;
use super::schema::{CatalogueError, DATABASE, FileState, MIGRATIONS};
use crate::place::{Listed, Place, PlaceError, Unsure};
use crate::state::StateFolder;

/// Recordings of a disk that are looked into before what was found is written down.
const LOCAL_PIECE: usize = 512;
/// The same where each takes several requests.
const REMOTE_PIECE: usize = 64;
/// Requests to a remote place under way at a time.
const REMOTE_AT_ONCE: usize = 16;

/// Who looks on while a pass runs.
pub trait Watch: Sync {
    /// The place was listed; so many recordings are to be looked into.
    fn listed(&self, difference: Difference, unread: usize, took: Duration);
    /// So many more were.
    fn read(&self, piece: Piece);
    /// The deployment that somebody waits for, by its row.
    fn first(&self) -> Option<i64>;
    /// Whether to stop before the next piece.
    fn stop(&self) -> bool;
}

/// What looking into some recordings gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// Recordings that can be opened.
    pub read: usize,
    /// Files that can't be.
    pub bad: usize,
    /// Files that could not be reached.
    pub unreachable: usize,
}

/// Runs one pass.
///
/// # Errors
/// When the place can't be listed or sends no ranges, when it fails file after file, or the catalogue
/// can't be written. After all is done, [`PlaceError::Unsure`] when nobody knows of a folder whether its
/// recordings are gone.
pub fn run(
    database: &mut Connection,
    place_row: i64,
    place: &Place,
    watch: &dyn Watch,
) -> Result<(), CatalogueError> {
    let began = Instant::now();
    let listing = place.look(folders::wanted)?;
    let found = folders::by_folder(listing.files);
    let difference = difference::apply(database, place_row, place, &found, listing.unsure)?;
    // What could not be reached is tried again, once a pass.
    database.execute(
        "UPDATE file SET state = 0 WHERE state = 3 AND deployment IN \
         (SELECT id FROM deployment WHERE place = ?1)",
        [place_row],
    )?;
    let unread = unread(database, place_row)?;
    let unsure = difference.unsure.first().cloned();
    watch.listed(difference, unread, began.elapsed());
    if unread > 0 {
        look_into(database, place_row, place, watch, &found)?;
    }
    match unsure {
        Some((Unsure { folder, reason, .. }, files)) => {
            let kept = match files {
                1 => "1 file that was".to_owned(),
                _ => format!("{files} files that were"),
            };
            let reason = format!(
                "{reason} {kept} in it or below will stay in the catalogue until there again, or until the \
                 folder is removed"
            );
            Err(PlaceError::Unsure { folder, reason }.into())
        }
        None => Ok(()),
    }
}

/// Looks into the recordings of a place that are not read yet, until told to stop.
fn look_into(
    database: &mut Connection,
    place_row: i64,
    place: &Place,
    watch: &dyn Watch,
    found: &BTreeMap<String, FolderFiles>,
) -> Result<(), CatalogueError> {
    if let Some(one) =
        found.values().flat_map(|f| &f.files).find(|(_, k)| *k == FileKind::Recording)
    {
        // Anything else that is wrong with it will stand beside it.
        if let Err(error @ PlaceError::NoRanges { .. }) = place.check_ranges(&one.0) {
            return Err(error.into());
        }
    }
    let threads = if place.is_local() { 0 } else { REMOTE_AT_ONCE };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| CatalogueError::Threads(e.to_string()))?;
    while !watch.stop() {
        let Some(deployment) = next_deployment(database, place_row, watch.first())? else { break };
        let piece = read_piece(database, deployment, place, &pool)?;
        watch.read(piece);
        // A store that is down would be asked for each of a hundred thousand files.
        if piece.unreachable > 0 && piece.read + piece.bad == 0 && !place.is_local() {
            let reason = format!(
                "all of the {} files that were asked for could not be read; why stands beside each",
                piece.unreachable
            );
            let address = place.address();
            return Err(PlaceError::Listing { address, reason }.into());
        }
    }
    Ok(())
}

/// What the catalogue holds of a place.
#[derive(Debug, Default)]
pub struct Found {
    /// Folders with recordings.
    pub deployments: usize,
    /// Recordings, those that can't be opened among them.
    pub recordings: usize,
    /// Their length.
    pub bytes: u64,
    /// What can't be opened, with its folder.
    pub failures: Vec<(String, FileFailure)>,
}

/// Runs one pass in the foreground.
///
/// # Errors
/// As [`run`], and when the catalogue can't be opened.
pub fn index_once(
    state: &StateFolder,
    place: &Place,
    watch: &dyn Watch,
) -> Result<Found, CatalogueError> {
    let mut database = state.database(DATABASE, &MIGRATIONS)?;
    let place_row = difference::place_row(&database, &place.address())?;
    let mut found = Found::default();
    match run(&mut database, place_row, place, watch) {
        // The rest of the place can be worked with.
        Err(CatalogueError::Place(PlaceError::Unsure { folder, reason })) => {
            let name = folder.display().to_string();
            found.failures.push((String::new(), FileFailure { name, reason }));
        }
        other => other?,
    }
    let mut rows = database.prepare(
        "SELECT id, folder, description, calibration FROM deployment WHERE place = ?1 ORDER BY folder",
    )?;
    let deployments: Vec<(i64, String, String, Option<String>)> = rows
        .query_map([place_row], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?
        .collect::<Result<_, _>>()?;
    for (row, folder, description, calibration) in deployments {
        let mut sums = Deployment::default();
        queries::sum_up(&database, row, &mut sums)?;
        found.deployments += 1;
        found.recordings += sums.recording_count;
        found.bytes += sums.bytes;
        let problem = DeploymentFile::of_text(&description, calibration.as_deref()).1;
        let problem =
            problem.map(|e| FileFailure { name: FILE_NAME.into(), reason: e.to_string() });
        let failures = problem.into_iter().chain(queries::failures(&database, row)?);
        found.failures.extend(failures.map(|failure| (folder.clone(), failure)));
    }
    Ok(found)
}

/// How many recordings of a place have not been looked into.
///
/// # Errors
/// When the database refuses.
pub fn unread(database: &Connection, place_row: i64) -> rusqlite::Result<usize> {
    database.query_row(
        "SELECT count(*) FROM file JOIN deployment ON deployment.id = file.deployment \
         WHERE file.state = 0 AND file.kind = 0 AND deployment.place = ?1",
        [place_row],
        |row| row.get(0),
    )
}

/// The deployment to go on with: the one that somebody waits for, if it has unread recordings.
fn next_deployment(
    database: &Connection,
    place_row: i64,
    first: Option<i64>,
) -> rusqlite::Result<Option<i64>> {
    let mut rows = database.prepare_cached(
        "SELECT id FROM deployment WHERE place = ?1 AND EXISTS \
         (SELECT 1 FROM file WHERE deployment = deployment.id AND state = 0 AND kind = 0) \
         ORDER BY id IS NOT ?2, id LIMIT 1",
    )?;
    let mut rows = rows.query(params![place_row, first])?;
    rows.next()?.map(|row| row.get(0)).transpose()
}

/// Looks into some recordings of a deployment and writes down what that gave.
fn read_piece(
    database: &mut Connection,
    deployment: i64,
    place: &Place,
    pool: &rayon::ThreadPool,
) -> rusqlite::Result<Piece> {
    let (folder, options): (String, OpenOptions) = database.query_row(
        "SELECT folder, description FROM deployment WHERE id = ?1",
        [deployment],
        |row| {
            let text: String = row.get(1)?;
            Ok((row.get(0)?, DeploymentFile::of_text(&text, None).0.open_options()))
        },
    )?;
    let size = if place.is_local() { LOCAL_PIECE } else { REMOTE_PIECE };
    let files = listed(database, deployment, &folder, "state = 0 AND kind = 0", size)?;
    let sidecars = listed(database, deployment, &folder, "kind = 1", usize::MAX)?;
    let by_stem = folders::sidecars_by_stem(sidecars.iter().map(|(_, file)| file));
    let results: Vec<(i64, Headers)> = pool.install(|| {
        files
            .par_iter()
            .with_max_len(1)
            .map(|(row, file)| {
                let beside = by_stem.get(file_kind::stem(file.folder_and_name().1));
                let beside = beside.map_or(&[][..], Vec::as_slice);
                (*row, headers::read(place, file, beside, &options))
            })
            .collect()
    });
    write(database, deployment, &results)
}

fn write(
    database: &mut Connection,
    deployment: i64,
    results: &[(i64, Headers)],
) -> rusqlite::Result<Piece> {
    let mut piece = Piece::default();
    let changes = database.transaction()?;
    {
        let mut read = changes.prepare_cached(
            "UPDATE file SET state = ?2, failure = NULL, info = ?3, start_ns = ?4, end_ns = ?5, \
             duration_s = ?6, rate_hz = ?7, format = ?8, segments = ?9, tells_position = ?10 \
             WHERE id = ?1",
        )?;
        let mut failed = changes.prepare_cached(
            "UPDATE file SET state = ?2, failure = ?3, info = NULL, start_ns = NULL, \
             end_ns = NULL, duration_s = NULL, rate_hz = NULL, format = NULL WHERE id = ?1",
        )?;
        for (row, result) in results {
            match result {
                Headers::Read(info) => {
                    let text = serde_json::to_string(info)
                        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
                    read.execute(params![
                        row,
                        FileState::Read as i64,
                        text,
                        info.start.map(|t| t.0),
                        end(info).map(|t| t.0),
                        info.duration_s,
                        info.sample_rate_hz,
                        info.format,
                        info.segments.len(),
                        carries_position(info),
                    ])?;
                    piece.read += 1;
                }
                Headers::Bad(reason) => {
                    failed.execute(params![row, FileState::Bad as i64, reason])?;
                    piece.bad += 1;
                }
                Headers::Unreachable(reason) => {
                    failed.execute(params![row, FileState::Unreachable as i64, reason])?;
                    piece.unreachable += 1;
                }
            }
        }
    }
    changes.execute("UPDATE deployment SET version = version + 1 WHERE id = ?1", [deployment])?;
    changes.commit()?;
    Ok(piece)
}

/// Clock time of the end of a recording's last run.
fn end(info: &RecordingInfo) -> Option<Timestamp> {
    let frames =
        |n: u64| frames_to_nanos(i64::try_from(n).unwrap_or(i64::MAX), info.sample_rate_hz);
    let ends =
        info.segments.iter().filter_map(|s| Some(s.start?.0.saturating_add(frames(s.frames))));
    ends.max().map(Timestamp)
}

/// Files of a deployment as the place lists them, each with its row.
///
/// # Errors
/// When the database refuses.
pub fn listed(
    database: &Connection,
    deployment: i64,
    folder: &str,
    which: &str,
    most: usize,
) -> rusqlite::Result<Vec<(i64, Listed)>> {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let mut rows = database.prepare_cached(&format!(
        "SELECT id, name, bytes, version FROM file WHERE deployment = ?1 AND {which} LIMIT ?2"
    ))?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let files = rows.query_map(params![deployment, most], |row| {
        let name: String = row.get(1)?;
        let path = format!("{prefix}{name}");
        Ok((row.get(0)?, Listed { path, bytes: row.get(2)?, version: row.get(3)?, digest: None }))
    })?;
    files.collect()
}
