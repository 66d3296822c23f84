//! Candidates of a detector or a network as rows of a table, with what is said of them and what found them.

use spyhop_api::Annotation;
use spyhop_api::detection::{DetectedCall, DetectionSource, Review, Verdict};

/// Columns of candidates beside those of every table of annotations.
pub type CallColumns = [&'static str; 13];

/// Those of the project's CSV.
pub const CSV_CALL_COLUMNS: CallColumns = [
    "score",
    "model",
    "adapter",
    "class",
    "clicks",
    "interval_s",
    "verdict",
    "reviewed_by",
    "reviewed_at",
    "fingerprint",
    "config_hash",
    "software",
    "found",
];

/// The same in a Raven selection table.
pub const RAVEN_CALL_COLUMNS: CallColumns = [
    "Score",
    "Detector",
    "Adapter",
    "Class Found",
    "Clicks",
    "Click Interval (s)",
    "Verdict",
    "Reviewed By",
    "Reviewed At",
    "Fingerprint",
    "Configuration",
    "Software",
    "Found",
];

/// A candidate, as far as tables tell of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallRow<'a> {
    /// The number that its row has.
    pub id: u64,
    /// What it was found as.
    pub class: &'a str,
    /// Where it begins: on the clock, or since the first sample.
    pub start_ns: i64,
    /// Where it ends.
    pub end_ns: i64,
    /// Lower edge of its band, hertz.
    pub low_hz: f64,
    /// Upper edge of its band, hertz.
    pub high_hz: f64,
    /// How sure, in the unit of its run.
    pub score: f32,
    /// How many clicks it has, where it is a train of them.
    pub clicks: Option<u32>,
    /// The median of the times from one click to the next.
    pub interval_s: Option<f32>,
    /// The program that found it.
    pub software: &'a str,
    /// Whether it is not found any more.
    pub is_lost: bool,
    /// What is said of it, where somebody could.
    pub review: Option<&'a Review>,
}

impl<'a> CallRow<'a> {
    /// Of a candidate that a program found.
    pub fn of(call: &'a DetectedCall, software: &'a str) -> CallRow<'a> {
        let start_ns = call.start.nanos();
        CallRow {
            id: call.id as u64,
            class: &call.class,
            start_ns,
            end_ns: start_ns.saturating_add(call.span_ns),
            low_hz: call.low_hz,
            high_hz: call.high_hz,
            score: call.score,
            clicks: call.clicks,
            interval_s: call.interval_s,
            software,
            is_lost: call.is_lost,
            review: Some(&call.review),
        }
    }

    /// What it is: what somebody says where it is something else, else what it was found as.
    pub fn label(&self) -> &'a str {
        match self.review {
            Some(review) if review.verdict == Verdict::Relabelled => &review.label,
            _ => self.class,
        }
    }

    /// What is said of it, where something is.
    pub fn said(&self) -> Option<&'a Review> {
        self.review.filter(|review| review.verdict != Verdict::Unreviewed)
    }

    /// A row of a table of annotations. `origin_ns` is when the line begins, 0 where it has no clock.
    pub fn annotation(
        &self,
        source: &DetectionSource,
        channel: u32,
        origin_ns: i64,
        columns: CallColumns,
    ) -> Annotation {
        let said = self.said();
        let text = |value: Option<String>| value.unwrap_or_default();
        let values = [
            self.score.to_string(),
            source.name.clone(),
            text(source.adapter.clone()),
            self.class.to_owned(),
            text(self.clicks.map(|clicks| clicks.to_string())),
            text(self.interval_s.map(|s| s.to_string())),
            text(said.map(|review| review.verdict.name().to_owned())),
            text(said.map(|review| review.author.clone())),
            text(said.and_then(|review| review.at).map(|at| at.to_iso())),
            source.fingerprint.clone(),
            source.config_hash.clone(),
            self.software.to_owned(),
            found_words(self.is_lost).to_owned(),
        ];
        Annotation {
            id: self.id,
            start_ns: self.start_ns.saturating_sub(origin_ns),
            end_ns: self.end_ns.saturating_sub(origin_ns),
            low_hz: Some(self.low_hz),
            high_hz: Some(self.high_hz),
            channel,
            label: self.label().to_owned(),
            note: text(said.map(|review| review.note.clone())),
            extra: columns.into_iter().map(str::to_owned).zip(values).collect(),
        }
    }
}

/// Whether a candidate is still found, for a table.
fn found_words(is_lost: bool) -> &'static str {
    if is_lost { "not any more" } else { "yes" }
}

#[cfg(test)]
mod tests {
    use spyhop_api::{Moment, Timestamp};

    use super::*;

    #[test]
    fn a_row_says_what_found_a_candidate_and_who_says_what_it_is_and_when() {
        let source = DetectionSource {
            name: "tiny".into(),
            is_model: true,
            adapter: Some("gulf".into()),
            fingerprint: "f00d".into(),
            config_hash: "cafe".into(),
            software: "spyhop 1 in a tab".into(),
        };
        let review = Review {
            version: 1,
            verdict: Verdict::Relabelled,
            label: "gunshot".into(),
            note: "loud".into(),
            author: "Ada".into(),
            at: Some(Timestamp(1_622_507_400_000_000_000)),
        };
        let call = DetectedCall {
            id: 3,
            class: "upcall".into(),
            start: Moment::Clock(Timestamp(5_000)),
            span_ns: 100,
            low_hz: 60.0,
            high_hz: 200.0,
            score: 0.5,
            clicks: None,
            interval_s: None,
            review,
            is_lost: false,
        };
        let row_of = |call: &DetectedCall, columns| {
            CallRow::of(call, &source.software).annotation(&source, 1, 2_000, columns)
        };
        let row = row_of(&call, CSV_CALL_COLUMNS);
        assert_eq!((row.id, row.start_ns, row.end_ns, row.channel), (3, 3_000, 3_100, 1));
        assert_eq!((row.label.as_str(), row.note.as_str()), ("gunshot", "loud"));
        let cell = |name: &str| {
            let found = row.extra.iter().find(|(column, _)| column == name);
            found.map(|(_, value)| value.as_str())
        };
        for (column, value) in [
            ("score", "0.5"),
            ("model", "tiny"),
            ("adapter", "gulf"),
            ("class", "upcall"),
            ("clicks", ""),
            ("verdict", "relabelled"),
            ("reviewed_by", "Ada"),
            ("reviewed_at", "2021-06-01T00:30:00.000000000Z"),
            ("fingerprint", "f00d"),
            ("config_hash", "cafe"),
            ("software", "spyhop 1 in a tab"),
            ("found", "yes"),
        ] {
            assert_eq!(cell(column), Some(value), "{column}");
        }
        // What was taken back is said by nobody.
        let back =
            Review { verdict: Verdict::Unreviewed, label: String::new(), ..call.review.clone() };
        let back = DetectedCall { review: back, ..call };
        let row = row_of(&back, RAVEN_CALL_COLUMNS);
        assert_eq!(row.label, "upcall");
        let said = row.extra.iter().filter(|(column, _)| column.starts_with("Review"));
        assert!(said.map(|(_, value)| value).all(String::is_empty));
    }
}
