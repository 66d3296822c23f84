//! Boxes that members draw, and how they fit what is so.

use serde::{Deserialize, Serialize};

use crate::time::Moment;

/// A box of time and frequency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Area {
    /// Its left edge.
    pub start: Moment,
    /// Its width in nanoseconds, not negative.
    pub span_ns: i64,
    /// Its lower and upper edge in hertz.
    pub band_hz: (f64, f64),
}

/// What everybody is to find in a stretch of recording, by drawing boxes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Task {
    /// Its number in the room.
    pub id: u32,
    /// What is asked, in the leader's words; may be empty.
    pub text: String,
    /// The label of what is to be found; empty is every label.
    pub label: String,
    /// Where it is to be found: boxes outside are not scored.
    pub area: Area,
    /// How many there are.
    pub calls: u32,
    /// How much of a box and a call must be common to both, as intersection over union, from 0 to 1.
    pub least_overlap: f64,
    /// Whether a try also shows where the calls are that it missed.
    pub shows_missed: bool,
    /// The solution, once the leader has shown it; empty until then.
    pub solution: Vec<Area>,
}

/// How a try at a task went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TaskResult {
    /// The task.
    pub task: u32,
    /// Which try it was, from 1.
    pub try_number: u32,
    /// The boxes in the order in which they were drawn.
    pub boxes: Vec<BoxVerdict>,
    /// How many boxes are right.
    pub right: u32,
    /// How many calls no right box found.
    pub missed: u32,
    /// Where these are, if the task shows it.
    pub missed_at: Vec<Area>,
    /// Every call was found, and no box is wrong.
    pub is_mastered: bool,
}

/// What is said of one box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BoxVerdict {
    /// The box.
    pub area: Area,
    /// Whether it is one of the calls, and overlaps it enough.
    pub is_right: bool,
    /// Its overlap with the call that it is, or with the nearest one: intersection over union, 0 to 1.
    pub overlap: f64,
    /// Why it is wrong, or what could be better of one that is right; the weightiest first.
    pub reasons: Vec<Reason>,
}

/// Why a box is wrong, or how it could be better. Each is a sentence in [`std::fmt::Display`], in English.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// No call is near it.
    NothingHere,
    /// Another box has found the same call, and fits it better.
    FoundAlready,
    /// It lies outside the stretch that the task is about.
    OutsideTask,
    /// Its middle is before the call's by so many seconds.
    Early {
        /// How much.
        by_s: f64,
    },
    /// Its middle is behind the call's.
    Late {
        /// How much.
        by_s: f64,
    },
    /// Its middle is lower than the call's by so many hertz.
    Low {
        /// How much.
        by_hz: f64,
    },
    /// Its middle is higher than the call's.
    High {
        /// How much.
        by_hz: f64,
    },
    /// It lasts longer than the call by so many seconds.
    Long {
        /// How much.
        by_s: f64,
    },
    /// It is shorter.
    Short {
        /// How much.
        by_s: f64,
    },
    /// Its band is wider than the call's by so many hertz.
    Wide {
        /// How much.
        by_hz: f64,
    },
    /// Its band is narrower.
    Narrow {
        /// How much.
        by_hz: f64,
    },
}
