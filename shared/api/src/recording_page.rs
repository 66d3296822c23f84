//! A page of a deployment's recordings, sorted and filtered: what a table shows of thousands.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What is asked of the recordings of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "schema", into_params(parameter_in = Query))]
#[serde(default)]
pub struct RecordingQuery {
    /// Words that all stand in the name, the format or the reason of a failure; any case.
    pub search: String,
    /// What they are sorted by.
    pub sort: RecordingSort,
    /// The largest first.
    pub descending: bool,
    /// Only those that can't be opened (`true`) or only those that can (`false`).
    pub failed: Option<bool>,
    /// Only those that end after this.
    pub from: Option<Timestamp>,
    /// Only those that begin before this.
    pub until: Option<Timestamp>,
    /// How many are passed over.
    pub offset: u64,
    /// How many are given, at most 1000.
    pub limit: u64,
}

impl Default for RecordingQuery {
    fn default() -> Self {
        RecordingQuery {
            search: String::new(),
            sort: RecordingSort::Start,
            descending: false,
            failed: None,
            from: None,
            until: None,
            offset: 0,
            limit: 100,
        }
    }
}

/// A column of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RecordingSort {
    /// When it began; undated ones come first.
    #[default]
    Start,
    /// Name, letter by letter.
    Name,
    /// Length in bytes.
    Bytes,
    /// Recorded time.
    Duration,
    /// Frames a second.
    Rate,
}

/// A row of the table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct RecordingRow {
    /// Name of the file.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Container, as `wav`; empty where it could not be opened.
    pub format: String,
    /// When it began.
    pub start: Option<Timestamp>,
    /// Recorded time without gaps.
    pub duration_s: f64,
    /// Frames a second.
    pub sample_rate_hz: f64,
    /// Samples in a frame.
    pub channels: u32,
    /// Runs without a gap.
    pub segments: u32,
    /// What is doubtful about it.
    pub warnings: Vec<String>,
    /// Why it can't be opened, where it can't.
    pub failure: Option<String>,
    /// Whether it has not been looked into yet.
    pub unread: bool,
}

/// What is answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RecordingPage {
    /// How many fit the question, on all pages.
    pub total: u64,
    /// Those of this page.
    pub rows: Vec<RecordingRow>,
}
