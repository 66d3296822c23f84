//! The task stream: a lane for each worker, a bar for each unit that it ran in the last minute.

use std::collections::BTreeSet;

use leptos::prelude::*;
use spyhop_api::job::{JobsSnapshot, RunEnd, RunningUnit, UnitRun};
use spyhop_words::pages::stream as words;

use crate::wording;

/// How much time is shown, ms.
const SPAN_MS: i64 = 60_000;
/// One unit of the drawing's width, ms.
const STEP_MS: f64 = 100.0;
const WIDTH: f64 = SPAN_MS as f64 / STEP_MS;
const LANE: f64 = 24.0;
/// Hues of the kinds, in the order of their names.
const HUES: [u32; 6] = [200, 150, 45, 280, 330, 90];

/// The lanes and what the workers do now.
#[component]
pub fn TaskStream(now: RwSignal<JobsSnapshot>) -> impl IntoView {
    let workers = Memo::new(move |_| now.with(|n| n.workers));
    // Bars stay where they are and the drawing moves under the window: few things change an event.
    let begin = Memo::new(move |before: Option<&i64>| {
        before.copied().filter(|b| *b > 0).unwrap_or_else(|| now.with(|n| n.at_ms))
    });
    let kinds = Memo::new(move |_| {
        let kinds: BTreeSet<String> = now.with(|n| {
            let running = n.running.iter().map(|r| r.kind.clone());
            n.runs.iter().map(|r| r.kind.clone()).chain(running).collect()
        });
        kinds.into_iter().collect::<Vec<_>>()
    });
    let at = move |ms: i64| (ms - begin.get()) as f64 / STEP_MS;
    let shift = move || format!("translate({} 0)", WIDTH - at(now.with(|n| n.at_ms)));
    let height = move || LANE * f64::from(workers.get().max(1));
    let runs = move || {
        let from = now.with(|n| n.at_ms - SPAN_MS);
        now.with(|n| n.runs.iter().filter(|r| r.end_ms > from).cloned().collect::<Vec<_>>())
    };
    view! {
        <div class="lanes">
            <ol class="lane-names" aria-label=words::WHAT_WORKERS_DO>
                {move || (0..workers.get()).map(|worker| view! {
                    <li>{move || now.with(|n| doing(n, worker))}</li>
                }).collect_view()}
            </ol>
            <svg id="task-stream" role="img" preserveAspectRatio="none"
                viewBox=move || format!("0 0 {WIDTH} {}", height())
                style=move || format!("height: {}px", height())
                aria-label=move || now.with(summary)
            >
                {move || (1..workers.get()).map(|lane| {
                    let y = LANE * f64::from(lane);
                    view! { <line class="lane-line" x1="0" x2=WIDTH y1=y y2=y/> }
                }).collect_view()}
                <g transform=shift>
                    <For each=runs key=|run| (run.number, run.end_ms) let:run>
                        {bar(&run, at(run.start_ms), at(run.end_ms), hue(&kinds.get(), &run.kind))}
                    </For>
                    {move || now.with(|n| n.running.iter().map(|run| {
                        running(run, at(run.start_ms), at(n.at_ms), hue(&kinds.get(), &run.kind))
                    }).collect_view())}
                </g>
            </svg>
        </div>
        <p class="dim legend">
            <span>{words::LAST_MINUTE}" "</span>
            {move || kinds.get().iter().map(|kind| view! {
                <span class="kind" style=format!("--hue: {}", hue(&kinds.get(), kind))>{kind.clone()}</span>
            }).collect_view()}
            <span class="kind failed">{words::FAILED}</span>
            <span class="kind again">{words::FAILED_TRIED_LATER}</span>
        </p>
    }
}

/// A run that has ended. A failure differs in height, not in colour alone.
fn bar(run: &UnitRun, from: f64, to: f64, hue: u32) -> impl IntoView + use<> {
    let took = wording::duration((run.end_ms - run.start_ms).max(1) as f64 / 1000.0);
    let (kind, unit) = (&run.kind, &run.unit);
    let (end, inset, told) = match run.end {
        RunEnd::Done => ("done", 5.0, words::unit_done(kind, unit, took)),
        RunEnd::Again => ("again", 0.5, words::unit_again(kind, unit, took)),
        RunEnd::Failed => ("failed", 0.5, words::unit_failed(kind, unit, took)),
        RunEnd::Stopped => ("stopped", 9.0, words::unit_stopped(kind, unit, took)),
    };
    view! {
        <rect data-end=end style=format!("--hue: {hue}")
            x=from y=LANE * f64::from(run.worker) + inset
            width=(to - from).max(0.8) height=LANE - 2.0 * inset>
            <title>{told}</title>
        </rect>
    }
}

fn running(run: &RunningUnit, from: f64, now: f64, hue: u32) -> impl IntoView + use<> {
    view! {
        <rect data-end="running" style=format!("--hue: {hue}")
            x=from y=LANE * f64::from(run.worker) + 5.0
            width=(now - from).max(0.8) height=LANE - 10.0/>
    }
}

fn hue(kinds: &[String], kind: &str) -> u32 {
    let index = kinds.iter().position(|k| k == kind).unwrap_or_default();
    HUES[index % HUES.len()]
}

/// `1: spectrum, 45 %, for 12 s`.
fn doing(now: &JobsSnapshot, worker: u32) -> String {
    match now.running.iter().find(|run| run.worker == worker) {
        None => words::idle(worker + 1),
        Some(run) => {
            let s = ((now.at_ms - run.start_ms).max(0) / 1000) as f64;
            let part = (run.fraction > 0.0)
                .then(|| words::percent(wording::trimmed(100.0 * run.fraction, 0)));
            let time = (s >= 1.0).then(|| wording::duration(s));
            let what: Vec<String> =
                [Some(run.kind.clone()), part, time].into_iter().flatten().collect();
            words::doing(worker + 1, what.join(", "))
        }
    }
}

/// The picture in words.
fn summary(now: &JobsSnapshot) -> String {
    let from = now.at_ms - SPAN_MS;
    let of = |end: RunEnd| now.runs.iter().filter(|r| r.end_ms > from && r.end == end).count();
    words::summary(now.workers, of(RunEnd::Done), of(RunEnd::Failed), of(RunEnd::Again))
}
