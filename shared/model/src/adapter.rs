//! LoRA adapters as Hugging Face's PEFT saves them: W x + (alpha / r) · B (A x).

use std::collections::BTreeMap;

use candle_core::Tensor;
use serde_json::Value;

use crate::dropout::Dropout;
use crate::json::JsonFile;
use crate::names::{newer, older};
use crate::weights::Weights;
use crate::{ModelError, ModelFiles};

/// What an adapter's folder holds.
pub const CONFIG_NAME: &str = "adapter_config.json";
/// Its tensors.
pub const WEIGHTS_NAME: &str = "adapter_model.safetensors";

/// What PEFT writes before each name.
pub(crate) const PREFIX: &str = "base_model.model.";
pub(crate) const A: &str = ".lora_A.weight";
pub(crate) const B: &str = ".lora_B.weight";
/// Larger ranks than this are no low ranks.
const MOST_RANK: usize = 1 << 14;

/// What changes the meaning of the tensors and is not known here. Refused unless false, null or empty.
const UNKNOWN_VARIANTS: &[&str] = &[
    "use_dora",
    "use_qalora",
    "use_bdlora",
    "fan_in_fan_out",
    "lora_bias",
    "megatron_config",
    "layer_replication",
    "target_parameters",
    "trainable_token_indices",
    "alora_invocation_tokens",
    "arrow_config",
];

/// An adapter, to be laid over a network's weights.
pub struct Adapter {
    rank: usize,
    alpha: f64,
    rank_pattern: BTreeMap<String, f64>,
    alpha_pattern: BTreeMap<String, f64>,
    /// rsLoRA divides by the root of the rank.
    root_of_rank: bool,
    targets: Targets,
    tensors: Weights,
}

/// The modules that an adapter changes, as its configuration says.
enum Targets {
    /// Modules of these names, in every layer.
    Named(Vec<String>),
    /// A pattern, or all but some: the file alone tells which.
    AsInFile,
}

/// One module's low-rank path.
#[derive(Clone, Debug)]
pub struct LowRank {
    /// A, (r, in).
    pub a: Tensor,
    /// B, (out, r).
    pub b: Tensor,
    /// alpha / r, which scales the added path and nothing else.
    pub scale: f64,
    /// What is dropped of the path's input while it is trained.
    pub dropout: Option<Dropout>,
}

impl LowRank {
    /// scale · B A, (out, in): what merging adds to a weight.
    ///
    /// # Errors
    /// When the device fails.
    pub fn delta(&self) -> candle_core::Result<Tensor> {
        self.b.matmul(&self.a)? * self.scale
    }
}

impl Adapter {
    /// Reads an adapter's folder.
    ///
    /// # Errors
    /// When it holds no adapter, or one of a kind that is not known.
    pub fn read(files: &dyn ModelFiles) -> Result<Adapter, ModelError> {
        let missing = |name: &str| ModelError::MissingFile {
            file: files.path(name),
            hint: format!(
                "an adapter's folder holds {CONFIG_NAME} and {WEIGHTS_NAME}, as PEFT's \
                 save_pretrained writes them"
            ),
        };
        let json = JsonFile::read(files, CONFIG_NAME)?.ok_or_else(|| missing(CONFIG_NAME))?;
        refuse_other_kinds(&json)?;
        let targets = match (json.get("target_modules"), json.get("layers_to_transform")) {
            (Some(Value::Array(names)), None) if json.get("exclude_modules").is_none() => {
                Targets::Named(names.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            }
            _ => Targets::AsInFile,
        };
        let rename = |name: &str| name.strip_prefix(PREFIX).map(|n| newer(n).into_owned());
        let tensors = Weights::read_file(files, WEIGHTS_NAME, rename)?
            .ok_or_else(|| missing(WEIGHTS_NAME))?;
        Ok(Adapter {
            rank: json.count("r", MOST_RANK)?,
            alpha: json.number("lora_alpha", 8.0)?,
            rank_pattern: pattern(&json, "rank_pattern")?,
            alpha_pattern: pattern(&json, "alpha_pattern")?,
            root_of_rank: json.flag("use_rslora", false)?,
            targets,
            tensors,
        })
    }

    /// The low-rank path of a linear module of shape (out, in), where the adapter has one.
    ///
    /// # Errors
    /// When its tensors have other shapes than rank and module ask for, when one of the two is missing,
    /// and when the configuration names the module and the file has nothing for it.
    pub(crate) fn low_rank(
        &mut self,
        module: &str,
        [out, into]: [usize; 2],
    ) -> Result<Option<LowRank>, ModelError> {
        let (a, b) = (format!("{module}{A}"), format!("{module}{B}"));
        let in_file = self.tensors.shape(&a).is_some() || self.tensors.shape(&b).is_some();
        if !in_file && !self.targets.name(module) {
            return Ok(None);
        }
        let rank = of_module(&self.rank_pattern, module).unwrap_or(self.rank as f64);
        let alpha = of_module(&self.alpha_pattern, module).unwrap_or(self.alpha);
        let divisor = if self.root_of_rank { rank.sqrt() } else { rank };
        Ok(Some(LowRank {
            a: self.tensors.take(&a, &[rank as usize, into])?,
            b: self.tensors.take(&b, &[out, rank as usize])?,
            scale: alpha / divisor,
            dropout: None,
        }))
    }

    /// Whether the adapter brings its own tensor of this name (`modules_to_save`, trained biases), and
    /// its shape.
    pub(crate) fn replaces(&self, name: &str) -> Option<&[usize]> {
        self.tensors.shape(name)
    }

    /// The adapter's own tensor of a name.
    ///
    /// # Errors
    /// As [`Weights::take`].
    pub(crate) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        self.tensors.take(name, shape)
    }

