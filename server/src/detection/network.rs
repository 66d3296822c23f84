//! A network at work: windows of samples become scores, and scores become candidates.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use spyhop_api::Timestamp;
use spyhop_api::did_you_mean::{nearest, question};
use spyhop_api::time::frames_to_nanos;
use spyhop_api::view::{Scaling, Window as WindowShape};
use spyhop_config::ModelSettings;
use spyhop_model::{BATCH_WINDOWS, Classifier, ModelFiles, ModelFolder, OpenOptions};
use spyhop_signal::RateChange;
use spyhop_signal::detect::calls::{Call, CallRules, Calls, Spoken};
use spyhop_signal::detect::fit::held_hz;
use spyhop_signal::detect::windows::{Window, Windows};
use spyhop_signal::detect::{Candidate, Runs};
use spyhop_signal::spectrum::{SpectrumSpec, Stft};

use super::listen::{Found, Listen, ListenError, ScoreRow};
use super::source::SourceError;
use crate::models;

/// Points of the spectra that a candidate's band is found from, at most; fewer where a hop is shorter.
const SPECTRUM_SAMPLES: usize = 1024;

/// An opened network, with how its scores become candidates.
pub struct Network {
    /// The folder's name, as it is asked for.
    pub name: String,
    /// The adapter's, where there is one.
    pub adapter: Option<String>,
    classifier: Arc<Classifier>,
    settings: ModelSettings,
}

impl Network {
    /// Opens a network by its folder, or by its name among the user's models.
    ///
    /// # Errors
    /// When it or its adapter can't be opened, or the settings speak of a class that it does not know.
    pub fn open(
        model: &Path,
        adapter: Option<&Path>,
        settings: &ModelSettings,
    ) -> Result<Network, SourceError> {
        let named = |path: &Path| {
            models::named(path).map_err(|error| SourceError::Missing(error.to_string()))
        };
        let adapter = adapter.map(named).transpose()?.map(ModelFolder);
        let folder = named(model)?;
        let options = OpenOptions {
            adapter: adapter.as_ref().map(|files| files as &dyn ModelFiles),
            ..OpenOptions::default()
        };
        let classifier = Classifier::open_with(&ModelFolder(folder.clone()), &options)?;
        let network = Network {
            name: folder_name(&folder),
            adapter: adapter.as_ref().map(|folder| folder_name(&folder.0)),
            classifier: Arc::new(classifier),
            settings: settings.clone(),
        };
        let known: Vec<&str> = network.classes().map(|class| class.name.as_str()).collect();
        match settings.classes.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(network),
            Some(name) => Err(SourceError::Class {
                name: name.clone(),
                nearest: question(nearest(name, known.iter().copied())),
            }),
        }
    }

    /// The network itself.
    pub fn classifier(&self) -> &Classifier {
        &self.classifier
    }

    /// How its scores become candidates, with what its card says filled in.
    pub fn resolved(&self) -> ModelSettings {
        let mut resolved = self.settings.clone();
        for class in self.classes() {
            let rules = self.settings.rules(&class.name, class.threshold);
            resolved.classes.insert(class.name.clone(), rules.into());
        }
        resolved
    }

    /// The classes that are calls.
    pub fn classes(&self) -> impl Iterator<Item = &spyhop_api::ModelClass> {
        self.classifier.card().classes.iter().filter(|class| class.is_call)
    }

    /// The rules of a class.
    pub fn rules(&self, class: &spyhop_api::ModelClass) -> CallRules {
        self.settings.rules(&class.name, class.threshold)
    }

    /// # Errors
    /// When recordings of a rate do not hold what it listens to.
    pub fn check_fit(&self, rate_hz: f64) -> Result<(), SourceError> {
        let card = self.classifier.card();
        let (low_hz, high_hz) = card.band_hz;
        // Half a per cent: a band that ends at 0.45 of the rate is written in round numbers.
        if held_hz(rate_hz) * 1.005 >= high_hz.min(held_hz(card.rate_hz())) {
            return Ok(());
        }
        Err(SourceError::Unfit(format!(
            "the network {} listens from {low_hz} to {high_hz} Hz: it needs a sampling rate of {} Hz or more, and this recording has {rate_hz} Hz, which holds nothing above {} Hz",
            self.name,
            (high_hz / 0.45).round().min(card.rate_hz()),
            rate_hz / 2.0,
        )))
    }

    /// Something that listens to recordings of a rate.
    ///
    /// # Errors
    /// When they do not fit.
    pub fn listener(&self, rate_hz: f64) -> Result<NetworkListener, SourceError> {
        self.check_fit(rate_hz)?;
        let plan = self.classifier.window();
        let change = RateChange::to(rate_hz, plan.rate_hz)
            .map_err(|error| SourceError::Unfit(error.to_string()))?;
        let size = SPECTRUM_SAMPLES.min(plan.hop_samples.max(2).next_power_of_two());
        let stft = Stft::new(&SpectrumSpec {
            fft_size: size,
            window_samples: size,
            hop_samples: size / 2,
            window: WindowShape::Hann,
            scaling: Scaling::Density,
            sample_rate_hz: plan.rate_hz,
        })
        .map_err(|error| SourceError::Unfit(error.to_string()))?;
        let bin_hz = stft.spec().bin_hz();
        let calls: Vec<(usize, Calls)> = self
            .classifier
            .card()
            .classes
            .iter()
            .enumerate()
            .filter(|(_, class)| class.is_call)
            .map(|(index, class)| (index, Calls::new(&self.rules(class), class.band_hz, bin_hz)))
            .collect();
        let reach_ns = calls.iter().map(|(_, calls)| calls.reach_ns()).max().unwrap_or(0);
        let windows = Windows::new(plan.window_samples, plan.hop_samples, plan.least_samples);
        let windows_ns = frames_to_nanos(windows.reach_samples(), plan.rate_hz);
        let runs = Runs::new(rate_hz, change);
        Ok(NetworkListener {
            classifier: self.classifier.clone(),
            model_hz: plan.rate_hz,
            score_s: plan.hop_samples as f64 / plan.rate_hz,
            reach_ns: reach_ns + 2 * windows_ns + runs.reach_ns(),
            runs,
            windows,
            waiting: Vec::new(),
            stft,
            power: Vec::new(),
            calls,
        })
    }
}

