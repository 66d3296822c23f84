//! Views that the server keeps under short links, with their words, their picture, and the samples that
//! came with some of them.

mod key;
mod rate;
mod words;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};
use rusqlite_migration::{M, Migrations};
use spyhop_api::view::Source;
use spyhop_api::{Share, ShareChange, ShareRequest, SharedData, SharedExcerpt, Timestamp, View};

use crate::state::{self, StateError, StateFolder};
pub use key::{edit_key as secret, hash as secret_hash};
pub use rate::{Rate, Rates};
pub use words::{line, paragraphs};

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

/// The longest link that is kept, bytes.
const MOST_VIEW: usize = 8_000;
/// The longest title or name, and the longest note, bytes.
const MOST_LINE: usize = 200;
const MOST_NOTE: usize = 2_000;
/// The most shares of a server, and the most that their pictures and samples may take, bytes.
const MOST_SHARES: i64 = 20_000;
const MOST_BYTES: i64 = 8 << 30;
/// The most bytes of one share's samples as they are kept.
pub const MOST_EXCERPT_BYTES: u64 = 20_000_000;
/// The longest that a share of somebody who is not the administrator stays, days.
pub const MOST_DAYS: u32 = 366;
/// A hundred years: more is a slip.
const MOST_DAYS_EVER: u32 = 36_525;
const NANOS_A_DAY: i64 = 86_400 * 1_000_000_000;

/// The store.
pub struct Shares {
    database: Mutex<Connection>,
    path: PathBuf,
    folder: PathBuf,
}

/// What is kept of a new share beside what was asked for.
pub struct Frozen {
    /// The view, written by this program.
    pub view: String,
    /// What the recordings under it are.
    pub fingerprint: String,
    /// Whether anybody may see them.
    pub was_public: bool,
    /// Its picture, PNG.
    pub preview: Vec<u8>,
    /// The title where the person gave none.
    pub title: String,
}

/// A share as it lies in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// What is told of it; `data` is not known here.
    pub share: Share,
    /// Whether anybody might see its recordings when it was made, and ever since.
    pub was_public: bool,
}

