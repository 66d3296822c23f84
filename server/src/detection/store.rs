//! What was found in hosted deployments, and what people say of it, in SQLite: questions are answered from
//! its indexes.
//!
//! A unit's candidates come in one transaction, so that each is there once however often the unit is made.
//! What somebody said stays, even where the candidate is no longer found.

mod drawn;
mod moved;
mod questions;
mod reviewed;
mod reviews;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};
use rusqlite_migration::{M, Migrations};
use spyhop_api::Timestamp;
use spyhop_api::binned::BinError;
use spyhop_api::detection::{DetectionClass, DetectionSource};
use spyhop_api::view::ShownCalls;
use spyhop_signal::detect::Candidate;

use super::moment::{Moments, RecordedMoment};
use super::plan::Reach;
use super::source::Wanted;
use crate::state::{self, StateError, StateFolder};

pub use questions::{Asked, Paging, RunCounts, moment};
pub use reviewed::{ReviewedCall, reviewed};

/// Its name in the state folder.
const DATABASE: &str = "detections.sqlite";
const SCHEMA: &[M<'_>] = &[
    M::up(include_str!("store/schema.sql")),
    M::up(include_str!("store/tally.sql")),
    M::up(include_str!("store/found.sql")),
    M::up(include_str!("store/moved.sql")),
];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(SCHEMA);
/// No candidate is longer: what touches a span begins at most this before it.
const LONGEST_NS: i64 = 3601 * 1_000_000_000;

/// The store.
pub struct DetectionStore {
    writer: Mutex<Connection>,
    /// Reads beside the writer.
    reader: Mutex<Connection>,
    path: PathBuf,
    /// Counts the changes of candidates and units, of whatever run.
    generation: AtomicU64,
}

/// A source over a channel of a deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRun {
    pub id: i64,
    pub deployment: String,
    pub title: String,
    pub source: DetectionSource,
    pub wanted: Wanted,
    pub config: String,
    pub channel: u32,
    pub classes: Vec<DetectionClass>,
    pub score_unit: String,
    pub score_s: f64,
    pub created: Timestamp,
    /// Whether times are of the clock.
    pub dated: bool,
}

impl StoredRun {
    /// The scores from which a link shows its candidates, by class: its own, or the run's where it names none
    /// or not as many as there are classes.
    pub fn thresholds_of(&self, shown: &ShownCalls) -> Vec<f64> {
        if shown.thresholds.len() == self.classes.len() {
            return shown.thresholds.clone();
        }
        self.classes.iter().map(|class| class.threshold).collect()
    }
}

/// A unit whose candidates are in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredUnit {
    pub key: String,
    pub start_ns: i64,
    pub end_ns: i64,
    /// The best score of each class in each of [`CURVE_POINTS`] equal parts of its span; NaN where there is
    /// none.
    pub curve: Vec<f32>,
    /// The program that made it.
    pub software: String,
    /// What could not be heard, for a person.
    pub problems: Vec<String>,
}

/// Where a unit lies whose candidates are in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitSpan {
    pub key: String,
    pub start_ns: i64,
    pub end_ns: i64,
}

/// Parts of a unit whose best scores are kept in the store, for curves over months.
pub const CURVE_POINTS: usize = 60;

/// Why the store can't answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such run.
    #[error("there is no detection {run} of '{deployment}'")]
    NoRun {
        /// Its number.
        run: i64,
        /// The deployment.
        deployment: String,
    },
    /// There is no such candidate.
    #[error("there is no candidate {0} in this detection: it may have been made anew")]
    NoCall(i64),
    /// Somebody else was faster.
    #[error(
        "candidate {id} was reviewed elsewhere: that is version {now}, and this review is of version \
         {seen}. Load it again, then say what you think"
    )]
    ReviewedElsewhere {
        /// The candidate.
        id: i64,
        /// The version that the person looked at.
        seen: u32,
        /// The version that there is.
        now: u32,
    },
    /// There is no such window.
    #[error("there is no window {0} in this detection")]
    NoWindow(i64),
    /// Somebody else was faster.
    #[error(
        "this window was reviewed elsewhere: that is version {now}, and this review is of version {seen}. \
         Load it again, then say what you think"
    )]
    WindowReviewedElsewhere {
        /// The version that the person looked at.
        seen: u32,
        /// The version that there is.
        now: u32,
    },
    /// A question or a review that makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The database refuses.
    #[error("{}: {}", state::reason(.error), .path.display())]
    Database {
        /// What it says.
        error: rusqlite::Error,
        /// The database.
        path: PathBuf,
    },
}

