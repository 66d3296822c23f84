//! A run that was made in this tab, in memory: it answers what the server answers for its own.
//!
//! The answers are pure functions of the candidates and the scores, binned as the server bins them
//! ([`spyhop_api::binned`]): a candidate counts where it begins, a histogram has a hundred bins.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use spyhop_api::binned::{self, BinError, Curves};
use spyhop_api::detection::{
    CallCounts, CallDensity, CallPage, CallQuery, CallSort, DetectedCall, DetectionRun, Review,
    ReviewChange, ScoreCurves, ScoreHistogram, ScoreHistograms, Verdict,
};
use spyhop_api::{Moment, Timestamp};

use super::LocalProgress;

/// A run of this tab.
#[derive(Clone, Debug)]
pub struct LocalRun {
    /// As it is told; its number is below zero.
    pub run: DetectionRun,
    /// How far it is.
    pub progress: LocalProgress,
    /// In the order of time.
    calls: Vec<DetectedCall>,
    /// Scores by class, NaN where there are none, by where their piece of time begins.
    scores: BTreeMap<i64, Vec<f32>>,
    histories: HashMap<i64, Vec<Review>>,
    /// Whether times are on the clock.
    is_dated: bool,
}

/// Why nothing was said of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewRefused {
    /// There is none of this number.
    Gone,
    /// What is said of it is no longer what was looked at.
    OtherVersion,
}

impl LocalRun {
    /// Nothing was found yet.
    pub fn new(run: DetectionRun, is_dated: bool) -> LocalRun {
        LocalRun {
            run,
            progress: LocalProgress::default(),
            calls: Vec::new(),
            scores: BTreeMap::new(),
            histories: HashMap::new(),
            is_dated,
        }
    }

    /// Takes candidates and scores that are new. Candidates get numbers from 1 on, in the order in which
    /// they come; `said` is what was ever said of one, the first first.
    pub fn extend(
        &mut self,
        found: Vec<DetectedCall>,
        scores: &ScoreCurves,
        mut said: impl FnMut(&DetectedCall) -> Vec<Review>,
    ) {
        for mut call in found {
            call.id = self.calls.len() as i64 + 1;
            let steps = said(&call);
            call.review = steps.last().cloned().unwrap_or_default();
            if !steps.is_empty() {
                self.histories.insert(call.id, steps);
            }
            self.calls.push(call);
        }
        self.calls.sort_by_key(|call| (call.start.nanos(), call.id));
        let classes = self.run.classes.len();
        if let Some(start) = scores.start {
            for (class, curve) in scores.classes.iter().take(classes).enumerate() {
                for (bin, score) in curve.scores.iter().enumerate() {
                    let Some(score) = score else { continue };
                    let at = start.nanos() + bin as i64 * scores.bin_ns;
                    let row = self.scores.entry(at).or_insert_with(|| vec![f32::NAN; classes]);
                    row[class] = row[class].max(*score);
                }
            }
        }
        self.count();
    }

    fn count(&mut self) {
        self.run.candidates = self.calls.len() as u64;
        let reviewed = self.calls.iter().filter(|c| c.review.verdict != Verdict::Unreviewed);
        self.run.reviewed = reviewed.count() as u64;
    }

    /// A page of candidates.
    pub fn page(&self, query: &CallQuery) -> CallPage {
        let mut found: Vec<&DetectedCall> = self.asked(query).collect();
        found.sort_by(|a, b| in_order(query.sort, query.descending, a, b));
        let rows = found.iter().skip(query.offset as usize).take(query.limit as usize);
        CallPage { total: found.len() as u64, calls: rows.map(|call| (*call).clone()).collect() }
    }

    /// All candidates, in the order of time.
    pub fn all(&self, query: &CallQuery) -> Vec<DetectedCall> {
        self.asked(query).cloned().collect()
    }

    /// How many candidates begin in each bin.
    ///
    /// # Errors
    /// When there would be too many bins.
    pub fn density(&self, query: &CallQuery, bin_s: f64) -> Result<CallDensity, BinError> {
        let bin_ns = bin_ns(bin_s);
        let of_call = |call: &DetectedCall| {
            Some((call.start.nanos().div_euclid(bin_ns), self.class_of(call)?, 1))
        };
        let counts: Vec<(i64, usize, u32)> = self.asked(query).filter_map(of_call).collect();
        binned::density(&self.run.classes, bin_ns, &counts, |ns| self.moment(ns))
    }

    /// How many candidates pass, with what is said of them.
    pub fn passing(&self, query: &CallQuery) -> CallCounts {
        // What is asked for has passed the thresholds already.
        CallCounts::above(&self.run.classes, &[], self.asked(query))
    }

