//! Detections: what a detector or a network found in a deployment, and what people say of it.
//!
//! A *run* is one detector or network, with its settings, over one channel of a deployment. It gives
//! *candidates*: a call is what somebody accepted.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::job::JobProgress;
use crate::time::{Moment, Timestamp};

/// How likely calls of a type are in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Chance {
    /// What such recordings are made for.
    Likely,
    /// The recording holds them, but is mostly made for higher calls.
    Possible,
    /// The recording does not hold them: the detector can't be started.
    None,
}

/// A detector that needs no training, beside the recordings of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DetectorFit {
    /// Its word, to start it by.
    pub id: String,
    /// What a person calls its calls: `right-whale upcalls`.
    pub name: String,
    /// The band that it listens to here, hertz.
    pub band_hz: (f64, f64),
    /// How likely such calls are.
    pub chance: Chance,
    /// The same for a person, with the reason where it does not fit.
    pub sentence: String,
    /// What its scores are.
    pub score_unit: String,
    /// Candidates from this score on are kept, unless settings say otherwise.
    pub keep_from: f64,
    /// Candidates from this score on count as found, until a person moves the threshold.
    pub threshold: f64,
}

/// What `GET …/detectors` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DetectorList {
    /// The rate of the recordings that would be listened to; `None` where there are none.
    pub sample_rate_hz: Option<f64>,
    /// All detectors, the most likely first.
    pub detectors: Vec<DetectorFit>,
    /// Names of the networks that the server was given.
    pub models: Vec<String>,
    /// The same networks beside the recordings, as far as their cards tell; none where there are no
    /// recordings.
    #[serde(default)]
    pub networks: Vec<NetworkFit>,
}

/// A network beside the recordings of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NetworkFit {
    /// Its name, to start it by.
    pub name: String,
    /// The band that it listens to, hertz; `None` where it can't be opened.
    pub band_hz: Option<(f64, f64)>,
    /// How likely such calls are.
    pub chance: Chance,
    /// The same for a person, with the reason where it does not fit or can't be opened.
    pub sentence: String,
}

/// What is to be run: `POST …/detections`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct DetectionRequest {
    /// A detector's word; this or a model.
    pub detector: Option<String>,
    /// A network's name.
    pub model: Option<String>,
    /// A LoRA adapter's name, to go with the network.
    pub adapter: Option<String>,
    /// Channel, counted from 0.
    pub channel: u32,
    /// Changes to the settings, in YAML as `spyhop detect --config` reads it; empty for none.
    pub config: String,
}

/// What a run tells apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DetectionClass {
    /// Its name, which labels its candidates.
    pub name: String,
    /// The band of its calls, hertz.
    pub band_hz: (f64, f64),
    /// Candidates from this score on were kept.
    pub keep_from: f64,
    /// Candidates from this score on count as found, until a person moves the threshold.
    pub threshold: f64,
}

/// Where a run's candidates come from: enough to make them again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DetectionSource {
    /// The detector's word, or the network's name.
    pub name: String,
    /// Whether it is a network.
    pub is_model: bool,
    /// The adapter's name, where the network has one.
    pub adapter: Option<String>,
    /// A hash of the network's weights and its adapter's; empty for a detector.
    pub fingerprint: String,
    /// A hash of all settings.
    pub config_hash: String,
    /// The program that ran it, with its version: `spyhop 0.1.0`.
    pub software: String,
}

impl DetectionSource {
    /// As [`with_adapter`].
    pub fn with_adapter(&self) -> String {
        with_adapter(&self.name, self.adapter.as_deref())
    }
}

/// The name of a detector or a network, with that of its adapter where it has one: `tiny with gulf`.
pub fn with_adapter(name: &str, adapter: Option<&str>) -> String {
    match adapter {
        Some(adapter) => format!("{name} with {adapter}"),
        None => name.to_owned(),
    }
}

