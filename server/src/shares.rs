//! Views that the server keeps under short links, with their words, their picture, and the samples that
//! came with some of them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};
use rusqlite_migration::{M, Migrations};
use spyhop_api::share::MOST_EXCERPT_BYTES;
use spyhop_api::view::Source;
use spyhop_api::{Share, ShareChange, ShareRequest, SharedData, SharedExcerpt, Timestamp, View};

use crate::keeping::{
    self, Drawer, Frozen, KeepError, Kind, LASTS, check_days, check_length, expiry, line,
    paragraphs,
};
use crate::state::{self, StateError, StateFolder};

/// Its name in the state folder.
const DATABASE: &str = "shares.sqlite";
/// Where the samples lie that came with shares, in the state folder.
const FOLDER: &str = "shares";

const SCHEMA: &[M<'_>] = &[M::up(
    "CREATE TABLE share (
         id TEXT PRIMARY KEY,
         version INTEGER NOT NULL,
         title TEXT NOT NULL,
         note TEXT NOT NULL,
         author TEXT NOT NULL,
         view TEXT NOT NULL,
         fingerprint TEXT NOT NULL,
         created_ns INTEGER NOT NULL,
         expires_ns INTEGER,
         key_hash TEXT NOT NULL,
         was_public INTEGER NOT NULL,
         preview BLOB NOT NULL,
         excerpt TEXT,
         excerpt_bytes INTEGER NOT NULL DEFAULT 0
     ) WITHOUT ROWID;
     CREATE INDEX share_by_expiry ON share (expires_ns);",
)];

/// The longest title or name, and the longest note, bytes.
const MOST_LINE: usize = 200;
const MOST_NOTE: usize = 2_000;
/// The most shares of a server, and the most that their pictures and samples may take, bytes.
const MOST_SHARES: i64 = 20_000;
const MOST_BYTES: i64 = 8 << 30;

/// The store.
pub struct Shares {
    drawer: Drawer,
    folder: PathBuf,
}

/// A share as it lies in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// What is told of it; `data` is not known here.
    pub share: Share,
    /// Whether anybody might see its recordings when it was made, and ever since.
    pub was_public: bool,
}

impl Shares {
    /// The store of a state folder; shares whose time is over are taken out.
    ///
    /// # Errors
    /// When its database can't be opened.
    pub fn open(state: &StateFolder, now: Timestamp) -> Result<Shares, StateError> {
        let database = state.database(DATABASE, &Migrations::from_slice(SCHEMA))?;
        let shares = Shares::of(state.path(), database);
        if let Err(error) = shares.sweep(now) {
            tracing::warn!("shares whose time is over stay for now: {error}");
        }
        Ok(shares)
    }

    /// The store of a state folder that another process may be working in.
    ///
    /// # Errors
    /// When there is none, or it is another version's.
    pub fn look(folder: &Path) -> Result<Shares, StateError> {
        Ok(Shares::of(folder, state::look(folder, DATABASE, &Migrations::from_slice(SCHEMA))?))
    }

    fn of(folder: &Path, database: Connection) -> Shares {
        Shares {
            drawer: Drawer::new(Kind::Share, folder, DATABASE, database),
            folder: folder.join(FOLDER),
        }
    }

    /// Checks what is asked for, before anything is painted of it; gives the view.
    ///
    /// # Errors
    /// When it makes no sense; the message says what to do.
    pub fn check(asked: &ShareRequest, is_administrator: bool) -> Result<View, KeepError> {
        check_words(&asked.title, &asked.note, &asked.author)?;
        check_days(Kind::Share, asked.expires_days, is_administrator)?;
        let view = keeping::view_of(&asked.view)?;
        if view.source == Source::None && !asked.with_excerpt {
            let why = "the link shows nothing: its src= says what is open";
            return Err(KeepError::Invalid(why.into()));
        }
        Ok(view)
    }

