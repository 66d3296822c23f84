//! A network's numbers while it is trained: which of them move, and what the optimiser remembers of them.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor, Var};
use rand_distr::{Distribution, StandardNormal, Uniform};
use spyhop_config::{LoraBias, ModelTrainer, Trained};
use spyhop_model::{
    Dropout, LowRank, ModelError, Parameters, Placement, fitted_positions, is_module,
};

use crate::TrainError;
use crate::chance::chance;
use crate::shape::{Base, Shape};

const POSITIONS: &str = "audio_spectrogram_transformer.embeddings.position_embeddings";
const LAYERS: &str = "audio_spectrogram_transformer.layers.";
const FINAL_NORM: &str = "audio_spectrogram_transformer.layernorm.";
const HEAD: &str = "classifier.";
const HEAD_OUTPUT: &str = "classifier.dense.";
const A: &str = ".lora_A.weight";
const B: &str = ".lora_B.weight";
/// Tokens and positions begin as in the published network.
const TOKEN_STD: f64 = 0.02;

/// How many numbers are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Those that are trained.
    pub trained: usize,
    /// All of them, added paths included.
    pub all: usize,
}

/// A tensor that moves.
pub struct Moving {
    /// By the newer scheme; a path's are `<module>.lora_A.weight` and `<module>.lora_B.weight`.
    pub name: String,
    /// Itself.
    pub var: Var,
    /// What the optimiser remembers: the mean of the gradients, or SGD's momentum.
    pub first: Tensor,
    /// The mean of their squares; none for SGD.
    pub second: Option<Tensor>,
}

/// A tensor that stands still.
struct Still {
    /// In f32, as it is kept.
    whole: Tensor,
    /// In what the network is computed in: rounded once, not for each step.
    computed: Tensor,
}

/// All of a network's tensors.
pub struct Store {
    /// In order of their names.
    pub moving: Vec<Moving>,
    still: BTreeMap<String, Still>,
    /// Scale by module that has a path.
    scale: f64,
    dropout_share: f64,
    /// Numbers of the dropouts, by module.
    paths: BTreeMap<String, u64>,
    /// Where the tensors lie, in f32, and what the network is computed in.
    pub placement: Placement,
}

impl Store {
    /// Begins with a network's first weights. `build` is called with something that makes them, as the
    /// network asks for them.
    ///
    /// # Errors
    /// When the base lacks a tensor, holds one too many, or nothing at all would be trained.
    pub fn new(
        said: &ModelTrainer,
        seed: u64,
        shape: &mut Shape,
        placement: Placement,
        build: impl FnOnce(&mut dyn Parameters) -> Result<(), ModelError>,
    ) -> Result<Store, TrainError> {
        let same_classes = shape.base.as_ref().map(|base| base.same_classes);
        if same_classes.is_none() && said.train != Trained::All {
            return Err(TrainError::Data(
                "model_trainer.train names a part of a network, and there is none to go on from: name it as model.base, or set model_trainer.train to all".into(),
            ));
        }
        let layers = shape.config.num_hidden_layers;
        let positions = shape.config.grid();
        let mut maker = Maker {
            said,
            seed,
            layers,
            targets: targets(said),
            base: shape.base.as_mut(),
            positions,
            tensors: BTreeMap::new(),
            paths: BTreeMap::new(),
        };
        build(&mut maker)?;
        let Maker { tensors, paths, base, .. } = maker;
        if let Some(base) = base {
            base.weights.refuse_left_over()?;
        }
        if said.train == Trained::Lora && paths.is_empty() {
            return Err(TrainError::Data(format!(
                "model_trainer.LoRA_kwargs.target_modules names {}, and no linear module of the network ends so: q_proj, k_proj, v_proj, o_proj, fc1 and fc2 do",
                said.lora.target_modules.join(", ")
            )));
        }
        let mut moving = Vec::new();
        let mut still = BTreeMap::new();
        for (name, tensor) in tensors {
            let tensor = tensor.to_device(&placement.device)?;
            if !moves(&name, said, layers, &paths) {
                let computed = tensor.to_dtype(placement.dtype)?;
                still.insert(name, Still { whole: tensor, computed });
                continue;
            }
            let second = match said.optimizer {
                spyhop_config::Optimizer::AdamW => Some(tensor.zeros_like()?),
                spyhop_config::Optimizer::SGD => None,
            };
            let first = tensor.zeros_like()?;
            moving.push(Moving { name, var: Var::from_tensor(&tensor)?, first, second });
        }
        if same_classes == Some(false) && still.keys().any(|name| name.starts_with(HEAD_OUTPUT)) {
            return Err(TrainError::Data(
                "the base tells other classes apart, so that its head begins anew and must be trained: add classifier to model_trainer.LoRA_kwargs.modules_to_save".into(),
            ));
        }
        Ok(Store {
            moving,
            still,
            scale: said.lora.lora_alpha / said.lora.r as f64,
            dropout_share: said.lora.lora_dropout,
            paths,
            placement,
        })
    }