fn folder_name(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A network that listens to runs of samples.
pub struct NetworkListener {
    classifier: Arc<Classifier>,
    /// Samples a second that the network hears.
    model_hz: f64,
    score_s: f64,
    reach_ns: i64,
    runs: Runs,
    windows: Windows,
    /// Windows that are not looked at yet.
    waiting: Vec<Waiting>,
    stft: Stft,
    power: Vec<f32>,
    /// Index of each class that is a call, and what makes calls of its scores.
    calls: Vec<(usize, Calls)>,
}

/// A window that waits for others to be looked at together.
struct Waiting {
    position: i64,
    samples: Vec<f32>,
    speaks_for: Range<i64>,
}

impl NetworkListener {
    /// Looks at the windows that wait, as soon as they fill a batch; all of them at the end.
    fn look(&mut self, is_end: bool, found: &mut Found) -> Result<(), ListenError> {
        while self.waiting.len() >= BATCH_WINDOWS || (is_end && !self.waiting.is_empty()) {
            let count = self.waiting.len().min(BATCH_WINDOWS);
            let batch: Vec<Waiting> = self.waiting.drain(..count).collect();
            let samples: Vec<&[f32]> = batch.iter().map(|w| w.samples.as_slice()).collect();
            let logits =
                self.classifier.logits(&samples).map_err(|e| ListenError(e.to_string()))?;
            for (window, logits) in batch.iter().zip(logits) {
                let scores = self.classifier.card().scores.of(&logits);
                self.hear(window, &scores, found);
            }
        }
        Ok(())
    }

    fn hear(&mut self, window: &Waiting, scores: &[f32], found: &mut Found) {
        let nanos = |position: i64| frames_to_nanos(position, self.model_hz);
        let span_ns = nanos(window.speaks_for.start)..nanos(window.speaks_for.end);
        let score = |index: usize| scores.get(index).copied().unwrap_or(f32::NAN);
        let row: Vec<f32> = self.calls.iter().map(|(index, _)| score(*index)).collect();
        found.scores.push(ScoreRow { start_ns: span_ns.start, scores: row });
        self.power.clear();
        if self.calls.iter().any(|(index, calls)| calls.keeps(score(*index))) {
            let inside = |position: i64| (position - window.position).max(0) as usize;
            let middle = inside(window.speaks_for.start)..inside(window.speaks_for.end);
            let middle = window.samples.get(middle).unwrap_or(&window.samples);
            mean_power(&mut self.stft, middle, &mut self.power);
        }
        let mut calls = Vec::new();
        for (class, (index, maker)) in self.calls.iter_mut().enumerate() {
            let spoken =
                Spoken { span_ns: span_ns.clone(), score: score(*index), power: &self.power };
            maker.push(&spoken, &mut calls);
            found.candidates.extend(calls.drain(..).map(|call| (class, candidate(call))));
        }
    }
}

impl From<Window<'_>> for Waiting {
    fn from(window: Window<'_>) -> Waiting {
        Waiting {
            position: window.position,
            samples: window.samples.to_vec(),
            speaks_for: window.speaks_for,
        }
    }
}

