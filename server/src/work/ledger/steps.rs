//! The steps of a unit: taken up, finished, failed, put back.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::{Ledger, RESTING_STATE, WorkError, unit_state};

/// A unit that ended its process this often is not begun again by itself.
const CRASHES: i64 = 10;

/// What there is to do.
#[derive(Debug, PartialEq)]
pub enum Claim {
    /// This, now.
    Unit(Claimed),
    /// The next one takes more memory than is free.
    NoRoom,
    /// Nothing; at the given time (ms since 1970) something that failed may be tried again.
    Nothing {
        /// When, if at all.
        next_ms: Option<i64>,
    },
}

/// A unit that was taken up.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// In the ledger.
    pub id: i64,
    /// Names its outputs.
    pub key: String,
    /// Which function makes it.
    pub kind: String,
    /// What that is given.
    pub payload: Value,
    /// What it takes at most.
    pub memory_bytes: u64,
    /// How many passing errors it has had.
    pub attempts: u32,
}

/// How a unit failed.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    /// For a person.
    pub message: &'a str,
    /// When it is tried again; `None` for never.
    pub again_at_ms: Option<i64>,
}

impl Ledger {
    /// Takes up the first unit that waits, where it fits into the free memory or `alone`.
    ///
    /// One that does not fit is waited for and not overtaken: else it would wait for ever.
    ///
    /// # Errors
    /// When the ledger can't be written.
    pub fn claim(
        &mut self,
        worker: u32,
        free_bytes: u64,
        alone: bool,
        now_ms: i64,
    ) -> Result<Claim, WorkError> {
        let found = self.read(|db| first_waiting(db, now_ms))?;
        if found.is_none() {
            let next_ms = self.read(|db| {
                db.prepare_cached("SELECT min(not_before_ms) FROM unit WHERE state = 0")?
                    .query_row([], |row| row.get(0))
            })?;
            return Ok(Claim::Nothing { next_ms });
        }
        self.step(|db| {
            // Asked again inside the step: another process may have cancelled it meanwhile.
            let Some(unit) = first_waiting(db, now_ms)? else {
                return Ok(Claim::Nothing { next_ms: Some(now_ms) });
            };
            if unit.memory_bytes > free_bytes && !alone {
                return Ok(Claim::NoRoom);
            }
            db.prepare_cached(
                "UPDATE unit SET state = 2, worker = ?2, started_ms = ?3, finished_ms = NULL
                 WHERE id = ?1",
            )?
            .execute(params![unit.id, worker, now_ms])?;
            Ok(Claim::Unit(unit))
        })
    }

    /// Notes down what a unit gave. Its followers may now run.
    ///
    /// # Errors
    /// When the ledger can't be written.
    pub fn finish(&mut self, id: i64, outputs: &Value, now_ms: i64) -> Result<(), WorkError> {
        let outputs = outputs.to_string();
        self.step(|db| {
            let taken = db
                .prepare_cached(
                    "UPDATE unit SET state = 3, outputs = ?2, finished_ms = ?3, error = NULL,
                     attempts = 0, crashes = 0, not_before_ms = 0 WHERE id = ?1 AND state = 2",
                )?
                .execute(params![id, outputs, now_ms])?;
            if taken == 1 {
                db.prepare_cached(
                    "UPDATE unit SET waits_for = waits_for - 1,
                     state = CASE WHEN state = 1 AND waits_for <= 1 THEN 0 ELSE state END
                     WHERE id IN (SELECT unit FROM dependency WHERE predecessor = ?1)",
                )?
                .execute([id])?;
                drop_if_unwanted(db, id)?;
            }
            Ok(())
        })
    }

