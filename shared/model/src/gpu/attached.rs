//! A result that was computed without candle's looking on, given back its place in the graph.

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp3, InplaceOp1, Layout, Result, Shape, Storage, Tensor};

/// Gradients of three tensors.
pub(super) type Gradients = (Option<Tensor>, Option<Tensor>, Option<Tensor>);

/// The result as one that follows from three tensors, with `back` to make their gradients of its own. Nobody else holds
/// its memory: that is taken away from it.
pub(super) fn attached(
    result: Tensor,
    [a, b, c]: [&Tensor; 3],
    back: impl Fn(&Tensor) -> Result<Gradients> + Send + Sync + 'static,
) -> Result<Tensor> {
    let result = result.contiguous()?;
    let shape = result.shape().clone();
    let taken = Taken::default();
    result.inplace_op1(&taken)?;
    a.apply_op3(b, c, Attached { taken, shape, back })
}

/// The memory of a tensor, in whose place next to none is left.
#[derive(Default)]
struct Taken(Mutex<Option<Storage>>);

impl Taken {
    fn put(&self, storage: Storage) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(storage);
    }

    fn take(&self) -> Option<Storage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl InplaceOp1 for Taken {
    fn name(&self) -> &'static str {
        "taken"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        whole(layout)?;
        self.put(Storage::Cpu(std::mem::replace(storage, CpuStorage::F32(Vec::new()))));
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, storage: &mut candle_core::CudaStorage, layout: &Layout) -> Result<()> {
        whole(layout)?;
        self.put(Storage::Cuda(super::cuda::taken(storage)?));
        Ok(())
    }
}

fn whole(layout: &Layout) -> Result<()> {
    if layout.start_offset() != 0 {
        candle_core::bail!("a result that is a part of something larger");
    }
    Ok(())
}

struct Attached<F> {
    taken: Taken,
    shape: Shape,
    back: F,
}

impl<F: Fn(&Tensor) -> Result<Gradients>> CustomOp3 for Attached<F> {
    fn name(&self) -> &'static str {
        "attached"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        match self.taken.take() {
            Some(Storage::Cpu(storage)) => Ok((storage, self.shape.clone())),
            _ => candle_core::bail!("a result that was given away, or is of another device"),
        }
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        _: &candle_core::CudaStorage,
        _: &Layout,
        _: &candle_core::CudaStorage,
        _: &Layout,
        _: &candle_core::CudaStorage,
        _: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        match self.taken.take() {
            Some(Storage::Cuda(storage)) => Ok((storage, self.shape.clone())),
            _ => candle_core::bail!("a result that was given away, or is of another device"),
        }
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<Gradients> {
        (self.back)(&grad.contiguous()?)
    }
}
