//! A linear layer with its bias and with what comes after it.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use pulp::Arch;
use rayon::prelude::*;

use super::gelu::gelu;
use super::gemm::{Matrix, product};
use super::{contiguous, with_values_if_any};

/// What follows on a linear layer.
#[derive(Clone, Copy)]
pub(crate) enum After<'a> {
    /// Nothing.
    Nothing,
    /// GELU.
    Gelu,
    /// The residual is added, shaped like the result.
    Add(&'a Tensor),
}

/// Rows that one thread takes at a time.
const PIECE_ROWS: usize = 16;

/// x Wᵀ + b and what comes after it; x is (…, in), W (out, in), b (out).
pub(crate) fn linear(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    after: After<'_>,
) -> Result<Tensor> {
    let residual = match after {
        After::Add(residual) => Some(residual.contiguous()?),
        After::Nothing | After::Gelu => None,
    };
    let op = Linear { bias: bias.cloned(), residual, gelu: matches!(after, After::Gelu) };
    x.contiguous()?.apply_op2_no_bwd(weight, &op)
}

/// x Wᵀ and its shape; x is (…, in), W (out, in).
pub(super) fn product_with(
    x: &CpuStorage,
    x_layout: &Layout,
    weight: &CpuStorage,
    weight_layout: &Layout,
) -> Result<(Vec<f32>, Shape)> {
    let (out, into) = weight_layout.shape().dims2()?;
    let mut shape = x_layout.dims().to_vec();
    match shape.last_mut() {
        Some(last) if *last == into => *last = out,
        _ => candle_core::bail!("a linear layer of {into} inputs is given {shape:?}"),
    }
    let (x, weight) = (contiguous(x, x_layout)?, contiguous(weight, weight_layout)?);
    let rows = x.len() / into.max(1);
    let weight = Matrix::whole(weight, out, into).transposed();
    Ok((product(Matrix::whole(x, rows, into), weight)?, shape.into()))
}

struct Linear {
    bias: Option<Tensor>,
    residual: Option<Tensor>,
    gelu: bool,
}

impl CustomOp2 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (mut values, shape) = product_with(x, x_layout, weight, weight_layout)?;
        self.finish(&mut values, shape.dims().last().copied().unwrap_or(0))?;
        Ok((CpuStorage::F32(values), shape))
    }
}

impl Linear {
    /// Adds the bias to every row, and does what comes after it, in one pass.
    fn finish(&self, values: &mut [f32], out: usize) -> Result<()> {
        with_values_if_any(self.bias.as_ref(), |bias| {
            with_values_if_any(self.residual.as_ref(), |residual| {
                let fits = |given: &[f32], length| given.is_empty() || given.len() == length;
                if !fits(bias, out) || !fits(residual, values.len()) {
                    candle_core::bail!("bias or residual of another shape than the result");
                }
                self.finish_rows(values, bias, residual, out.max(1));
                Ok(())
            })
        })
    }

    fn finish_rows(&self, values: &mut [f32], bias: &[f32], residual: &[f32], out: usize) {
        let arch = Arch::new();
        let piece = out * PIECE_ROWS;
        values.par_chunks_mut(piece).enumerate().for_each(|(i, rows)| {
            let residual = residual.get(i * piece..).unwrap_or_default();
            arch.dispatch(|| {
                for row in rows.chunks_exact_mut(out) {
                    add(row, bias);
                    if self.gelu {
                        gelu(row);
                    }
                }
                add(rows, residual);
            });
        });
    }
}

#[inline(always)]
pub(super) fn add(to: &mut [f32], what: &[f32]) {
    for (x, y) in to.iter_mut().zip(what) {
        *x += y;
    }
}
