//! How well windows are told apart.

use serde::{Deserialize, Serialize};

/// Figures of one class against all others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Its name.
    pub class: String,
    /// Windows of it.
    pub windows: usize,
    /// Average precision.
    pub ap: f64,
    /// The best F1 that a threshold reaches.
    pub f1: f64,
    /// That threshold.
    pub threshold: f64,
    /// Precision there.
    pub precision: f64,
    /// Recall there.
    pub recall: f64,
}

/// Average precision, as scikit-learn's `average_precision_score`: the sum over thresholds of the gain in
/// recall times the precision. Without a positive it is 0.
pub fn average_precision(scores: &[f32], is_positive: &[bool]) -> f64 {
    let positives = is_positive.iter().filter(|p| **p).count() as f64;
    let mut ap = 0.0;
    let mut before = 0.0;
    for (_, right, found) in thresholds(scores, is_positive) {
        ap += (right - before) / positives.max(1.0) * (right / found);
        before = right;
    }
    ap
}

/// The best F1 with its threshold, precision and recall. A window counts from a score that is its threshold
/// on.
pub fn best_f1(scores: &[f32], is_positive: &[bool]) -> [f64; 4] {
    let positives = is_positive.iter().filter(|p| **p).count() as f64;
    let mut best = [0.0, 0.5, 0.0, 0.0];
    let all: Vec<(f32, f64, f64)> = thresholds(scores, is_positive).collect();
    for (i, (score, right, found)) in all.iter().enumerate() {
        let f1 = 2.0 * right / (found + positives).max(1.0);
        if f1 > best[0] {
            // Half way to the next score: on the edge of a window's own score nothing holds.
            let next = all.get(i + 1).map_or(*score, |(next, ..)| *next);
            let threshold = (f64::from(*score) + f64::from(next)) / 2.0;
            best = [f1, threshold, right / found, right / positives.max(1.0)];
        }
    }
    best
}

/// Each distinct score from the highest down, with how many positives and how many windows are at or above.
fn thresholds(
    scores: &[f32],
    is_positive: &[bool],
) -> impl Iterator<Item = (f32, f64, f64)> + use<> {
    let mut ranked: Vec<(f32, bool)> =
        scores.iter().copied().zip(is_positive.iter().copied()).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut right, mut found) = (0.0, 0.0);
    let groups: Vec<(f32, f64, f64)> = ranked
        .chunk_by(|a, b| a.0 == b.0)
        .map(|group| {
            right += group.iter().filter(|(_, positive)| *positive).count() as f64;
            found += group.len() as f64;
            (group[0].0, right, found)
        })
        .collect();
    groups.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_precision_is_that_of_scikit_learn() {
        // sklearn.metrics.average_precision_score (1.5)
        let ap = average_precision(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]);
        assert!((ap - 0.833_333_333_333_333_3).abs() < 1e-12, "{ap}");
        // Ties: all at once.
        let ap = average_precision(&[0.5, 0.5, 0.5, 0.5], &[true, false, false, true]);
        assert!((ap - 0.5).abs() < 1e-12, "{ap}");
        assert_eq!(average_precision(&[0.3], &[false]), 0.0);
        assert_eq!(average_precision(&[], &[]), 0.0);
    }

    #[test]
    fn the_best_threshold_lies_between_two_scores() {
        let scores = [0.9, 0.8, 0.2, 0.1, 0.7];
        let [f1, threshold, precision, recall] =
            best_f1(&scores, &[true, true, false, false, false]);
        assert_eq!((f1, precision, recall), (1.0, 1.0, 1.0));
        assert!((threshold - 0.75).abs() < 1e-6, "{threshold}");
        let [f1, _, precision, recall] = best_f1(&[0.9, 0.8, 0.7], &[true, false, true]);
        assert!((f1 - 0.8).abs() < 1e-12 && recall == 1.0 && (precision - 2.0 / 3.0).abs() < 1e-12);
    }
}
