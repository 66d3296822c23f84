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
    /// Average precision; this and what follows is `None` where there is no window of the class.
    pub ap: Option<f64>,
    /// The best F1 that a threshold reaches.
    pub f1: Option<f64>,
    /// That threshold.
    pub threshold: Option<f64>,
    /// Precision there.
    pub precision: Option<f64>,
    /// Recall there.
    pub recall: Option<f64>,
    /// How well it is told where each window is of its likeliest class.
    #[serde(default)]
    pub likeliest: Likeliest,
}

/// A class's row of scikit-learn's `classification_report`, where each window is of its likeliest class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Likeliest {
    /// Share of the windows told as it that are of it; `None` where none is told.
    pub precision: Option<f64>,
    /// Share of its windows that are told as it; `None` where there are none.
    pub recall: Option<f64>,
    /// 2 · right / (windows told + windows there are); `None` where neither is.
    pub f1: Option<f64>,
}

impl ClassScores {
    /// Of a class's scores, and which windows are of it.
    pub fn new(class: &str, scores: &[f32], is_it: &[bool], likeliest: Likeliest) -> ClassScores {
        let windows = is_it.iter().filter(|is_it| **is_it).count();
        let any = |value: f64| (windows > 0).then_some(value);
        let [f1, threshold, precision, recall] = best_f1(scores, is_it).map(any);
        let ap = any(average_precision(scores, is_it));
        let class = class.to_owned();
        ClassScores { class, windows, ap, f1, threshold, precision, recall, likeliest }
    }
}

impl Likeliest {
    /// Of a class of a confusion matrix, see [`confusion`].
    pub fn of(confusion: &[Vec<usize>], class: usize) -> Likeliest {
        let at = |row: &Vec<usize>| row.get(class).copied().unwrap_or(0) as f64;
        let right = confusion.get(class).map_or(0.0, at);
        let told: f64 = confusion.iter().map(at).sum();
        let there = confusion.get(class).map_or(0, |row| row.iter().sum::<usize>()) as f64;
        let share = |of: f64| (of > 0.0).then(|| right / of);
        let (precision, recall) = (share(told), share(there));
        Likeliest { precision, recall, f1: share((told + there) / 2.0) }
    }
}

/// How many windows of each class (a row) are likeliest of each class (a column).
pub fn confusion(logits: &[f32], classes: &[usize], outputs: usize) -> Vec<Vec<usize>> {
    let mut counts = vec![vec![0; outputs]; outputs];
    for (row, class) in logits.chunks_exact(outputs.max(1)).zip(classes) {
        let likeliest = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let count = likeliest.and_then(|(told, _)| counts.get_mut(*class)?.get_mut(told));
        if let Some(count) = count {
            *count += 1;
        }
    }
    counts
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
    fn a_confusion_matrix_and_its_report_are_those_of_scikit_learn() {
        // sklearn.metrics.classification_report: a 2/3, 1/2, 4/7; b 1/2, 1, 2/3; c 0, 0, 0.
        let logits = [[2.0, 1.0, 0.0], [0.0, 1.0, 0.5], [3.0, 2.0, 1.0], [0.0, 0.5, 0.9]];
        let logits: Vec<f32> = [logits.as_flattened(), &[0.1, 0.2, 0.0, 0.9, 0.2, 0.1]].concat();
        let truth = [0, 0, 0, 0, 1, 2];
        let counts = confusion(&logits, &truth, 3);
        assert_eq!(counts, [[2, 1, 1], [0, 1, 0], [1, 0, 0]]);
        let a = Likeliest::of(&counts, 0);
        assert_eq!((a.precision, a.recall), (Some(2.0 / 3.0), Some(0.5)));
        assert!(a.f1.is_some_and(|f1| (f1 - 4.0 / 7.0).abs() < 1e-12), "{a:?}");
        let b = Likeliest::of(&counts, 1);
        assert_eq!((b.precision, b.recall, b.f1), (Some(0.5), Some(1.0), Some(2.0 / 3.0)));
        let c = Likeliest::of(&counts, 2);
        assert_eq!((c.precision, c.recall, c.f1), (Some(0.0), Some(0.0), Some(0.0)));
        assert_eq!(Likeliest::of(&[vec![3, 0], vec![0, 0]], 1), Likeliest::default());
    }

    #[test]
    fn a_class_without_a_window_has_no_figures() {
        let none = ClassScores::new("gunshot", &[0.2, 0.9], &[false; 2], Likeliest::default());
        assert_eq!((none.windows, none.ap, none.f1, none.threshold), (0, None, None, None));
        let some = ClassScores::new("upcall", &[0.2, 0.9], &[false, true], Likeliest::default());
        assert_eq!((some.windows, some.ap, some.f1), (1, Some(1.0), Some(1.0)));
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
