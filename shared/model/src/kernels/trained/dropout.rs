//! Dropout: what is dropped is found again on the way back, and never kept.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use pulp::Arch;

use super::super::{contiguous, with_values};
use super::gradient;

/// Which values are dropped.
#[derive(Clone, Copy)]
pub(crate) struct Drops {
    /// The first value's number; the others' follow it.
    pub(crate) first: u64,
    /// A value is dropped where its number, mixed, lies below this.
    pub(crate) below: u64,
    /// What the others are multiplied by.
    pub(crate) raised: f32,
}

/// Sets some values to zero, and raises the others.
pub(crate) fn dropout(x: &Tensor, drops: Drops) -> Result<Tensor> {
    x.contiguous()?.apply_op1(drops)
}

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014).
#[inline(always)]
pub(crate) fn mixed(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Drops {
    pub(crate) fn of(self, values: &[f32]) -> Vec<f32> {
        let mut values = values.to_vec();
        Arch::new().dispatch(|| {
            for (i, x) in values.iter_mut().enumerate() {
                let chance = mixed(self.first.wrapping_add(i as u64));
                *x *= if chance < self.below { 0.0 } else { self.raised };
            }
        });
        values
    }
}

impl CustomOp1 for Drops {
    fn name(&self) -> &'static str {
        "trained-dropout"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(self.of(contiguous(x, layout)?)), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        gradient(with_values(&grad.contiguous()?, |g| Ok(self.of(g)))?, x.shape())
    }
}
