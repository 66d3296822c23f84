//! What people say of candidates.

use rusqlite::{OptionalExtension, Row, params};
use spyhop_api::Timestamp;
use spyhop_api::detection::{DetectedCall, Review, ReviewChange, Verdict};

use super::questions::{CALL_COLUMNS, CALL_TABLES, detected};
use super::{DetectionStore, StoreError, StoredRun};

/// The longest label or name, and the longest note, in bytes: those of annotations.
pub const MOST_LABEL: usize = 200;
const MOST_NOTE: usize = 10_000;

/// A verdict as the database has it.
pub fn number(verdict: Verdict) -> i64 {
    match verdict {
        Verdict::Unreviewed => 0,
        Verdict::Accepted => 1,
        Verdict::Rejected => 2,
        Verdict::Relabelled => 3,
    }
}

/// The verdict of a number.
pub fn verdict(number: i64) -> Verdict {
    match number {
        1 => Verdict::Accepted,
        2 => Verdict::Rejected,
        3 => Verdict::Relabelled,
        _ => Verdict::Unreviewed,
    }
}

impl DetectionStore {
    /// Says something of a candidate. `seen` is the version of the review that the person looked at.
    ///
    /// # Errors
    /// When there is no such candidate, somebody else said something meanwhile, or it makes no sense.
    pub fn review(
        &self,
        run: &StoredRun,
        call: i64,
        seen: u32,
        change: &ReviewChange,
        now: Timestamp,
    ) -> Result<DetectedCall, StoreError> {
        check(change)?;
        self.write(|db| {
            let version: Option<u32> = db
                .query_row(
                    "SELECT version FROM call WHERE id = ?1 AND run = ?2",
                    params![call, run.id],
                    |row| row.get(0),
                )
                .optional()?;
            let Some(version) = version else { return Ok(Err(StoreError::NoCall(call))) };
            if version != seen {
                return Ok(Err(StoreError::ReviewedElsewhere { id: call, seen, now: version }));
            }
            let verdict = number(change.verdict);
            db.execute(
                "INSERT INTO review (call, version, verdict, label, note, author, at_ns)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    call,
                    version + 1,
                    verdict,
                    change.label,
                    change.note,
                    change.author,
                    now.0
                ],
            )?;
            db.execute(
                "UPDATE call SET verdict = ?2, version = ?3 WHERE id = ?1",
                params![call, verdict, version + 1],
            )?;
            let sql = format!("SELECT {CALL_COLUMNS} FROM {CALL_TABLES} WHERE call.id = ?1");
            Ok(Ok(db.query_row(&sql, [call], |row| detected(row, run))?))
        })?
    }

    /// Everything that was ever said of a candidate.
    ///
    /// # Errors
    /// When there is no such candidate.
    pub fn history(&self, run: &StoredRun, call: i64) -> Result<Vec<Review>, StoreError> {
        let steps = self.read(|db| {
            let is_there = db
                .prepare_cached("SELECT 1 FROM call WHERE id = ?1 AND run = ?2")?
                .exists(params![call, run.id])?;
            if !is_there {
                return Ok(None);
            }
            let mut rows = db.prepare_cached(
                "SELECT version, verdict, label, note, author, at_ns FROM review
                 WHERE call = ?1 ORDER BY version",
            )?;
            let rows = rows.query_map([call], |row| review(row, 0))?;
            rows.collect::<rusqlite::Result<Vec<Review>>>().map(Some)
        })?;
        steps.ok_or(StoreError::NoCall(call))
    }
}

/// A review in six columns from one on; without any it is none.
pub fn review(row: &Row<'_>, first: usize) -> rusqlite::Result<Review> {
    let Some(version) = row.get::<_, Option<u32>>(first)? else { return Ok(Review::default()) };
    Ok(Review {
        version,
        verdict: verdict(row.get(first + 1)?),
        label: row.get(first + 2)?,
        note: row.get(first + 3)?,
        author: row.get(first + 4)?,
        at: Some(Timestamp(row.get(first + 5)?)),
    })
}

fn check(change: &ReviewChange) -> Result<(), StoreError> {
    let texts = [
        ("label", &change.label, MOST_LABEL),
        ("author", &change.author, MOST_LABEL),
        ("note", &change.note, MOST_NOTE),
    ];
    for (what, text, most) in texts {
        if text.len() > most {
            let length = text.len();
            let message = format!("the {what} is {length} bytes long; {most} at most");
            return Err(StoreError::Invalid(message));
        }
    }
    match (change.verdict, change.label.trim().is_empty()) {
        (Verdict::Relabelled, true) => Err(StoreError::Invalid(
            "a candidate that is something else needs a label that says what".into(),
        )),
        (Verdict::Relabelled, false) | (_, true) => Ok(()),
        (_, false) => {
            Err(StoreError::Invalid("a label goes with the verdict 'relabelled' only".into()))
        }
    }
}