impl From<BinError> for StoreError {
    fn from(error: BinError) -> StoreError {
        StoreError::Invalid(error.to_string())
    }
}

impl DetectionStore {
    /// The store of a state folder.
    ///
    /// # Errors
    /// When its database can't be opened.
    pub fn open(state: &StateFolder) -> Result<DetectionStore, StateError> {
        let writer = state.database(DATABASE, &MIGRATIONS)?;
        let reader = state::look(state.path(), DATABASE, &MIGRATIONS)?;
        let path = state.path().join(DATABASE);
        let generation = AtomicU64::new(0);
        let (writer, reader) = (Mutex::new(writer), Mutex::new(reader));
        Ok(DetectionStore { writer, reader, path, generation })
    }

    /// Another number than before wherever units or candidates came or went since; what is said of
    /// candidates changes nothing of it.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The store of a state folder, to be read beside whatever process works there.
    ///
    /// # Errors
    /// When there is none, or its database can't be opened.
    pub fn look(folder: &Path) -> Result<DetectionStore, StateError> {
        let database = || state::look(folder, DATABASE, &MIGRATIONS).map(Mutex::new);
        let (writer, reader) = (database()?, database()?);
        let generation = AtomicU64::new(0);
        Ok(DetectionStore { writer, reader, path: folder.join(DATABASE), generation })
    }

