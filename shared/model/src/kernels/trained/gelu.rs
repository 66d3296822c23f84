//! GELU and its derivative, Φ(x) + x φ(x).

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use pulp::Arch;
use rayon::prelude::*;

use super::super::gelu;
use super::super::lanes::exp_of_negative;
use super::super::{contiguous, with_values};
use super::gradient;

/// Values that one thread takes at a time.
const PIECE: usize = 1 << 13;

/// x Φ(x).
pub(crate) fn gelu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Gelu)
}

struct Gelu;

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "trained-gelu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(of(contiguous(x, layout)?)), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let by_x = with_values(&grad.contiguous()?, |g| with_values(x, |x| Ok(back(g, x))))?;
        gradient(by_x, x.shape())
    }
}

/// x Φ(x) of each x.
pub(super) fn of(x: &[f32]) -> Vec<f32> {
    let mut values = x.to_vec();
    let arch = Arch::new();
    values.par_chunks_mut(PIECE).for_each(|piece| arch.dispatch(|| gelu::gelu(piece)));
    values
}

/// The gradient by x of what has the gradient g by x Φ(x).
pub(super) fn back(g: &[f32], x: &[f32]) -> Vec<f32> {
    let mut values = g.to_vec();
    let arch = Arch::new();
    values.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE)).for_each(|(g, x)| {
        arch.dispatch(|| {
            for (g, x) in g.iter_mut().zip(x) {
                *g *= slope(*x);
            }
        });
    });
    values
}

/// Φ(x) + x φ(x), with φ the density and Φ the share of the standard normal distribution.
#[inline(always)]
fn slope(x: f32) -> f32 {
    /// 1 / √(2π)
    const PEAK: f32 = 0.398_942_3;
    let power = exp_of_negative(-0.5 * x * x);
    gelu::share_below(x, power) + x * PEAK * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_that_of_pytorch() {
        // The gradient of torch.nn.functional.gelu in float64 (torch 2.7).
        for (x, theirs) in [
            (-6.0, -3.546870945402639e-08),
            (-3.0, -0.01194564720418392),
            (-1.0, -0.08331547058768635),
            (-0.1, 0.4204769079752698),
            (0.0, 0.5),
            (0.1, 0.5795230920247302),
            (0.7, 0.9766141011336599),
            (1.0, 1.0833154705876864),
            (3.0, 1.011945647204184),
            (20.0, 1.0),
        ] {
            let ours = f64::from(slope(x));
            assert!((ours - theirs).abs() < 5e-7, "{x}: {ours} for {theirs}");
        }
    }
}
