//! The state folder: where Spyhop keeps what it makes of recordings. Nothing is written beside them.
//!
//! ```text
//! <user data>/spyhop/state/   or what --state says
//!   spyhop.lock               held by the one process that works here, with its number in it
//!   catalogue.sqlite          what is known of the places
//!   jobs.sqlite               the ledger of the work
//!   detections.sqlite         what was found, and what people say of it
//!   shares.sqlite  shares/     views under short links, and the samples that came with some of them
//!   pyramids/  products/  quality/  detections/   what was made, named by what made it
//!   runs/                     where training's folders are, a note each
//!   foreground/  beside/      ledgers and catalogues of commands, while they run
//! ```
//! One process writes at a time: [`StateFolder::open`] takes the lock and gives it back when it is
//! dropped, or when the process ends in whatever way. Others may look in with [`look`].

mod workplace;

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use rusqlite_migration::{MigrationDefinitionError, Migrations};

pub use workplace::{Workplace, is_anyone_beside};

/// How long a statement waits for another process's to end.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// The write-ahead log is cut back to this once it has been copied into the database, bytes.
const LOG_BYTES: i64 = 64 << 20;
const LOCK_ATTEMPTS: u32 = 4;
const LOCK_PAUSE: Duration = Duration::from_millis(40);
const LOCK_NAME: &str = "spyhop.lock";

/// The state folder, held by this process.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    /// Closing it gives the folder back.
    _lock: File,
}

/// Why a state folder can't be worked in.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process works there.
    #[error(
        "another Spyhop{} works in this state folder: stop it, or give this one a folder of its own \
         with --state ({})", process_in_words(.process), .path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The other one's process number, where it can be told.
        process: Option<u32>,
    },
    /// It can't be made, or may not be written.
    #[error("{doing}: {reason} (choose another folder with --state): {}", .path.display())]
    Folder {
        /// What was tried.
        doing: &'static str,
        /// What the system says.
        reason: std::io::Error,
        /// The folder or file.
        path: PathBuf,
    },
    /// There is none yet.
    #[error("there is no state folder here yet (spyhop serve makes it): {}", .path.display())]
    Missing {
        /// As it was given.
        path: PathBuf,
    },
    /// A newer program wrote it.
    #[error(
        "a newer Spyhop wrote this database: use that one, or another folder with --state: {}",
        .path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
    },
    /// An older program wrote it, and this process may not change it.
    #[error("an older Spyhop wrote this database: start this one's server once: {}", .path.display())]
    Older {
        /// The database.
        path: PathBuf,
    },
    /// Its file system lets no two processes share memory.
    #[error(
        "SQLite's write-ahead log does not work there (is it a network folder?): choose a folder on \
         a disk of this machine with --state: {}", .path.display()
    )]
    NoLog {
        /// The database.
        path: PathBuf,
    },
    /// SQLite refuses.
    #[error("{}: {}", reason(.error), .path.display())]
    Database {
        /// What it says.
        error: rusqlite::Error,
        /// The database.
        path: PathBuf,
    },
}

impl StateFolder {
    /// Makes the folder where it is missing and takes it for this process.
    ///
    /// # Errors
    /// When another process has it, or it can't be written.
    pub fn open(path: &Path) -> Result<StateFolder, StateError> {
        let folder = |doing, at: &Path| {
            let path = at.to_owned();
            move |reason| StateError::Folder { doing, reason, path }
        };
        std::fs::create_dir_all(path).map_err(folder("the state folder can't be made", path))?;
        let path = path.canonicalize().map_err(folder("the state folder can't be read", path))?;
        let lock_path = path.join(LOCK_NAME);
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(folder("the state folder can't be written", &lock_path))?;
        for attempt in 1.. {
            match lock.try_lock() {
                Ok(()) => break,
                // Somebody who asks who works here touches the lock for a moment.
                Err(TryLockError::WouldBlock) if attempt < LOCK_ATTEMPTS => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StateError::InUse { process: number_in(&mut lock), path });
                }
                Err(TryLockError::Error(reason)) => {
                    return Err(folder("the state folder can't be locked", &lock_path)(reason));
                }
            }
        }
        let number = format!("{}\n", std::process::id());
        lock.set_len(0)
            .and_then(|()| lock.write_all(number.as_bytes()))
            .map_err(folder("the state folder can't be written", &lock_path))?;
        Ok(StateFolder { path, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a database of this folder to write, brought up to the newest schema. `name` is as
    /// `catalogue.sqlite`.
    ///
    /// # Errors
    /// When it can't be opened, or was written by a newer program.
    pub fn database(
        &self,
        name: &str,
        migrations: &Migrations<'_>,
    ) -> Result<Connection, StateError> {
        let path = self.path.join(name);
        let mut database = connect(&path, OpenFlags::SQLITE_OPEN_CREATE)?;
        migrations.to_latest(&mut database).map_err(|error| migration_error(error, &path))?;
        Ok(database)
    }
}

/// Opens a database of a state folder beside the process that works there, if any does. The schema
/// must be the newest already.
///
/// # Errors
/// When there is none, or it is another version's.
pub fn look(
    folder: &Path,
    name: &str,
    migrations: &Migrations<'_>,
) -> Result<Connection, StateError> {
    let path = folder.join(name);
    if !path.is_file() {
        return Err(StateError::Missing { path: folder.to_owned() });
    }
    let database = connect(&path, OpenFlags::empty())?;
    match migrations.pending_migrations(&database) {
        Ok(0) => Ok(database),
        Ok(n) if n > 0 => Err(StateError::Older { path }),
        Ok(_) => Err(StateError::Newer { path }),
        Err(error) => Err(migration_error(error, &path)),
    }
}

/// Takes one step in a database: all of it or nothing. Immediate: one that reads and then writes never finds
/// that another has come between.
///
/// # Errors
/// When the step does not succeed; then nothing has changed.
pub fn step<T>(
    database: &mut Connection,
    step: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = step(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

/// The number of the process that works in a state folder; `None` when none does.
pub fn who_works_in(folder: &Path) -> Option<u32> {
    let mut lock = File::open(folder.join(LOCK_NAME)).ok()?;
    match lock.try_lock_shared() {
        Err(TryLockError::WouldBlock) => number_in(&mut lock),
        _ => None,
    }
}

/// What a person can do about it, in place of SQLite's own words.
pub fn reason(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full: free some space".into(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program holds the database locked".into()
        }
        Some(ErrorCode::ReadOnly) => "the database may only be read".into(),
        Some(ErrorCode::CannotOpen) => "the database can't be opened".into(),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "the database is damaged: move it away and Spyhop makes a new one".into()
        }
        Some(ErrorCode::SystemIoFailure) => "the disk could not be read or written".into(),
        _ => format!("the database refuses ({error})"),
    }
}

