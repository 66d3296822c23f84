//! Stories: views in an order, with words, sound and questions.
//!
//! Those that people make lie in SQLite, each step with the picture and the fingerprint of its recordings as
//! they were when it was written; those that come with recordings lie beside them as files ([`Shelf`]).

mod captions;
mod check;
mod file;
pub mod markdown;
mod shelf;

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, params};
use rusqlite_migration::{M, Migrations};
use spyhop_api::{Story, StoryRequest, Timestamp};

use crate::keeping::{self, Drawer, Frozen, KeepError, Kind, LASTS, check_days, expiry};
use crate::state::{self, StateError, StateFolder};
pub use captions::captions;
pub use check::cleaned;
pub use file::StoryFile;
pub use shelf::{FOLDER, Shelf, read};

/// Its name in the state folder.
const DATABASE: &str = "stories.sqlite";

const SCHEMA: &[M<'_>] = &[M::up(
    "CREATE TABLE story (
         id TEXT PRIMARY KEY,
         version INTEGER NOT NULL,
         told TEXT NOT NULL,
         created_ns INTEGER NOT NULL,
         changed_ns INTEGER NOT NULL,
         expires_ns INTEGER,
         key_hash TEXT NOT NULL
     ) WITHOUT ROWID;
     CREATE INDEX story_by_expiry ON story (expires_ns);
     CREATE TABLE story_step (
         story TEXT NOT NULL,
         number INTEGER NOT NULL,
         fingerprint TEXT NOT NULL,
         was_public INTEGER NOT NULL,
         preview BLOB NOT NULL,
         PRIMARY KEY (story, number)
     );",
)];

/// The most stories of a server, and the most that they and their pictures may take, bytes.
const MOST_STORIES: i64 = 5_000;
const MOST_BYTES: i64 = 4 << 30;

/// The store.
pub struct Stories {
    drawer: Drawer,
}

/// A story as it lies in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptStory {
    /// What is told of it; HTML and what became of its recordings are not known here.
    pub story: Story,
    /// What is kept of each step.
    pub steps: Vec<KeptStep>,
}

/// What is kept of a step beside what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptStep {
    /// What the recordings under it were when it was written.
    pub fingerprint: String,
    /// Whether anybody might see them then, and ever since.
    pub was_public: bool,
}

impl Stories {
    /// The store of a state folder; stories whose time is over are taken out.
    ///
    /// # Errors
    /// When its database can't be opened.
    pub fn open(state: &StateFolder, now: Timestamp) -> Result<Stories, StateError> {
        let database = state.database(DATABASE, &Migrations::from_slice(SCHEMA))?;
        let stories = Stories::of(state.path(), database);
        if let Err(error) = stories.sweep(now) {
            tracing::warn!("stories whose time is over stay for now: {error}");
        }
        Ok(stories)
    }

    /// The store of a state folder that another process may be working in.
    ///
    /// # Errors
    /// When there is none, or it is another version's.
    pub fn look(folder: &Path) -> Result<Stories, StateError> {
        Ok(Stories::of(folder, state::look(folder, DATABASE, &Migrations::from_slice(SCHEMA))?))
    }

    fn of(folder: &Path, database: Connection) -> Stories {
        Stories { drawer: Drawer::new(Kind::Story, folder, DATABASE, database) }
    }

    /// Keeps a new story; gives it and its edit key. `asked` was cleaned, and `frozen` holds each of its
    /// steps.
    ///
    /// # Errors
    /// When the server keeps no more, or it can't be written.
    pub fn create(
        &self,
        asked: &StoryRequest,
        frozen: &[Frozen],
        is_administrator: bool,
        now: Timestamp,
    ) -> Result<(KeptStory, String), KeepError> {
        self.sweep(now)?;
        let id = keeping::name().map_err(KeepError::Chance)?;
        let edit_key = keeping::edit_key().map_err(KeepError::Chance)?;
        let told = written(asked)?;
        self.check_room()?;
        let mut database = self.drawer.lock();
        state::step(&mut database, |transaction| {
            transaction.execute(
                "INSERT INTO story (id, version, told, created_ns, changed_ns, expires_ns, key_hash)
                 VALUES (?1, 1, ?2, ?3, ?3, ?4, ?5)",
                params![
                    id,
                    told,
                    now.0,
                    expiry(asked.expires_days, is_administrator, now),
                    keeping::hash(&edit_key)
                ],
            )?;
            put_steps(transaction, &id, frozen)
        })
        .map_err(|error| self.drawer.fail(error))?;
        drop(database);
        Ok((self.get(&id, now)?, edit_key))
    }

