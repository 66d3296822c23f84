//! What is asked of candidates: pages, densities, histograms.

use std::ops::Range;

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params, params_from_iter};
use spyhop_api::binned::{self, BinError};
use spyhop_api::detection::{
    CallCounts, CallDensity, CallPage, CallSort, DetectedCall, ScoreHistogram, ScoreHistograms,
    Verdict,
};
use spyhop_api::{Moment, Timestamp};

use super::reviews::{number, review};
use super::{DetectionStore, LONGEST_NS, StoreError, StoredRun};

/// Rows of one page, whatever is asked.
const MOST_ROWS: u64 = 1000;

/// Columns of a candidate with what is said of it, as [`detected`] reads them.
pub const CALL_COLUMNS: &str = "call.id, class, start_ns, end_ns, low_hz, high_hz, score, clicks, \
                                interval_s, review.version, review.verdict, review.label, \
                                review.note, review.author, review.at_ns, unit IS NULL";
pub const CALL_TABLES: &str = "call LEFT JOIN review \
                               ON review.call = call.id AND review.version = call.version";

/// What is asked, with times on the run's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    pub from_ns: Option<i64>,
    pub until_ns: Option<i64>,
    /// Index of the class.
    pub class: Option<usize>,
    pub least_score: Option<f64>,
    pub most_score: Option<f64>,
    /// The least score of each class, in the run's order; none where there are none.
    pub thresholds: Vec<f64>,
    /// Those that are asked for; all where there are none.
    pub verdicts: Vec<Verdict>,
}

/// Whether candidates are asked for that are not found any more, since somebody said something of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    /// Wherever candidates are listed.
    Listed,
    /// Wherever they are counted.
    LeftOut,
}

/// How many candidates a run has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Those that are found.
    pub candidates: u64,
    /// Those of them that somebody has reviewed.
    pub reviewed: u64,
    /// Reviewed ones that are not found any more.
    pub lost: u64,
}

impl Asked {
    /// The condition of a query, and its values.
    fn which(&self, run: i64, lost: Lost) -> (String, Vec<Value>) {
        let mut which = match lost {
            Lost::Listed => "run = ?".to_owned(),
            Lost::LeftOut => "run = ? AND unit IS NOT NULL".to_owned(),
        };
        let mut values: Vec<Value> = vec![run.into()];
        let mut and = |condition: &str, value: Value| {
            which += condition;
            values.push(value);
        };
        if let Some(from) = self.from_ns {
            and(" AND start_ns > ?", from.saturating_sub(LONGEST_NS).into());
            and(" AND end_ns > ?", from.into());
        }
        if let Some(until) = self.until_ns {
            and(" AND start_ns < ?", until.into());
        }
        if let Some(class) = self.class {
            and(" AND class = ?", i64::try_from(class).unwrap_or(i64::MAX).into());
        }
        if let Some(least) = self.least_score {
            and(" AND score >= ?", least.into());
        }
        if let Some(most) = self.most_score {
            and(" AND score <= ?", most.into());
        }
        if !self.thresholds.is_empty() {
            which += " AND score >= CASE class";
            for (class, threshold) in self.thresholds.iter().enumerate() {
                which += &format!(" WHEN {class} THEN ?");
                values.push((*threshold).into());
            }
            which += " ELSE -1e308 END";
        }
        if !self.verdicts.is_empty() {
            let numbers: Vec<String> =
                self.verdicts.iter().map(|verdict| number(*verdict).to_string()).collect();
            which += &format!(" AND call.verdict IN ({})", numbers.join(", "));
        }
        (which, values)
    }
}

/// How a page is sorted and cut.
#[derive(Clone, Copy, Debug)]
pub struct Paging {
    pub sort: CallSort,
    pub descending: bool,
    pub offset: u64,
    pub limit: u64,
}

