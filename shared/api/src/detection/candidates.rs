//! Candidates, what people say of them, and what is asked of them.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::time::{Moment, Timestamp};

/// What somebody says of a candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing, or it was taken back.
    #[default]
    Unreviewed,
    /// It is a call of its class.
    Accepted,
    /// It is none.
    Rejected,
    /// It is something else: the review's label says what.
    Relabelled,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Verdict; 4] =
        [Verdict::Unreviewed, Verdict::Accepted, Verdict::Rejected, Verdict::Relabelled];

    /// Its word, as in JSON and in queries.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Unreviewed => "unreviewed",
            Verdict::Accepted => "accepted",
            Verdict::Rejected => "rejected",
            Verdict::Relabelled => "relabelled",
        }
    }

    /// The verdict of a word.
    pub fn from_name(name: &str) -> Option<Verdict> {
        Verdict::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

/// The review of a candidate as it stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Review {
    /// Counts what was ever said of it, from 0: whoever says something names the version they saw.
    pub version: u32,
    /// What is said.
    pub verdict: Verdict,
    /// What it is instead, where it was relabelled; else empty.
    pub label: String,
    /// Free text.
    pub note: String,
    /// Who said it; empty where they gave no name.
    pub author: String,
    /// When.
    pub at: Option<Timestamp>,
}

/// What somebody wants to say of a candidate: `PUT …/review?version=N`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ReviewChange {
    /// The verdict. To undo, say what was said before.
    pub verdict: Verdict,
    /// What it is instead, to relabel it.
    pub label: String,
    /// Free text.
    pub note: String,
    /// Who says it; may be empty.
    pub author: String,
}

/// A candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DetectedCall {
    /// Its number on this server.
    pub id: i64,
    /// The class that it was found as.
    pub class: String,
    /// Where it begins: clock time, or time since the first sample where the deployment has no clock.
    pub start: Moment,
    /// Its length in nanoseconds.
    pub span_ns: i64,
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
    /// What people say of it.
    pub review: Review,
    /// Whether it is not found any more, since its recordings are others now or lie at another time: it
    /// stays because somebody said something of it, and counts nowhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_lost: bool,
}