    /// Keeps a new share; gives it and its edit key.
    ///
    /// # Errors
    /// When the server keeps no more, or it can't be written.
    pub fn create(
        &self,
        asked: &ShareRequest,
        frozen: &Frozen,
        is_administrator: bool,
        now: Timestamp,
    ) -> Result<(Kept, String), KeepError> {
        self.sweep(now)?;
        let id = keeping::name().map_err(KeepError::Chance)?;
        let edit_key = keeping::edit_key().map_err(KeepError::Chance)?;
        let title = line(&asked.title);
        let database = self.drawer.lock();
        let (count, bytes): (i64, i64) = database
            .query_row(
                "SELECT count(*), ifnull(sum(length(preview) + excerpt_bytes), 0) FROM share",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .map_err(|error| self.drawer.fail(error))?;
        if count >= MOST_SHARES || bytes >= MOST_BYTES {
            return Err(KeepError::Full(
                "this server keeps as many shares as it has room for: the link that carries \
                 everything works without it"
                    .into(),
            ));
        }
        database
            .execute(
                "INSERT INTO share (id, version, title, note, author, view, fingerprint, created_ns,
                     expires_ns, key_hash, was_public, preview)
                 VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                params![
                    id,
                    if title.is_empty() { &frozen.title } else { &title },
                    paragraphs(&asked.note),
                    line(&asked.author),
                    frozen.view,
                    frozen.fingerprint,
                    now.0,
                    expiry(asked.expires_days, is_administrator, now),
                    keeping::hash(&edit_key),
                    frozen.was_public,
                    frozen.preview,
                ],
            )
            .map_err(|error| self.drawer.fail(error))?;
        drop(database);
        Ok((self.get(&id, now)?, edit_key))
    }

