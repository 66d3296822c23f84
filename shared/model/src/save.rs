//! The files of a model folder and of an adapter's, as bytes: what `save_pretrained` of transformers and of
//! PEFT would have written, and a card.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Map, Value, json};
use spyhop_api::{FrontEnd, ModelCard, Scores};

use crate::adapter::{self, A, B, PREFIX};
use crate::config::{self, AstConfig, MODEL_TYPE};
use crate::names::older;
use crate::{CARD_FILE_NAME, ModelError, card, preprocessor, weights};

/// Files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// How an adapter was made, in PEFT's words.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterPlan {
    /// The network it is laid over: a path, or a name.
    pub base: String,
    /// Rank of the added paths.
    pub rank: usize,
    /// They are scaled by alpha / rank.
    pub alpha: f64,
    /// Share of a path's inputs that was dropped while training.
    pub dropout: f64,
    /// Ends of the names of the modules that have a path.
    pub targets: Vec<String>,
    /// Modules that were trained whole, and are in the adapter.
    pub modules_to_save: Vec<String>,
    /// Which biases were trained: `none`, `all` or `lora_only`.
    pub bias: String,
}

/// A model folder: configuration, extractor, weights (by their names in the newer scheme) and card.
///
/// The weights get the names of the older scheme, which every version of transformers reads.
///
/// # Errors
/// When a tensor can't be read, or the card can't be written.
pub fn model_files(
    config: &AstConfig,
    card: &ModelCard,
    tensors: &BTreeMap<String, Tensor>,
) -> Result<Files, ModelError> {
    let named = tensors.iter().map(|(name, tensor)| (older(name).into_owned(), tensor));
    Ok(Files::from([
        (config::FILE_NAME.to_owned(), text(&config_json(config))),
        (preprocessor::FILE_NAME.to_owned(), text(&extractor_json(&card.front_end))),
        (weights::FILE_NAME.to_owned(), tensor_bytes(named)?),
        (CARD_FILE_NAME.to_owned(), card::text_of(card)?.into_bytes()),
    ]))
}

/// An adapter's folder. `low_rank` are A and B by module; `whole` are the tensors that were trained in full.
/// All names are of the newer scheme.
///
/// # Errors
/// As [`model_files`].
pub fn adapter_files(
    plan: &AdapterPlan,
    card: &ModelCard,
    low_rank: &BTreeMap<String, (Tensor, Tensor)>,
    whole: &BTreeMap<String, Tensor>,
) -> Result<Files, ModelError> {
    let paths = low_rank.iter().flat_map(|(module, (a, b))| {
        [(format!("{PREFIX}{module}{A}"), a), (format!("{PREFIX}{module}{B}"), b)]
    });
    let whole = whole.iter().map(|(name, tensor)| (format!("{PREFIX}{name}"), tensor));
    Ok(Files::from([
        (adapter::CONFIG_NAME.to_owned(), text(&adapter_json(plan))),
        (adapter::WEIGHTS_NAME.to_owned(), tensor_bytes(paths.chain(whole))?),
        (preprocessor::FILE_NAME.to_owned(), text(&extractor_json(&card.front_end))),
        (CARD_FILE_NAME.to_owned(), card::text_of(card)?.into_bytes()),
    ]))
}

fn config_json(config: &AstConfig) -> Value {
    let numbers = config.labels.iter().enumerate();
    let by_number: Map<String, Value> =
        numbers.clone().map(|(i, label)| (i.to_string(), json!(label))).collect();
    let by_label: Map<String, Value> =
        numbers.map(|(i, label)| (label.clone(), json!(i))).collect();
    json!({
        "architectures": ["ASTForAudioClassification"],
        "model_type": MODEL_TYPE,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "intermediate_size": config.intermediate_size,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "qkv_bias": config.qkv_bias,
        "layer_norm_eps": config.layer_norm_eps,
        "patch_size": config.patches.size,
        "frequency_stride": config.patches.frequency_stride,
        "time_stride": config.patches.time_stride,
        "max_length": config.max_length,
        "num_mel_bins": config.num_mel_bins,
        "id2label": by_number,
        "label2id": by_label,
        "problem_type": match config.scores {
            Scores::Sigmoid => "multi_label_classification",
            Scores::Softmax => "single_label_classification",
        },
        "dtype": "float32",
    })
}

/// What the extractor of transformers can say of a front end; the card says the rest.
fn extractor_json(front_end: &FrontEnd) -> Value {
    json!({
        "feature_extractor_type": "ASTFeatureExtractor",
        "feature_size": 1,
        "sampling_rate": front_end.rate_hz.round() as u64,
        "num_mel_bins": front_end.mels,
        "max_length": front_end.frames,
        "do_normalize": true,
        "mean": front_end.mean,
        "std": front_end.std,
        "padding_side": "right",
        "padding_value": 0.0,
        "return_attention_mask": false,
    })
}

fn adapter_json(plan: &AdapterPlan) -> Value {
    json!({
        "peft_type": "LORA",
        "task_type": null,
        "auto_mapping": {
            "base_model_class": "ASTForAudioClassification",
            "parent_library": "transformers.models.audio_spectrogram_transformer.modeling_audio_spectrogram_transformer",
        },
        "base_model_name_or_path": plan.base,
        "r": plan.rank,
        "lora_alpha": plan.alpha,
        "lora_dropout": plan.dropout,
        "target_modules": plan.targets,
        "modules_to_save": plan.modules_to_save,
        "bias": plan.bias,
        "fan_in_fan_out": false,
        "init_lora_weights": true,
        "inference_mode": true,
        "use_dora": false,
        "use_rslora": false,
        "rank_pattern": {},
        "alpha_pattern": {},
        "layers_to_transform": null,
        "layers_pattern": null,
        "revision": null,
    })
}

fn text(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

/// A safetensors file in f32; its bytes depend on names and values alone.
fn tensor_bytes<'a>(
    tensors: impl Iterator<Item = (String, &'a Tensor)>,
) -> Result<Vec<u8>, ModelError> {
    let mut held = BTreeMap::new();
    for (name, tensor) in tensors {
        let tensor = tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        held.insert(name, (tensor.dims().to_vec(), bytes));
    }
    let malformed = |error: safetensors::SafeTensorError| ModelError::Malformed {
        file: weights::FILE_NAME.to_owned(),
        reason: error.to_string(),
    };
    let mut views = Vec::with_capacity(held.len());
    for (name, (shape, bytes)) in &held {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(malformed)?;
        views.push((name.as_str(), view));
    }
    // transformers asks what framework wrote a file.
    let about = [("format".to_owned(), "pt".to_owned())].into();
    safetensors::serialize(views, Some(about)).map_err(malformed)
}
