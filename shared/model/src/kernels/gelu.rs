//! GELU by the error function, x·Φ(x).

use super::lanes::exp_of_negative;

/// Replaces each x by its GELU, to 2e-7 + 1e-7·|x|.
///
/// x·Φ(x) = max(x, 0) − |x|/2 · erfc(|x|/√2), with erfc(z) = (a₁t + … + a₅t⁵)·e^−z² and
/// t = 1 / (1 + 0.3275911 z) (Abramowitz and Stegun 7.1.26, good to 1.5e-7; PyTorch's vectorised
/// kernels use it too).
#[inline(always)]
pub(super) fn gelu(values: &mut [f32]) {
    for x in values {
        *x = gelu_of(*x);
    }
}

#[inline(always)]
fn gelu_of(x: f32) -> f32 {
    let size = x.abs();
    let z = size * std::f32::consts::FRAC_1_SQRT_2;
    let above = if x > 0.0 { x } else { 0.0 };
    above - 0.5 * size * erfc(z, exp_of_negative(-z * z))
}

/// Φ(x), the share of the standard normal distribution below x; `power` is e^−x²/2.
#[inline(always)]
pub(crate) fn share_below(x: f32, power: f32) -> f32 {
    let tail = 0.5 * erfc(x.abs() * std::f32::consts::FRAC_1_SQRT_2, power);
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// erfc(z) for z ≥ 0; `power` is e^−z².
#[inline(always)]
fn erfc(z: f32, power: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let mut p = 1.061_405_4;
    p = p * t - 1.453_152_1;
    p = p * t + 1.421_413_8;
    p = p * t - 0.284_496_74;
    p = p * t + 0.254_829_6;
    p * t * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_gelu_of_pytorch() {
        // torch.nn.functional.gelu in float64 (torch 2.7).
        for (x, theirs) in [
            (-6.0, -5.919526173966e-09),
            (-3.0, -0.00404969409489031),
            (-1.0, -0.15865525393145707),
            (-0.1, -0.04601721627229711),
            (0.0, 0.0),
            (0.1, 0.0539827837277029),
            (0.7, 0.5306252544364486),
            (1.0, 0.8413447460685429),
            (3.0, 2.99595030590511),
            (20.0, 20.0),
        ] {
            let ours = f64::from(gelu_of(x));
            let allowed = 2e-7 + 1e-7 * f64::from(x.abs());
            assert!((ours - theirs).abs() <= allowed, "{x}: {ours} for {theirs}");
        }
    }
}
