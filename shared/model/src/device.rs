//! Where the network is computed.

use candle_core::{DType, Device, Result};

/// The best device that there is, and the numbers to compute with on it: f32 on the CPU, and with the
/// feature `cuda` bf16 on the first GPU.
pub(crate) fn best() -> Result<(Device, DType)> {
    #[cfg(feature = "cuda")]
    if candle_core::utils::cuda_is_available() {
        return Ok((Device::new_cuda(0)?, DType::BF16));
    }
    Ok((Device::Cpu, DType::F32))
}
