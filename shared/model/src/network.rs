//! The Audio Spectrogram Transformer (Gong, Chung, Glass 2021, arXiv 2104.01778), as Hugging Face's
//! `ASTForAudioClassification` computes it.

mod block;
mod embedding;
mod linear;
mod norm;

use candle_core::{DType, Device, Tensor};

use crate::config::{AstConfig, Grid};
use crate::names::PREFIX;
use crate::{Arithmetic, ModelError, Parameters};
use block::Block;
use embedding::Embedding;
use linear::Linear;
use norm::LayerNorm;

pub use crate::position::EXTRA_TOKENS;

/// A network with its weights.
pub struct Ast {
    arithmetic: Arithmetic,
    dtype: DType,
    embedding: Embedding,
    blocks: Vec<Block>,
    norm: LayerNorm,
    head_norm: LayerNorm,
    head: Linear,
}

/// What a network computed on its way.
pub struct Hidden {
    /// Tokens as they enter the first block, (batch, tokens, width).
    pub first: Tensor,
    /// Tokens as they leave the last block, before the final norm.
    pub last: Tensor,
    /// (batch, classes).
    pub logits: Tensor,
}

/// How a network is built.
#[derive(Clone, Debug)]
pub struct Build {
    /// How it will be computed.
    pub arithmetic: Arithmetic,
    /// Where.
    pub device: Device,
    /// In which numbers: f32 on the CPU.
    pub dtype: DType,
    /// The patches of the pictures that it will be given.
    pub grid: Grid,
    /// Filters of those pictures.
    pub mels: usize,
    /// Logits.
    pub outputs: usize,
}

impl Ast {
    /// Builds a network from its tensors.
    ///
    /// # Errors
    /// When a tensor is missing or of another shape than the configuration asks for.
    pub fn new(
        config: &AstConfig,
        build: &Build,
        parameters: &mut dyn Parameters,
    ) -> Result<Ast, ModelError> {
        let mut source = Source { config, build, parameters };
        let embedding = Embedding::new(&mut source)?;
        let blocks = (0..config.num_hidden_layers)
            .map(|layer| Block::new(&mut source, &format!("{PREFIX}layers.{layer}")))
            .collect::<Result<_, _>>()?;
        Ok(Ast {
            arithmetic: build.arithmetic,
            dtype: build.dtype,
            embedding,
            blocks,
            norm: LayerNorm::new(&mut source, &format!("{PREFIX}layernorm"))?,
            head_norm: LayerNorm::new(&mut source, "classifier.layernorm")?,
            head: Linear::new(
                &mut source,
                "classifier.dense",
                [build.outputs, config.hidden_size],
                true,
            )?,
        })
    }

    /// Logits (batch, classes), in f32, of pictures (batch, frames, mels).
    ///
    /// # Errors
    /// When the pictures are of another size than the network was built for, or the device fails.
    pub fn logits(&self, pictures: &Tensor) -> candle_core::Result<Tensor> {
        let mut x = self.embedding.forward(&pictures.to_dtype(self.dtype)?)?;
        if let Some((last, blocks)) = self.blocks.split_last() {
            for block in blocks {
                x = block.forward(self.arithmetic, &x)?;
            }
            // The head sees the first two tokens alone.
            x = last.forward_first(self.arithmetic, &x, EXTRA_TOKENS)?;
        }
        self.pooled_logits(&x)
    }

    /// Logits, and the tokens before the first and after the last block.
    ///
    /// # Errors
    /// As [`Ast::logits`].
    pub fn hidden(&self, pictures: &Tensor) -> candle_core::Result<Hidden> {
        let first = self.embedding.forward(&pictures.to_dtype(self.dtype)?)?;
        let mut last = first.clone();
        for block in &self.blocks {
            last = block.forward(self.arithmetic, &last)?;
        }
        let logits = self.pooled_logits(&last)?;
        Ok(Hidden { first, last, logits })
    }

    fn pooled_logits(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let x = self.norm.forward(self.arithmetic, &x.narrow(1, 0, EXTRA_TOKENS)?)?;
        let pooled = x.mean_keepdim(1)?;
        let pooled = self.head_norm.forward(self.arithmetic, &pooled)?;
        self.head.forward(self.arithmetic, &pooled)?.squeeze(1)?.to_dtype(DType::F32)
    }
}

/// What the parts of a network are built from.
struct Source<'a> {
    config: &'a AstConfig,
    build: &'a Build,
    parameters: &'a mut dyn Parameters,
}

impl Source<'_> {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let tensor = self.parameters.tensor(name, shape)?;
        self.placed(tensor)
    }

    /// On the device and in the numbers of this network.
    fn placed(&self, tensor: Tensor) -> Result<Tensor, ModelError> {
        Ok(tensor.to_device(&self.build.device)?.to_dtype(self.build.dtype)?)
    }
}
