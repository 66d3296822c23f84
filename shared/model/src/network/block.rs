//! One block: attention and MLP, each behind a norm and beside a residual.

use candle_core::{Result, Tensor};

use super::Source;
use super::linear::Linear;
use super::norm::LayerNorm;
use crate::ModelError;
use crate::arithmetic::{After, Arithmetic};

pub(super) struct Block {
    heads: usize,
    norm_before: LayerNorm,
    qkv: Qkv,
    output: Linear,
    norm_after: LayerNorm,
    widen: Linear,
    narrow: Linear,
}

/// Queries, keys and values.
enum Qkv {
    /// Of one product: (3 · width, width), queries first.
    Together { weight: Tensor, bias: Option<Tensor> },
    /// Of one each: where each is trained, or has a path of its own beside it.
    Apart { q: Linear, k: Linear, v: Linear },
}

impl Block {
    pub(super) fn new(
        source: &mut Source<'_>,
        name: &str,
    ) -> std::result::Result<Block, ModelError> {
        let config = source.config;
        let (width, inside) = (config.hidden_size, config.intermediate_size);
        Ok(Block {
            heads: config.num_attention_heads,
            norm_before: LayerNorm::new(source, &format!("{name}.layernorm_before"))?,
            qkv: Qkv::new(source, &format!("{name}.attention"))?,
            output: Linear::new(source, &format!("{name}.attention.o_proj"), [width; 2], true)?,
            norm_after: LayerNorm::new(source, &format!("{name}.layernorm_after"))?,
            widen: Linear::new(source, &format!("{name}.mlp.fc1"), [inside, width], true)?,
            narrow: Linear::new(source, &format!("{name}.mlp.fc2"), [width, inside], true)?,
        })
    }

    /// Tokens to tokens, (batch, tokens, width).
    pub(super) fn forward(&self, arithmetic: Arithmetic, x: &Tensor) -> Result<Tensor> {
        self.forward_first(arithmetic, x, x.dim(1)?)
    }

    /// The first `tokens` of the resulting tokens: all are attended to, the rest is not computed.
    pub(super) fn forward_first(
        &self,
        arithmetic: Arithmetic,
        x: &Tensor,
        tokens: usize,
    ) -> Result<Tensor> {
        let normed = self.norm_before.forward(arithmetic, x)?;
        let attended = self.qkv.attend(arithmetic, &normed, tokens, self.heads)?;
        let x = x.narrow(1, 0, tokens)?;
        let x = self.output.forward_and(arithmetic, &attended, After::Add(&x))?;
        let normed = self.norm_after.forward(arithmetic, &x)?;
        let inside = self.widen.forward_and(arithmetic, &normed, After::Gelu)?;
        self.narrow.forward_and(arithmetic, &inside, After::Add(&x))
    }
}

impl Qkv {
    fn new(source: &mut Source<'_>, name: &str) -> std::result::Result<Qkv, ModelError> {
        let (width, bias) = (source.config.hidden_size, source.config.qkv_bias);
        let mut part =
            |part: &str| Linear::new(source, &format!("{name}.{part}_proj"), [width; 2], bias);
        let (q, k, v) = (part("q")?, part("k")?, part("v")?);
        let parts = [&q, &k, &v];
        let apart = source.build.arithmetic == Arithmetic::Differentiable
            || parts.iter().any(|part| part.low_rank.is_some());
        if apart {
            return Ok(Qkv::Apart { q, k, v });
        }
        let biases: Vec<&Tensor> = parts.iter().filter_map(|part| part.bias.as_ref()).collect();
        Ok(Qkv::Together {
            weight: Tensor::cat(&parts.map(|part| &part.weight), 0)?,
            bias: if biases.is_empty() { None } else { Some(Tensor::cat(&biases, 0)?) },
        })
    }

    /// What the first `tokens` tokens gather from all, (batch, tokens, width).
    fn attend(
        &self,
        arithmetic: Arithmetic,
        x: &Tensor,
        tokens: usize,
        heads: usize,
    ) -> Result<Tensor> {
        let (_, all, width) = x.dims3()?;
        match self {
            Qkv::Together { weight, bias } if tokens == all => {
                let qkv = arithmetic.linear(x, weight, bias.as_ref(), After::Nothing)?;
                Arithmetic::self_attention(&qkv, heads)
            }
            Qkv::Together { weight, bias } => {
                let part = |x: &Tensor, first, count| {
                    let bias = match bias {
                        Some(bias) => Some(bias.narrow(0, first, count)?),
                        None => None,
                    };
                    let weight = weight.narrow(0, first, count)?;
                    arithmetic.linear(x, &weight, bias.as_ref(), After::Nothing)
                };
                let q = part(&x.narrow(1, 0, tokens)?, 0, width)?;
                Arithmetic::attention(&q, &part(x, width, 2 * width)?, heads)
            }
            Qkv::Apart { q, k, v } => {
                let (k, v) = (k.forward(arithmetic, x)?, v.forward(arithmetic, x)?);
                let q = q.forward(arithmetic, &x.narrow(1, 0, tokens)?)?;
                arithmetic.attention_apart(&q, &k, &v, heads)
            }
        }
    }
}
