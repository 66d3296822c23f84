//! The numbers of a tensor that lies on the CPU without holes, to read or to change where they are.

use std::cell::Cell;

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Storage, Tensor};

/// Calls with the numbers.
///
/// # Errors
/// When they lie elsewhere, with holes, or are not f32.
pub fn read<T>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => match storage.as_slice::<f32>()?.get(reach(layout)?) {
            Some(values) => Ok(f(values)),
            None => candle_core::bail!("a tensor that reaches beyond its memory"),
        },
        _ => candle_core::bail!("a tensor that is not on the CPU"),
    }
}

/// Calls with the numbers, which may be changed.
///
/// # Errors
/// As [`read`].
pub fn change<T>(tensor: &Tensor, f: impl FnOnce(&mut [f32]) -> T) -> Result<T> {
    let change = Change { f: Cell::new(Some(f)), gave: Cell::new(None) };
    tensor.inplace_op1(&change)?;
    match change.gave.into_inner() {
        Some(gave) => Ok(gave),
        None => candle_core::bail!("a tensor that was not changed"),
    }
}

struct Change<F, T> {
    f: Cell<Option<F>>,
    gave: Cell<Option<T>>,
}

impl<F: FnOnce(&mut [f32]) -> T, T> InplaceOp1 for Change<F, T> {
    fn name(&self) -> &'static str {
        "change"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let CpuStorage::F32(values) = storage else {
            candle_core::bail!("numbers that are not f32")
        };
        match (values.get_mut(reach(layout)?), self.f.take()) {
            (Some(values), Some(f)) => self.gave.set(Some(f(values))),
            _ => candle_core::bail!("a tensor that reaches beyond its memory"),
        }
        Ok(())
    }
}

fn reach(layout: &Layout) -> Result<std::ops::Range<usize>> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(start..end),
        None => candle_core::bail!("a tensor with holes where none can be"),
    }
}
