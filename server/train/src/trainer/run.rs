//! The run itself: epochs of batches, what is looked at between them, and what is kept of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use candle_core::Tensor;
use rand::Rng;
use spyhop_api::{Metric as CardMetric, Scores};
use spyhop_config::{Loss, Metric, Training};
use spyhop_model::Arithmetic;

use super::{EpochReport, Outcome, PartScores, TRAIN_SHARE, Told, name_of_model};
use crate::chance::chance;
use crate::checkpoint::{self, Progress};
use crate::dataset::WindowTable;
use crate::learned_from::{LEARNED_FROM, LearnedFrom};
use crate::loader::{Batch, Loader, Source};
use crate::loss_scale::LossScale;
use crate::parameters::{Held, Store};
use crate::scores::{ClassScores, Likeliest, confusion};
use crate::shape::Shape;
use crate::step::Stepped;
use crate::{RunFolder, Tracker, TrainError, export, loss, optimizer, schedule, step, whole};

/// Windows of a batch that are named when something is wrong with it.
const MOST_NAMED: usize = 4;
/// So many points of an epoch are told of loss and rate at most: a curve needs no more.
const POINTS_PER_EPOCH: usize = 50;

/// A training on its way.
pub(super) struct Run<'a> {
    pub(super) said: &'a Training,
    pub(super) folder: &'a RunFolder,
    pub(super) table: &'a WindowTable,
    pub(super) config: &'a spyhop_model::AstConfig,
    pub(super) weights: Vec<f64>,
    pub(super) store: Store,
    pub(super) progress: Progress,
    pub(super) tracker: &'a mut dyn Tracker,
    pub(super) stop: &'a AtomicBool,
    pub(super) watch: &'a (dyn Fn(Told) + Sync),
    pub(super) scale: LossScale,
    pub(super) begun: Instant,
    /// Epoch and batch where it stood then.
    pub(super) first: (usize, usize),
    /// Windows since then.
    pub(super) seen: usize,
    /// Steps of the state on the disk.
    pub(super) kept_step: usize,
}

impl Run<'_> {
    pub(super) fn epochs(&mut self, train: &Arc<Source>, val: &Source) -> Result<(), TrainError> {
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

    pub(super) fn save(&mut self) -> Result<(), TrainError> {
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
    pub(super) fn finish(
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

/// The files of a folder, by name; none where there is no such folder.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}
