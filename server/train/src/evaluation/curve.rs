//! What every threshold gives: ROC and precision–recall curves, and the areas under them.

use serde::Serialize;

/// Scored things of which some are what is looked for, the best score first.
///
/// Each belongs to a group (a recording, say), so that groups can be weighted: the bootstrap draws some of
/// them several times and others not at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranked {
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    score: f32,
    is_positive: bool,
    group: usize,
}

/// What counts at a threshold and above it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The threshold: a score that is there.
    pub score: f32,
    /// Positives at or above it.
    pub right: f64,
    /// Everything at or above it.
    pub found: f64,
}

/// A point of a ROC curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RocPoint {
    /// Share of the negatives at or above the threshold.
    pub false_positive_rate: f64,
    /// Share of the positives.
    pub true_positive_rate: f64,
    /// The threshold; at the first point, where nothing is found, there is none.
    pub threshold: Option<f32>,
}

/// A point of a precision–recall curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PrecisionRecallPoint {
    /// Share of what is found that is right.
    pub precision: f64,
    /// Share of the positives that is found.
    pub recall: f64,
    /// The threshold.
    pub threshold: f32,
}

impl Ranked {
    /// Scores, whether each is a positive, and the group that it belongs to. What is no number is the worst.
    pub fn new(rows: impl IntoIterator<Item = (f32, bool, usize)>) -> Ranked {
        let sound = |score: f32| if score.is_nan() { f32::NEG_INFINITY } else { score };
        let row = |(score, is_positive, group)| Row { score: sound(score), is_positive, group };
        let mut rows: Vec<Row> = rows.into_iter().map(row).collect();
        rows.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ranked { rows }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Each distinct score from the highest down; `weight` says how often a group counts.
    pub fn steps(&self, weight: impl Fn(usize) -> f64) -> Vec<Step> {
        let (mut right, mut found) = (0.0, 0.0);
        let of = |rows: &[Row]| {
            for row in rows {
                let weight = weight(row.group);
                found += weight;
                right += if row.is_positive { weight } else { 0.0 };
            }
            let score = rows.first().map_or(f32::NEG_INFINITY, |row| row.score);
            Step { score, right, found }
        };
        self.rows.chunk_by(|a, b| a.score == b.score).map(of).collect()
    }
}

/// Average precision, as scikit-learn's `average_precision_score`: the sum over thresholds of the gain in
/// recall times the precision. Without a positive it is 0.
pub fn average_precision(steps: &[Step]) -> f64 {
    let positives = steps.last().map_or(0.0, |step| step.right);
    recall_weighted(steps, positives)
}

/// The same where more positives are there than ever get a score: calls that nothing found.
pub fn recall_weighted(steps: &[Step], positives: f64) -> f64 {
    let mut ap = 0.0;
    let mut before = 0.0;
    for step in steps.iter().filter(|step| step.found > 0.0) {
        ap += (step.right - before) / positives.max(1.0) * (step.right / step.found);
        before = step.right;
    }
    ap
}

/// The area under the ROC curve, as scikit-learn's `roc_auc_score`: the chance that a positive has a higher
/// score than a negative, equal scores counting half. `None` where either is missing.
pub fn roc_auc(steps: &[Step]) -> Option<f64> {
    let last = steps.last()?;
    let (positives, negatives) = (last.right, last.found - last.right);
    if positives <= 0.0 || negatives <= 0.0 {
        return None;
    }
    let (mut area, mut right, mut wrong) = (0.0, 0.0, 0.0);
    for step in steps {
        let step_wrong = step.found - step.right;
        area += (step_wrong - wrong) * (step.right + right) / 2.0;
        (right, wrong) = (step.right, step_wrong);
    }
    Some(area / (positives * negatives))
}

/// The ROC curve, as scikit-learn's `roc_curve` with every threshold; empty where positives or negatives are
/// missing.
pub fn roc(steps: &[Step]) -> Vec<RocPoint> {
    let last = steps.last().map_or((0.0, 0.0), |last| (last.right, last.found - last.right));
    let (positives, negatives) = last;
    if positives <= 0.0 || negatives <= 0.0 {
        return Vec::new();
    }
    let first = RocPoint { false_positive_rate: 0.0, true_positive_rate: 0.0, threshold: None };
    let point = |step: &Step| RocPoint {
        false_positive_rate: (step.found - step.right) / negatives,
        true_positive_rate: step.right / positives,
        threshold: Some(step.score),
    };
    std::iter::once(first).chain(steps.iter().map(point)).collect()
}

/// The precision–recall curve from the highest threshold down: scikit-learn's `precision_recall_curve`
/// without its last point, which has no threshold. `positives` are all that are there.
pub fn precision_recall(steps: &[Step], positives: f64) -> Vec<PrecisionRecallPoint> {
    let point = |step: &Step| PrecisionRecallPoint {
        precision: step.right / step.found,
        recall: step.right / positives.max(1.0),
        threshold: step.score,
    };
    steps.iter().filter(|step| step.found > 0.0).map(point).collect()
}

/// The threshold with the best F1, and that F1. It lies half way to the next lower score: on the edge of
/// something's own score nothing holds. `None` where nothing is right.
pub fn best_threshold(steps: &[Step], positives: f64) -> Option<(f64, f64)> {
    let f1 = |step: &Step| 2.0 * step.right / (step.found + positives).max(1.0);
    let mut best: Option<(usize, f64)> = None;
    for (at, step) in steps.iter().enumerate() {
        if f1(step) > best.map_or(0.0, |(_, f1)| f1) {
            best = Some((at, f1(step)));
        }
    }
    let (at, f1) = best?;
    let score = steps.get(at)?.score;
    let next = steps.get(at + 1).map_or(score, |step| step.score);
    let threshold = match next.is_finite() {
        true => (f64::from(score) + f64::from(next)) / 2.0,
        false => f64::from(score),
    };
    Some((threshold, f1))
}

/// No more than `most` points of a curve, its first and last among them, evenly by their order.
pub fn thinned<T: Copy>(points: &[T], most: usize) -> Vec<T> {
    if points.len() <= most || most < 2 {
        return points.to_vec();
    }
    let at = |i: usize| (i * (points.len() - 1) + (most - 1) / 2) / (most - 1);
    (0..most).filter_map(|i| points.get(at(i)).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_counts_twice_is_as_good_as_two_groups() {
        let rows = [(0.9, true, 0), (0.4, false, 1), (0.3, true, 1), (0.8, false, 2)];
        let doubled = rows.iter().copied().chain(rows[1..3].iter().copied());
        let (one, two) = (Ranked::new(rows), Ranked::new(doubled));
        let weighted = one.steps(|group| [1.0, 2.0, 1.0][group]);
        let plain = two.steps(|_| 1.0);
        assert_eq!(weighted, plain);
        assert_eq!(average_precision(&weighted), average_precision(&plain));
        assert_eq!(roc_auc(&weighted), roc_auc(&plain));
    }

    #[test]
    fn where_a_class_is_missing_there_is_no_curve() {
        let only = Ranked::new([(0.5, true, 0), (0.2, true, 0)]).steps(|_| 1.0);
        assert!(roc(&only).is_empty() && roc_auc(&only).is_none());
        let none = Ranked::default().steps(|_| 1.0);
        assert!(none.is_empty() && average_precision(&none) == 0.0);
        assert_eq!(best_threshold(&none, 3.0), None);
    }

    #[test]
    fn a_thinned_curve_keeps_its_ends() {
        let all: Vec<usize> = (0..1001).collect();
        let few = thinned(&all, 11);
        assert_eq!(few, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
        assert_eq!(thinned(&all[..5], 11), all[..5]);
    }
}
