//! AdamW and SGD as PyTorch computes them, in f32, with moments that a checkpoint holds.
//!
//! On the CPU numbers are changed where they lie, in one pass; AdamW does so on a GPU, too, by a kernel for each tensor,
//! and SGD is written with tensors there.

use candle_core::{DType, Device, Result, Tensor, Var};
use rayon::prelude::*;
use spyhop_config::{ModelTrainer, Optimizer};
use spyhop_model::optimizing::{AdamWStep, sum_of_squares};

use crate::TrainError;
use crate::parameters::{Moving, Store};
use crate::slices::{change, read};

/// PyTorch's.
const EPSILON: f32 = 1e-8;
/// Added to the norm before it divides, as by PyTorch's `clip_grad_norm_`.
const NORM_EPSILON: f64 = 1e-6;

/// The norm of all gradients together.
///
/// # Errors
/// When the device fails.
pub fn norm(gradients: &[Tensor]) -> Result<f64> {
    Ok(squares(gradients)?.sqrt())
}

/// Adds gradients to others; to none, they are the sum.
///
/// # Errors
/// When the device fails.
pub fn add(sum: &mut Vec<Tensor>, more: Vec<Tensor>) -> Result<()> {
    if sum.is_empty() {
        *sum = more;
        return Ok(());
    }
    sum.par_iter_mut().zip(more).try_for_each(|(sum, more)| {
        if !on_cpu(sum) {
            *sum = (&*sum + more)?;
            return Ok(());
        }
        read(&more, |more| {
            change(sum, |sum| sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more))
        })?
    })
}

/// What shortens gradients of a norm to another, where one is given and they are longer; else 1.
pub fn shortening(norm: f64, most: f64) -> f64 {
    if most > 0.0 { (most / (norm + NORM_EPSILON)).min(1.0) } else { 1.0 }
}

/// Moves a network by its gradients times `factor`, in the order of the store; whether all its weights are finite
/// numbers then. `step` counts from 1.
///
/// # Errors
/// When the device fails.
pub fn step(
    store: &mut Store,
    gradients: &[Tensor],
    factor: f64,
    said: &ModelTrainer,
    rate: f64,
    step: usize,
) -> std::result::Result<bool, TrainError> {
    // What a GPU would notice meanwhile, of all tensors and of one.
    let lost = Tensor::zeros(1, DType::F32, &store.placement.device)?;
    let moved = store.moving.par_iter_mut().zip(gradients).map(|(moving, gradient)| {
        // Biases and norms are no slopes that could grow too steep.
        let decay = if moving.var.rank() > 1 { said.weight_decay } else { 0.0 };
        let Moving { var, first, second, .. } = moving;
        let sgd = Sgd { factor, momentum: said.momentum, decay, rate };
        let told = match (&said.optimizer, second, on_cpu(gradient)) {
            (Optimizer::AdamW, Some(second), is_on_cpu) => {
                let numbers = adam_w(said.betas, decay, rate, step, factor);
                if is_on_cpu {
                    adam_w_on_cpu(&numbers, var, gradient, first, second)?;
                } else {
                    numbers.on_gpu(var, gradient, [first, second], &lost)?;
                }
                None
            }
            (.., true) => {
                sgd.on_cpu(var, gradient, first)?;
                None
            }
            (.., false) => Some(sgd.of_tensors(var, gradient, first)?),
        };
        let is_finite = match on_cpu(gradient) {
            true => read(var, |values| values.iter().all(|value| value.is_finite()))?,
            false => true,
        };
        Ok((is_finite, told))
    });
    let moved: std::result::Result<Vec<(bool, Option<Tensor>)>, TrainError> = moved.collect();
    let moved = moved?;
    if !store.placement.is_gpu() {
        return Ok(moved.iter().all(|(is_finite, _)| *is_finite));
    }
    let told: Vec<Tensor> = moved.into_iter().filter_map(|(_, told)| told).chain([lost]).collect();
    Ok(Tensor::cat(&told, 0)?.sum_all()?.to_scalar::<f32>()? == 0.0)
}

