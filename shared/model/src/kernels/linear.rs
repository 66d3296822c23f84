//! A linear layer with its bias and with what comes after it.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use pulp::Arch;
use rayon::prelude::*;

use super::gelu::gelu;
use super::gemm::{Matrix, MatrixMut, Target, Threads, multiply};
use super::{contiguous, with_values};

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

/// Values that one thread takes at a time where a loop is bound by memory.
const PIECE_VALUES: usize = 1 << 16;

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
        let (out, into) = weight_layout.shape().dims2()?;
        let mut shape = x_layout.dims().to_vec();
        match shape.last_mut() {
            Some(last) if *last == into => *last = out,
            _ => candle_core::bail!("a linear layer of {into} inputs is given {shape:?}"),
        }
        let x = contiguous(x, x_layout)?;
        let rows = x.len() / into.max(1);
        // What the product is added to is laid out first: no pass of its own for bias and residual.
        let mut values = self.base(rows, out)?;
        let has_base = self.bias.is_some() || self.residual.is_some();
        multiply(
            MatrixMut { values: &mut values, rows, columns: out, row_stride: out },
            if has_base { Target::Add } else { Target::Replace },
            Matrix { values: x, rows, columns: into, row_stride: into, column_stride: 1 },
            Matrix {
                values: contiguous(weight, weight_layout)?,
                rows: into,
                columns: out,
                row_stride: 1,
                column_stride: into,
            },
            1.0,
            Threads::All,
        )?;
        if self.gelu {
            let arch = Arch::new();
            values.par_chunks_mut(PIECE_VALUES).for_each(|piece| arch.dispatch(|| gelu(piece)));
        }
        Ok((CpuStorage::F32(values), shape.into()))
    }
}

impl Linear {
    /// Residual plus bias in every row, as far as there are such.
    fn base(&self, rows: usize, out: usize) -> Result<Vec<f32>> {
        let mut values = match &self.residual {
            None => vec![0.0; rows * out],
            Some(residual) => with_values(residual, |values| Ok(values.to_vec()))?,
        };
        if values.len() != rows * out {
            candle_core::bail!("a residual of {} values for {rows}×{out}", values.len());
        }
        let Some(bias) = &self.bias else { return Ok(values) };
        with_values(bias, |bias| {
            if bias.len() != out {
                candle_core::bail!("a bias of {} values for {out} outputs", bias.len());
            }
            let arch = Arch::new();
            values.par_chunks_mut(out.max(1) * 64).for_each(|rows| {
                arch.dispatch(|| {
                    for row in rows.chunks_exact_mut(out.max(1)) {
                        for (x, b) in row.iter_mut().zip(bias) {
                            *x += b;
                        }
                    }
                });
            });
            Ok(values)
        })
    }
}
