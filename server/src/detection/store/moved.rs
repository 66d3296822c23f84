//! What people said goes with the sound where a clock is corrected.
//!
//! Candidates and windows know which moment of which recording they are of. Where recordings lie at another
//! time of the clock, those that somebody said something of are moved along at once; when their time is
//! listened to again, each is put in the place of what is found there.

use std::collections::HashSet;
use std::ops::Range;

use rusqlite::{Connection, Row, params};

use super::{DetectionStore, LONGEST_NS, StoreError};
use crate::detection::moment::{Moments, RecordedMoment};

/// Two candidates of one moment are the same one where they share so much of the time, and of the band, that
/// both cover. Detectors work on a grid of the clock: where that lies otherwise on the sound edges move by a
/// part of it, and what a network hears in one window by half a window, which leaves a third.
const LEAST_SHARED: f64 = 0.3;

/// What moves: rows of a table, found by what, of which.
struct Moving {
    table: &'static str,
    by: &'static str,
    which: &'static str,
    /// Of which it is known that they lie where they were recorded.
    found: &'static str,
}

/// What somebody said something of is little beside all that was found: it has an index of its own.
const SAID: Moving = Moving {
    table: "call",
    by: "INDEXED BY call_said",
    which: "version > 0",
    found: "unit IS NOT NULL",
};
const DRAWN: Moving = Moving { table: "drawn", by: "", which: "TRUE", found: "TRUE" };

impl DetectionStore {
    /// Notes down the moments of what somebody said something of, and of drawn windows, where that was not
    /// done when they came in. Only units that are `planned` as recordings now lie say where theirs do.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn note_moments(
        &self,
        run: i64,
        planned: &HashSet<&str>,
        moments: Moments<'_>,
    ) -> Result<(), StoreError> {
        let units = self.units(run, i64::MIN, i64::MAX)?;
        let here = units.iter().filter(|unit| planned.contains(unit.key.as_str()));
        let here: Vec<Range<i64>> = here.map(|unit| unit.start_ns..unit.end_ns).collect();
        let is_here = |ns: i64| {
            let after = here.partition_point(|unit| unit.start <= ns);
            after.checked_sub(1).and_then(|at| here.get(at)).is_some_and(|unit| unit.contains(&ns))
        };
        self.write(|db| {
            for Moving { table, by, which, found } in [SAID, DRAWN] {
                let unnoted: Vec<(i64, Range<i64>)> = db
                    .prepare_cached(&format!(
                        "SELECT id, start_ns, end_ns FROM {table} {by}
                         WHERE run = ?1 AND recording IS NULL AND {which} AND {found}"
                    ))?
                    .query_map([run], |row| Ok((row.get(0)?, row.get(1)?..row.get(2)?)))?
                    .collect::<rusqlite::Result<_>>()?;
                for (id, span_ns) in unnoted.into_iter().filter(|(_, span)| is_here(span.start)) {
                    note(db, table, id, moments.of(&span_ns).as_ref())?;
                }
            }
            Ok(())
        })
    }

    /// Moves what somebody said something of, and drawn windows, to where their recordings lie now.
    /// Candidates that are moved belong to no unit until they are found there.
    ///
    /// # Errors
    /// When it can't be written; then nothing has changed.
    pub fn follow_clock(&self, run: i64, moments: Moments<'_>) -> Result<(), StoreError> {
        let said = self.moved(run, SAID, moments)?;
        let drawn = self.moved(run, DRAWN, moments)?;
        self.write(|db| {
            db.execute("UPDATE run SET dated = ?2 WHERE id = ?1", params![run, moments.are_dated()])
        })?;
        if said.is_empty() && drawn.is_empty() {
            return Ok(());
        }
        self.change(|db| {
            for (id, span_ns) in &said {
                // Its unit is not what its key says any more: should the clock be put back, it is made
                // anew with what belongs to it.
                db.prepare_cached(
                    "UPDATE OR IGNORE unit SET key = 'moved ' || key
                     WHERE id = (SELECT unit FROM call WHERE id = ?1) AND key NOT LIKE 'moved %'",
                )?
                .execute([id])?;
                lay(db, *id, span_ns)?;
            }
            // Where it was listened to already, it waits for nothing.
            rejoin_at(db, run, said.iter().map(|(_, span_ns)| span_ns))?;
            // No two windows of a run begin together, also while they are moved. One for which there is
            // no place stays before all times, without candidates, until its recording lies elsewhere.
            let away = |(id, span_ns): &(i64, Range<i64>)| {
                let start_ns = i64::MIN.saturating_add(*id);
                (*id, start_ns..start_ns.saturating_add(span_ns.end - span_ns.start))
            };
            let away: Vec<(i64, Range<i64>)> = drawn.iter().map(away).collect();
            for (id, span_ns) in away.iter().chain(&drawn) {
                db.prepare_cached(
                    "UPDATE OR IGNORE drawn SET start_ns = ?2, end_ns = ?3 WHERE id = ?1",
                )?
                .execute(params![id, span_ns.start, span_ns.end])?;
            }
            Ok(())
        })
    }

    /// Where those of a run lie now that lie elsewhere than before.
    fn moved(
        &self,
        run: i64,
        Moving { table, by, which, .. }: Moving,
        moments: Moments<'_>,
    ) -> Result<Vec<(i64, Range<i64>)>, StoreError> {
        let all: Vec<Laid> = self.read(|db| {
            let mut rows = db.prepare_cached(&format!(
                "SELECT {table}.id, start_ns, end_ns, fingerprint, middle_ns
                 FROM {table} {by} JOIN recording ON recording.id = {table}.recording
                 WHERE run = ?1 AND {which}"
            ))?;
            rows.query_map([run], laid)?.collect()
        })?;
        Ok(elsewhere(all, moments))
    }
}