    /// Notes down why a unit gave nothing.
    ///
    /// # Errors
    /// When the ledger can't be written.
    pub fn fail(&mut self, id: i64, failed: Failed<'_>, now_ms: i64) -> Result<(), WorkError> {
        self.step(|db| {
            match failed.again_at_ms {
                Some(at) => {
                    let update = format!(
                        "UPDATE unit SET state = {RESTING_STATE}, not_before_ms = ?2, error = ?3,
                         attempts = attempts + 1, finished_ms = ?4 WHERE id = ?1 AND state = 2"
                    );
                    let values = params![id, at, failed.message, now_ms];
                    db.prepare_cached(&update)?.execute(values)?;
                }
                None => {
                    db.prepare_cached(
                        "UPDATE unit SET state = 4, error = ?2, finished_ms = ?3
                         WHERE id = ?1 AND state = 2",
                    )?
                    .execute(params![id, failed.message, now_ms])?;
                }
            }
            drop_if_unwanted(db, id)
        })
    }

    /// Puts a unit back that was told to stop, or that the disk had no room for.
    ///
    /// # Errors
    /// When the ledger can't be written.
    pub fn put_back(&mut self, id: i64) -> Result<(), WorkError> {
        self.step(|db| {
            let update =
                format!("UPDATE unit SET state = {RESTING_STATE} WHERE id = ?1 AND state = 2");
            db.prepare_cached(&update)?.execute([id])?;
            drop_if_unwanted(db, id)
        })
    }

    /// Puts back what was running when the process ended, and gives up on what ended it again and
    /// again. To be called before anything runs.
    ///
    /// # Errors
    /// When the ledger can't be written.
    pub fn recover(&mut self, now_ms: i64) -> Result<usize, WorkError> {
        self.step(|db| {
            let mut running = db.prepare("SELECT id FROM unit WHERE state = 2")?;
            let ids: Vec<i64> =
                running.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            db.execute("UPDATE unit SET crashes = crashes + 1 WHERE state = 2", [])?;
            db.execute(
                "UPDATE unit SET state = 4, finished_ms = ?2, error = 'Spyhop ended ' || crashes ||
                 ' times while this was made: does the machine have enough memory?'
                 WHERE state = 2 AND crashes >= ?1",
                params![CRASHES, now_ms],
            )?;
            let update = format!("UPDATE unit SET state = {RESTING_STATE} WHERE state = 2");
            db.execute(&update, [])?;
            for id in &ids {
                drop_if_unwanted(db, *id)?;
            }
            Ok(ids.len())
        })
    }
}

fn first_waiting(db: &Connection, now_ms: i64) -> rusqlite::Result<Option<Claimed>> {
    db.prepare_cached(
        "SELECT id, key, kind, payload, memory_bytes, attempts FROM unit
         WHERE state = 0 AND not_before_ms <= ?1 ORDER BY priority DESC, id LIMIT 1",
    )?
    .query_row([now_ms], |row| {
        let payload: String = row.get(3)?;
        Ok(Claimed {
            id: row.get(0)?,
            key: row.get(1)?,
            kind: row.get(2)?,
            // It was written from a value; what a damaged disk made of it fails in the unit.
            payload: serde_json::from_str(&payload).unwrap_or(Value::Null),
            memory_bytes: row.get(4)?,
            attempts: row.get(5)?,
        })
    })
    .optional()
}

/// Forgets a unit that no job wants any more and that does not run.
pub(super) fn drop_if_unwanted(db: &Connection, id: i64) -> rusqlite::Result<()> {
    let unwanted = db
        .prepare_cached(
            "SELECT 1 FROM unit WHERE id = ?1 AND state <> ?2
             AND NOT EXISTS (SELECT 1 FROM wanted WHERE unit = ?1)",
        )?
        .exists(params![id, unit_state::RUNNING])?;
    if unwanted {
        db.prepare_cached(
            "UPDATE unit SET waits_for = waits_for - 1,
             state = CASE WHEN state = 1 AND waits_for <= 1 THEN 0 ELSE state END
             WHERE id IN (SELECT unit FROM dependency WHERE predecessor = ?1)
             AND EXISTS (SELECT 1 FROM unit AS gone WHERE gone.id = ?1 AND gone.state <> 3)",
        )?
        .execute([id])?;
        db.prepare_cached("DELETE FROM dependency WHERE unit = ?1 OR predecessor = ?1")?
            .execute([id])?;
        db.prepare_cached("DELETE FROM unit WHERE id = ?1")?.execute([id])?;
    }
    Ok(())
}