    /// Whether every tensor was used.
    ///
    /// # Errors
    /// When some were not: the adapter is another network's.
    pub(crate) fn refuse_left_over(&self) -> Result<(), ModelError> {
        self.tensors.refuse_left_over()
    }

    /// Numbers that its tensors hold.
    pub(crate) fn values(&self) -> usize {
        self.tensors.values()
    }

    /// Adds to a hash what decides its effect.
    pub(crate) fn hash_into(&self, hasher: &mut blake3::Hasher) {
        let scaling = format!(
            "{} {} {:?} {:?} {}",
            self.rank, self.alpha, self.rank_pattern, self.alpha_pattern, self.root_of_rank
        );
        hasher.update(scaling.as_bytes());
        self.tensors.hash_into(hasher);
    }
}

impl Targets {
    fn name(&self, module: &str) -> bool {
        match self {
            Targets::AsInFile => false,
            Targets::Named(names) => names.iter().any(|name| is_of(name, module)),
        }
    }
}

/// PEFT's rule: a module is meant by its whole name, or by the end of it from a dot on, in whichever
/// scheme the adapter was made.
pub fn is_of(name: &str, module: &str) -> bool {
    [module, &older(module)].iter().any(|module| {
        module.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

fn of_module(pattern: &BTreeMap<String, f64>, module: &str) -> Option<f64> {
    pattern.iter().find(|(name, _)| is_of(name, module)).map(|(_, value)| *value)
}

/// Numbers by module. PEFT takes the names as regular expressions; plain ones are known here.
fn pattern(json: &JsonFile, key: &str) -> Result<BTreeMap<String, f64>, ModelError> {
    let refuse = || json.refuse(key, "numbers above 0 by plain names of modules are expected");
    let Some(value) = json.get(key) else { return Ok(BTreeMap::new()) };
    let entries = value.as_object().ok_or_else(refuse)?;
    let mut pattern = BTreeMap::new();
    for (name, value) in entries {
        let number = value.as_f64().filter(|x| *x > 0.0 && x.is_finite()).ok_or_else(refuse)?;
        if !name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.') {
            return Err(refuse());
        }
        pattern.insert(name.clone(), number);
    }
    Ok(pattern)
}

fn refuse_other_kinds(json: &JsonFile) -> Result<(), ModelError> {
    let kind = json.word("peft_type", "")?;
    if kind != "LORA" {
        return Err(ModelError::Adapter {
            file: json.path.clone(),
            reason: format!("an adapter of the kind '{kind}': LORA is known"),
        });
    }
    let unknown = UNKNOWN_VARIANTS.iter().find(|key| {
        json.get(key).is_some_and(|value| {
            let empty = value.as_array().is_some_and(Vec::is_empty)
                || value.as_object().is_some_and(serde_json::Map::is_empty);
            *value != Value::Bool(false) && !empty
        })
    });
    match unknown {
        None => Ok(()),
        Some(key) => Err(ModelError::Adapter {
            file: json.path.clone(),
            reason: format!(
                "it was made with {key}, which changes what its tensors mean: plain LoRA and \
                 rsLoRA are known"
            ),
        }),
    }
}