/// Why a share can't be kept, given or changed.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// There is none of that name, or its time is over.
    #[error("there is no share '{0}': its time may be over, or it was taken back")]
    Missing(String),
    /// The words or the view make no sense.
    #[error("{0}")]
    Invalid(String),
    /// The edit key is another one's.
    #[error("this is not the edit key of that share: it was shown once, when the share was made")]
    WrongKey,
    /// Somebody else was faster.
    #[error(
        "this share was changed elsewhere: it is at version {now}, and this change is of version \
         {seen}. Load it again, then change it"
    )]
    ChangedElsewhere {
        /// The version that the change was made on.
        seen: u32,
        /// The version that there is.
        now: u32,
    },
    /// More than the server keeps.
    #[error("{0}")]
    Full(String),
    /// The samples can't be read or written.
    #[error("the samples of share '{id}' can't be {doing} ({error})")]
    Samples {
        /// The share.
        id: String,
        /// `read` or `written`.
        doing: &'static str,
        /// Why.
        error: std::io::Error,
    },
    /// No chance is to be had.
    #[error("the system gives no random numbers: {0}")]
    Chance(getrandom::Error),
    /// The database refuses.
    #[error("{}: {}", state::reason(.error), .path.display())]
    Database {
        /// What it says.
        error: rusqlite::Error,
        /// The database.
        path: PathBuf,
    },
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
            database: Mutex::new(database),
            path: folder.join(DATABASE),
            folder: folder.join(FOLDER),
        }
    }

    /// Checks what is asked for, before anything is painted of it; gives the view.
    ///
    /// # Errors
    /// When it makes no sense; the message says what to do.
    pub fn check(asked: &ShareRequest, is_administrator: bool) -> Result<View, ShareError> {
        let invalid = |message: String| Err(ShareError::Invalid(message));
        if asked.view.len() > MOST_VIEW {
            let length = asked.view.len();
            return invalid(format!("the link is {length} bytes long; {MOST_VIEW} at most"));
        }
        check_words(&asked.title, &asked.note, &asked.author)?;
        check_days(asked.expires_days, is_administrator)?;
        let (view, errors) = View::from_query(&asked.view);
        if let Some(error) = errors.first() {
            return invalid(error.to_string());
        }
        match &view.source {
            Source::None if !asked.with_excerpt => {
                invalid("the link shows nothing: its src= says what is open".into())
            }
            // The samples that came with another share can be shared again.
            Source::Urls(urls) if matches!(urls.as_slice(), [url] if samples_named(url).is_some()) => {
                Ok(view)
            }
            Source::Urls(urls) if !urls.iter().all(|url| is_web_address(url)) => {
                invalid("only recordings at http:// and https:// addresses can be shared".into())
            }
            _ => Ok(view),
        }
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
    ) -> Result<(Kept, String), ShareError> {
        self.sweep(now)?;
        let id = key::name().map_err(ShareError::Chance)?;
        let edit_key = key::edit_key().map_err(ShareError::Chance)?;
        let days = asked.expires_days.or((!is_administrator).then_some(MOST_DAYS));
        let title = line(&asked.title);
        let database = self.lock();
        let (count, bytes): (i64, i64) = database
            .query_row(
                "SELECT count(*), ifnull(sum(length(preview) + excerpt_bytes), 0) FROM share",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .map_err(|error| self.fail(error))?;
        if count >= MOST_SHARES || bytes >= MOST_BYTES {
            return Err(ShareError::Full(
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
                    days.map(|days| after(now, days)),
                    key::hash(&edit_key),
                    frozen.was_public,
                    frozen.preview,
                ],
            )
            .map_err(|error| self.fail(error))?;
        drop(database);
        Ok((self.get(&id, now)?, edit_key))
    }

    /// A share whose time is not over.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, id: &str, now: Timestamp) -> Result<Kept, ShareError> {
        let found = self
            .lock()
            .query_row(
                &format!("SELECT {COLUMNS} FROM share WHERE id = ?2 AND {LASTS}"),
                params![now.0, id],
                kept,
            )
            .optional();
        found.map_err(|e| self.fail(e))?.ok_or_else(|| ShareError::Missing(id.to_owned()))
    }

    /// All shares whose time is not over, the newest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn list(&self, now: Timestamp) -> Result<Vec<Kept>, ShareError> {
        let read = |database: &Connection| {
            let mut statement = database.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM share WHERE {LASTS} ORDER BY created_ns DESC"
            ))?;
            let rows = statement.query_map([now.0], kept)?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        read(&self.lock()).map_err(|error| self.fail(error))
    }

    /// Notes that the recordings of a share are not for everybody: it stays so once they are gone.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn hide(&self, id: &str) -> Result<(), ShareError> {
        let done = self.lock().execute("UPDATE share SET was_public = 0 WHERE id = ?1", [id]);
        done.map(drop).map_err(|error| self.fail(error))
    }

    /// The picture that a share keeps, PNG.
    ///
    /// # Errors
    /// When there is no such share.
    pub fn preview(&self, id: &str, now: Timestamp) -> Result<Vec<u8>, ShareError> {
        let found = self
            .lock()
            .query_row(
                &format!("SELECT preview FROM share WHERE id = ?2 AND {LASTS}"),
                params![now.0, id],
                |row| row.get(0),
            )
            .optional();
        found.map_err(|e| self.fail(e))?.ok_or_else(|| ShareError::Missing(id.to_owned()))
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
    ) -> Result<Kept, ShareError> {
        let held = self.get(id, now)?.share;
        let taken = |new: &Option<String>, old: &str| new.clone().unwrap_or_else(|| old.to_owned());
        let title = line(&taken(&change.title, &held.title));
        let note = paragraphs(&taken(&change.note, &held.note));
        let author = line(&taken(&change.author, &held.author));
        check_words(&title, &note, &author)?;
        check_days(change.expires_days, edit_key.is_none())?;
        if title.is_empty() {
            return Err(ShareError::Invalid("a share has a title".into()));
        }
        let expires =
            change.expires_days.map(|days| after(now, days)).or(held.expires.map(|t| t.0));
        self.guarded(id, seen, edit_key, now, |database| {
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
    ) -> Result<(), ShareError> {
        self.guarded(id, seen, edit_key, now, |database| {
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
    ) -> Result<Kept, ShareError> {
        let held = self.get(id, now)?.share;
        if held.excerpt.is_some() {
            return Err(ShareError::Invalid("this share has its samples already".into()));
        }
        if excerpt.bytes > MOST_EXCERPT_BYTES {
            return Err(ShareError::Full(format!(
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
            .map_err(|error| ShareError::Invalid(error.to_string()))?;
        let written = |error| ShareError::Samples { id: id.to_owned(), doing: "written", error };
        self.guarded(id, held.version, edit_key, now, |database| {
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
            let _ = self.lock().execute("DELETE FROM share WHERE id = ?1", [id]);
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
    pub fn samples(&self, share: &Share) -> Result<Option<Vec<u8>>, ShareError> {
        let Some(path) = self.samples_path(share) else { return Ok(None) };
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map_err(|error| ShareError::Samples { id: share.id.clone(), doing: "read", error })?;
        Ok(Some(bytes))
    }

    /// Takes out what has outlived its time.
    fn sweep(&self, now: Timestamp) -> Result<(), ShareError> {
        let over = |database: &Connection| {
            let mut statement =
                database.prepare_cached("DELETE FROM share WHERE expires_ns <= ?1 RETURNING id")?;
            let rows = statement.query_map([now.0], |row| row.get::<_, String>(0))?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        let gone = over(&self.lock()).map_err(|error| self.fail(error))?;
        gone.iter().for_each(|id| self.forget_samples(id));
        Ok(())
    }

    /// Does what needs the edit key, if the share is still of the version that was seen.
    fn guarded(
        &self,
        id: &str,
        seen: u32,
        edit_key: Option<&str>,
        now: Timestamp,
        work: impl FnOnce(&Connection) -> rusqlite::Result<usize>,
    ) -> Result<(), ShareError> {
        let mut database = self.lock();
        state::step(&mut database, |transaction| {
            let held: Option<(u32, String)> = transaction
                .query_row(
                    &format!("SELECT version, key_hash FROM share WHERE id = ?2 AND {LASTS}"),
                    params![now.0, id],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            let Some((version, key_hash)) = held else {
                return Ok(Err(ShareError::Missing(id.to_owned())));
            };
            if edit_key.is_some_and(|given| key::hash(given) != key_hash) {
                return Ok(Err(ShareError::WrongKey));
            }
            if version != seen {
                return Ok(Err(ShareError::ChangedElsewhere { seen, now: version }));
            }
            work(transaction).map(|_| Ok(()))
        })
        .map_err(|error| self.fail(error))?
    }

    fn forget_samples(&self, id: &str) {
        let folder = self.folder.join(id);
        if let Err(error) = std::fs::remove_dir_all(&folder)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!("{} can't be removed: {error}", folder.display());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic left open was rolled back when it was dropped.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, error: rusqlite::Error) -> ShareError {
        ShareError::Database { error, path: self.path.clone() }
    }
}

const COLUMNS: &str = "id, version, title, note, author, view, fingerprint, created_ns, expires_ns, \
                       was_public, excerpt";
/// What holds as long as a share's time is not over; `?2` is now.
const LASTS: &str = "(expires_ns IS NULL OR expires_ns > ?1)";

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

/// Share and file of the address of samples that came with a share, `s/ID/FILE` below the server's own.
pub fn samples_named(url: &str) -> Option<(&str, &str)> {
    url.strip_prefix("s/")?.split_once('/')
}

fn check_words(title: &str, note: &str, author: &str) -> Result<(), ShareError> {
    for (what, text, most) in
        [("title", title, MOST_LINE), ("author", author, MOST_LINE), ("note", note, MOST_NOTE)]
    {
        if text.len() > most {
            let length = text.len();
            return Err(ShareError::Invalid(format!(
                "the {what} is {length} bytes long; {most} at most"
            )));
        }
    }
    Ok(())
}

fn check_days(days: Option<u32>, is_administrator: bool) -> Result<(), ShareError> {
    let most = if is_administrator { MOST_DAYS_EVER } else { MOST_DAYS };
    match days {
        Some(days) if !(1..=most).contains(&days) => {
            Err(ShareError::Invalid(format!("a share stays for 1 to {most} days, not {days}")))
        }
        _ => Ok(()),
    }
}

fn after(now: Timestamp, days: u32) -> i64 {
    now.0.saturating_add(i64::from(days).saturating_mul(NANOS_A_DAY))
}

/// Whether an address is one that a page may read; `javascript:` and `data:` are none.
fn is_web_address(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

#[cfg(test)]
mod tests;