    /// A story whose time is not over.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, id: &str, now: Timestamp) -> Result<KeptStory, KeepError> {
        let database = self.drawer.lock();
        let fail = |error| self.drawer.fail(error);
        let found = database
            .query_row(
                &format!(
                    "SELECT id, version, told, created_ns, changed_ns, expires_ns FROM story
                     WHERE id = ?2 AND {LASTS}"
                ),
                params![now.0, id],
                story_of_row,
            )
            .optional();
        let story = found.map_err(fail)?.ok_or_else(|| self.drawer.missing(id))?;
        let steps = || {
            let mut statement = database.prepare_cached(
                "SELECT fingerprint, was_public FROM story_step WHERE story = ?1 ORDER BY number",
            )?;
            let rows = statement.query_map([id], |row| {
                Ok(KeptStep { fingerprint: row.get(0)?, was_public: row.get(1)? })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let steps = steps().map_err(fail)?;
        Ok(KeptStory { story, steps })
    }

    /// The picture that a step keeps, PNG; steps count from 0.
    ///
    /// # Errors
    /// When there is no such step.
    pub fn preview(&self, id: &str, step: usize, now: Timestamp) -> Result<Vec<u8>, KeepError> {
        let found = self
            .drawer
            .lock()
            .query_row(
                &format!(
                    "SELECT preview FROM story_step JOIN story ON story = id
                     WHERE id = ?2 AND number = ?3 AND {LASTS}"
                ),
                params![now.0, id, step as i64],
                |row| row.get(0),
            )
            .optional();
        found.map_err(|e| self.drawer.fail(e))?.ok_or_else(|| self.drawer.missing(id))
    }

    /// Notes that the recordings of a step are not for everybody: it stays so once they are gone.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn hide(&self, id: &str, step: usize) -> Result<(), KeepError> {
        let done = self.drawer.lock().execute(
            "UPDATE story_step SET was_public = 0 WHERE story = ?1 AND number = ?2",
            params![id, step as i64],
        );
        done.map(drop).map_err(|error| self.drawer.fail(error))
    }

    /// What is kept of the steps of a story, by their views: a step that stays as it was keeps its picture.
    ///
    /// # Errors
    /// When there is no such story.
    pub fn frozen(&self, id: &str, now: Timestamp) -> Result<HashMap<String, Frozen>, KeepError> {
        let held = self.get(id, now)?;
        let mut frozen = HashMap::new();
        for (number, (step, kept)) in held.story.steps.into_iter().zip(held.steps).enumerate() {
            let preview = self.preview(id, number, now)?;
            let stood = Frozen {
                view: step.view.clone(),
                fingerprint: kept.fingerprint,
                was_public: kept.was_public,
                preview,
                title: step.title,
            };
            frozen.insert(step.view, stood);
        }
        Ok(frozen)
    }

    /// Puts another telling in a story's place. `seen` is the version that the person looked at; `edit_key`
    /// is not asked of the administrator.
    ///
    /// # Errors
    /// When it is gone, was changed since, or the key is another one's.
    pub fn change(
        &self,
        id: &str,
        seen: u32,
        edit_key: Option<&str>,
        asked: &StoryRequest,
        frozen: &[Frozen],
        now: Timestamp,
    ) -> Result<KeptStory, KeepError> {
        check_days(Kind::Story, asked.expires_days, edit_key.is_none())?;
        let told = written(asked)?;
        self.check_room()?;
        let expires = asked.expires_days.map(|days| keeping::after(now, days));
        self.drawer.guarded(id, seen, edit_key, now, |database| {
            database.execute("DELETE FROM story_step WHERE story = ?1", [id])?;
            put_steps(database, id, frozen)?;
            database.execute(
                "UPDATE story SET version = version + 1, told = ?2, changed_ns = ?3,
                     expires_ns = ifnull(?4, expires_ns) WHERE id = ?1",
                params![id, told, now.0, expires],
            )
        })?;
        self.get(id, now)
    }

    /// Takes a story back, with everything that it kept.
    ///
    /// # Errors
    /// As [`Stories::change`].
    pub fn remove(
        &self,
        id: &str,
        seen: u32,
        edit_key: Option<&str>,
        now: Timestamp,
    ) -> Result<(), KeepError> {
        self.drawer.guarded(id, seen, edit_key, now, |database| {
            database.execute("DELETE FROM story_step WHERE story = ?1", [id])?;
            database.execute("DELETE FROM story WHERE id = ?1", [id])
        })
    }

    fn check_room(&self) -> Result<(), KeepError> {
        let counted = self.drawer.lock().query_row(
            "SELECT (SELECT count(*) FROM story),
                 (SELECT ifnull(sum(length(told)), 0) FROM story)
                 + (SELECT ifnull(sum(length(preview)), 0) FROM story_step)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        );
        let (count, bytes): (i64, i64) = counted.map_err(|error| self.drawer.fail(error))?;
        if count >= MOST_STORIES || bytes >= MOST_BYTES {
            return Err(KeepError::Full(
                "this server keeps as many stories as it has room for: export yours, or ask its \
                 administrator"
                    .into(),
            ));
        }
        Ok(())
    }

    /// Takes out what has outlived its time.
    fn sweep(&self, now: Timestamp) -> Result<(), KeepError> {
        for id in self.drawer.sweep(now)? {
            let done = self.drawer.lock().execute("DELETE FROM story_step WHERE story = ?1", [id]);
            done.map_err(|error| self.drawer.fail(error))?;
        }
        Ok(())
    }
}

/// A story that is kept nowhere: a draft, or one that a file holds.
pub fn unkept(asked: StoryRequest, id: &str, written: Timestamp) -> Story {
    Story {
        id: id.to_owned(),
        version: 0,
        title: asked.title,
        note: asked.note,
        author: asked.author,
        changed_by: asked.changed_by,
        language: asked.language,
        steps: asked.steps,
        created: written,
        changed: written,
        expires: None,
        path: if id.is_empty() { String::new() } else { format!("t/{id}") },
        listed: false,
    }
}

/// The story with its texts as HTML.
pub fn with_html(mut story: Story) -> Story {
    for step in &mut story.steps {
        step.text_html = markdown::to_html(&step.text);
        if let Some(question) = &mut step.question {
            question.why_html = markdown::to_html(&question.why);
        }
    }
    story
}

fn written(asked: &StoryRequest) -> Result<String, KeepError> {
    serde_json::to_string(asked).map_err(|error| KeepError::Invalid(error.to_string()))
}

fn put_steps(database: &Connection, id: &str, frozen: &[Frozen]) -> rusqlite::Result<()> {
    let mut statement = database.prepare_cached(
        "INSERT INTO story_step (story, number, fingerprint, was_public, preview)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (number, step) in frozen.iter().enumerate() {
        let number = number as i64;
        let row = params![id, number, step.fingerprint, step.was_public, step.preview];
        statement.execute(row)?;
    }
    Ok(())
}

fn story_of_row(row: &Row<'_>) -> rusqlite::Result<Story> {
    let (id, told): (String, String) = (row.get(0)?, row.get(2)?);
    let asked: StoryRequest = serde_json::from_str(&told).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, Box::new(error))
    })?;
    let created = Timestamp(row.get(3)?);
    Ok(Story {
        version: row.get(1)?,
        changed: Timestamp(row.get(4)?),
        expires: row.get::<_, Option<i64>>(5)?.map(Timestamp),
        ..unkept(asked, &id, created)
    })
}

#[cfg(test)]
mod tests;
