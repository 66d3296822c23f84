//! A result that was computed without candle's looking on, given back its place in the graph.

use std::sync::Mutex;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Storage, Tensor};

/// Gradients of three tensors.
pub(super) type Gradients = (Option<Tensor>, Option<Tensor>, Option<Tensor>);

/// The result as one that follows from three tensors, with `back` to make their gradients of its own. A copy: nobody
/// else holds the result then, and it goes.
pub(super) fn attached(
    result: Tensor,
    [a, b, c]: [&Tensor; 3],
    back: impl Fn(&Tensor) -> Result<Gradients> + Send + Sync + 'static,
) -> Result<Tensor> {
    a.apply_op3(b, c, Attached { result: Mutex::new(Some(result.contiguous()?)), back })
}

struct Attached<F> {
    result: Mutex<Option<Tensor>>,
    back: F,
}

impl<F> Attached<F> {
    fn copied<T>(&self, copy: impl Fn(&Storage, &Layout) -> Result<T>) -> Result<(T, Shape)> {
        let result = self.result.lock().ok().and_then(|mut result| result.take());
        let Some(result) = result else { candle_core::bail!("a result that was given away") };
        let (storage, layout) = result.storage_and_layout();
        if layout.start_offset() != 0 {
            candle_core::bail!("a result that is a part of something larger");
        }
        Ok((copy(&storage, layout)?, layout.shape().clone()))
    }
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
        self.copied(|storage, layout| match storage {
            Storage::Cpu(CpuStorage::F32(values)) => {
                let values = layout.contiguous_offsets().and_then(|(a, b)| values.get(a..b));
                Ok(CpuStorage::F32(values.unwrap_or_default().to_vec()))
            }
            _ => candle_core::bail!("a result of another device or kind"),
        })
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
        use candle_core::backend::BackendStorage as _;
        self.copied(|storage, layout| match storage {
            Storage::Cuda(storage) => storage.try_clone(layout),
            _ => candle_core::bail!("a result of another device"),
        })
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
