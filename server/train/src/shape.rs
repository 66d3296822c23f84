//! What network is trained on which pictures: the configuration's word, else the base's, else as usual.

use spyhop_api::{FrontEnd, ModelCard, ModelClass, RecordingInfo, Scores};
use spyhop_config::{Loss, Training};
use spyhop_model::config::{AstConfig, Patches};
use spyhop_model::{ModelError, ModelFiles, Weights, check_fit, read_card, usual_front_end};
use spyhop_signal::detect::fit::held_hz;

use crate::TrainError;
use crate::dataset::WindowTable;

/// Audio networks usually listen to this many samples a second.
const USUAL_RATE_HZ: f64 = 16_000.0;

/// A network's shape, and where it begins.
pub struct Shape {
    /// Of the new network.
    pub config: AstConfig,
    /// Its pictures; mean and deviation may still have to be measured.
    pub front_end: FrontEnd,
    /// Whether they do.
    pub measure: bool,
    /// How many times faster than real recordings are listened to.
    pub time_compression: f64,
    /// Samples between windows when it listens.
    pub hop_samples: u32,
    /// What it goes on from.
    pub base: Option<Base>,
}

/// A network to go on from.
pub struct Base {
    /// Its weights.
    pub weights: Weights,
    /// Its shape.
    pub config: AstConfig,
    /// Whether it tells apart the same classes: its head then goes on, too.
    pub same_classes: bool,
}

impl Base {
    /// Reads a network, and its card.
    ///
    /// # Errors
    /// When it can't be read.
    fn read(files: &dyn ModelFiles, classes: &[String]) -> Result<(Base, ModelCard), TrainError> {
        let config = AstConfig::read(files)?;
        let card = read_card(&[files], &config)?;
        let same_classes = card.classes.iter().map(|c| &c.name).eq(classes);
        Ok((Base { weights: Weights::read(files)?, config, same_classes }, card))
    }

    /// Adds to a hash all of it that decides numbers of what goes on from it.
    pub fn hash_into(&self, hasher: &mut blake3::Hasher) {
        hasher.update(format!("{:?} {}", self.config, self.same_classes).as_bytes());
        self.weights.hash_into(hasher);
    }
}

/// Names what a network to go on from holds: another name says that trainings from it give other numbers.
///
/// # Errors
/// When it can't be read.
pub fn base_fingerprint(files: &dyn ModelFiles) -> Result<String, TrainError> {
    let (base, card) = Base::read(files, &[])?;
    let mut hasher = blake3::Hasher::new();
    base.hash_into(&mut hasher);
    let classes: Vec<&str> = card.classes.iter().map(|class| class.name.as_str()).collect();
    let decides = format!("{:?} {} {classes:?}", card.front_end, card.time_compression);
    hasher.update(decides.as_bytes());
    Ok(hasher.finalize().to_hex().to_string())
}

impl Shape {
    /// Resolves what the configuration leaves open.
    ///
    /// # Errors
    /// When the base can't be read, and when picture, patches and windows do not fit each other.
    pub fn new(
        said: &Training,
        table: &WindowTable,
        base: Option<&dyn ModelFiles>,
    ) -> Result<Shape, TrainError> {
        let base = base.map(|files| Base::read(files, &table.classes)).transpose()?;
        let keys = &said.model.front_end;
        let of_base = base.as_ref().map(|(_, card)| card.front_end);
        let rate_hz = keys.rate_hz.or(of_base.map(|f| f.rate_hz)).unwrap_or(USUAL_RATE_HZ);
        let usual = of_base.filter(|f| f.rate_hz == rate_hz).unwrap_or(usual_front_end(rate_hz));
        let frame_samples = keys.frame_samples.unwrap_or(usual.frame_samples);
        let fft_size = match keys.frame_samples {
            Some(samples) => samples.clamp(2, 1 << 30).next_power_of_two(),
            None => usual.fft_size,
        };
        let time_compression = said.model.time_compression;
        let time_compression =
            time_compression.or(base.as_ref().map(|(_, c)| c.time_compression)).unwrap_or(1.0);
        if !(time_compression > 0.0 && time_compression.is_finite()) {
            return Err(TrainError::Data("model.time_compression must be above 0".into()));
        }
        let front_end = FrontEnd {
            rate_hz,
            low_hz: keys.low_hz.unwrap_or(usual.low_hz),
            high_hz: keys.high_hz.unwrap_or(usual.high_hz),
            mels: keys.mels.unwrap_or(usual.mels),
            frame_samples,
            hop_samples: keys.hop_samples.unwrap_or(usual.hop_samples),
            fft_size: keys.fft_size.unwrap_or(fft_size),
            frames: 1,
            mean: keys.mean.or(of_base.map(|f| f.mean)).unwrap_or(0.0),
            std: keys.std.or(of_base.map(|f| f.std)).unwrap_or(0.5),
        };
        let real_rate_hz = rate_hz / time_compression;
        let window_samples = (table.window_s * real_rate_hz).round();
        let frames = keys.frames.unwrap_or(front_end.frames_in(window_samples as usize) as u32);
        let front_end = FrontEnd { frames, ..front_end };
        let measure = (keys.mean.is_none() || keys.std.is_none()) && base.is_none();
        let config = config(said, table, &front_end, base.as_ref().map(|(base, _)| &base.config))?;
        let hop_s = said.model.listen_every_s.unwrap_or(table.window_s / 2.0);
        let hop_samples = (hop_s * real_rate_hz).round();
        if !(1.0..=front_end.window_samples() as f64).contains(&hop_samples) {
            return Err(TrainError::Data(format!(
                "model.listen_every_s is {hop_s}: give a time of at most a window's {:.3} s",
                front_end.window_samples() as f64 / real_rate_hz
            )));
        }
        Ok(Shape {
            config,
            front_end,
            measure,
            time_compression,
            hop_samples: hop_samples as u32,
            base: base.map(|(base, _)| base),
        })
    }

