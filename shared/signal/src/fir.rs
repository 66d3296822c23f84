//! Finite impulse responses by Kaiser's method: linear phase, a stop band as deep as asked for.
//!
//! J. F. Kaiser, *Nonrecursive digital filter design using the I0-sinh window function*, 1974; the
//! same formulas as `scipy.signal.kaiserord` and `firwin`.

use std::f64::consts::{PI, TAU};

use spyhop_api::view::Window;

use crate::spectrum::window_coefficients;

/// Kaiser's β for a stop band of at least 50 dB.
pub(crate) fn kaiser_beta(attenuation_db: f64) -> f64 {
    0.1102 * (attenuation_db - 8.7)
}

/// How many taps (odd) reach an attenuation with a transition of so many cycles a sample.
pub(crate) fn kaiser_taps(attenuation_db: f64, transition: f64) -> usize {
    let taps = ((attenuation_db - 7.95) / (2.285 * TAU * transition) + 1.0).ceil();
    (taps.clamp(3.0, 1e7) as usize) | 1
}

/// The transition, in cycles a sample, that so many taps give.
pub(crate) fn kaiser_transition(attenuation_db: f64, taps: usize) -> f64 {
    (attenuation_db - 7.95) / (2.285 * TAU * (taps.max(3) - 1) as f64)
}

/// Symmetric Kaiser window of `length` ≥ 2 points.
pub(crate) fn kaiser_window(length: usize, beta: f64) -> Vec<f64> {
    // A periodic window is a symmetric one without its last point, which equals its first.
    let mut window = window_coefficients(Window::Kaiser(beta), length - 1);
    window.extend(window.first().copied());
    window
}

/// Low pass with its −6 dB point at `cutoff` cycles a sample (0 to 0.5) and unit gain at zero.
pub(crate) fn low_pass(taps: usize, cutoff: f64, beta: f64) -> Vec<f64> {
    let middle = (taps - 1) as f64 / 2.0;
    let mut response: Vec<f64> = kaiser_window(taps, beta)
        .iter()
        .enumerate()
        .map(|(i, w)| w * 2.0 * cutoff * sinc(2.0 * cutoff * (i as f64 - middle)))
        .collect();
    let sum: f64 = response.iter().sum();
    response.iter_mut().for_each(|h| *h /= sum);
    response
}

/// sin πx / πx.
pub(crate) fn sinc(x: f64) -> f64 {
    let y = PI * x;
    if y.abs() < 1e-9 { 1.0 } else { y.sin() / y }
}

/// Scalar product in eight lanes, so that the compiler may use the machine's wide registers; float
/// sums are never reordered for us.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_lanes, a_rest) = a.as_chunks::<8>();
    let (b_lanes, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0f32; 8];
    for (x, y) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn low_passes_are_scipys() {
        let fixture = include_str!("../tests/fixtures/scipy_filters.json");
        let fixture: Value = serde_json::from_str(fixture).expect("valid JSON");
        for case in fixture["low_passes"].as_array().expect("an array") {
            let number = |key: &str| case[key].as_f64().expect("a number");
            let attenuation = number("attenuation");
            let taps = kaiser_taps(attenuation, number("transition"));
            assert_eq!(taps as f64, number("taps"));
            let beta = kaiser_beta(attenuation);
            assert!((beta - number("beta")).abs() < 1e-12);
            // As many taps give back at most the transition that asked for them.
            assert!(kaiser_transition(attenuation, taps) <= number("transition"));
            let values = case["values"].as_array().expect("an array");
            let ours = low_pass(taps, number("cutoff"), beta);
            for (k, theirs) in values.iter().enumerate() {
                let theirs = theirs.as_f64().expect("a number");
                // Both in f64; the Bessel series differ in the last digits.
                assert!((ours[k] - theirs).abs() < 1e-13, "tap {k}: {} for {theirs}", ours[k]);
                assert!((ours[k] - ours[taps - 1 - k]).abs() < 1e-14, "tap {k} has no twin");
            }
        }
    }

    #[test]
    fn a_product_in_lanes_is_the_product() {
        for length in [0, 1, 7, 8, 9, 31, 64] {
            let a: Vec<f32> = (0..length).map(|i| i as f32).collect();
            let sum: f32 = (0..length).map(|i| (i * i) as f32).sum();
            assert_eq!(dot(&a, &a), sum);
        }
    }
}
