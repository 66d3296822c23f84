//! The whole of training.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use candle_core::{DType, Tensor};
use rand::Rng;
use serde::{Deserialize, Serialize};
use spyhop_api::{Metric as CardMetric, Scores};
use spyhop_config::{Loss, Metric, Precision, Training};
use spyhop_model::{Arithmetic, ModelFiles, Placement};

use crate::chance::chance;
use crate::checkpoint::{self, Progress};
use crate::dataset::{Window, WindowTable, report};
use crate::journal::{self, Journal};
use crate::learned_from::{LEARNED_FROM, LearnedFrom};
use crate::loader::{Batch, Item, Loader, Source};
use crate::loss_scale::LossScale;
use crate::parameters::{Held, Share, Store};
use crate::scores::{ClassScores, Likeliest, confusion};
use crate::shape::Shape;
use crate::split::{Part, Split};
use crate::step::Stepped;
use crate::{
    Features, Open, RunFolder, Tracker, TrainError, export, loss, optimizer, schedule, step, whole,
};

/// Windows of a batch that are named when something is wrong with it.
const MOST_NAMED: usize = 4;
/// So many points of an epoch are told of loss and rate at most: a curve needs no more.
const POINTS_PER_EPOCH: usize = 50;

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

/// The files of a folder, by name; none where there is no such folder.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
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

struct Run<'a> {
    said: &'a Training,
    folder: &'a RunFolder,
    table: &'a WindowTable,
    config: &'a spyhop_model::AstConfig,
    weights: Vec<f64>,
    store: Store,
    progress: Progress,
    tracker: &'a mut dyn Tracker,
    stop: &'a AtomicBool,
    watch: &'a (dyn Fn(Told) + Sync),
    scale: LossScale,
    begun: Instant,
    /// Epoch and batch where it stood then.
    first: (usize, usize),
    /// Windows since then.
    seen: usize,
    /// Steps of the state on the disk.
    kept_step: usize,
}

