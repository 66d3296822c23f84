//! What is drawn over the pictures of an export: labels, and candidates as labels of their own, so that they
//! are there without a server.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use anyhow::Context;
use spyhop_api::annotation::{AnnotationContent, SharedAnnotation};
use spyhop_api::detection::{CallSort, DetectedCall, Verdict};
use spyhop_api::view::ShownCalls;

use crate::annotations::Annotations;
use crate::detection::{Asked, DetectionStore, Paging, StoreError, StoredRun};
use crate::state::StateError;

/// The most candidates of a step.
const MOST_CANDIDATES: u64 = 1000;

/// Candidates that a step shows.
#[derive(Clone, Debug)]
pub struct Found {
    /// Of which run, from which scores on.
    pub shown: ShownCalls,
    /// Where: nanoseconds since 1970, or since the first sample.
    pub within_ns: Range<i64>,
}

/// The labels of a deployment within some spans, and the candidates that its steps show, in the order of time.
/// `state` is where the server keeps both; of none there are none.
///
/// # Errors
/// When a database can't be read.
pub fn labels(
    state: &Path,
    deployment: &str,
    spans_ns: &[Range<i64>],
    found: &[Found],
) -> anyhow::Result<Vec<SharedAnnotation>> {
    // Steps may show the same twice: each label goes along once, and each candidate.
    let mut labelled: BTreeMap<u64, SharedAnnotation> = BTreeMap::new();
    let mut detected: BTreeMap<(i64, i64), SharedAnnotation> = BTreeMap::new();
    if let Some(said) = there(Annotations::look(state))? {
        for span in spans_ns {
            let list = said.list(deployment, span.start, span.end)?;
            labelled.extend(list.into_iter().map(|label| (label.id, label)));
        }
    }
    if let Some(store) = there(DetectionStore::look(state))? {
        for found in found {
            let run = found.shown.run;
            let calls = candidates(&store, deployment, found)?;
            detected.extend(calls.into_iter().map(|(call, label)| ((run, call), label)));
        }
    }
    let mut labels: Vec<SharedAnnotation> =
        labelled.into_values().chain(detected.into_values()).collect();
    labels.sort_by_key(|label| label.content.start.nanos());
    // A label's number and a candidate's may be the same.
    (1..).zip(&mut labels).for_each(|(number, label)| label.id = number);
    Ok(labels)
}

/// Candidates by their numbers, as labels.
fn candidates(
    store: &DetectionStore,
    deployment: &str,
    found: &Found,
) -> anyhow::Result<Vec<(i64, SharedAnnotation)>> {
    let number = found.shown.run;
    let run = match store.run(deployment, number) {
        Ok(run) => run,
        Err(StoreError::NoRun { .. }) => {
            eprintln!(
                "spyhop: a step shows the candidates of run {number} of '{deployment}', which was removed: \
                 it goes without them"
            );
            return Ok(Vec::new());
        }
        Err(error) => {
            return Err(error).context(format!("a step shows the candidates of run {number}"));
        }
    };
    let asked = Asked {
        from_ns: Some(found.within_ns.start),
        until_ns: Some(found.within_ns.end),
        thresholds: run.thresholds_of(&found.shown),
        verdicts: vec![Verdict::Unreviewed, Verdict::Accepted, Verdict::Relabelled],
        ..Asked::default()
    };
    let paging =
        Paging { sort: CallSort::Score, descending: true, offset: 0, limit: MOST_CANDIDATES };
    let page = store.page(&run, &asked, &paging)?;
    if page.total > MOST_CANDIDATES {
        eprintln!(
            "spyhop: a step shows {} candidates of run {number}: the {MOST_CANDIDATES} with the highest \
             scores go along",
            page.total
        );
    }
    Ok(page.calls.into_iter().map(|call| (call.id, label(&run, call))).collect())
}

/// A candidate as a label.
fn label(run: &StoredRun, call: DetectedCall) -> SharedAnnotation {
    let is_renamed = call.review.verdict == Verdict::Relabelled;
    let content = AnnotationContent {
        start: call.start,
        span_ns: call.span_ns,
        low_hz: Some(call.low_hz),
        high_hz: Some(call.high_hz),
        channel: run.channel,
        label: if is_renamed { call.review.label } else { call.class },
        note: format!("{}: {:.3}", run.title, call.score),
        extra: Vec::new(),
    };
    SharedAnnotation {
        id: 0,
        version: 1,
        content,
        author: run.source.name.clone(),
        created: run.created,
        changed: run.created,
    }
}