    /// Notes a run down; gives the number of the one that is there already where its `key`, a hash of all
    /// that makes its candidates, is the same.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn enter(&self, run: &StoredRun, key: &str) -> Result<i64, StoreError> {
        let source = json(&run.source)?;
        let (wanted, classes) = (json(&run.wanted)?, json(&run.classes)?);
        self.write(|db| {
            db.query_row(
                "INSERT INTO run (deployment, key, title, source, wanted, config, channel, classes,
                    score_unit, score_s, created_ns, dated)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                 ON CONFLICT (deployment, key) DO UPDATE SET title = excluded.title,
                    wanted = excluded.wanted, dated = excluded.dated
                 RETURNING id",
                params![
                    run.deployment,
                    key,
                    run.title,
                    source,
                    wanted,
                    run.config,
                    run.channel,
                    classes,
                    run.score_unit,
                    run.score_s,
                    run.created.0,
                    run.dated,
                ],
                |row| row.get(0),
            )
        })
    }

    /// How far the units of a run hear, where that is known.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn reach(&self, run: i64) -> Result<Option<Reach>, StoreError> {
        let text: Option<String> = self.read(|db| {
            let found = db
                .prepare_cached("SELECT reach FROM run WHERE id = ?1")?
                .query_row([run], |row| row.get(0))
                .optional()?;
            Ok(found.flatten())
        })?;
        // One that can't be read is found out again.
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Keeps how far the units of a run hear.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn set_reach(&self, run: i64, reach: Reach) -> Result<(), StoreError> {
        let text = json(&reach)?;
        self.write(|db| {
            db.execute("UPDATE run SET reach = ?2 WHERE id = ?1", params![run, text]).map(|_| ())
        })
    }

    /// All runs of a deployment, the latest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn runs(&self, deployment: &str) -> Result<Vec<StoredRun>, StoreError> {
        self.read(|db| {
            let mut rows = db.prepare_cached(&format!(
                "SELECT {RUN_COLUMNS} FROM run WHERE deployment = ?1 ORDER BY id DESC"
            ))?;
            rows.query_map([deployment], stored_run)?.collect()
        })
    }

    /// One run.
    ///
    /// # Errors
    /// When there is none of this number in the deployment.
    pub fn run(&self, deployment: &str, id: i64) -> Result<StoredRun, StoreError> {
        let found = self.read(|db| {
            db.prepare_cached(&format!(
                "SELECT {RUN_COLUMNS} FROM run WHERE id = ?1 AND deployment = ?2"
            ))?
            .query_row(params![id, deployment], stored_run)
            .optional()
        })?;
        let deployment = deployment.to_owned();
        found.ok_or(StoreError::NoRun { run: id, deployment })
    }

    /// The deployment of a run.
    ///
    /// # Errors
    /// When there is no such run.
    pub fn deployment_of(&self, run: i64) -> Result<String, StoreError> {
        let found = self.read(|db| {
            db.prepare_cached("SELECT deployment FROM run WHERE id = ?1")?
                .query_row([run], |row| row.get(0))
                .optional()
        })?;
        found.ok_or(StoreError::NoRun { run, deployment: "any deployment".to_owned() })
    }

    /// Forgets a run with all its candidates and reviews.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn remove(&self, id: i64) -> Result<(), StoreError> {
        self.change(|db| {
            db.execute(
                "DELETE FROM review WHERE call IN (SELECT id FROM call WHERE run = ?1)",
                [id],
            )?;
            db.execute("DELETE FROM call WHERE run = ?1", [id])?;
            db.execute("DELETE FROM unit WHERE run = ?1", [id])?;
            db.execute(
                "DELETE FROM drawn_review WHERE drawn IN (SELECT id FROM drawn WHERE run = ?1)",
                [id],
            )?;
            db.execute("DELETE FROM drawn WHERE run = ?1", [id])?;
            db.execute("DELETE FROM run WHERE id = ?1", [id])?;
            Ok(())
        })
    }

    /// What could not be heard in a run, for a person: so many of them at most.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn problems(&self, run: i64, most: usize) -> Result<Vec<String>, StoreError> {
        let texts: Vec<String> = self.read(|db| {
            let mut rows = db.prepare_cached(
                "SELECT DISTINCT problems FROM unit WHERE run = ?1 AND problems <> '' ORDER BY start_ns",
            )?;
            rows.query_map([run], |row| row.get(0))?.collect()
        })?;
        let mut all: Vec<String> = texts.iter().flat_map(|text| lines(text)).collect();
        all.dedup();
        all.truncate(most);
        Ok(all)
    }

    /// Whether a unit's candidates are in.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn has_unit(&self, run: i64, key: &str) -> Result<bool, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT 1 FROM unit WHERE run = ?1 AND key = ?2")?
                .exists(params![run, key])
        })
    }

    /// The keys of all units of a run whose candidates are in.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn unit_keys(&self, run: i64) -> Result<HashSet<String>, StoreError> {
        self.read(|db| {
            let mut rows = db.prepare_cached("SELECT key FROM unit WHERE run = ?1")?;
            rows.query_map([run], |row| row.get(0))?.collect()
        })
    }

    /// Puts in the candidates of a unit, each with the index of its class, in place of what was there of
    /// its span; `moments` tell what was recorded in the middle of one. What is found again keeps its number
    /// and what was said of it. A unit that is in already stays as it is.
    ///
    /// # Errors
    /// When it can't be written; then nothing has changed.
    pub fn put_unit(
        &self,
        run: i64,
        unit: &StoredUnit,
        candidates: &[(usize, Candidate)],
        moments: Moments<'_>,
    ) -> Result<(), StoreError> {
        self.change(|db| {
            let known = db
                .prepare_cached("SELECT 1 FROM unit WHERE run = ?1 AND key = ?2")?
                .exists(params![run, unit.key])?;
            if known {
                return Ok(());
            }
            let late = moved::said_of_units(db, run, &(unit.start_ns..unit.end_ns))?;
            clear(db, run, unit.start_ns, unit.end_ns)?;
            // What was said of a unit of before while its recordings already lay elsewhere follows them now.
            let late = moved::follow(db, late, moments)?;
            let curve: Vec<u8> = unit.curve.iter().flat_map(|score| score.to_le_bytes()).collect();
            db.prepare_cached(
                "INSERT INTO unit (run, key, start_ns, end_ns, curve, software, problems)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                run,
                unit.key,
                unit.start_ns,
                unit.end_ns,
                curve,
                unit.software,
                unit.problems.join("\n"),
            ])?;
            let number = db.last_insert_rowid();
            for (class, candidate) in candidates {
                let moment = moments.of(&(candidate.start_ns..candidate.end_ns));
                let id = put(db, run, number, *class, candidate, moment.as_ref())?;
                moved::note(db, "call", id, moment.as_ref())?;
            }
            moved::rejoin(db, run, number, unit.start_ns)?;
            moved::rejoin_at(db, run, late.iter().map(|(_, span_ns)| span_ns))?;
            // What is left of before was not found again, and nobody has said anything of it.
            db.prepare_cached(
                "DELETE FROM call WHERE run = ?1 AND unit IS NULL AND version = 0
                 AND start_ns >= ?2 AND start_ns < ?3",
            )?
            .execute(params![run, unit.start_ns, unit.end_ns])?;
            Ok(())
        })
    }

    /// Forgets units that are not among those `planned`, keys and the beginnings of their spans, and whose
    /// spans none of them takes over: their recordings are gone.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn keep_only(&self, run: i64, planned: &[(&str, i64)]) -> Result<(), StoreError> {
        let units = self.units(run, i64::MIN, i64::MAX)?;
        let keys: HashSet<&str> = planned.iter().map(|(key, _)| *key).collect();
        let starts: HashSet<i64> = planned.iter().map(|(_, start)| *start).collect();
        let is_gone = |unit: &&UnitSpan| {
            !keys.contains(unit.key.as_str()) && !starts.contains(&unit.start_ns)
        };
        let gone = units.iter().filter(is_gone);
        let gone: Vec<(i64, i64)> = gone.map(|unit| (unit.start_ns, unit.end_ns)).collect();
        if gone.is_empty() {
            return Ok(());
        }
        self.change(|db| {
            for (start_ns, end_ns) in &gone {
                clear(db, run, *start_ns, *end_ns)?;
                db.execute(
                    "DELETE FROM call WHERE run = ?1 AND unit IS NULL AND version = 0
                     AND start_ns >= ?2 AND start_ns < ?3",
                    params![run, start_ns, end_ns],
                )?;
            }
            Ok(())
        })
    }

    /// Where the units of a run lie that touch a span, in order.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn units(
        &self,
        run: i64,
        from_ns: i64,
        until_ns: i64,
    ) -> Result<Vec<UnitSpan>, StoreError> {
        self.read(|db| {
            // Curves of a year can be a gigabyte: whoever does not draw them leaves them where they are.
            let mut rows = db.prepare_cached(
                "SELECT key, start_ns, end_ns FROM unit
                 WHERE run = ?1 AND start_ns < ?3 AND end_ns > ?2 ORDER BY start_ns",
            )?;
            let rows = rows.query_map(params![run, from_ns, until_ns], |row| {
                Ok(UnitSpan { key: row.get(0)?, start_ns: row.get(1)?, end_ns: row.get(2)? })
            })?;
            rows.collect()
        })
    }

    /// The same with all that is kept of them.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn units_with_curves(
        &self,
        run: i64,
        from_ns: i64,
        until_ns: i64,
    ) -> Result<Vec<StoredUnit>, StoreError> {
        self.read(|db| {
            let mut rows = db.prepare_cached(
                "SELECT key, start_ns, end_ns, curve, software, problems FROM unit
                 WHERE run = ?1 AND start_ns < ?3 AND end_ns > ?2 ORDER BY start_ns",
            )?;
            let rows = rows.query_map(params![run, from_ns, until_ns], |row| {
                let curve: Vec<u8> = row.get(3)?;
                let (numbers, _) = curve.as_chunks::<4>();
                Ok(StoredUnit {
                    key: row.get(0)?,
                    start_ns: row.get(1)?,
                    end_ns: row.get(2)?,
                    curve: numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
                    software: row.get(4)?,
                    problems: lines(&row.get::<_, String>(5)?),
                })
            })?;
            rows.collect()
        })
    }

    fn write<T>(
        &self,
        step: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        state::step(&mut lock(&self.writer), step).map_err(|error| self.fail(error))
    }

    /// A step that moves units or candidates.
    fn change<T>(
        &self,
        step: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let changed = self.write(step);
        // Afterwards: whoever read the number before saw what was before, and asks again.
        self.generation.fetch_add(1, Ordering::Release);
        changed
    }

    fn read<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        question(&lock(&self.reader)).map_err(|error| self.fail(error))
    }

    fn fail(&self, error: rusqlite::Error) -> StoreError {
        StoreError::Database { error, path: self.path.clone() }
    }
}

