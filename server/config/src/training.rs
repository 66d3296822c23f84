//! The sections of training: those of the reference experiment.

mod usual;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_norway::{Mapping, Value};

use super::ConfigError;

/// How networks are trained.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Training {
    /// What a run is called, and where it is kept.
    pub general: General,
    /// From recordings and labels to windows.
    pub preprocess: Preprocess,
    /// From windows to batches.
    pub data_loader: DataLoader,
    /// The network.
    pub model: ModelShape,
    /// How it is trained.
    pub model_trainer: ModelTrainer,
}

/// The section `general`; `defaults.yaml` explains each key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct General {
    pub config_version: u32,
    pub experiment_name: String,
    pub run_name: String,
    pub output_dir: String,
    pub mlflow_server_uri: String,
}

/// The section `preprocess`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Preprocess {
    pub windows_path: String,
    pub wav_dir: String,
    pub labels: Labels,
    pub detection_log_path: String,
    pub species: Vec<String>,
    pub label_mapping: BTreeMap<String, String>,
    pub negative_class: String,
    pub window_s: f64,
    pub hop_s: f64,
    pub positive_start: PositiveStart,
    pub channel: u32,
}

/// What says where calls are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Labels {
    /// Tables beside the recordings.
    Tables,
    /// The log of the DCLDE workshop of 2013.
    Dclde2013,
    /// What people said of candidates on a server.
    Reviews,
}

/// Where a window with a call begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositiveStart {
    /// The call lies in its middle.
    Centred,
    /// The reference's rule: int(start) + max(floor(duration / 2) − 1, 0).
    WholeSecond,
}

/// The section `data_loader`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DataLoader {
    pub include_classes: Vec<String>,
    pub split_by: SplitBy,
    pub train_ratio: f64,
    pub val_ratio: f64,
    pub test_ratio: f64,
    pub folds: usize,
    pub fold: usize,
    pub train_share: f64,
    pub batch_size: usize,
    pub random_seed: u64,
    pub balance: Balance,
    pub epoch_windows: usize,
    pub workers: usize,
    pub prefetch_batches: usize,
    pub augment: Augment,
}

/// What stays together when windows are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitBy {
    /// All windows of a recording.
    Recording,
    /// All windows of a day.
    Day,
}

/// How classes of different size are made alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// Not at all.
    None,
    /// Windows are drawn with replacement, in inverse proportion to their class.
    Replacement,
    /// Of the larger classes as many are left out as the smallest lacks, others in each epoch.
    RemoveExcess,
}

/// What is done to windows while training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Augment {
    pub time_shift_s: f64,
    pub gain_db: f64,
    pub noise_share: f64,
    pub noise_db: f64,
    pub time_masks: usize,
    pub time_mask_frames: usize,
    pub frequency_masks: usize,
    pub frequency_mask_mels: usize,
}

/// The section `model`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ModelShape {
    pub base: String,
    pub name: String,
    pub description: String,
    pub training_data: String,
    pub licence: String,
    #[serde(rename = "AST_kwargs")]
    pub ast: AstSize,
    pub front_end: FrontEndSettings,
    pub time_compression: Option<f64>,
    pub listen_every_s: Option<f64>,
    pub thresholds: BTreeMap<String, f64>,
}

/// The size of a network that begins from nothing, in the words of `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AstSize {
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    pub patch_size: usize,
    pub frequency_stride: usize,
    pub time_stride: usize,
}

/// How samples become a picture; what is left open is the base's, or as usual.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FrontEndSettings {
    pub rate_hz: Option<f64>,
    pub low_hz: Option<f64>,
    pub high_hz: Option<f64>,
    pub mels: Option<u32>,
    pub frame_samples: Option<u32>,
    pub hop_samples: Option<u32>,
    pub fft_size: Option<u32>,
    pub frames: Option<u32>,
    pub mean: Option<f64>,
    pub std: Option<f64>,
}

