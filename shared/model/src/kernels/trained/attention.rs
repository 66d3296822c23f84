//! Attention, with gradients of queries, keys and values. The shares of keys are computed again on the way
//! back, and never kept: a head's fit into the processor's second cache, all heads' do not.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use pulp::Arch;
use rayon::prelude::*;

use super::super::gemm::{Matrix, MatrixMut, multiply};
use super::super::lanes::{exponentials, largest, sum_of_pairs};
use super::super::{contiguous, with_values, within};
use super::gradient;

/// softmax(q kᵀ / √d) v of each head. `q` is (batch, queries, width), `k` and `v` (batch, keys, width); heads
/// lie side by side along the width. Gives (batch, queries, width).
pub(crate) fn attention(q: &Tensor, k: &Tensor, v: &Tensor, heads: usize) -> Result<Tensor> {
    q.contiguous()?.apply_op3(&k.contiguous()?, &v.contiguous()?, Attention { heads })
}

struct Attention {
    heads: usize,
}

/// How large everything is.
#[derive(Clone, Copy)]
struct Sizes {
    queries: usize,
    keys: usize,
    width: usize,
    heads: usize,
}

impl Sizes {
    fn of(q: &Shape, k: &Shape, heads: usize) -> Result<Sizes> {
        let ((batch, queries, width), (batch_of_k, keys, width_of_k)) = (q.dims3()?, k.dims3()?);
        let fits = heads > 0 && width % heads == 0 && batch == batch_of_k && width == width_of_k;
        if !fits || keys == 0 {
            candle_core::bail!("attention of {heads} heads to {width_of_k} of {width}");
        }
        Ok(Sizes { queries, keys, width, heads })
    }

    fn head_size(self) -> usize {
        self.width / self.heads
    }

    /// One head of one window among values (batch, rows, width).
    fn part(self, values: &[f32], rows: usize, head: usize) -> Result<Matrix<'_>> {
        let start = self.start(rows, head);
        Ok(Matrix {
            values: within(values, start..values.len())?,
            rows,
            columns: self.head_size(),
            row_stride: self.width,
            column_stride: 1,
        })
    }

    fn start(self, rows: usize, head: usize) -> usize {
        head / self.heads * rows * self.width + head % self.heads * self.head_size()
    }

    /// The values of one window, which one thread writes.
    fn window(self, rows: usize, window: usize) -> Range<usize> {
        window * rows * self.width..(window + 1) * rows * self.width
    }
}

/// Shares of keys for each query of a head.
fn shares(sizes: Sizes, q: Matrix<'_>, k: Matrix<'_>, shares: &mut [f32]) -> Result<()> {
    let (rows, columns) = (sizes.queries, sizes.keys);
    let scale = 1.0 / (sizes.head_size() as f32).sqrt();
    let target = MatrixMut { values: shares, rows, columns, row_stride: columns };
    multiply(target, q, k.transposed(), scale)?;
    Arch::new().dispatch(|| {
        for row in shares.chunks_exact_mut(columns) {
            let most = largest(row);
            let scale = 1.0 / exponentials(row, most);
            for share in row {
                *share *= scale;
            }
        }
    });
    Ok(())
}

