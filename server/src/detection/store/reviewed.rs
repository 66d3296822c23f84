//! What people said of candidates, to train on.

use std::path::Path;

use rusqlite::params;
use spyhop_api::detection::{DetectionClass, Verdict};

use super::reviews::{number, verdict};
use super::{DATABASE, MIGRATIONS};
use crate::state::{self, StateError};

/// A candidate that somebody said something of.
pub struct ReviewedCall {
    /// Nanoseconds since 1970.
    pub start_ns: i64,
    /// Its end.
    pub end_ns: i64,
    /// What it is; `None` where it is no call.
    pub label: Option<String>,
}

/// The reviewed candidates of all runs over a deployment that has a clock, beside whatever process works in
/// the state folder. Those that are not found any more are left out: nobody knows whether there is still a
/// call at their time.
///
/// # Errors
/// When there are no detections, or the database can't be read.
pub fn reviewed(state: &Path, deployment: &str) -> Result<Vec<ReviewedCall>, StateError> {
    let database = state::look(state, DATABASE, &MIGRATIONS)?;
    let path = state.join(DATABASE);
    let failed = |error| StateError::Database { error, path: path.clone() };
    let mut rows = database
        .prepare(
            "SELECT run.classes, call.class, call.start_ns, call.end_ns, call.verdict,
                (SELECT label FROM review WHERE review.call = call.id ORDER BY version DESC LIMIT 1)
             FROM call JOIN run ON run.id = call.run
             WHERE run.deployment = ?1 AND run.dated = 1 AND call.verdict > ?2
                AND call.unit IS NOT NULL
             ORDER BY call.start_ns, call.id",
        )
        .map_err(failed)?;
    let calls = rows.query_map(params![deployment, number(Verdict::Unreviewed)], |row| {
        let classes: String = row.get(0)?;
        let classes: Vec<DetectionClass> = serde_json::from_str(&classes).unwrap_or_default();
        let class: usize = row.get(1)?;
        let found_as = || classes.get(class).map(|class| class.name.clone());
        let label = match verdict(row.get(4)?) {
            Verdict::Rejected | Verdict::Unreviewed => None,
            Verdict::Accepted => found_as(),
            Verdict::Relabelled => row.get::<_, Option<String>>(5)?.or_else(found_as),
        };
        Ok(ReviewedCall { start_ns: row.get(2)?, end_ns: row.get(3)?, label })
    });
    calls.and_then(Iterator::collect).map_err(failed)
}
