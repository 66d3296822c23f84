//! What the ledger tells of jobs and their units.

use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value;
use spyhop_api::Timestamp;
use spyhop_api::job::{JobProgress, JobState, RunningUnit, UnitFailure};

use super::{Ledger, WorkError, unit_state};

/// What the engine measured longer ago than this says nothing of now, ms.
const MEASURED_LATELY_MS: i64 = 5000;

impl Ledger {
    /// All jobs, those that were changed last first.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub fn jobs(&self, now_ms: i64) -> Result<Vec<JobProgress>, WorkError> {
        self.read(|db| {
            db.prepare_cached(&jobs_where("TRUE"))?.query_map(params![now_ms], job)?.collect()
        })
    }

    /// One job.
    ///
    /// # Errors
    /// When there is none of this number, or the ledger can't be read.
    pub fn job(&self, id: i64, now_ms: i64) -> Result<JobProgress, WorkError> {
        let found = self.read(|db| {
            db.prepare_cached(&jobs_where("job.id = ?2"))?
                .query_row(params![now_ms, id], job)
                .optional()
        })?;
        found.ok_or(WorkError::NoJob(id))
    }

    /// The latest failures of a job, at most `limit`.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub fn failures(&self, job: i64, limit: usize) -> Result<Vec<UnitFailure>, WorkError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|db| {
            db.prepare_cached(
                "SELECT key, kind, error, attempts, finished_ms FROM unit
                 WHERE state = 4 AND EXISTS (
                    SELECT 1 FROM wanted WHERE wanted.unit = unit.id AND wanted.job = ?1)
                 ORDER BY finished_ms DESC LIMIT ?2",
            )?
            .query_map(params![job, limit], |row| {
                let attempts: u32 = row.get(3)?;
                Ok(UnitFailure {
                    unit: row.get(0)?,
                    kind: row.get(1)?,
                    message: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                    attempts: attempts + 1,
                    at: time(row.get::<_, Option<i64>>(4)?.unwrap_or_default()),
                })
            })?
            .collect()
        })
    }

    /// What is running, as the ledger knows it.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub fn running(&self) -> Result<Vec<RunningUnit>, WorkError> {
        self.read(|db| {
            db.prepare_cached(
                "SELECT worker, key, kind, started_ms FROM unit WHERE state = 2 ORDER BY worker",
            )?
            .query_map([], |row| {
                Ok(RunningUnit {
                    worker: row.get::<_, Option<u32>>(0)?.unwrap_or_default(),
                    unit: row.get(1)?,
                    kind: row.get(2)?,
                    start_ms: row.get::<_, Option<i64>>(3)?.unwrap_or_default(),
                    fraction: 0.0,
                })
            })?
            .collect()
        })
    }

    /// The jobs that want each of these units.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub fn wanted_by(&self, units: impl Iterator<Item = i64>) -> Result<Vec<Vec<i64>>, WorkError> {
        self.read(|db| {
            let mut jobs = db.prepare_cached("SELECT job FROM wanted WHERE unit = ?1")?;
            units.map(|unit| jobs.query_map([unit], |row| row.get(0))?.collect()).collect()
        })
    }

    /// What a finished unit gave.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub fn output_of(&self, key: &str) -> Result<Option<Value>, WorkError> {
        self.read(|db| {
            db.prepare_cached("SELECT outputs FROM unit WHERE key = ?1 AND state = 3")?
                .query_row([key], |row| value(row, 0))
                .optional()
        })
    }

    /// Keys and outputs of the finished units of a job, in the order in which they were submitted.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub fn outputs(&self, job: i64) -> Result<Vec<(String, Value)>, WorkError> {
        self.read(|db| {
            db.prepare_cached(
                "SELECT key, outputs FROM wanted JOIN unit ON unit.id = wanted.unit
                 WHERE wanted.job = ?1 AND state = 3 ORDER BY unit.id",
            )?
            .query_map([job], |row| Ok((row.get(0)?, value(row, 1)?)))?
            .collect()
        })
    }

    /// Keys of all units of a kind that some job wants, whatever their state: what is not named by
    /// one of these may be deleted.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub fn keys(&self, kind: &str) -> Result<std::collections::HashSet<String>, WorkError> {
        self.read(|db| {
            db.prepare_cached("SELECT key FROM unit WHERE kind = ?1")?
                .query_map([kind], |row| row.get(0))?
                .collect()
        })
    }

    /// When each finished unit was.
    #[cfg(test)]
    pub fn finished_times(&self) -> Result<std::collections::BTreeMap<String, i64>, WorkError> {
        self.read(|db| {
            db.prepare("SELECT key, finished_ms FROM unit WHERE state = 3")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }

    /// Notes down what was measured of a job, for those who look in from outside.
    ///
    /// # Errors
    /// When the ledger can't be written.
    pub fn measured(&mut self, jobs: &[JobProgress], now_ms: i64) -> Result<(), WorkError> {
        self.step(|db| {
            for job in jobs {
                db.prepare_cached(
                    "UPDATE job SET fraction = ?2, units_per_s = ?3, time_left_s = ?4,
                     measured_ms = ?5 WHERE id = ?1",
                )?
                .execute(params![
                    job.id,
                    job.fraction,
                    job.units_per_s,
                    job.time_left_s,
                    now_ms
                ])?;
            }
            Ok(())
        })
    }
}

fn value(row: &Row<'_>, column: usize) -> rusqlite::Result<Value> {
    let text: String = row.get(column)?;
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn time(ms: i64) -> Timestamp {
    Timestamp(ms.saturating_mul(1_000_000))
}

/// `?1` is the time now.
fn jobs_where(condition: &str) -> String {
    let count = |state: i64| {
        format!(
            "coalesce((SELECT units FROM tally WHERE tally.job = job.id AND state = {state}), 0)"
        )
    };
    format!(
        "SELECT id, key, kind, title, deployment, priority, wish, created_ms, changed_ms,
            CASE WHEN measured_ms > ?1 - {MEASURED_LATELY_MS} THEN fraction END,
            CASE WHEN measured_ms > ?1 - {MEASURED_LATELY_MS} THEN units_per_s END,
            CASE WHEN measured_ms > ?1 - {MEASURED_LATELY_MS} THEN time_left_s END,
            {}, {}, {}, {}, {}, {}, sound_s
         FROM job WHERE {condition} ORDER BY changed_ms DESC, id DESC",
        count(unit_state::WAITING),
        count(unit_state::BLOCKED),
        count(unit_state::RUNNING),
        count(unit_state::DONE),
        count(unit_state::FAILED),
        count(unit_state::HELD),
    )
}

fn job(row: &Row<'_>) -> rusqlite::Result<JobProgress> {
    let (wish, sound_s): (i64, f64) = (row.get(6)?, row.get(18)?);
    let (ready, blocked): (u64, u64) = (row.get(12)?, row.get(13)?);
    let (running, done): (u64, u64) = (row.get(14)?, row.get(15)?);
    let (failed, held): (u64, u64) = (row.get(16)?, row.get(17)?);
    let total = ready + blocked + running + done + failed + held;
    let state = match wish {
        _ if done == total => JobState::Done,
        1 => JobState::Paused,
        2 => JobState::Cancelled,
        _ if running > 0 => JobState::Running,
        _ if ready > 0 => JobState::Waiting,
        _ => JobState::Failed,
    };
    let counted = if total == 0 { 1.0 } else { done as f64 / total as f64 };
    Ok(JobProgress {
        id: row.get(0)?,
        key: row.get(1)?,
        kind: row.get(2)?,
        title: row.get(3)?,
        deployment: row.get(4)?,
        priority: row.get(5)?,
        state,
        created: time(row.get(7)?),
        changed: time(row.get(8)?),
        total,
        waiting: ready + blocked + held,
        running,
        done,
        failed,
        fraction: row.get::<_, Option<f64>>(9)?.unwrap_or(counted).max(counted),
        units_per_s: row.get::<_, Option<f64>>(10)?.unwrap_or(0.0),
        time_left_s: row.get(11)?,
        sound_h: Some(sound_s / 3600.0).filter(|hours| *hours > 0.0),
    })
}
