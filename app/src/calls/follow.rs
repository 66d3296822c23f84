//! What is shown of candidates follows the view, the thresholds and what is found and said meanwhile.

use gloo::timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::detection::{CallQuery, DetectedCall, DetectionRun};
use spyhop_api::view::Source;
use spyhop_words::calls::runs as words;

use super::local::moment_text;
use super::review::Wishes;
use super::steps::Steps;
use super::{Calls, InView};
use crate::frame::{Frame, moment_of};
use crate::server;
use crate::server::ServerError;
use crate::session::{NoticeKind, OpenSet, Session, Stage, Tab};

/// How long the view rests until candidates are asked for, ms.
const REST_MS: u32 = 120;
/// How often runs that go on are looked at, and how many looks pass where none does.
const LOOK_MS: u32 = 1000;
const QUIET_LOOKS: u32 = 20;
/// More candidates than this are drawn as counts.
const MOST_BOXES: u64 = 300;
/// Bins of a density over the picture, of a curve, and of the overview.
const DENSITY_BINS: f64 = 160.0;
const CURVE_BINS: f64 = 800.0;
const OVERVIEW_BINS: f64 = 400.0;
/// No answer has more bins, however much is folded away.
const MOST_BINS: f64 = 10_000.0;

/// Something else was opened; `deployment` is its id if it is hosted. Its runs are fetched.
pub fn opened(session: Session, deployment: Option<String>) {
    let calls = session.calls;
    let turn = calls.turn.get_value() + 1;
    calls.turn.set_value(turn);
    calls.change_shelves(session.open.get_untracked());
    calls.steps.set_value(Steps::default());
    calls.wishes.update_value(Wishes::clear);
    calls.knows_unkept.set_value(false);
    calls.choose_none();
    calls.runs.set(Vec::new());
    calls.deployment.set_value(deployment.clone());
    calls.span.set(span_of_one(session).unwrap_or_default());
    calls.tell_local();
    // What is on a person's own disk no server has listened to.
    let Some(id) = deployment else {
        return calls.show(calls.runs.with_untracked(|runs| runs.first().map(|run| run.id)));
    };
    spawn_local(async move {
        let mut looks = 0;
        while calls.turn.get_value() == turn {
            let goes_on = calls.runs.with_untracked(|runs| runs.iter().any(goes_on));
            if goes_on || looks % QUIET_LOOKS == 0 {
                match server::detections::runs(&id).await {
                    Ok(found) if calls.turn.get_value() == turn => take(session, found, looks == 0),
                    Ok(_) => return,
                    // An older server, or none: nothing was ever run there.
                    Err(error) if looks == 0 && error.status == 404 => return,
                    // The next look may find it again; what asks for candidates says what is wrong.
                    Err(_) => {}
                }
            }
            if looks > 0 && looks % QUIET_LOOKS == 0 {
                hear_of_others(session, turn).await;
            }
            looks += 1;
            TimeoutFuture::new(LOOK_MS).await;
        }
    });
}

/// Looks at the runs now: something was said of one.
pub fn look_at_runs(session: Session) {
    let calls = session.calls;
    let turn = calls.turn.get_value();
    let Some(id) = calls.deployment.get_value() else { return };
    spawn_local(async move {
        // Where the server does not answer, the next look finds out.
        if let Ok(found) = server::detections::runs(&id).await
            && calls.turn.get_value() == turn
        {
            take(session, found, false);
        }
    });
}

/// Counts of a run do not tell of a verdict that somebody else turned into another: what is shown is
/// compared itself.
async fn hear_of_others(session: Session, turn: u64) {
    let calls = session.calls;
    if session.stage.get_untracked() != Stage::Viewing {
        return;
    }
    let (Some(run), Some(source)) = (calls.shown_run(), calls.source()) else { return };
    let is_current = || calls.turn.get_value() == turn && calls.shown_run() == Some(run);
    let span = session.frame_now().zip(session.open.get_untracked());
    let boxes = calls.in_view.with_untracked(|shown| shown.run == run && !shown.calls.is_empty());
    let mut is_news = false;
    if let Some((frame, open)) = span.filter(|_| boxes) {
        let (from, until) = shown_span(&frame, &open);
        let query = untrack(|| calls.above_thresholds());
        let query = CallQuery { from, until, limit: MOST_BOXES, ..query };
        // Where the server does not answer, the next look finds out.
        let now = source.page(&query).await.map(|page| page.calls).unwrap_or_default();
        is_news = calls.in_view.with_untracked(|shown| said_anew(&shown.calls, &now));
    }
    if let Some(chosen) = calls.chosen.get_untracked()
        && let Ok(now) = source.call(chosen.id).await
        && is_current()
        && said_anew(&[chosen], std::slice::from_ref(&now))
    {
        calls.see_anew(run, &now);
        is_news = true;
    }
    if is_news && is_current() {
        calls.revision.update(|n| *n += 1);
    }
}

