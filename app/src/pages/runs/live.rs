//! Training that goes on now, beside the server's own long work.

use std::collections::BTreeSet;

use leptos::prelude::*;
use spyhop_api::run::{RunState, RunSummary};
use spyhop_words::pages::trainings as words;

use super::chart::{Chart, Drawn, Line};
use super::watch::Watched;
use crate::commands::Action;
use crate::wording;

/// The figures that tell how it goes.
const FIGURES: [&str; 2] = ["loss/batch", "ap/val"];

/// What is trained on this machine now; nothing where nothing is.
#[component]
pub fn Trainings(act: Callback<Action>) -> impl IntoView {
    let watched = Watched::start(|run| run.state == RunState::Running);
    let ids = Memo::new(move |_| {
        let runs = watched.list.with(|l| l.as_ref().map(|l| l.runs.clone()));
        runs.unwrap_or_default().into_iter().map(|run| run.id).collect::<Vec<_>>()
    });
    watched.follow(move || ids.get().into_iter().collect::<BTreeSet<_>>());
    view! {
        <section class="trainings" aria-labelledby="trainings-title" id="trainings">
            <div class="job-head">
                <h2 id="trainings-title">{words::TITLE}</h2>
                <span class="space"></span>
                <button id="to-runs" on:click=move |_| act.run(Action::Runs)>{words::ALL_RUNS}</button>
            </div>
            <Show when=move || watched.failure.with(Option::is_none) && ids.with(Vec::is_empty)>
                <p class="dim">{words::NONE}</p>
            </Show>
            {move || watched.failure.get().filter(|error| error.status == 401).map(|error| view! {
                <p class="dim">{error.message}</p>
            })}
            <ul class="job-list">
                <For each=move || ids.get() key=|id| id.clone() let:id>
                    <Training id watched/>
                </For>
            </ul>
        </section>
    }
}

#[component]
fn Training(id: String, watched: Watched) -> impl IntoView {
    let of = id.clone();
    let run = Memo::new(move |_| watched.run(&of));
    let told = move |tell: fn(&RunSummary) -> String| run.with(|r| r.as_ref().map(tell));
    let name = move || told(|run| run.name.clone()).unwrap_or_default();
    let charts = FIGURES.map(|figure| {
        let of = id.clone();
        let curves = Memo::new(move |_| {
            watched
                .details
                .with(|details| {
                    let curve =
                        details.get(&of)?.curves.iter().find(|curve| curve.name == figure)?;
                    let (steps, values) = (curve.steps.clone(), curve.values.clone());
                    Some(vec![Drawn { name: figure.to_owned(), line: Line::of(0), steps, values }])
                })
                .unwrap_or_default()
        });
        view! {
            <Show when=move || !curves.with(Vec::is_empty)>
                <Chart title=figure.to_owned() curves/>
            </Show>
        }
    });
    view! {
        <li data-training=id>
            <div class="job-head">
                <h3>{name}</h3>
                <span class="job-state">{words::TRAINING}</span>
            </div>
            <progress max="1" aria-label=move || words::progress_of(name())
                prop:value=move || run.with(|r| r.as_ref().map_or(0.0, RunSummary::fraction))></progress>
            <p class="dim" data-fact="goes">{move || told(in_words)}</p>
            <div class="charts">{charts.into_iter().collect_view()}</div>
        </li>
    }
}

/// `epoch 3 of 20 · loss 0.1234 · rate 4.0e-4 · 120 windows/s · 3 min left at most`.
fn in_words(run: &RunSummary) -> String {
    if run.epoch == 0 {
        return words::BEING_LISTENED_TO.to_owned();
    }
    let mut told = vec![words::epoch(run.epoch, run.epochs)];
    told.extend(run.loss.map(|loss| words::loss(format!("{loss:.4}"))));
    told.extend(run.rate.map(|rate| words::rate(format!("{rate:.1e}"))));
    told.extend(run.windows_per_s.map(|speed| words::windows_per_s(wording::trimmed(speed, 1))));
    told.extend(run.left_s.map(|left| words::time_left(wording::duration(left.ceil()))));
    told.join(" · ")
}
