//! How sure a figure is: the bootstrap over recordings (Efron 1979).
//!
//! Windows and calls of a recording share their weather, their animals and their luck. So whole recordings are
//! drawn, with replacement, as many as there are, and the figure is computed anew from each drawing: 95 % of
//! what comes out is the interval.

use rand::Rng;
use serde::Serialize;

use crate::chance::chance;

/// An interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// 2.5 % of the drawings give less.
    pub low: f64,
    /// 2.5 % give more.
    pub high: f64,
}

/// How recordings are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bootstrap {
    /// How many drawings.
    pub draws: usize,
    /// Decides what is drawn.
    pub seed: u64,
}

impl Default for Bootstrap {
    /// A thousand: the ends of an interval then move by about a twentieth of its width from seed to seed.
    fn default() -> Bootstrap {
        Bootstrap { draws: 1000, seed: 1 }
    }
}

/// The intervals of some figures of `groups` groups. `figures` gets how often each group was drawn; what it
/// gives as `None` can't be computed from that drawing, which then tells nothing of the figure. With fewer
/// than two groups, or where most drawings tell nothing, there is no interval.
pub fn intervals<const N: usize>(
    groups: usize,
    said: Bootstrap,
    mut figures: impl FnMut(&[f64]) -> [Option<f64>; N],
) -> [Option<Interval>; N] {
    let mut found: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(said.draws));
    if groups >= 2 {
        let mut weights = vec![0.0; groups];
        for draw in 0..said.draws {
            let mut stream = chance(said.seed, "bootstrap", &[draw as u64]);
            weights.fill(0.0);
            for _ in 0..groups {
                if let Some(weight) = weights.get_mut(stream.random_range(0..groups)) {
                    *weight += 1.0;
                }
            }
            for (values, value) in found.iter_mut().zip(figures(&weights)) {
                values.extend(value);
            }
        }
    }
    found.map(|mut values| {
        if values.is_empty() || values.len() * 2 < said.draws {
            return None;
        }
        values.sort_by(f64::total_cmp);
        Some(Interval { low: quantile(&values, 0.025), high: quantile(&values, 0.975) })
    })
}

/// A quantile of sorted values, between two of them in proportion: numpy's usual one.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * sorted.len().saturating_sub(1) as f64;
    let below = at.floor() as usize;
    let value = |i: usize| sorted.get(i.min(sorted.len().saturating_sub(1))).copied();
    match (value(below), value(below + 1)) {
        (Some(low), Some(high)) => low + (high - low) * (at - below as f64),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean of 100 numbers: the bootstrap's interval is nearly that of the normal distribution, 1.96
    /// standard errors either way. A thousand drawings tell its ends to about 5 %.
    #[test]
    fn the_interval_of_a_mean_is_that_of_its_standard_error() {
        let values: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 100)).collect();
        let mean = |weights: &[f64]| {
            let sum: f64 = values.iter().zip(weights).map(|(x, w)| x * w).sum();
            [Some(sum / weights.iter().sum::<f64>())]
        };
        let [interval] = intervals(100, Bootstrap::default(), mean);
        let interval = interval.expect("an interval");
        // The deviation of 0, 1, … 99 is √((100² − 1) / 12).
        let error = 1.96 * ((1e4 - 1.0) / 12.0f64).sqrt() / 10.0;
        assert!((interval.low - (49.5 - error)).abs() < 0.1 * error, "{interval:?}");
        assert!((interval.high - (49.5 + error)).abs() < 0.1 * error, "{interval:?}");
        let [again] = intervals(100, Bootstrap::default(), mean);
        assert_eq!(again, Some(interval), "the same seed draws the same");
        let [other] = intervals(100, Bootstrap { seed: 2, ..Bootstrap::default() }, mean);
        assert_ne!(other, Some(interval));
    }

    #[test]
    fn of_one_recording_nothing_is_known() {
        assert_eq!(intervals(1, Bootstrap::default(), |_| [Some(1.0)]), [None]);
        assert_eq!(intervals(5, Bootstrap::default(), |_| [None]), [None]);
    }
}
