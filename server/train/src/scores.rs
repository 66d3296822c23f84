//! How well windows are told apart.

use serde::{Deserialize, Serialize};

use crate::evaluation::{self, Ranked};

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

/// Average precision of some scores, see [`evaluation::average_precision`](crate::evaluation::average_precision).
pub fn average_precision(scores: &[f32], is_positive: &[bool]) -> f64 {
    evaluation::average_precision(&steps(scores, is_positive))
}

/// The best F1 with its threshold, precision and recall. A window counts from a score that is its threshold
/// on.
pub fn best_f1(scores: &[f32], is_positive: &[bool]) -> [f64; 4] {
    let positives = is_positive.iter().filter(|p| **p).count() as f64;
    let steps = steps(scores, is_positive);
    let best = evaluation::best_threshold(&steps, positives);
    let Some((threshold, f1)) = best else { return [0.0, 0.5, 0.0, 0.0] };
    let at = steps.iter().take_while(|step| f64::from(step.score) >= threshold).last();
    let (right, found) = at.map_or((0.0, 1.0), |step| (step.right, step.found));
    [f1, threshold, right / found, right / positives.max(1.0)]
}

fn steps(scores: &[f32], is_positive: &[bool]) -> Vec<evaluation::Step> {
    let rows = scores.iter().zip(is_positive).map(|(score, positive)| (*score, *positive, 0));
    Ranked::new(rows).steps(|_| 1.0)
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
