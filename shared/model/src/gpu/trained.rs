//! The same with gradients, computed for what is trained and for nothing else.

use candle_core::{Result, Tensor};

use super::attached::attached;
use super::passes::Pass;
use super::{Part, finished, heads_last, product, scale};
use crate::adapter::LowRank;
use crate::kernels::After;
use crate::kernels::trained::Drops;

/// x Wᵀ + b, with GELU after it where that is asked for; x is (batch, rows, in), W (out, in), b (out).
pub(crate) fn linear(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    gelu: bool,
) -> Result<Tensor> {
    let detached = bias.map(Tensor::detach);
    let (result, inside) = if gelu {
        let inside = product(&x.detach(), &weight.detach())?;
        (finished(&inside, detached.as_ref(), After::Gelu)?, Some(inside))
    } else {
        let (x, weight) = (x.detach(), weight.detach());
        (super::linear(&x, &weight, detached.as_ref(), After::Nothing)?, None)
    };
    // Where there is no bias the weight stands in its place, whose gradient is asked for once.
    let third = bias.unwrap_or(weight);
    let (moves, saved) = (Moves::of([x, weight, third]), [x.detach(), weight.detach()]);
    let shape = bias.map(|bias| bias.shape().clone());
    attached(result, [x, weight, third], move |grad| {
        let [x, weight] = &saved;
        let grad = match &inside {
            Some(inside) => {
                Pass::GeluBack { inside: inside.clone(), bias: detached.clone() }.over(grad)?
            }
            None => grad.clone(),
        };
        let (out, into) = weight.dims2()?;
        let (grad, x_rows) = (grad.reshape(((), out))?, x.reshape(((), into))?);
        let by_x = moves.first.then(|| grad.matmul(weight)?.reshape(x.shape())).transpose()?;
        let by_weight = moves.second.then(|| grad.t()?.matmul(&x_rows)).transpose()?;
        let by_bias = match &shape {
            Some(shape) if moves.third => Some(sum_of_rows(&grad)?.reshape(shape)?),
            _ => None,
        };
        Ok((by_x, by_weight, by_bias))
    })
}

/// x Wᵀ + b + residual of a layer that stands still: one pass, and one gradient for each of what moves.
pub(crate) fn linear_beside(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    residual: &Tensor,
) -> Result<Tensor> {
    let (weight, bias) = (weight.detach(), bias.map(Tensor::detach));
    let after = residual.detach();
    let result = super::linear(&x.detach(), &weight, bias.as_ref(), After::Add(&after))?;
    let (moves, shape) = (Moves::of([x, residual, x]), x.shape().clone());
    attached(result, [x, residual, x], move |grad| {
        let back = || grad.reshape(((), weight.dim(0)?))?.matmul(&weight)?.reshape(&shape);
        let by_x = moves.first.then(back).transpose()?;
        Ok((by_x, moves.second.then(|| grad.clone()), None))
    })
}

/// A layer that stands still with a low-rank path beside it: x Wᵀ + b + scale · dropped(x) Aᵀ Bᵀ.
pub(crate) fn low_rank(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    path: &LowRank,
) -> Result<Tensor> {
    let (weight, bias) = (weight.detach(), bias.map(Tensor::detach));
    let [from, a, b] = [x, &path.a, &path.b].map(Tensor::detach);
    let (drops, scale) = (path.dropout.and_then(|dropout| dropout.drops()), path.scale);
    let dropped = match drops {
        Some(drops) => Pass::Drop(drops).over(&from)?,
        None => from.clone(),
    };
    let scaled = move |low: Tensor| if scale == 1.0 { Ok(low) } else { low * scale };
    let low = scaled(product(&dropped, &a)?)?;
    let plain = super::linear(&from, &weight, bias.as_ref(), After::Nothing)?;
    let result = super::linear(&low, &b, None, After::Add(&plain))?;
    drop((from, plain));
    let (moves, shape) = (Moves::of([x, &path.a, &path.b]), x.shape().clone());
    attached(result, [x, &path.a, &path.b], move |grad| {
        let rows = |x: &Tensor| x.reshape(((), x.dim(2)?));
        let (grad, low, dropped) = (rows(grad)?, rows(&low)?, rows(&dropped)?);
        let by_low = scaled(grad.matmul(&b)?)?;
        let by_a = moves.second.then(|| by_low.t()?.matmul(&dropped)).transpose()?;
        let by_b = moves.third.then(|| grad.t()?.matmul(&low)).transpose()?;
        let back = || {
            let along = by_low.matmul(&a)?;
            let along = match drops {
                Some(drops) => Pass::Drop(drops).over(&along)?,
                None => along,
            };
            (grad.matmul(&weight)? + along)?.reshape(&shape)
        };
        Ok((moves.first.then(back).transpose()?, by_a, by_b))
    })
}

