//! Position embeddings for pictures of another size than the network was trained on.

use candle_core::{D, Result, Tensor};

use crate::config::Grid;

/// Tokens before the patches: class and distillation.
pub const EXTRA_TOKENS: usize = 2;

/// Position embeddings (1, 2 + patches, width) of one grid for another, as the authors of the
/// transformer do it: an axis that is shorter is cut out of the middle, one that is longer is
/// interpolated bilinearly. The first two tokens keep theirs.
///
/// # Errors
/// When the device fails.
pub fn fitted(embeddings: &Tensor, from: Grid, to: Grid) -> Result<Tensor> {
    if from == to {
        return Ok(embeddings.clone());
    }
    let width = embeddings.dim(D::Minus1)?;
    let extra = embeddings.narrow(1, 0, EXTRA_TOKENS)?;
    let grid = embeddings.narrow(1, EXTRA_TOKENS, from.patches())?.transpose(1, 2)?.reshape((
        1,
        width,
        from.rows,
        from.columns,
    ))?;
    let cut = |x: Tensor, dim, from: usize, to: usize| match to < from {
        true => x.narrow(dim, from / 2 - to / 2, to),
        false => Ok(x),
    };
    let grid = cut(cut(grid, 3, from.columns, to.columns)?, 2, from.rows, to.rows)?;
    let grid = match grid.dims4()? {
        (_, _, rows, columns) if rows < to.rows || columns < to.columns => {
            grid.contiguous()?.upsample_bilinear2d(to.rows, to.columns, false)?
        }
        _ => grid,
    };
    let patches = grid.reshape((1, width, to.patches()))?.transpose(1, 2)?;
    Tensor::cat(&[&extra, &patches.contiguous()?], 1)
}
