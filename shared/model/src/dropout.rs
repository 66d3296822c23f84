//! Dropout whose chance is a pure function of a step: a run that goes on after an interruption drops the
//! same values as one that was never interrupted. (candle's own generator on the CPU can't be seeded.)

use candle_core::{Result, Tensor};

use crate::kernels::trained::{self, mixed};

/// Sets a share of values to zero while training, and raises the others, so that their mean stays. A network
/// that is only looked at has none.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    share: f64,
    /// The first value's number; the others' follow it.
    first: u64,
}

impl Dropout {
    /// Drops a share (0 to less than 1) of the values. `number` tells it from other dropouts of the network, `key`
    /// this step, and this part of its batch, from all others.
    pub fn new(share: f64, number: u64, key: u64) -> Dropout {
        Dropout { share, first: mixed(key ^ mixed(number)) }
    }

    /// The values, with some of them dropped.
    ///
    /// # Errors
    /// When the device fails.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let Some(drops) = self.drops() else { return Ok(x.clone()) };
        #[cfg(feature = "cuda")]
        if !x.device().is_cpu() {
            return crate::gpu::dropout(x, drops);
        }
        trained::dropout(x, drops)
    }

    /// What becomes of which value; none where nothing is dropped.
    pub(crate) fn drops(&self) -> Option<trained::Drops> {
        let raised = (1.0 / (1.0 - self.share)) as f32;
        let below = (self.share * 2f64.powi(64)) as u64;
        (self.share > 0.0).then_some(trained::Drops { first: self.first, below, raised })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    fn dropped(dropout: Dropout) -> Vec<f32> {
        let ones = Tensor::ones((100, 200), DType::F32, &Device::Cpu).expect("ones");
        let out = dropout.forward(&ones).and_then(|t| t.flatten_all()?.to_vec1());
        out.expect("f32")
    }

    #[test]
    fn a_share_is_dropped_and_the_mean_stays() {
        let first = dropped(Dropout::new(0.1, 3, 7));
        let zeros = first.iter().filter(|x| **x == 0.0).count() as f64 / first.len() as f64;
        // Five standard errors of a share of 0.1 among 20 000 values.
        assert!((zeros - 0.1).abs() < 0.011, "{zeros}");
        assert!(first.iter().all(|x| *x == 0.0 || (x - 1.0 / 0.9).abs() < 1e-6));
        assert_eq!(dropped(Dropout::new(0.1, 3, 7)), first, "the same step drops the same");
        assert_ne!(dropped(Dropout::new(0.1, 4, 7)), first, "another dropout");
        assert_ne!(dropped(Dropout::new(0.1, 3, 8)), first, "another step");
        assert!(dropped(Dropout::new(0.0, 3, 7)).iter().all(|x| *x == 1.0));
    }
}