/// x Φ(x).
pub(crate) fn gelu(x: &Tensor) -> Result<Tensor> {
    let inside = x.detach().contiguous()?;
    let result = Pass::AfterLinear { bias: None, residual: None, gelu: true }.over(&inside)?;
    attached(result, [x; 3], move |grad| {
        let by_x = Pass::GeluBack { inside: inside.clone(), bias: None }.over(grad)?;
        Ok((Some(by_x), None, None))
    })
}

/// Layer norm over the last dimension.
pub(crate) fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    let moves = Moves::of([x, weight, bias]);
    let [from, weight_now] = [x.detach().contiguous()?, weight.detach().contiguous()?];
    let result = super::layer_norm(&from, &weight_now, &bias.detach(), eps)?;
    let (eps, width) = (eps as f32, weight.elem_count());
    attached(result, [x, weight, bias], move |grad| {
        let rows = |x: &Tensor| sum_of_rows(&x.reshape(((), width))?)?.flatten_all();
        let from = || from.clone();
        let back = || Pass::LayerNormBack { from: from(), weight: weight_now.clone(), eps };
        let by_x = moves.first.then(|| back().over(grad)).transpose()?;
        let terms = || rows(&Pass::LayerNormTerms { from: from(), eps }.over(grad)?);
        let by_weight = moves.second.then(terms).transpose()?;
        let by_bias = moves.third.then(|| rows(grad)).transpose()?;
        Ok((by_x, by_weight, by_bias))
    })
}

/// softmax(q kᵀ / √d) v of each head; all are (batch, rows, width), heads side by side along the width. Shares are
/// computed again on the way back, and never kept.
pub(crate) fn attention(q: &Tensor, k: &Tensor, v: &Tensor, heads: usize) -> Result<Tensor> {
    let width = q.dim(2)?;
    let first = move |x: &Tensor| Part { of: x, parts: 1, index: 0 }.heads_first(heads);
    let scale = scale(width / heads);
    let shares = move |q: &Tensor, k: &Tensor| Pass::Softmax { scale }.over(&q.matmul(&k.t()?)?);
    let saved = [q.detach(), k.detach(), v.detach()];
    let part = |of| Part { of, parts: 1, index: 0 };
    let result = super::attention(part(&saved[0]), part(&saved[1]), part(&saved[2]), heads)?;
    attached(result, [q, k, v], move |grad| {
        let [q, k, v] = [first(&saved[0])?, first(&saved[1])?, first(&saved[2])?];
        let (grad, shares) = (first(grad)?, shares(&q, &k)?);
        let by_v = shares.t()?.matmul(&grad)?;
        let by_shares = grad.matmul(&v.t()?)?;
        let by_scores = Pass::SoftmaxBack { shares, scale }.over(&by_shares)?;
        let (by_q, by_k) = (by_scores.matmul(&k)?, by_scores.t()?.matmul(&q)?);
        Ok((Some(heads_last(&by_q)?), Some(heads_last(&by_k)?), Some(heads_last(&by_v)?)))
    })
}

/// Sets some values to zero, and raises the others; the same ones as on the CPU.
pub(crate) fn dropout(x: &Tensor, drops: Drops) -> Result<Tensor> {
    let result = Pass::Drop(drops).over(&x.detach())?;
    attached(result, [x; 3], move |grad| Ok((Some(Pass::Drop(drops).over(grad)?), None, None)))
}

/// Which of three tensors a gradient is wanted of.
#[derive(Clone, Copy)]
struct Moves {
    first: bool,
    second: bool,
    third: bool,
}