fn on_cpu(tensor: &Tensor) -> bool {
    matches!(tensor.device(), Device::Cpu)
}

/// The sum of the squares of all numbers.
fn squares(tensors: &[Tensor]) -> Result<f64> {
    if tensors.iter().all(on_cpu) {
        let square = |x: &f32| f64::from(*x) * f64::from(*x);
        // By tensor, and then in their order: threads change no bit.
        let squares: Result<Vec<f64>> = tensors
            .par_iter()
            .map(|tensor| read(tensor, |values| values.iter().map(square).sum::<f64>()))
            .collect();
        return Ok(squares?.iter().sum());
    }
    Ok(f64::from(sum_of_squares(tensors)?.to_scalar::<f32>()?))
}

/// The numbers of one step.
fn adam_w([beta1, beta2]: [f64; 2], decay: f64, rate: f64, step: usize, factor: f64) -> AdamWStep {
    let power = |beta: f64| beta.powi(i32::try_from(step).unwrap_or(i32::MAX));
    AdamWStep {
        factor: factor as f32,
        kept: (1.0 - rate * decay) as f32,
        fresh: [(1.0 - beta1) as f32, (1.0 - beta2) as f32],
        beta2: beta2 as f32,
        size: (rate / (1.0 - power(beta1))) as f32,
        root: (1.0 - power(beta2)).sqrt() as f32,
        epsilon: EPSILON,
    }
}

fn adam_w_on_cpu(
    step: &AdamWStep,
    var: &Var,
    g: &Tensor,
    first: &mut Tensor,
    second: &mut Tensor,
) -> Result<()> {
    let AdamWStep { factor, kept, fresh: [fresh1, fresh2], beta2, size, root, epsilon } = *step;
    let numbers = |values: &mut [f32], g: &[f32], first: &mut [f32], second: &mut [f32]| {
        let moments = first.iter_mut().zip(second);
        for ((value, g), (m, v)) in values.iter_mut().zip(g).zip(moments) {
            let g = g * factor;
            *value *= kept;
            *m += (g - *m) * fresh1;
            *v = *v * beta2 + g * g * fresh2;
            *value -= size * *m / (v.sqrt() / root + epsilon);
        }
    };
    read(g, |g| {
        change(var, |values| {
            change(first, |first| change(second, |second| numbers(values, g, first, second)))
        })
    })???
}

/// A step of SGD with momentum.
#[derive(Clone, Copy)]
struct Sgd {
    factor: f64,
    momentum: f64,
    decay: f64,
    rate: f64,
}

impl Sgd {
    fn on_cpu(self, var: &Var, g: &Tensor, first: &mut Tensor) -> Result<()> {
        let [factor, momentum, decay, rate] =
            [self.factor, self.momentum, self.decay, self.rate].map(|number| number as f32);
        read(g, |g| {
            change(var, |values| {
                change(first, |first| {
                    for ((value, g), m) in values.iter_mut().zip(g).zip(first) {
                        *m = *m * momentum + (g * factor + decay * *value);
                        *value -= rate * *m;
                    }
                })
            })
        })??
    }

    /// The same, written with tensors. Gives one number, which is none if a value is lost, and else 0.
    fn of_tensors(self, var: &Var, g: &Tensor, first: &mut Tensor) -> Result<Tensor> {
        let values = var.as_detached_tensor();
        let slope = ((g * self.factor)? + (&values * self.decay)?)?;
        *first = ((&*first * self.momentum)? + slope)?;
        let values = (values - (&*first * self.rate)?)?;
        // No number times zero is none.
        let told = (values.flatten_all()?.sum_keepdim(0)? * 0.0)?;
        var.set(&values)?;
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRADIENTS: [[f32; 3]; 3] = [[0.1, -0.2, 0.3], [0.0, 0.4, -0.1], [-0.5, 0.2, 0.2]];

    fn tensor(values: &[f32]) -> Tensor {
        Tensor::new(values, &Device::Cpu).expect("a tensor")
    }

    fn near(ours: &Tensor, theirs: [f64; 3]) {
        let ours = ours.to_vec1::<f32>().expect("f32");
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((f64::from(*ours) - theirs).abs() < 1e-6, "{ours} for {theirs}");
        }
    }