/// The section `model_trainer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ModelTrainer {
    pub train: Trained,
    pub last_layers: usize,
    #[serde(rename = "LoRA_kwargs")]
    pub lora: Lora,
    pub loss: Loss,
    pub class_weights: BTreeMap<String, f64>,
    pub optimizer: Optimizer,
    pub lr: f64,
    pub weight_decay: f64,
    pub momentum: f64,
    pub betas: [f64; 2],
    pub num_epochs: usize,
    pub use_scheduler: bool,
    pub warmup_share: f64,
    pub decay: Decay,
    pub decay_epochs: usize,
    pub decay_factor: f64,
    pub clip_norm: f64,
    pub accumulate_batches: usize,
    pub precision: Precision,
    pub checkpoint_batches: usize,
    pub early_stopping: EarlyStopping,
}

/// What of a network is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trained {
    /// Everything.
    All,
    /// The head.
    Head,
    /// The last layers, and what comes after them.
    LastLayers,
    /// Low-rank paths beside frozen weights.
    Lora,
}

/// LoRA in PEFT's words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Lora {
    pub r: usize,
    pub lora_alpha: f64,
    pub lora_dropout: f64,
    pub target_modules: Vec<String>,
    pub modules_to_save: Vec<String>,
    pub bias: LoraBias,
}

/// Which biases are trained beside low-rank paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoraBias {
    /// None.
    None,
    /// All of the network.
    All,
    /// Those of the modules that have a path.
    LoraOnly,
}

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Cross-entropy: a window is of one class.
    Softmax,
    /// Binary cross-entropy of each class.
    Sigmoid,
}

/// How weights are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::upper_case_acronyms, reason = "its name")]
pub enum Optimizer {
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    AdamW,
    /// Stochastic gradient descent with momentum.
    SGD,
}

/// What a network is computed in on a GPU. What moves is held in f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Nothing is rounded.
    F32,
    /// Half as large, with the range of f32.
    Bf16,
    /// Half as large and finer, for which gradients are scaled.
    F16,
}

/// How the learning rate falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// Along half a cosine, to nothing.
    Cosine,
    /// Evenly, to nothing.
    Linear,
    /// By a factor each so many epochs.
    Steps,
}

/// When training ends before its last epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EarlyStopping {
    pub metric: Metric,
    pub patience_epochs: usize,
    pub least_gain: f64,
}

/// A figure of the validation part that says which network is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Average precision of the calls.
    Ap,
    /// The best F1 of the calls.
    F1,
    /// Share of the windows whose class is the likeliest.
    Accuracy,
    /// The loss; less is better.
    Loss,
}

impl Training {
    pub(crate) fn of(whole: &Value) -> Result<Training, ConfigError> {
        let training = Training {
            general: read(whole, "general")?,
            preprocess: read(whole, "preprocess")?,
            data_loader: read(whole, "data_loader")?,
            model: read(whole, "model")?,
            model_trainer: read(whole, "model_trainer")?,
        };
        training.check()?;
        Ok(training)
    }

    pub(crate) fn to_value(&self) -> Result<Mapping, ConfigError> {
        match serde_norway::to_value(self)? {
            Value::Mapping(sections) => Ok(sections),
            _ => Ok(Mapping::new()),
        }
    }

