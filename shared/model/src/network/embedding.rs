//! A picture becomes tokens: overlapping patches, projected, behind two tokens of their own.

use candle_core::{Result, Tensor};

use super::{Build, EXTRA_TOKENS, Source};
use crate::arithmetic::{After, Arithmetic};
use crate::config::{Grid, Patches};
use crate::names::PREFIX;
use crate::{ModelError, position};

pub(super) struct Embedding {
    arithmetic: Arithmetic,
    patches: Patches,
    grid: Grid,
    mels: usize,
    /// Where the values of all patches stand in a picture, patch by patch.
    places: Tensor,
    /// (width, size · size): on patches that were cut out, the convolution is a linear layer.
    weight: Tensor,
    bias: Tensor,
    /// Class and distillation token, (1, 2, width).
    extra: Tensor,
    /// (1, tokens, width).
    positions: Tensor,
}

impl Embedding {
    pub(super) fn new(source: &mut Source<'_>) -> std::result::Result<Embedding, ModelError> {
        let config = source.config;
        let (width, size) = (config.hidden_size, config.patches.size);
        let name = |part: &str| format!("{PREFIX}embeddings.{part}");
        let projection = name("patch_embeddings.projection");
        let weight = source.tensor(&format!("{projection}.weight"), &[width, 1, size, size])?;
        let tokens = EXTRA_TOKENS + config.grid().patches();
        // Fitted before they are moved: not every device interpolates every kind of number.
        let positions =
            source.parameters.tensor(&name("position_embeddings"), &[1, tokens, width])?;
        let positions = position::fitted(&positions, config.grid(), source.build.grid)?;
        Ok(Embedding {
            arithmetic: source.build.arithmetic,
            places: places(config.patches, source.build)?,
            patches: config.patches,
            grid: source.build.grid,
            mels: source.build.mels,
            weight: weight.reshape((width, size * size))?,
            bias: source.tensor(&format!("{projection}.bias"), &[width])?,
            extra: Tensor::cat(
                &[
                    source.tensor(&name("cls_token"), &[1, 1, width])?,
                    source.tensor(&name("distillation_token"), &[1, 1, width])?,
                ],
                1,
            )?,
            positions: source.placed(positions)?,
        })
    }

    /// Tokens (batch, 2 + patches, width) of pictures (batch, frames, mels). Patches run along time
    /// first, row by row of frequency.
    pub(super) fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        let (batch, frames, mels) = pictures.dims3()?;
        if mels != self.mels || self.patches.grid(mels, frames) != Some(self.grid) {
            candle_core::bail!(
                "pictures of {mels} filters and {frames} frames do not give the {}×{} patches that \
                 the network was built for",
                self.grid.rows,
                self.grid.columns
            );
        }
        let values = pictures.reshape((batch, frames * mels))?.index_select(&self.places, 1)?;
        let patches = values.reshape((batch, self.grid.patches(), ()))?;
        let patches =
            self.arithmetic.linear(&patches, &self.weight, Some(&self.bias), After::Nothing)?;
        let (_, extra, width) = self.extra.dims3()?;
        let extra = self.extra.broadcast_as((batch, extra, width))?;
        Tensor::cat(&[&extra.contiguous()?, &patches], 1)?.broadcast_add(&self.positions)
    }
}

/// Where in a picture (frames · mels) the values of its patches stand: rows of patches from low to high
/// frequency, each along time; in a patch, filter by filter along time.
fn places(patches: Patches, build: &Build) -> Result<Tensor> {
    let Patches { size, frequency_stride, time_stride } = patches;
    let Grid { rows, columns } = build.grid;
    let mut places = Vec::with_capacity(build.grid.patches() * size * size);
    for row in 0..rows {
        for column in 0..columns {
            for mel in row * frequency_stride..row * frequency_stride + size {
                let frames = column * time_stride..column * time_stride + size;
                places.extend(frames.map(|frame| (frame * build.mels + mel) as u32));
            }
        }
    }
    Tensor::new(places, &build.device)
}
