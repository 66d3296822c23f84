//! Labels that the server knows of a part of a recording: what a task is held against, and what is revealed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use spyhop_api::detection::{CallSort, Verdict};
use spyhop_api::room::{Area, FromMember, LabelCount};
use spyhop_api::view::Source;
use spyhop_api::{Mark, MarkKind, Moment, Timestamp, View};
use spyhop_signal::pyramid::Recorded;
use tokio::sync::Semaphore;

use crate::catalogue::ReadTable;
use crate::catalogue::access::Reader;
use crate::detection::{Asked, Paging, Truths};
use crate::http::viewing::look_at;
use crate::http::{Served, blocking_within};
use crate::rooms::{Looking, Room, RoomError, told_once};

/// Candidates of one run that are gone through.
const MOST_CANDIDATES: u64 = 1000;
/// Labels of one part that are compared with each other.
const MOST_LABELS: usize = 4000;
/// Classes whose labels are looked up at the same time.
static ROOM: Semaphore = Semaphore::const_new(2);

/// Lets a member say something, once what it needs to know has been looked up.
///
/// # Errors
/// As [`Room::say`], and when labels can't be read.
pub async fn say(
    served: &Arc<Served>,
    room: &Arc<Room>,
    id: u32,
    said: FromMember,
) -> Result<(), RoomError> {
    let known = match room.looks_for(id, &said) {
        None => Vec::new(),
        Some(looking) => found(served, looking).await?,
    };
    room.say(id, said, &known, Instant::now())
}

/// How often each label is known there, the commonest first.
///
/// # Errors
/// When labels can't be read.
pub async fn counted(served: &Arc<Served>, looking: Looking) -> Result<Vec<LabelCount>, RoomError> {
    let mut counts: BTreeMap<String, LabelCount> = BTreeMap::new();
    for mark in found(served, looking).await? {
        let label = mark.text.trim();
        let fresh = || LabelCount { label: label.to_owned(), count: 0 };
        counts.entry(label.to_lowercase()).or_insert_with(fresh).count += 1;
    }
    let mut counts: Vec<LabelCount> = counts.into_values().collect();
    counts.sort_by_key(|one| std::cmp::Reverse(one.count));
    Ok(counts)
}

/// The labels, away from the threads that answer.
async fn found(served: &Arc<Served>, looking: Looking) -> Result<Vec<Mark>, RoomError> {
    let asked = served.clone();
    let found = blocking_within(&ROOM, move || labels(&asked, &looking)).await;
    found.map_err(|_| RoomError::Invalid("labels can't be read here".into()))?
}

