//! Annotations of hosted deployments: shared, by author, with everything that they ever said.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};
use rusqlite_migration::{M, Migrations};
use spyhop_api::annotation::{
    AnnotationChange, AnnotationContent, AnnotationStep, SharedAnnotation,
};
use spyhop_api::{Moment, Timestamp};

use crate::state::{self, StateError, StateFolder};

/// Its name in the state folder.
const DATABASE: &str = "annotations.sqlite";

/// An annotation is its last step: nothing that was said is ever written over.
const SCHEMA: &[M<'_>] = &[M::up(
    "CREATE TABLE annotation (
         deployment TEXT NOT NULL,
         id INTEGER NOT NULL,
         version INTEGER NOT NULL,
         start_ns INTEGER NOT NULL,
         end_ns INTEGER NOT NULL,
         is_removed INTEGER NOT NULL,
         PRIMARY KEY (deployment, id)
     ) WITHOUT ROWID;
     CREATE INDEX annotation_in_time ON annotation (deployment, start_ns);
     CREATE TABLE step (
         deployment TEXT NOT NULL,
         id INTEGER NOT NULL,
         version INTEGER NOT NULL,
         author TEXT NOT NULL,
         at_ns INTEGER NOT NULL,
         content TEXT,
         PRIMARY KEY (deployment, id, version)
     ) WITHOUT ROWID;",
)];

/// The longest label or name, and the longest note, in bytes.
const MOST_LABEL: usize = 200;
const MOST_NOTE: usize = 10_000;
/// SQLite's word for no limit.
const ALL: i64 = -1;
/// The most columns of a foreign table that are kept.
const MOST_EXTRA: usize = 200;

/// The store.
pub struct Annotations {
    database: Mutex<Connection>,
    path: PathBuf,
}

/// Why an annotation can't be kept or given.
#[derive(Debug, thiserror::Error)]
pub enum AnnotationError {
    /// There is none of that number, or it was removed.
    #[error("there is no annotation {id} in '{deployment}': it may have been removed")]
    Missing {
        /// The deployment.
        deployment: String,
        /// The number.
        id: u64,
    },
    /// Somebody else was faster.
    #[error(
        "annotation {id} was changed elsewhere: it is at version {now}, and this change is of \
         version {seen}. Load it again, then change it"
    )]
    ChangedElsewhere {
        /// The number.
        id: u64,
        /// The version that the change was made on.
        seen: u32,
        /// The version that there is.
        now: u32,
    },
    /// A content that makes no sense.
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

impl Annotations {
    /// The store of a state folder.
    ///
    /// # Errors
    /// When its database can't be opened.
    pub fn open(state: &StateFolder) -> Result<Annotations, StateError> {
        let database = state.database(DATABASE, &Migrations::from_slice(SCHEMA))?;
        Ok(Annotations { database: Mutex::new(database), path: state.path().join(DATABASE) })
    }

    /// The store of a state folder, to be read beside whatever process works there.
    ///
    /// # Errors
    /// When there is none, or its database can't be opened.
    pub fn look(folder: &Path) -> Result<Annotations, StateError> {
        let database = state::look(folder, DATABASE, &Migrations::from_slice(SCHEMA))?;
        Ok(Annotations { database: Mutex::new(database), path: folder.join(DATABASE) })
    }