/// One detector or network over one channel of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DetectionRun {
    /// Its number on this server.
    pub id: i64,
    /// For a person: `Dolphin whistles`.
    pub title: String,
    /// Where its candidates come from.
    pub source: DetectionSource,
    /// All settings, as YAML: a run of the same file gives the same candidates.
    pub config: String,
    /// Channel, counted from 0.
    pub channel: u32,
    /// What it tells apart.
    pub classes: Vec<DetectionClass>,
    /// What its scores are.
    pub score_unit: String,
    /// How long the pieces of time are that its score curve is made of.
    pub score_s: f64,
    /// When it was first started.
    pub created: Timestamp,
    /// How many candidates there are so far; those that are not found any more are left out.
    pub candidates: u64,
    /// How many of them somebody has reviewed.
    pub reviewed: u64,
    /// What a person should know, a sentence each; the first hundred: why the run is not gone on with, which
    /// recordings are left out, and what could not be heard.
    pub problems: Vec<String>,
    /// How far it is, where this server runs it.
    pub job: Option<JobProgress>,
}

/// What `GET …/detections` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DetectionList {
    /// All runs of a deployment, the latest first.
    pub runs: Vec<DetectionRun>,
}

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

/// How many candidates pass a question's thresholds, and what people say of them: `GET …/counts`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CallCounts {
    /// One a class, in the order of the run's classes.
    pub classes: Vec<ClassCounts>,
}

/// The counts of one class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ClassCounts {
    /// The class.
    pub class: String,
    /// Candidates that pass.
    pub candidates: u64,
    /// Those of them that were accepted.
    pub accepted: u64,
    /// Those of them that were rejected, or are something else.
    pub rejected: u64,
}

impl CallCounts {
    /// Of no candidates yet.
    pub fn none(classes: &[DetectionClass]) -> CallCounts {
        let of = |class: &DetectionClass| ClassCounts {
            class: class.name.clone(),
            ..ClassCounts::default()
        };
        CallCounts { classes: classes.iter().map(of).collect() }
    }

    /// Of a list of candidates, those from the threshold of their class on; where `thresholds` are fewer
    /// than classes, all of the others. As the server counts: one that is not found any more is left out.
    pub fn above<'a>(
        classes: &[DetectionClass],
        thresholds: &[f64],
        calls: impl IntoIterator<Item = &'a DetectedCall>,
    ) -> CallCounts {
        let mut all = CallCounts::none(classes);
        for call in calls {
            let Some(class) = classes.iter().position(|class| class.name == call.class) else {
                continue;
            };
            let threshold = thresholds.get(class);
            let passes = threshold.is_none_or(|threshold| f64::from(call.score) >= *threshold);
            if passes && !call.is_lost {
                all.count(class, call.review.verdict, 1);
            }
        }
        all
    }

    /// Counts candidates of a class of which the same is said.
    pub fn count(&mut self, class: usize, verdict: Verdict, candidates: u64) {
        let Some(counts) = self.classes.get_mut(class) else { return };
        counts.candidates += candidates;
        match verdict {
            Verdict::Accepted => counts.accepted += candidates,
            Verdict::Rejected | Verdict::Relabelled => counts.rejected += candidates,
            Verdict::Unreviewed => {}
        }
    }
}

/// How many candidates begin in each bin of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CallDensity {
    /// Where the first bin begins; `None` where nothing was found.
    pub start: Option<Moment>,
    /// Nanoseconds of a bin. Bins begin at multiples of it since 1970.
    pub bin_ns: i64,
    /// One row a class, in the order of the run's classes.
    pub classes: Vec<ClassDensity>,
}

/// The counts of one class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ClassDensity {
    /// The class.
    pub class: String,
    /// Candidates that begin in each bin.
    pub counts: Vec<u32>,
}

/// The scores of a run over time, the best of each bin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ScoreCurves {
    /// Where the first bin begins; `None` where there are no scores.
    pub start: Option<Moment>,
    /// Nanoseconds of a bin.
    pub bin_ns: i64,
    /// One row a class, in the order of the run's classes.
    pub classes: Vec<ScoreCurve>,
}

/// The scores of one class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ScoreCurve {
    /// The class.
    pub class: String,
    /// The best score in each bin; `None` where nothing was recorded, or it was not listened to yet.
    pub scores: Vec<Option<f32>>,
}

/// How candidates are spread over scores, and what people say of them: what a threshold that is moved
/// needs to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ScoreHistograms {
    /// One a class, in the order of the run's classes.
    pub classes: Vec<ScoreHistogram>,
}

/// The histogram of one class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ScoreHistogram {
    /// The class.
    pub class: String,
    /// Lower edge of the first bin.
    pub first: f64,
    /// Width of a bin.
    pub step: f64,
    /// Candidates in each bin.
    pub candidates: Vec<u32>,
    /// Those of them that were accepted.
    pub accepted: Vec<u32>,
    /// Those of them that were rejected, or are something else.
    pub rejected: Vec<u32>,
}

