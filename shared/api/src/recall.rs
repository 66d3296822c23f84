//! How many of the calls that are there a run of a detector found: its recall, with where that is known from.
//!
//! What was reviewed tells how many candidates are calls, and nothing of the calls that were missed. Those
//! are known from two sources alone: tables that hold *every* call of recordings, and windows drawn at
//! random in which a person marked what was missed.

use serde::{Deserialize, Serialize};

use crate::time::{Moment, Timestamp};

/// What `GET …/detections/{run}/recall` answers: nothing where nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RecallReport {
    /// By tables beside the recordings that hold every call; absent where there are none.
    pub truth: Option<TruthRecall>,
    /// By windows that were drawn at random and reviewed; absent while none is.
    pub sample: Option<SampleRecall>,
}

/// Recall by tables of all calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TruthRecall {
    /// Recordings with a table.
    pub tables: u32,
    /// How much was recorded in them, hours.
    pub recorded_h: f64,
    /// A call is found by a candidate that touches it, or misses it by this much at most, seconds.
    pub buffer_s: f64,
    /// One a class that the tables name. Groups are recordings.
    pub classes: Vec<ClassRecall>,
    /// What stands in the tables beside the run's classes: it has no say.
    pub other_labels: Vec<String>,
    /// What of tables can't be read, is left out or doubtful, a sentence each.
    pub problems: Vec<String>,
}

/// Recall by windows that were drawn at random.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SampleRecall {
    /// Windows that are drawn.
    pub windows: u32,
    /// Those that somebody has gone through.
    pub reviewed: u32,
    /// One a class. Groups are windows.
    pub classes: Vec<ClassRecall>,
}

/// The calls of a class that are known to be there, in groups that share their luck: a recording's, or a
/// window's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ClassRecall {
    /// The class.
    pub class: String,
    /// Groups that hold calls.
    pub groups: Vec<CallsKnown>,
}

/// Calls of a class that are known to be there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CallsKnown {
    /// How many.
    pub calls: u32,
    /// Scores of the candidates that found some of them, the best first: a call is found at every
    /// threshold up to its score.
    pub found: Vec<f32>,
}

/// Windows that are to be drawn at random: `POST …/detections/{run}/windows`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct DrawRequest {
    /// How many more.
    pub windows: u32,
    /// How long each is, seconds.
    pub window_s: f64,
    /// Where the drawing begins: the same gives the same windows.
    pub seed: u64,
}

impl Default for DrawRequest {
    fn default() -> DrawRequest {
        DrawRequest { windows: 50, window_s: 30.0, seed: 1 }
    }
}

/// What `GET …/detections/{run}/windows` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DrawnWindows {
    /// In the order in which they were drawn: however many are reviewed, they are a random sample.
    pub windows: Vec<DrawnWindow>,
}

/// A window that was drawn at random.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DrawnWindow {
    /// Its number in the run.
    pub id: i64,
    /// Where it begins.
    pub start: Moment,
    /// Its length in nanoseconds.
    pub span_ns: i64,
    /// What was said of it last.
    pub review: WindowReview,
    /// Counts what was said of it, from 0.
    pub version: u32,
    /// When it was said.
    pub at: Option<Timestamp>,
    /// Candidates that begin in it.
    pub candidates: u32,
    /// Those of them that nobody has reviewed.
    pub unreviewed: u32,
}

/// What somebody says of a window: `PUT …/detections/{run}/windows/{id}?version=N`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct WindowReview {
    /// Whether somebody went through all of it: every candidate that begins in it is reviewed, and what
    /// was missed is counted.
    pub is_done: bool,
    /// Calls that begin in it and that no candidate found.
    pub missed: Vec<MissedCalls>,
    /// Who says it; may be empty.
    pub author: String,
}

/// Calls that were missed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MissedCalls {
    /// Their class.
    pub class: String,
    /// How many.
    pub calls: u32,
}