    /// Annotations that touch a span of nanoseconds (since 1970, or since the first sample), in the
    /// order of time.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn list(
        &self,
        deployment: &str,
        from_ns: i64,
        to_ns: i64,
    ) -> Result<Vec<SharedAnnotation>, AnnotationError> {
        self.listed(deployment, from_ns, to_ns, ALL)
    }

    /// The first `most` of the same, for whoever has no use for more.
    ///
    /// # Errors
    /// As [`Annotations::list`].
    pub fn list_some(
        &self,
        deployment: &str,
        from_ns: i64,
        to_ns: i64,
        most: u32,
    ) -> Result<Vec<SharedAnnotation>, AnnotationError> {
        self.listed(deployment, from_ns, to_ns, i64::from(most))
    }

    fn listed(
        &self,
        deployment: &str,
        from_ns: i64,
        to_ns: i64,
        most: i64,
    ) -> Result<Vec<SharedAnnotation>, AnnotationError> {
        self.read(|database| {
            let mut statement = database.prepare_cached(
                "SELECT a.id, a.version, s.content, s.author, f.at_ns, s.at_ns
                 FROM annotation a
                 JOIN step s ON (s.deployment, s.id, s.version) = (a.deployment, a.id, a.version)
                 JOIN step f ON (f.deployment, f.id, f.version) = (a.deployment, a.id, 1)
                 WHERE a.deployment = ?1 AND a.start_ns <= ?3 AND a.end_ns >= ?2
                   AND NOT a.is_removed
                 ORDER BY a.start_ns, a.id
                 LIMIT ?4",
            )?;
            let rows = statement.query_map(params![deployment, from_ns, to_ns, most], shared)?;
            rows.collect()
        })
    }

    /// Everything that an annotation ever said.
    ///
    /// # Errors
    /// When there never was one of that number.
    pub fn history(
        &self,
        deployment: &str,
        id: u64,
    ) -> Result<Vec<AnnotationStep>, AnnotationError> {
        let steps: Vec<AnnotationStep> = self.read(|database| {
            let mut statement = database.prepare_cached(
                "SELECT version, author, at_ns, content FROM step
                 WHERE deployment = ?1 AND id = ?2 ORDER BY version",
            )?;
            let rows = statement.query_map(params![deployment, id as i64], |row| {
                Ok(AnnotationStep {
                    version: row.get(0)?,
                    author: row.get(1)?,
                    at: Timestamp(row.get(2)?),
                    content: content(row, 3)?,
                })
            })?;
            rows.collect()
        })?;
        if steps.is_empty() { Err(missing(deployment, id)) } else { Ok(steps) }
    }

    /// Keeps a new one.
    ///
    /// # Errors
    /// When it makes no sense, or can't be written.
    pub fn create(
        &self,
        deployment: &str,
        change: &AnnotationChange,
        now: Timestamp,
    ) -> Result<SharedAnnotation, AnnotationError> {
        check(change)?;
        let mut database = self.lock();
        let fail = |error| self.fail(error);
        let transaction = database.transaction().map_err(fail)?;
        // Removed ones stay in the table, so that no number comes back.
        let id: i64 = transaction
            .query_row(
                "SELECT COALESCE(MAX(id), 0) + 1 FROM annotation WHERE deployment = ?1",
                [deployment],
                |row| row.get(0),
            )
            .map_err(fail)?;
        put(&transaction, deployment, id, 1, Some(&change.content), &change.author, now)
            .map_err(fail)?;
        transaction.commit().map_err(fail)?;
        Ok(SharedAnnotation {
            id: id as u64,
            version: 1,
            content: change.content.clone(),
            author: change.author.clone(),
            created: now,
            changed: now,
        })
    }

    /// Changes one, or removes it where there is no `content`. `seen` is the version that the person
    /// looked at.
    ///
    /// # Errors
    /// When it is gone, was changed since, makes no sense, or can't be written.
    pub fn change(
        &self,
        deployment: &str,
        id: u64,
        seen: u32,
        change: Option<&AnnotationChange>,
        author: &str,
        now: Timestamp,
    ) -> Result<Option<SharedAnnotation>, AnnotationError> {
        if let Some(change) = change {
            check(change)?;
        }
        let mut database = self.lock();
        let fail = |error| self.fail(error);
        let transaction = database.transaction().map_err(fail)?;
        let held: Option<(u32, i64)> = transaction
            .query_row(
                "SELECT a.version, s.at_ns FROM annotation a
                 JOIN step s ON (s.deployment, s.id, s.version) = (a.deployment, a.id, 1)
                 WHERE a.deployment = ?1 AND a.id = ?2 AND NOT a.is_removed",
                params![deployment, id as i64],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .map_err(fail)?;
        let (version, created_ns) = held.ok_or_else(|| missing(deployment, id))?;
        if version != seen {
            return Err(AnnotationError::ChangedElsewhere { id, seen, now: version });
        }
        let content = change.map(|c| &c.content);
        put(&transaction, deployment, id as i64, version + 1, content, author, now)
            .map_err(fail)?;
        transaction.commit().map_err(fail)?;
        Ok(content.map(|content| SharedAnnotation {
            id,
            version: version + 1,
            content: content.clone(),
            author: author.to_owned(),
            created: Timestamp(created_ns),
            changed: now,
        }))
    }

    fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, AnnotationError> {
        query(&self.lock()).map_err(|error| self.fail(error))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic left open was rolled back when it was dropped.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, error: rusqlite::Error) -> AnnotationError {
        AnnotationError::Database { error, path: self.path.clone() }
    }
}

