//! Submitting a job: what is new is added, what vanished is dropped, what is done stays done.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, params};
use serde_json::Value;

use super::steps::drop_if_unwanted;
use super::{Ledger, RESTING_STATE, WorkError, unit_state};
use crate::work::unit::{Job, Unit};

/// What a submission changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The job's number, the same for every submission of its key.
    pub job: i64,
    /// Units that nobody wanted before.
    pub added: usize,
    /// Units that were known: done, or on the way.
    pub known: usize,
    /// Units that the job no longer wants.
    pub dropped: usize,
}

/// A finished unit whose outputs are to be looked after.
pub struct Finished {
    pub id: i64,
    pub kind: String,
    pub outputs: Value,
}

impl Ledger {
    /// Notes a job down, or brings the one of the same key up to date. A job that was paused or
    /// cancelled stays so.
    ///
    /// # Errors
    /// When a key stands twice, a predecessor is not among the units, predecessors go in a circle,
    /// or the ledger can't be written. Then nothing has changed.
    pub fn submit(&mut self, job: &Job, now_ms: i64) -> Result<Submitted, WorkError> {
        check(job)?;
        self.step(|db| submit(db, job, now_ms))
    }

    /// Forgets a job and those of its units that no other job wants. One that is not there is no
    /// error.
    ///
    /// # Errors
    /// When the ledger can't be written.
    pub fn remove(&mut self, key: &str) -> Result<(), WorkError> {
        self.step(|db| {
            let mut jobs = db.prepare("SELECT id FROM job WHERE key = ?1")?;
            let jobs: Vec<i64> =
                jobs.query_map([key], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            for id in jobs {
                list_nothing(db)?;
                drop_unlisted(db, id)?;
                db.execute("DELETE FROM tally WHERE job = ?1", [id])?;
                db.execute("DELETE FROM job WHERE id = ?1", [id])?;
            }
            Ok(())
        })
    }

    /// The finished units of a job whose kinds are among `kinds`.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub fn finished(
        &self,
        job: i64,
        is_asked: impl Fn(&str) -> bool,
    ) -> Result<Vec<Finished>, WorkError> {
        self.read(|db| {
            let mut rows = db.prepare_cached(
                "SELECT unit.id, kind, outputs FROM wanted JOIN unit ON unit.id = wanted.unit
                 WHERE wanted.job = ?1 AND state = ?2",
            )?;
            let mut rows = rows.query(params![job, unit_state::DONE])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let kind: String = row.get(1)?;
                if is_asked(&kind) {
                    let outputs: String = row.get(2)?;
                    let outputs = serde_json::from_str(&outputs).unwrap_or(Value::Null);
                    found.push(Finished { id: row.get(0)?, kind, outputs });
                }
            }
            Ok(found)
        })
    }

    /// Makes finished units wait again: somebody deleted what they gave.
    ///
    /// # Errors
    /// When the ledger can't be written.
    pub fn redo(&mut self, ids: &[i64]) -> Result<(), WorkError> {
        self.step(|db| {
            for id in ids {
                let update = format!(
                    "UPDATE unit SET state = {RESTING_STATE}, outputs = NULL
                     WHERE id = ?1 AND state = 3"
                );
                if db.prepare_cached(&update)?.execute([id])? == 1 {
                    db.prepare_cached(
                        "UPDATE unit SET waits_for = waits_for + 1,
                         state = CASE state WHEN 0 THEN 1 ELSE state END
                         WHERE id IN (SELECT unit FROM dependency WHERE predecessor = ?1)",
                    )?
                    .execute([id])?;
                }
            }
            Ok(())
        })
    }
}

fn submit(db: &Connection, job: &Job, now_ms: i64) -> rusqlite::Result<Submitted> {
    let sound_s: f64 = job.units.iter().map(|unit| unit.sound_s).sum();
    let id: i64 = db.query_row(
        "INSERT INTO job (key, kind, title, deployment, priority, created_ms, changed_ms, sound_s)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)
         ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, title = excluded.title,
         deployment = excluded.deployment, priority = excluded.priority, changed_ms = ?6,
         sound_s = excluded.sound_s
         RETURNING id",
        params![job.key, job.kind, job.title, job.deployment, job.priority.0, now_ms, sound_s],
        |row| row.get(0),
    )?;
    let mut added = 0;
    let mut ids: HashMap<&str, i64> = HashMap::with_capacity(job.units.len());
    list_nothing(db)?;
    for unit in &job.units {
        let (unit_id, is_new) = enter(db, unit, job.priority.0)?;
        ids.insert(&unit.key, unit_id);
        added += usize::from(is_new);
        db.prepare_cached("INSERT INTO temp.listed (unit) VALUES (?1)")?.execute([unit_id])?;
    }
    for unit in job.units.iter().filter(|unit| !unit.after.is_empty()) {
        let Some(unit_id) = ids.get(unit.key.as_str()) else { continue };
        // What is done needs nothing any more, and what runs has what it needs.
        let is_open = db
            .prepare_cached("SELECT 1 FROM unit WHERE id = ?1 AND state NOT IN (2, 3)")?
            .exists([unit_id])?;
        if is_open {
            db.prepare_cached("DELETE FROM dependency WHERE unit = ?1")?.execute([unit_id])?;
            for predecessor in unit.after.iter().filter_map(|key| ids.get(key.as_str())) {
                db.prepare_cached("INSERT OR IGNORE INTO dependency VALUES (?1, ?2)")?
                    .execute([unit_id, predecessor])?;
            }
        }
    }
    db.execute("INSERT OR IGNORE INTO wanted (job, unit) SELECT ?1, unit FROM temp.listed", [id])?;
    let dropped = drop_unlisted(db, id)?;
    count_predecessors(db)?;
    let settle = format!(
        "UPDATE unit SET state = {RESTING_STATE}, priority = max(priority, ?1)
         WHERE id IN (SELECT unit FROM temp.listed) AND state IN (0, 1, 5)
         AND (state <> {RESTING_STATE} OR priority < ?1)"
    );
    db.execute(&settle, [job.priority.0])?;
    Ok(Submitted { job: id, added, known: job.units.len() - added, dropped })
}