    /// The five sections as a file that leaves nothing out.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn to_yaml(&self) -> Result<String, ConfigError> {
        Ok(serde_norway::to_string(self)?)
    }

    /// What no single key can say of itself.
    fn check(&self) -> Result<(), ConfigError> {
        let Training { preprocess, data_loader, model, model_trainer, .. } = self;
        let lora = &model_trainer.lora;
        let augment = &data_loader.augment;
        let share = 0.0..=1.0;
        let ratios = data_loader.train_ratio + data_loader.val_ratio + data_loader.test_ratio;
        let not_negative = |x: f64| x >= 0.0 && x.is_finite();
        for (is_sound, path, reason) in [
            (
                is_plain_address(&self.general.mlflow_server_uri),
                "general.mlflow_server_uri",
                "give http://HOST:PORT or https://HOST/PATH and no more; a name and a password, or a token, stand in the environment (MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN), because a configuration is kept and shown",
            ),
            (preprocess.window_s > 0.0, "preprocess.window_s", "give a length above 0"),
            (preprocess.hop_s > 0.0, "preprocess.hop_s", "give a length above 0"),
            (
                !preprocess.negative_class.is_empty(),
                "preprocess.negative_class",
                "windows without a call need a name",
            ),
            (
                data_loader.train_ratio > 0.0 && data_loader.val_ratio > 0.0,
                "data_loader",
                "train_ratio and val_ratio must be above 0",
            ),
            (
                data_loader.test_ratio >= 0.0 && (ratios - 1.0).abs() < 1e-6,
                "data_loader",
                "train_ratio, val_ratio and test_ratio must add up to 1",
            ),
            (
                data_loader.folds != 1 && data_loader.fold < data_loader.folds.max(1),
                "data_loader",
                "folds must be 0, or 2 or more, and fold less than that",
            ),
            (
                data_loader.train_share > 0.0 && data_loader.train_share <= 1.0,
                "data_loader.train_share",
                "give a share above 0, at most 1",
            ),
            (data_loader.batch_size > 0, "data_loader.batch_size", "give 1 or more"),
            (
                (1..=64).contains(&data_loader.workers),
                "data_loader.workers",
                "give 1 to 64 threads",
            ),
            (data_loader.prefetch_batches > 0, "data_loader.prefetch_batches", "give 1 or more"),
            (
                not_negative(augment.time_shift_s) && not_negative(augment.gain_db),
                "data_loader.augment",
                "time_shift_s and gain_db can't be negative",
            ),
            (
                share.contains(&augment.noise_share),
                "data_loader.augment.noise_share",
                "give 0 to 1",
            ),
            (augment.noise_db.is_finite(), "data_loader.augment.noise_db", "give a number"),
            (
                model.ast.num_attention_heads > 0
                    && model.ast.hidden_size.is_multiple_of(model.ast.num_attention_heads)
                    && model.ast.hidden_size > 0,
                "model.AST_kwargs",
                "num_attention_heads must divide hidden_size",
            ),
            (
                model.ast.num_hidden_layers > 0
                    && model.ast.intermediate_size > 0
                    && model.ast.patch_size > 0
                    && model.ast.frequency_stride > 0
                    && model.ast.time_stride > 0,
                "model.AST_kwargs",
                "sizes and strides must be above 0",
            ),
            (
                model.thresholds.values().all(|score| (0.0..=1.0).contains(score)),
                "model.thresholds",
                "give scores of 0 to 1",
            ),
            (
                model.listen_every_s.is_none_or(|s| s > 0.0),
                "model.listen_every_s",
                "give a time above 0",
            ),
            (lora.r > 0, "model_trainer.LoRA_kwargs.r", "give a rank of 1 or more"),
            (
                lora.lora_alpha > 0.0,
                "model_trainer.LoRA_kwargs.lora_alpha",
                "give a number above 0",
            ),
            (
                (0.0..1.0).contains(&lora.lora_dropout),
                "model_trainer.LoRA_kwargs.lora_dropout",
                "give 0 to less than 1",
            ),
            (
                model_trainer.class_weights.values().all(|w| *w > 0.0 && w.is_finite()),
                "model_trainer.class_weights",
                "weights must be above 0",
            ),
            (
                model_trainer.lr > 0.0 && model_trainer.lr.is_finite(),
                "model_trainer.lr",
                "give a rate above 0",
            ),
            (
                not_negative(model_trainer.weight_decay),
                "model_trainer.weight_decay",
                "it can't be negative",
            ),
            (
                (0.0..1.0).contains(&model_trainer.momentum),
                "model_trainer.momentum",
                "give 0 to less than 1",
            ),
            (
                model_trainer.betas.iter().all(|b| (0.0..1.0).contains(b)),
                "model_trainer.betas",
                "give two numbers of 0 to less than 1",
            ),
            (model_trainer.num_epochs > 0, "model_trainer.num_epochs", "give 1 or more"),
            (
                share.contains(&model_trainer.warmup_share),
                "model_trainer.warmup_share",
                "give 0 to 1",
            ),
            (model_trainer.decay_epochs > 0, "model_trainer.decay_epochs", "give 1 or more"),
            (
                model_trainer.decay_factor > 0.0 && model_trainer.decay_factor <= 1.0,
                "model_trainer.decay_factor",
                "give a share above 0",
            ),
            (
                not_negative(model_trainer.clip_norm),
                "model_trainer.clip_norm",
                "it can't be negative",
            ),
            (
                model_trainer.accumulate_batches > 0,
                "model_trainer.accumulate_batches",
                "give 1 or more",
            ),
            (
                model_trainer.checkpoint_batches > 0,
                "model_trainer.checkpoint_batches",
                "give 1 or more",
            ),
            (
                not_negative(model_trainer.early_stopping.least_gain),
                "model_trainer.early_stopping.least_gain",
                "it can't be negative",
            ),
        ] {
            if !is_sound {
                return Err(ConfigError::Value { path: path.into(), reason: reason.into() });
            }
        }
        Ok(())
    }
}

