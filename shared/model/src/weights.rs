//! Tensors of a model folder: one safetensors file, or shards under an index.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use candle_core::{DType, Device, Storage, Tensor};
use safetensors::{Dtype, SafeTensors};

use crate::json::JsonFile;
use crate::names::newer;
use crate::{ModelError, ModelFiles};

/// The whole of the weights.
pub const FILE_NAME: &str = "model.safetensors";
/// Which shard holds which tensor.
pub const INDEX_NAME: &str = "model.safetensors.index.json";

/// The bytes of the files that hold tensors, and where in them each one lies. A tensor is taken once;
/// what nobody took is told by [`Weights::refuse_left_over`].
pub struct Weights {
    files: Vec<Arc<WeightFile>>,
    tensors: BTreeMap<String, Place>,
}

struct WeightFile {
    path: String,
    bytes: Vec<u8>,
}

struct Place {
    file: Arc<WeightFile>,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Range<usize>,
}

impl Weights {
    /// Reads `model.safetensors`, or the shards that `model.safetensors.index.json` names.
    ///
    /// # Errors
    /// When there is neither, when a shard is missing, and when a file is no safetensors.
    pub fn read(files: &dyn ModelFiles) -> Result<Weights, ModelError> {
        let mut weights = Weights { files: Vec::new(), tensors: BTreeMap::new() };
        if let Some(bytes) = files.read(FILE_NAME)? {
            weights.add(files.path(FILE_NAME), bytes, |name| Some(newer(name).into_owned()))?;
            return Ok(weights);
        }
        let Some(index) = JsonFile::read(files, INDEX_NAME)? else {
            return Err(ModelError::MissingFile {
                file: files.path(FILE_NAME),
                hint: "a model folder holds its weights in it, or in shards that \
                       model.safetensors.index.json names; convert pytorch_model.bin with \
                       save_pretrained of transformers"
                    .into(),
            });
        };
        for shard in shards(&index)? {
            let bytes = files.read(&shard)?.ok_or_else(|| ModelError::MissingFile {
                file: files.path(&shard),
                hint: format!("{} names it", index.path),
            })?;
            weights.add(files.path(&shard), bytes, |name| Some(newer(name).into_owned()))?;
        }
        Ok(weights)
    }

    /// Reads one safetensors file, under the names that `rename` gives; `None` where there is no such
    /// file. Tensors without a name are left over.
    pub(crate) fn read_file(
        files: &dyn ModelFiles,
        name: &str,
        rename: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Weights>, ModelError> {
        let Some(bytes) = files.read(name)? else { return Ok(None) };
        let mut weights = Weights { files: Vec::new(), tensors: BTreeMap::new() };
        weights.add(files.path(name), bytes, rename)?;
        Ok(Some(weights))
    }

    /// Adds to a hash what the files hold.
    pub fn hash_into(&self, hasher: &mut blake3::Hasher) {
        for file in &self.files {
            hasher.update(&(file.bytes.len() as u64).to_le_bytes());
            hasher.update(&file.bytes);
        }
    }

    /// Numbers in all tensors that nobody took yet.
    pub(crate) fn values(&self) -> usize {
        self.tensors.values().map(|place| place.shape.iter().product::<usize>()).sum()
    }

    /// A tensor's shape, where it is there.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|place| place.shape.as_slice())
    }

