//! Power to decibels, many times a frame.

/// 10·lg 2: decibels in a factor of two.
const DB_PER_OCTAVE: f32 = 3.010_3;

/// 10·lg(power) to within 0.001 dB for any positive normal number; zero and what is smaller than any
/// normal number gives less than −379 dB, NaN stays NaN.
///
/// The exponent is read from the float's bits. On the mantissa 1 + t the logarithm is
/// t + t(1 − t)·q(t), exact at both ends so that there is no step between octaves; q is the minimax
/// polynomial of degree 3 (greatest error 1.6e-5 octaves).
pub(super) fn power_to_db(power: f32) -> f32 {
    let bits = power.to_bits();
    let exponent = ((bits >> 23) & 0xff) as i32 - 127;
    let t = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000) - 1.0;
    let q = 0.441_917_03 + t * (-0.267_179_4 + t * (0.148_426_64 - t * 0.045_149_04));
    let db = DB_PER_OCTAVE * (exponent as f32 + t + t * (1.0 - t) * q);
    if power.is_nan() { f32::NAN } else { db }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decibels_are_right_to_a_thousandth() {
        let mut power = 1e-30f32;
        while power < 1e30 {
            let exact = 10.0 * f64::from(power).log10();
            assert!((f64::from(power_to_db(power)) - exact).abs() < 1e-3, "{power}");
            power *= 1.0137;
        }
    }

    #[test]
    fn silence_is_far_below_any_floor() {
        assert!(power_to_db(0.0) < -379.0);
        assert!(power_to_db(f32::MIN_POSITIVE / 4.0) < -379.0);
        assert!(power_to_db(f32::NAN).is_nan());
    }
}
