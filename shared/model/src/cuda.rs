//! Attention on a GPU without writing the scores out.

use candle_core::{DType, Result, Tensor};

/// What the kernels know: half precision, heads of at most 256 in steps of 8.
pub(crate) fn has_flash_attention(q: &Tensor) -> bool {
    let head_size = q.dim(3).unwrap_or(0);
    q.device().is_cuda()
        && matches!(q.dtype(), DType::BF16 | DType::F16)
        && head_size <= 256
        && head_size.is_multiple_of(8)
}

/// softmax(q kᵀ · scale) v; all are (batch, tokens, heads, head size).
pub(crate) fn flash_attention(q: &Tensor, k: &Tensor, v: &Tensor, scale: f64) -> Result<Tensor> {
    candle_flash_attn::flash_attn(
        &q.contiguous()?,
        &k.contiguous()?,
        &v.contiguous()?,
        scale as f32,
        false,
    )
}