    /// A tensor as f32 on the CPU.
    ///
    /// # Errors
    /// When it is missing or was taken before, when its shape is another, when it holds no floating
    /// point numbers, or NaN or infinity.
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let Some(place) = self.tensors.remove(name) else {
            return Err(ModelError::MissingTensor {
                file: self.path(),
                tensor: name.to_owned(),
                expected: shape.to_vec(),
            });
        };
        let file = place.file.path.as_str();
        let bytes = place.file.bytes.get(place.bytes).unwrap_or_default();
        if place.shape != shape {
            return Err(ModelError::Shape {
                file: file.to_owned(),
                tensor: name.to_owned(),
                expected: shape.to_vec(),
                found: place.shape,
            });
        }
        let dtype = match place.dtype {
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::F32 => DType::F32,
            Dtype::F64 => DType::F64,
            other => {
                return Err(ModelError::DType {
                    file: file.to_owned(),
                    tensor: name.to_owned(),
                    found: format!("{other:?}"),
                });
            }
        };
        let tensor =
            Tensor::from_raw_buffer(bytes, dtype, shape, &Device::Cpu)?.to_dtype(DType::F32)?;
        refuse_not_finite(&tensor, file, name)?;
        Ok(tensor)
    }

    /// Passes over a tensor that another one stands in for.
    pub fn discard(&mut self, name: &str) {
        self.tensors.remove(name);
    }

    /// Whether every tensor was taken.
    ///
    /// # Errors
    /// When some were not.
    pub fn refuse_left_over(&self) -> Result<(), ModelError> {
        if self.tensors.is_empty() {
            return Ok(());
        }
        Err(ModelError::LeftOver {
            file: self.path(),
            count: self.tensors.len(),
            examples: self.tensors.keys().take(3).cloned().collect(),
        })
    }

    /// The file, or the first of the shards and how many more there are.
    pub(crate) fn path(&self) -> String {
        match self.files.as_slice() {
            [] => String::new(),
            [one] => one.path.clone(),
            [first, rest @ ..] => format!("{} and {} more", first.path, rest.len()),
        }
    }

    fn add(
        &mut self,
        path: String,
        bytes: Vec<u8>,
        rename: impl Fn(&str) -> Option<String>,
    ) -> Result<(), ModelError> {
        let file = Arc::new(WeightFile { path, bytes });
        let malformed = |reason| ModelError::Malformed { file: file.path.clone(), reason };
        let (header_bytes, metadata) =
            SafeTensors::read_metadata(&file.bytes).map_err(|e| malformed(e.to_string()))?;
        let data = header_bytes + size_of::<u64>();
        for (name, info) in metadata.tensors() {
            let name_inside = rename(&name).unwrap_or_else(|| name.clone());
            let (start, end) = info.data_offsets;
            let place = Place {
                file: file.clone(),
                dtype: info.dtype,
                shape: info.shape.clone(),
                bytes: data + start..data + end,
            };
            if self.tensors.insert(name_inside, place).is_some() {
                return Err(malformed(format!("the tensor {name} is there twice")));
            }
        }
        self.files.push(file);
        Ok(())
    }
}

/// The files that an index names, each once.
pub(crate) fn shards(index: &JsonFile) -> Result<Vec<String>, ModelError> {
    let refuse = || index.refuse("weight_map", "file names by tensors are expected");
    let map = index
        .get("weight_map")
        .ok_or_else(|| ModelError::MissingKey { file: index.path.clone(), key: "weight_map" })?
        .as_object()
        .ok_or_else(refuse)?;
    let mut shards = Vec::new();
    for file in map.values() {
        let file = file.as_str().ok_or_else(refuse)?;
        // A name that leads out of the folder is nobody's shard.
        if file.contains(['/', '\\', ':']) || file.starts_with('.') {
            return Err(index.refuse("weight_map", "plain names of files beside it are expected"));
        }
        if !shards.iter().any(|known| known == file) {
            shards.push(file.to_owned());
        }
    }
    Ok(shards)
}

fn refuse_not_finite(tensor: &Tensor, file: &str, name: &str) -> Result<(), ModelError> {
    let (storage, _) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else { return Ok(()) };
    let values = storage.as_slice::<f32>()?;
    // Without a branch inside a piece: several values are looked at in one instruction.
    let finite = |piece: &[f32]| piece.iter().fold(true, |all, x| all & x.is_finite());
    if values.chunks(4096).all(finite) {
        return Ok(());
    }
    Err(ModelError::NotFinite {
        file: file.to_owned(),
        tensor: name.to_owned(),
        count: values.iter().filter(|x| !x.is_finite()).count(),
        first: values.iter().position(|x| !x.is_finite()).unwrap_or(0),
    })
}
