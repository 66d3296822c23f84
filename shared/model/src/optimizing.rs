//! What an optimiser does to tensors of a GPU: a kernel each, where candle would go through the memory a dozen times,
//! and a step of many small tensors would be nothing but starts of kernels.

use candle_core::{Result, Tensor};

/// A step of AdamW (Loshchilov & Hutter 2019), in numbers that are the same for all its tensors.
#[derive(Clone, Copy, Debug)]
pub struct AdamWStep {
    /// What gradients are multiplied by first.
    pub factor: f32,
    /// What weight decay leaves of a value.
    pub kept: f32,
    /// What is new of each moment: 1 − β₁ and 1 − β₂.
    pub fresh: [f32; 2],
    /// What is kept of the second moment.
    pub beta2: f32,
    /// The rate, with the first moment's bias divided out.
    pub size: f32,
    /// √(1 − β₂ᵗ), by which the second moment's root is divided.
    pub root: f32,
    /// Added to that root.
    pub epsilon: f32,
}

impl AdamWStep {
    /// Moves values, and both moments with them, where they lie; all are f32 of a GPU, as large as the gradient.
    /// `lost`, one number, becomes none where a value does.
    ///
    /// # Errors
    /// When they lie elsewhere, or the device fails.
    pub fn on_gpu(
        &self,
        values: &Tensor,
        gradient: &Tensor,
        [mean, square]: [&Tensor; 2],
        lost: &Tensor,
    ) -> Result<()> {
        #[cfg(feature = "cuda")]
        return crate::gpu::adam_w(self, values, gradient, [mean, square], lost);
        #[cfg(not(feature = "cuda"))]
        no_gpu((self, values, gradient, mean, square, lost))
    }
}

/// The sum of the squares of all values, a scalar of the GPU that they lie on in f32.
///
/// # Errors
/// When they lie elsewhere, or the device fails.
pub fn sum_of_squares(tensors: &[Tensor]) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    return crate::gpu::sum_of_squares(tensors);
    #[cfg(not(feature = "cuda"))]
    no_gpu(tensors)
}

#[cfg(not(feature = "cuda"))]
fn no_gpu<A, B>(_: A) -> Result<B> {
    candle_core::bail!("tensors of a GPU, in a program that knows none")
}
