//! What was found, as the page takes it.

use spyhop_api::detection::{DetectedCall, DetectionClass, Review, ScoreCurve, ScoreCurves};
use spyhop_api::{Moment, Timestamp};
use spyhop_signal::detect::Candidate;
use spyhop_signal::detect::listen::{Found, ScoreRow};
use spyhop_workers::listening::Answer;
use spyhop_workers::{Message, now_ms, post};

/// The page is told this often, ms.
const TELL_MS: f64 = 250.0;
/// Scores that lie no farther apart than so many of their pieces belong together: at the ends of a run a
/// window speaks for more than one. Where they are farther apart nothing was recorded.
const TOGETHER: i64 = 3;

/// Tells the page of a job.
pub struct Telling {
    job: u32,
    classes: Vec<DetectionClass>,
    dated: bool,
    piece_ns: i64,
    told_ms: f64,
}

impl Telling {
    /// Of a run whose scores are of pieces of `score_s` seconds; times count since 1970 where it is dated,
    /// else since the first sample.
    pub fn new(job: u32, classes: Vec<DetectionClass>, dated: bool, score_s: f64) -> Telling {
        let piece_ns = ((score_s * 1e9).round() as i64).max(1);
        Telling { job, classes, dated, piece_ns, told_ms: f64::NEG_INFINITY }
    }

    /// Tells what was found so far and takes it away, if it is time to.
    pub fn now_and_then(&mut self, fraction: f64, found: &mut Found) {
        if now_ms() - self.told_ms >= TELL_MS {
            self.tell(fraction, found);
        }
    }

    /// Tells what was found so far and takes it away.
    pub fn tell(&mut self, fraction: f64, found: &mut Found) {
        let Found { candidates, scores } = std::mem::take(found);
        let mut calls = candidates.into_iter().filter_map(|(c, call)| self.call(c, call)).collect();
        let apart = |a: &ScoreRow, b: &ScoreRow| {
            b.start_ns - a.start_ns <= TOGETHER.saturating_mul(self.piece_ns)
        };
        let mut stretches: Vec<ScoreCurves> =
            scores.chunk_by(apart).map(|rows| self.curves(rows)).collect();
        let last = stretches.pop().unwrap_or_default();
        for scores in stretches.into_iter().chain([last]) {
            let calls = std::mem::take(&mut calls);
            post(&Message::new(&Answer::Found { job: self.job, fraction, calls, scores }));
        }
        self.told_ms = now_ms();
    }

    fn moment(&self, ns: i64) -> Moment {
        match self.dated {
            true => Moment::Clock(Timestamp(ns)),
            false => Moment::Elapsed(ns),
        }
    }

    fn call(&self, class: usize, candidate: Candidate) -> Option<DetectedCall> {
        Some(DetectedCall {
            id: 0,
            class: self.classes.get(class)?.name.clone(),
            start: self.moment(candidate.start_ns),
            span_ns: candidate.end_ns - candidate.start_ns,
            low_hz: candidate.low_hz,
            high_hz: candidate.high_hz,
            score: candidate.score,
            clicks: candidate.train.map(|train| train.clicks),
            interval_s: candidate.train.map(|train| train.interval_s),
            review: Review::default(),
            is_lost: false,
        })
    }

    /// Scores without a gap among them: each holds until the next one begins.
    fn curves(&self, rows: &[ScoreRow]) -> ScoreCurves {
        let Some(first) = rows.first().map(|row| row.start_ns) else {
            return ScoreCurves::default();
        };
        let bin = |row: &ScoreRow| {
            ((row.start_ns - first) as f64 / self.piece_ns as f64).round() as usize
        };
        let ends = rows.iter().skip(1).map(bin).chain(rows.last().map(|row| bin(row) + 1));
        let mut classes: Vec<ScoreCurve> = self
            .classes
            .iter()
            .map(|class| ScoreCurve { class: class.name.clone(), scores: Vec::new() })
            .collect();
        for (row, end) in rows.iter().zip(ends) {
            for (curve, score) in classes.iter_mut().zip(&row.scores) {
                let score = Some(*score).filter(|score| score.is_finite());
                let length = end.max(curve.scores.len());
                curve.scores.resize(length, score);
            }
        }
        ScoreCurves { start: Some(self.moment(first)), bin_ns: self.piece_ns, classes }
    }
}