/// An address with nothing secret in it, or none.
fn is_plain_address(uri: &str) -> bool {
    let rest = uri.strip_prefix("http://").or_else(|| uri.strip_prefix("https://"));
    uri.is_empty()
        || rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['@', '?', '#', ' ']))
}

pub(crate) fn read<T: DeserializeOwned>(whole: &Value, section: &str) -> Result<T, ConfigError> {
    let value = whole.get(section).cloned().unwrap_or(Value::Null);
    serde_norway::from_value(value)
        .map_err(|error| ConfigError::Value { path: section.into(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    fn error(text: &str) -> String {
        Config::read(text).map(|_| ()).expect_err(text).to_string()
    }

    #[test]
    fn a_key_of_the_reference_that_has_no_use_here_says_what_replaces_it() {
        for (text, says) in [
            ("preprocess: {figsize: [4, 4]}", "model.front_end"),
            ("data_loader: {config: {batch_size: 8}}", "directly under data_loader"),
            ("model_trainer: {entry_function: train.main}", "model_trainer.train"),
            ("model: {AST_kwargs: {imagenet_pretrain: true}}", "model.base"),
            ("data_loader: {hdf5_file: x.h5}", "preprocess.windows_path"),
        ] {
            let found = error(text);
            assert!(found.contains("has no use here") && found.contains(says), "{found}");
        }
    }

    #[test]
    fn any_key_is_overridden_by_a_word() {
        let set = [
            "model_trainer.lr=0.002",
            "data_loader.include_classes=[a, b]",
            "model_trainer.class_weights.upcall=3",
            "general.run_name=first",
        ];
        let config = Config::read_with("model_trainer: {lr: 0.1, num_epochs: 3}", &set);
        let training = config.expect("sound").training;
        assert_eq!((training.model_trainer.lr, training.model_trainer.num_epochs), (0.002, 3));
        assert_eq!(training.data_loader.include_classes, ["a", "b"]);
        assert_eq!(training.model_trainer.class_weights["upcall"], 3.0);
        let set = Config::read_with("", &["model_trainer.learning=1"]).map(|_| ());
        assert!(
            set.expect_err("unknown").to_string().contains("'model_trainer.learning' is unknown")
        );
        let set = Config::read_with("", &["lr"]).map(|_| ()).expect_err("no value").to_string();
        assert!(set.contains("lr") && set.contains("KEY=VALUE"), "{set}");
    }

    #[test]
    fn a_configuration_of_another_version_says_so_before_its_keys_are_looked_at() {
        let found = error("general: {config_version: 0}\nmodel_trainer: {learning_rate: 1}");
        assert!(found.contains("is of version 0, and this program reads version 1"), "{found}");
        assert!(found.contains("--print-config"), "{found}");
        assert!(error("general: {config_version: two}").contains("is of version two"));
    }

    #[test]
    fn what_can_t_be_is_named() {
        assert!(error("model_trainer: {optimizer: Adam}").contains("AdamW"));
        assert!(error("data_loader: {train_ratio: 0.9}").contains("add up to 1"));
        assert!(error("model_trainer: {lr: -1}").contains("model_trainer.lr"));
        let secret = error("general: {mlflow_server_uri: 'https://me:hush@host'}");
        assert!(
            secret.contains("MLFLOW_TRACKING_PASSWORD") && !secret.contains("hush"),
            "{secret}"
        );
        assert!(error("general: {mlflow_server_uri: host}").contains("give http://HOST:PORT"));
        assert!(error("model_trainer: {nun_epochs: 3}").contains("did you mean 'num_epochs'?"));
        assert!(error("preprocess: {label_mapping: {upcall: [1]}}").contains("a text is expected"));
    }

    #[test]
    fn the_five_sections_are_written_and_read_again() {
        let config = Config::read("model_trainer: {train: lora, class_weights: {a: 2}}");
        let training = config.expect("sound").training;
        let again = Config::read(&training.to_yaml().expect("YAML")).expect("its own text");
        assert_eq!(again.training, training);
    }
}