/// A store, where there is one.
fn there<T>(found: Result<T, StateError>) -> Result<Option<T>, StateError> {
    match found {
        Ok(store) => Ok(Some(store)),
        Err(StateError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use spyhop_api::annotation::AnnotationChange;
    use spyhop_api::detection::{DetectionClass, DetectionSource};
    use spyhop_api::{Moment, Timestamp};
    use spyhop_signal::detect::Candidate;
    use spyhop_signal::pyramid::Recorded;

    use super::*;
    use crate::detection::{Moments, StoredUnit, Wanted};
    use crate::state::StateFolder;

    /// A run with two candidates that begin at the same time, of scores 2 and 3.
    fn run_of_two(store: &DetectionStore) -> i64 {
        let class = |name: &str| DetectionClass {
            name: name.into(),
            band_hz: (0.0, 100.0),
            keep_from: 0.0,
            threshold: 1.0,
        };
        let source = DetectionSource {
            name: "hearing".into(),
            is_model: false,
            adapter: None,
            fingerprint: String::new(),
            config_hash: String::new(),
            software: String::new(),
        };
        let run = StoredRun {
            id: 0,
            deployment: "bay".into(),
            title: "Hearing".into(),
            source,
            wanted: Wanted::default(),
            config: String::new(),
            channel: 0,
            classes: vec![class("fin"), class("blue")],
            score_unit: String::new(),
            score_s: 1.0,
            created: Timestamp(0),
            dated: true,
        };
        let run = store.enter(&run, "key").expect("entered");
        let unit = StoredUnit {
            key: "unit".into(),
            start_ns: 0,
            end_ns: 1_000,
            curve: Vec::new(),
            software: String::new(),
            problems: Vec::new(),
        };
        let candidate = |high_hz, score| Candidate {
            start_ns: 100,
            end_ns: 200,
            low_hz: 10.0,
            high_hz,
            score,
            train: None,
        };
        let found = [(0, candidate(20.0, 2.0)), (1, candidate(90.0, 3.0))];
        let nowhere = Recorded { sample_rate_hz: 1.0, dated: true, runs: Vec::new() };
        store.put_unit(run, &unit, &found, Moments::new(&nowhere, &[])).expect("put in");
        run
    }

    #[test]
    fn what_two_steps_show_goes_along_once_and_what_two_people_say_twice() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = StateFolder::open(folder.path()).expect("a state folder");
        let run = run_of_two(&DetectionStore::open(&state).expect("a store"));
        let shown = |thresholds: &[f64]| Found {
            shown: ShownCalls { run, thresholds: thresholds.to_vec() },
            within_ns: 0..1_000,
        };
        let told = |spans: &[Range<i64>], found: &[Found]| -> Vec<String> {
            let labels = labels(folder.path(), "bay", spans, found).expect("labels");
            assert!((1..).zip(&labels).all(|(number, label)| label.id == number));
            labels.into_iter().map(|label| label.content.label).collect()
        };
        assert_eq!(told(&[], &[shown(&[]), shown(&[])]), ["fin", "blue"]);
        assert_eq!(told(&[], &[shown(&[0.0, 9.0])]), ["fin"]);
        assert_eq!(told(&[], &[shown(&[9.0])]), ["fin", "blue"], "no threshold of each class");
        let mut removed = shown(&[]);
        removed.shown.run += 1;
        assert_eq!(told(&[], &[removed, shown(&[])]), ["fin", "blue"]);

        let said = Annotations::open(&state).expect("a store");
        for author in ["Ada", "Bea"] {
            let content = AnnotationContent {
                start: Moment::Clock(Timestamp(50)),
                span_ns: 100,
                low_hz: None,
                high_hz: None,
                channel: 0,
                label: "whale".into(),
                note: String::new(),
                extra: Vec::new(),
            };
            let change = AnnotationChange { content, author: author.into() };
            said.create("bay", &change, Timestamp(1)).expect("kept");
        }
        assert_eq!(told(&[0..100, 20..200], &[]), ["whale", "whale"]);
        assert_eq!(told(&[200..300], &[]), [""; 0]);
    }
}
