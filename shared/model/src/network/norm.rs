//! A layer norm.

use candle_core::{Result, Tensor};

use super::Source;
use crate::{Arithmetic, ModelError};

pub(super) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f64,
}

impl LayerNorm {
    pub(super) fn new(
        source: &mut Source<'_>,
        name: &str,
    ) -> std::result::Result<LayerNorm, ModelError> {
        let width = source.config.hidden_size;
        Ok(LayerNorm {
            weight: source.tensor(&format!("{name}.weight"), &[width])?,
            bias: source.tensor(&format!("{name}.bias"), &[width])?,
            eps: source.config.layer_norm_eps,
        })
    }

    pub(super) fn forward(&self, arithmetic: Arithmetic, x: &Tensor) -> Result<Tensor> {
        arithmetic.layer_norm(x, &self.weight, &self.bias, self.eps)
    }
}
