//! Layer norm over the last dimension, with gradients of whatever is trained of it.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use pulp::Arch;
use rayon::prelude::*;

use super::super::lanes::{sum, sum_of_pairs};
use super::super::layer_norm::normalise;
use super::super::linear::add;
use super::super::{contiguous, with_values};
use super::gradient;

/// Rows that one thread takes at a time; the same on every machine, so that sums over rows are.
const PIECE_ROWS: usize = 64;

/// (x − mean) / √(variance + eps) · w + b along each row.
pub(crate) fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    let op = LayerNorm { eps: eps as f32 };
    x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)
}

struct LayerNorm {
    eps: f32,
}

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "trained-layer-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, weight) = (contiguous(x, layout)?, contiguous(weight, weight_layout)?);
        let bias = contiguous(bias, bias_layout)?;
        let width = layout.dims().last().copied().unwrap_or(0);
        if width == 0 || weight.len() != width || bias.len() != width {
            candle_core::bail!("a layer norm of {} values for rows of {width}", weight.len());
        }
        let mut values = vec![0.0; x.len()];
        let piece = width * PIECE_ROWS;
        let arch = Arch::new();
        values.par_chunks_mut(piece).zip(x.par_chunks(piece)).for_each(|(out, x)| {
            arch.dispatch(|| {
                for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                    normalise(out, x, weight, bias, self.eps);
                }
            });
        });
        Ok((CpuStorage::F32(values), layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let width = weight.elem_count();
        let grad = grad.contiguous()?;
        let mut by_x = vec![0.0; x.elem_count()];
        let piece = width * PIECE_ROWS;
        let sums: Vec<[Vec<f32>; 2]> = with_values(x, |x| {
            with_values(weight, |weight| {
                with_values(&grad, |g| {
                    let arch = Arch::new();
                    let pieces = by_x.par_chunks_mut(piece).zip(x.par_chunks(piece));
                    let pieces = pieces.zip(g.par_chunks(piece));
                    Ok(pieces
                        .map(|((out, x), g)| {
                            let mut sums = [vec![0.0; width], vec![0.0; width]];
                            arch.dispatch(|| self.rows(out, x, g, weight, &mut sums));
                            sums
                        })
                        .collect())
                })
            })
        })?;
        let mut all = [vec![0.0; width], vec![0.0; width]];
        for sums in &sums {
            all.iter_mut().zip(sums).for_each(|(all, sum)| add(all, sum));
        }
        let [by_weight, by_bias] = all;
        let by_weight = if weight.track_op() { gradient(by_weight, width)? } else { None };
        let by_bias = if bias.track_op() { gradient(by_bias, width)? } else { None };
        let by_x = if x.track_op() { gradient(by_x, x.shape())? } else { None };
        Ok((by_x, by_weight, by_bias))
    }
}

impl LayerNorm {
    /// With x̂ the normalised row and h = g · w: ∂x = (h − mean(h) − x̂ · mean(h · x̂)) / σ, and the sums of
    /// g · x̂ and of g are those of weight and bias.
    #[inline(always)]
    fn rows(
        &self,
        out: &mut [f32],
        x: &[f32],
        g: &[f32],
        weight: &[f32],
        sums: &mut [Vec<f32>; 2],
    ) {
        let width = weight.len();
        let count = width as f32;
        let [by_weight, by_bias] = sums;
        let rows =
            out.chunks_exact_mut(width).zip(x.chunks_exact(width)).zip(g.chunks_exact(width));
        for ((out, x), g) in rows {
            let mean = sum(x, |x| x) / count;
            let variance = sum(x, |x| (x - mean) * (x - mean)) / count;
            let scale = 1.0 / (variance + self.eps).sqrt();
            let slopes = by_weight.iter_mut().zip(by_bias.iter_mut());
            for ((((out, x), g), w), (by_weight, by_bias)) in
                out.iter_mut().zip(x).zip(g).zip(weight).zip(slopes)
            {
                let normed = (x - mean) * scale;
                *by_weight += g * normed;
                *by_bias += g;
                *out = g * w;
            }
            let even = sum(out, |h| h) / count;
            let along = sum_of_pairs(out, x, |h, x| h * (x - mean) * scale) / count;
            for (out, x) in out.iter_mut().zip(x) {
                *out = (*out - even - (x - mean) * scale * along) * scale;
            }
        }
    }
}