impl Moves {
    fn of([first, second, third]: [&Tensor; 3]) -> Moves {
        Moves { first: first.track_op(), second: second.track_op(), third: third.track_op() }
    }
}

/// Sums over rows, as a product: cuBLAS adds in f32 what is in half precision, by all of the card.
fn sum_of_rows(x: &Tensor) -> Result<Tensor> {
    let rows = x.dim(0)?;
    Tensor::ones((1, rows), x.dtype(), x.device())?.matmul(x)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::Dropout;
    use crate::kernels::trained as of_cpu;

    fn wave(shape: &[usize], of: f32) -> Var {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|i| (i as f32 * of).sin() * 1.5).collect();
        Var::from_vec(values, shape, &Device::Cpu).expect("a tensor")
    }

    /// The same result, and the same gradients of a loss that weighs all values differently.
    fn assert_alike(
        inputs: &[&Var],
        ours: impl Fn(&[&Tensor]) -> Result<Tensor>,
        theirs: impl Fn(&[&Tensor]) -> Result<Tensor>,
    ) {
        let inputs: Vec<&Tensor> = inputs.iter().map(|var| var.as_tensor()).collect();
        let [ours, theirs] = [ours(&inputs), theirs(&inputs)].map(|result| {
            let result = result.expect("a result");
            let weights = wave(result.dims(), 0.37);
            let loss = (&result * weights.as_detached_tensor()).and_then(|t| t.sum_all());
            (result, loss.and_then(|loss| loss.backward()).expect("gradients"))
        });
        let apart = |a: &Tensor, b: &Tensor| -> f32 {
            assert_eq!(a.dims(), b.dims());
            (a - b).and_then(|t| t.abs()?.flatten_all()?.max(0)?.to_scalar()).expect("f32")
        };
        assert!(apart(&ours.0, &theirs.0) < 2e-5, "{}", apart(&ours.0, &theirs.0));
        for (i, input) in inputs.iter().enumerate() {
            let [a, b] = [&ours.1, &theirs.1].map(|g| g.get(input).expect("a gradient"));
            assert!(apart(a, b) < 1e-4, "gradient {i}: {}", apart(a, b));
        }
    }

    #[test]
    fn linear_layers_are_those_of_the_cpu() {
        let (x, w, b) = (wave(&[2, 5, 12], 0.11), wave(&[7, 12], 0.23), wave(&[7], 0.7));
        assert_alike(
            &[&x, &w, &b],
            |t| linear(t[0], t[1], Some(t[2]), false),
            |t| of_cpu::linear(t[0], t[1], Some(t[2])),
        );
        assert_alike(
            &[&x, &w, &b],
            |t| linear(t[0], t[1], Some(t[2]), true),
            |t| of_cpu::linear_gelu(t[0], t[1], t[2]),
        );
        assert_alike(
            &[&x, &w],
            |t| linear(t[0], t[1], None, false),
            |t| of_cpu::linear(t[0], t[1], None),
        );
        assert_alike(
            &[&x, &w],
            |t| linear(t[0], t[1], None, true),
            |t| of_cpu::gelu(&of_cpu::linear(t[0], t[1], None)?),
        );
        assert_alike(&[&x], |t| gelu(t[0]), |t| of_cpu::gelu(t[0]));
    }

    #[test]
    fn a_residual_is_added_in_the_same_pass() {
        let (x, w, b) = (wave(&[2, 5, 12], 0.11), wave(&[7, 12], 0.23), wave(&[7], 0.7));
        let residual = wave(&[2, 5, 7], 0.31);
        let [ours, theirs] = [super::super::linear, crate::kernels::linear]
            .map(|linear| linear(&x, &w, Some(&b), After::Add(&residual)).expect("a result"));
        let apart = (ours - theirs).and_then(|t| t.abs()?.sum_all()?.to_scalar::<f32>());
        assert!(apart.expect("f32") < 1e-4);
    }

    #[test]
    fn a_layer_that_stands_still_takes_its_residual_along() {
        let (x, w, b) = (wave(&[2, 5, 12], 0.11), wave(&[7, 12], 0.23), wave(&[7], 0.7));
        let (residual, w, b) =
            (wave(&[2, 5, 7], 0.31), w.as_detached_tensor(), b.as_detached_tensor());
        assert_alike(
            &[&x, &residual],
            |t| linear_beside(t[0], &w, Some(&b), t[1]),
            |t| of_cpu::linear(t[0], &w, Some(&b))? + t[1],
        );
    }

    #[test]
    fn a_low_rank_path_is_that_of_its_pieces() {
        let (x, w, bias) = (wave(&[2, 5, 12], 0.11), wave(&[7, 12], 0.23), wave(&[7], 0.7));
        let (a, b) = (wave(&[3, 12], 0.19), wave(&[7, 3], 0.41));
        let (w, bias) = (w.as_detached_tensor(), bias.as_detached_tensor());
        for dropout in [None, Some(Dropout::new(0.25, 3, 7))] {
            let path =
                |t: &[&Tensor]| LowRank { a: t[1].clone(), b: t[2].clone(), scale: 2.0, dropout };
            assert_alike(
                &[&x, &a, &b],
                |t| low_rank(t[0], &w, Some(&bias), &path(t)),
                |t| {
                    let dropped = match dropout {
                        Some(dropout) => of_cpu::dropout(t[0], dropout.drops().expect("some"))?,
                        None => t[0].clone(),
                    };
                    let low = (of_cpu::linear(&dropped, t[1], None)? * 2.0)?;
                    of_cpu::linear(t[0], &w, Some(&bias))? + of_cpu::linear(&low, t[2], None)?
                },
            );
        }
    }

    #[test]
    fn what_is_frozen_gets_no_gradient() {
        let (x, w, b) = (wave(&[1, 3, 4], 0.11), wave(&[2, 4], 0.23), wave(&[2], 0.7));
        let [frozen_x, frozen_w] = [x.as_detached_tensor(), w.as_detached_tensor()];
        let loss = linear(&frozen_x, &frozen_w, Some(&b), true).and_then(|t| t.sum_all());
        let gradients = loss.and_then(|loss| loss.backward()).expect("gradients");
        assert!(gradients.get(&b).is_some());
        assert!(gradients.get(&frozen_w).is_none() && gradients.get(&frozen_x).is_none());
    }

    #[test]
    fn the_layer_norm_is_that_of_the_cpu() {
        let (x, w, b) = (wave(&[2, 5, 12], 0.11), wave(&[12], 0.23), wave(&[12], 0.7));
        assert_alike(
            &[&x, &w, &b],
            |t| layer_norm(t[0], t[1], t[2], 1e-12),
            |t| of_cpu::layer_norm(t[0], t[1], t[2], 1e-12),
        );
    }

    #[test]
    fn attention_is_that_of_the_cpu() {
        let (q, k, v) = (wave(&[2, 3, 8], 0.11), wave(&[2, 5, 8], 0.23), wave(&[2, 5, 8], 0.7));
        assert_alike(
            &[&q, &k, &v],
            |t| attention(t[0], t[1], t[2], 2),
            |t| of_cpu::attention(t[0], t[1], t[2], 2),
        );
        // Of parts that lie side by side, as one product gives them.
        let kv = Tensor::cat(&[k.as_tensor(), v.as_tensor()], 2).expect("keys and values");
        let part = |of, parts, index| Part { of, parts, index };
        let ours = super::super::attention(part(&q, 1, 0), part(&kv, 2, 0), part(&kv, 2, 1), 2);
        let theirs = crate::kernels::attention(&q, &kv, 2);
        let apart =
            (ours.expect("ours") - theirs.expect("theirs")).and_then(|t| t.abs()?.sum_all());
        assert!(apart.and_then(|t| t.to_scalar::<f32>()).expect("f32") < 1e-5);
    }

    #[test]
    fn the_same_values_are_dropped_as_on_the_cpu() {
        let x = wave(&[3, 40], 0.11);
        let drops = Drops { first: 7, below: u64::MAX / 4, raised: 4.0 / 3.0 };
        assert_alike(&[&x], |t| dropout(t[0], drops), |t| of_cpu::dropout(t[0], drops));
    }
}
