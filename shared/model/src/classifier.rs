//! A network with everything around it: samples in, logits out.

use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use spyhop_api::{ModelCard, WindowPlan};
use spyhop_signal::fbank::{Fbank, MelPicture};

use crate::adapter::Adapter;
use crate::config::{self, AstConfig};
use crate::device::Placement;
use crate::network::{Ast, Build};
use crate::parameters::{Blank, Loaded};
use crate::weights::Weights;
use crate::{Arithmetic, ModelError, ModelFiles, card};

/// Windows that go through the network at once: more are cut into batches, so that memory stays bounded
/// (about 60 MB a window of the base network). A GPU has nothing to do with few.
const CPU_BATCH_WINDOWS: usize = 4;
const GPU_BATCH_WINDOWS: usize = 32;

/// A network that is ready to listen. It may be used from several threads at once; each call already
/// uses all processors.
pub struct Classifier {
    card: ModelCard,
    fbank: Fbank,
    network: Ast,
    device: Device,
    /// Whose pictures go to the device: between those of others each would wait for a whole batch.
    turn: Mutex<()>,
    parameters: usize,
    fingerprint: String,
}

/// Logits that a device may still be computing.
pub struct Begun {
    /// (windows, classes), batch by batch.
    logits: Vec<Tensor>,
}

impl Begun {
    /// Waits for them.
    ///
    /// # Errors
    /// When the device fails, or a logit is no finite number.
    pub fn finish(self) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut logits = Vec::new();
        for batch in self.logits {
            logits.extend(batch.to_device(&Device::Cpu)?.to_vec2::<f32>()?);
        }
        match logits.iter().position(|row| row.iter().any(|x| !x.is_finite())) {
            Some(index) => Err(ModelError::Logits { index }),
            None => Ok(logits),
        }
    }
}

/// How a network is opened.
#[derive(Clone, Default)]
pub struct OpenOptions<'a> {
    /// A folder with a LoRA adapter, laid over the network. Its card and preprocessor, where it has
    /// such, count before the network's.
    pub adapter: Option<&'a dyn ModelFiles>,
    /// Computes the adapter beside the weights each time, instead of adding it to them once: slower, and
    /// the same numbers to rounding.
    pub keep_adapter_apart: bool,
    /// Where it is computed; where nothing is said, on the first GPU in bf16, or else on the CPU.
    pub placement: Option<Placement>,
}

impl Classifier {
    /// Opens a model folder.
    ///
    /// # Errors
    /// When a file is missing, damaged or of another network; the message names the file, and what in it
    /// is wrong.
    pub fn open(files: &dyn ModelFiles) -> Result<Classifier, ModelError> {
        Classifier::open_with(files, &OpenOptions::default())
    }

    /// Opens a model folder, with an adapter where there is one.
    ///
    /// # Errors
    /// As [`Classifier::open`].
    pub fn open_with(
        files: &dyn ModelFiles,
        options: &OpenOptions<'_>,
    ) -> Result<Classifier, ModelError> {
        let config = AstConfig::read(files)?;
        let mut weights = Weights::read(files)?;
        let mut adapter = options.adapter.map(Adapter::read).transpose()?;
        let folders: Vec<&dyn ModelFiles> = options.adapter.into_iter().chain([files]).collect();
        let card = card::read(&folders, &config)?;
        let fingerprint = fingerprint(&config, &card, &weights, adapter.as_ref());
        let parameters = weights.values() + adapter.as_ref().map_or(0, Adapter::values);
        if let Some(outputs) = outputs(&weights, adapter.as_ref()) {
            refuse_other_names(outputs, &card, &folders, files)?;
        }
        let placement = options.placement.clone();
        let placement = placement.unwrap_or_else(|| Placement::best(DType::BF16));
        let device = placement.device.clone();
        let build = build(&config, &card, files, placement)?;
        let merge = !options.keep_adapter_apart;
        let mut loaded = Loaded { weights: &mut weights, adapter: adapter.as_mut(), merge };
        let network = Ast::new(&config, &build, &mut loaded)?;
        weights.refuse_left_over()?;
        if let Some(adapter) = &adapter {
            adapter.refuse_left_over()?;
        }
        let fbank = Fbank::new(&card.front_end)
            .map_err(|source| ModelError::FrontEnd { file: files.path(card::FILE_NAME), source })?;
        let turn = Mutex::new(());
        Ok(Classifier { card, fbank, network, device, turn, parameters, fingerprint })
    }