/// Writes a step, and what the annotation is from then on.
fn put(
    database: &Connection,
    deployment: &str,
    id: i64,
    version: u32,
    content: Option<&AnnotationContent>,
    author: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let text = content
        .map(serde_json::to_string)
        .transpose()
        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    database.execute(
        "INSERT INTO step (deployment, id, version, author, at_ns, content)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![deployment, id, version, author, now.0, text],
    )?;
    match content {
        Some(content) => {
            let start_ns = nanos(content.start);
            database.execute(
                "INSERT INTO annotation (deployment, id, version, start_ns, end_ns, is_removed)
                 VALUES (?1, ?2, ?3, ?4, ?5, 0)
                 ON CONFLICT (deployment, id) DO UPDATE SET version = ?3, start_ns = ?4, end_ns = ?5",
                params![deployment, id, version, start_ns, start_ns.saturating_add(content.span_ns)],
            )
        }
        None => database.execute(
            "UPDATE annotation SET version = ?3, is_removed = 1 WHERE deployment = ?1 AND id = ?2",
            params![deployment, id, version],
        ),
    }?;
    Ok(())
}

fn shared(row: &Row<'_>) -> rusqlite::Result<SharedAnnotation> {
    let id: i64 = row.get(0)?;
    Ok(SharedAnnotation {
        id: id as u64,
        version: row.get(1)?,
        content: content(row, 2)?.ok_or(rusqlite::Error::InvalidQuery)?,
        author: row.get(3)?,
        created: Timestamp(row.get(4)?),
        changed: Timestamp(row.get(5)?),
    })
}

fn content(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<AnnotationContent>> {
    let text: Option<String> = row.get(index)?;
    let fail = |e| {
        rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(e))
    };
    text.map(|text| serde_json::from_str(&text).map_err(fail)).transpose()
}

/// # Errors
/// When what is asked for makes no sense.
fn check(change: &AnnotationChange) -> Result<(), AnnotationError> {
    let content = &change.content;
    let invalid = |message: String| Err(AnnotationError::Invalid(message));
    for (what, text, most) in [
        ("label", &content.label, MOST_LABEL),
        ("author", &change.author, MOST_LABEL),
        ("note", &content.note, MOST_NOTE),
    ] {
        if text.len() > most {
            return invalid(format!("the {what} is {} bytes long; {most} at most", text.len()));
        }
    }
    if content.extra.len() > MOST_EXTRA {
        return invalid(format!("{} further columns; {MOST_EXTRA} at most", content.extra.len()));
    }
    if content.span_ns < 0 {
        return invalid("it ends before it begins: span_ns must not be negative".into());
    }
    match (content.low_hz, content.high_hz) {
        (Some(low), Some(high)) if !(0.0 <= low && low <= high && high.is_finite()) => {
            invalid(format!("a band from {low} to {high} Hz: low_hz must not be above high_hz"))
        }
        _ => Ok(()),
    }
}

fn missing(deployment: &str, id: u64) -> AnnotationError {
    AnnotationError::Missing { deployment: deployment.to_owned(), id }
}

