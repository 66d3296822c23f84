//! Why a candidate was found: the scores of the pieces of time that it lies in, beside its neighbours'.

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::detection::{CallQuery, DetectedCall, DetectionRun, ScoreCurves};
use spyhop_api::{Moment, Timestamp};
use spyhop_words::calls::why as words;

use crate::calls::{moment_text, score_words};
use crate::listener::Seen;
use crate::session::use_session;

/// Pieces of time on both sides, at least.
const BESIDE: i64 = 8;
/// Most bars.
const MOST_BARS: i64 = 60;
const HEIGHT: f64 = 60.0;

/// The scores around a candidate, with the threshold.
#[component]
pub fn Why(call: DetectedCall, run: DetectionRun) -> impl IntoView {
    let session = use_session();
    let found = RwSignal::new(None::<ScoreCurves>);
    let score_ns = ((run.score_s * 1e9) as i64).max(1);
    let beside_ns = BESIDE * score_ns;
    let at = |ns: i64| match call.start {
        Moment::Clock(t) => Moment::Clock(Timestamp(t.0.saturating_add(ns))),
        Moment::Elapsed(t) => Moment::Elapsed(t.saturating_add(ns)),
    };
    let query = CallQuery {
        from: moment_text(at(-beside_ns)),
        until: moment_text(at(call.span_ns + beside_ns)),
        ..CallQuery::default()
    };
    // Of a long one several pieces share a bar.
    let bar_ns = score_ns.max((call.span_ns + 2 * beside_ns) / MOST_BARS);
    if let Some(source) = session.calls.source_of(run.id) {
        spawn_local(async move {
            if let Ok(curves) = source.scores(&query, bar_ns as f64 * 1e-9).await {
                // Another candidate may be looked at by now.
                let _ = found.try_set(Some(curves));
            }
        });
    }
    let seen = view! { <Seen call=call.clone() run=run.clone()/> };
    let class = session.calls.class_of(&call).unwrap_or_default();
    let span = call.start.nanos()..call.start.nanos().saturating_add(call.span_ns);
    view! {
        <details id="why" open>
            <summary>{words::WHY}</summary>
            {move || found.get().map(|curves| {
                let threshold = session.calls.thresholds.with(|all| all.get(class).copied());
                bars(&curves, class, &span, threshold.unwrap_or_default())
            })}
            <p class="reading">{words::about(crate::wording::trimmed(bar_ns as f64 * 1e-9, 3))}</p>
            {seen}
        </details>
    }
}

fn bars(
    curves: &ScoreCurves,
    class: usize,
    span: &std::ops::Range<i64>,
    threshold: f64,
) -> Option<impl IntoView + use<>> {
    let first = curves.start?.nanos();
    let scores = curves.classes.get(class)?.scores.clone();
    let known = || scores.iter().flatten().map(|score| f64::from(*score));
    let low = known().chain([threshold, 0.0]).fold(f64::INFINITY, f64::min);
    let high = known().chain([threshold]).fold(f64::NEG_INFINITY, f64::max).max(low + 1e-9);
    let y = move |score: f64| HEIGHT * (1.0 - (score - low) / (high - low) * 0.95);
    let best = known().fold(f64::NEG_INFINITY, f64::max);
    let bin_ns = curves.bin_ns;
    let bars = scores.iter().enumerate().filter_map(|(i, score)| {
        let score = f64::from((*score)?);
        let start = first + i as i64 * bin_ns;
        let of_it = start < span.end && start + bin_ns > span.start;
        let class = if of_it { "of-it" } else { "beside" };
        Some(view! {
            <rect class=class x=i as f64 + 0.08 width="0.84"
                y=y(score) height=(HEIGHT - y(score)).max(0.5)><title>{score_words(score)}</title></rect>
        })
    });
    let bars = bars.collect_view();
    let told = words::chart(scores.len(), score_words(best), score_words(threshold));
    Some(view! {
        <svg class="why-scores" role="img" aria-label=told preserveAspectRatio="none"
            viewBox=format!("0 0 {} {HEIGHT}", scores.len().max(1))>
            {bars}
            <line x1="0" x2=scores.len() as f64 y1=y(threshold) y2=y(threshold)/>
        </svg>
    })
}
