//! The arithmetic of a GPU. Products are cuBLAS's; what lies between them is a pass over rows, by kernels of our own:
//! where a row meets a matrix, candle's divide each number's index to find its place, and on a fast card that takes
//! longer than the products.
//!
//! It is written with tensors alone, so that it can be computed on the CPU, too, in f32: tests hold it to the CPU's own
//! arithmetic there, where there is no GPU. Only where kernels are started (`cuda`, `cublas_lt`) is a card needed.

mod attached;
#[cfg(feature = "cuda")]
mod cublas_lt;
#[cfg(feature = "cuda")]
mod cuda;
mod passes;
mod trained;

#[cfg(feature = "cuda")]
pub(crate) use cuda::{adam_w, first_card, sum_of_squares};

use candle_core::{Result, Tensor};

use crate::kernels::After;
use passes::Pass;

pub(crate) use trained::{attention as trained_attention, layer_norm as trained_layer_norm};
pub(crate) use trained::{dropout, gelu as trained_gelu, linear as trained_linear};
pub(crate) use trained::{linear_beside as trained_linear_beside, low_rank as trained_low_rank};

/// Queries, keys or values of all heads: one of several parts that lie side by side along the width.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    /// (batch, rows, parts · width).
    pub(crate) of: &'a Tensor,
    pub(crate) parts: usize,
    pub(crate) index: usize,
}

impl Part<'_> {
    /// (batch, heads, rows, head size).
    fn heads_first(self, heads: usize) -> Result<Tensor> {
        Pass::HeadsFirst { parts: self.parts, index: self.index, heads }.over(self.of)
    }

    /// (batch, rows, heads, head size), without a copy.
    #[cfg(feature = "cuda")]
    fn by_head(self, heads: usize) -> Result<Tensor> {
        let (batch, rows, width) = self.of.dims3()?;
        let head_size = width / self.parts / heads;
        let apart = self.of.reshape((batch, rows, self.parts, heads, head_size))?;
        apart.narrow(2, self.index, 1)?.squeeze(2)
    }
}

/// x Wᵀ + b and what comes after it; x is (batch, rows, in), W (out, in), b (out).
pub(crate) fn linear(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    after: After<'_>,
) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if let Some(all) = match after {
        After::Nothing => cublas_lt::product(x, weight, bias, None)?,
        After::Add(residual) => cublas_lt::product(x, weight, bias, Some(residual))?,
        // GELU by the exact error function is a pass anyway, and the bias costs nothing there.
        After::Gelu => None,
    } {
        return Ok(all);
    }
    finished(&product(x, weight)?, bias, after)
}

/// Layer norm over the last dimension.
pub(crate) fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    let (weight, bias) = (weight.contiguous()?, bias.contiguous()?);
    Pass::LayerNorm { weight, bias, eps: eps as f32 }.over(x)
}

/// softmax(q kᵀ / √d) v of each head, (batch, queries, width).
pub(crate) fn attention(q: Part<'_>, k: Part<'_>, v: Part<'_>, heads: usize) -> Result<Tensor> {
    let scale = scale(q.of.dim(2)? / q.parts / heads);
    #[cfg(feature = "cuda")]
    {
        let [q, k, v] = [q.by_head(heads)?, k.by_head(heads)?, v.by_head(heads)?];
        if cuda::has_flash_attention(&q) {
            return cuda::flash_attention(&q, &k, &v, scale)?.flatten_from(2);
        }
    }
    let [q, k, v] = [q.heads_first(heads)?, k.heads_first(heads)?, v.heads_first(heads)?];
    let shares = Pass::Softmax { scale }.over(&q.matmul(&k.t()?)?)?;
    heads_last(&shares.matmul(&v)?)
}

fn scale(head_size: usize) -> f32 {
    1.0 / (head_size as f32).sqrt()
}

/// (batch, heads, rows, head size) to (batch, rows, width).
fn heads_last(x: &Tensor) -> Result<Tensor> {
    let (batch, _, rows, _) = x.dims4()?;
    Pass::SwapMiddle.over(x)?.reshape((batch, rows, ()))
}

/// x Wᵀ: one large product instead of one for each window.
fn product(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (batch, rows, into) = x.dims3()?;
    x.reshape((batch * rows, into))?.matmul(&weight.t()?)?.reshape((batch, rows, ()))
}

fn finished(product: &Tensor, bias: Option<&Tensor>, after: After<'_>) -> Result<Tensor> {
    let (gelu, residual) = match after {
        After::Nothing if bias.is_none() => return Ok(product.clone()),
        After::Nothing => (false, None),
        After::Gelu => (true, None),
        After::Add(residual) => (false, Some(residual.contiguous()?)),
    };
    let bias = bias.map(Tensor::contiguous).transpose()?;
    Pass::AfterLinear { bias, residual, gelu }.over(product)
}
