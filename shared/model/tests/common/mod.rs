//! `ast_tiny`: a small random network in Hugging Face's layout, and what the reference gave for it
//! (transformers 5.23 on PyTorch 2.15, features by the extractor's numpy path, an adapter by PEFT 0.21).
#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use candle_core::{Device, Tensor};
use safetensors::SafeTensors;
use spyhop_model::{
    Classifier, MemoryFiles, ModelError, ModelFiles, ModelFolder, OpenOptions, Placement,
};

/// The inputs: a right whale's upcall, a whistle, noise, and 0.9 s of an upcall in silence.
pub const WAVES: [&str; 4] = ["upcall", "whistle", "noise", "short"];

pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ast_tiny").join(name)
}

pub fn folder() -> ModelFolder {
    ModelFolder(fixture(""))
}

/// The folder's files in memory, to be damaged.
pub fn files() -> MemoryFiles {
    in_memory("", &["config.json", "preprocessor_config.json", "model.safetensors"])
}

pub fn adapter_files() -> MemoryFiles {
    in_memory("lora", &["adapter_config.json", "adapter_model.safetensors"])
}

/// Opened on the CPU: to rounding of f32, wherever there is a GPU.
pub fn on_cpu(files: &dyn ModelFiles) -> Result<Classifier, ModelError> {
    let placement = Some(Placement::cpu());
    Classifier::open_with(files, &OpenOptions { placement, ..OpenOptions::default() })
}

fn in_memory(folder: &str, names: &[&str]) -> MemoryFiles {
    let read = |name: &&str| {
        let bytes = std::fs::read(fixture(folder).join(name)).expect("a fixture");
        ((*name).to_owned(), bytes)
    };
    MemoryFiles { place: "memory".into(), files: names.iter().map(read).collect() }
}

/// Tensors of a safetensors file.
pub fn tensors(name: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(fixture(name), &Device::Cpu).expect("a fixture")
}

pub fn expected() -> HashMap<String, Tensor> {
    tensors("expected.safetensors")
}

pub fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().and_then(|t| t.to_vec1()).expect("f32")
}

/// Rewrites a safetensors file: the closure gets each tensor's name, shape and values, and gives what
/// is to stand there instead.
pub fn rewritten(
    bytes: &[u8],
    change: impl Fn(&str, Vec<usize>, Vec<f32>) -> Option<(String, Vec<usize>, Vec<f32>)>,
) -> Vec<u8> {
    let file = SafeTensors::deserialize(bytes).expect("safetensors");
    let mut kept: BTreeMap<String, (Vec<usize>, Vec<u8>)> = BTreeMap::new();
    for (name, view) in file.tensors() {
        let numbers = view.data().chunks_exact(4);
        let numbers = numbers.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        if let Some((name, shape, numbers)) = change(&name, view.shape().to_vec(), numbers) {
            kept.insert(name, (shape, numbers.iter().flat_map(|x| x.to_le_bytes()).collect()));
        }
    }
    let views = kept.iter().map(|(name, (shape, bytes))| {
        let view =
            safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes);
        (name.clone(), view.expect("a view"))
    });
    safetensors::serialize(views, None).expect("safetensors")
}

#[track_caller]
pub fn assert_close(ours: &[f32], theirs: &[f32], tolerance: f32, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let worst = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= tolerance, "{what}: off by {worst}, where {tolerance} is allowed");
    assert!(ours.iter().all(|x| x.is_finite()), "{what}");
}
