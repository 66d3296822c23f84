//! Labelled boxes of time and frequency: on somebody's own page, and shared on a server.

use serde::{Deserialize, Serialize};

use crate::time::{Moment, Timestamp};

/// One annotation, in time since the beginning of the line that it stands on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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

/// An annotation of a hosted deployment: shared by all who look at it, with who made it and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SharedAnnotation {
    /// Number in the deployment, never used again.
    pub id: u64,
    /// Counts its changes from 1: whoever changes it says which version they saw.
    pub version: u32,
    /// What it says.
    #[serde(flatten)]
    pub content: AnnotationContent,
    /// Who said it last; empty where they gave no name.
    pub author: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was changed last.
    pub changed: Timestamp,
}

/// What an annotation of a hosted deployment says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AnnotationContent {
    /// Left edge: clock time, or time since the first sample where the deployment has no clock.
    pub start: Moment,
    /// Length in nanoseconds; 0 is a point.
    pub span_ns: i64,
    /// Lower edge in hertz; absent where no band is known.
    #[serde(default)]
    pub low_hz: Option<f64>,
    /// Upper edge in hertz.
    #[serde(default)]
    pub high_hz: Option<f64>,
    /// Channel, counted from 0.
    #[serde(default)]
    pub channel: u32,
    /// What it is.
    pub label: String,
    /// Free text.
    #[serde(default)]
    pub note: String,
    /// Columns of a table that were not understood, in their order.
    #[serde(default)]
    pub extra: Vec<(String, String)>,
}

/// A change that somebody asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AnnotationChange {
    /// What it is to say.
    #[serde(flatten)]
    pub content: AnnotationContent,
    /// Who asks; may be empty.
    #[serde(default)]
    pub author: String,
}

/// A step in an annotation's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AnnotationStep {
    /// The version that it made.
    pub version: u32,
    /// Who did it.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// What it said from then on; absent where it was removed.
    pub content: Option<AnnotationContent>,
}

/// What `GET …/annotations` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AnnotationList {
    /// In the order of time.
    pub annotations: Vec<SharedAnnotation>,
}