    /// What it says of itself.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// Which stretches of a recording it is given. Samples are counted at the plan's rate, to which the
    /// recording is resampled first.
    pub fn window(&self) -> WindowPlan {
        self.card.window()
    }

    /// BLAKE3 of everything that decides its logits: weights, adapter, configuration, front end, order
    /// of the classes. Thresholds and words on the card change nothing of it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Numbers that its weights hold, an adapter's included.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Windows that go through the network at once, where there are enough.
    pub fn batch_windows(&self) -> usize {
        if self.device.is_cpu() { CPU_BATCH_WINDOWS } else { GPU_BATCH_WINDOWS }
    }

    /// What the network sees of a window.
    ///
    /// # Errors
    /// When it fills no frame, is longer than a window, or holds a sample that is no finite number.
    pub fn features(&self, window: &[f32]) -> Result<MelPicture, ModelError> {
        self.features_of(0, window)
    }

    /// Logits of windows, in the order of [`ModelCard::classes`]; `card().scores.of(…)` makes scores of
    /// them. A window holds at most [`WindowPlan::window_samples`] samples; one that is shorter (the end
    /// of a recording) is filled up after the filter bank, as the reference does.
    ///
    /// # Errors
    /// As [`Classifier::features`], and when the device fails.
    pub fn logits(&self, windows: &[&[f32]]) -> Result<Vec<Vec<f32>>, ModelError> {
        self.begin(windows)?.finish()
    }

    /// Begins to compute the logits of windows. A GPU goes on by itself: whoever has more windows prepares them
    /// before asking for these logits.
    ///
    /// # Errors
    /// As [`Classifier::logits`].
    pub fn begin(&self, windows: &[&[f32]]) -> Result<Begun, ModelError> {
        let pictures = windows
            .par_iter()
            .enumerate()
            .map(|(i, window)| self.features_of(i, window))
            .collect::<Result<Vec<_>, _>>()?;
        self.begin_with(&pictures)
    }

    /// Logits of pictures, however they were made.
    ///
    /// # Errors
    /// When a picture is of another size than the card's, or the device fails.
    pub fn logits_of(&self, pictures: &[MelPicture]) -> Result<Vec<Vec<f32>>, ModelError> {
        self.begin_with(pictures)?.finish()
    }

    fn begin_with(&self, pictures: &[MelPicture]) -> Result<Begun, ModelError> {
        let batches = pictures.chunks(self.batch_windows()).map(|batch| {
            // On the CPU a thread that waits here could be one that the network itself waits for.
            let turn = || self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            let _mine = (!self.device.is_cpu()).then(turn);
            Ok(self.network.logits(&self.stacked(batch)?)?)
        });
        let logits: Result<_, ModelError> = batches.collect();
        Ok(Begun { logits: logits? })
    }

    /// The network alone, for a look at its hidden states.
    pub fn network(&self) -> &Ast {
        &self.network
    }

    /// Pictures as the tensor (batch, frames, mels) that the network takes.
    ///
    /// # Errors
    /// When they are none, or of different sizes.
    pub fn stacked(&self, pictures: &[MelPicture]) -> Result<Tensor, ModelError> {
        let (frames, mels) =
            (self.card.front_end.frames as usize, self.card.front_end.mels as usize);
        // One by one: to lay them together first takes longer than a GPU takes for a block of the network.
        let picture = |p: &MelPicture| Tensor::from_slice(&p.values, (frames, mels), &self.device);
        let pictures: candle_core::Result<Vec<Tensor>> = pictures.iter().map(picture).collect();
        Ok(Tensor::stack(&pictures?, 0)?)
    }

