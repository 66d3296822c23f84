//! Percentiles of levels.

/// The percentiles that long-term spectra are shown with. The p-th percentile is the level that p % of
/// the values do not exceed, as MANTA and PAMGuide have it; in the notation of airborne noise (ISO 1996)
/// L5 would be the level exceeded 5 % of the time, which is the 95th percentile here.
pub const PERCENTILES: [f64; 9] = [1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0];

/// Percentiles of values, each interpolated straight between the two nearest values
/// (`numpy.nanpercentile(…, method="linear")`, Hyndman and Fan's type 7). Values that are no number are
/// no data; without any, percentiles are NaN. The order of `values` is lost.
pub fn percentiles(values: &mut Vec<f32>, percents: &[f64]) -> Vec<f64> {
    values.retain(|v| !v.is_nan());
    values.sort_unstable_by(f32::total_cmp);
    let at = |rank: usize| f64::from(values[rank]);
    percents.iter().map(|&p| between_ranks(values.len(), p, at)).collect()
}

/// The p-th percentile of `count` values that `at` gives in ascending order; NaN where there is none.
pub(super) fn between_ranks(count: usize, percent: f64, at: impl Fn(usize) -> f64) -> f64 {
    let Some(last) = count.checked_sub(1) else { return f64::NAN };
    let place = percent.clamp(0.0, 100.0) / 100.0 * last as f64;
    let (lower, share) = (place.floor() as usize, place.fract());
    let (low, high) = (at(lower.min(last)), at((lower + 1).min(last)));
    // Nothing is between a level and itself, be it −∞.
    if low == high { low } else { low + share * (high - low) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_the_nearest_values() {
        let mut values = vec![4.0, f32::NAN, 1.0, 3.0, 2.0, 5.0];
        assert_eq!(percentiles(&mut values, &[0.0, 50.0, 90.0, 100.0]), [1.0, 3.0, 4.6, 5.0]);
        assert!(percentiles(&mut vec![f32::NAN], &[50.0])[0].is_nan());
        let mut silent = vec![f32::NEG_INFINITY; 3];
        assert_eq!(percentiles(&mut silent, &[25.0]), [f64::NEG_INFINITY]);
    }
}
