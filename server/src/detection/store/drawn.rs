//! Windows that were drawn at random, and what people say of them.

use std::collections::HashSet;
use std::ops::Range;

use rusqlite::{OptionalExtension, Row, params};
use spyhop_api::Timestamp;
use spyhop_api::detection::Verdict;
use spyhop_api::recall::{CallsKnown, ClassRecall, DrawnWindow, SampleRecall, WindowReview};

use super::moved::note;
use super::reviews::MOST_LABEL;
use super::{DetectionStore, StoreError, StoredRun, json, moment};
use crate::detection::moment::Moments;

/// The most calls that a window can have missed, whatever is said.
const MOST_MISSED: u32 = 100_000;

/// A window with what was said of it last, and its candidates. One that is not found any more has no say.
const WINDOWS: &str = "SELECT drawn.id, start_ns, end_ns, drawn.version, review, at_ns,
        (SELECT count(*) FROM call WHERE call.run = drawn.run AND unit IS NOT NULL
            AND call.start_ns >= drawn.start_ns AND call.start_ns < drawn.end_ns),
        (SELECT count(*) FROM call WHERE call.run = drawn.run AND unit IS NOT NULL
            AND call.start_ns >= drawn.start_ns AND call.start_ns < drawn.end_ns AND verdict = 0)
    FROM drawn LEFT JOIN drawn_review
        ON drawn_review.drawn = drawn.id AND drawn_review.version = drawn.version";

impl DetectionStore {
    /// Windows of a run, in the order in which they were drawn.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn drawn(&self, run: &StoredRun) -> Result<Vec<DrawnWindow>, StoreError> {
        self.read(|db| {
            let mut rows =
                db.prepare_cached(&format!("{WINDOWS} WHERE drawn.run = ?1 ORDER BY drawn.id"))?;
            rows.query_map([run.id], |row| window(row, run))?.collect()
        })
    }

    /// How long the windows of a run are; `None` where none is drawn. The last of a recording may be shorter.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn window_ns(&self, run: i64) -> Result<Option<i64>, StoreError> {
        let found = self.read(|db| {
            db.prepare_cached("SELECT window_ns FROM run WHERE id = ?1")?
                .query_row([run], |row| row.get(0))
                .optional()
        })?;
        Ok(found.flatten())
    }

    /// Notes windows of one length down that were drawn; one that is there already stays as it is.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn draw(
        &self,
        run: i64,
        spans_ns: &[Range<i64>],
        window_ns: i64,
        moments: Moments<'_>,
    ) -> Result<(), StoreError> {
        self.write(|db| {
            db.execute("UPDATE run SET window_ns = ?2 WHERE id = ?1", params![run, window_ns])?;
            let mut add = db.prepare_cached(
                "INSERT INTO drawn (run, start_ns, end_ns) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING
                 RETURNING id",
            )?;
            for span in spans_ns {
                let new = add.query_row(params![run, span.start, span.end], |row| row.get(0));
                if let Some(id) = new.optional()? {
                    note(db, "drawn", id, moments.of(span).as_ref())?;
                }
            }
            Ok(())
        })
    }

    /// Says something of a window. `seen` is the version that the person looked at.
    ///
    /// # Errors
    /// When there is no such window, somebody else said something meanwhile, or it makes no sense: a window
    /// is done when all of its candidates are reviewed.
    pub fn review_drawn(
        &self,
        run: &StoredRun,
        id: i64,
        seen: u32,
        said: &WindowReview,
        now: Timestamp,
    ) -> Result<DrawnWindow, StoreError> {
        check(run, said)?;
        let text = json(said)?;
        self.write(|db| {
            let find = |db: &rusqlite::Connection| {
                db.prepare_cached(&format!("{WINDOWS} WHERE drawn.id = ?1 AND drawn.run = ?2"))?
                    .query_row([id, run.id], |row| window(row, run))
                    .optional()
            };
            let Some(before) = find(db)? else { return Ok(Err(StoreError::NoWindow(id))) };
            if before.version != seen {
                return Ok(Err(StoreError::WindowReviewedElsewhere { seen, now: before.version }));
            }
            if said.is_done && before.unreviewed > 0 {
                let open = before.unreviewed;
                let (what, are) = if open == 1 { ("candidate", "is") } else { ("candidates", "are") };
                return Ok(Err(StoreError::Invalid(format!(
                    "{open} {what} in this window {are} not reviewed yet: what was missed can be counted \
                     when it is known which of them are calls"
                ))));
            }
            db.execute(
                "INSERT INTO drawn_review (drawn, version, review, at_ns) VALUES (?1, ?2, ?3, ?4)",
                params![id, seen + 1, text, now.0],
            )?;
            db.execute("UPDATE drawn SET version = ?2 WHERE id = ?1", params![id, seen + 1])?;
            Ok(find(db)?.ok_or(StoreError::NoWindow(id)))
        })?
    }

    /// Recall by the windows that were gone through; `None` where none was. One in which candidates came up
    /// since is open again, and so is one with what somebody said something of and that is not found there: it
    /// may not have been listened to again since its recording lies elsewhere.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn sampled(&self, run: &StoredRun) -> Result<Option<SampleRecall>, StoreError> {
        let windows = self.drawn(run)?;
        let waiting = self.waiting(run)?;
        let done: Vec<&DrawnWindow> = windows
            .iter()
            .filter(|window| window.review.is_done && window.unreviewed == 0)
            .filter(|window| !waiting.contains(&window.id))
            .collect();
        if done.is_empty() {
            return Ok(None);
        }
        let mut classes: Vec<ClassRecall> = run
            .classes
            .iter()
            .map(|class| ClassRecall { class: class.name.clone(), groups: Vec::new() })
            .collect();
        for window in &done {
            let rows = self.said_in(run, window)?;
            for (index, of) in classes.iter_mut().enumerate() {
                let missed = window.review.missed.iter().filter(|missed| missed.class == of.class);
                let calls = missed.map(|missed| missed.calls).sum();
                let mut group = CallsKnown { calls, found: Vec::new() };
                for said in &rows {
                    match said.verdict {
                        Verdict::Accepted if said.class == index => {
                            group.calls += 1;
                            group.found.push(said.score);
                        }
                        // It was found as something else: as a call of this class it was missed.
                        Verdict::Relabelled if said.label == of.class => group.calls += 1,
                        _ => {}
                    }
                }
                if group.calls > 0 {
                    of.groups.push(group);
                }
            }
        }
        let count = |windows: usize| u32::try_from(windows).unwrap_or(u32::MAX);
        let (windows, reviewed) = (count(windows.len()), count(done.len()));
        Ok(Some(SampleRecall { windows, reviewed, classes }))
    }

    /// The numbers of the windows with candidates that somebody said something of and that belong to no unit.
    fn waiting(&self, run: &StoredRun) -> Result<HashSet<i64>, StoreError> {
        self.read(|db| {
            let mut rows = db.prepare_cached(
                "SELECT id FROM drawn WHERE run = ?1 AND EXISTS (SELECT 1 FROM call INDEXED BY call_said
                    WHERE call.run = ?1 AND call.version > 0 AND unit IS NULL
                    AND call.start_ns >= drawn.start_ns AND call.start_ns < drawn.end_ns)",
            )?;
            rows.query_map([run.id], |row| row.get(0))?.collect()
        })
    }

    /// What is said of the candidates that begin in a window, the best first.
    fn said_in(&self, run: &StoredRun, window: &DrawnWindow) -> Result<Vec<Said>, StoreError> {
        let start_ns = window.start.nanos();
        self.read(|db| {
            let mut rows = db.prepare_cached(
                "SELECT class, score, call.verdict, ifnull(review.label, '') FROM call
                 LEFT JOIN review ON review.call = call.id AND review.version = call.version
                 WHERE run = ?1 AND unit IS NOT NULL AND start_ns >= ?2 AND start_ns < ?3
                 ORDER BY score DESC",
            )?;
            let span = params![run.id, start_ns, start_ns.saturating_add(window.span_ns)];
            let rows = rows.query_map(span, |row| {
                Ok(Said {
                    class: row.get(0)?,
                    score: row.get::<_, f64>(1)? as f32,
                    verdict: super::reviews::verdict(row.get(2)?),
                    label: row.get(3)?,
                })
            })?;
            rows.collect()
        })
    }
}