    fn features_of(&self, index: usize, window: &[f32]) -> Result<MelPicture, ModelError> {
        let plan = self.window();
        if !(plan.least_samples..=plan.window_samples).contains(&window.len()) {
            return Err(ModelError::WindowLength {
                index,
                samples: window.len(),
                least: plan.least_samples,
                most: plan.window_samples,
            });
        }
        if let Some(at) = window.iter().position(|x| !x.is_finite()) {
            return Err(ModelError::Samples { index, at });
        }
        Ok(self.fbank.picture(window))
    }
}

/// Whether an adapter can be laid over a network that is sound by itself, told by shapes alone: no weights
/// of the network are read.
///
/// # Errors
/// As [`Classifier::open_with`] with this adapter, where it does not fit.
pub fn check_adapter(files: &dyn ModelFiles, adapter: &dyn ModelFiles) -> Result<(), ModelError> {
    let config = AstConfig::read(files)?;
    let own = card::read(&[files], &config)?;
    let folders = [adapter, files];
    let card = card::read(&folders, &config)?;
    let mut over = Adapter::read(adapter)?;
    let outputs = over.replaces(HEAD).and_then(|shape| shape.first().copied());
    refuse_other_names(outputs.unwrap_or(own.classes.len()), &card, &folders, files)?;
    let on_cpu = Placement { device: Device::Cpu, dtype: DType::F32 };
    Ast::new(&config, &build(&config, &card, files, on_cpu)?, &mut Blank(&mut over))?;
    over.refuse_left_over()
}

const HEAD: &str = "classifier.dense.weight";

/// How a network is built that is given pictures of its card's front end.
fn build(
    config: &AstConfig,
    card: &ModelCard,
    files: &dyn ModelFiles,
    placement: Placement,
) -> Result<Build, ModelError> {
    let (mels, frames) = (card.front_end.mels as usize, card.front_end.frames as usize);
    let grid = config.patches.grid(mels, frames).ok_or_else(|| ModelError::Value {
        file: files.path(config::FILE_NAME),
        key: "patch_size".into(),
        value: config.patches.size.to_string(),
        expected: format!(
            "it must fit into the front end's picture of {mels} filters and {frames} frames"
        ),
    })?;
    let Placement { device, dtype } = placement;
    let outputs = card.classes.len();
    Ok(Build { arithmetic: Arithmetic::Fused, device, dtype, grid, mels, outputs })
}

fn refuse_other_names(
    outputs: usize,
    card: &ModelCard,
    folders: &[&dyn ModelFiles],
    files: &dyn ModelFiles,
) -> Result<(), ModelError> {
    let names = card.classes.len();
    match names == outputs {
        true => Ok(()),
        false => {
            let file = class_names_file(folders, files)?;
            Err(ModelError::ClassCount { file, names, outputs })
        }
    }
}

/// Logits that the weights give; `None` where there is no head, which is told when it is built.
fn outputs(weights: &Weights, adapter: Option<&Adapter>) -> Option<usize> {
    let shape =
        adapter.and_then(|adapter| adapter.replaces(HEAD)).or_else(|| weights.shape(HEAD))?;
    shape.first().copied()
}

/// The file that names the classes: the first card, else the network's configuration.
fn class_names_file(
    folders: &[&dyn ModelFiles],
    files: &dyn ModelFiles,
) -> Result<String, ModelError> {
    for folder in folders {
        if folder.read(card::FILE_NAME)?.is_some() {
            return Ok(folder.path(card::FILE_NAME));
        }
    }
    Ok(files.path(config::FILE_NAME))
}

fn fingerprint(
    config: &AstConfig,
    card: &ModelCard,
    weights: &Weights,
    adapter: Option<&Adapter>,
) -> String {
    let mut hasher = blake3::Hasher::new();
    let names: Vec<&str> = card.classes.iter().map(|class| class.name.as_str()).collect();
    let decides = format!(
        "{:?} {:?} {} {:?} {names:?}",
        AstConfig { labels: Vec::new(), ..config.clone() },
        card.front_end,
        card.time_compression,
        card.scores,
    );
    hasher.update(decides.as_bytes());
    weights.hash_into(&mut hasher);
    if let Some(adapter) = adapter {
        adapter.hash_into(&mut hasher);
    }
    hasher.finalize().to_hex().to_string()
}
