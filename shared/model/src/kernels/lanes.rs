//! Loops over rows of f32 that compile to SIMD.

/// Partial sums that run side by side, so that they fit the widest registers: strict order would keep
/// the compiler from using them.
const LANES: usize = 32;

/// Σ f(x).
#[inline(always)]
pub(super) fn sum(row: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (blocks, rest) = row.as_chunks::<LANES>();
    for block in blocks {
        for (lane, x) in lanes.iter_mut().zip(block) {
            *lane += f(*x);
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane += f(*x);
    }
    lanes.iter().sum()
}

/// Σ f(x, y) of rows of one length.
#[inline(always)]
pub(super) fn sum_of_pairs(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let ((x_blocks, x_rest), (y_blocks, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += f(*x, *y);
        }
    }
    for ((lane, x), y) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
        *lane += f(*x, *y);
    }
    lanes.iter().sum()
}

/// The largest value; −∞ of none.
#[inline(always)]
pub(super) fn largest(row: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (blocks, rest) = row.as_chunks::<LANES>();
    for block in blocks {
        for (lane, x) in lanes.iter_mut().zip(block) {
            *lane = larger(*x, *lane);
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane = larger(*x, *lane);
    }
    lanes.into_iter().fold(f32::NEG_INFINITY, larger)
}

/// Replaces each x by exp(x − `shift`), and gives the sum.
#[inline(always)]
pub(super) fn exponentials(row: &mut [f32], shift: f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (blocks, rest) = row.as_chunks_mut::<LANES>();
    for block in blocks {
        for (lane, x) in lanes.iter_mut().zip(block) {
            *x = exp_of_negative(*x - shift);
            *lane += *x;
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *x = exp_of_negative(*x - shift);
        *lane += *x;
    }
    lanes.iter().sum()
}

/// e^x for x ≤ 0, to 3 units in the last place, without a branch. Below −87 it is e^−87, which is
/// nothing beside the e^0 that every sum of a softmax holds.
///
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2; e^r by its Taylor polynomial of degree 6, whose first term left
/// out is below 2e-7; 2^n by the exponent's bits. ln 2 is split in two so that
/// n·ln 2 is exact (Cody and Waite).
#[inline(always)]
pub(super) fn exp_of_negative(x: f32) -> f32 {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    /// Adding 1.5·2²³ leaves the nearest whole number in the low bits of the mantissa.
    const ROUND: f32 = 12_582_912.0;
    let x = if x > -87.0 { x } else { -87.0 };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let mut p = 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    p * f32::from_bits(rounded.to_bits().wrapping_add(127) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_right_to_three_units_in_the_last_place() {
        for i in 0..870_000 {
            let x = -i as f32 * 1e-4;
            let (ours, exact) = (f64::from(exp_of_negative(x)), f64::from(x).exp());
            assert!((ours / exact - 1.0).abs() < 3e-7, "{x}: {ours} for {exact}");
        }
        assert!(exp_of_negative(-1e30) < 2e-38);
        assert!(exp_of_negative(f32::NEG_INFINITY) < 2e-38);
    }

    #[test]
    fn sums_and_maxima_take_every_value_into_account() {
        for length in [1, 31, 32, 33, 100] {
            let row: Vec<f32> = (1..=length).map(|i| i as f32).collect();
            assert_eq!(sum(&row, |x| x), (length * (length + 1) / 2) as f32);
            assert_eq!(largest(&row), length as f32);
            let squares = (length * (length + 1) * (2 * length + 1) / 6) as f32;
            assert_eq!(sum_of_pairs(&row, &row, |x, y| x * y), squares);
            let mut powers = row.clone();
            let sum = exponentials(&mut powers, length as f32);
            let exact: f64 = row.iter().map(|x| f64::from(x - length as f32).exp()).sum();
            assert!((f64::from(sum) / exact - 1.0).abs() < 1e-6);
        }
    }
}
