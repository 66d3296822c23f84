//! Attention of queries to keys, a block of queries at a time: the scores of a block stay in the
//! processor's second cache, and are never written out.

use std::cell::RefCell;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use pulp::Arch;
use rayon::prelude::*;

use super::gemm::{Matrix, MatrixMut, multiply};
use super::lanes::{exponentials, largest};
use super::within;

/// Queries of a block. With 1214 keys its scores take 620 KB.
const BLOCK_QUERIES: usize = 128;

thread_local! {
    /// The scores of a block: the same memory, block after block, stays in the cache.
    static SCORES: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// softmax(q kᵀ / √d) v of each head. `q` is (batch, queries, width), `kv` (batch, keys, 2 · width),
/// keys before values; heads lie side by side along the width. Gives (batch, queries, width).
///
/// Both may be parts of a wider tensor, as long as their last dimension has no holes.
pub(crate) fn attention(q: &Tensor, kv: &Tensor, heads: usize) -> Result<Tensor> {
    q.apply_op2_no_bwd(kv, &Attention { heads })
}

struct Attention {
    heads: usize,
}

/// Rows of a tensor (batch, rows, width) that may be part of a wider one.
struct Rows<'a> {
    values: &'a [f32],
    batch: usize,
    rows: usize,
    width: usize,
    batch_stride: usize,
    row_stride: usize,
}

impl CustomOp2 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        q_layout: &Layout,
        kv: &CpuStorage,
        kv_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (q, kv) = (rows(q, q_layout)?, rows(kv, kv_layout)?);
        let heads = self.heads;
        if heads == 0
            || q.width % heads != 0
            || kv.width != 2 * q.width
            || kv.batch != q.batch
            || kv.rows == 0
        {
            candle_core::bail!("attention of {heads} heads to {} of {}", kv.width, q.width);
        }
        // One head after another, so that threads write to memory of their own.
        let head_size = q.width / heads;
        let mut by_head = vec![0.0; q.batch * q.rows * q.width];
        by_head
            .par_chunks_mut((q.rows * head_size).max(1))
            .enumerate()
            .flat_map(|(head, out)| {
                out.par_chunks_mut(BLOCK_QUERIES * head_size)
                    .enumerate()
                    .map(move |(block, out)| (head, block * BLOCK_QUERIES, out))
            })
            .try_for_each(|(head, first_query, out)| {
                let head = Head { batch: head / heads, first: head % heads * head_size, head_size };
                SCORES.with_borrow_mut(|scores| head.attend(&q, &kv, first_query, scores, out))
            })?;
        let values = side_by_side(&by_head, q.batch, q.rows, heads, head_size);
        Ok((CpuStorage::F32(values), Shape::from((q.batch, q.rows, q.width))))
    }
}

/// One head of one window.
struct Head {
    batch: usize,
    /// Its first column in queries, keys and values.
    first: usize,
    head_size: usize,
}

impl Head {
    fn attend(
        &self,
        q: &Rows<'_>,
        kv: &Rows<'_>,
        first_query: usize,
        scores: &mut Vec<f32>,
        out: &mut [f32],
    ) -> Result<()> {
        let queries = out.len() / self.head_size;
        let keys = kv.rows;
        scores.resize(scores.len().max(queries * keys), 0.0);
        let (scores, _) = scores.split_at_mut(queries * keys);
        multiply(
            MatrixMut { values: scores, rows: queries, columns: keys, row_stride: keys },
            self.part(q, 0, first_query, queries)?,
            self.part(kv, 0, 0, keys)?.transposed(),
            1.0 / (self.head_size as f32).sqrt(),
        )?;
        let arch = Arch::new();
        let mut sums = [0.0; BLOCK_QUERIES];
        arch.dispatch(|| {
            for (row, sum) in scores.chunks_exact_mut(keys).zip(&mut sums) {
                let most = largest(row);
                *sum = exponentials(row, most);
            }
        });
        multiply(
            MatrixMut {
                values: out,
                rows: queries,
                columns: self.head_size,
                row_stride: self.head_size,
            },
            Matrix::whole(scores, queries, keys),
            self.part(kv, q.width, 0, keys)?,
            1.0,
        )?;
        // The few results are divided by the sums, and not the many scores.
        arch.dispatch(|| {
            for (row, sum) in out.chunks_exact_mut(self.head_size).zip(&sums) {
                let scale = 1.0 / sum;
                for x in row {
                    *x *= scale;
                }
            }
        });
        Ok(())
    }

    /// This head's columns of some rows, from `column` on.
    fn part<'a>(
        &self,
        of: &Rows<'a>,
        column: usize,
        first_row: usize,
        rows: usize,
    ) -> Result<Matrix<'a>> {
        let start = self.batch * of.batch_stride + first_row * of.row_stride + column + self.first;
        Ok(Matrix {
            values: within(of.values, start..of.values.len())?,
            rows,
            columns: self.head_size,
            row_stride: of.row_stride,
            column_stride: 1,
        })
    }
}

fn rows<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<Rows<'a>> {
    let (batch, rows, width) = layout.shape().dims3()?;
    let &[batch_stride, row_stride, 1] = layout.stride() else {
        candle_core::bail!("attention to a tensor with holes in its last dimension")
    };
    let values = storage.as_slice::<f32>()?;
    let values = within(values, layout.start_offset()..values.len())?;
    Ok(Rows { values, batch, rows, width, batch_stride, row_stride })
}

/// (batch, heads, rows, head size) to (batch, rows, heads · head size).
fn side_by_side(
    by_head: &[f32],
    batch: usize,
    rows: usize,
    heads: usize,
    head_size: usize,
) -> Vec<f32> {
    let width = heads * head_size;
    let mut values = Vec::with_capacity(by_head.len());
    for window in by_head.chunks_exact((rows * width).max(1)).take(batch) {
        for row in 0..rows {
            for head in 0..heads {
                let start = (head * rows + row) * head_size;
                values.extend_from_slice(window.get(start..start + head_size).unwrap_or_default());
            }
        }
    }
    values
}