const RUN_COLUMNS: &str = "id, deployment, title, source, wanted, config, channel, classes, score_unit, \
                           score_s, created_ns, dated";

fn stored_run(row: &Row<'_>) -> rusqlite::Result<StoredRun> {
    fn value<T: serde::de::DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
        let kind = rusqlite::types::Type::Text;
        serde_json::from_str(row.get_ref(at)?.as_str()?)
            .map_err(|e| rusqlite::Error::FromSqlConversionFailure(at, kind, Box::new(e)))
    }
    Ok(StoredRun {
        id: row.get(0)?,
        deployment: row.get(1)?,
        title: row.get(2)?,
        source: value(row, 3)?,
        wanted: value(row, 4)?,
        config: row.get(5)?,
        channel: row.get(6)?,
        classes: value(row, 7)?,
        score_unit: row.get(8)?,
        score_s: row.get(9)?,
        created: Timestamp(row.get(10)?),
        dated: row.get(11)?,
    })
}

/// Takes the units out that touch a span; their candidates belong to no unit then.
fn clear(db: &Connection, run: i64, start_ns: i64, end_ns: i64) -> rusqlite::Result<()> {
    let touching = "run = ?1 AND start_ns < ?3 AND end_ns > ?2";
    db.prepare_cached(&format!(
        "UPDATE call SET unit = NULL WHERE unit IN (SELECT id FROM unit WHERE {touching})"
    ))?
    .execute(params![run, start_ns, end_ns])?;
    db.prepare_cached(&format!("DELETE FROM unit WHERE {touching}"))?
        .execute(params![run, start_ns, end_ns])?;
    Ok(())
}

