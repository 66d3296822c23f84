//! The catalogue's database: its tables, and how it grows from one version to the next.

use rusqlite_migration::{M, Migrations};

/// Its name in the state folder.
pub const DATABASE: &str = "catalogue.sqlite";

/// Every schema that was ever released, in order; a step is never changed afterwards.
pub const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

const STEPS: &[M<'static>] = &[
    M::up(
        "
    CREATE TABLE place (
        id INTEGER PRIMARY KEY,
        address TEXT NOT NULL UNIQUE
    ) STRICT;

    -- A folder of a place that holds recordings.
    CREATE TABLE deployment (
        -- Never given twice: versions count from 1 in each.
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        place INTEGER NOT NULL REFERENCES place ON DELETE CASCADE,
        folder TEXT NOT NULL,
        slug TEXT NOT NULL,
        -- deployment.toml as it stands there, and its version; empty where there is none.
        description TEXT NOT NULL DEFAULT '',
        described TEXT NOT NULL DEFAULT '',
        -- Counts up with every change of itself or its files.
        version INTEGER NOT NULL DEFAULT 1,
        UNIQUE (place, folder),
        UNIQUE (place, slug)
    ) STRICT;

    CREATE TABLE file (
        id INTEGER PRIMARY KEY,
        deployment INTEGER NOT NULL REFERENCES deployment ON DELETE CASCADE,
        name TEXT NOT NULL,
        -- 0 recording, 1 sidecar, 2 table of annotations
        kind INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        version TEXT NOT NULL,
        -- 0 not looked into yet, 1 read, 2 can't be opened, 3 could not be reached
        state INTEGER NOT NULL DEFAULT 0,
        failure TEXT,
        -- RecordingInfo in JSON, and what is sorted and summed of it
        info TEXT,
        start_ns INTEGER,
        end_ns INTEGER,
        duration_s REAL,
        rate_hz REAL,
        format TEXT,
        segments INTEGER,
        -- 1 where its own header says where it was made
        tells_position INTEGER NOT NULL DEFAULT 0,
        UNIQUE (deployment, name)
    ) STRICT;
    CREATE INDEX file_by_start ON file (deployment, start_ns, name);
    CREATE INDEX file_unread ON file (deployment) WHERE state = 0 AND kind = 0;
    CREATE INDEX file_sidecar ON file (deployment) WHERE kind = 1;
    CREATE INDEX file_table ON file (deployment) WHERE kind = 2;
    ",
    ),
    // The content of the file that deployment.toml names as the table of its calibration, where it is there.
    M::up("ALTER TABLE deployment ADD COLUMN calibration TEXT"),
];

/// What is known of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Listed, not looked into yet.
    Unread = 0,
    /// Its headers were read.
    Read = 1,
    /// It was read and is no recording that can be opened.
    Bad = 2,
    /// Its bytes could not be had; it is tried again.
    Unreachable = 3,
}

/// Why the catalogue can't answer or go on.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The state folder.
    #[error(transparent)]
    State(#[from] crate::state::StateError),
    /// The database.
    #[error("the catalogue: {}", crate::state::reason(.0))]
    Database(#[from] rusqlite::Error),
    /// The place of the recordings.
    #[error(transparent)]
    Place(#[from] crate::place::PlaceError),
    /// The system gives no more threads.
    #[error("the recordings can't be looked into: {0}")]
    Threads(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_make_a_database() {
        MIGRATIONS.validate().expect("the SQL of every step");
    }
}