impl Listen for NetworkListener {
    fn reach_ns(&self) -> i64 {
        self.reach_ns
    }

    fn score_s(&self) -> f64 {
        self.score_s
    }

    fn begin(
        &mut self,
        start: Timestamp,
        skipped: u64,
        found: &mut Found,
    ) -> Result<(), ListenError> {
        let NetworkListener { runs, windows, waiting, .. } = self;
        runs.begin(start, skipped, &mut |at, samples| {
            windows.push(at, samples, &mut |window| waiting.push(window.into()));
        });
        self.look(false, found)
    }

    fn push(&mut self, samples: &[f32], found: &mut Found) -> Result<(), ListenError> {
        let NetworkListener { runs, windows, waiting, .. } = self;
        runs.push(samples, &mut |at, samples| {
            windows.push(at, samples, &mut |window| waiting.push(window.into()));
        });
        self.look(false, found)
    }

    fn finish(&mut self, found: &mut Found) -> Result<(), ListenError> {
        let NetworkListener { runs, windows, waiting, .. } = self;
        runs.finish(&mut |at, samples| {
            windows.push(at, samples, &mut |window| waiting.push(window.into()));
        });
        windows.end(&mut |window| waiting.push(window.into()));
        self.look(true, found)?;
        let mut calls = Vec::new();
        for (class, (_, maker)) in self.calls.iter_mut().enumerate() {
            maker.finish(&mut calls);
            found.candidates.extend(calls.drain(..).map(|call| (class, candidate(call))));
        }
        Ok(())
    }
}

fn candidate(call: Call) -> Candidate {
    Candidate {
        start_ns: call.start_ns,
        end_ns: call.end_ns,
        low_hz: call.band_hz.0,
        high_hz: call.band_hz.1,
        score: call.score,
        train: None,
    }
}

/// Mean power of the frames of some samples, by bin; of one that is not whole where there are few.
fn mean_power(stft: &mut Stft, samples: &[f32], power: &mut Vec<f32>) {
    let bins = stft.bins();
    let mut frames = Vec::new();
    let mut count = stft.spectrogram_into(samples, &mut frames);
    if count == 0 {
        frames.resize(bins, 0.0);
        stft.frame(samples, &mut frames);
        count = 1;
    }
    power.clear();
    power.resize(bins, 0.0);
    for frame in frames.chunks_exact(bins) {
        power.iter_mut().zip(frame).for_each(|(sum, p)| *sum += p / count as f32);
    }
}
