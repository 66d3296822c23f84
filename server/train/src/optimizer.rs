//! AdamW and SGD as PyTorch computes them, in f32, with moments that a checkpoint holds.

use candle_core::Tensor;
use rayon::prelude::*;
use spyhop_config::{ModelTrainer, Optimizer};

use crate::TrainError;
use crate::parameters::Store;

/// PyTorch's.
const EPSILON: f64 = 1e-8;
/// Added to the norm before it divides, as by PyTorch's `clip_grad_norm_`.
const NORM_EPSILON: f64 = 1e-6;

/// The norm of all gradients together.
pub fn norm(gradients: &[Vec<f32>]) -> f64 {
    let square = |x: &f32| f64::from(*x) * f64::from(*x);
    // By tensor, and then in their order: threads change no bit.
    let squares: Vec<f64> =
        gradients.par_iter().map(|g| g.iter().map(square).sum::<f64>()).collect();
    squares.iter().sum::<f64>().sqrt()
}

/// Makes the mean of a sum of gradients.
pub fn divide(gradients: &mut [Vec<f32>], by: f64) {
    let factor = 1.0 / by;
    each(gradients, |value| (f64::from(value) * factor) as f32);
}

/// Shortens gradients to a norm, where one is given and they are longer.
pub fn clip(gradients: &mut [Vec<f32>], norm: f64, most: f64) {
    let factor = most / (norm + NORM_EPSILON);
    if most > 0.0 && factor < 1.0 {
        each(gradients, |value| value * factor as f32);
    }
}

fn each(gradients: &mut [Vec<f32>], f: impl Fn(f32) -> f32 + Sync) {
    gradients.par_iter_mut().for_each(|values| {
        values.iter_mut().for_each(|value| *value = f(*value));
    });
}

/// Moves a network by its gradients, in the order of the store; whether all its weights are finite numbers
/// then. `step` counts from 1.
///
/// # Errors
/// When the device fails.
pub fn step(
    store: &mut Store,
    gradients: &[Vec<f32>],
    said: &ModelTrainer,
    rate: f64,
    step: usize,
) -> Result<bool, TrainError> {
    let moved = store.moving.par_iter_mut().zip(gradients).map(|(moving, gradient)| {
        let shape = moving.var.shape().clone();
        let mut values = moving.var.flatten_all()?.to_vec1::<f32>()?;
        // Biases and norms are no slopes that could grow too steep.
        let decay = if shape.rank() > 1 { said.weight_decay } else { 0.0 };
        let (first, second) = (&mut moving.first, &mut moving.second);
        match said.optimizer {
            Optimizer::AdamW => {
                adam_w(&mut values, gradient, first, second, said.betas, decay, rate, step);
            }
            Optimizer::SGD => sgd(&mut values, gradient, first, said.momentum, decay, rate),
        }
        let is_finite = values.iter().all(|value| value.is_finite());
        moving.var.set(&Tensor::from_vec(values, shape, moving.var.device())?)?;
        Ok(is_finite)
    });
    moved.try_reduce(|| true, |a, b| Ok(a && b))
}

#[allow(clippy::too_many_arguments, reason = "the letters of one formula")]
fn adam_w(
    values: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
    [beta1, beta2]: [f64; 2],
    decay: f64,
    rate: f64,
    step: usize,
) {
    let power = |beta: f64| beta.powi(i32::try_from(step).unwrap_or(i32::MAX));
    let size = (rate / (1.0 - power(beta1))) as f32;
    let root = (1.0 - power(beta2)).sqrt() as f32;
    let kept = (1.0 - rate * decay) as f32;
    let (fresh1, fresh2) = ((1.0 - beta1) as f32, (1.0 - beta2) as f32);
    let (beta2, epsilon) = (beta2 as f32, EPSILON as f32);
    let moments = first.iter_mut().zip(second);
    for ((value, g), (m, v)) in values.iter_mut().zip(gradient).zip(moments) {
        *value *= kept;
        *m += (g - *m) * fresh1;
        *v = *v * beta2 + g * g * fresh2;
        *value -= size * *m / (v.sqrt() / root + epsilon);
    }
}

fn sgd(
    values: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    momentum: f64,
    decay: f64,
    rate: f64,
) {
    let (momentum, decay, rate) = (momentum as f32, decay as f32, rate as f32);
    for ((value, g), m) in values.iter_mut().zip(gradient).zip(first) {
        *m = *m * momentum + (g + decay * *value);
        *value -= rate * *m;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRADIENTS: [[f32; 3]; 3] = [[0.1, -0.2, 0.3], [0.0, 0.4, -0.1], [-0.5, 0.2, 0.2]];

    #[test]
    fn three_steps_of_adam_w_are_those_of_pytorch() {
        let mut values = [1.0, -2.0, 0.5];
        let (mut first, mut second) = ([0.0; 3], [0.0; 3]);
        for (i, g) in GRADIENTS.iter().enumerate() {
            adam_w(&mut values, g, &mut first, &mut second, [0.9, 0.999], 0.1, 0.01, i + 1);
        }
        // torch.optim.AdamW(lr=0.01, weight_decay=0.1), PyTorch 2.7.1
        let theirs = [0.985578715801239, -1.9928759336471558, 0.47849246859550476];
        for (ours, theirs) in values.iter().zip(theirs) {
            assert!((f64::from(*ours) - theirs).abs() < 1e-6, "{values:?}");
        }
    }

    #[test]
    fn three_steps_of_sgd_are_those_of_pytorch() {
        let mut values = [1.0, -2.0, 0.5];
        let mut first = [0.0; 3];
        for g in &GRADIENTS {
            sgd(&mut values, g, &mut first, 0.9, 0.1, 0.01);
        }
        // torch.optim.SGD(lr=0.01, momentum=0.9, weight_decay=0.1), PyTorch 2.7.1
        let theirs = [0.9966886043548584, -1.9929733276367188, 0.4889777898788452];
        for (ours, theirs) in values.iter().zip(theirs) {
            assert!((f64::from(*ours) - theirs).abs() < 1e-6, "{values:?}");
        }
    }

    #[test]
    fn long_gradients_are_shortened_and_short_ones_are_not() {
        let mut gradients = vec![vec![3.0, 0.0], vec![4.0]];
        assert_eq!(norm(&gradients), 5.0);
        clip(&mut gradients, 5.0, 10.0);
        assert_eq!(gradients, [vec![3.0, 0.0], vec![4.0]]);
        clip(&mut gradients, 5.0, 0.0);
        clip(&mut gradients, 5.0, 1.0);
        assert!((norm(&gradients) - 1.0).abs() < 1e-6);
    }
}
