//! The ledger: every job, every unit and how far it is, in SQLite. Each step is one transaction; the
//! ledger is the only truth, so another process (`spyhop jobs cancel`) takes the same steps.

mod reading;
mod steps;
mod submit;
mod wishes;

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

pub use steps::{Claim, Claimed, Failed};
pub use submit::Submitted;
pub use wishes::Wish;

use crate::state::{self, StateError, StateFolder};

/// The database of the state folder.
const NAME: &str = "jobs.sqlite";
const SCHEMA: &[M<'static>] =
    &[M::up(include_str!("ledger/schema.sql")), M::up(include_str!("ledger/sound.sql"))];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(SCHEMA);

/// States of a unit, as the schema has them. Queries that are to use a partial index say the number.
mod unit_state {
    pub const WAITING: i64 = 0;
    pub const BLOCKED: i64 = 1;
    pub const RUNNING: i64 = 2;
    pub const DONE: i64 = 3;
    pub const FAILED: i64 = 4;
    pub const HELD: i64 = 5;
}

/// The state of a unit that is neither running nor finished, from the jobs that want it and from its
/// predecessors. Stands in an `UPDATE unit`.
const RESTING_STATE: &str = "CASE
    WHEN NOT EXISTS (
        SELECT 1 FROM wanted JOIN job ON job.id = wanted.job
        WHERE wanted.unit = unit.id AND job.wish = 0
    ) THEN 5
    WHEN waits_for > 0 THEN 1
    ELSE 0 END";

/// Why the ledger or the engine can't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The state folder or its database can't be opened.
    #[error(transparent)]
    State(#[from] StateError),
    /// SQLite refuses a step; nothing of it was taken.
    #[error("the ledger of the work: {}: {}", state::reason(.error), .path.display())]
    Ledger {
        /// What it says.
        error: rusqlite::Error,
        /// The database.
        path: PathBuf,
    },
    /// There is no job of this number.
    #[error("there is no job {0}: spyhop jobs lists them")]
    NoJob(i64),
    /// There is no unit of this key.
    #[error("there is no unit {0}")]
    NoUnit(String),
    /// A plan that can't be carried out.
    #[error("the job '{job}' can't be carried out: {reason}")]
    Plan {
        /// Its key.
        job: String,
        /// What is wrong with its units.
        reason: String,
    },
    /// A thread could not be started, or other trouble of the system.
    #[error("the system refuses to start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// The engine was told to stop.
    #[error("stopped before it was done: the same command goes on from there")]
    Stopped,
}

/// An open ledger.
pub struct Ledger {
    database: Connection,
    path: PathBuf,
    seen: i64,
}

impl Ledger {
    /// The ledger of a state folder that this process holds.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn open(state: &StateFolder) -> Result<Ledger, WorkError> {
        Ledger::new(state.database(NAME, &MIGRATIONS)?, state.path())
    }

    /// The ledger of a state folder in which another process may work.
    ///
    /// # Errors
    /// When there is none, or it is another version's.
    pub fn look(folder: &Path) -> Result<Ledger, WorkError> {
        Ledger::new(state::look(folder, NAME, &MIGRATIONS)?, folder)
    }

    fn new(database: Connection, folder: &Path) -> Result<Ledger, WorkError> {
        database.set_prepared_statement_cache_capacity(64);
        let mut ledger = Ledger { database, path: folder.join(NAME), seen: 0 };
        ledger.changed_elsewhere()?;
        Ok(ledger)
    }

    /// Whether another connection has written since this was last asked.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn changed_elsewhere(&mut self) -> Result<bool, WorkError> {
        let version = self.database.pragma_query_value(None, "data_version", |row| row.get(0));
        let version = version.map_err(|error| self.error(error))?;
        Ok(std::mem::replace(&mut self.seen, version) != version)
    }

    /// As on a disk that can't be written.
    #[cfg(test)]
    pub fn refuse_writes(&self, refuse: bool) {
        self.database.pragma_update(None, "query_only", refuse).expect("pragma");
    }

    fn error(&self, error: rusqlite::Error) -> WorkError {
        WorkError::Ledger { error, path: self.path.clone() }
    }

    /// Takes one step: all of it or nothing.
    fn step<T>(
        &mut self,
        step: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, WorkError> {
        let path = &self.path;
        state::step(&mut self.database, step)
            .map_err(|error| WorkError::Ledger { error, path: path.clone() })
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, WorkError> {
        read(&self.database).map_err(|error| self.error(error))
    }
}

#[cfg(test)]
mod tests;