    /// Whether a recording holds what the network will listen to, by the rule of whoever listens with it.
    ///
    /// # Errors
    /// When it does not; the sentence says which settings would make it.
    pub fn check_fit(&self, card: &ModelCard, recording: &RecordingInfo) -> Result<(), String> {
        let RecordingInfo { name, sample_rate_hz: rate_hz, .. } = recording;
        if check_fit(&card.name, card, *rate_hz).is_ok() {
            return Ok(());
        }
        let (low_hz, high_hz) = card.band_hz;
        // Up to where its pictures show something, as fast as it listens.
        let shown_hz = high_hz.min(held_hz(card.rate_hz())) * self.time_compression;
        let held_hz = held_hz(*rate_hz);
        Err(format!(
            "{name} has {rate_hz} Hz, which holds nothing above {} Hz, and the network would listen from {low_hz} to {high_hz} Hz: no recording like this one could be heard with it. Set model.front_end.rate_hz to {rate_hz} with model.front_end.high_hz of at most {}, or model.time_compression to {} or more",
            rate_hz / 2.0,
            held_hz.floor(),
            (shown_hz / held_hz).ceil()
        ))
    }

    /// The new network's card. Thresholds are by class.
    pub fn card(
        &self,
        said: &Training,
        name: &str,
        table: &WindowTable,
        thresholds: &[f64],
    ) -> ModelCard {
        let band_hz = (
            self.front_end.low_hz / self.time_compression,
            self.front_end.high_hz / self.time_compression,
        );
        let class = |(index, (name, threshold)): (usize, (&String, &f64))| ModelClass {
            name: name.clone(),
            band_hz,
            threshold: said.model.thresholds.get(name).copied().unwrap_or(*threshold),
            is_call: table.is_call(index),
        };
        ModelCard {
            name: name.to_owned(),
            description: said.model.description.clone(),
            version: String::new(),
            licence: said.model.licence.clone(),
            training_data: said.model.training_data.clone(),
            citation: String::new(),
            time_compression: self.time_compression,
            band_hz,
            hop_samples: self.hop_samples,
            front_end: self.front_end,
            scores: self.config.scores,
            classes: self.config.labels.iter().zip(thresholds).enumerate().map(class).collect(),
            metrics: Default::default(),
        }
    }
}

fn config(
    said: &Training,
    table: &WindowTable,
    front_end: &FrontEnd,
    base: Option<&AstConfig>,
) -> Result<AstConfig, TrainError> {
    let size = &said.model.ast;
    let (mels, frames) = (front_end.mels as usize, front_end.frames as usize);
    let shape = match base {
        Some(base) => base.clone(),
        None => AstConfig {
            hidden_size: size.hidden_size,
            num_hidden_layers: size.num_hidden_layers,
            num_attention_heads: size.num_attention_heads,
            intermediate_size: size.intermediate_size,
            patches: Patches {
                size: size.patch_size,
                frequency_stride: size.frequency_stride,
                time_stride: size.time_stride,
            },
            ..AstConfig::base(Vec::new())
        },
    };
    let config = AstConfig {
        max_length: frames,
        num_mel_bins: mels,
        labels: table.classes.clone(),
        scores: match said.model_trainer.loss {
            Loss::Softmax => Scores::Softmax,
            Loss::Sigmoid => Scores::Sigmoid,
        },
        ..shape
    };
    match config.patches.grid(mels, frames) {
        Some(_) => Ok(config),
        None => Err(TrainError::Model(ModelError::Value {
            file: "model".into(),
            key: "patch_size".into(),
            value: config.patches.size.to_string(),
            expected: format!(
                "a window of {} s gives a picture of {mels} filters and {frames} frames, which must hold a patch",
                table.window_s
            ),
        })),
    }
}
