//! Dropout whose chance is a pure function of a step: a run that goes on after an interruption drops the
//! same values as one that was never interrupted. (candle's own generator on the CPU can't be seeded.)

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use candle_core::{Result, Tensor};

use crate::kernels::trained::{self, mixed};

/// Sets a share of values to zero while training, and raises the others, so that their mean stays.
#[derive(Clone, Debug)]
pub struct Dropout {
    share: f64,
    /// Which of the network's dropouts this is: no two drop alike.
    number: u64,
    step: DropoutStep,
}

/// Which step is being computed: shared by all dropouts of a network. Without one nothing is dropped, which
/// is how a network is evaluated.
#[derive(Clone, Debug, Default)]
pub struct DropoutStep(Arc<AtomicU64>);

impl DropoutStep {
    /// From now on values are dropped by this key, which no other step has.
    pub fn begin(&self, key: u64) {
        // 0 stands for no step.
        self.0.store(key.max(1), Ordering::Relaxed);
    }

    /// From now on nothing is dropped.
    pub fn end(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl Dropout {
    /// Drops a share (0 to less than 1) of the values. `number` tells it from other dropouts of the network.
    pub fn new(share: f64, number: u64, step: &DropoutStep) -> Dropout {
        Dropout { share, number, step: step.clone() }
    }

    /// The values, with some of them dropped where a step is being computed.
    ///
    /// # Errors
    /// When the device fails.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let key = self.step.0.load(Ordering::Relaxed);
        if key == 0 || self.share <= 0.0 {
            return Ok(x.clone());
        }
        let raised = 1.0 / (1.0 - self.share);
        let first = mixed(key ^ mixed(self.number));
        let below = (self.share * 2f64.powi(64)) as u64;
        let drops = trained::Drops { first, below, raised: raised as f32 };
        #[cfg(feature = "cuda")]
        if !x.device().is_cpu() {
            return crate::gpu::dropout(x, drops);
        }
        trained::dropout(x, drops)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    fn dropped(dropout: &Dropout) -> Vec<f32> {
        let ones = Tensor::ones((100, 200), DType::F32, &Device::Cpu).expect("ones");
        let out = dropout.forward(&ones).and_then(|t| t.flatten_all()?.to_vec1());
        out.expect("f32")
    }

    #[test]
    fn a_share_is_dropped_while_a_step_is_computed_and_the_mean_stays() {
        let step = DropoutStep::default();
        let dropout = Dropout::new(0.1, 3, &step);
        assert!(dropped(&dropout).iter().all(|x| *x == 1.0), "evaluation drops nothing");
        step.begin(7);
        let first = dropped(&dropout);
        let zeros = first.iter().filter(|x| **x == 0.0).count() as f64 / first.len() as f64;
        // Five standard errors of a share of 0.1 among 20 000 values.
        assert!((zeros - 0.1).abs() < 0.011, "{zeros}");
        assert!(first.iter().all(|x| *x == 0.0 || (x - 1.0 / 0.9).abs() < 1e-6));
        assert_eq!(dropped(&dropout), first, "the same step drops the same");
        assert_ne!(dropped(&Dropout::new(0.1, 4, &step)), first);
        step.begin(8);
        assert_ne!(dropped(&dropout), first);
        step.end();
        assert!(dropped(&dropout).iter().all(|x| *x == 1.0));
    }
}
