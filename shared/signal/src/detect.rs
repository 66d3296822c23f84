//! Detectors that need no training: they find calls in a stream of samples, and are the baseline of
//! every network.
//!
//! | method | how | whose calls |
//! |---|---|---|
//! | [`Method::Energy`] | energy in a band over a tracked noise floor | humpback song |
//! | [`Method::Correlation`] | a whitened spectrogram looks like a template | right-whale upcalls, fin whales' 20 Hz pulses |
//! | [`Method::Contours`] | ridges of a whitened spectrogram that hold together | dolphin whistles |
//! | [`Method::Clicks`] | Teager–Kaiser energy over its median, grouped into trains | echolocation, sperm whales |
//!
//! A [`CallType`] is a kind of call with the method and the settings that find it, and
//! [`fit`](fit::fit) says which of them a recording can hold. A [`Listener`] takes the samples of
//! recordings as they lie on the clock and gives [`Candidate`]s: until somebody has looked at one it is
//! no more than that.
//!
//! Frames, blocks and cells lie on the clock and not on the beginning of a stream, and everything has a
//! finite memory ([`Listener::reach_ns`]). So a candidate is the same to the bit whoever finds it,
//! however the samples were pushed and wherever reading began, as long as that was its reach before it:
//! months are listened to in pieces, and a call at a border is found once.
//!
//! A network listens to [`windows`], and [`calls`] makes calls of the scores that it gives them. Both sides
//! [`listen`] to recordings in the same way.

mod call_type;
pub mod calls;
mod clicks;
mod contour;
mod correlation;
mod curve;
mod energy;
mod energy_band;
pub mod fit;
mod floor;
mod frames;
mod grouping;
pub mod listen;
mod listener;
pub mod matching;
pub mod overlap;
pub mod recall;
mod run_windows;
mod runs;
pub mod scoring;
mod settings;
mod template;
mod whitened;
pub mod windows;

pub use call_type::{CallType, Method, call_types};
pub use listener::{Listener, ListenerError};
pub use run_windows::{HeardWindow, RunWindows};
pub use runs::Runs;
pub use settings::{
    ClickSettings, ContourSettings, CorrelationSettings, EnergySettings, NoiseFloor, SettingsError,
    Sweeps,
};

/// Something that may be a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// When it begins, nanoseconds on the clock that the runs were given by.
    pub start_ns: i64,
    /// When it ends.
    pub end_ns: i64,
    /// Lower edge of its band.
    pub low_hz: f64,
    /// Upper edge of its band.
    pub high_hz: f64,
    /// How sure: in the unit of its method, the greater the surer.
    pub score: f32,
    /// What it is a train of, where it is one.
    pub train: Option<Train>,
}

/// A train of clicks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Train {
    /// How many clicks there are.
    pub clicks: u32,
    /// The median of the times from one to the next.
    pub interval_s: f32,
}

/// The best score in a piece of the clock, for a curve under the spectrogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// When the piece begins; all pieces of a listener are equally long.
    pub start_ns: i64,
    /// The best score in it.
    pub score: f32,
}

/// What a listener heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// Candidates, by their ends.
    pub candidates: Vec<Candidate>,
    /// Scores, in order; pieces without data have none.
    pub scores: Vec<Score>,
}

/// The same by positions at a detector's rate.
#[derive(Default)]
struct Found {
    calls: Vec<FoundCall>,
    /// Number of the cell, and the best score in it.
    scores: Vec<(i64, f32)>,
}

struct FoundCall {
    span: std::ops::Range<i64>,
    band_hz: (f64, f64),
    score: f32,
    train: Option<Train>,
}

/// Finds calls in samples at one rate.
trait Detector: Send {
    /// Takes samples that were recorded from a position on. Positions count samples since the clock's
    /// zero; those that are left out were not recorded.
    fn push(&mut self, position: i64, samples: &[f32], found: &mut Found);

    /// Gives what is left.
    fn finish(&mut self, found: &mut Found);

    /// How far around a call samples matter to it.
    fn reach_samples(&self) -> i64;

    /// Samples of a cell of the score's curve.
    fn cell_samples(&self) -> i64;
}