    /// How scores are spread, with what is said of the candidates.
    pub fn histograms(&self, query: &CallQuery) -> ScoreHistograms {
        let of_class = |(index, class): (usize, &spyhop_api::detection::DetectionClass)| {
            let found: Vec<&DetectedCall> =
                self.asked(query).filter(|call| self.class_of(call) == Some(index)).collect();
            let most = found.iter().map(|call| f64::from(call.score)).reduce(f64::max);
            let mut histogram = ScoreHistogram::empty(class, most);
            for call in found {
                let bin = (f64::from(call.score) - histogram.first) / histogram.step;
                histogram.count(bin.max(0.0) as usize, call.review.verdict, 1);
            }
            histogram
        };
        ScoreHistograms { classes: self.run.classes.iter().enumerate().map(of_class).collect() }
    }

    /// The best score of each class in each bin.
    ///
    /// # Errors
    /// When there would be too many bins.
    pub fn scores(&self, query: &CallQuery, bin_s: f64) -> Result<ScoreCurves, BinError> {
        let from = moment_text_ns(&query.from).unwrap_or(i64::MIN);
        let until = moment_text_ns(&query.until).unwrap_or(i64::MAX);
        let piece_ns = (self.run.score_s * 1e9) as i64;
        let mut curves = Curves::new(self.run.classes.len(), bin_ns(bin_s))?;
        for (at, scores) in self.scores.range(from.saturating_sub(piece_ns)..until.max(from)) {
            curves.add(*at, scores)?;
        }
        Ok(curves.told(&self.run.classes, |ns| self.moment(ns)))
    }

    /// Says something of a candidate, of which version `seen` of what is said was looked at.
    ///
    /// # Errors
    /// When there is none of this number, or something else was said of it meanwhile.
    pub fn review(
        &mut self,
        id: i64,
        seen: u32,
        change: &ReviewChange,
        at: Timestamp,
    ) -> Result<DetectedCall, ReviewRefused> {
        let found = self.calls.iter_mut().find(|call| call.id == id);
        let call = found.ok_or(ReviewRefused::Gone)?;
        if call.review.version != seen {
            return Err(ReviewRefused::OtherVersion);
        }
        call.review = Review {
            version: call.review.version + 1,
            verdict: change.verdict,
            label: change.label.clone(),
            note: change.note.clone(),
            author: change.author.clone(),
            at: Some(at),
        };
        let said = call.clone();
        self.histories.entry(id).or_default().push(said.review.clone());
        self.count();
        Ok(said)
    }

    /// Everything that was ever said of a candidate.
    pub fn history(&self, id: i64) -> Vec<Review> {
        self.histories.get(&id).cloned().unwrap_or_default()
    }

    fn class_of(&self, call: &DetectedCall) -> Option<usize> {
        self.run.classes.iter().position(|class| class.name == call.class)
    }

    fn moment(&self, ns: i64) -> Moment {
        if self.is_dated { Moment::Clock(Timestamp(ns)) } else { Moment::Elapsed(ns) }
    }

    fn asked<'a>(&'a self, query: &'a CallQuery) -> impl Iterator<Item = &'a DetectedCall> {
        let from = moment_text_ns(&query.from);
        let until = moment_text_ns(&query.until);
        let thresholds = query.class_thresholds().unwrap_or_default();
        self.calls.iter().filter(move |call| {
            let (start, score) = (call.start.nanos(), f64::from(call.score));
            let threshold = self.class_of(call).and_then(|class| thresholds.get(class));
            let verdict = call.review.verdict;
            from.is_none_or(|from| start.saturating_add(call.span_ns) > from)
                && until.is_none_or(|until| start < until)
                && (query.class.is_empty() || query.class == call.class)
                && query.least_score.is_none_or(|least| score >= least)
                && query.most_score.is_none_or(|most| score <= most)
                && threshold.is_none_or(|threshold| score >= *threshold)
                && match query.review.as_str() {
                    "" => true,
                    "reviewed" => verdict != Verdict::Unreviewed,
                    name => verdict.name() == name,
                }
        })
    }
}

/// How candidates follow one another in a table: as the server's do.
pub fn in_order(sort: CallSort, descending: bool, a: &DetectedCall, b: &DetectedCall) -> Ordering {
    let place = |call: &DetectedCall| (call.start.nanos(), call.id);
    let way = |order: Ordering| if descending { order.reverse() } else { order };
    match sort {
        CallSort::Start => way(place(a).cmp(&place(b))),
        CallSort::Score => way(a.score.total_cmp(&b.score)).then(place(a).cmp(&place(b))),
    }
}

/// A moment as a query says it.
pub fn moment_text(moment: Moment) -> String {
    match moment {
        Moment::Clock(at) => at.to_iso(),
        Moment::Elapsed(ns) => (ns as f64 * 1e-9).to_string(),
    }
}

fn bin_ns(bin_s: f64) -> i64 {
    ((bin_s * 1e9) as i64).max(1)
}

fn moment_text_ns(text: &str) -> Option<i64> {
    match text.parse::<f64>() {
        Ok(seconds) => Some((seconds * 1e9).round() as i64),
        Err(_) => Timestamp::from_iso(text).ok().map(|at| at.0),
    }
}

#[cfg(test)]
pub mod tests;