/// A row where it lies on the clock, with its moment.
type Laid = (i64, Range<i64>, RecordedMoment);

fn laid(row: &Row<'_>) -> rusqlite::Result<Laid> {
    let moment = RecordedMoment { recording: row.get(3)?, middle_ns: row.get(4)? };
    Ok((row.get(0)?, row.get(1)?..row.get(2)?, moment))
}

/// Where those lie now that lie elsewhere than before.
fn elsewhere(all: Vec<Laid>, moments: Moments<'_>) -> Vec<(i64, Range<i64>)> {
    let now = |(id, before, moment): Laid| Some((id, moments.moved_ns(&moment, &before)?));
    all.into_iter().filter_map(now).collect()
}

/// Lays a candidate elsewhere; it belongs to no unit until it is found there.
fn lay(db: &Connection, id: i64, span_ns: &Range<i64>) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE call SET start_ns = ?2, end_ns = ?3, unit = NULL WHERE id = ?1")?
        .execute(params![id, span_ns.start, span_ns.end])?;
    Ok(())
}

/// What somebody said something of in the units that touch a span.
pub fn said_of_units(
    db: &Connection,
    run: i64,
    span_ns: &Range<i64>,
) -> rusqlite::Result<Vec<Laid>> {
    let mut rows = db.prepare_cached(
        "SELECT call.id, start_ns, end_ns, fingerprint, middle_ns
         FROM call JOIN recording ON recording.id = call.recording
         WHERE version > 0 AND unit IN
            (SELECT id FROM unit WHERE run = ?1 AND start_ns < ?3 AND end_ns > ?2)",
    )?;
    rows.query_map(params![run, span_ns.start, span_ns.end], laid)?.collect()
}

/// Lays candidates where their recordings lie now; gives those that lay elsewhere.
pub fn follow(
    db: &Connection,
    said: Vec<Laid>,
    moments: Moments<'_>,
) -> rusqlite::Result<Vec<(i64, Range<i64>)>> {
    let said = elsewhere(said, moments);
    for (id, span_ns) in &said {
        lay(db, *id, span_ns)?;
    }
    Ok(said)
}

/// Notes the moment of a row down.
pub fn note(
    db: &Connection,
    table: &str,
    id: i64,
    moment: Option<&RecordedMoment>,
) -> rusqlite::Result<()> {
    let Some(RecordedMoment { recording, middle_ns }) = moment else { return Ok(()) };
    db.prepare_cached("INSERT INTO recording (fingerprint) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([recording])?;
    db.prepare_cached(&format!(
        "UPDATE {table} SET middle_ns = ?2,
            recording = (SELECT id FROM recording WHERE fingerprint = ?3) WHERE id = ?1"
    ))?
    .execute(params![id, middle_ns, recording])?;
    Ok(())
}

/// A candidate, as far as it tells which one it is.
struct Known {
    id: i64,
    class: usize,
    recording: i64,
    start_ns: i64,
    /// In the recording, seconds: whatever the clock said when it was found.
    span: (f64, f64),
    band: (f64, f64),
}

/// Puts what somebody said something of, and that belongs to no unit, in the place of the same candidates
/// that a unit has found which begins there.
pub fn rejoin(db: &Connection, run: i64, unit: i64, start_ns: i64) -> rusqlite::Result<()> {
    let known = |of: &str, values: &[&dyn rusqlite::ToSql]| {
        let mut rows = db.prepare_cached(&format!(
            "SELECT id, class, recording, middle_ns, end_ns - start_ns, low_hz, high_hz, start_ns
             FROM call {of} AND recording IS NOT NULL"
        ))?;
        let rows = rows.query_map(values, |row| {
            let (middle_ns, length_ns): (i64, i64) = (row.get(3)?, row.get(4)?);
            let (middle_s, half_s) = (middle_ns as f64 / 1e9, length_ns as f64 / 2e9);
            Ok(Known {
                id: row.get(0)?,
                class: row.get(1)?,
                recording: row.get(2)?,
                span: (middle_s - half_s, middle_s + half_s),
                band: (row.get(5)?, row.get(6)?),
                start_ns: row.get(7)?,
            })
        })?;
        rows.collect::<rusqlite::Result<Vec<Known>>>()
    };
    // What it found may go on after its end, and what is the same begin there.
    let waiting = known(
        "INDEXED BY call_said WHERE run = ?1 AND version > 0 AND unit IS NULL
         AND start_ns > ?2 AND start_ns < (SELECT max(end_ns) FROM call WHERE unit = ?4)
         AND end_ns > ?3",
        &[&run, &start_ns.saturating_sub(LONGEST_NS), &start_ns, &unit],
    )?;
    if waiting.is_empty() {
        return Ok(());
    }
    let found = known("WHERE unit = ?1 AND version = 0", &[&unit])?;
    for (said, found) in same(&waiting, &found) {
        db.prepare_cached(
            "UPDATE call SET (unit, start_ns, end_ns, low_hz, high_hz, score, clicks, interval_s,
                recording, middle_ns) = (SELECT unit, start_ns, end_ns, low_hz, high_hz, score, clicks,
                interval_s, recording, middle_ns FROM call AS found WHERE found.id = ?2)
             WHERE id = ?1",
        )?
        .execute([said, found])?;
        db.prepare_cached("DELETE FROM call WHERE id = ?1")?.execute([found])?;
    }
    Ok(())
}