    /// How much of it is trained.
    pub fn share(&self) -> Share {
        let trained = self.moving.iter().map(|m| m.var.elem_count()).sum();
        let still: usize = self.still.values().map(|still| still.whole.elem_count()).sum();
        Share { trained, all: trained + still }
    }

    /// Every tensor of the network by its name, with paths added to what they lie beside.
    ///
    /// # Errors
    /// When the device fails.
    pub fn merged(&self) -> Result<BTreeMap<String, Tensor>, TrainError> {
        let whole = |(name, still): (&String, &Still)| (name.clone(), still.whole.clone());
        let mut all: BTreeMap<String, Tensor> = self.still.iter().map(whole).collect();
        for moving in &self.moving {
            if !is_path(&moving.name) {
                all.insert(moving.name.clone(), moving.var.as_detached_tensor());
            }
        }
        for (module, (a, b)) in self.low_rank() {
            let path = LowRank { a, b, scale: self.scale, dropout: None };
            let name = format!("{module}.weight");
            let Some(weight) = all.get(&name) else { continue };
            let sum = (weight + path.delta()?)?;
            all.insert(name, sum);
        }
        Ok(all)
    }

    /// A and B by module.
    pub fn low_rank(&self) -> BTreeMap<String, (Tensor, Tensor)> {
        let of = |name: &str| {
            let found = self.moving.iter().find(|m| m.name == name)?;
            Some(found.var.as_detached_tensor())
        };
        let pair = |module: &String| {
            Some((module.clone(), (of(&format!("{module}{A}"))?, of(&format!("{module}{B}"))?)))
        };
        self.paths.keys().filter_map(pair).collect()
    }

    /// What is trained in full.
    pub fn whole(&self) -> BTreeMap<String, Tensor> {
        let whole = self.moving.iter().filter(|m| !is_path(&m.name));
        whole.map(|m| (m.name.clone(), m.var.as_detached_tensor())).collect()
    }
}

fn is_path(name: &str) -> bool {
    name.ends_with(A) || name.ends_with(B)
}

/// Gives the network what the store holds.
pub struct Held<'a> {
    /// Of which it is.
    pub store: &'a Store,
    /// Decides what is dropped; without it nothing is, which is how a network is looked at.
    pub key: Option<u64>,
}

impl Parameters for Held<'_> {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let found = self.store.still.get(name).map(|still| still.computed.clone()).or_else(|| {
            let place = self.store.moving.binary_search_by(|m| m.name.as_str().cmp(name));
            place.ok().and_then(|at| self.store.moving.get(at)).map(|m| m.var.as_tensor().clone())
        });
        found.ok_or_else(|| ModelError::MissingTensor {
            file: "the network in training".into(),
            tensor: name.to_owned(),
            expected: shape.to_vec(),
        })
    }

    fn low_rank(
        &mut self,
        module: &str,
        [out, into]: [usize; 2],
    ) -> Result<Option<LowRank>, ModelError> {
        let Some(number) = self.store.paths.get(module).copied() else { return Ok(None) };
        Ok(Some(LowRank {
            a: self.tensor(&format!("{module}{A}"), &[0, into])?,
            b: self.tensor(&format!("{module}{B}"), &[out, 0])?,
            scale: self.store.scale,
            dropout: self.key.map(|key| Dropout::new(self.store.dropout_share, number, key)),
        }))
    }
}

/// Ends of names, with what `qkv` stands for.
pub fn targets(said: &ModelTrainer) -> Vec<String> {
    let named = |word: &String| -> Vec<String> {
        match word.as_str() {
            "qkv" => ["q_proj", "k_proj", "v_proj"].map(str::to_owned).to_vec(),
            _ => vec![word.clone()],
        }
    };
    said.lora.target_modules.iter().flat_map(named).collect()
}