/// Puts a candidate in, or takes the one that it is the same as; gives its number. What somebody said
/// something of is of its recording alone.
fn put(
    db: &Connection,
    run: i64,
    unit: i64,
    class: usize,
    candidate: &Candidate,
    moment: Option<&RecordedMoment>,
) -> rusqlite::Result<i64> {
    let recording = moment.map(|moment| moment.recording.as_str());
    let Candidate { start_ns, end_ns, low_hz, high_hz, score, train } = candidate;
    let (clicks, interval_s) = (train.map(|t| t.clicks), train.map(|t| t.interval_s));
    let taken: Option<i64> = db
        .prepare_cached(
            "UPDATE call SET unit = ?2, low_hz = ?6, high_hz = ?7, score = ?8, clicks = ?9,
                interval_s = ?10
             WHERE id = (SELECT id FROM call WHERE run = ?1 AND start_ns = ?4 AND class = ?3
                AND end_ns = ?5 AND unit IS NULL
                AND (version = 0 OR recording IS NULL OR ?11 IS NULL
                    OR recording = (SELECT id FROM recording WHERE fingerprint = ?11)) LIMIT 1)
             RETURNING id",
        )?
        .query_row(
            params![
                run, unit, class, start_ns, end_ns, low_hz, high_hz, score, clicks, interval_s,
                recording
            ],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(taken) = taken {
        return Ok(taken);
    }
    db.prepare_cached(
        "INSERT INTO call (run, unit, class, start_ns, end_ns, low_hz, high_hz, score, clicks,
            interval_s)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        run, unit, class, start_ns, end_ns, low_hz, high_hz, score, clicks, interval_s
    ])?;
    Ok(db.last_insert_rowid())
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Invalid(error.to_string()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A transaction that a panic left open was rolled back when it was dropped.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_of_before_counts_were_kept_is_counted_when_it_is_opened() {
        let scratch = tempfile::tempdir().expect("a folder");
        let state = StateFolder::open(scratch.path()).expect("opened");
        let before = state.database(DATABASE, &Migrations::from_slice(&SCHEMA[..1])).expect("made");
        let run = "INSERT INTO run VALUES (?1, 'd', ?2, '', '', '', '', 0, '', '', 1.0, 0, 1)";
        for (id, key) in [(1, "a"), (2, "b")] {
            before.execute(run, params![id, key]).expect("a run");
        }
        let call =
            "INSERT INTO call (run, class, start_ns, end_ns, low_hz, high_hz, score, verdict)
                    VALUES (2, 0, ?1, ?1 + 1, 1.0, 2.0, 0.5, ?2)";
        for (start_ns, verdict) in [(0, 0), (10, 1), (20, 3), (30, 0)] {
            before.execute(call, params![start_ns, verdict]).expect("a candidate");
        }
        drop(before);

        let store = DetectionStore::open(&state).expect("opened");
        // None of them belongs to a unit, so that none is found any more; one has no word of anybody.
        let counts = |lost| RunCounts { lost, ..RunCounts::default() };
        assert_eq!(store.counts(1).expect("counted"), counts(0));
        assert_eq!(store.counts(2).expect("counted"), counts(2));
        let tallied = "SELECT candidates, reviewed FROM tally WHERE run = 2";
        let tally: (u64, u64) = store
            .read(|db| db.query_row(tallied, [], |row| Ok((row.get(0)?, row.get(1)?))))
            .expect("tallied");
        assert_eq!(tally, (4, 2));
        store.remove(2).expect("removed");
        assert_eq!(store.counts(2).expect("counted"), counts(0));
    }
}