/// Whether something was said of candidates that are shown since they were asked for.
fn said_anew(shown: &[DetectedCall], now: &[DetectedCall]) -> bool {
    let is_later = |call: &DetectedCall| {
        let held = shown.iter().find(|held| held.id == call.id);
        held.is_some_and(|held| held.review.version < call.review.version)
    };
    now.iter().any(is_later)
}

/// From where to where one recording of a deployment goes, if no other is open.
fn span_of_one(session: Session) -> Option<(String, String)> {
    let is_one = session
        .view
        .with_untracked(|v| matches!(v.source, Source::Deployment { recording: Some(_), .. }));
    let open = session.open.get_untracked().filter(|_| is_one)?;
    let text = |position: f64| moment_text(moment_of(position, &open.line));
    Some((text(0.0), text(open.line.end() as f64)))
}

/// Whether more candidates may come by themselves.
pub fn goes_on(run: &DetectionRun) -> bool {
    run.job.as_ref().is_some_and(|job| !job.is_over())
}

/// Runs as the server tells them.
fn take(session: Session, found: Vec<DetectionRun>, first: bool) {
    let calls = session.calls;
    let counts = |run: &DetectionRun| (run.id, run.candidates, run.reviewed);
    let shown = |runs: &[DetectionRun]| {
        let id = session.view.with_untracked(|v| v.calls.as_ref().map(|c| c.run));
        runs.iter().find(|run| Some(run.id) == id).map(counts)
    };
    let is_news = calls.runs.with_untracked(|runs| shown(runs)) != shown(&found);
    let here = calls
        .runs
        .with_untracked(|runs| runs.iter().filter(|run| run.id < 0).cloned().collect::<Vec<_>>());
    let all: Vec<DetectionRun> = here.into_iter().chain(found).collect();
    let asked = session.view.with_untracked(|v| v.calls.as_ref().map(|c| c.run));
    if first && asked.is_some_and(|id| !all.iter().any(|run| run.id == id)) {
        session.tell(NoticeKind::Warning, words::NOT_ON_SERVER);
        calls.show(None);
    }
    if calls.runs.with_untracked(|runs| *runs != all) {
        calls.runs.set(all);
    }
    if is_news {
        calls.revision.update(|n| *n += 1);
    }
}

/// Begins to follow.
pub fn start(session: Session) {
    let calls = session.calls;
    let id = Memo::new(move |_| calls.run.with(|run| run.as_ref().map(|run| run.id)));
    let seen = Memo::new(move |_| session.frame().map(|f| (f.places, f.band_hz)));
    let problem = RwSignal::new(None::<ServerError>);
    Effect::new(move |_| {
        // Candidates of another run are not this one's for a moment.
        let run = id.get().unwrap_or_default();
        if calls.in_view.with_untracked(|shown| shown.run != run) {
            calls.in_view.set(InView { run, ..InView::default() });
        }
    });
    let turn = StoredValue::new(0u64);
    Effect::new(move |_| {
        seen.track();
        calls.revision.track();
        let query = calls.above_thresholds();
        let asked = turn.get_value() + 1;
        turn.set_value(asked);
        if id.get().is_none() {
            calls.in_view.set(InView::default());
            return;
        }
        spawn_local(async move {
            TimeoutFuture::new(REST_MS).await;
            if turn.get_value() != asked {
                return;
            }
            let answer = look(session, query).await;
            if turn.get_value() == asked {
                match answer {
                    Ok(Some(found)) => calls.in_view.set(found),
                    Ok(None) => {}
                    Err(error) => problem.set(Some(error)),
                }
            }
        });
    });
    let whole_turn = StoredValue::new(0u64);
    Effect::new(move |_| {
        session.open.track();
        calls.revision.track();
        let query = calls.above_thresholds();
        let asked = whole_turn.get_value() + 1;
        whole_turn.set_value(asked);
        if id.get().is_none() {
            calls.overview.set(Default::default());
            calls.histograms.set(Default::default());
            calls.passing.set(Default::default());
            return;
        }
        spawn_local(async move {
            TimeoutFuture::new(REST_MS).await;
            let (Some(source), Some(frame)) = (calls.source(), session.frame_now()) else { return };
            let Some(open) = session.open.get_untracked() else { return };
            if whole_turn.get_value() != asked {
                return;
            }
            let rate = open.line.sample_rate_hz;
            let bin_s = bin_s(frame.end / rate, open.line.end() as f64 / rate, OVERVIEW_BINS);
            let density = source.density(&query, bin_s).await;
            let passing = source.counts(&query).await;
            let histograms = source.histograms(&untrack(|| calls.open())).await;
            let recall = source.recall().await;
            if whole_turn.get_value() != asked {
                return;
            }
            // Where recall can't be told it is not known; what is wrong is said of the others.
            calls.recall.set(recall.unwrap_or_default());
            match (density, histograms, passing) {
                (Ok(density), Ok(histograms), Ok(passing)) => {
                    calls.passing.set((query.thresholds, passing));
                    calls.overview.set(density);
                    calls.histograms.set(histograms);
                }
                (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                    problem.set(Some(error))
                }
            }
        });
    });
    Effect::new(move |_| {
        if let Some(error) = problem.get() {
            crate::administrator::refused(session, &error);
        }
    });
    // Whoever looks at such a tab wants to see something.
    let newest = Memo::new(move |_| calls.runs.with(|runs| runs.first().map(|run| run.id)));
    Effect::new(move |_| {
        let newest = newest.get();
        let of_calls = matches!(session.tab.get(), Tab::Calls | Tab::Transcript);
        let looks = of_calls && session.stage.get() == Stage::Viewing;
        if looks && session.view.with_untracked(|v| v.calls.is_none()) {
            calls.show(newest);
        }
    });
}

