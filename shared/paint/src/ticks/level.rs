//! Ticks of a level axis, decibels.

use super::{Ticks, decimals, number, range_step};

/// Least distance between two labels, in font sizes.
const LABEL_DISTANCE: f64 = 3.0;

/// Ticks of a level axis from `floor_db` to `ceiling_db` that is `length_px` long, for labels of
/// `font_px` beside it.
pub fn level_ticks(floor_db: f64, ceiling_db: f64, length_px: f64, font_px: f64) -> Ticks {
    let range = ceiling_db - floor_db;
    if !(range > 0.0 && range.is_finite() && floor_db.is_finite() && length_px > 0.0) {
        return Ticks { unit: "dB".into(), ..Ticks::default() };
    }
    let (step, fine) = range_step(range, range * font_px * LABEL_DISTANCE / length_px);
    Ticks {
        ticks: super::linear(floor_db, ceiling_db, step, fine, |v| number(v, decimals(step))),
        unit: "dB".into(),
        context: String::new(),
    }
}
