//! Candidates by number: how many pass, begin in a bin of time, or have a score; and scores over time.

use serde::{Deserialize, Serialize};

use super::{DetectedCall, DetectionClass, Verdict};
use crate::time::Moment;

/// How many candidates pass a question's thresholds, and what people say of them: `GET …/counts`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CallCounts {
    /// One a class, in the order of the run's classes.
    pub classes: Vec<ClassCounts>,
}

/// The counts of one class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ClassCounts {
    /// The class.
    pub class: String,
    /// Candidates that pass.
    pub candidates: u64,
    /// Those of them that were accepted.
    pub accepted: u64,
    /// Those of them that were rejected, or are something else.
    pub rejected: u64,
}

impl CallCounts {
    /// Of no candidates yet.
    pub fn none(classes: &[DetectionClass]) -> CallCounts {
        let of = |class: &DetectionClass| ClassCounts {
            class: class.name.clone(),
            ..ClassCounts::default()
        };
        CallCounts { classes: classes.iter().map(of).collect() }
    }

    /// Of a list of candidates, those from the threshold of their class on; where `thresholds` are fewer
    /// than classes, all of the others. As the server counts: one that is not found any more is left out.
    pub fn above<'a>(
        classes: &[DetectionClass],
        thresholds: &[f64],
        calls: impl IntoIterator<Item = &'a DetectedCall>,
    ) -> CallCounts {
        let mut all = CallCounts::none(classes);
        for call in calls {
            let Some(class) = classes.iter().position(|class| class.name == call.class) else {
                continue;
            };
            let threshold = thresholds.get(class);
            let passes = threshold.is_none_or(|threshold| f64::from(call.score) >= *threshold);
            if passes && !call.is_lost {
                all.count(class, call.review.verdict, 1);
            }
        }
        all
    }

    /// Counts candidates of a class of which the same is said.
    pub fn count(&mut self, class: usize, verdict: Verdict, candidates: u64) {
        let Some(counts) = self.classes.get_mut(class) else { return };
        counts.candidates += candidates;
        match verdict {
            Verdict::Accepted => counts.accepted += candidates,
            Verdict::Rejected | Verdict::Relabelled => counts.rejected += candidates,
            Verdict::Unreviewed => {}
        }
    }
}

/// How many candidates begin in each bin of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CallDensity {
    /// Where the first bin begins; `None` where nothing was found.
    pub start: Option<Moment>,
    /// Nanoseconds of a bin. Bins begin at multiples of it since 1970.
    pub bin_ns: i64,
    /// One row a class, in the order of the run's classes.
    pub classes: Vec<ClassDensity>,
}

/// The counts of one class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ClassDensity {
    /// The class.
    pub class: String,
    /// Candidates that begin in each bin.
    pub counts: Vec<u32>,
}

/// The scores of a run over time, the best of each bin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ScoreCurves {
    /// Where the first bin begins; `None` where there are no scores.
    pub start: Option<Moment>,
    /// Nanoseconds of a bin.
    pub bin_ns: i64,
    /// One row a class, in the order of the run's classes.
    pub classes: Vec<ScoreCurve>,
}

/// The scores of one class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ScoreCurve {
    /// The class.
    pub class: String,
    /// The best score in each bin; `None` where nothing was recorded, or it was not listened to yet.
    pub scores: Vec<Option<f32>>,
}

/// How candidates are spread over scores, and what people say of them: what a threshold that is moved
/// needs to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ScoreHistograms {
    /// One a class, in the order of the run's classes.
    pub classes: Vec<ScoreHistogram>,
}

/// The histogram of one class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ScoreHistogram {
    /// The class.
    pub class: String,
    /// Lower edge of the first bin.
    pub first: f64,
    /// Width of a bin.
    pub step: f64,
    /// Candidates in each bin.
    pub candidates: Vec<u32>,
    /// Those of them that were accepted.
    pub accepted: Vec<u32>,
    /// Those of them that were rejected, or are something else.
    pub rejected: Vec<u32>,
}

/// Bins of a histogram.
pub const HISTOGRAM_BINS: usize = 100;

