//! Where a network is computed.

use candle_core::{DType, Device};

/// A device, and the numbers that a network is computed in on it.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Where tensors lie.
    pub device: Device,
    /// What they are made of: f32 on the CPU, which knows nothing else that is fast.
    pub dtype: DType,
}

impl Placement {
    /// All processors, in f32.
    pub fn cpu() -> Placement {
        Placement { device: Device::Cpu, dtype: DType::F32 }
    }

    /// The first GPU in some numbers, where this program was built for one and one answers; else the CPU.
    pub fn best(on_gpu: DType) -> Placement {
        #[cfg(feature = "cuda")]
        if let Ok(device) = crate::gpu::first_card() {
            return Placement { device, dtype: on_gpu };
        }
        let _ = on_gpu;
        Placement::cpu()
    }

    /// Whether [`Placement::best`] is a GPU. Asked once: to find out takes a while.
    pub fn has_gpu() -> bool {
        static IS_GPU: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
        *IS_GPU.get_or_init(|| Placement::best(DType::BF16).is_gpu())
    }

    /// Whether it is a GPU.
    pub fn is_gpu(&self) -> bool {
        !self.device.is_cpu()
    }
}
