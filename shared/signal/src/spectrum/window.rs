//! Window functions, as `scipy.signal.get_window` gives them.

use std::f64::consts::TAU;

use spyhop_api::view::Window;

/// Coefficients of a window of `samples` samples. Periodic ones (all but
/// [`Window::HannSymmetric`]) are the symmetric window of one sample more, cut at its end.
pub fn window_coefficients(window: Window, samples: usize) -> Vec<f64> {
    if samples <= 1 {
        return vec![1.0; samples];
    }
    let last = match window {
        Window::HannSymmetric => samples - 1,
        _ => samples,
    } as f64;
    let at: Box<dyn Fn(f64) -> f64> = match window {
        Window::Hann | Window::HannSymmetric => cosines(&[0.5, 0.5]),
        Window::Hamming => cosines(&[0.54, 0.46]),
        Window::Blackman => cosines(&[0.42, 0.50, 0.08]),
        Window::BlackmanHarris => cosines(&[0.35875, 0.48829, 0.14128, 0.01168]),
        Window::Kaiser(beta) => {
            let peak = bessel_i0(beta);
            Box::new(move |x| {
                let r = 2.0 * x - 1.0;
                bessel_i0(beta * (1.0 - r * r).max(0.0).sqrt()) / peak
            })
        }
        Window::Rectangular => Box::new(|_| 1.0),
    };
    (0..samples).map(|i| at(i as f64 / last)).collect()
}

/// a₀ − a₁ cos 2πx + a₂ cos 4πx − …
fn cosines(terms: &'static [f64]) -> Box<dyn Fn(f64) -> f64> {
    Box::new(move |x| {
        let term = |(k, a): (usize, &f64)| {
            let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
            sign * a * (TAU * k as f64 * x).cos()
        };
        terms.iter().enumerate().map(term).sum()
    })
}

/// Modified Bessel function of the first kind, order zero: Σ ((x/2)^k / k!)², which converges for
/// every x and is exact to rounding because all terms are positive.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > sum * f64::EPSILON / 4.0 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}
