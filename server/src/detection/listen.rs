//! What listens to runs of samples, be it a detector or a network.

use spyhop_api::Timestamp;
use spyhop_signal::detect::{Candidate, Heard, Listener};

/// What was found, by class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Candidates, each with the index of its class.
    pub candidates: Vec<(usize, Candidate)>,
    /// Scores of all classes, in order of time.
    pub scores: Vec<ScoreRow>,
}

/// The scores of a piece of time, or of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRow {
    /// Where it begins, nanoseconds.
    pub start_ns: i64,
    /// One for each class.
    pub scores: Vec<f32>,
}

/// Why listening came to an end.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ListenError(pub String);

/// Listens to runs of samples that come in the order of the clock.
pub trait Listen: Send {
    /// How far before and after a candidate what was recorded matters to it, nanoseconds.
    fn reach_ns(&self) -> i64;

    /// How long the pieces are that scores are of, seconds.
    fn score_s(&self) -> f64;

    /// A run begins whose first sample was taken at `start`; of these the first `skipped` are not given.
    fn begin(
        &mut self,
        start: Timestamp,
        skipped: u64,
        found: &mut Found,
    ) -> Result<(), ListenError>;

    /// The next samples of the run.
    fn push(&mut self, samples: &[f32], found: &mut Found) -> Result<(), ListenError>;

    /// Tells what is left.
    fn finish(&mut self, found: &mut Found) -> Result<(), ListenError>;
}

impl Listen for Listener {
    fn reach_ns(&self) -> i64 {
        Listener::reach_ns(self)
    }

    fn score_s(&self) -> f64 {
        Listener::score_s(self)
    }

    fn begin(
        &mut self,
        start: Timestamp,
        skipped: u64,
        found: &mut Found,
    ) -> Result<(), ListenError> {
        hear(found, |heard| Listener::begin(self, start, skipped, heard));
        Ok(())
    }

    fn push(&mut self, samples: &[f32], found: &mut Found) -> Result<(), ListenError> {
        hear(found, |heard| Listener::push(self, samples, heard));
        Ok(())
    }

    fn finish(&mut self, found: &mut Found) -> Result<(), ListenError> {
        hear(found, |heard| Listener::finish(self, heard));
        Ok(())
    }
}

/// A detector knows one class.
fn hear(found: &mut Found, listen: impl FnOnce(&mut Heard)) {
    let mut heard = Heard::default();
    listen(&mut heard);
    found.candidates.extend(heard.candidates.into_iter().map(|candidate| (0, candidate)));
    let scores = heard.scores.into_iter();
    found.scores.extend(scores.map(|s| ScoreRow { start_ns: s.start_ns, scores: vec![s.score] }));
}