impl Run<'_> {
    fn epochs(&mut self, train: &Arc<Source>, val: &Source) -> Result<(), TrainError> {
        let trainer = &self.said.model_trainer;
        while !self.progress.is_done {
            self.epoch(train)?;
            let epoch = self.progress.epoch + 1;
            let val = self.look(val)?;
            if !val.loss.is_finite() {
                // Nothing is written: what was kept before is the better network.
                return Err(TrainError::Diverged {
                    epoch,
                    kept: self.folder.state(),
                    step: self.kept_step,
                });
            }
            let report = EpochReport {
                epoch,
                loss_train: self.progress.loss_sum / self.progress.weight_sum.max(1e-300),
                is_best: self.is_best(&val),
                val,
            };
            let step = self.progress.step;
            for (name, value) in [
                ("loss/train", report.loss_train),
                ("loss/val", report.val.loss),
                ("accuracy/val", report.val.accuracy),
                ("ap/val", report.val.ap),
                ("f1/val", report.val.f1),
            ] {
                self.tracker.metric(name, step, value)?;
            }
            let mut next = Progress {
                epoch,
                batch: 0,
                loss_sum: 0.0,
                weight_sum: 0.0,
                right: 0,
                windows: 0,
                ..self.progress.clone()
            };
            if report.is_best {
                next.best = self.metric(&report.val);
                next.best_epoch = epoch;
            }
            let patience = trainer.early_stopping.patience_epochs;
            let waited = epoch - next.best_epoch;
            next.is_done = epoch >= trainer.num_epochs || (patience > 0 && waited >= patience);
            self.progress = next;
            if report.is_best {
                // Before the state that speaks of it, and is the same.
                checkpoint::write(&self.folder.best(), &self.store, &self.progress)?;
                checkpoint::write_again(&self.folder.best(), &self.folder.state())?;
                self.kept_step = self.progress.step;
            } else {
                self.save()?;
            }
            (self.watch)(Told::Epoch(report));
        }
        Ok(())
    }

    fn epoch(&mut self, train: &Arc<Source>) -> Result<(), TrainError> {
        let (trainer, loader) = (&self.said.model_trainer, &self.said.data_loader);
        let epoch = self.progress.epoch;
        let (first_epoch, first) = self.first;
        let all = Loader::start(train, loader, epoch, self.progress.batch);
        let batches = all.batches();
        let per_epoch = batches.div_ceil(trainer.accumulate_batches).max(1);
        let total = per_epoch * trainer.num_epochs;
        let mut sum: Vec<Tensor> = Vec::new();
        let (mut sum_loss, mut sum_weight) = (0.0, 0.0);
        let told_every = per_epoch.div_ceil(POINTS_PER_EPOCH);
        // Of batches whose gradients wait for others, the state knows nothing yet.
        let mut reached = self.progress.clone();
        for batch in all {
            let batch = batch?;
            let number = reached.batch;
            let key =
                chance(loader.random_seed, "dropout", &[epoch as u64, number as u64]).random();
            let stepped = self.stepped(&batch, key)?;
            if !stepped.sum.is_finite() {
                return Err(self.not_finite("the loss", number, &batch.windows));
            }
            reached.batch += 1;
            reached.loss_sum += stepped.sum;
            reached.weight_sum += stepped.weight;
            reached.right += stepped.right;
            reached.windows += batch.windows.len();
            self.seen += batch.windows.len();
            optimizer::add(&mut sum, stepped.gradients)?;
            sum_loss += stepped.sum;
            sum_weight += stepped.weight;
            let rate = schedule::rate(trainer, reached.step, total, per_epoch);
            let is_full = reached.batch.is_multiple_of(trainer.accumulate_batches);
            if is_full || reached.batch == batches {
                // Of the mean, whose numbers the step makes of the sum's.
                let norm = optimizer::norm(&sum)? / sum_weight;
                if !norm.is_finite() {
                    return Err(self.not_finite("a gradient", number, &batch.windows));
                }
                let factor = optimizer::shortening(norm, trainer.clip_norm) / sum_weight;
                reached.step += 1;
                let step = reached.step;
                if !optimizer::step(&mut self.store, &sum, factor, trainer, rate, step)? {
                    return Err(self.not_finite("a weight", number, &batch.windows));
                }
                if reached.step.is_multiple_of(told_every) {
                    self.tracker.metric("loss/batch", reached.step, sum_loss / sum_weight)?;
                    self.tracker.metric("rate", reached.step, rate)?;
                }
                sum.clear();
                (sum_loss, sum_weight) = (0.0, 0.0);
                reached.loss_scale = self.scale.kept();
                self.progress = reached.clone();
                if self.stop.load(Ordering::Relaxed) {
                    self.save()?;
                    return Err(TrainError::Stopped);
                }
                if reached.batch % trainer.checkpoint_batches.max(1) < trainer.accumulate_batches
                    && reached.batch < batches
                {
                    self.save()?;
                }
            }
            let seconds = self.begun.elapsed().as_secs_f64().max(1e-9);
            let done = reached.batch + batches * (epoch - first_epoch) - first;
            let left = batches * (trainer.num_epochs - epoch) - reached.batch;
            (self.watch)(Told::Batch {
                epoch: epoch + 1,
                batch: reached.batch,
                batches,
                loss: reached.loss_sum / reached.weight_sum,
                rate,
                windows_per_s: self.seen as f64 / seconds,
                // Looking at the validation part takes its share of the time.
                left_s: seconds / done.max(1) as f64 * left as f64,
            });
        }
        Ok(())
    }

    /// The gradients of a batch; in half precision once more with a smaller scale, while they are too large.
    fn stepped(&mut self, batch: &Batch, key: u64) -> Result<Stepped, TrainError> {
        loop {
            let aim = step::Aim {
                loss: self.said.model_trainer.loss,
                weights: &self.weights,
                scale: self.scale.factor(),
            };
            let stepped = step::gradients(&self.store, self.config, batch, &aim, key)?;
            let overflowed = || {
                let norm = optimizer::norm(&stepped.gradients)?;
                Ok(stepped.sum.is_finite() && !norm.is_finite())
            };
            if !self.scale.try_less(overflowed)? {
                return Ok(stepped);
            }
        }
    }

    fn not_finite(&self, what: &'static str, batch: usize, windows: &[usize]) -> TrainError {
        let named = windows.iter().take(MOST_NAMED).filter_map(|index| {
            let window = self.table.windows.get(*index)?;
            let recording = self.table.recordings.get(window.recording)?;
            Some(format!("{} at {} s", recording.name, window.start_s))
        });
        let windows = named.collect::<Vec<_>>().join(", ");
        // The state on the disk stays: weights that give no number are nothing to go on from.
        TrainError::NotFinite {
            what,
            epoch: self.progress.epoch + 1,
            batch: batch + 1,
            windows,
            kept: self.folder.state(),
            step: self.kept_step,
        }
    }

    fn save(&mut self) -> Result<(), TrainError> {
        checkpoint::write(&self.folder.state(), &self.store, &self.progress)?;
        self.kept_step = self.progress.step;
        Ok(())
    }

    /// Looks at a part with the network as it is.
    fn look(&self, source: &Source) -> Result<PartScores, TrainError> {
        /// Windows whose pictures are in memory at a time.
        const AT_A_TIME: usize = 256;
        let outputs = self.weights.len();
        let placement = &self.store.placement;
        let mut held = Held { store: &self.store, key: None };
        let network = step::build(self.config, Arithmetic::Fused, placement, &mut held)?;
        let mut logits = Vec::with_capacity(source.windows.len() * outputs);
        for windows in source.windows.chunks(AT_A_TIME) {
            let batch = source.batch(windows)?;
            logits.extend(step::logits(&network, self.config, placement, &batch.pictures)?);
        }
        let classes: Vec<usize> = source.windows.iter().map(|item| item.class).collect();
        let kind = self.said.model_trainer.loss;
        let found = loss::loss(kind, &logits, &classes, &self.weights);
        let scores = match kind {
            Loss::Softmax => Scores::Softmax,
            Loss::Sigmoid => Scores::Sigmoid,
        };
        let scores: Vec<Vec<f32>> =
            logits.chunks_exact(outputs).map(|row| scores.of(row)).collect();
        let confusion = confusion(&logits, &classes, outputs);
        let of_class = |(index, class): (usize, &String)| {
            let own: Vec<f32> = scores.iter().map(|row| row[index]).collect();
            let is_it: Vec<bool> = classes.iter().map(|class| *class == index).collect();
            ClassScores::new(class, &own, &is_it, Likeliest::of(&confusion, index))
        };
        let classes: Vec<ClassScores> =
            self.table.classes.iter().enumerate().map(of_class).collect();
        let mean = |of: fn(&ClassScores) -> Option<f64>| {
            let calls = classes.iter().enumerate().filter(|(i, _)| self.table.is_call(*i));
            let values: Vec<Option<f64>> = calls.map(|(_, class)| of(class)).collect();
            let known: Vec<f64> = values.iter().copied().flatten().collect();
            // Of calls without a window it is no number; of a network that tells no calls it is 0.
            if values.is_empty() { 0.0 } else { known.iter().sum::<f64>() / known.len() as f64 }
        };
        Ok(PartScores {
            windows: source.windows.len(),
            loss: found.sum / found.weight.max(1e-300),
            accuracy: found.right as f64 / source.windows.len().max(1) as f64,
            ap: mean(|c| c.ap),
            f1: mean(|c| c.f1),
            classes,
            confusion,
        })
    }

    fn metric(&self, scores: &PartScores) -> f64 {
        match self.said.model_trainer.early_stopping.metric {
            Metric::Ap => scores.ap,
            Metric::F1 => scores.f1,
            Metric::Accuracy => scores.accuracy,
            Metric::Loss => scores.loss,
        }
    }

    fn is_best(&self, scores: &PartScores) -> bool {
        let stopping = &self.said.model_trainer.early_stopping;
        let gain = match stopping.metric {
            Metric::Loss => self.progress.best - self.metric(scores),
            _ => self.metric(scores) - self.progress.best,
        };
        self.progress.best_epoch == 0 || gain > stopping.least_gain
    }

    /// Keeps the best network, and says what came of it.
    fn finish(
        mut self,
        shape: &Shape,
        val: &Source,
        test: &Source,
        learned: &LearnedFrom,
    ) -> Result<Outcome, TrainError> {
        let windows_per_s = self.seen as f64 / self.begun.elapsed().as_secs_f64().max(1e-9);
        let hash = self.progress.config_hash.clone();
        checkpoint::read(&self.folder.best(), &mut self.store, &hash)?;
        let val = self.look(val)?;
        let test = match test.windows.is_empty() {
            true => None,
            false => Some(self.look(test)?),
        };
        let thresholds: Vec<f64> = val.classes.iter().map(|c| c.threshold.unwrap_or(0.5)).collect();
        let mut card = shape.card(self.said, name_of_model(self.said), self.table, &thresholds);
        // What a part has no windows for is no figure of the network.
        let mut note = |name: &str, value: f64| {
            if !value.is_finite() {
                return;
            }
            // Four digits are what windows by the thousand can tell.
            let rounded = (value * 1e4).round() / 1e4;
            card.metrics.insert(name.to_owned(), CardMetric::Number(rounded));
        };
        note("window_ap_val", val.ap);
        note("window_f1_val", val.f1);
        if let Some(test) = &test {
            note("window_ap_test", test.ap);
            note("window_f1_test", test.f1);
        }
        note(TRAIN_SHARE, self.said.data_loader.train_share);
        export::write(self.folder, self.said, self.config, &card, &self.store)?;
        let folders = [self.folder.model(), self.folder.adapter()];
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            let learned = learned.to_csv();
            let path = folder.join(LEARNED_FROM);
            whole::put("what the network learned from", &path, learned.as_bytes())?;
        }
        let share = self.store.share();
        let outcome = Outcome {
            model: self.folder.model(),
            trained: share.trained,
            parameters: share.all,
            epochs: self.progress.epoch,
            best_epoch: self.progress.best_epoch,
            windows_per_s,
            val,
            test,
        };
        let text = serde_json::to_vec_pretty(&outcome).unwrap_or_default();
        whole::put("the report", &self.folder.report(), &text)?;
        let folder = self.folder;
        let mut files =
            vec![folder.config(), folder.split(), folder.data_report(), folder.report()];
        files.extend(files_in(&folder.model()));
        files.extend(files_in(&folder.adapter()));
        for path in files {
            self.tracker.artifact(&path)?;
        }
        Ok(outcome)
    }
}
