//! Detections: what a detector or a network found in a deployment, and what people say of it.
//!
//! A *run* is one detector or network, with its settings, over one channel of a deployment. It gives
//! *candidates*: a call is what somebody accepted.

mod candidates;
mod counts;
mod runs;

pub use candidates::{
    CallPage, CallQuery, CallSort, DetectedCall, Review, ReviewChange, ReviewHistory, Verdict,
    score_words,
};
pub use counts::{
    CallCounts, CallDensity, ClassCounts, ClassDensity, HISTOGRAM_BINS, ScoreCurve, ScoreCurves,
    ScoreHistogram, ScoreHistograms,
};
pub use runs::{
    Chance, DetectionClass, DetectionList, DetectionRequest, DetectionRun, DetectionSource,
    DetectorFit, DetectorList, NetworkFit, with_adapter,
};
