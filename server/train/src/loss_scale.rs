//! How much larger gradients are made in half precision: f16 holds nothing below 6e-8, where many of them lie.
//!
//! As PyTorch's `GradScaler`: large at first, halved where something overflows, doubled after a long time
//! without. A batch that overflows is computed again instead of being left out. Factors are powers of two, and
//! yet one more or less decides which of the smallest numbers are held at all: it is a part of what training
//! goes on from.

use serde::{Deserialize, Serialize};
use spyhop_config::Precision;

use crate::TrainError;

const FIRST: f32 = 65_536.0;
const DOUBLED_AFTER: u32 = 2000;

/// A factor, and for how many batches it was right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossScale {
    factor: f32,
    right_for: u32,
    is_fixed: bool,
}

impl LossScale {
    /// One that begins anew; bf16 and f32 need none.
    pub fn of(precision: Precision) -> LossScale {
        let is_fixed = precision != Precision::F16;
        LossScale { factor: if is_fixed { 1.0 } else { FIRST }, right_for: 0, is_fixed }
    }

    /// What is to be kept of it; nothing where it never changes.
    pub fn kept(self) -> Option<LossScale> {
        (!self.is_fixed).then_some(self)
    }

    /// What gradients are multiplied by.
    pub fn factor(self) -> f32 {
        self.factor
    }

    /// Told of each batch whether it overflowed; answers whether a smaller factor is worth a try.
    ///
    /// # Errors
    /// When `overflowed` fails.
    pub fn try_less(
        &mut self,
        overflowed: impl FnOnce() -> Result<bool, TrainError>,
    ) -> Result<bool, TrainError> {
        if self.is_fixed {
            return Ok(false);
        }
        if overflowed()? {
            self.right_for = 0;
            let was = self.factor;
            self.factor = (was / 2.0).max(1.0);
            return Ok(self.factor < was);
        }
        self.right_for += 1;
        if self.right_for == DOUBLED_AFTER {
            self.right_for = 0;
            self.factor *= 2.0;
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(scale: &mut LossScale, overflowed: bool) -> bool {
        scale.try_less(|| Ok(overflowed)).expect("nothing fails")
    }

    #[test]
    fn what_overflows_is_tried_with_less_until_nothing_is_left_to_take_away() {
        let mut scale = LossScale::of(Precision::F16);
        for _ in 0..16 {
            assert!(told(&mut scale, true));
        }
        assert_eq!(scale.factor(), 1.0);
        assert!(!told(&mut scale, true));
    }

    #[test]
    fn it_grows_after_a_long_time_without_overflow_alone() {
        let mut scale = LossScale::of(Precision::F16);
        assert!(told(&mut scale, true));
        for _ in 0..DOUBLED_AFTER - 1 {
            assert!(!told(&mut scale, false));
        }
        assert_eq!(scale.factor(), FIRST / 2.0);
        assert!(!told(&mut scale, false));
        assert_eq!(scale.factor(), FIRST);
    }

    #[test]
    fn what_is_kept_of_it_goes_on_where_it_was() {
        let mut scale = LossScale::of(Precision::F16);
        assert!(told(&mut scale, true));
        (0..DOUBLED_AFTER - 1).for_each(|_| assert!(!told(&mut scale, false)));
        let text = serde_json::to_string(&scale.kept()).expect("JSON");
        let mut kept: LossScale = serde_json::from_str(&text).expect("read back");
        assert_eq!(kept, scale);
        assert!(!told(&mut kept, false));
        assert_eq!(kept.factor(), FIRST);
    }

    #[test]
    fn numbers_with_the_range_of_f32_need_none() {
        for precision in [Precision::F32, Precision::Bf16] {
            let mut scale = LossScale::of(precision);
            assert!(!told(&mut scale, true));
            assert_eq!((scale.factor(), scale.kept()), (1.0, None));
        }
    }
}