impl CustomOp3 for Attention {
    fn name(&self) -> &'static str {
        "trained-attention"
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        q_layout: &Layout,
        k: &CpuStorage,
        k_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = Sizes::of(q_layout.shape(), k_layout.shape(), self.heads)?;
        let (q, k) = (contiguous(q, q_layout)?, contiguous(k, k_layout)?);
        let v = contiguous(v, v_layout)?;
        let Sizes { queries, keys, width, heads, .. } = sizes;
        let mut values = vec![0.0; q.len()];
        values.par_chunks_mut((queries * width).max(1)).enumerate().try_for_each(
            |(window, out)| {
                let mut of_keys = vec![0.0; queries * keys];
                for head in window * heads..(window + 1) * heads {
                    let (q, k) = (sizes.part(q, queries, head)?, sizes.part(k, keys, head)?);
                    shares(sizes, q, k, &mut of_keys)?;
                    let first = head % heads * sizes.head_size();
                    let out = out.get_mut(first..).unwrap_or_default();
                    let target = MatrixMut {
                        values: out,
                        rows: queries,
                        columns: sizes.head_size(),
                        row_stride: width,
                    };
                    multiply(
                        target,
                        Matrix::whole(&of_keys, queries, keys),
                        sizes.part(v, keys, head)?,
                        1.0,
                    )?;
                }
                Ok::<(), candle_core::Error>(())
            },
        )?;
        Ok((CpuStorage::F32(values), q_layout.shape().clone()))
    }

    fn bwd(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let sizes = Sizes::of(q.shape(), k.shape(), self.heads)?;
        let grad = grad.contiguous()?;
        let mut by_q = vec![0.0; q.elem_count()];
        let mut by_k = vec![0.0; k.elem_count()];
        let mut by_v = vec![0.0; v.elem_count()];
        let of_queries = (sizes.queries * sizes.width).max(1);
        let of_keys = (sizes.keys * sizes.width).max(1);
        with_values(q, |q| {
            with_values(k, |k| {
                with_values(v, |v| {
                    with_values(&grad, |g| {
                        by_q.par_chunks_mut(of_queries)
                            .zip(by_k.par_chunks_mut(of_keys))
                            .zip(by_v.par_chunks_mut(of_keys))
                            .enumerate()
                            .try_for_each(|(window, ((by_q, by_k), by_v))| {
                                let q = within(q, sizes.window(sizes.queries, window))?;
                                let k = within(k, sizes.window(sizes.keys, window))?;
                                let v = within(v, sizes.window(sizes.keys, window))?;
                                let g = within(g, sizes.window(sizes.queries, window))?;
                                back(sizes, [q, k, v, g], [by_q, by_k, by_v])
                            })
                    })
                })
            })
        })?;
        Ok((gradient(by_q, q.shape())?, gradient(by_k, k.shape())?, gradient(by_v, v.shape())?))
    }
}

/// All heads of one window. With P the shares: ∂v = Pᵀ g; ∂P = g vᵀ; ∂S = P · (∂P − Σ P ∂P); ∂q = ∂S k / √d and
/// ∂k = ∂Sᵀ q / √d.
fn back(
    sizes: Sizes,
    [q, k, v, g]: [&[f32]; 4],
    [by_q, by_k, by_v]: [&mut [f32]; 3],
) -> Result<()> {
    let Sizes { queries, keys, width, heads, .. } = sizes;
    let head_size = sizes.head_size();
    let scale = 1.0 / (head_size as f32).sqrt();
    let mut p = vec![0.0; queries * keys];
    let mut by_p = vec![0.0; queries * keys];
    let arch = Arch::new();
    for head in 0..heads {
        let (q, k) = (sizes.part(q, queries, head)?, sizes.part(k, keys, head)?);
        let (v, g) = (sizes.part(v, keys, head)?, sizes.part(g, queries, head)?);
        shares(sizes, q, k, &mut p)?;
        let first = head * head_size;
        let target =
            |values, rows| MatrixMut { values, rows, columns: head_size, row_stride: width };
        let by_v = by_v.get_mut(first..).unwrap_or_default();
        multiply(target(by_v, keys), Matrix::whole(&p, queries, keys).transposed(), g, 1.0)?;
        let of_p = MatrixMut { values: &mut by_p, rows: queries, columns: keys, row_stride: keys };
        multiply(of_p, g, v.transposed(), 1.0)?;
        arch.dispatch(|| {
            for (by_p, p) in by_p.chunks_exact_mut(keys).zip(p.chunks_exact(keys)) {
                let along = sum_of_pairs(by_p, p, |d, p| d * p);
                for (d, p) in by_p.iter_mut().zip(p) {
                    *d = p * (*d - along);
                }
            }
        });
        let by_s = Matrix::whole(&by_p, queries, keys);
        multiply(target(by_q.get_mut(first..).unwrap_or_default(), queries), by_s, k, scale)?;
        let by_k = by_k.get_mut(first..).unwrap_or_default();
        multiply(target(by_k, keys), by_s.transposed(), q, scale)?;
    }
    Ok(())
}