/// A candidate, with what is said of it.
struct Said {
    class: usize,
    score: f32,
    verdict: Verdict,
    label: String,
}

fn window(row: &Row<'_>, run: &StoredRun) -> rusqlite::Result<DrawnWindow> {
    let (start_ns, end_ns): (i64, i64) = (row.get(1)?, row.get(2)?);
    let said: Option<String> = row.get(4)?;
    let review = match said {
        None => WindowReview::default(),
        Some(text) => serde_json::from_str(&text).map_err(|error| {
            let kind = rusqlite::types::Type::Text;
            rusqlite::Error::FromSqlConversionFailure(4, kind, Box::new(error))
        })?,
    };
    Ok(DrawnWindow {
        id: row.get(0)?,
        start: moment(run, start_ns),
        span_ns: end_ns - start_ns,
        review,
        version: row.get(3)?,
        at: row.get::<_, Option<i64>>(5)?.map(Timestamp),
        candidates: row.get(6)?,
        unreviewed: row.get(7)?,
    })
}

fn check(run: &StoredRun, said: &WindowReview) -> Result<(), StoreError> {
    let length = said.author.len();
    if length > MOST_LABEL {
        let message = format!("the author is {length} bytes long; {MOST_LABEL} at most");
        return Err(StoreError::Invalid(message));
    }
    for missed in &said.missed {
        if !run.classes.iter().any(|class| class.name == missed.class) {
            let message = format!("this run knows no class '{}'", missed.class);
            return Err(StoreError::Invalid(message));
        }
        if missed.calls > MOST_MISSED {
            let message = format!("{} calls in one window are none", missed.calls);
            return Err(StoreError::Invalid(message));
        }
    }
    Ok(())
}