/// Does so for all units that may have found what lies at these spans.
pub fn rejoin_at<'a>(
    db: &Connection,
    run: i64,
    spans_ns: impl Iterator<Item = &'a Range<i64>>,
) -> rusqlite::Result<()> {
    let mut units: HashSet<(i64, i64)> = HashSet::new();
    for Range { start, end } in spans_ns {
        // What is the same may begin before it, by less than its length.
        let from_ns = start.saturating_sub(end.saturating_sub(*start));
        let mut rows = db.prepare_cached(
            "SELECT id, start_ns FROM unit
             WHERE run = ?1 AND start_ns > ?2 AND start_ns < ?4 AND end_ns > ?3",
        )?;
        let earliest_ns = from_ns.saturating_sub(LONGEST_NS);
        let rows = rows.query_map(params![run, earliest_ns, from_ns, end], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        for unit in rows {
            units.insert(unit?);
        }
    }
    for (unit, start_ns) in units {
        rejoin(db, run, unit, start_ns)?;
    }
    Ok(())
}

/// Pairs of numbers of the same candidate, those that share most first, of recordings of one content the nearer
/// ones; each is in one pair at most.
fn same(said: &[Known], found: &[Known]) -> Vec<(i64, i64)> {
    let pairs = said.iter().flat_map(|one| found.iter().map(move |other| (one, other)));
    let mut pairs: Vec<(f64, u64, i64, i64)> = pairs
        .filter(|(one, other)| (one.class, one.recording) == (other.class, other.recording))
        .filter_map(|(one, other)| {
            let (time, band) = (shared(one.span, other.span), shared(one.band, other.band));
            let is_same = time >= LEAST_SHARED && band >= LEAST_SHARED;
            let apart_ns = one.start_ns.abs_diff(other.start_ns);
            is_same.then_some((time * band, apart_ns, one.id, other.id))
        })
        .collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2, a.3).cmp(&(b.1, b.2, b.3))));
    let mut taken = (HashSet::new(), HashSet::new());
    pairs.retain(|(.., one, other)| {
        let is_free = !taken.0.contains(one) && !taken.1.contains(other);
        is_free && taken.0.insert(*one) && taken.1.insert(*other)
    });
    pairs.into_iter().map(|(.., one, other)| (one, other)).collect()
}

/// What is common to two stretches, of what both cover.
fn shared(a: (f64, f64), b: (f64, f64)) -> f64 {
    let common = a.1.min(b.1) - a.0.max(b.0);
    let all = a.1.max(b.1) - a.0.min(b.0);
    // Two stretches without a length that lie together are the same.
    if all <= 0.0 { 1.0 } else { (common / all).max(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(id: i64, class: usize, span: (f64, f64), band: (f64, f64)) -> Known {
        Known { id, class, recording: 1, start_ns: 0, span, band }
    }

    #[test]
    fn each_candidate_is_the_one_that_shares_most_with_it() {
        let said = [
            known(1, 0, (10.0, 11.0), (5e3, 9e3)),
            known(2, 0, (10.0, 11.0), (12e3, 16e3)),
            known(3, 0, (30.0, 31.0), (5e3, 9e3)),
            known(4, 0, (40.0, 50.0), (5e3, 9e3)),
        ];
        let found = [
            known(11, 0, (10.02, 11.01), (12.1e3, 16e3)),
            known(12, 0, (9.99, 11.0), (5e3, 9.1e3)),
            known(13, 0, (10.4, 11.4), (5e3, 9e3)),
            // Another class, another recording, and a piece of a long one.
            known(14, 1, (30.0, 31.0), (5e3, 9e3)),
            Known { recording: 2, ..known(15, 0, (30.0, 31.0), (5e3, 9e3)) },
            known(16, 0, (40.0, 41.0), (5e3, 9e3)),
        ];
        assert_eq!(same(&said, &found), [(1, 12), (2, 11)]);
        assert!(shared((0.0, 10.0), (5.0, 15.0)) > LEAST_SHARED, "half a window off");
        assert_eq!(shared((3.0, 3.0), (3.0, 3.0)), 1.0);
    }
}