fn connect(path: &Path, more: OpenFlags) -> Result<Connection, StateError> {
    let fail = |error| StateError::Database { error, path: path.to_owned() };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let database = Connection::open_with_flags(path, flags).map_err(fail)?;
    database.busy_timeout(BUSY_TIMEOUT).map_err(fail)?;
    let mode: String = database
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
        .map_err(fail)?;
    if mode != "wal" {
        return Err(StateError::NoLog { path: path.to_owned() });
    }
    // A power cut may take back the last transactions but damages nothing; kill -9 takes none.
    database.pragma_update(None, "synchronous", "normal").map_err(fail)?;
    database.pragma_update(None, "foreign_keys", true).map_err(fail)?;
    database
        .pragma_update_and_check(None, "journal_size_limit", LOG_BYTES, |_| Ok(()))
        .map_err(fail)?;
    Ok(database)
}

fn migration_error(error: rusqlite_migration::Error, path: &Path) -> StateError {
    let path = path.to_owned();
    match error {
        rusqlite_migration::Error::MigrationDefinition(
            MigrationDefinitionError::DatabaseTooFarAhead,
        ) => StateError::Newer { path },
        rusqlite_migration::Error::RusqliteError { err, .. } => {
            StateError::Database { error: err, path }
        }
        other => StateError::Database {
            error: rusqlite::Error::ToSqlConversionFailure(Box::new(other)),
            path,
        },
    }
}

fn number_in(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn process_in_words(process: &Option<u32>) -> String {
    process.map(|number| format!(" (process {number})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite_migration::M;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("spyhop-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    const ONE: &[M<'_>] = &[M::up("CREATE TABLE a (x)")];
    const TWO: &[M<'_>] = &[M::up("CREATE TABLE a (x)"), M::up("CREATE TABLE b (x)")];

    #[test]
    fn a_second_server_on_a_state_folder_is_told_which_process_has_it() {
        let path = folder("lock");
        let first = StateFolder::open(&path).expect("first");
        assert_eq!(who_works_in(&path), Some(std::process::id()));
        let refused = StateFolder::open(&path).expect_err("second").to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        assert!(refused.contains("--state"), "{refused}");
        drop(first);
        assert_eq!(who_works_in(&path), None);
        StateFolder::open(&path).expect("given back");
        std::fs::remove_dir_all(path).expect("remove");
    }

    #[test]
    fn a_database_of_a_newer_program_is_left_alone() {
        let path = folder("newer");
        let state = StateFolder::open(&path).expect("open");
        state.database("x.sqlite", &Migrations::from_slice(TWO)).expect("newest");
        let older = Migrations::from_slice(ONE);
        assert!(matches!(state.database("x.sqlite", &older), Err(StateError::Newer { .. })));
        assert!(matches!(look(&path, "x.sqlite", &older), Err(StateError::Newer { .. })));
        state.database("y.sqlite", &older).expect("old");
        let newest = Migrations::from_slice(TWO);
        assert!(matches!(look(&path, "y.sqlite", &newest), Err(StateError::Older { .. })));
        assert!(matches!(look(&path, "z.sqlite", &newest), Err(StateError::Missing { .. })));
        std::fs::remove_dir_all(path).expect("remove");
    }

    #[test]
    fn what_is_no_database_is_said_to_be_damaged() {
        let path = folder("damaged");
        let state = StateFolder::open(&path).expect("open");
        std::fs::write(path.join("x.sqlite"), vec![7u8; 9000]).expect("write");
        let error = state.database("x.sqlite", &Migrations::from_slice(ONE)).expect_err("refused");
        assert!(error.to_string().contains("damaged"), "{error}");
        std::fs::remove_dir_all(path).expect("remove");
    }
}
