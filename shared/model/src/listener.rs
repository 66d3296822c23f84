//! A network at work: windows of samples become scores, and scores become candidates.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use spyhop_api::view::{Scaling, Window as WindowShape};
use spyhop_api::{ModelCard, ModelClass, Timestamp};
use spyhop_signal::detect::calls::{Call, CallRules, Calls, Spoken};
pub use spyhop_signal::detect::fit::UnfitNetwork as Unfit;
use spyhop_signal::detect::fit::check_network;
use spyhop_signal::detect::listen::{Found, Listen, ListenError, ScoreRow};
use spyhop_signal::detect::{Candidate, HeardWindow, RunWindows};
use spyhop_signal::spectrum::{SpectrumSpec, Stft};

use crate::{Batches, Classifier};

/// What the scores of networks are.
pub const SCORE_UNIT: &str = "probability by the network, 0 to 1";

/// Points of the spectra that a candidate's band is found from, at most; fewer where a hop is shorter.
const SPECTRUM_SAMPLES: usize = 1024;

/// `name` is what the message calls the network.
///
/// # Errors
/// When recordings of a rate do not hold what a network listens to.
pub fn check_fit(name: &str, card: &ModelCard, rate_hz: f64) -> Result<(), Unfit> {
    check_network(name, card, rate_hz, None)
}

/// A network that listens to runs of samples.
pub struct NetworkListener {
    classifier: Arc<Classifier>,
    score_s: f64,
    reach_ns: i64,
    windows: RunWindows,
    cut: Batches<HeardWindow>,
    stft: Stft,
    /// Index of each class that is a call, and what makes calls of its scores.
    calls: Vec<(usize, Calls)>,
}

impl NetworkListener {
    /// Listens to recordings of a rate; `rules` says how the scores of a class become calls, and `name` is
    /// what messages call the network.
    ///
    /// # Errors
    /// When they do not hold what it listens to.
    pub fn new(
        name: &str,
        classifier: Arc<Classifier>,
        rate_hz: f64,
        rules: &dyn Fn(&ModelClass) -> CallRules,
    ) -> Result<NetworkListener, Unfit> {
        check_fit(name, classifier.card(), rate_hz)?;
        let plan = classifier.window();
        let windows = RunWindows::new(rate_hz, &plan).map_err(|error| Unfit(error.to_string()))?;
        let size = SPECTRUM_SAMPLES.min(plan.hop_samples.max(2).next_power_of_two());
        let stft = Stft::new(&SpectrumSpec {
            fft_size: size,
            window_samples: size,
            hop_samples: size / 2,
            window: WindowShape::Hann,
            scaling: Scaling::Density,
            sample_rate_hz: plan.rate_hz,
        })
        .map_err(|error| Unfit(error.to_string()))?;
        let bin_hz = stft.spec().bin_hz();
        let classes = classifier.card().classes.iter().enumerate();
        let calls: Vec<(usize, Calls)> = classes
            .filter(|(_, class)| class.is_call)
            .map(|(index, class)| (index, Calls::new(&rules(class), class.band_hz, bin_hz)))
            .collect();
        let reach_ns = calls.iter().map(|(_, calls)| calls.reach_ns()).max().unwrap_or(0);
        Ok(NetworkListener {
            classifier,
            score_s: plan.hop_samples as f64 / plan.rate_hz,
            reach_ns: reach_ns + windows.reach_ns(),
            windows,
            cut: Batches::new(|window| &window.samples),
            stft,
            calls,
        })
    }

    /// Looks at the windows that are there, as soon as they fill a batch; at all of them at the end.
    fn look(&mut self, is_end: bool, found: &mut Found) -> Result<(), ListenError> {
        let failed = |error: crate::ModelError| ListenError(error.to_string());
        while let Some(batch) = self.cut.next(&self.classifier, is_end).map_err(failed)? {
            self.hear(&batch, found);
        }
        Ok(())
    }

    /// Windows side by side, and then classes: with many of either this takes longer than a fast network.
    fn hear(&mut self, batch: &[(HeardWindow, Vec<f32>)], found: &mut Found) {
        let NetworkListener { classifier, windows, stft, calls, .. } = self;
        let heard = |stft: &mut Stft, (window, logits): &(HeardWindow, Vec<f32>)| {
            let scores = classifier.card().scores.of(logits);
            let score = |index: usize| scores.get(index).copied().unwrap_or(f32::NAN);
            let scores: Vec<f32> = calls.iter().map(|(index, _)| score(*index)).collect();
            let is_kept = calls.iter().zip(&scores).any(|((_, calls), score)| calls.keeps(*score));
            let mut power = Vec::new();
            if is_kept {
                let inside = |position: i64| (position - window.position).max(0) as usize;
                let middle = inside(window.speaks_for.start)..inside(window.speaks_for.end);
                let middle = window.samples.get(middle).unwrap_or(&window.samples);
                mean_power(stft, middle, &mut power);
            }
            (scores, power)
        };
        let spans_ns: Vec<Range<i64>> =
            batch.iter().map(|(window, _)| windows.span_ns(&window.speaks_for)).collect();
        let heard: Vec<(Vec<f32>, Vec<f32>)> =
            batch.par_iter().map_init(|| stft.clone(), heard).collect();
        let of_class = |(class, (_, maker)): (usize, &mut (usize, Calls))| {
            let mut calls = Vec::new();
            for (span_ns, (scores, power)) in spans_ns.iter().zip(&heard) {
                let score = scores.get(class).copied().unwrap_or(f32::NAN);
                maker.push(&Spoken { span_ns: span_ns.clone(), score, power }, &mut calls);
            }
            calls.into_iter().map(|call| (class, candidate(call))).collect::<Vec<_>>()
        };
        let calls: Vec<_> = calls.par_iter_mut().enumerate().map(of_class).collect();
        found.candidates.extend(calls.into_iter().flatten());
        let starts_ns = spans_ns.iter().map(|span_ns| span_ns.start);
        let row = |(start_ns, (scores, _))| ScoreRow { start_ns, scores };
        found.scores.extend(starts_ns.zip(heard).map(row));
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
        self.windows.begin(start, skipped, self.cut.waiting());
        self.look(false, found)
    }

    fn push(&mut self, samples: &[f32], found: &mut Found) -> Result<(), ListenError> {
        self.windows.push(samples, self.cut.waiting());
        self.look(false, found)
    }

    fn finish(&mut self, found: &mut Found) -> Result<(), ListenError> {
        self.windows.finish(self.cut.waiting());
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
