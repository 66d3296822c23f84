//! A labelled box of time and frequency.

use serde::{Deserialize, Serialize};

/// One annotation, in time since the beginning of the line that it stands on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// Unique within its set, never used again.
    pub id: u64,
    /// Nanoseconds from the line's first sample to the box's left edge.
    pub start_ns: i64,
    /// Nanoseconds from the line's first sample to the right edge; a point has start = end.
    pub end_ns: i64,
    /// Lower edge in hertz; `None` where the table it came from knew no band.
    pub low_hz: Option<f64>,
    /// Upper edge in hertz.
    pub high_hz: Option<f64>,
    /// Channel, counted from 0.
    pub channel: u32,
    /// What it is.
    pub label: String,
    /// Free text.
    pub note: String,
    /// Columns of a table that were not understood, in their order, so that export gives them back.
    pub extra: Vec<(String, String)>,
}
