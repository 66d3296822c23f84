//! The whole of training: what a run is told, what it tells, and what it is set up of.

mod run;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use candle_core::DType;
use serde::{Deserialize, Serialize};
use spyhop_config::{Precision, Training};
use spyhop_model::{Arithmetic, ModelFiles, Placement};

use self::run::Run;
use crate::checkpoint::{self, Progress};
use crate::dataset::{Window, WindowTable, report};
use crate::journal::{self, Journal};
use crate::learned_from::LearnedFrom;
use crate::loader::{Item, Source};
use crate::loss_scale::LossScale;
use crate::parameters::{Share, Store};
use crate::scores::ClassScores;
use crate::shape::Shape;
use crate::split::{Part, Split};
use crate::{Features, Open, RunFolder, Tracker, TrainError, step, whole};

/// What a card calls the share of the training recordings that its network learned from.
pub const TRAIN_SHARE: &str = "train_share";

/// What training needs.
pub struct Setup<'a> {
    /// What was said.
    pub said: &'a Training,
    /// The windows.
    pub table: WindowTable,
    /// The network to go on from.
    pub base: Option<&'a dyn ModelFiles>,
    /// Where the run is kept.
    pub folder: &'a RunFolder,
    /// Where features are kept; several runs share them.
    pub features: &'a Path,
    /// Opens recordings.
    pub open: &'a Open,
    /// Who keeps metrics.
    pub tracker: &'a mut dyn Tracker,
    /// Set by whoever wants training to stop: it stops after the batch, and keeps where it is.
    pub stop: &'a AtomicBool,
    /// Told how it goes.
    pub watch: &'a (dyn Fn(Told) + Sync),
}

/// How it goes.
#[derive(Clone, Debug)]
pub enum Told {
    /// So many of so many recordings are ready.
    Features(usize, usize),
    /// What is known of one part of the split may help in another: a sentence.
    Leak(String),
    /// What is trained of the network.
    Share(Share),
    /// Where and in which numbers it is computed: `on the CPU in f32`.
    Placed(String),
    /// A batch is done.
    Batch {
        /// Epochs, the current one counted.
        epoch: usize,
        /// Batches of the epoch that are done.
        batch: usize,
        /// All of them.
        batches: usize,
        /// Mean loss of the epoch so far.
        loss: f64,
        /// Learning rate.
        rate: f64,
        /// Windows a second since training began or went on.
        windows_per_s: f64,
        /// Seconds to the last epoch at this speed; training may end before it.
        left_s: f64,
    },
    /// An epoch is done.
    Epoch(EpochReport),
}

/// Figures of an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean loss of the training part, as it was altered.
    pub loss_train: f64,
    /// Figures of the validation part.
    pub val: PartScores,
    /// Whether it is the best so far.
    pub is_best: bool,
}

/// Figures of a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartScores {
    /// Its windows.
    pub windows: usize,
    /// Mean loss.
    pub loss: f64,
    /// Share of the windows whose likeliest class is theirs.
    pub accuracy: f64,
    /// Mean average precision of the classes that are calls, of which there are windows; no number (in JSON
    /// null) where there are none, which is possible in the test part alone.
    pub ap: f64,
    /// Mean of their best F1s, likewise.
    pub f1: f64,
    /// By class.
    pub classes: Vec<ClassScores>,
    /// How many windows of each class (a row) are likeliest of each class (a column), in the order of
    /// `classes`.
    #[serde(default)]
    pub confusion: Vec<Vec<usize>>,
}

