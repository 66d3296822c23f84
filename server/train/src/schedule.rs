//! The learning rate of each step: it rises evenly, then falls.

use std::f64::consts::PI;

use spyhop_config::{Decay, ModelTrainer};

/// The rate of a step, counted from 0, of `total` steps, of which `per_epoch` are an epoch.
pub fn rate(said: &ModelTrainer, step: usize, total: usize, per_epoch: usize) -> f64 {
    if !said.use_scheduler {
        return said.lr;
    }
    let rising = (said.warmup_share * total as f64).round();
    let step = step as f64;
    if step < rising {
        return said.lr * (step + 1.0) / rising;
    }
    let done = (step - rising) / (total as f64 - rising).max(1.0);
    match said.decay {
        Decay::Cosine => said.lr * (1.0 + (PI * done).cos()) / 2.0,
        Decay::Linear => said.lr * (1.0 - done),
        Decay::Steps => {
            let epoch = step / per_epoch.max(1) as f64;
            let falls = (epoch / said.decay_epochs as f64).floor();
            said.lr * said.decay_factor.powf(falls)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_then_falls() {
        let said = ModelTrainer { lr: 1.0, warmup_share: 0.1, ..ModelTrainer::default() };
        let at = |step| rate(&said, step, 100, 10);
        assert_eq!((at(0), at(9), at(10)), (0.1, 1.0, 1.0));
        assert!((at(55) - 0.5).abs() < 1e-12 && at(99) < 0.001 && at(99) > 0.0);
        let linear = ModelTrainer { decay: Decay::Linear, ..said.clone() };
        assert!((rate(&linear, 55, 100, 10) - 0.5).abs() < 1e-12);
        let steps = ModelTrainer { decay: Decay::Steps, warmup_share: 0.0, ..said.clone() };
        let rates = [0, 49, 50, 99].map(|step| rate(&steps, step, 100, 10));
        assert_eq!(rates, [1.0, 1.0, 0.5, 0.5]);
        let even = ModelTrainer { use_scheduler: false, ..said };
        assert_eq!(rate(&even, 0, 100, 10), 1.0);
    }
}
