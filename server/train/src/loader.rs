//! Batches, prepared ahead by threads of their own.
//!
//! What is in a batch is a pure function of the seed, the epoch and the batch's number. Worker w of n makes
//! batches w, w + n, …, and they are taken in turn, so that their order is the same however fast each is.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rand::Rng;
use spyhop_config::{Augment, DataLoader};

use crate::augment;
use crate::chance::chance;
use crate::{Features, TrainError, sampler};

/// Pictures with their classes.
pub struct Batch {
    /// Which windows, as indices into [`Source::windows`].
    pub windows: Vec<usize>,
    /// Picture after picture, frame by frame.
    pub pictures: Vec<f32>,
    /// Class by picture.
    pub classes: Vec<usize>,
}

/// A window of the loader's.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// Its index in the table.
    pub window: usize,
    /// Its recording.
    pub recording: usize,
    /// The frame that it begins with.
    pub first_frame: i64,
    /// Its class.
    pub class: usize,
}

/// Where pictures come from.
pub struct Source {
    /// Energies.
    pub features: Arc<Features>,
    /// Windows of one part.
    pub windows: Vec<Item>,
    /// The class without a call, whose sounds are added to others; `None` where it is left out.
    pub negative: Option<usize>,
    /// What energies are scaled by.
    pub mean: f64,
    /// Likewise.
    pub std: f64,
    /// Filters.
    pub mels: usize,
}

impl Source {
    /// Pictures of windows as they are.
    ///
    /// # Errors
    /// When a file can't be read.
    pub fn batch(&self, windows: &[Item]) -> Result<Batch, TrainError> {
        let mut batch = Batch { windows: Vec::new(), pictures: Vec::new(), classes: Vec::new() };
        for item in windows {
            let mut picture = self.features.read(item.recording, item.first_frame)?;
            self.scale(&mut picture);
            batch.pictures.extend(picture);
            batch.windows.push(item.window);
            batch.classes.push(item.class);
        }
        Ok(batch)
    }

    /// Pictures of windows with what is done to them while training; `numbers` name the batch.
    fn altered(
        &self,
        windows: &[usize],
        said: &Augment,
        seed: u64,
        [epoch, number]: [usize; 2],
    ) -> Result<Batch, TrainError> {
        let mut batch = Batch { windows: Vec::new(), pictures: Vec::new(), classes: Vec::new() };
        let most_shift = self.features.frames_in(said.time_shift_s);
        for (place, index) in windows.iter().enumerate() {
            let Some(item) = self.windows.get(*index) else { continue };
            let mut chance = chance(seed, "window", &[epoch as u64, number as u64, place as u64]);
            let first = item.first_frame + augment::time_shift(most_shift, &mut chance);
            let mut picture = self.features.read(item.recording, first)?;
            if augment::wants_noise(said, &mut chance)
                && let Some(noise) = self.noise(item, &mut chance)
            {
                let noise = self.features.read(noise.recording, noise.first_frame)?;
                augment::add_noise(&mut picture, &noise, said, &mut chance);
            }
            augment::gain(&mut picture, said, &mut chance);
            self.scale(&mut picture);
            augment::blank(&mut picture, self.mels, said, &mut chance);
            batch.pictures.extend(picture);
            batch.windows.push(item.window);
            batch.classes.push(item.class);
        }
        Ok(batch)
    }

    /// A window without a call of another recording.
    fn noise(&self, than: &Item, chance: &mut rand_chacha::ChaCha8Rng) -> Option<&Item> {
        /// Draws until one fits; where calls are everywhere there is none.
        const TRIES: usize = 20;
        let negative = self.negative?;
        (0..TRIES)
            .filter_map(|_| self.windows.get(chance.random_range(0..self.windows.len())))
            .find(|item| item.class == negative && item.recording != than.recording)
    }

    fn scale(&self, energies: &mut [f32]) {
        // As the front end rounds.
        for value in energies {
            *value = ((f64::from(*value) - self.mean) / (2.0 * self.std)) as f32;
        }
    }
}

/// The batches of an epoch from some batch on.
pub struct Loader {
    receivers: Vec<Receiver<Result<Batch, TrainError>>>,
    next: usize,
    batches: usize,
}

impl Loader {
    /// Sets workers to work.
    pub fn start(source: &Arc<Source>, said: &DataLoader, epoch: usize, first: usize) -> Loader {
        let classes: Vec<usize> = source.windows.iter().map(|item| item.class).collect();
        let seed = said.random_seed;
        let order = sampler::order(&classes, said.balance, said.epoch_windows, seed, epoch);
        let order = Arc::new(order);
        let batches = order.len().div_ceil(said.batch_size);
        let receivers = (0..said.workers)
            .map(|worker| {
                let (give, take) = sync_channel(said.prefetch_batches);
                let (source, order, said) = (source.clone(), order.clone(), said.clone());
                let work = move || work(&source, &order, &said, epoch, first + worker, &give);
                std::thread::spawn(work);
                take
            })
            .collect();
        Loader { receivers, next: first, batches }
    }

    /// Batches of the whole epoch.
    pub fn batches(&self) -> usize {
        self.batches
    }
}

impl Iterator for Loader {
    type Item = Result<Batch, TrainError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.batches {
            return None;
        }
        // The first batch that was wanted is worker 0's.
        let receiver = self.receivers.remove(0);
        let batch = receiver.recv();
        self.receivers.push(receiver);
        self.next += 1;
        Some(batch.unwrap_or_else(|_| {
            Err(TrainError::Data("a thread that prepares batches came to an end".into()))
        }))
    }
}

fn work(
    source: &Source,
    order: &[usize],
    said: &DataLoader,
    epoch: usize,
    first: usize,
    give: &SyncSender<Result<Batch, TrainError>>,
) {
    let batches = order.chunks(said.batch_size).enumerate().skip(first).step_by(said.workers);
    for (number, windows) in batches {
        let batch = source.altered(windows, &said.augment, said.random_seed, [epoch, number]);
        // Nobody waits for more where training was stopped.
        if give.send(batch).is_err() {
            return;
        }
    }
}
