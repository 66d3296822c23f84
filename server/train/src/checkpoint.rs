//! All that training stands on, in one file that is whole or not there: weights, the optimiser's memory, and
//! where in the data it is. What chance decides follows from seed, epoch and batch, which are in it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::Tensor;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use crate::loss_scale::LossScale;
use crate::parameters::Store;
use crate::{TrainError, whole};

const WHAT: &str = "the state of training";
const PROGRESS: &str = "progress";
/// Changes whenever older states can't be gone on from.
const VERSION: u32 = 1;

/// Where training is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Of this file.
    pub version: u32,
    /// Of the configuration that makes the numbers.
    pub config_hash: String,
    /// Decides everything that chance does.
    pub seed: u64,
    /// Epochs that are done.
    pub epoch: usize,
    /// Batches of the next one that are done.
    pub batch: usize,
    /// Steps of the optimiser.
    pub step: usize,
    /// Sum of the losses of the epoch so far.
    #[serde(with = "bits")]
    pub loss_sum: f64,
    /// Sum of the weights of its windows.
    #[serde(with = "bits")]
    pub weight_sum: f64,
    /// Windows of the epoch so far whose class was right.
    pub right: usize,
    /// Windows of the epoch so far.
    pub windows: usize,
    /// The epoch whose network was the best, counted from 1; 0 before there is one.
    pub best_epoch: usize,
    /// Its metric.
    #[serde(with = "bits")]
    pub best: f64,
    /// Whether training came to its end.
    pub is_done: bool,
    /// How much larger gradients are made, where that changes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<LossScale>,
}

/// JSON that is read back to the last bit.
mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(value.to_bits())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        u64::deserialize(from).map(f64::from_bits)
    }
}

/// Writes everything.
///
/// # Errors
/// When the disk says no; the state before stays then.
pub fn write(path: &Path, store: &Store, progress: &Progress) -> Result<(), TrainError> {
    let mut held: BTreeMap<String, (Vec<usize>, Vec<u8>)> = BTreeMap::new();
    let bytes = |tensor: &Tensor| -> Result<Vec<u8>, TrainError> {
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        let mut bytes = vec![0; size_of_val(values.as_slice())];
        let places = bytes.as_chunks_mut().0.iter_mut();
        places.zip(values).for_each(|(place, x)| *place = x.to_le_bytes());
        Ok(bytes)
    };
    for moving in &store.moving {
        let name = &moving.name;
        held.insert(format!("w/{name}"), (moving.var.dims().to_vec(), bytes(&moving.var)?));
        for (kind, memory) in [("m", Some(&moving.first)), ("v", moving.second.as_ref())] {
            let (count, bytes) = match memory {
                Some(memory) => (memory.elem_count(), bytes(memory)?),
                None => (0, Vec::new()),
            };
            held.insert(format!("{kind}/{name}"), (vec![count], bytes));
        }
    }
    let failed = |error: String| TrainError::file(path, error);
    let progress = Progress { version: VERSION, ..progress.clone() };
    let text = serde_json::to_string(&progress).map_err(|error| failed(error.to_string()))?;
    let mut views = Vec::with_capacity(held.len());
    for (name, (shape, bytes)) in &held {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        views.push((name.as_str(), view.map_err(|error| failed(error.to_string()))?));
    }
    let about = HashMap::from([(PROGRESS.to_owned(), text)]);
    let file = safetensors::serialize(views, Some(about));
    whole::put(WHAT, path, &file.map_err(|error| failed(error.to_string()))?)
}

/// Keeps under another name, too, what was written under one.
///
/// # Errors
/// As [`write`].
pub fn write_again(from: &Path, path: &Path) -> Result<(), TrainError> {
    whole::put_again(WHAT, from, path)
}

/// Reads where training is, and lays its numbers into the store; `None` where there is no such file.
///
/// # Errors
/// When it is damaged, of an older version, or of another network or configuration.
pub fn read(
    path: &Path,
    store: &mut Store,
    config_hash: &str,
) -> Result<Option<Progress>, TrainError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(TrainError::reading(WHAT, path, &error)),
    };
    let damaged = |reason: String| {
        TrainError::file(
            path,
            format!("the state of training is damaged ({reason}): move it away to begin anew"),
        )
    };
    let (_, about) =
        SafeTensors::read_metadata(&bytes).map_err(|error| damaged(error.to_string()))?;
    let text = about.metadata().as_ref().and_then(|about| about.get(PROGRESS));
    let text = text.ok_or_else(|| damaged("it does not say where it is".into()))?;
    let progress: Progress =
        serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
    if progress.version != VERSION {
        return Err(TrainError::file(
            path,
            format!(
                "the state of training is of version {}, and this program goes on from version {VERSION}",
                progress.version
            ),
        ));
    }
    if progress.config_hash != config_hash {
        return Err(TrainError::file(
            path,
            "the state of training is of another configuration, other windows or another base: give this run another general.run_name, or move that one away",
        ));
    }
    let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
    let take = |name: String, shape: &[usize]| -> Result<Vec<f32>, TrainError> {
        let tensor = file.tensor(&name).map_err(|error| damaged(error.to_string()))?;
        if tensor.shape() != shape || tensor.dtype() != Dtype::F32 {
            return Err(damaged(format!("{name} is of another shape")));
        }
        Ok(tensor.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    };
    for moving in &mut store.moving {
        let name = &moving.name;
        let (device, shape) = (moving.var.device().clone(), moving.var.shape().clone());
        let laid = |values: Vec<f32>| Tensor::from_vec(values, &shape, &device);
        moving.var.set(&laid(take(format!("w/{name}"), shape.dims())?)?)?;
        let count = shape.elem_count();
        moving.first = laid(take(format!("m/{name}"), &[count])?)?;
        if let Some(second) = &mut moving.second {
            *second = laid(take(format!("v/{name}"), &[count])?)?;
        }
    }
    Ok(Some(progress))
}
