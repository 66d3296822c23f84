//! x Wᵀ + b, with gradients of whatever is trained of the three.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};
use pulp::Arch;
use rayon::prelude::*;

use super::super::gemm::{Matrix, product};
use super::super::linear::{add, product_with};
use super::super::{contiguous, with_values};
use super::{gelu, gradient};

/// Rows whose gradients are summed at a time; the same on every machine, so that sums are.
const PIECE_ROWS: usize = 256;

/// x Wᵀ + b; x is (…, in), W (out, in), b (out).
pub(crate) fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    match bias {
        Some(bias) => x.apply_op3(&weight, &bias.contiguous()?, Linear),
        None => x.apply_op2(&weight, Linear),
    }
}

/// The same, followed by GELU: one step for candle, which adds the gradient of each step's result to zeros.
pub(crate) fn linear_gelu(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let op = LinearGelu { inside: OnceLock::new() };
    x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)
}

struct Linear;

struct LinearGelu {
    /// x Wᵀ + b.
    inside: OnceLock<Vec<f32>>,
}

impl Linear {
    fn backward_with_bias(
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [by_x, by_weight] = Linear::backward(x, weight, grad)?;
        let by_bias = match bias.track_op() {
            false => None,
            true => with_values(&grad.contiguous()?, |g| {
                gradient(column_sums(g, bias.elem_count()), bias.shape())
            })?,
        };
        Ok((by_x, by_weight, by_bias))
    }

    fn backward(x: &Tensor, weight: &Tensor, grad: &Tensor) -> Result<[Option<Tensor>; 2]> {
        let (out, into) = weight.dims2()?;
        let grad = grad.contiguous()?;
        let rows = grad.elem_count() / out.max(1);
        with_values(&grad, |g| {
            let by_x = match x.track_op() {
                false => None,
                true => with_values(weight, |weight| {
                    let (g, w) = (Matrix::whole(g, rows, out), Matrix::whole(weight, out, into));
                    gradient(product(g, w)?, x.shape())
                })?,
            };
            let by_weight = match weight.track_op() {
                false => None,
                true => with_values(x, |x| {
                    let (g, x) = (Matrix::whole(g, rows, out), Matrix::whole(x, rows, into));
                    gradient(product(g.transposed(), x)?, (out, into))
                })?,
            };
            Ok([by_x, by_weight])
        })
    }
}

impl CustomOp2 for Linear {
    fn name(&self) -> &'static str {
        "trained-linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (values, shape) = product_with(x, x_layout, weight, weight_layout)?;
        Ok((CpuStorage::F32(values), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Linear::backward(x, weight, grad).map(|[by_x, by_weight]| (by_x, by_weight))
    }
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "trained-linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (values, shape) =
            product_and_bias(x, x_layout, weight, weight_layout, bias, bias_layout)?;
        Ok((CpuStorage::F32(values), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        Linear::backward_with_bias(x, weight, bias, grad)
    }
}

impl CustomOp3 for LinearGelu {
    fn name(&self) -> &'static str {
        "trained-linear-gelu"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (inside, shape) =
            product_and_bias(x, x_layout, weight, weight_layout, bias, bias_layout)?;
        Ok((CpuStorage::F32(gelu::of(self.inside.get_or_init(|| inside))), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Some(inside) = self.inside.get() else {
            candle_core::bail!("the way back through what was never computed");
        };
        let by_inside = with_values(&grad.contiguous()?, |g| Ok(gelu::back(g, inside)))?;
        let by_inside = Tensor::from_vec(by_inside, result.shape(), result.device())?;
        Linear::backward_with_bias(x, weight, bias, &by_inside)
    }
}

fn product_and_bias(
    x: &CpuStorage,
    x_layout: &Layout,
    weight: &CpuStorage,
    weight_layout: &Layout,
    bias: &CpuStorage,
    bias_layout: &Layout,
) -> Result<(Vec<f32>, Shape)> {
    let (mut values, shape) = product_with(x, x_layout, weight, weight_layout)?;
    let (bias, out) = (contiguous(bias, bias_layout)?, shape.dims().last().copied().unwrap_or(0));
    if bias.len() != out {
        candle_core::bail!("a bias of {} values for {out} outputs", bias.len());
    }
    let arch = Arch::new();
    values.par_chunks_mut((out * PIECE_ROWS).max(1)).for_each(|rows| {
        arch.dispatch(|| rows.chunks_exact_mut(out).for_each(|row| add(row, bias)));
    });
    Ok((values, shape))
}

/// Sums over rows, in an order that does not depend on threads.
fn column_sums(values: &[f32], columns: usize) -> Vec<f32> {
    let sums: Vec<Vec<f32>> = values
        .par_chunks((columns * PIECE_ROWS).max(1))
        .map(|rows| {
            let mut sum = vec![0.0; columns];
            rows.chunks_exact(columns).for_each(|row| add(&mut sum, row));
            sum
        })
        .collect();
    let mut all = vec![0.0; columns];
    sums.iter().for_each(|sum| add(&mut all, sum));
    all
}