/// The unit's number, and whether it is new. What is planned anew for a unit that has not run yet is
/// taken over; its key says that its outputs are the same.
fn enter(db: &Connection, unit: &Unit, priority: i64) -> rusqlite::Result<(i64, bool)> {
    let payload = unit.payload.to_string();
    let memory = i64::try_from(unit.memory_bytes).unwrap_or(i64::MAX);
    let added = db
        .prepare_cached(
            "INSERT OR IGNORE INTO unit (key, kind, payload, memory_bytes, state, priority)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![unit.key, unit.kind, payload, memory, unit_state::HELD, priority])?;
    if added == 1 {
        return Ok((db.last_insert_rowid(), true));
    }
    db.prepare_cached(
        "UPDATE unit SET kind = ?2, payload = ?3, memory_bytes = ?4
         WHERE key = ?1 AND state NOT IN (2, 3)",
    )?
    .execute(params![unit.key, unit.kind, payload, memory])?;
    let id = db
        .prepare_cached("SELECT id FROM unit WHERE key = ?1")?
        .query_row([&unit.key], |row| row.get(0))?;
    Ok((id, false))
}

/// An empty list of units that lives as long as the connection.
fn list_nothing(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS listed (unit INTEGER PRIMARY KEY); DELETE FROM listed;",
    )
}

/// Takes from a job what is not listed.
fn drop_unlisted(db: &Connection, job: i64) -> rusqlite::Result<usize> {
    let mut unlisted = db.prepare(
        "SELECT unit FROM wanted WHERE job = ?1 AND unit NOT IN (SELECT unit FROM temp.listed)",
    )?;
    let unlisted: Vec<i64> =
        unlisted.query_map([job], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for unit in &unlisted {
        db.prepare_cached("DELETE FROM wanted WHERE job = ?1 AND unit = ?2")?
            .execute([job, *unit])?;
        drop_if_unwanted(db, *unit)?;
        let settle = format!(
            "UPDATE unit SET state = {RESTING_STATE} WHERE id = ?1 AND state IN (0, 1, 5)
             AND state <> {RESTING_STATE}"
        );
        db.prepare_cached(&settle)?.execute([unit])?;
    }
    Ok(unlisted.len())
}

/// Counts what the listed units wait for.
fn count_predecessors(db: &Connection) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE unit SET waits_for = (
            SELECT count(*) FROM dependency JOIN unit AS before ON before.id = predecessor
            WHERE dependency.unit = unit.id AND before.state <> 3)
         WHERE id IN (SELECT unit FROM temp.listed)",
        [],
    )?;
    Ok(())
}

/// Refuses a plan that could never be finished.
fn check(job: &Job) -> Result<(), WorkError> {
    let refuse = |reason: String| Err(WorkError::Plan { job: job.key.clone(), reason });
    let mut place: HashMap<&str, usize> = HashMap::with_capacity(job.units.len());
    for (index, unit) in job.units.iter().enumerate() {
        if place.insert(&unit.key, index).is_some() {
            return refuse(format!("two of its units have the key {}", unit.key));
        }
    }
    let mut missing: Vec<usize> = vec![0; job.units.len()];
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); job.units.len()];
    for (index, unit) in job.units.iter().enumerate() {
        for key in unit.after.iter().collect::<HashSet<_>>() {
            let Some(before) = place.get(key.as_str()) else {
                return refuse(format!("{} comes after {key}, which is no unit of it", unit.key));
            };
            missing[index] += 1;
            followers[*before].push(index);
        }
    }
    let mut free: Vec<usize> = (0..job.units.len()).filter(|i| missing[*i] == 0).collect();
    let mut reached = 0;
    while let Some(index) = free.pop() {
        reached += 1;
        for follower in &followers[index] {
            missing[*follower] -= 1;
            if missing[*follower] == 0 {
                free.push(*follower);
            }
        }
    }
    if reached < job.units.len() {
        return refuse("units come after each other in a circle".into());
    }
    Ok(())
}
