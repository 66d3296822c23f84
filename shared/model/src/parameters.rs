//! Where a network's tensors come from.

use candle_core::{DType, Device, Tensor};

use crate::ModelError;
use crate::adapter::{Adapter, LowRank};
use crate::weights::Weights;

/// Gives a network its tensors, by their names in the newer scheme. Training gives it variables in the
/// same way: the tensor of a `Var` keeps its identity, so that its gradient is found again.
pub trait Parameters {
    /// A tensor of a shape.
    ///
    /// # Errors
    /// When there is none of that name and shape.
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError>;

    /// The low-rank path beside a linear module of shape (out, in), where there is one.
    ///
    /// # Errors
    /// When there should be one and is none, or of another shape.
    fn low_rank(&mut self, module: &str, shape: [usize; 2]) -> Result<Option<LowRank>, ModelError>;
}

/// A model folder's tensors, with an adapter over them.
pub(crate) struct Loaded<'a> {
    pub(crate) weights: &'a mut Weights,
    pub(crate) adapter: Option<&'a mut Adapter>,
    /// Whether the adapter's low-rank paths are added to the weights once, instead of being computed
    /// beside them each time.
    pub(crate) merge: bool,
}

impl Loaded<'_> {
    fn base(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        if let Some(adapter) = self.adapter.as_deref_mut()
            && adapter.replaces(name).is_some()
        {
            self.weights.discard(name);
            return adapter.take(name, shape);
        }
        self.weights.take(name, shape)
    }
}

impl Parameters for Loaded<'_> {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let tensor = self.base(name, shape)?;
        let (Some(module), &[out, into], true) = (name.strip_suffix(".weight"), shape, self.merge)
        else {
            return Ok(tensor);
        };
        let Some(adapter) = self.adapter.as_deref_mut() else { return Ok(tensor) };
        match adapter.low_rank(module, [out, into])? {
            Some(path) => Ok((tensor + path.delta()?)?),
            None => Ok(tensor),
        }
    }

    fn low_rank(&mut self, module: &str, shape: [usize; 2]) -> Result<Option<LowRank>, ModelError> {
        match self.adapter.as_deref_mut() {
            Some(adapter) if !self.merge => adapter.low_rank(module, shape),
            _ => Ok(None),
        }
    }
}

/// Zeros in the place of a network's tensors, whatever shape they have to be of, with an adapter over them.
pub(crate) struct Blank<'a>(pub(crate) &'a mut Adapter);

impl Parameters for Blank<'_> {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        match self.0.replaces(name) {
            Some(_) => self.0.take(name, shape),
            None => Ok(Tensor::zeros(shape, DType::F32, &Device::Cpu)?),
        }
    }

    fn low_rank(&mut self, module: &str, shape: [usize; 2]) -> Result<Option<LowRank>, ModelError> {
        self.0.low_rank(module, shape)
    }
}
