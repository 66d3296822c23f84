//! The rule of the maximum overlay.

/// Euler–Mascheroni constant: the mean of the largest of N unit exponentials is about ln N + γ.
const EULER_GAMMA: f64 = 0.577;
/// Head room above what noise alone reaches.
const MARGIN_DB: f64 = 3.0;

/// By how many dB a maximum must exceed the mean to be drawn: what the largest of `frames`
/// independent frames of plain noise has above its mean, and 3 dB. Where rows pool several bins, their number
/// multiplies `frames`: each bin is a draw of its own.
pub fn peak_threshold_db(frames: f64) -> f64 {
    10.0 * (frames.max(1.0).ln() + EULER_GAMMA).log10() + MARGIN_DB
}
