//! What the page says to the listener, the worker that detects in this tab, and what it answers.

use serde::{Deserialize, Serialize};
use spyhop_api::detection::{DetectedCall, DetectionRun, DetectorFit, ScoreCurves};
use spyhop_api::{ModelCard, RecordingInfo};

use crate::Sources;

/// Weights of more bytes than this are left to a server: a tab has 4 GB for everything, and a network of
/// this size takes minutes for a minute of sound.
pub const MOST_WEIGHT_BYTES: u64 = 512 << 20;

/// Windows that [`Answer::Seen`] holds at most: the first that speak for the span.
pub const MOST_SEEN_WINDOWS: usize = 16;

/// Something that the listener is to do. Each job is answered until it is done or failed.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// Replaces what is open. Objects: see [`Sources`].
    Sources(Sources),
    /// Which detectors fit recordings of a rate: [`Answer::Fits`].
    Fit { job: u32, rate_hz: f64 },
    /// Listens to recordings from their beginning to their end: [`Answer::Begun`], [`Answer::Found`] again
    /// and again, [`Answer::Done`]. Objects: the files of the network that are no addresses, in order.
    Listen { job: u32, by: By, recordings: Recordings },
    /// Opens a network and says what it is: [`Answer::Card`]. Objects: as before.
    Describe { job: u32, network: NetworkFiles },
    /// What a network sees of the windows that speak for a span of the clock: [`Answer::Seen`].
    See { job: u32, card: Box<ModelCard>, recordings: Recordings, from_ns: i64, until_ns: i64 },
    /// Logits of windows, as fast as they can be had: [`Answer::Logits`]. Objects: the files of the network
    /// that are no addresses, then the samples of all windows, one after the other.
    Logits { job: u32, network: NetworkFiles },
}

/// What is listened by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum By {
    /// A detector that needs no training, by its word.
    Detector(String),
    /// A network.
    Network(NetworkFiles),
}

/// The folder of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkFiles {
    /// What a person calls it, and messages.
    pub name: String,
    /// Its files.
    pub files: Vec<NetworkFile>,
    /// What requests for addresses are authorised by.
    pub authorisation: Option<String>,
    /// A LoRA adapter that is laid over it, all of whose files have addresses.
    #[serde(default)]
    pub adapter: Option<Box<NetworkFiles>>,
}

/// A file of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkFile {
    /// Its name in the folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Where it is, or `None` for a file that rides along.
    pub url: Option<String>,
}

/// What is listened to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recordings {
    /// All recordings with the number of the source that each is of.
    pub infos: Vec<(usize, RecordingInfo)>,
    /// Channel, counted from 0.
    pub channel: u32,
}

/// What the listener answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// It can be given orders.
    Ready,
    /// All detectors, the most likely first.
    Fits { job: u32, detectors: Vec<DetectorFit> },
    /// The run that has begun; its number, creation and counts are the page's. `recorded_s` is how much
    /// there is to listen to, `card` the
    /// network's, `left_out` why recordings are not listened to.
    Begun {
        job: u32,
        run: Box<DetectionRun>,
        card: Option<Box<ModelCard>>,
        recorded_s: f64,
        left_out: Vec<String>,
    },
    /// What was found since the last time, and how much is done, 0 to 1. Numbers and reviews are the page's.
    Found { job: u32, fraction: f64, calls: Vec<DetectedCall>, scores: ScoreCurves },
    /// It is done; sentences about what could not be heard.
    Done { job: u32, problems: Vec<String> },
    /// What a network is.
    Card { job: u32, card: Box<ModelCard>, parameters: usize },
    /// Windows in order of time. Objects: the values of each, frame by frame, lowest filter first.
    Seen { job: u32, windows: Vec<SeenWindow> },
    /// Objects: logits, window after window. How long the network took, the front end included.
    Logits { job: u32, classes: usize, elapsed_ms: f64 },
    /// It could not be done.
    Failed { job: u32, message: String },
    /// The worker broke down, and has to be replaced.
    Panicked { message: String },
}

/// A window that a network sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeenWindow {
    /// From its first sample to its last, nanoseconds.
    pub span_ns: (i64, i64),
    /// The time that it speaks for.
    pub speaks_for_ns: (i64, i64),
    /// Frames, the filled ones included.
    pub frames: usize,
    /// Filters.
    pub mels: usize,
    /// Frames that samples filled.
    pub heard_frames: usize,
}
