//! Layer norm over the last dimension.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use pulp::Arch;
use rayon::prelude::*;

use super::lanes::sum;
use super::{contiguous, with_values};

/// (x − mean) / √(variance + eps) · w + b along each row.
pub(crate) fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    let op = LayerNorm { weight: weight.clone(), bias: bias.clone(), eps: eps as f32 };
    x.contiguous()?.apply_op1_no_bwd(&op)
}

struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f32,
}

/// Rows that one thread takes at a time.
const PIECE_ROWS: usize = 32;

impl CustomOp1 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = contiguous(x, layout)?;
        let width = layout.dims().last().copied().unwrap_or(0);
        let mut values = vec![0.0; x.len()];
        with_values(&self.weight, |weight| {
            with_values(&self.bias, |bias| {
                if width == 0 || weight.len() != width || bias.len() != width {
                    candle_core::bail!(
                        "a layer norm of {} values for rows of {width}",
                        weight.len()
                    );
                }
                let piece = width * PIECE_ROWS;
                let arch = Arch::new();
                values.par_chunks_mut(piece).zip(x.par_chunks(piece)).for_each(|(out, x)| {
                    arch.dispatch(|| {
                        for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                            normalise(out, x, weight, bias, self.eps);
                        }
                    });
                });
                Ok(())
            })
        })?;
        Ok((CpuStorage::F32(values), layout.shape().clone()))
    }
}

#[inline(always)]
pub(super) fn normalise(out: &mut [f32], x: &[f32], weight: &[f32], bias: &[f32], eps: f32) {
    let count = x.len() as f32;
    let mean = sum(x, |x| x) / count;
    // About the mean, in a pass of its own: the difference of two large sums would lose what eps keeps.
    let variance = sum(x, |x| (x - mean) * (x - mean)) / count;
    let scale = 1.0 / (variance + eps).sqrt();
    for (((out, x), w), b) in out.iter_mut().zip(x).zip(weight).zip(bias) {
        *out = (x - mean) * scale * w + b;
    }
}
