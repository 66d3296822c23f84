//! Power as it is stored: hundredths of a decibel in 16 bits.

/// What one step is, dB.
pub const STEP_DB: f64 = 0.01;
/// What stands where nothing was recorded.
pub const GAP: i16 = i16::MIN;

/// Steps in a doubling of power: 10·lg 2 / 0.01.
const STEPS_PER_OCTAVE: f32 = 301.03;
/// The ends of the range, −327.67 and 327.67 dB.
const MOST_STEPS: f32 = 32_767.0;

/// Rounds a power in FS²/Hz to steps of its level, 10·lg. No power at all is the lowest level, −327.67 dB.
#[inline]
pub fn steps_of(power: f32) -> i16 {
    let steps = (log2(power) * STEPS_PER_OCTAVE).clamp(-MOST_STEPS, MOST_STEPS);
    // Rounds away from zero at half a step, without a call.
    (steps + 0.5f32.copysign(steps)) as i16
}

/// Adds the levels of many powers, as [`steps_of`], four and more at a time.
pub fn extend_steps(steps: &mut Vec<i16>, power: &[f32]) {
    steps.extend(power.iter().map(|power| steps_of(*power)));
}

/// The power of a stored level; `None` for a gap.
pub fn power_of(steps: i16) -> Option<f32> {
    (steps != GAP).then(|| 10f64.powf(f64::from(steps) * STEP_DB / 10.0) as f32)
}

/// Logarithm to base 2 of a positive number, to 2e-6 and to rounding (a ten thousandth of a step for
/// each octave from 1); zero and less give −127 or less. Without a branch, so that it is done for many
/// numbers at once.
#[inline(always)]
fn log2(x: f32) -> f32 {
    // x = 2^e · m with m in √½..√2, and ln m by atanh: 2(s + s³/3 + s⁵/5 + s⁷/7 + …), s = (m−1)/(m+1).
    const SQRT_HALF_BITS: i32 = 0x3f35_04f3;
    const TWO_LOG2_E: f32 = 2.885_39;
    let bits = x.max(f32::MIN_POSITIVE).to_bits() as i32 - SQRT_HALF_BITS;
    let exponent = bits >> 23;
    let m = f32::from_bits(((bits & 0x007f_ffff) + SQRT_HALF_BITS) as u32);
    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    // The next term is s¹⁰/11 < 2e-9 of it: |s| is 0.1716 at most.
    let series = 1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0))));
    exponent as f32 + TWO_LOG2_E * s * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_log10_rounded() {
        let mut worst = 0.0f64;
        for i in 0..2_000_000u32 {
            // Every binary order of the normal numbers, evenly.
            let power = f32::from_bits(0x0080_0000 + i * 1000);
            if !(power.is_finite() && power < 1e30 && power > 1e-30) {
                continue;
            }
            let exact = 1000.0 * f64::from(power).log10();
            worst = worst.max((f64::from(steps_of(power)) - exact).abs());
        }
        // Half a step, and f32's rounding of numbers up to 30 000 (2e-3).
        assert!((0.49..0.505).contains(&worst), "{worst}");
    }

    #[test]
    fn what_can_not_be_told_is_held_at_the_ends() {
        assert_eq!(steps_of(1.0), 0);
        for silent in [0.0, -1.0, f32::MIN_POSITIVE, 1e-33] {
            assert_eq!(steps_of(silent), -32_767, "{silent}");
        }
        assert_eq!(steps_of(f32::INFINITY), 32_767);
        assert_eq!((power_of(GAP), power_of(0), power_of(-3000)), (None, Some(1.0), Some(0.001)));
    }
}