impl DetectedCall {
    /// What stands above its box: `upcall 0.93 ✓`, `upcall 0.93 → gunshot`; `mark` is for what is said of it.
    pub fn words(&self, mark: &str) -> String {
        let score = score_words(f64::from(self.score));
        let parts = [self.class.as_str(), &score, mark, &self.review.label];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// A score with as many digits as it needs.
pub fn score_words(score: f64) -> String {
    let decimals = if score.abs() < 10.0 { 2 } else { 1 };
    format!("{score:.decimals$}").replace('-', "−")
}

/// What is asked of the candidates of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "schema", into_params(parameter_in = Query))]
#[serde(default)]
pub struct CallQuery {
    /// Only those that end after this: ISO 8601, or seconds since the first sample
    pub from: String,
    /// Only those that begin before this: ISO 8601, or seconds since the first sample
    pub until: String,
    /// Only those of this class
    pub class: String,
    /// Only those with this score or more
    pub least_score: Option<f64>,
    /// Only those with this score or less
    pub most_score: Option<f64>,
    /// Only those with the score of their class or more: a number a class, in the run's order, with
    /// commas between
    pub thresholds: String,
    /// Only those of which this is said: `unreviewed`, `accepted`, `rejected`, `relabelled`, or
    /// `reviewed` for all but the first
    pub review: String,
    /// By `start` or by `score`
    pub sort: CallSort,
    /// The latest, or the best, first
    pub descending: bool,
    /// How many are passed over
    pub offset: u64,
    /// How many are given, at most 1000
    pub limit: u64,
}

impl Default for CallQuery {
    fn default() -> CallQuery {
        CallQuery {
            from: String::new(),
            until: String::new(),
            class: String::new(),
            least_score: None,
            most_score: None,
            thresholds: String::new(),
            review: String::new(),
            sort: CallSort::Start,
            descending: false,
            offset: 0,
            limit: 100,
        }
    }
}

impl CallQuery {
    /// The query of an address; what is as usual stays unsaid.
    pub fn to_query(&self) -> String {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let pairs = [
            ("from", text(&self.from)),
            ("until", text(&self.until)),
            ("class", text(&self.class)),
            ("least_score", self.least_score.map(|score| score.to_string())),
            ("most_score", self.most_score.map(|score| score.to_string())),
            ("thresholds", text(&self.thresholds)),
            ("review", text(&self.review)),
            ("sort", (self.sort == CallSort::Score).then(|| "score".to_owned())),
            ("descending", self.descending.then(|| "true".to_owned())),
            ("offset", (self.offset != 0).then(|| self.offset.to_string())),
            ("limit", (self.limit != CallQuery::default().limit).then(|| self.limit.to_string())),
        ];
        let said = pairs.into_iter().filter_map(|(key, value)| Some((key, value?)));
        let encoded = |value: &str| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        said.map(|(key, value)| format!("{key}={}", encoded(&value))).collect::<Vec<_>>().join("&")
    }

    /// The thresholds, one a class; none where none are asked for.
    ///
    /// # Errors
    /// With what is no number.
    pub fn class_thresholds(&self) -> Result<Vec<f64>, String> {
        let texts = self.thresholds.split(',').filter(|text| !text.trim().is_empty());
        let number = |text: &str| {
            let number = text.trim().parse::<f64>().ok().filter(|number| !number.is_nan());
            number.ok_or_else(|| format!("'{text}' is no threshold"))
        };
        texts.map(number).collect()
    }

    /// Reads what [`CallQuery::to_query`] wrote. Other keys are passed over, and a value that can't be read
    /// is as usual.
    pub fn from_query(query: &str) -> CallQuery {
        let mut read = CallQuery::default();
        for pair in query.trim_start_matches('?').split('&') {
            let (key, raw) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(raw).decode_utf8_lossy();
            match key {
                "from" => read.from = value.into_owned(),
                "until" => read.until = value.into_owned(),
                "class" => read.class = value.into_owned(),
                "least_score" => read.least_score = value.parse().ok(),
                "most_score" => read.most_score = value.parse().ok(),
                "thresholds" => read.thresholds = value.into_owned(),
                "review" => read.review = value.into_owned(),
                "sort" if value == "score" => read.sort = CallSort::Score,
                "descending" => read.descending = value == "true",
                "offset" => read.offset = value.parse().unwrap_or(read.offset),
                "limit" => read.limit = value.parse().unwrap_or(read.limit),
                _ => {}
            }
        }
        read
    }
}

/// What candidates are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CallSort {
    /// When they begin.
    #[default]
    Start,
    /// How sure they are.
    Score,
}

/// A page of candidates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CallPage {
    /// How many fit the question, on all pages.
    pub total: u64,
    /// Those of this page.
    pub calls: Vec<DetectedCall>,
}

/// Something that was said of a candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReviewHistory {
    /// Everything, the first first.
    pub steps: Vec<Review>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_survives_the_way_through_an_address() {
        let question = CallQuery {
            from: "2009-03-29T12:15:00Z".into(),
            until: "86400.5".into(),
            class: "20 Hz note & more".into(),
            least_score: Some(0.375),
            most_score: Some(1.0),
            thresholds: "0.5,-3".into(),
            review: "reviewed".into(),
            sort: CallSort::Score,
            descending: true,
            offset: 300,
            limit: 20,
        };
        assert_eq!(CallQuery::from_query(&question.to_query()), question);
        assert_eq!(question.class_thresholds(), Ok(vec![0.5, -3.0]));
        assert_eq!(CallQuery::default().class_thresholds(), Ok(Vec::new()));
        let wrong = CallQuery { thresholds: "0.5,high".into(), ..CallQuery::default() };
        assert!(wrong.class_thresholds().is_err_and(|error| error.contains("'high'")));
        assert_eq!(CallQuery::default().to_query(), "");
        assert_eq!(CallQuery::from_query("?least_score=high&sort=colour"), CallQuery::default());
    }

    #[test]
    fn a_verdict_has_one_word_in_json_and_in_queries() {
        for verdict in Verdict::ALL {
            assert_eq!(serde_json::to_value(verdict).expect("JSON"), verdict.name());
            assert_eq!(Verdict::from_name(verdict.name()), Some(verdict));
        }
        assert_eq!(Verdict::from_name("maybe"), None);
    }
}
