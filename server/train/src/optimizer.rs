//! AdamW and SGD as PyTorch computes them, in f32, with moments that a checkpoint holds.
//!
//! On the CPU numbers are changed where they lie, in one pass; on a GPU the same is written with tensors, none of
//! which ever leaves it.

use candle_core::{D, Device, Result, Tensor, Var};
use rayon::prelude::*;
use spyhop_config::{ModelTrainer, Optimizer};

use crate::TrainError;
use crate::parameters::{Moving, Store};
use crate::slices::{change, read};

/// PyTorch's.
const EPSILON: f64 = 1e-8;
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

/// Makes the mean of a sum of gradients.
///
/// # Errors
/// When the device fails.
pub fn divide(gradients: &mut [Tensor], by: f64) -> Result<()> {
    let factor = 1.0 / by;
    scale(gradients, factor, |value| (f64::from(value) * factor) as f32)
}

/// Shortens gradients to a norm, where one is given and they are longer.
///
/// # Errors
/// When the device fails.
pub fn clip(gradients: &mut [Tensor], norm: f64, most: f64) -> Result<()> {
    let factor = most / (norm + NORM_EPSILON);
    if most > 0.0 && factor < 1.0 {
        return scale(gradients, factor, |value| value * factor as f32);
    }
    Ok(())
}

/// Moves a network by its gradients, in the order of the store; whether all its weights are finite numbers
/// then. `step` counts from 1.
///
/// # Errors
/// When the device fails.
pub fn step(
    store: &mut Store,
    gradients: &[Tensor],
    said: &ModelTrainer,
    rate: f64,
    step: usize,
) -> std::result::Result<bool, TrainError> {
    let moved = store.moving.par_iter_mut().zip(gradients).map(|(moving, gradient)| {
        // Biases and norms are no slopes that could grow too steep.
        let decay = if moving.var.rank() > 1 { said.weight_decay } else { 0.0 };
        let Moving { var, first, second, .. } = moving;
        match (&said.optimizer, second) {
            (Optimizer::AdamW, Some(second)) => {
                AdamW::new(said.betas, decay, rate, step).step(var, gradient, first, second)?;
            }
            _ => sgd(var, gradient, first, said.momentum, decay, rate)?,
        }
        match on_cpu(gradient) {
            true => read(var, |values| values.iter().all(|value| value.is_finite())),
            false => Ok(true),
        }
    });
    let is_finite = moved.try_reduce(|| true, |a, b| Ok(a && b))?;
    if store.placement.is_gpu() {
        let weights: Vec<Tensor> =
            store.moving.iter().map(|m| m.var.as_detached_tensor()).collect();
        // A weight whose square is none is lost as well.
        return Ok(squares(&weights)?.is_finite());
    }
    Ok(is_finite)
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
    // By rows first: a sum of everything at once is one block's work.
    let of = |tensor: &Tensor| tensor.sqr()?.sum_keepdim(D::Minus1)?.sum_all();
    let squares: Result<Vec<Tensor>> = tensors.iter().map(of).collect();
    Ok(f64::from(Tensor::stack(&squares?, 0)?.sum_all()?.to_scalar::<f32>()?))
}

fn scale(gradients: &mut [Tensor], factor: f64, f: impl Fn(f32) -> f32 + Sync) -> Result<()> {
    gradients.par_iter_mut().try_for_each(|gradient| {
        if !on_cpu(gradient) {
            *gradient = gradient.affine(factor, 0.0)?;
            return Ok(());
        }
        change(gradient, |values| values.iter_mut().for_each(|value| *value = f(*value)))
    })
}

/// The numbers of one step.
struct AdamW {
    size: f64,
    root: f64,
    kept: f64,
    fresh: [f64; 2],
    beta2: f64,
}

impl AdamW {
    fn new([beta1, beta2]: [f64; 2], decay: f64, rate: f64, step: usize) -> AdamW {
        let power = |beta: f64| beta.powi(i32::try_from(step).unwrap_or(i32::MAX));
        AdamW {
            size: rate / (1.0 - power(beta1)),
            root: (1.0 - power(beta2)).sqrt(),
            kept: 1.0 - rate * decay,
            fresh: [1.0 - beta1, 1.0 - beta2],
            beta2,
        }
    }

    fn step(&self, var: &Var, g: &Tensor, first: &mut Tensor, second: &mut Tensor) -> Result<()> {
        if !on_cpu(g) {
            return self.step_of_tensors(var, g, first, second);
        }
        read(g, |g| {
            change(var, |values| {
                change(first, |first| {
                    change(second, |second| self.numbers(values, g, first, second))
                })
            })
        })???
    }

