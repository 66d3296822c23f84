//! What a person wants of a job: that it stops, goes on, tries again, or comes first.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::{Ledger, RESTING_STATE, WorkError};

/// What a person wants of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// It goes on, and tries again what failed.
    GoOn,
    /// It rests; what is running is put back.
    Pause,
    /// It is given up; what is done is kept.
    Cancel,
}

impl Ledger {
    /// Notes a wish down. Units that no other job needs rest or wait accordingly; for running ones
    /// see [`unwished`](Ledger::unwished).
    ///
    /// # Errors
    /// When there is no such job, or the ledger can't be written.
    pub fn wish(&mut self, job: i64, wish: Wish, now_ms: i64) -> Result<(), WorkError> {
        let number = match wish {
            Wish::GoOn => 0,
            Wish::Pause => 1,
            Wish::Cancel => 2,
        };
        let found = self.step(|db| {
            let found = db.execute(
                "UPDATE job SET wish = ?2, changed_ms = ?3 WHERE id = ?1",
                params![job, number, now_ms],
            )?;
            if wish == Wish::GoOn {
                db.execute(
                    "UPDATE unit SET attempts = 0, crashes = 0, not_before_ms = 0
                     WHERE (state = 4 OR (state = 0 AND not_before_ms > 0))
                     AND id IN (SELECT unit FROM wanted WHERE job = ?1)",
                    [job],
                )?;
            }
            // What failed stays failed unless it is to go on.
            let states = if wish == Wish::GoOn { "0, 1, 4, 5" } else { "0, 1, 5" };
            let settle = format!(
                "UPDATE unit SET state = {RESTING_STATE} WHERE state IN ({states})
                 AND id IN (SELECT unit FROM wanted WHERE job = ?1) AND state <> {RESTING_STATE}"
            );
            db.execute(&settle, [job])?;
            Ok(found)
        })?;
        if found == 0 { Err(WorkError::NoJob(job)) } else { Ok(()) }
    }

    /// Makes one failed unit wait again.
    ///
    /// # Errors
    /// When there is none of this key, or the ledger can't be written.
    pub fn retry_unit(&mut self, key: &str) -> Result<(), WorkError> {
        let found = self.step(|db| {
            let update = format!(
                "UPDATE unit SET attempts = 0, crashes = 0, not_before_ms = 0,
                 state = CASE state WHEN 4 THEN {RESTING_STATE} ELSE state END WHERE key = ?1"
            );
            db.execute(&update, [key])
        })?;
        if found == 0 { Err(WorkError::NoUnit(key.to_owned())) } else { Ok(()) }
    }

    /// Moves units, and what they need, to this priority where they wait at a lower one. Keys that
    /// are not in the ledger, or done, are passed over.
    ///
    /// # Errors
    /// When the ledger can't be written.
    pub fn raise(&mut self, keys: &[String], priority: i64) -> Result<(), WorkError> {
        let keys = serde_json::json!(keys).to_string();
        self.step(|db| {
            db.prepare_cached(
                "WITH RECURSIVE needed (id) AS (
                    SELECT id FROM unit WHERE key IN (SELECT value FROM json_each(?1))
                    UNION
                    SELECT predecessor FROM dependency JOIN needed ON dependency.unit = needed.id)
                 UPDATE unit SET priority = ?2
                 WHERE id IN needed AND state IN (0, 1, 5) AND priority < ?2",
            )?
            .execute(params![keys, priority])?;
            Ok(())
        })
    }

    /// The running units that no job wants to go on with.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub fn unwished(&self) -> Result<HashSet<i64>, WorkError> {
        self.read(|db: &Connection| {
            db.prepare_cached(
                "SELECT id FROM unit WHERE state = 2 AND NOT EXISTS (
                    SELECT 1 FROM wanted JOIN job ON job.id = wanted.job
                    WHERE wanted.unit = unit.id AND job.wish = 0)",
            )?
            .query_map([], |row| row.get(0))?
            .collect()
        })
    }
}
