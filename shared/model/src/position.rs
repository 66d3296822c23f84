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

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use serde_json::Value;

    use super::*;

    #[test]
    fn embeddings_are_cut_and_interpolated_as_by_pytorch() {
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../tests/fixtures/torch_positions.json"))
                .expect("a fixture");
        let from = Grid { rows: 12, columns: 25 };
        let values = (0..(2 + from.patches()) * 2).map(|i| {
            let i = i as f32;
            (i * 0.37 + i * i * 1e-4).sin()
        });
        let embeddings = Tensor::from_iter(values, &Device::Cpu)
            .and_then(|t| t.reshape((1, (), 2)))
            .expect("ours");
        for case in cases {
            let axis = |key: &str| case[key].as_u64().expect("a count") as usize;
            let to = Grid { rows: axis("rows"), columns: axis("columns") };
            let ours = fitted(&embeddings, from, to).expect("fits");
            assert_eq!(ours.dims(), [1, 2 + to.patches(), 2]);
            let ours: Vec<f32> = ours.flatten_all().and_then(|t| t.to_vec1()).expect("f32");
            let theirs = case["fitted"].as_array().expect("numbers");
            for (a, b) in ours.iter().zip(theirs) {
                let b = b.as_f64().expect("a number");
                assert!((f64::from(*a) - b).abs() < 1e-5, "{to:?}: {a} for {b}");
            }
        }
    }
}