    fn numbers(&self, values: &mut [f32], g: &[f32], first: &mut [f32], second: &mut [f32]) {
        let [fresh1, fresh2] = self.fresh.map(|fresh| fresh as f32);
        let (size, root, kept) = (self.size as f32, self.root as f32, self.kept as f32);
        let (beta2, epsilon) = (self.beta2 as f32, EPSILON as f32);
        let moments = first.iter_mut().zip(second);
        for ((value, g), (m, v)) in values.iter_mut().zip(g).zip(moments) {
            *value *= kept;
            *m += (g - *m) * fresh1;
            *v = *v * beta2 + g * g * fresh2;
            *value -= size * *m / (v.sqrt() / root + epsilon);
        }
    }

    fn step_of_tensors(
        &self,
        var: &Var,
        g: &Tensor,
        first: &mut Tensor,
        second: &mut Tensor,
    ) -> Result<()> {
        let [fresh1, fresh2] = self.fresh;
        *first = (&*first + ((g - &*first)? * fresh1)?)?;
        *second = ((&*second * self.beta2)? + (g.sqr()? * fresh2)?)?;
        let slope = second.sqrt()?.affine(1.0 / self.root, EPSILON)?;
        let moved = ((&*first / slope)? * self.size)?;
        var.set(&((var.as_detached_tensor() * self.kept)? - moved)?)
    }
}

fn sgd(
    var: &Var,
    g: &Tensor,
    first: &mut Tensor,
    momentum: f64,
    decay: f64,
    rate: f64,
) -> Result<()> {
    if !on_cpu(g) {
        let values = var.as_detached_tensor();
        *first = ((&*first * momentum)? + (g + (&values * decay)?)?)?;
        return var.set(&(values - (&*first * rate)?)?);
    }
    let (momentum, decay, rate) = (momentum as f32, decay as f32, rate as f32);
    read(g, |g| {
        change(var, |values| {
            change(first, |first| {
                for ((value, g), m) in values.iter_mut().zip(g).zip(first) {
                    *m = *m * momentum + (g + decay * *value);
                    *value -= rate * *m;
                }
            })
        })
    })??
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

    type Step = fn(&AdamW, &Var, &Tensor, &mut Tensor, &mut Tensor) -> Result<()>;

    #[test]
    fn three_steps_of_adam_w_are_those_of_pytorch() {
        // torch.optim.AdamW(lr=0.01, weight_decay=0.1), PyTorch 2.7.1
        let theirs = [0.985578715801239, -1.9928759336471558, 0.47849246859550476];
        let ways: [Step; 2] = [AdamW::step, AdamW::step_of_tensors];
        for step in ways {
            let var = Var::from_tensor(&tensor(&[1.0, -2.0, 0.5])).expect("a variable");
            let (mut first, mut second) = (tensor(&[0.0; 3]), tensor(&[0.0; 3]));
            for (i, g) in GRADIENTS.iter().enumerate() {
                let numbers = AdamW::new([0.9, 0.999], 0.1, 0.01, i + 1);
                step(&numbers, &var, &tensor(g), &mut first, &mut second).expect("a step");
            }
            near(&var, theirs);
        }
    }

    #[test]
    fn three_steps_of_sgd_are_those_of_pytorch() {
        let var = Var::from_tensor(&tensor(&[1.0, -2.0, 0.5])).expect("a variable");
        let mut first = tensor(&[0.0; 3]);
        for g in &GRADIENTS {
            sgd(&var, &tensor(g), &mut first, 0.9, 0.1, 0.01).expect("a step");
        }
        // torch.optim.SGD(lr=0.01, momentum=0.9, weight_decay=0.1), PyTorch 2.7.1
        near(&var, [0.9966886043548584, -1.9929733276367188, 0.4889777898788452]);
    }

    #[test]
    fn long_gradients_are_shortened_and_short_ones_are_not() {
        let values = |gradients: &[Tensor]| -> Vec<Vec<f32>> {
            gradients.iter().map(|g| g.to_vec1().expect("f32")).collect()
        };
        let mut gradients = vec![tensor(&[3.0, 0.0]), tensor(&[4.0])];
        assert_eq!(norm(&gradients).expect("a norm"), 5.0);
        clip(&mut gradients, 5.0, 10.0).expect("as they are");
        assert_eq!(values(&gradients), [vec![3.0, 0.0], vec![4.0]]);
        clip(&mut gradients, 5.0, 0.0).expect("as they are");
        clip(&mut gradients, 5.0, 1.0).expect("shortened");
        assert!((norm(&gradients).expect("a norm") - 1.0).abs() < 1e-6);
    }

    #[test]
    fn gradients_of_two_pieces_are_summed_and_divided() {
        let mut sum = Vec::new();
        add(&mut sum, vec![tensor(&[1.0, 2.0])]).expect("the first");
        add(&mut sum, vec![tensor(&[3.0, -2.0])]).expect("the second");
        divide(&mut sum, 4.0).expect("a mean");
        assert_eq!(sum[0].to_vec1::<f32>().expect("f32"), [1.0, 0.0]);
    }
}
