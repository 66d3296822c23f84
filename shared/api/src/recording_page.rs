//! A page of a deployment's recordings, sorted and filtered: what a table shows of thousands.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::quality::{Finding, Severity};
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
    /// Only those of which something at least so grave was found.
    pub quality: Option<Severity>,
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
            quality: None,
            from: None,
            until: None,
            offset: 0,
            limit: 100,
        }
    }
}

impl RecordingQuery {
    /// The query of an address; what is as usual stays unsaid, so that the usual question is empty.
    pub fn to_query(&self) -> String {
        let usual = RecordingQuery::default();
        let time = |t: Option<Timestamp>| t.map(Timestamp::to_iso);
        let pairs = [
            ("search", (!self.search.is_empty()).then(|| self.search.clone())),
            ("sort", (self.sort != usual.sort).then(|| self.sort.name().to_owned())),
            ("descending", self.descending.then(|| "true".to_owned())),
            ("failed", self.failed.map(|failed| failed.to_string())),
            ("quality", self.quality.map(|least| least.name().to_owned())),
            ("from", time(self.from)),
            ("until", time(self.until)),
            ("offset", (self.offset != usual.offset).then(|| self.offset.to_string())),
            ("limit", (self.limit != usual.limit).then(|| self.limit.to_string())),
        ];
        let said = pairs.into_iter().filter_map(|(key, value)| Some((key, value?)));
        let encoded = |value: &str| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        said.map(|(key, value)| format!("{key}={}", encoded(&value))).collect::<Vec<_>>().join("&")
    }

    /// Reads what [`RecordingQuery::to_query`] wrote. Other keys are passed over, and a value that can't
    /// be read is as usual.
    pub fn from_query(query: &str) -> RecordingQuery {
        let mut read = RecordingQuery::default();
        for pair in query.trim_start_matches('?').split('&') {
            let (key, raw) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(raw).decode_utf8_lossy();
            match key {
                "search" => read.search = value.into_owned(),
                "sort" => {
                    let named = RecordingSort::ALL.into_iter().find(|sort| sort.name() == value);
                    read.sort = named.unwrap_or_default();
                }
                "descending" => read.descending = value == "true",
                "failed" => read.failed = value.parse().ok(),
                "quality" => read.quality = Severity::from_name(&value),
                "from" => read.from = Timestamp::from_iso(&value).ok(),
                "until" => read.until = Timestamp::from_iso(&value).ok(),
                "offset" => read.offset = value.parse().unwrap_or(read.offset),
                "limit" => read.limit = value.parse().unwrap_or(read.limit),
                _ => {}
            }
        }
        read
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
    /// The gravest of what was found of it; those of which nothing was found come first.
    Quality,
}

impl RecordingSort {
    /// All of them.
    pub const ALL: [RecordingSort; 6] = [
        RecordingSort::Start,
        RecordingSort::Name,
        RecordingSort::Bytes,
        RecordingSort::Duration,
        RecordingSort::Rate,
        RecordingSort::Quality,
    ];

    /// Its name in a query.
    pub fn name(self) -> &'static str {
        match self {
            RecordingSort::Start => "start",
            RecordingSort::Name => "name",
            RecordingSort::Bytes => "bytes",
            RecordingSort::Duration => "duration",
            RecordingSort::Rate => "rate",
            RecordingSort::Quality => "quality",
        }
    }
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
    /// Whether its samples have been measured.
    pub measured: bool,
    /// What a person should know of its quality.
    pub findings: Vec<Finding>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_survives_the_way_through_an_address() {
        let question = RecordingQuery {
            search: "100 % & café=".into(),
            sort: RecordingSort::Duration,
            descending: true,
            failed: Some(true),
            quality: Some(Severity::Doubt),
            from: Some(Timestamp(1_717_243_200_000_000_001)),
            until: None,
            offset: 200,
            limit: 50,
        };
        assert_eq!(RecordingQuery::from_query(&question.to_query()), question);
        assert_eq!(RecordingQuery::default().to_query(), "");
        let odd = RecordingQuery::from_query(
            "?page=library&sort=colour&offset=-3&failed=perhaps&quality=x",
        );
        assert_eq!(odd, RecordingQuery::default());
    }

    #[test]
    fn a_column_has_one_name_in_json_and_in_queries() {
        for sort in RecordingSort::ALL {
            assert_eq!(serde_json::to_value(sort).expect("JSON"), sort.name());
        }
    }
}