/// What people labelled, what tables beside the recordings say, and candidates that somebody accepted, in a
/// part of a view that anybody may see. It waits for the disk.
fn labels(served: &Served, looking: &Looking) -> Result<Vec<Mark>, RoomError> {
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!("labels for a class can't be read: {error}");
        RoomError::Invalid("the labels can't be read: the server's own output says why".into())
    };
    let (mut view, _) = View::from_query(&looking.view);
    let Source::Deployment { id, recording } = view.source.clone() else { return Ok(Vec::new()) };
    // Labels lie on the line of all recordings.
    view.source = Source::Deployment { id: id.clone(), recording: None };
    let Ok(viewed) = look_at(served, view, Reader::Public) else { return Ok(Vec::new()) };
    if viewed.line.origin.is_none() && recording.is_some() && viewed.recordings.infos.len() > 1 {
        // Without a clock, times in one recording say nothing of where it lies among the others.
        return Ok(Vec::new());
    }
    let area = looking.area.unwrap_or_else(|| {
        let samples = viewed.samples();
        Area {
            start: viewed.moment_of(samples.start as f64, 0),
            span_ns: viewed.nanos_of((samples.end - samples.start) as f64),
            band_hz: viewed.band_hz(),
        }
    });
    let is_dated = viewed.line.origin.is_some();
    if is_dated != matches!(area.start, Moment::Clock(_)) {
        return Ok(Vec::new());
    }
    let within = area.start.nanos()..area.start.nanos().saturating_add(area.span_ns);
    let moment = |ns: i64| match is_dated {
        true => Moment::Clock(Timestamp(ns)),
        false => Moment::Elapsed(ns),
    };
    let mark = |span_ns: Range<i64>, band: Option<(f64, f64)>, text: &str| Mark {
        start: moment(span_ns.start),
        span_ns: span_ns.end.saturating_sub(span_ns.start),
        band_hz: band.unwrap_or(area.band_hz),
        text: text.to_owned(),
        kind: MarkKind::Truth,
    };
    let mut marks = Vec::new();
    let said = served.annotations.list(&id, within.start, within.end).map_err(|e| failed(&e))?;
    for one in said {
        let content = one.content;
        let start = content.start.nanos();
        let band = content.low_hz.zip(content.high_hz);
        marks.push(mark(start..start.saturating_add(content.span_ns), band, &content.label));
    }
    if let (Some(tables), Ok((recorded, _))) =
        (&viewed.recordings.beside, Recorded::new(&viewed.recordings.infos))
    {
        let tables = near(tables.clone(), &recorded, within.clone());
        let truths = Truths::of_each(&tables, &viewed.recordings.infos, &recorded);
        for problem in &truths.problems {
            tracing::warn!("labels for a class: {problem}");
        }
        let calls = truths.calls.into_iter();
        marks.extend(calls.map(|call| mark(call.span_ns, call.band_hz, &call.label)));
    }
    let store = served.detections.store();
    for run in store.runs(&id).map_err(|e| failed(&e))? {
        let asked = Asked {
            from_ns: Some(within.start),
            until_ns: Some(within.end),
            verdicts: vec![Verdict::Accepted, Verdict::Relabelled],
            ..Asked::default()
        };
        let sort = CallSort::Start;
        let paging = Paging { sort, descending: false, offset: 0, limit: MOST_CANDIDATES };
        let calls = store.page(&run, &asked, &paging).map_err(|e| failed(&e))?.calls;
        if calls.len() as u64 >= MOST_CANDIDATES {
            return Err(too_many());
        }
        // Whether there is still a call where one is not found any more nobody knows.
        for call in calls.into_iter().filter(|call| !call.is_lost) {
            let is_renamed = call.review.verdict == Verdict::Relabelled;
            let label = if is_renamed { &call.review.label } else { &call.class };
            let start = call.start.nanos();
            let span = start..start.saturating_add(call.span_ns);
            marks.push(mark(span, Some((call.low_hz, call.high_hz)), label));
        }
    }
    marks.retain(|mark| {
        let start = mark.start.nanos();
        let (low, high) = mark.band_hz;
        start < within.end
            && start.saturating_add(mark.span_ns) > within.start
            && low <= area.band_hz.1
            && high >= area.band_hz.0
    });
    if marks.len() > MOST_LABELS {
        return Err(too_many());
    }
    let mut marks = told_once(marks);
    marks.sort_by_key(|mark| mark.start.nanos());
    Ok(marks)
}

fn too_many() -> RoomError {
    RoomError::Invalid(
        "there are more labels in this part than a class can go through: show less of it".into(),
    )
}

/// The tables of recordings that touch a span of the clock, and no others.
fn near(tables: ReadTable, recorded: &Recorded, within: Range<i64>) -> ReadTable {
    let rate_hz = recorded.sample_rate_hz;
    let touches =
        |run: &&spyhop_signal::pyramid::ClockRun| !run.frames_within(&within, rate_hz).is_empty();
    let touched: std::collections::HashSet<usize> =
        recorded.runs.iter().filter(touches).map(|run| run.recording).collect();
    Arc::new(move |index| if touched.contains(&index) { tables(index) } else { None })
}
