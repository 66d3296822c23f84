//! The arithmetic of inference on the CPU, in f32: what candle computes in several passes over memory is
//! done here while the numbers are near.
//!
//! Everything is an operation of candle without a backward. Matrix products are those of `gemm`, which
//! candle uses too; loops are written so that the compiler makes SIMD of them, and `pulp` picks the widest
//! that the machine has. In WebAssembly the same code runs on one thread.

mod attention;
pub(crate) mod gelu;
mod gemm;
mod lanes;
mod layer_norm;
mod linear;
pub(crate) mod trained;

pub(crate) use attention::attention;
pub(crate) use layer_norm::layer_norm;
pub(crate) use linear::{After, linear};

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor};

/// The values of a tensor that lies in memory without holes.
pub(crate) fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => within(storage.as_slice::<f32>()?, start..end),
        None => candle_core::bail!("a tensor with holes where none can be"),
    }
}

/// Calls with the values of a tensor that lies on the CPU without holes.
fn with_values<T>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> Result<T>) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(contiguous(storage, layout)?),
        _ => candle_core::bail!("a tensor that is not on the CPU"),
    }
}

/// The same, with no values where there is no tensor.
fn with_values_if_any<T>(
    tensor: Option<&Tensor>,
    f: impl FnOnce(&[f32]) -> Result<T>,
) -> Result<T> {
    match tensor {
        Some(tensor) => with_values(tensor, f),
        None => f(&[]),
    }
}

fn within(values: &[f32], range: std::ops::Range<usize>) -> Result<&[f32]> {
    match values.get(range) {
        Some(values) => Ok(values),
        None => candle_core::bail!("a tensor that reaches beyond its memory"),
    }
}
