//! Score curves: the best score in each bin of time.

use std::collections::BTreeMap;
use std::ops::Range;

use spyhop_api::detection::{DetectionClass, ScoreCurve, ScoreCurves};
use spyhop_signal::detect::listen::ScoreRow;

use super::store::{CURVE_POINTS, StoreError, StoredRun, StoredUnit, moment};

/// Bins of a curve, whatever is asked.
const MOST_BINS: i64 = 20_000;

/// The best score of each class in each part of a unit's span.
pub fn curve_of(span_ns: &Range<i64>, classes: usize, scores: &[ScoreRow]) -> Vec<f32> {
    let mut curve = vec![f32::NAN; classes * CURVE_POINTS];
    let length_ns = span_ns.end - span_ns.start;
    for row in scores {
        let after_ns = i128::from(row.start_ns - span_ns.start);
        let point = (after_ns * CURVE_POINTS as i128 / i128::from(length_ns.max(1))) as usize;
        for (class, score) in row.scores.iter().enumerate() {
            if let Some(best) = curve.get_mut(class * CURVE_POINTS + point.min(CURVE_POINTS - 1)) {
                // The greater of the two, and the number where one is none.
                *best = best.max(*score);
            }
        }
    }
    curve
}

/// Best scores by bin, as they come in.
pub struct Curves {
    bin_ns: i64,
    classes: usize,
    /// By number of the bin.
    bins: BTreeMap<i64, Vec<f32>>,
}

impl Curves {
    /// # Errors
    /// When a bin is none.
    pub fn new(classes: usize, bin_ns: i64) -> Result<Curves, StoreError> {
        if bin_ns <= 0 {
            return Err(StoreError::Invalid("a bin must be longer than nothing".into()));
        }
        Ok(Curves { bin_ns, classes, bins: BTreeMap::new() })
    }

    /// Takes the scores of a piece of time.
    ///
    /// # Errors
    /// When there would be too many bins.
    pub fn add(&mut self, start_ns: i64, scores: &[f32]) -> Result<(), StoreError> {
        let bin = start_ns.div_euclid(self.bin_ns);
        let first = self.bins.first_key_value().map_or(bin, |(first, _)| (*first).min(bin));
        let last = self.bins.last_key_value().map_or(bin, |(last, _)| (*last).max(bin));
        if last - first >= MOST_BINS {
            return Err(StoreError::Invalid(format!(
                "that is more than {MOST_BINS} bins, which are given at once: ask for longer ones, or for less time"
            )));
        }
        let best = self.bins.entry(bin).or_insert_with(|| vec![f32::NAN; self.classes]);
        best.iter_mut().zip(scores).for_each(|(best, score)| *best = best.max(*score));
        Ok(())
    }

    /// Takes the curve of a unit, as far as it lies in a span.
    ///
    /// # Errors
    /// When there would be too many bins.
    pub fn add_points(
        &mut self,
        unit: &StoredUnit,
        point_ns: i64,
        span_ns: Range<i64>,
    ) -> Result<(), StoreError> {
        for point in 0..CURVE_POINTS {
            let start_ns = unit.start_ns + point as i64 * point_ns;
            let scores: Vec<f32> = (0..self.classes)
                .filter_map(|class| unit.curve.get(class * CURVE_POINTS + point).copied())
                .collect();
            let is_inside = start_ns < span_ns.end && start_ns + point_ns > span_ns.start;
            if is_inside && scores.iter().any(|score| !score.is_nan()) {
                self.add(start_ns, &scores)?;
            }
        }
        Ok(())
    }

    /// As it is told.
    pub fn told(self, run: &StoredRun) -> ScoreCurves {
        let ends = self.bins.first_key_value().zip(self.bins.last_key_value());
        let span = ends.map(|((first, _), (last, _))| *first..*last + 1);
        let class = |(index, class): (usize, &DetectionClass)| {
            let scores = span.clone().into_iter().flatten().map(|bin| {
                let best = self.bins.get(&bin)?.get(index).copied()?;
                (!best.is_nan()).then_some(best)
            });
            ScoreCurve { class: class.name.clone(), scores: scores.collect() }
        };
        ScoreCurves {
            start: span.as_ref().map(|span| moment(run, span.start.saturating_mul(self.bin_ns))),
            bin_ns: self.bin_ns,
            classes: run.classes.iter().enumerate().map(class).collect(),
        }
    }
}
