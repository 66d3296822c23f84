//! One step through the network: batch in, gradients out.
//!
//! On the CPU a batch is cut into as many pieces as there are threads, and each goes through the network and back on its
//! own: what candle does value by value then uses all processors, and the sum over pieces is taken in their
//! order, so that the same number of threads gives the same bits.

use candle_core::Tensor;
use rayon::prelude::*;
use spyhop_config::Loss;
use spyhop_model::{Arithmetic, Ast, AstConfig, Build, ModelError, Parameters, Placement};

use crate::loader::Batch;
use crate::loss::{Found, loss};
use crate::parameters::{Held, Store};
use crate::{TrainError, optimizer};

/// Pictures that go through the network at once when it is only looked at.
const LOOKED_AT: usize = 32;

/// What is minimised.
pub struct Aim<'a> {
    /// By which loss.
    pub loss: Loss,
    /// Weights of the classes.
    pub weights: &'a [f64],
    /// Gradients are this many times as large on their way back, so that half precision holds them.
    pub scale: f32,
}

/// What a batch gave.
pub struct Stepped {
    /// Sum of the weighted losses.
    pub sum: f64,
    /// Sum of the weights.
    pub weight: f64,
    /// Pictures whose likeliest class is theirs.
    pub right: usize,
    /// Derivatives of `sum` by what moves, in the order of the store.
    pub gradients: Vec<Tensor>,
}

/// The loss of a piece, and its gradients.
type Piece = (Found, Vec<Tensor>);

/// Builds a network of a configuration from something that gives tensors.
///
/// # Errors
/// When a tensor is missing, or the device fails.
pub fn build(
    config: &AstConfig,
    arithmetic: Arithmetic,
    placement: &Placement,
    parameters: &mut dyn Parameters,
) -> Result<Ast, ModelError> {
    let build = Build {
        arithmetic,
        device: placement.device.clone(),
        dtype: placement.dtype,
        grid: config.grid(),
        mels: config.num_mel_bins,
        outputs: config.labels.len(),
    };
    Ast::new(config, &build, parameters)
}

/// Gradients of a batch. `key` decides what is dropped, in each piece otherwise.
///
/// # Errors
/// When the device fails, or a tensor that should move has no gradient.
pub fn gradients(
    store: &Store,
    config: &AstConfig,
    batch: &Batch,
    aim: &Aim<'_>,
    key: u64,
) -> Result<Stepped, TrainError> {
    let placement = &store.placement;
    let threads = if placement.is_gpu() { 1 } else { rayon::current_num_threads() };
    let pieces = threads.clamp(1, batch.classes.len().max(1));
    let each = batch.classes.len().div_ceil(pieces).max(1);
    let values = each * config.max_length * config.num_mel_bins;
    let parts: Result<Vec<Piece>, TrainError> = batch
        .pictures
        .par_chunks(values.max(1))
        .zip(batch.classes.par_chunks(each))
        .enumerate()
        .map(|(number, (pictures, classes))| {
            let key = Some(key.wrapping_add(number as u64));
            // Anew for each step: parts of a network are copies of its tensors, made when it is built.
            let mut held = Held { store, key };
            let network = build(config, Arithmetic::Differentiable, placement, &mut held)?;
            piece(store, config, &network, pictures, classes, aim)
        })
        .collect();
    let mut all = Stepped { sum: 0.0, weight: 0.0, right: 0, gradients: Vec::new() };
    for (found, gradients) in parts? {
        all.sum += found.sum;
        all.weight += found.weight;
        all.right += found.right;
        optimizer::add(&mut all.gradients, gradients)?;
    }
    Ok(all)
}

fn piece(
    store: &Store,
    config: &AstConfig,
    network: &Ast,
    pictures: &[f32],
    classes: &[usize],
    aim: &Aim<'_>,
) -> Result<Piece, TrainError> {
    let logits = network.logits(&stacked(config, pictures, &store.placement)?)?;
    let found = loss(aim.loss, &logits.flatten_all()?.to_vec1::<f32>()?, classes, aim.weights);
    let by_logit: Vec<f32> = found.by_logit.iter().map(|value| value * aim.scale).collect();
    let by_logit = Tensor::from_vec(by_logit, logits.shape(), logits.device())?;
    // The gradient of this sum by a logit is that of the loss.
    let carried = (logits * by_logit)?.sum_all()?.backward()?;
    let of = |moving: &crate::parameters::Moving| {
        let gradient = carried.get(moving.var.as_tensor()).ok_or_else(|| {
            TrainError::Data(format!("no gradient reaches {}: nothing would train it", moving.name))
        })?;
        // In f32, whatever the network is computed in: that is what moves.
        match aim.scale {
            1.0 => Ok(gradient.contiguous()?),
            scale => Ok(gradient.affine(1.0 / f64::from(scale), 0.0)?),
        }
    };
    let gradients: Result<_, TrainError> = store.moving.iter().map(of).collect();
    Ok((found, gradients?))
}

/// Logits of pictures, without dropping anything.
///
/// # Errors
/// When the device fails.
pub fn logits(
    network: &Ast,
    config: &AstConfig,
    placement: &Placement,
    pictures: &[f32],
) -> Result<Vec<f32>, TrainError> {
    let values = LOOKED_AT * config.max_length * config.num_mel_bins;
    let mut all = Vec::new();
    for some in pictures.chunks(values.max(1)) {
        let logits = network.logits(&stacked(config, some, placement)?)?;
        all.extend(logits.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(all)
}

fn stacked(
    config: &AstConfig,
    pictures: &[f32],
    placement: &Placement,
) -> Result<Tensor, TrainError> {
    let (frames, mels) = (config.max_length, config.num_mel_bins);
    let count = pictures.len() / (frames * mels).max(1);
    Ok(Tensor::from_slice(pictures, (count, frames, mels), &placement.device)?)
}
