//! A result that was computed without candle's looking on, given back its place in the graph.

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp3, InplaceOp1, Layout, Result, Shape, Tensor};

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
struct Taken {
    of_cpu: Held<CpuStorage>,
    #[cfg(feature = "cuda")]
    of_gpu: Held<candle_core::CudaStorage>,
}

struct Held<S>(Mutex<Option<S>>);

impl<S> Default for Held<S> {
    fn default() -> Self {
        Held(Mutex::new(None))
    }
}

impl<S> Held<S> {
    fn put(&self, storage: S) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(storage);
    }

    fn take(&self) -> Result<S> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(storage) => Ok(storage),
            None => candle_core::bail!("a result that was given away, or is of another device"),
        }
    }
}

impl InplaceOp1 for Taken {
    fn name(&self) -> &'static str {
        "taken"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        whole(layout)?;
        self.of_cpu.put(std::mem::replace(storage, CpuStorage::F32(Vec::new())));
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, storage: &mut candle_core::CudaStorage, layout: &Layout) -> Result<()> {
        whole(layout)?;
        self.of_gpu.put(super::cuda::taken(storage)?);
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
        Ok((self.taken.of_cpu.take()?, self.shape.clone()))
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
        Ok((self.taken.of_gpu.take()?, self.shape.clone()))
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
