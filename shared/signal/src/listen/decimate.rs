//! Fewer samples of the same sound: a low pass that is computed only where its output is kept.

use crate::fir::{dot, kaiser_beta, kaiser_taps, low_pass};

/// What folds over stays this far below what it folds from, dB.
const ALIAS_DB: f64 = 80.0;
/// A stage leaves this many times the highest frequency wanted, so that its transition is wide and
/// its taps are few.
const OVERSAMPLING: f64 = 8.0;
/// Above this the first stage is a triangle: two multiplications a sample, and its zeros lie where
/// the wanted band would be folded on. (1/47)² is −67 dB; the band's upper edge loses 0.01 dB.
const TRIANGLE_OVERSAMPLING: f64 = 48.0;
/// Below this a triangle is not worth its pass over the samples.
const LEAST_TRIANGLE: f64 = 4.0;

/// One stage: a symmetric FIR and the factor by which it thins.
#[derive(Clone)]
pub(super) struct Decimator {
    taps: Vec<f32>,
    factor: usize,
    pending: Vec<f32>,
    skip: usize,
}

/// Stages that bring `rate` down as far as sounds up to `top_hz` allow.
pub(super) fn stages(mut rate: f64, top_hz: f64) -> Vec<Decimator> {
    let mut stages = Vec::new();
    let triangle = (rate / (TRIANGLE_OVERSAMPLING * top_hz)).floor();
    if triangle >= LEAST_TRIANGLE {
        let factor = triangle as usize;
        let side = |i: usize| (factor - i.abs_diff(factor - 1)) as f64;
        let scale = (factor * factor) as f64;
        let taps = (0..2 * factor - 1).map(|i| (side(i) / scale) as f32).collect();
        stages.push(Decimator::new(taps, factor));
        rate /= triangle;
    }
    let factor = (rate / (OVERSAMPLING * top_hz)).floor();
    if factor >= 2.0 {
        let transition = 1.0 / factor - 2.0 * top_hz / rate;
        let taps = kaiser_taps(ALIAS_DB, transition);
        let response = low_pass(taps, 0.5 / factor, kaiser_beta(ALIAS_DB));
        stages.push(Decimator::new(response.iter().map(|h| *h as f32).collect(), factor as usize));
    }
    stages
}

impl Decimator {
    fn new(taps: Vec<f32>, factor: usize) -> Decimator {
        Decimator { taps, factor, pending: Vec::new(), skip: 0 }
    }

    /// Samples that go in for one that comes out.
    pub fn factor(&self) -> usize {
        self.factor
    }

    /// How far in front of the first output's centre the first input lies, in input samples.
    pub fn half(&self) -> usize {
        self.taps.len() / 2
    }

    /// Forgets what it was given.
    pub fn reset(&mut self) {
        self.pending.clear();
        self.skip = 0;
    }

    /// Takes samples and appends those that come of them.
    pub fn push(&mut self, input: &[f32], output: &mut Vec<f32>) {
        self.pending.extend_from_slice(input);
        let mut at = self.skip;
        while let Some(under) = self.pending.get(at..at + self.taps.len()) {
            output.push(dot(under, &self.taps));
            at += self.factor;
        }
        let done = at.min(self.pending.len());
        self.pending.drain(..done);
        self.skip = at - done;
    }
}