impl ScoreHistogram {
    /// Of no candidates yet; the best of those that will be counted has the score `most`.
    pub fn empty(class: &DetectionClass, most: Option<f64>) -> ScoreHistogram {
        let first = class.keep_from;
        let span = most.map_or(1.0, |most| (most - first).max(1e-6));
        ScoreHistogram {
            class: class.name.clone(),
            first,
            // A little wider than the span, so that the best lies in the last bin.
            step: span * (1.0 + 1e-6) / HISTOGRAM_BINS as f64,
            candidates: vec![0; HISTOGRAM_BINS],
            accepted: vec![0; HISTOGRAM_BINS],
            rejected: vec![0; HISTOGRAM_BINS],
        }
    }

    /// Counts candidates of a bin of which the same is said; one beyond the last bin is the last's.
    pub fn count(&mut self, bin: usize, verdict: Verdict, candidates: u32) {
        let bin = bin.min(HISTOGRAM_BINS - 1);
        let reviewed = match verdict {
            Verdict::Accepted => Some(&mut self.accepted),
            Verdict::Rejected | Verdict::Relabelled => Some(&mut self.rejected),
            Verdict::Unreviewed => None,
        };
        for counts in reviewed.into_iter().chain([&mut self.candidates]) {
            if let Some(count) = counts.get_mut(bin) {
                *count += candidates;
            }
        }
    }

    /// From a threshold on, in whole bins: how many candidates, how many of them accepted and rejected.
    pub fn from_threshold(&self, threshold: f64) -> (u64, u64, u64) {
        let bin = ((threshold - self.first) / self.step).round().max(0.0) as usize;
        let sum = |counts: &[u32]| counts.iter().skip(bin).map(|count| u64::from(*count)).sum();
        (sum(&self.candidates), sum(&self.accepted), sum(&self.rejected))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Review;
    use super::*;

    #[test]
    fn candidates_are_counted_from_their_class_s_threshold_on_to_the_last_one() {
        let class = |name: &str| DetectionClass {
            name: name.into(),
            band_hz: (50.0, 400.0),
            keep_from: 0.1,
            threshold: 0.5,
        };
        let call = |class: &str, score, verdict, is_lost| DetectedCall {
            id: 0,
            class: class.into(),
            start: Moment::Elapsed(0),
            span_ns: 1,
            low_hz: 50.0,
            high_hz: 400.0,
            score,
            clicks: None,
            interval_s: None,
            review: Review { verdict, ..Review::default() },
            is_lost,
        };
        let calls = [
            call("upcall", 0.38, Verdict::Accepted, false),
            call("upcall", 0.3799, Verdict::Rejected, false),
            call("upcall", 0.381, Verdict::Relabelled, false),
            call("upcall", 0.9, Verdict::Accepted, true),
            call("gunshot", 0.2, Verdict::Unreviewed, false),
        ];
        let classes = [class("upcall"), class("gunshot")];
        let told = |thresholds: &[f64]| -> Vec<(u64, u64, u64)> {
            let counts = CallCounts::above(&classes, thresholds, &calls).classes;
            counts.iter().map(|of| (of.candidates, of.accepted, of.rejected)).collect()
        };
        assert_eq!(told(&[0.38, 0.5]), [(1, 0, 1), (0, 0, 0)], "0.38 in float32 lies below it");
        assert_eq!(told(&[0.3799999, 0.2]), [(2, 1, 1), (1, 0, 0)]);
        assert_eq!(told(&[]), [(3, 1, 2), (1, 0, 0)]);
    }

    #[test]
    fn a_threshold_counts_what_is_above_it() {
        let histogram = ScoreHistogram {
            class: "upcall".into(),
            first: 0.3,
            step: 0.1,
            candidates: vec![5, 4, 3],
            accepted: vec![0, 1, 2],
            rejected: vec![2, 1, 0],
        };
        assert_eq!(histogram.from_threshold(0.0), (12, 3, 3));
        assert_eq!(histogram.from_threshold(0.4), (7, 3, 1));
        assert_eq!(histogram.from_threshold(0.9), (0, 0, 0));
    }
}
