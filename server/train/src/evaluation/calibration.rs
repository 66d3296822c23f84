//! Whether scores mean what they say: of all windows with a score of 0.8, four in five should hold a call.

use serde::Serialize;

/// How scores and shares agree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Bins of equal width from 0 to 1; those without a window are left out.
    pub bins: Vec<ReliabilityBin>,
    /// Expected calibration error (Naeini and others 2015): the mean difference between score and share over
    /// the bins, each weighted by its windows.
    pub expected_calibration_error: f64,
}

/// Windows with scores in a range.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Scores above this (from 0 on in the first bin).
    pub from: f64,
    /// Up to this.
    pub to: f64,
    /// How many there are.
    pub windows: usize,
    /// Their mean score.
    pub mean_score: f64,
    /// The share of them that holds a call.
    pub share: f64,
}

/// Puts probabilities into bins, as scikit-learn's `calibration_curve` does (`strategy='uniform'`): one on
/// an edge goes below it.
pub fn reliability(scores: &[(f32, bool)], bins: usize) -> Reliability {
    let edge = |i: usize| i as f64 / bins as f64;
    let mut sums = vec![(0usize, 0.0f64, 0usize); bins];
    for (score, is_positive) in scores.iter().filter(|(score, _)| !score.is_nan()) {
        let score = f64::from(*score);
        let bin = (1..bins).take_while(|i| edge(*i) < score).count();
        if let Some((windows, sum, positives)) = sums.get_mut(bin) {
            *windows += 1;
            *sum += score;
            *positives += usize::from(*is_positive);
        }
    }
    let all = sums.iter().map(|(windows, ..)| windows).sum::<usize>() as f64;
    let filled = sums.iter().enumerate().filter(|(_, (windows, ..))| *windows > 0);
    let bins: Vec<ReliabilityBin> = filled
        .map(|(i, (windows, sum, positives))| ReliabilityBin {
            from: edge(i),
            to: edge(i + 1),
            windows: *windows,
            mean_score: sum / *windows as f64,
            share: *positives as f64 / *windows as f64,
        })
        .collect();
    let error =
        bins.iter().map(|bin| bin.windows as f64 / all * (bin.share - bin.mean_score).abs());
    let expected_calibration_error = error.sum();
    Reliability { bins, expected_calibration_error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sure_and_right_has_no_error() {
        let sure = reliability(&[(1.0, true), (0.0, false), (0.0, false)], 10);
        assert_eq!(sure.expected_calibration_error, 0.0);
        assert_eq!(sure.bins.len(), 2);
        let wrong = reliability(&[(1.0, false), (0.0, true)], 10);
        assert_eq!(wrong.expected_calibration_error, 1.0);
        assert!(reliability(&[], 10).bins.is_empty());
    }
}
