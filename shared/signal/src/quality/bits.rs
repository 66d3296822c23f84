//! The bits of a sample that are used: a recording of 16 bits stored in 24, or a gain set far too low.

use spyhop_api::quality::Bits;

/// A coding finer than this can't be told from samples in f32, whose mantissa has 24 bits.
const FINEST_BITS: u32 = 32;

/// Finds the common step and the range of the samples of a stream.
#[derive(Clone, Debug)]
pub(super) struct BitUse {
    stored: u32,
    scale: f64,
    first: Option<i64>,
    /// Greatest common divisor of all differences from the first sample; 0 while there are none.
    step: u64,
    lowest: f32,
    highest: f32,
}

impl BitUse {
    /// For samples stored in `bits_per_sample` bits; `None` where the coding has none (floats, MP3).
    pub fn new(bits_per_sample: u32) -> Option<BitUse> {
        let stored = (2..=FINEST_BITS).contains(&bits_per_sample).then_some(bits_per_sample)?;
        Some(BitUse {
            stored,
            scale: 2f64.powi(stored as i32 - 1),
            first: None,
            step: 0,
            lowest: f32::INFINITY,
            highest: f32::NEG_INFINITY,
        })
    }

    /// The next sample, which is a number.
    #[inline]
    pub fn push(&mut self, x: f32) {
        self.lowest = self.lowest.min(x);
        self.highest = self.highest.max(x);
        // Once the step is one count, it stays so.
        if self.step != 1 {
            let value = (f64::from(x) * self.scale).round() as i64;
            let first = *self.first.get_or_insert(value);
            self.step = greatest_common_divisor(self.step, value.abs_diff(first));
        }
    }

    /// What was found; `None` where all samples are one value.
    pub fn finish(self) -> Option<Bits> {
        let step = u32::try_from(self.step).ok().filter(|s| *s > 0)?;
        let loudest = f64::from(self.highest.max(-self.lowest)) * self.scale / f64::from(step);
        // One bit more for the sign.
        let used = 1 + loudest.max(1.0).log2().ceil() as u32;
        Some(Bits { stored: self.stored, step, used: used.min(self.stored) })
    }
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