/// From where to where the picture goes, as queries say it.
pub fn shown_span(frame: &Frame, open: &OpenSet) -> (String, String) {
    let positions = frame.positions();
    let text = |position: f64| moment_text(moment_of(position, &open.line));
    (text(positions.start), text(positions.end))
}

/// Candidates, or counts of them, and scores in the picture.
async fn look(session: Session, query: CallQuery) -> Result<Option<InView>, ServerError> {
    let (Some(source), Some(frame)) = (session.calls.source(), session.frame_now()) else {
        return Ok(None);
    };
    let run = session.calls.shown_run().unwrap_or_default();
    let Some(open) = session.open.get_untracked() else { return Ok(None) };
    let score_s = session.calls.run.with_untracked(|run| run.as_ref().map_or(0.0, |r| r.score_s));
    let (from, until) = shown_span(&frame, &open);
    let query = CallQuery { from, until, ..query };
    let rate = open.line.sample_rate_hz;
    let (shown_s, real_s) = {
        let positions = frame.positions();
        (frame.span() / rate, (positions.end - positions.start) / rate)
    };
    let page = source.page(&CallQuery { limit: MOST_BOXES, ..query.clone() }).await?;
    let density = match page.total > MOST_BOXES {
        true => Some(source.density(&query, bin_s(shown_s, real_s, DENSITY_BINS)).await?),
        false => None,
    };
    // One that is not found any more may lie where its sound is not: the table tells of it.
    let found = page.calls.into_iter().filter(|call| !call.is_lost);
    let calls = if density.is_some() { Vec::new() } else { found.collect() };
    let curve_bin_s = bin_s(shown_s, real_s, CURVE_BINS).max(score_s);
    let curves = source.scores(&query, curve_bin_s).await?;
    Ok(Some(InView { run, calls, density, curves }))
}

/// Bins of a stretch: so many of what is shown, and no more than is answered of what it really is.
fn bin_s(shown_s: f64, real_s: f64, bins: f64) -> f64 {
    (shown_s / bins).max(real_s / MOST_BINS).max(1e-6)
}

impl Calls {
    /// A run was started on the server: it is shown.
    pub fn started(&self, run: DetectionRun) {
        let id = run.id;
        self.runs.update(|runs| {
            runs.retain(|held| held.id != id);
            runs.insert(0, run);
        });
        self.show(Some(id));
        self.revision.update(|n| *n += 1);
    }
}

#[cfg(test)]
mod tests {
    use spyhop_api::detection::{Review, Verdict};

    use super::super::local::tests::call;
    use super::*;

    #[test]
    fn a_verdict_that_became_another_is_seen_where_counts_stay() {
        let of = |id: i64, version: u32, verdict: Verdict| {
            let review = Review { version, verdict, ..Review::default() };
            DetectedCall { id, review, ..call("upcall", id, 0.9) }
        };
        let shown = [of(1, 1, Verdict::Accepted), of(2, 0, Verdict::Unreviewed)];
        let theirs = [of(1, 2, Verdict::Rejected), of(2, 0, Verdict::Unreviewed)];
        assert!(said_anew(&shown, &theirs));
        assert!(!said_anew(&shown, &shown));
        // What this page said meanwhile is later than the answer; what is not shown is no matter.
        assert!(!said_anew(&theirs, &shown));
        assert!(!said_anew(&shown, &[of(3, 5, Verdict::Accepted)]));
    }
}
