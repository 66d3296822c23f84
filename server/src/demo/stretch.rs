//! A stretch of the hydrophone's pressure, and what adds to it.

use std::ops::Range;

use super::truth::Truth;

/// Consecutive samples of sound pressure in µPa. Positions count samples from the deployment's
/// origin, so that two files that follow each other fit together to the sample.
pub struct Stretch {
    /// Samples a second.
    pub rate_hz: f64,
    /// Position of the first sample.
    pub first: i64,
    /// Sound pressure, µPa.
    pub samples: Vec<f64>,
}

/// Something that sounds.
pub trait Source: Send + Sync {
    /// Seconds since the deployment's origin between which it may be heard.
    fn heard_s(&self) -> Range<f64>;

    /// Adds what the hydrophone receives of it, in µPa.
    fn add_to(&self, stretch: &mut Stretch);

    /// What somebody who knows would mark.
    fn truth(&self) -> Option<Truth> {
        None
    }
}

impl Stretch {
    /// Silence.
    pub fn new(rate_hz: f64, first: i64, frames: usize) -> Stretch {
        Stretch { rate_hz, first, samples: vec![0.0; frames] }
    }

    /// One past the last position.
    pub fn end(&self) -> i64 {
        self.first + self.samples.len() as i64
    }

    /// Seconds since the origin that it covers.
    pub fn span_s(&self) -> Range<f64> {
        self.first as f64 / self.rate_hz..self.end() as f64 / self.rate_hz
    }

    /// Adds the part of `sound` that falls into the stretch; `sound` begins at position `first`.
    pub fn add(&mut self, first: i64, sound: &[f64]) {
        let from = (self.first - first).clamp(0, sound.len() as i64);
        let to = (self.end() - first).clamp(from, sound.len() as i64);
        let Ok(at) = usize::try_from(first + from - self.first) else { return };
        let Some(target) = self.samples.get_mut(at..) else { return };
        for (sum, value) in target.iter_mut().zip(&sound[from as usize..to as usize]) {
            *sum += value;
        }
    }

    /// Adds a source, if it can be heard here.
    pub fn hear(&mut self, source: &dyn Source) {
        let (heard, span) = (source.heard_s(), self.span_s());
        if heard.start < span.end && heard.end > span.start {
            source.add_to(self);
        }
    }
}
