//! What is drawn over the pictures of an export: labels, and candidates as labels of their own, so that they
//! are there without a server.

use std::ops::Range;
use std::path::Path;

use anyhow::Context;
use spyhop_api::annotation::{AnnotationContent, SharedAnnotation};
use spyhop_api::detection::{CallSort, DetectedCall, Verdict};
use spyhop_api::view::ShownCalls;

use crate::annotations::Annotations;
use crate::detection::{Asked, DetectionStore, Paging, StoredRun};
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
    let mut labels: Vec<SharedAnnotation> = Vec::new();
    if let Some(said) = there(Annotations::look(state))? {
        for span in spans_ns {
            labels.extend(said.list(deployment, span.start, span.end)?);
        }
    }
    if let Some(store) = there(DetectionStore::look(state))? {
        for found in found {
            labels.extend(candidates(&store, deployment, found)?);
        }
    }
    labels.sort_by_key(|label| label.content.start.nanos());
    labels.dedup_by(|a, b| a.content == b.content);
    // A label's number and a candidate's may be the same.
    (1..).zip(&mut labels).for_each(|(number, label)| label.id = number);
    Ok(labels)
}

fn candidates(
    store: &DetectionStore,
    deployment: &str,
    found: &Found,
) -> anyhow::Result<Vec<SharedAnnotation>> {
    let number = found.shown.run;
    let run = store
        .run(deployment, number)
        .with_context(|| format!("a step shows the candidates of run {number}"))?;
    let thresholds = match found.shown.thresholds.as_slice() {
        [] => run.classes.iter().map(|class| class.threshold).collect(),
        given => given.to_vec(),
    };
    let asked = Asked {
        from_ns: Some(found.within_ns.start),
        until_ns: Some(found.within_ns.end),
        thresholds,
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
    Ok(page.calls.into_iter().map(|call| label(&run, call)).collect())
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
