//! Score curves: the best score in each bin of time.

use std::ops::Range;

use spyhop_api::binned::Curves;
use spyhop_signal::detect::listen::ScoreRow;

use super::store::{CURVE_POINTS, StoreError, StoredUnit};

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

/// Gives the curve of a unit to `curves` whose bins are longer than its parts, as far as it lies in a span.
///
/// # Errors
/// When there would be too many bins.
pub fn add_points(
    curves: &mut Curves,
    unit: &StoredUnit,
    point_ns: i64,
    span_ns: Range<i64>,
) -> Result<(), StoreError> {
    let classes = unit.curve.len() / CURVE_POINTS;
    for point in 0..CURVE_POINTS {
        let start_ns = unit.start_ns + point as i64 * point_ns;
        let scores: Vec<f32> = (0..classes)
            .filter_map(|class| unit.curve.get(class * CURVE_POINTS + point).copied())
            .collect();
        let is_inside = start_ns < span_ns.end && start_ns + point_ns > span_ns.start;
        if is_inside && scores.iter().any(|score| !score.is_nan()) {
            curves.add(start_ns, &scores)?;
        }
    }
    Ok(())
}