/// Whether a tensor is trained.
fn moves(name: &str, said: &ModelTrainer, layers: usize, paths: &BTreeMap<String, u64>) -> bool {
    let in_last = || {
        let layer = name.strip_prefix(LAYERS).and_then(|rest| rest.split_once('.'));
        let layer = layer.and_then(|(number, _)| number.parse::<usize>().ok());
        layer.is_some_and(|n| n + said.last_layers >= layers) || name.starts_with(FINAL_NORM)
    };
    match said.train {
        Trained::All => true,
        Trained::Head => name.starts_with(HEAD),
        Trained::LastLayers => name.starts_with(HEAD) || in_last(),
        Trained::Lora => {
            let module = name.rsplit_once('.').map_or(name, |(module, _)| module);
            let is_saved = |saved: &String| {
                // A module is saved with all that is below it.
                let mut above = Some(module);
                std::iter::from_fn(|| {
                    let this = above?;
                    above = this.rsplit_once('.').map(|(outer, _)| outer);
                    Some(this)
                })
                .any(|module| is_module(saved, module))
            };
            let is_bias = || {
                name.ends_with(".bias")
                    && match said.lora.bias {
                        LoraBias::None => false,
                        LoraBias::All => true,
                        LoraBias::LoraOnly => paths.contains_key(module),
                    }
            };
            is_path(name) || said.lora.modules_to_save.iter().any(is_saved) || is_bias()
        }
    }
}

/// Makes the first weights.
struct Maker<'a> {
    said: &'a ModelTrainer,
    seed: u64,
    layers: usize,
    targets: Vec<String>,
    base: Option<&'a mut Base>,
    positions: spyhop_model::Grid,
    tensors: BTreeMap<String, Tensor>,
    paths: BTreeMap<String, u64>,
}

impl Maker<'_> {
    fn first(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let Some(base) = self.base.as_deref_mut() else { return drawn(self.seed, name, shape) };
        if name.starts_with(HEAD_OUTPUT) && !base.same_classes {
            base.weights.discard(name);
            return drawn(self.seed, name, shape);
        }
        if name == POSITIONS {
            let from = base.config.grid();
            let tokens = spyhop_model::EXTRA_TOKENS + from.patches();
            let width = shape.last().copied().unwrap_or(0);
            let taken = base.weights.take(name, &[1, tokens, width])?;
            return Ok(fitted_positions(&taken, from, self.positions)?.contiguous()?);
        }
        base.weights.take(name, shape)
    }
}

impl Parameters for Maker<'_> {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let tensor = self.first(name, shape)?;
        self.tensors.insert(name.to_owned(), tensor.clone());
        Ok(tensor)
    }

    fn low_rank(
        &mut self,
        module: &str,
        [out, into]: [usize; 2],
    ) -> Result<Option<LowRank>, ModelError> {
        let is_meant = self.targets.iter().any(|target| is_module(target, module));
        if self.said.train != Trained::Lora || !is_meant || self.layers == 0 {
            return Ok(None);
        }
        let rank = self.said.lora.r;
        // As PEFT: A as PyTorch's linear layers begin (Kaiming, a = √5), B with zeros.
        let bound = 1.0 / (into as f64).sqrt();
        let mut stream = chance(self.seed, &format!("{module}{A}"), &[]);
        let uniform = Uniform::new_inclusive(-bound, bound)
            .map_err(|error| candle_core::Error::Msg(error.to_string()))?;
        let values: Vec<f32> =
            (0..rank * into).map(|_| uniform.sample(&mut stream) as f32).collect();
        let a = Tensor::from_vec(values, (rank, into), &Device::Cpu)?;
        let b = Tensor::zeros((out, rank), candle_core::DType::F32, &Device::Cpu)?;
        self.tensors.insert(format!("{module}{A}"), a.clone());
        self.tensors.insert(format!("{module}{B}"), b.clone());
        self.paths.insert(module.to_owned(), self.paths.len() as u64 + 1);
        Ok(Some(LowRank { a, b, scale: 0.0, dropout: None }))
    }
}

/// First weights of a network that begins from nothing: norms leave everything as it is, biases are 0, tokens
/// are normal about 0, and products keep the variance of what goes in.
fn drawn(seed: u64, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
    let count: usize = shape.iter().product();
    if name.ends_with(".bias") {
        return Ok(Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu)?);
    }
    let std = match (shape, name.ends_with(".weight")) {
        (&[_], true) => return Ok(Tensor::ones(shape, candle_core::DType::F32, &Device::Cpu)?),
        (&[_, ..], true) => 1.0 / (count as f64 / shape[0] as f64).sqrt(),
        _ => TOKEN_STD,
    };
    let mut stream = chance(seed, name, &[]);
    let normal = || {
        // Cut at two deviations, as PyTorch's trunc_normal_ is used for transformers.
        loop {
            let x: f64 = StandardNormal.sample(&mut stream);
            if x.abs() <= 2.0 {
                return (x * std) as f32;
            }
        }
    };
    let values: Vec<f32> = std::iter::repeat_with(normal).take(count).collect();
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
}
