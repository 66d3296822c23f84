//! Walking from candidate to candidate, in the order of the table.

use std::cmp::Ordering;

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::detection::{CallQuery, CallSort, DetectedCall};
use spyhop_api::view::Selection;
use spyhop_api::{Moment, Timestamp};
use spyhop_words::calls::{queue as words, review};

use super::follow::shown_span;
use super::local::{in_order, moment_text};
use super::source::Source;
use crate::server::ServerError;
use crate::session::{NoticeKind, Session};
use crate::{administrator, label_actions};

/// Candidates that are asked for at once.
const PAGE: u64 = 200;
/// A candidate that is smaller than this part of the picture is zoomed to: its shape is what is judged.
const WIDEST: f64 = 40.0;

/// Looks at a candidate of the run that is shown: its box is selected, and brought into the picture if
/// `centred`. One of another run, which was shown a moment ago, is passed over.
pub fn choose(session: Session, run: i64, call: DetectedCall, centred: bool) {
    if session.calls.shown_run() != Some(run) {
        return;
    }
    session.labels.chosen.set(None);
    let high = call.high_hz.max(call.low_hz + 1e-3);
    let selection =
        Selection { start: call.start, span_ns: call.span_ns.max(1), band_hz: (call.low_hz, high) };
    session.calls.looked_at.set(Some((run, call)));
    session.select(Some(selection));
    if centred {
        label_actions::show_selection(session, WIDEST);
    }
}

/// Goes to the next candidate that passes thresholds and filter, or to the one before.
pub fn step(session: Session, forward: bool) {
    let calls = session.calls;
    let (Some(run), Some(source)) = (calls.shown_run(), calls.source()) else {
        let is_none = calls.runs.with_untracked(Vec::is_empty);
        let told = if is_none { words::NOTHING } else { review::NO_RUN };
        return session.tell(NoticeKind::Warning, told);
    };
    let query = untrack(|| calls.filtered(None));
    let at = calls.chosen.get_untracked();
    let begin = match (&at, session.frame_now(), session.open.get_untracked()) {
        (None, Some(frame), Some(open)) => shown_span(&frame, &open).0,
        _ => String::new(),
    };
    spawn_local(async move {
        let found = match &at {
            Some(at) => neighbour(&source, &query, at, forward).await,
            None => first(&source, &query, &begin).await,
        };
        match found {
            Ok(Some(call)) => choose(session, run, call, true),
            Ok(None) => {
                let told = match at {
                    Some(_) if forward => words::IS_LAST,
                    Some(_) => words::IS_FIRST,
                    None => words::NONE_PASSES,
                };
                session.tell(NoticeKind::Done, told);
            }
            Err(error) => administrator::refused(session, &error),
        }
    });
}

/// The first in the picture where the order is that of time, else the first of all.
async fn first(
    source: &Source,
    query: &CallQuery,
    begin: &str,
) -> Result<Option<DetectedCall>, ServerError> {
    let one = CallQuery { limit: 1, ..query.clone() };
    if query.sort == CallSort::Start && !query.descending {
        let here = CallQuery { from: begin.to_owned(), ..one.clone() };
        if let Some(call) = source.page(&here).await?.calls.pop() {
            return Ok(Some(call));
        }
    }
    Ok(source.page(&one).await?.calls.pop())
}

/// The next in the order of a query, whether or not the one at hand still fits the query.
async fn neighbour(
    source: &Source,
    query: &CallQuery,
    at: &DetectedCall,
    forward: bool,
) -> Result<Option<DetectedCall>, ServerError> {
    let mut query = beside(query, at, forward);
    loop {
        let page = source.page(&query).await?;
        let given = page.calls.len() as u64;
        let found = nearest(page.calls, &query, at, forward);
        query.offset += given;
        if found.is_some() || given == 0 || query.offset >= page.total {
            return Ok(found);
        }
    }
}

/// What begins with a candidate and goes on from there, or back.
fn beside(query: &CallQuery, at: &DetectedCall, forward: bool) -> CallQuery {
    let descending = query.descending == forward;
    let mut beside = CallQuery { descending, offset: 0, limit: PAGE, ..query.clone() };
    let score = f64::from(at.score);
    match (query.sort, descending) {
        (CallSort::Start, false) => beside.from = moment_text(at.start),
        (CallSort::Start, true) => {
            // Just after where it begins: what begins with it is asked for, too.
            beside.until = moment_text(match at.start {
                Moment::Clock(t) => Moment::Clock(Timestamp(t.0.saturating_add(1))),
                Moment::Elapsed(ns) => Moment::Elapsed(ns.saturating_add(1)),
            });
        }
        (CallSort::Score, false) => {
            beside.least_score = Some(beside.least_score.map_or(score, |least| least.max(score)));
        }
        (CallSort::Score, true) => {
            beside.most_score = Some(beside.most_score.map_or(score, |most| most.min(score)));
        }
    }
    beside
}

/// Of a page that goes on from `at`, the nearest to it; `query` is the page's.
fn nearest(
    page: Vec<DetectedCall>,
    query: &CallQuery,
    at: &DetectedCall,
    forward: bool,
) -> Option<DetectedCall> {
    // The table's own order: a page that goes back is turned round.
    let descending = query.descending == forward;
    let order = |a: &DetectedCall, b: &DetectedCall| in_order(query.sort, descending, a, b);
    let wanted = if forward { Ordering::Greater } else { Ordering::Less };
    let beyond = page.into_iter().filter(|call| call.id != at.id && order(call, at) == wanted);
    match forward {
        true => beyond.min_by(order),
        false => beyond.max_by(order),
    }
}

#[cfg(test)]
mod tests {
    use super::super::local::LocalRun;
    use super::super::local::tests::{call, run};
    use super::*;

    /// Walks a run from end to end, by the same questions as the page's.
    fn walk(local: &LocalRun, query: &CallQuery, forward: bool, from: DetectedCall) -> Vec<i64> {
        let mut walked = vec![from.id];
        let mut at = from;
        loop {
            let asked = beside(query, &at, forward);
            let found = nearest(local.page(&asked).calls, &asked, &at, forward);
            let Some(next) = found else { return walked };
            walked.push(next.id);
            at = next;
        }
    }

    #[test]
    fn a_walk_meets_every_candidate_once_in_the_order_of_the_table_and_back() {
        let mut local = LocalRun::new(run(), true);
        let found = vec![
            call("upcall", 10, 0.9),
            call("gunshot", 5, 0.4),
            call("upcall", 5, 0.9),
            call("upcall", 12, 0.9),
            call("upcall", 1, 0.25),
        ];
        local.extend(found, &Default::default(), |_| Vec::new());
        for sort in [CallSort::Start, CallSort::Score] {
            for descending in [false, true] {
                let query = CallQuery { sort, descending, ..CallQuery::default() };
                let page = local.page(&query).calls;
                let mut ids: Vec<i64> = page.iter().map(|call| call.id).collect();
                let (first, last) = (page[0].clone(), page[4].clone());
                assert_eq!(walk(&local, &query, true, first), ids, "{sort:?} {descending}");
                ids.reverse();
                assert_eq!(walk(&local, &query, false, last), ids, "{sort:?} {descending}, back");
            }
        }
    }
}