fn nanos(moment: Moment) -> i64 {
    match moment {
        Moment::Clock(t) => t.0,
        Moment::Elapsed(nanos) => nanos,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Annotations) {
        let folder = tempfile::tempdir().expect("a folder");
        let state = StateFolder::open(folder.path()).expect("a state folder");
        let store = Annotations::open(&state).expect("a store");
        (folder, store)
    }

    fn change(start_ns: i64, label: &str) -> AnnotationChange {
        AnnotationChange {
            content: AnnotationContent {
                start: Moment::Clock(Timestamp(start_ns)),
                span_ns: 100,
                low_hz: Some(50.0),
                high_hz: Some(400.0),
                channel: 0,
                label: label.into(),
                note: String::new(),
                extra: vec![("Confidence".into(), "high".into())],
            },
            author: "Ada".into(),
        }
    }

    #[test]
    fn annotations_come_back_in_the_order_of_time_and_by_deployment() {
        let (_folder, store) = store();
        for (deployment, start, label) in [("a", 500, "late"), ("a", 0, "early"), ("b", 0, "b")] {
            store.create(deployment, &change(start, label), Timestamp(1)).expect("kept");
        }
        let labels = |from, to| -> Vec<String> {
            let list = store.list("a", from, to).expect("listed");
            list.into_iter().map(|a| a.content.label).collect()
        };
        assert_eq!(labels(i64::MIN, i64::MAX), ["early", "late"]);
        assert_eq!(labels(100, 499), ["early"], "what touches the span");
        assert_eq!(labels(101, 499).len(), 0);
        let some = store.list_some("a", i64::MIN, i64::MAX, 1).expect("listed");
        assert_eq!(some, store.list("a", 0, 0).expect("listed"), "the first of them");
        let held = &store.list("a", 0, 0).expect("listed")[0];
        assert_eq!(held.content, change(0, "early").content);
    }

    #[test]
    fn a_change_of_something_that_was_changed_elsewhere_is_refused() {
        let (_folder, store) = store();
        let made = store.create("a", &change(0, "whale"), Timestamp(1)).expect("kept");
        let first = change(0, "fin whale");
        store.change("a", made.id, 1, Some(&first), "Ada", Timestamp(2)).expect("changed");
        let second = store.change("a", made.id, 1, Some(&first), "Bo", Timestamp(3));
        assert!(matches!(second, Err(AnnotationError::ChangedElsewhere { seen: 1, now: 2, .. })));
        let held = &store.list("a", 0, 0).expect("listed")[0];
        assert_eq!((held.version, held.created, held.changed), (2, Timestamp(1), Timestamp(2)));
    }

    #[test]
    fn a_full_disk_is_told_and_takes_nothing_of_what_was_kept() {
        let (_folder, store) = store();
        store.create("a", &change(0, "whale"), Timestamp(1)).expect("kept");
        let most = |pages: i64| {
            let database = store.database.lock().expect("whole");
            database
                .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
                .expect("set");
        };
        // No less than there are already.
        most(1);
        let mut long = change(5, "song");
        long.content.note = "…".repeat(3000);
        let full = store.create("a", &long, Timestamp(2)).expect_err("it is full").to_string();
        assert!(full.contains("the disk is full") && full.contains(DATABASE), "{full}");
        let labels = || -> Vec<String> {
            let list = store.list("a", i64::MIN, i64::MAX).expect("listed");
            list.into_iter().map(|a| a.content.label).collect()
        };
        assert_eq!(labels(), ["whale"]);
        most(1 << 20);
        let made = store.create("a", &long, Timestamp(3)).expect("room again");
        assert_eq!((labels(), made.version), (vec!["whale".to_owned(), "song".to_owned()], 1));
    }

    #[test]
    fn what_was_removed_is_gone_but_its_history_and_number_stay() {
        let (_folder, store) = store();
        let made = store.create("a", &change(0, "whale"), Timestamp(1)).expect("kept");
        store.change("a", made.id, 1, None, "Bo", Timestamp(2)).expect("removed");
        assert!(store.list("a", i64::MIN, i64::MAX).expect("listed").is_empty());
        let again = store.change("a", made.id, 2, None, "Bo", Timestamp(3));
        assert!(matches!(again, Err(AnnotationError::Missing { .. })));
        let history = store.history("a", made.id).expect("kept");
        let said: Vec<_> =
            history.iter().map(|s| (s.author.as_str(), s.content.is_some())).collect();
        assert_eq!(said, [("Ada", true), ("Bo", false)]);
        let next = store.create("a", &change(0, "next"), Timestamp(4)).expect("kept");
        assert!(next.id > made.id);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_reason() {
        let (_folder, store) = store();
        let mut upside_down = change(0, "x");
        upside_down.content.low_hz = Some(500.0);
        let mut backwards = change(0, "x");
        backwards.content.span_ns = -1;
        let mut long = change(0, "x");
        long.content.label = "x".repeat(MOST_LABEL + 1);
        for (change, part) in
            [(upside_down, "low_hz"), (backwards, "span_ns"), (long, "200 at most")]
        {
            let error = store.create("a", &change, Timestamp(1)).expect_err("refused").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
