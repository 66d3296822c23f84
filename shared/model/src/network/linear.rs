//! A linear layer, with a low-rank path beside it where an adapter has one.

use candle_core::{Result, Tensor};

use super::Source;
use crate::ModelError;
use crate::adapter::LowRank;
use crate::arithmetic::{After, Arithmetic};

pub(super) struct Linear {
    pub(super) weight: Tensor,
    pub(super) bias: Option<Tensor>,
    pub(super) low_rank: Option<LowRank>,
}

impl Linear {
    pub(super) fn new(
        source: &mut Source<'_>,
        name: &str,
        [out, into]: [usize; 2],
        has_bias: bool,
    ) -> std::result::Result<Linear, ModelError> {
        let weight = source.tensor(&format!("{name}.weight"), &[out, into])?;
        let bias = match has_bias {
            true => Some(source.tensor(&format!("{name}.bias"), &[out])?),
            false => None,
        };
        let low_rank = match source.parameters.low_rank(name, [out, into])? {
            Some(path) => {
                let (a, b) = (source.placed(path.a)?, source.placed(path.b)?);
                Some(LowRank { a, b, ..path })
            }
            None => None,
        };
        Ok(Linear { weight, bias, low_rank })
    }

    /// x Wᵀ + b, and (scale · x Aᵀ) Bᵀ where there is a low-rank path.
    pub(super) fn forward(&self, arithmetic: Arithmetic, x: &Tensor) -> Result<Tensor> {
        self.forward_and(arithmetic, x, After::Nothing)
    }

    /// The same, followed by something.
    pub(super) fn forward_and(
        &self,
        arithmetic: Arithmetic,
        x: &Tensor,
        after: After<'_>,
    ) -> Result<Tensor> {
        let bias = self.bias.as_ref();
        match &self.low_rank {
            Some(path) => {
                let sum = arithmetic.low_rank(x, &self.weight, bias, path)?;
                arithmetic.after(sum, after)
            }
            None => arithmetic.linear(x, &self.weight, bias, after),
        }
    }
}