impl PartScores {
    /// Classes of which it has no window, and so no figures.
    pub fn without_windows(&self) -> impl Iterator<Item = &str> {
        self.classes.iter().filter(|of| of.windows == 0).map(|of| of.class.as_str())
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Where the network is.
    pub model: PathBuf,
    /// Numbers that were trained, and all.
    pub trained: usize,
    /// Likewise.
    pub parameters: usize,
    /// Epochs that were gone through.
    pub epochs: usize,
    /// The one whose network was kept.
    pub best_epoch: usize,
    /// Windows a second that went through it, looking at the validation part included; 0 where nothing was
    /// left to train.
    pub windows_per_s: f64,
    /// Figures of the best network on the validation part.
    pub val: PartScores,
    /// And on the test part, where there is one.
    pub test: Option<PartScores>,
}

/// Trains a network, or goes on where the run was interrupted.
///
/// # Errors
/// When the data are not what it needs, something can't be read or written, or numbers go out of range; what
/// was reached stays in the run's folder.
pub fn train(setup: Setup<'_>) -> Result<Outcome, TrainError> {
    let journal = Journal::open(setup.folder, setup.said)?;
    let Setup { said, table, base, folder, features, open, tracker, stop, watch } = setup;
    let watch = |told: Told| {
        journal.saw(&told);
        watch(told);
    };
    let setup = Setup {
        said,
        table,
        base,
        folder,
        features,
        open,
        tracker: &mut *tracker,
        stop,
        watch: &watch,
    };
    let outcome = trained(setup, &journal);
    let (how, problem) = journal::end_of(&outcome);
    let noted = journal.end(how, problem).and_then(|()| tracker.ended(how));
    // What was wrong first is what a person has to know.
    let outcome = outcome?;
    noted?;
    Ok(outcome)
}

fn trained(setup: Setup<'_>, journal: &Journal<'_>) -> Result<Outcome, TrainError> {
    let Setup { said, table, base, folder, features, open, tracker, stop, watch } = setup;
    let keep_said = |table: &WindowTable, split: &Split| -> Result<(), TrainError> {
        whole::put("the configuration", &folder.config(), said.to_yaml()?.as_bytes())?;
        whole::put("the split", &folder.split(), split.to_csv(table).as_bytes())?;
        journal.begin()
    };
    // A run that is there already is touched when it is seen to be the same.
    let is_new = !folder.state().exists();
    if is_new {
        // One that can't even begin stays listed, with what was said.
        whole::put("the configuration", &folder.config(), said.to_yaml()?.as_bytes())?;
    }
    let table = table.of_classes(&said.data_loader.include_classes)?;
    let split = Split::new(&table, &said.data_loader)?;
    if is_new {
        keep_said(&table, &split)?;
    }

    let mut learned = LearnedFrom::new(&table, &split);
    if let Some(of_base) = base.map(LearnedFrom::read).transpose()?.flatten() {
        learned = learned.and(&of_base);
    }
    let mut shape = Shape::new(said, &table, base)?;
    let progress = |done, of| watch(Told::Features(done, of));
    let compression = shape.time_compression;
    let channel = said.preprocess.channel;
    let card = shape.card(said, name_of_model(said), &table, &[]);
    let fitting = |path: &Path| {
        let recording = open(path)?;
        shape.check_fit(&card, &recording.info).map(|()| recording)
    };
    let features = Arc::new(Features::prepare(
        &table,
        &shape.front_end,
        compression,
        channel,
        features,
        &fitting,
        &progress,
    )?);
    let data = report(&table, &split);
    for leak in &data.leaks {
        watch(Told::Leak(leak.clone()));
    }
    let data = serde_json::to_vec_pretty(&data).unwrap_or_default();
    let parts = Part::ALL.map(|part| items(&table, &split, part, &features));
    if shape.measure {
        let windows: Vec<(usize, i64)> =
            parts[0].iter().map(|item| (item.recording, item.first_frame)).collect();
        let (mean, std) = features.measure(&windows)?;
        let keys = &said.model.front_end;
        shape.front_end.mean = keys.mean.unwrap_or(mean);
        shape.front_end.std = keys.std.unwrap_or(std);
    }
    let negative = table.classes.iter().position(|class| *class == table.negative_class);
    let [train, val, test] = parts.map(|windows| {
        Arc::new(Source {
            features: features.clone(),
            windows,
            negative,
            mean: shape.front_end.mean,
            std: shape.front_end.std,
            mels: shape.front_end.mels as usize,
        })
    });

    let seed = said.data_loader.random_seed;
    let config = shape.config.clone();
    let placement = placement(said.model_trainer.precision);
    let first = placement.clone();
    let mut store = Store::new(&said.model_trainer, seed, &mut shape, placement, |parameters| {
        step::build(&config, Arithmetic::Differentiable, &first, parameters).map(|_| ())
    })?;
    let share = store.share();
    let hash = hash(said, &table, &shape)?;
    let found = checkpoint::read(&folder.state(), &mut store, &hash)?;
    let has_state = found.is_some();
    if !is_new {
        keep_said(&table, &split)?;
    }
    whole::put("the report of the data", &folder.data_report(), &data)?;
    let placed = in_words(&store.placement, said.model_trainer.precision);
    watch(Told::Share(share));
    watch(Told::Placed(placed.clone()));
    let mut told = spyhop_config::flat(&said.to_yaml()?)?;
    told.insert("network.trained".to_owned(), share.trained.to_string());
    told.insert("network.parameters".to_owned(), share.all.to_string());
    told.insert("network.computed".to_owned(), placed);
    tracker.parameters(&told)?;
    let progress = found.unwrap_or(Progress {
        config_hash: hash,
        seed,
        best: f64::NAN,
        ..Progress::default()
    });
    tracker.go_on_from(progress.step)?;

    let weight =
        |class: &String| said.model_trainer.class_weights.get(class).copied().unwrap_or(1.0);
    let weights =
        said.model_trainer.class_weights.keys().map(|n| ("model_trainer.class_weights", n));
    let thresholds = said.model.thresholds.keys().map(|n| ("model.thresholds", n));
    if let Some((key, name)) = weights.chain(thresholds).find(|(_, n)| !table.classes.contains(n)) {
        return Err(TrainError::Data(format!(
            "{key} names '{name}', and the classes are {}",
            table.classes.join(", ")
        )));
    }
    let first = (progress.epoch, progress.batch);
    let scale = progress.loss_scale;
    let kept_step = progress.step;
    let mut run = Run {
        said,
        first,
        kept_step,
        folder,
        table: &table,
        config: &config,
        weights: table.classes.iter().map(weight).collect(),
        store,
        progress,
        tracker,
        stop,
        watch,
        scale: scale.unwrap_or_else(|| LossScale::of(said.model_trainer.precision)),
        begun: Instant::now(),
        seen: 0,
    };
    if !has_state {
        // Whatever goes wrong, there is a state to go back to.
        run.save()?;
    }
    run.epochs(&train, &val)?;
    run.finish(&shape, &val, &test, &learned)
}

fn name_of_model(said: &Training) -> &str {
    match said.model.name.as_str() {
        "" => "model",
        name => name,
    }
}

/// The first GPU, where there is one, in what the configuration asks for; else the CPU, in f32.
fn placement(precision: Precision) -> Placement {
    Placement::best(match precision {
        Precision::F32 => DType::F32,
        Precision::Bf16 => DType::BF16,
        Precision::F16 => DType::F16,
    })
}

/// The same for a person: that a precision which a GPU would compute in changes nothing here is not left to be
/// found out.
fn in_words(placement: &Placement, asked: Precision) -> String {
    let name = match asked {
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
        Precision::F16 => "f16",
    };
    match (placement.is_gpu(), asked) {
        (true, _) => format!("on the GPU in {name}"),
        (false, Precision::F32) => "on the CPU in f32".to_owned(),
        (false, _) => {
            format!("on the CPU in f32; {name}, as model_trainer.precision says, is for a GPU")
        }
    }
}

/// Windows of a part, in the order of the table.
fn items(table: &WindowTable, split: &Split, part: Part, features: &Features) -> Vec<Item> {
    let of = |window: usize| {
        let Window { recording, start_s, class } = *table.windows.get(window)?;
        Some(Item { window, recording, first_frame: features.first_frame(start_s), class })
    };
    split.windows(table, part).into_iter().filter_map(of).collect()
}

/// Of everything that decides the numbers: not what a run is called, or how many prepare its batches.
fn hash(said: &Training, table: &WindowTable, shape: &Shape) -> Result<String, TrainError> {
    let mut numbers = said.clone();
    numbers.general = Default::default();
    numbers.data_loader.workers = 1;
    numbers.data_loader.prefetch_batches = 1;
    numbers.model_trainer.checkpoint_batches = 1;
    numbers.model.thresholds.clear();
    let mut hasher = blake3::Hasher::new();
    hasher.update(numbers.to_yaml()?.as_bytes());
    hasher.update(format!("{:?} {:?}", shape.front_end, shape.config).as_bytes());
    if let Some(base) = &shape.base {
        // What stands still of it is in no state: exchanged, it would make another network of the rest.
        base.hash_into(&mut hasher);
    }
    for recording in &table.recordings {
        hasher.update(recording.fingerprint.as_bytes());
    }
    for Window { recording, start_s, class } in &table.windows {
        hasher.update(&(*recording as u64).to_le_bytes());
        hasher.update(&start_s.to_bits().to_le_bytes());
        hasher.update(&(*class as u64).to_le_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}