    #[test]
    fn three_steps_of_adam_w_are_those_of_pytorch() {
        // torch.optim.AdamW(lr=0.01, weight_decay=0.1), PyTorch 2.7.1
        let theirs = [0.985578715801239, -1.9928759336471558, 0.47849246859550476];
        let var = Var::from_tensor(&tensor(&[1.0, -2.0, 0.5])).expect("a variable");
        let (mut first, mut second) = (tensor(&[0.0; 3]), tensor(&[0.0; 3]));
        for (i, g) in GRADIENTS.iter().enumerate() {
            // Of gradients that are to be halved.
            let numbers = adam_w([0.9, 0.999], 0.1, 0.01, i + 1, 0.5);
            let g = tensor(&g.map(|g| g * 2.0));
            adam_w_on_cpu(&numbers, &var, &g, &mut first, &mut second).expect("a step");
        }
        near(&var, theirs);
    }

    #[test]
    fn three_steps_of_sgd_are_those_of_pytorch() {
        // torch.optim.SGD(lr=0.01, momentum=0.9, weight_decay=0.1), PyTorch 2.7.1
        let theirs = [0.9966886043548584, -1.9929733276367188, 0.4889777898788452];
        // Of gradients that are to be halved.
        let sgd = Sgd { factor: 0.5, momentum: 0.9, decay: 0.1, rate: 0.01 };
        for of_tensors in [false, true] {
            let var = Var::from_tensor(&tensor(&[1.0, -2.0, 0.5])).expect("a variable");
            let mut first = tensor(&[0.0; 3]);
            for g in GRADIENTS.map(|g| tensor(&g.map(|g| g * 2.0))) {
                if of_tensors {
                    let told = sgd.of_tensors(&var, &g, &mut first).expect("a step");
                    assert_eq!(told.to_vec1::<f32>().expect("f32"), [0.0]);
                } else {
                    sgd.on_cpu(&var, &g, &mut first).expect("a step");
                }
            }
            near(&var, theirs);
        }
        let var = Var::from_tensor(&tensor(&[1.0, 2.0])).expect("a variable");
        let g = tensor(&[0.0, f32::INFINITY]);
        let told = sgd.of_tensors(&var, &g, &mut tensor(&[0.0; 2])).expect("a step");
        assert!(told.to_vec1::<f32>().expect("f32")[0].is_nan(), "a value that is lost is told");
    }

    #[test]
    fn long_gradients_are_shortened_and_short_ones_are_not() {
        assert_eq!(norm(&[tensor(&[3.0, 0.0]), tensor(&[4.0])]).expect("a norm"), 5.0);
        assert_eq!(shortening(5.0, 10.0), 1.0);
        assert_eq!(shortening(5.0, 0.0), 1.0, "where no norm is given");
        // torch.nn.utils.clip_grad_norm_, PyTorch 2.7.1
        assert!((shortening(5.0, 1.0) - 1.0 / (5.0 + 1e-6)).abs() < 1e-12);
    }

    #[test]
    fn gradients_of_two_pieces_are_summed() {
        let mut sum = Vec::new();
        add(&mut sum, vec![tensor(&[1.0, 2.0])]).expect("the first");
        add(&mut sum, vec![tensor(&[3.0, -2.0])]).expect("the second");
        assert_eq!(sum[0].to_vec1::<f32>().expect("f32"), [4.0, 0.0]);
    }
}
