//! Losses with their gradients by the logits, in f64: candle then carries the gradient on through the
//! network.

use spyhop_config::Loss;

/// The loss of pictures.
pub struct Found {
    /// Sum of the weighted losses.
    pub sum: f64,
    /// Sum of the weights: the loss is one by the other, as PyTorch's weighted mean.
    pub weight: f64,
    /// Derivative of `sum` by each logit.
    pub by_logit: Vec<f32>,
    /// Pictures whose likeliest class is theirs.
    pub right: usize,
}

/// The loss of logits (picture after picture) of known classes.
pub fn loss(kind: Loss, logits: &[f32], classes: &[usize], weights: &[f64]) -> Found {
    let outputs = weights.len();
    let mut found =
        Found { sum: 0.0, weight: 0.0, by_logit: Vec::with_capacity(logits.len()), right: 0 };
    for (row, class) in logits.chunks_exact(outputs).zip(classes) {
        let weight = weights.get(*class).copied().unwrap_or(1.0);
        let row: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
        let likeliest = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(i, _)| i);
        found.right += usize::from(likeliest == Some(*class));
        found.weight += weight;
        match kind {
            Loss::Softmax => {
                let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let powers: Vec<f64> = row.iter().map(|x| (x - most).exp()).collect();
                let total: f64 = powers.iter().sum();
                let own = row.get(*class).copied().unwrap_or(f64::NAN);
                found.sum += weight * (total.ln() + most - own);
                let by_logit = powers.iter().enumerate().map(|(i, power)| {
                    weight * (power / total - if i == *class { 1.0 } else { 0.0 })
                });
                found.by_logit.extend(by_logit.map(|x| x as f32));
            }
            Loss::Sigmoid => {
                // The mean over classes, as PyTorch's.
                let share = weight / outputs as f64;
                for (i, x) in row.iter().enumerate() {
                    let wanted = if i == *class { 1.0 } else { 0.0 };
                    found.sum += share * (x.max(0.0) - x * wanted + (-x.abs()).exp().ln_1p());
                    found.by_logit.push((share * (1.0 / (1.0 + (-x).exp()) - wanted)) as f32);
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_weighted_and_have_their_gradients() {
        let logits = [1.0, -2.0, 0.5, 3.0, 0.25, -1.0];
        let found = loss(Loss::Softmax, &logits, &[2, 0], &[1.0, 1.0, 3.0]);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 2e-6, "{a} {b}");
        close(found.weight, 4.0);
        let powers =
            |row: &[f32]| -> Vec<f64> { row.iter().map(|x| f64::from(*x).exp()).collect() };
        let (a, b) = (powers(&logits[..3]), powers(&logits[3..]));
        let (of_a, of_b) = (a[2] / a.iter().sum::<f64>(), b[0] / b.iter().sum::<f64>());
        close(found.sum, -3.0 * of_a.ln() - of_b.ln());
        close(f64::from(found.by_logit[2]), 3.0 * (of_a - 1.0));
        close(f64::from(found.by_logit[3]), of_b - 1.0);
        assert_eq!(found.right, 1);
        // Binary: log(1 + exp(−x)) where the class is there, log(1 + exp(x)) where not, the mean of both.
        let found = loss(Loss::Sigmoid, &[2.0, -1.0], &[0], &[1.0, 1.0]);
        close(found.sum, ((-2f64).exp().ln_1p() + (-1f64).exp().ln_1p()) / 2.0);
        close(f64::from(found.by_logit[1]), 0.5 / (1.0 + 1f64.exp()));
    }

    #[test]
    fn logits_beyond_all_bounds_give_finite_losses() {
        for kind in [Loss::Softmax, Loss::Sigmoid] {
            let found = loss(kind, &[1e30, -1e30], &[1], &[1.0, 1.0]);
            assert!(found.sum.is_finite() && found.by_logit.iter().all(|x| x.is_finite()));
        }
    }
}
