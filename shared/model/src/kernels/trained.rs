//! The arithmetic of training on the CPU, in f32: operations with a backward that is computed in one pass,
//! and only for what is trained. candle's own backward goes over memory once for each step of a formula, and
//! computes gradients of frozen weights, too.

mod attention;
mod dropout;
mod gelu;
mod layer_norm;
mod linear;

pub(crate) use attention::attention;
pub(crate) use dropout::{Drops, dropout, mixed};
pub(crate) use gelu::gelu;
pub(crate) use layer_norm::layer_norm;
pub(crate) use linear::{linear, linear_gelu};

use candle_core::{Device, Result, Shape, Tensor};

/// A gradient as candle takes it.
fn gradient(values: Vec<f32>, shape: impl Into<Shape>) -> Result<Option<Tensor>> {
    Tensor::from_vec(values, shape, &Device::Cpu).map(Some)
}