    /// A share whose time is not over.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, id: &str, now: Timestamp) -> Result<Kept, KeepError> {
        let found = self
            .drawer
            .lock()
            .query_row(
                &format!("SELECT {COLUMNS} FROM share WHERE id = ?2 AND {LASTS}"),
                params![now.0, id],
                kept,
            )
            .optional();
        found.map_err(|e| self.drawer.fail(e))?.ok_or_else(|| self.drawer.missing(id))
    }

    /// All shares whose time is not over, the newest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn list(&self, now: Timestamp) -> Result<Vec<Kept>, KeepError> {
        let read = |database: &Connection| {
            let mut statement = database.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM share WHERE {LASTS} ORDER BY created_ns DESC"
            ))?;
            let rows = statement.query_map([now.0], kept)?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        read(&self.drawer.lock()).map_err(|error| self.drawer.fail(error))
    }

    /// Notes that the recordings of a share are not for everybody: it stays so once they are gone.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn hide(&self, id: &str) -> Result<(), KeepError> {
        let done =
            self.drawer.lock().execute("UPDATE share SET was_public = 0 WHERE id = ?1", [id]);
        done.map(drop).map_err(|error| self.drawer.fail(error))
    }

    /// The picture that a share keeps, PNG.
    ///
    /// # Errors
    /// When there is no such share.
    pub fn preview(&self, id: &str, now: Timestamp) -> Result<Vec<u8>, KeepError> {
        let found = self
            .drawer
            .lock()
            .query_row(
                &format!("SELECT preview FROM share WHERE id = ?2 AND {LASTS}"),
                params![now.0, id],
                |row| row.get(0),
            )
            .optional();
        found.map_err(|e| self.drawer.fail(e))?.ok_or_else(|| self.drawer.missing(id))
    }

    /// Changes the words of a share, or how long it stays. `seen` is the version that the person looked
    /// at; `edit_key` is not asked of the administrator.
    ///
    /// # Errors
    /// When it is gone, was changed since, makes no sense, or the key is another one's.
    pub fn change(
        &self,
        id: &str,
        seen: u32,
        edit_key: Option<&str>,
        change: &ShareChange,
        now: Timestamp,
    ) -> Result<Kept, KeepError> {
        let held = self.get(id, now)?.share;
        let taken = |new: &Option<String>, old: &str| new.clone().unwrap_or_else(|| old.to_owned());
        let title = line(&taken(&change.title, &held.title));
        let note = paragraphs(&taken(&change.note, &held.note));
        let author = line(&taken(&change.author, &held.author));
        check_words(&title, &note, &author)?;
        check_days(Kind::Share, change.expires_days, edit_key.is_none())?;
        if title.is_empty() {
            return Err(KeepError::Invalid("a share has a title".into()));
        }
        let expires =
            change.expires_days.map(|days| keeping::after(now, days)).or(held.expires.map(|t| t.0));
        self.drawer.guarded(id, seen, edit_key, now, |database| {
            database.execute(
                "UPDATE share SET version = version + 1, title = ?2, note = ?3, author = ?4,
                     expires_ns = ?5 WHERE id = ?1",
                params![id, title, note, author, expires],
            )
        })?;
        self.get(id, now)
    }

    /// Takes a share back, with everything that it kept.
    ///
    /// # Errors
    /// As [`Shares::change`].
    pub fn remove(
        &self,
        id: &str,
        seen: u32,
        edit_key: Option<&str>,
        now: Timestamp,
    ) -> Result<(), KeepError> {
        self.drawer.guarded(id, seen, edit_key, now, |database| {
            database.execute("DELETE FROM share WHERE id = ?1", [id])
        })?;
        self.forget_samples(id);
        Ok(())
    }

    /// Gives a share its samples, once: a FLAC file, which is copied. Its view is of that file from then
    /// on.
    ///
    /// # Errors
    /// When it has some already, they are too many, or the key is another one's.
    pub fn attach(
        &self,
        id: &str,
        edit_key: Option<&str>,
        excerpt: &SharedExcerpt,
        mut flac: File,
        preview: &[u8],
        now: Timestamp,
    ) -> Result<Kept, KeepError> {
        let held = self.get(id, now)?.share;
        if held.excerpt.is_some() {
            return Err(KeepError::Invalid("this share has its samples already".into()));
        }
        if excerpt.bytes > MOST_EXCERPT_BYTES {
            return Err(KeepError::Full(format!(
                "as FLAC these samples take {:.1} MB; {} MB at most: show less, then share again",
                excerpt.bytes as f64 / 1e6,
                MOST_EXCERPT_BYTES / 1_000_000
            )));
        }
        let (mut view, _) = View::from_query(&held.view);
        view.source = Source::Urls(vec![format!("{}/{}", held.path, excerpt.file)]);
        if excerpt.start.is_some() {
            view.reading.start = excerpt.start;
        }
        let text = serde_json::to_string(excerpt)
            .map_err(|error| KeepError::Invalid(error.to_string()))?;
        let written = |error| KeepError::Samples { id: id.to_owned(), doing: "written", error };
        self.drawer.guarded(id, held.version, edit_key, now, |database| {
            database.execute(
                "UPDATE share SET version = version + 1, view = ?2, fingerprint = ?3, excerpt = ?4,
                     excerpt_bytes = ?5, preview = ?6 WHERE id = ?1",
                params![
                    id,
                    view.to_query(),
                    excerpt.source_fingerprint,
                    text,
                    excerpt.bytes as i64,
                    preview
                ],
            )
        })?;
        let folder = self.folder.join(id);
        let copied = std::fs::create_dir_all(&folder).and_then(|()| {
            let mut to = File::create(folder.join(&excerpt.file))?;
            std::io::copy(&mut flac, &mut to).and_then(|_| to.sync_all())
        });
        if let Err(error) = copied {
            // Without its samples it would promise what is not there.
            let _ = self.drawer.lock().execute("DELETE FROM share WHERE id = ?1", [id]);
            self.forget_samples(id);
            return Err(written(error));
        }
        self.get(id, now)
    }

    /// Where the samples of a share lie, if some came with it.
    pub fn samples_path(&self, share: &Share) -> Option<PathBuf> {
        let excerpt = share.excerpt.as_ref()?;
        Some(self.folder.join(&share.id).join(&excerpt.file))
    }

    /// The samples of a share as they are kept.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn samples(&self, share: &Share) -> Result<Option<Vec<u8>>, KeepError> {
        let Some(path) = self.samples_path(share) else { return Ok(None) };
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map_err(|error| KeepError::Samples { id: share.id.clone(), doing: "read", error })?;
        Ok(Some(bytes))
    }

    /// Takes out what has outlived its time.
    fn sweep(&self, now: Timestamp) -> Result<(), KeepError> {
        self.drawer.sweep(now)?.iter().for_each(|id| self.forget_samples(id));
        Ok(())
    }

    fn forget_samples(&self, id: &str) {
        let folder = self.folder.join(id);
        if let Err(error) = std::fs::remove_dir_all(&folder)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!("{} can't be removed: {error}", folder.display());
        }
    }
}

const COLUMNS: &str = "id, version, title, note, author, view, fingerprint, created_ns, expires_ns, \
                       was_public, excerpt";

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let id: String = row.get(0)?;
    let text: Option<String> = row.get(10)?;
    let fail =
        |e| rusqlite::Error::FromSqlConversionFailure(10, rusqlite::types::Type::Text, Box::new(e));
    let excerpt = text.map(|text| serde_json::from_str(&text).map_err(fail)).transpose()?;
    let share = Share {
        path: format!("s/{id}"),
        id,
        version: row.get(1)?,
        title: row.get(2)?,
        note: row.get(3)?,
        author: row.get(4)?,
        view: row.get(5)?,
        fingerprint: row.get(6)?,
        data: SharedData::default(),
        created: Timestamp(row.get(7)?),
        expires: row.get::<_, Option<i64>>(8)?.map(Timestamp),
        excerpt,
    };
    Ok(Kept { share, was_public: row.get(9)? })
}

fn check_words(title: &str, note: &str, author: &str) -> Result<(), KeepError> {
    check_length("title", title, MOST_LINE)?;
    check_length("author", author, MOST_LINE)?;
    check_length("note", note, MOST_NOTE)
}

#[cfg(test)]
mod tests;
