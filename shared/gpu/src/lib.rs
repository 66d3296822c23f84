//! The transforms of `spyhop-signal` on a GPU: WGSL kernels on wgpu, in the browser and natively.
//!
//! [`Gpu::open`] finds an adapter, [`GpuStft`] computes the same [`Columns`] as
//! [`spyhop_signal::spectrum::columns`] does on the CPU, within 0.1 dB for bins within 90 dB of a
//! frame's maximum. A software adapter is slower than the CPU path: [`AdapterChoice::Hardware`] does
//! not take one.
//!
//! [`Columns`]: spyhop_signal::spectrum::Columns
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod adapter;
mod batch;
mod device_caps;
mod pipelines;
mod stft;

pub use adapter::{Adapter, AdapterChoice, Gpu, GpuError};
pub use device_caps::{DeviceCaps, Tier};
pub use stft::{GpuStft, Output};