impl DetectionStore {
    /// How many candidates a run has; none where the run is gone.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn counts(&self, run: i64) -> Result<RunCounts, StoreError> {
        let counted: Option<(u64, u64, u64, u64)> = self.read(|db| {
            // All are tallied; those that are not found any more are few, and the index knows them.
            let mut rows = db.prepare_cached(
                "SELECT candidates, reviewed,
                    (SELECT count(*) FROM call INDEXED BY call_lost
                        WHERE run = ?1 AND unit IS NULL),
                    (SELECT count(*) FROM call INDEXED BY call_lost
                        WHERE run = ?1 AND unit IS NULL AND verdict > 0)
                 FROM tally WHERE run = ?1",
            )?;
            rows.query_row([run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
                .optional()
        })?;
        let (candidates, reviewed, gone, lost) = counted.unwrap_or_default();
        Ok(RunCounts {
            candidates: candidates.saturating_sub(gone),
            reviewed: reviewed.saturating_sub(lost),
            lost,
        })
    }

    /// A page of candidates.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn page(
        &self,
        run: &StoredRun,
        asked: &Asked,
        paging: &Paging,
    ) -> Result<CallPage, StoreError> {
        let (which, mut values) = asked.which(run.id, Lost::Listed);
        let way = if paging.descending { "DESC" } else { "ASC" };
        let order = match paging.sort {
            CallSort::Start => format!("start_ns {way}, call.id {way}"),
            CallSort::Score => format!("score {way}, start_ns, call.id"),
        };
        self.read(|db| {
            let total = db
                .prepare_cached(&format!("SELECT count(*) FROM call WHERE {which}"))?
                .query_row(params_from_iter(&values), |row| row.get(0))?;
            let limit = i64::try_from(paging.limit.min(MOST_ROWS)).unwrap_or_default();
            values.extend([limit.into(), i64::try_from(paging.offset).unwrap_or(i64::MAX).into()]);
            let mut rows = db.prepare_cached(&format!(
                "SELECT {CALL_COLUMNS} FROM {CALL_TABLES} WHERE {which} ORDER BY {order} \
                 LIMIT ? OFFSET ?"
            ))?;
            let rows = rows.query_map(params_from_iter(&values), |row| detected(row, run))?;
            Ok(CallPage { total, calls: rows.collect::<Result<_, _>>()? })
        })
    }

