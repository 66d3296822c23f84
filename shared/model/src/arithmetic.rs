//! The network's operations in two ways: quickly, or with gradients.

use candle_core::{D, Result, Tensor};

use crate::adapter::LowRank;
#[cfg(feature = "cuda")]
use crate::gpu;
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
        #[cfg(feature = "cuda")]
        if !x.device().is_cpu() {
            return match (self, after) {
                (Arithmetic::Fused, _) => gpu::linear(x, weight, bias, after),
                (_, After::Gelu) => gpu::trained_linear(x, weight, bias, true),
                (_, After::Add(residual)) if stands_still(weight, bias) => {
                    gpu::trained_linear_beside(x, weight, bias, residual)
                }
                _ => self.after(gpu::trained_linear(x, weight, bias, false)?, after),
            };
        }
        match (self, after, bias) {
            (Arithmetic::Fused, ..) => kernels::linear(x, weight, bias, after),
            (_, After::Gelu, Some(bias)) => trained::linear_gelu(x, weight, bias),
            _ => self.after(trained::linear(x, weight, bias)?, after),
        }
    }

    /// x Wᵀ + b + (scale · x Aᵀ) Bᵀ, where A and B are trained beside a layer.
    pub(crate) fn low_rank(
        self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        path: &LowRank,
    ) -> Result<Tensor> {
        let LowRank { a, b, scale, dropout } = path;
        #[cfg(feature = "cuda")]
        if !x.device().is_cpu() && self == Arithmetic::Differentiable && stands_still(weight, bias)
        {
            return gpu::trained_low_rank(x, weight, bias, path);
        }
        let plain = self.linear(x, weight, bias, After::Nothing)?;
        let low = match dropout {
            Some(dropout) => self.linear(&dropout.forward(x)?, a, None, After::Nothing)?,
            None => self.linear(x, a, None, After::Nothing)?,
        };
        // Scaled where it is narrow.
        let low = if *scale == 1.0 { low } else { (low * *scale)? };
        self.linear(&low, b, None, After::Add(&plain))
    }

    /// What comes after a linear layer.
    pub(crate) fn after(self, sum: Tensor, after: After<'_>) -> Result<Tensor> {
        match after {
            After::Nothing => Ok(sum),
            #[cfg(feature = "cuda")]
            After::Gelu if !sum.device().is_cpu() => gpu::trained_gelu(&sum),
            After::Gelu if self == Arithmetic::Differentiable => trained::gelu(&sum),
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
        #[cfg(feature = "cuda")]
        if !x.device().is_cpu() {
            return match self {
                Arithmetic::Fused => gpu::layer_norm(x, weight, bias, eps),
                Arithmetic::Differentiable => gpu::trained_layer_norm(x, weight, bias, eps),
            };
        }
        match self {
            Arithmetic::Fused => kernels::layer_norm(x, weight, bias, eps),
            Arithmetic::Differentiable => trained::layer_norm(x, weight, bias, eps),
        }
    }

    /// softmax(q kᵀ / √d) v of each head, of queries, keys and values that one product gave: `qkv` is (batch, tokens,
    /// 3 · width), heads side by side along the width. Gives (batch, tokens, width). **For inference.**
    pub(crate) fn self_attention(qkv: &Tensor, heads: usize) -> Result<Tensor> {
        #[cfg(feature = "cuda")]
        if !qkv.device().is_cpu() {
            let part = |index| gpu::Part { of: qkv, parts: 3, index };
            return gpu::attention(part(0), part(1), part(2), heads);
        }
        let width = qkv.dim(D::Minus1)? / 3;
        let kv = qkv.narrow(D::Minus1, width, 2 * width)?;
        kernels::attention(&qkv.narrow(D::Minus1, 0, width)?, &kv, heads)
    }

    /// The same of queries (batch, queries, width), and of keys and values, (batch, keys, 2 · width), keys first.
    /// **For inference.**
    pub(crate) fn attention(q: &Tensor, kv: &Tensor, heads: usize) -> Result<Tensor> {
        #[cfg(feature = "cuda")]
        if !q.device().is_cpu() {
            let part = |index| gpu::Part { of: kv, parts: 2, index };
            return gpu::attention(
                gpu::Part { of: q, parts: 1, index: 0 },
                part(0),
                part(1),
                heads,
            );
        }
        kernels::attention(q, kv, heads)
    }

    /// The same of keys and values that are apart, (batch, keys, width) each.
    pub(crate) fn attention_apart(
        self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        heads: usize,
    ) -> Result<Tensor> {
        #[cfg(feature = "cuda")]
        if !q.device().is_cpu() {
            let part = |of| gpu::Part { of, parts: 1, index: 0 };
            return match self {
                Arithmetic::Fused => gpu::attention(part(q), part(k), part(v), heads),
                Arithmetic::Differentiable => gpu::trained_attention(q, k, v, heads),
            };
        }
        match self {
            Arithmetic::Fused => kernels::attention(q, &Tensor::cat(&[k, v], D::Minus1)?, heads),
            Arithmetic::Differentiable => trained::attention(q, k, v, heads),
        }
    }
}

/// Whether no gradient of a layer is asked for.
#[cfg(feature = "cuda")]
fn stands_still(weight: &Tensor, bias: Option<&Tensor>) -> bool {
    !weight.track_op() && bias.is_none_or(|bias| !bias.track_op())
}
