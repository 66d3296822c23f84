//! Units of work: the engine that everything long uses.
//!
//! A *unit* is a pure function of (recording, range, configuration) to outputs named by what made
//! them. Its key is a hash of all that, so a unit has one result whoever wants it and whenever: it is
//! run once though several jobs want it, running it twice changes nothing, and a changed file makes
//! new keys for what it touches and for nothing else.
//!
//! A *job* is what a person sees: a titled list of units. It is submitted again whenever what it is
//! made from may have changed; units that are new are added, those that vanished are dropped, and
//! what is done stays done.
//!
//! The [`Registry`] says which function makes a unit of a kind; the [`Engine`] runs them on threads
//! and keeps a ledger of every step in SQLite (`jobs.sqlite` in the state folder), so that `kill -9`
//! at any moment loses nothing that was finished.
//!
//! ```text
//! waiting ─► running ─► done
//!   ▲ ▲         ├─► waiting, not before a moment   (a passing error, with back-off)
//!   │ │         ├─► failed ─► waiting              (by a person's "retry")
//!   │ └─────────┘ the engine stopped, or was killed
//! blocked (its predecessors are not done)     held (no job that is to go on wants it)
//! ```

mod engine;
mod foreground;
mod ledger;
mod memory;
mod meter;
mod registry;
mod unit;

pub use engine::{Engine, Settings};
pub use foreground::{OnFailure, Outcome, run_in_foreground, run_in_foreground_telling};
pub use ledger::{Ledger, Wish, WorkError};
pub use registry::{Registry, UnitContext};
#[cfg(test)]
pub use unit::Remedy;
pub use unit::{Job, Priority, Unit, UnitError, key_of};

/// Milliseconds since 1970 by this machine's clock.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}
