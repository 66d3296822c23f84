//! `config.json`: the network's shape and the names of its classes.

use spyhop_api::Scores;

use crate::json::JsonFile;
use crate::{ModelError, ModelFiles};

/// Its name in a model folder.
pub const FILE_NAME: &str = "config.json";
/// What `model_type` must say.
pub const MODEL_TYPE: &str = "audio-spectrogram-transformer";

/// What is larger than this in a configuration is a mistake, and would overflow in shapes.
const MOST: usize = 1 << 16;

/// The shape of an Audio Spectrogram Transformer, in the words of Hugging Face's `ASTConfig`.
#[derive(Clone, Debug, PartialEq)]
pub struct AstConfig {
    /// Width of a token.
    pub hidden_size: usize,
    /// Blocks.
    pub num_hidden_layers: usize,
    /// Heads of each attention; they divide the width.
    pub num_attention_heads: usize,
    /// Width inside the MLP.
    pub intermediate_size: usize,
    /// Whether queries, keys and values have a bias.
    pub qkv_bias: bool,
    /// Added to the variance in layer norms.
    pub layer_norm_eps: f64,
    /// How the picture is cut into patches.
    pub patches: Patches,
    /// Frames of the picture that the position embeddings were made for.
    pub max_length: usize,
    /// Filters of that picture.
    pub num_mel_bins: usize,
    /// Names of the classes, in the order of the logits.
    pub labels: Vec<String>,
    /// How its logits are meant: by `problem_type`, and as AudioSet's (each class for itself) without.
    pub scores: Scores,
}

/// Square patches, which may overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patches {
    /// Filters and frames of a patch.
    pub size: usize,
    /// Filters from one to the next.
    pub frequency_stride: usize,
    /// Frames from one to the next.
    pub time_stride: usize,
}

/// How many patches a picture gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Along frequency.
    pub rows: usize,
    /// Along time.
    pub columns: usize,
}

impl Patches {
    /// How many patches a picture gives; `None` where it is smaller than a patch.
    pub fn grid(&self, mels: usize, frames: usize) -> Option<Grid> {
        Some(Grid {
            rows: mels.checked_sub(self.size)? / self.frequency_stride + 1,
            columns: frames.checked_sub(self.size)? / self.time_stride + 1,
        })
    }
}

impl Grid {
    /// Patches in all.
    pub fn patches(&self) -> usize {
        self.rows * self.columns
    }
}

impl AstConfig {
    /// The published configuration (`MIT/ast-finetuned-audioset-10-10-0.4593`), with classes of one's
    /// own.
    pub fn base(labels: Vec<String>) -> AstConfig {
        AstConfig {
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            qkv_bias: true,
            layer_norm_eps: 1e-12,
            patches: Patches { size: 16, frequency_stride: 10, time_stride: 10 },
            max_length: 1024,
            num_mel_bins: 128,
            labels,
            scores: Scores::Sigmoid,
        }
    }

    /// Reads a folder's `config.json`.
    ///
    /// # Errors
    /// When there is none, when it is another network's, and when a key is missing or can't be meant.
    pub fn read(files: &dyn ModelFiles) -> Result<AstConfig, ModelError> {
        let json = JsonFile::read(files, FILE_NAME)?.ok_or_else(|| ModelError::MissingFile {
            file: files.path(FILE_NAME),
            hint: "a model folder holds config.json, preprocessor_config.json and \
                   model.safetensors, as save_pretrained writes them"
                .into(),
        })?;
        let model_type = json.word("model_type", "")?;
        if model_type != MODEL_TYPE {
            let found = if model_type.is_empty() { "none" } else { model_type };
            return Err(ModelError::Architecture {
                file: json.path.clone(),
                found: found.to_owned(),
                expected: MODEL_TYPE,
            });
        }
        let config = AstConfig {
            hidden_size: json.count("hidden_size", MOST)?,
            num_hidden_layers: json.count("num_hidden_layers", MOST)?,
            num_attention_heads: json.count("num_attention_heads", MOST)?,
            intermediate_size: json.count("intermediate_size", MOST)?,
            qkv_bias: json.flag("qkv_bias", true)?,
            layer_norm_eps: json.number("layer_norm_eps", 1e-12)?,
            patches: Patches {
                size: json.count("patch_size", MOST)?,
                frequency_stride: json.count("frequency_stride", MOST)?,
                time_stride: json.count("time_stride", MOST)?,
            },
            max_length: json.count("max_length", MOST)?,
            num_mel_bins: json.count("num_mel_bins", MOST)?,
            labels: labels(&json)?,
            scores: match json.word("problem_type", "multi_label_classification")? {
                "multi_label_classification" => Scores::Sigmoid,
                "single_label_classification" => Scores::Softmax,
                _ => {
                    let expected =
                        "multi_label_classification or single_label_classification is expected";
                    return Err(json.refuse("problem_type", expected));
                }
            },
        };
        if !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            let expected = format!("it must divide hidden_size, {}", config.hidden_size);
            return Err(json.refuse("num_attention_heads", &expected));
        }
        if json.word("hidden_act", "gelu")? != "gelu" {
            return Err(json.refuse("hidden_act", "only gelu is known"));
        }
        if !(config.layer_norm_eps >= 0.0) {
            return Err(json.refuse("layer_norm_eps", "it can't be negative"));
        }
        if config.patches.grid(config.num_mel_bins, config.max_length).is_none() {
            let expected = format!(
                "it must fit into the picture of {} filters and {} frames",
                config.num_mel_bins, config.max_length
            );
            return Err(json.refuse("patch_size", &expected));
        }
        Ok(config)
    }

    /// The patches that the position embeddings were made for.
    pub fn grid(&self) -> Grid {
        let grid = self.patches.grid(self.num_mel_bins, self.max_length);
        grid.unwrap_or(Grid { rows: 0, columns: 0 })
    }

    /// Width of a head.
    pub fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }
}

/// The names under `id2label`, whose keys are "0", "1", …; without it Hugging Face's own two.
fn labels(json: &JsonFile) -> Result<Vec<String>, ModelError> {
    let Some(value) = json.get("id2label") else {
        let outputs = json.get("num_labels").map_or(Ok(2), |_| json.count("num_labels", MOST))?;
        return Ok((0..outputs).map(|i| format!("LABEL_{i}")).collect());
    };
    let refuse = || json.refuse("id2label", "names by the numbers from 0 on are expected");
    let names = value.as_object().ok_or_else(refuse)?;
    (0..names.len())
        .map(|i| {
            let name = names.get(&i.to_string()).and_then(|name| name.as_str());
            name.map(str::to_owned).ok_or_else(refuse)
        })
        .collect()
}
