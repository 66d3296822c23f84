//! The network's operations in two ways: quickly, or with gradients.

use candle_core::{D, DType, Result, Tensor};
use candle_nn::ops;

use crate::kernels;
pub(crate) use crate::kernels::After;
use crate::kernels::trained;

/// How the operations of a network are computed. Both give the same numbers, to rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// For inference. **No gradient passes through**: candle's fused operations have no backward, and
    /// training through them would silently drop gradients while the loss still falls.
    Fused,
    /// Of operations that each have a backward, for training.
    Differentiable,
}

impl Arithmetic {
    /// x Wᵀ + b and what comes after it; x is (batch, rows, in), W (out, in), b (out).
    pub(crate) fn linear(
        self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        after: After<'_>,
    ) -> Result<Tensor> {
        if self.by_kernels(x) {
            return kernels::linear(x, weight, bias, after);
        }
        if self.by_trained_kernels(x) {
            return match (after, bias) {
                (After::Gelu, Some(bias)) => trained::linear_gelu(x, weight, bias),
                _ => self.after(trained::linear(x, weight, bias)?, after),
            };
        }
        // One large product instead of one for each window.
        let (batch, rows, into) = x.dims3()?;
        let product = x.reshape((batch * rows, into))?.matmul(&weight.t()?)?;
        let sum = match bias {
            Some(bias) => product.broadcast_add(bias)?,
            None => product,
        };
        self.after(sum.reshape((batch, rows, ()))?, after)
    }

    /// What comes after a linear layer.
    pub(crate) fn after(self, sum: Tensor, after: After<'_>) -> Result<Tensor> {
        match after {
            After::Nothing => Ok(sum),
            After::Gelu if self.by_trained_kernels(&sum) => trained::gelu(&sum),
            After::Gelu => sum.gelu_erf(),
            After::Add(residual) => sum + residual,
        }
    }

    /// Layer norm over the last dimension.
    pub(crate) fn layer_norm(
        self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        eps: f64,
    ) -> Result<Tensor> {
        if self.by_kernels(x) {
            return kernels::layer_norm(x, weight, bias, eps);
        }
        if self.by_trained_kernels(x) {
            return trained::layer_norm(x, weight, bias, eps);
        }
        match self {
            Arithmetic::Fused => ops::layer_norm(&x.contiguous()?, weight, bias, eps as f32),
            Arithmetic::Differentiable => ops::layer_norm_slow(x, weight, bias, eps as f32),
        }
    }

    /// softmax(q kᵀ / √d) v of each head. `q` is (batch, queries, width), `kv` (batch, keys, 2 · width),
    /// keys before values; heads lie side by side along the width. Gives (batch, queries, width).
    pub(crate) fn attention(self, q: &Tensor, kv: &Tensor, heads: usize) -> Result<Tensor> {
        if self.by_kernels(q) {
            return kernels::attention(q, kv, heads);
        }
        let (batch, queries, width) = q.dims3()?;
        let head_size = width / heads;
        let scale = 1.0 / (head_size as f64).sqrt();
        let by_head = |x: &Tensor| x.reshape((batch, (), heads, head_size));
        let (q, k) = (by_head(q)?, by_head(&kv.narrow(D::Minus1, 0, width)?)?);
        let v = by_head(&kv.narrow(D::Minus1, width, width)?)?;
        #[cfg(feature = "cuda")]
        if self == Arithmetic::Fused && crate::cuda::has_flash_attention(&q) {
            return crate::cuda::flash_attention(&q, &k, &v, scale)?
                .reshape((batch, queries, width));
        }
        let heads_first = |x: Tensor| x.transpose(1, 2)?.contiguous();
        let (q, k, v) = (heads_first(q)?, heads_first(k)?, heads_first(v)?);
        let scores = (q.matmul(&k.t()?)? * scale)?;
        let shares = match self {
            Arithmetic::Fused => ops::softmax_last_dim(&scores)?,
            Arithmetic::Differentiable => ops::softmax(&scores, D::Minus1)?,
        };
        shares.matmul(&v)?.transpose(1, 2)?.reshape((batch, queries, width))
    }

    /// The same of keys and values that are apart, (batch, keys, width) each.
    pub(crate) fn attention_apart(
        self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        heads: usize,
    ) -> Result<Tensor> {
        if self.by_trained_kernels(q) {
            return trained::attention(q, k, v, heads);
        }
        self.attention(q, &Tensor::cat(&[k, v], D::Minus1)?, heads)
    }

    /// Whether our own kernels with a backward know this device and these numbers.
    fn by_trained_kernels(self, x: &Tensor) -> bool {
        self == Arithmetic::Differentiable && x.device().is_cpu() && x.dtype() == DType::F32
    }

    /// Whether our own kernels know this device and these numbers.
    fn by_kernels(self, x: &Tensor) -> bool {
        self == Arithmetic::Fused && x.device().is_cpu() && x.dtype() == DType::F32
    }
}