    /// All candidates that are asked for, in the order of time, each with the program that made it.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn all(
        &self,
        run: &StoredRun,
        asked: &Asked,
    ) -> Result<Vec<(DetectedCall, String)>, StoreError> {
        let (which, values) = asked.which(run.id, Lost::Listed);
        self.read(|db| {
            // One that is not found any more was found by whatever the run began with.
            let mut rows = db.prepare_cached(&format!(
                "SELECT {CALL_COLUMNS}, (SELECT software FROM unit WHERE unit.id = call.unit)
                 FROM {CALL_TABLES} WHERE {which} ORDER BY start_ns, call.id"
            ))?;
            let rows = rows.query_map(params_from_iter(&values), |row| {
                let software: Option<String> = row.get(16)?;
                let software = software.unwrap_or_else(|| run.source.software.clone());
                Ok((detected(row, run)?, software))
            })?;
            rows.collect()
        })
    }

    /// Spans and scores of the candidates that are asked for, in the order of time.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn spans(
        &self,
        run: &StoredRun,
        asked: &Asked,
    ) -> Result<Vec<(Range<i64>, f32)>, StoreError> {
        let (which, values) = asked.which(run.id, Lost::LeftOut);
        self.read(|db| {
            let mut rows = db.prepare_cached(&format!(
                "SELECT start_ns, end_ns, score FROM call WHERE {which} ORDER BY start_ns, call.id"
            ))?;
            let rows = rows.query_map(params_from_iter(&values), |row| {
                Ok((row.get(0)?..row.get(1)?, row.get::<_, f64>(2)? as f32))
            })?;
            rows.collect()
        })
    }

    /// How many candidates begin in each bin of so many nanoseconds, from the first that has one to the
    /// last.
    ///
    /// # Errors
    /// When a bin is none, there would be too many of them, or the database can't be read.
    pub fn density(
        &self,
        run: &StoredRun,
        asked: &Asked,
        bin_ns: i64,
    ) -> Result<CallDensity, StoreError> {
        if bin_ns <= 0 {
            return Err(BinError::Empty.into());
        }
        let (which, values) = asked.which(run.id, Lost::LeftOut);
        // SQLite divides towards zero; bins are counted downwards before 1970, too.
        let bin = format!("(start_ns / {bin_ns} - (start_ns % {bin_ns} < 0))");
        let counts: Vec<(i64, usize, u32)> = self.read(|db| {
            let mut rows = db.prepare_cached(&format!(
                "SELECT {bin}, class, count(*) FROM call WHERE {which} GROUP BY 1, 2 ORDER BY 1"
            ))?;
            let rows = rows.query_map(params_from_iter(&values), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
            rows.collect()
        })?;
        Ok(binned::density(&run.classes, bin_ns, &counts, |ns| moment(run, ns))?)
    }

    /// How the scores of candidates are spread, with what is said of them.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn histograms(
        &self,
        run: &StoredRun,
        asked: &Asked,
    ) -> Result<ScoreHistograms, StoreError> {
        let mut all = ScoreHistograms::default();
        for (index, class) in run.classes.iter().enumerate() {
            let of_class = Asked { class: Some(index), ..asked.clone() };
            let (which, values) = of_class.which(run.id, Lost::LeftOut);
            let most: Option<f64> = self.read(|db| {
                db.prepare_cached(&format!("SELECT max(score) FROM call WHERE {which}"))?
                    .query_row(params_from_iter(&values), |row| row.get(0))
            })?;
            let mut histogram = ScoreHistogram::empty(class, most);
            let (first, step) = (histogram.first, histogram.step);
            let counts: Vec<(i64, i64, u32)> = self.read(|db| {
                let mut rows = db.prepare_cached(&format!(
                    "SELECT CAST((score - ?) / ? AS INTEGER), verdict, count(*) FROM call \
                     WHERE {which} GROUP BY 1, 2"
                ))?;
                let values = [first.into(), step.into()].into_iter().chain(values.clone());
                let rows = rows.query_map(params_from_iter(values), |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?;
                rows.collect()
            })?;
            for (bin, verdict, count) in counts {
                let bin = usize::try_from(bin).unwrap_or(0);
                histogram.count(bin, super::reviews::verdict(verdict), count);
            }
            all.classes.push(histogram);
        }
        Ok(all)
    }

    /// How many candidates pass what is asked, by class and by what is said of them: to the last one, where
    /// a histogram goes by bins.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn passing(&self, run: &StoredRun, asked: &Asked) -> Result<CallCounts, StoreError> {
        let (which, values) = asked.which(run.id, Lost::LeftOut);
        let counts: Vec<(usize, i64, u64)> = self.read(|db| {
            let mut rows = db.prepare_cached(&format!(
                "SELECT class, verdict, count(*) FROM call WHERE {which} GROUP BY 1, 2"
            ))?;
            let rows = rows.query_map(params_from_iter(&values), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
            rows.collect()
        })?;
        let mut all = CallCounts::none(&run.classes);
        for (class, verdict, count) in counts {
            all.count(class, super::reviews::verdict(verdict), count);
        }
        Ok(all)
    }

    /// One candidate.
    ///
    /// # Errors
    /// When there is none of this number in the run.
    pub fn call(&self, run: &StoredRun, id: i64) -> Result<DetectedCall, StoreError> {
        let found = self.read(|db| {
            db.prepare_cached(&format!(
                "SELECT {CALL_COLUMNS} FROM {CALL_TABLES} WHERE call.id = ?1 AND run = ?2"
            ))?
            .query_row(params![id, run.id], |row| detected(row, run))
            .optional()
        })?;
        found.ok_or(StoreError::NoCall(id))
    }
}

/// A time of a run, as it is told.
pub fn moment(run: &StoredRun, ns: i64) -> Moment {
    if run.dated { Moment::Clock(Timestamp(ns)) } else { Moment::Elapsed(ns) }
}

/// A candidate in [`CALL_COLUMNS`].
pub fn detected(row: &Row<'_>, run: &StoredRun) -> rusqlite::Result<DetectedCall> {
    let (class, start_ns, end_ns): (usize, i64, i64) = (row.get(1)?, row.get(2)?, row.get(3)?);
    Ok(DetectedCall {
        id: row.get(0)?,
        class: run.classes.get(class).map_or_else(String::new, |class| class.name.clone()),
        start: moment(run, start_ns),
        span_ns: end_ns - start_ns,
        low_hz: row.get(4)?,
        high_hz: row.get(5)?,
        score: row.get::<_, f64>(6)? as f32,
        clicks: row.get(7)?,
        interval_s: row.get::<_, Option<f64>>(8)?.map(|s| s as f32),
        review: review(row, 9)?,
        is_lost: row.get(15)?,
    })
}