/// Bins of a histogram.
pub const HISTOGRAM_BINS: usize = 100;

impl ScoreHistogram {
    /// Of no candidates yet; the best of those that will be counted has the score `most`.
    pub fn empty(class: &DetectionClass, most: Option<f64>) -> ScoreHistogram {
        let first = class.keep_from;
        let span = most.map_or(1.0, |most| (most - first).max(1e-6));
        ScoreHistogram {
            class: class.name.clone(),
            first,
            // A little wider than the span, so that the best lies in the last bin.
            step: span * (1.0 + 1e-6) / HISTOGRAM_BINS as f64,
            candidates: vec![0; HISTOGRAM_BINS],
            accepted: vec![0; HISTOGRAM_BINS],
            rejected: vec![0; HISTOGRAM_BINS],
        }
    }

    /// Counts candidates of a bin of which the same is said; one beyond the last bin is the last's.
    pub fn count(&mut self, bin: usize, verdict: Verdict, candidates: u32) {
        let bin = bin.min(HISTOGRAM_BINS - 1);
        let reviewed = match verdict {
            Verdict::Accepted => Some(&mut self.accepted),
            Verdict::Rejected | Verdict::Relabelled => Some(&mut self.rejected),
            Verdict::Unreviewed => None,
        };
        for counts in reviewed.into_iter().chain([&mut self.candidates]) {
            if let Some(count) = counts.get_mut(bin) {
                *count += candidates;
            }
        }
    }

    /// From a threshold on, in whole bins: how many candidates, how many of them accepted and rejected.
    pub fn from_threshold(&self, threshold: f64) -> (u64, u64, u64) {
        let bin = ((threshold - self.first) / self.step).round().max(0.0) as usize;
        let sum = |counts: &[u32]| counts.iter().skip(bin).map(|count| u64::from(*count)).sum();
        (sum(&self.candidates), sum(&self.accepted), sum(&self.rejected))
    }
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

    #[test]
    fn candidates_are_counted_from_their_class_s_threshold_on_to_the_last_one() {
        let class = |name: &str| DetectionClass {
            name: name.into(),
            band_hz: (50.0, 400.0),
            keep_from: 0.1,
            threshold: 0.5,
        };
        let call = |class: &str, score, verdict, is_lost| DetectedCall {
            id: 0,
            class: class.into(),
            start: Moment::Elapsed(0),
            span_ns: 1,
            low_hz: 50.0,
            high_hz: 400.0,
            score,
            clicks: None,
            interval_s: None,
            review: Review { verdict, ..Review::default() },
            is_lost,
        };
        let calls = [
            call("upcall", 0.38, Verdict::Accepted, false),
            call("upcall", 0.3799, Verdict::Rejected, false),
            call("upcall", 0.381, Verdict::Relabelled, false),
            call("upcall", 0.9, Verdict::Accepted, true),
            call("gunshot", 0.2, Verdict::Unreviewed, false),
        ];
        let classes = [class("upcall"), class("gunshot")];
        let told = |thresholds: &[f64]| -> Vec<(u64, u64, u64)> {
            let counts = CallCounts::above(&classes, thresholds, &calls).classes;
            counts.iter().map(|of| (of.candidates, of.accepted, of.rejected)).collect()
        };
        assert_eq!(told(&[0.38, 0.5]), [(1, 0, 1), (0, 0, 0)], "0.38 in float32 lies below it");
        assert_eq!(told(&[0.3799999, 0.2]), [(2, 1, 1), (1, 0, 0)]);
        assert_eq!(told(&[]), [(3, 1, 2), (1, 0, 0)]);
    }

    #[test]
    fn a_threshold_counts_what_is_above_it() {
        let histogram = ScoreHistogram {
            class: "upcall".into(),
            first: 0.3,
            step: 0.1,
            candidates: vec![5, 4, 3],
            accepted: vec![0, 1, 2],
            rejected: vec![2, 1, 0],
        };
        assert_eq!(histogram.from_threshold(0.0), (12, 3, 3));
        assert_eq!(histogram.from_threshold(0.4), (7, 3, 1));
        assert_eq!(histogram.from_threshold(0.9), (0, 0, 0));
    }
}
