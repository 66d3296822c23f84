//! What was told of a stretch of recordings, and what is true of it.

use std::ops::Range;

/// Recordings on one clock, in nanoseconds, with what is true of them and what was told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    /// The recordings; every one was listened to, and all of its calls are known.
    pub recordings: Vec<HeardRecording>,
    /// The calls of the classes, in any order.
    pub calls: Vec<TrueCall>,
    /// Candidates, those below the threshold among them, in any order.
    pub candidates: Vec<ToldCall>,
    /// Scores over time, in any order.
    pub pieces: Vec<Piece>,
    /// How long each of those is.
    pub piece_ns: i64,
}

/// A recording.
#[derive(Clone, Debug, PartialEq)]
pub struct HeardRecording {
    /// Its name.
    pub name: String,
    /// What was recorded, without its gaps, in order.
    pub spans_ns: Vec<Range<i64>>,
}

/// A call that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueCall {
    /// Index of the recording that it begins in.
    pub recording: usize,
    /// Index of its class.
    pub class: usize,
    /// When.
    pub span_ns: Range<i64>,
    /// Its signal-to-noise ratio, where somebody measured it.
    pub snr_db: Option<f64>,
}

/// A call that was told.
#[derive(Clone, Debug, PartialEq)]
pub struct ToldCall {
    /// Index of the recording that it begins in.
    pub recording: usize,
    /// Index of its class.
    pub class: usize,
    /// When.
    pub span_ns: Range<i64>,
    /// How sure.
    pub score: f32,
}

/// The scores of a piece of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Where it begins.
    pub start_ns: i64,
    /// One for each class.
    pub scores: Vec<f32>,
}

impl HeardRecording {
    /// How much was recorded, hours.
    pub fn hours(&self) -> f64 {
        let ns: i64 = self.spans_ns.iter().map(|span| span.end - span.start).sum();
        ns as f64 / 3.6e12
    }
}
