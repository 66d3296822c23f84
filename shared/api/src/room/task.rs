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

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Reason::NothingHere => f.write_str("nothing is here"),
            Reason::FoundAlready => f.write_str("another of your boxes has found this one"),
            Reason::OutsideTask => f.write_str("this is outside the task"),
            Reason::Early { by_s } => write!(f, "too early by {}", Rounded(by_s, "s")),
            Reason::Late { by_s } => write!(f, "too late by {}", Rounded(by_s, "s")),
            Reason::Low { by_hz } => write!(f, "{} too low", Rounded(by_hz, "Hz")),
            Reason::High { by_hz } => write!(f, "{} too high", Rounded(by_hz, "Hz")),
            Reason::Long { by_s } => write!(f, "{} too long", Rounded(by_s, "s")),
            Reason::Short { by_s } => write!(f, "{} too short", Rounded(by_s, "s")),
            Reason::Wide { by_hz } => write!(f, "its band is {} too wide", Rounded(by_hz, "Hz")),
            Reason::Narrow { by_hz } => {
                write!(f, "its band is {} too narrow", Rounded(by_hz, "Hz"))
            }
        }
    }
}

/// A number with two digits that count, and its unit.
struct Rounded(f64, &'static str);

impl std::fmt::Display for Rounded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Rounded(value, unit) = *self;
        let (value, unit) = match unit {
            "Hz" if value >= 1000.0 => (value / 1000.0, "kHz"),
            "s" if value < 0.1 => (value * 1000.0, "ms"),
            _ => (value, unit),
        };
        if value <= 0.0 || !value.is_finite() {
            return write!(f, "0 {unit}");
        }
        let digits = value.log10().floor() as i32;
        let step = 10f64.powi(digits - 1);
        let decimals = usize::try_from(1 - digits).unwrap_or(0);
        let text = format!("{:.decimals$}", (value / step).round() * step);
        let text =
            if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        write!(f, "{text} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_in_two_digits_and_the_unit_that_fits() {
        for (reason, told) in [
            (Reason::Early { by_s: 0.304 }, "too early by 0.3 s"),
            (Reason::Late { by_s: 0.0371 }, "too late by 37 ms"),
            (Reason::Low { by_hz: 41.7 }, "42 Hz too low"),
            (Reason::High { by_hz: 12_640.0 }, "13 kHz too high"),
            (Reason::Wide { by_hz: 996.0 }, "its band is 1000 Hz too wide"),
            (Reason::Short { by_s: 127.0 }, "130 s too short"),
            (Reason::Long { by_s: f64::NAN }, "0 s too long"),
        ] {
            assert_eq!(reason.to_string(), told);
        }
    }
}
