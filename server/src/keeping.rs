//! What the server keeps for whoever made it: under a name of chance, with an edit key, for a time. Shares
//! and stories are kept so.

mod key;
mod rate;
mod refusal;
mod words;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};
use spyhop_api::view::Source;
use spyhop_api::{Timestamp, View};

use crate::state;
pub use key::{edit_key, hash, name};
pub use rate::{Rate, Rates};
pub use refusal::{KeepError, Kind};
pub use words::{line, markdown, paragraphs};

/// The longest that something of somebody who is not the administrator stays, days.
pub const MOST_DAYS: u32 = 366;
/// A hundred years: more is a slip.
const MOST_DAYS_EVER: u32 = 36_525;
/// The longest link that is kept, bytes.
const MOST_VIEW: usize = spyhop_api::story::MOST_VIEW_BYTES;
const NANOS_A_DAY: i64 = 86_400 * 1_000_000_000;

/// What holds as long as something's time is not over; `?1` is now.
pub const LASTS: &str = "(expires_ns IS NULL OR expires_ns > ?1)";

/// What is kept of a view beside what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// The table of one kind of thing, in a database of its own. It has the columns `id`, `version`, `key_hash`
/// and `expires_ns`.
pub struct Drawer {
    database: Mutex<Connection>,
    path: PathBuf,
    kind: Kind,
}

impl Drawer {
    /// The drawer of a database that lies in a folder under a name.
    pub fn new(kind: Kind, folder: &Path, name: &str, database: Connection) -> Drawer {
        Drawer { database: Mutex::new(database), path: folder.join(name), kind }
    }

    /// The database, for this thread alone.
    pub fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic left open was rolled back when it was dropped.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the database said, as a person reads it.
    pub fn fail(&self, error: rusqlite::Error) -> KeepError {
        KeepError::Database { error, path: self.path.clone() }
    }

    /// That there is nothing of that name.
    pub fn missing(&self, id: &str) -> KeepError {
        KeepError::Missing { kind: self.kind, id: id.to_owned() }
    }

    /// Takes out what has outlived its time; gives the names.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn sweep(&self, now: Timestamp) -> Result<Vec<String>, KeepError> {
        let over = |database: &Connection| {
            let mut statement = database.prepare_cached(&format!(
                "DELETE FROM {} WHERE expires_ns <= ?1 RETURNING id",
                self.kind.table()
            ))?;
            let rows = statement.query_map([now.0], |row| row.get::<_, String>(0))?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        over(&self.lock()).map_err(|error| self.fail(error))
    }

    /// Does what needs the edit key, if the thing is still of the version that was seen.
    ///
    /// # Errors
    /// When it is gone, was changed since, or the key is another one's.
    pub fn guarded(
        &self,
        id: &str,
        seen: u32,
        edit_key: Option<&str>,
        now: Timestamp,
        work: impl FnOnce(&Connection) -> rusqlite::Result<usize>,
    ) -> Result<(), KeepError> {
        let mut database = self.lock();
        state::step(&mut database, |transaction| {
            let table = self.kind.table();
            let held: Option<(u32, String)> = transaction
                .query_row(
                    &format!("SELECT version, key_hash FROM {table} WHERE id = ?2 AND {LASTS}"),
                    params![now.0, id],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            let Some((version, key_hash)) = held else { return Ok(Err(self.missing(id))) };
            if edit_key.is_some_and(|given| hash(given) != key_hash) {
                return Ok(Err(KeepError::WrongKey(self.kind)));
            }
            if version != seen {
                let kind = self.kind;
                return Ok(Err(KeepError::ChangedElsewhere { kind, seen, now: version }));
            }
            work(transaction).map(|_| Ok(()))
        })
        .map_err(|error| self.fail(error))?
    }
}

/// Checks how long something is to stay.
///
/// # Errors
/// When that is longer than somebody may ask for.
pub fn check_days(kind: Kind, days: Option<u32>, is_administrator: bool) -> Result<(), KeepError> {
    let most = if is_administrator { MOST_DAYS_EVER } else { MOST_DAYS };
    match days {
        Some(days) if !(1..=most).contains(&days) => {
            Err(KeepError::Invalid(format!("a {kind} stays for 1 to {most} days, not {days}")))
        }
        _ => Ok(()),
    }
}

/// When something goes: what was asked for, else a year for whoever is not the administrator.
pub fn expiry(days: Option<u32>, is_administrator: bool, now: Timestamp) -> Option<i64> {
    days.or((!is_administrator).then_some(MOST_DAYS)).map(|days| after(now, days))
}

/// So many days from now, in nanoseconds since 1970.
pub fn after(now: Timestamp, days: u32) -> i64 {
    now.0.saturating_add(i64::from(days).saturating_mul(NANOS_A_DAY))
}

/// Reads a link that is to be kept. One of nothing is taken: what that means is for the caller.
///
/// # Errors
/// When it makes no sense, or is of what others can't open; the message says what to do.
pub fn view_of(query: &str) -> Result<View, KeepError> {
    let invalid = |message: String| Err(KeepError::Invalid(message));
    if query.len() > MOST_VIEW {
        let length = query.len();
        return invalid(format!("the link is {length} bytes long; {MOST_VIEW} at most"));
    }
    let (view, errors) = View::from_query(query);
    if let Some(error) = errors.first() {
        return invalid(error.to_string());
    }
    match &view.source {
        // The samples that came with a share can be shared again.
        Source::Urls(urls) if matches!(urls.as_slice(), [url] if samples_named(url).is_some()) => {
            Ok(view)
        }
        Source::Urls(urls) if !urls.iter().all(|url| is_web_address(url)) => {
            invalid("only recordings at http:// and https:// addresses can be shared".into())
        }
        _ => Ok(view),
    }
}

/// Checks that a text is no longer than it may be.
///
/// # Errors
/// When it is.
pub fn check_length(what: &str, text: &str, most: usize) -> Result<(), KeepError> {
    if text.len() <= most {
        return Ok(());
    }
    let length = text.len();
    Err(KeepError::Invalid(format!("the {what} is {length} bytes long; {most} at most")))
}

/// Share and file of the address of samples that came with a share, `s/ID/FILE` below the server's own.
pub fn samples_named(url: &str) -> Option<(&str, &str)> {
    url.strip_prefix("s/")?.split_once('/')
}

/// Whether an address is one that a page may read; `javascript:` and `data:` are none.
fn is_web_address(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}
