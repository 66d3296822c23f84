//! The tab of candidates: which run, its thresholds, the candidate that is looked at, and the table.

mod chosen;
mod missed;
mod table;
mod threshold;
mod thumbnail;
mod why;

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::detection::DetectionRun;
use spyhop_words::calls::runs as words;

use crate::calls::{self, LocalProgress};
use crate::commands::Action;
use crate::pages::in_words;
use crate::server::{self, Wish};
use crate::session::{Session, use_session};
use crate::{administrator, wording};

/// The tab.
#[component]
pub fn CallPanel(act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    let shown = Memo::new(move |_| session.calls.run.with(Option::is_some));
    view! {
        <div data-tab-page="calls" class="tab-page" id="calls">
            <Runs act/>
            <Show when=move || shown.get()>
                <threshold::Threshold/>
                <chosen::Chosen act/>
                <missed::Missed/>
                <table::Table/>
            </Show>
        </div>
    }
}

/// The runs there are, and how the one that is shown goes on.
#[component]
fn Runs(act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    let calls = session.calls;
    let names = Memo::new(move |_| {
        calls.runs.with(|runs| runs.iter().map(|r| (r.id, title(r))).collect::<Vec<_>>())
    });
    let shown = Memo::new(move |_| calls.run.with(|run| run.as_ref().map(|run| run.id)));
    view! {
        <fieldset>
            <div class="row">
                <button id="detect-button" class="primary" title=words::DETECT_TITLE
                    on:click=move |_| act.run(Action::Detect)>{words::DETECT}</button>
                <select id="run" aria-label=words::SHOWN
                    on:change=move |ev| calls.show(event_target_value(&ev).parse().ok())>
                    <option value="" prop:selected=move || shown.get().is_none()>{words::NONE_SHOWN}</option>
                    {move || names.get().into_iter().map(|(id, name)| view! {
                        <option value=id.to_string() prop:selected=move || shown.get() == Some(id)>{name}</option>
                    }).collect_view()}
                </select>
            </div>
            <Show when=move || names.with(Vec::is_empty)>
                <p class="dim">{words::NOTHING}</p>
            </Show>
            <Show when=move || shown.get().is_some()><HowFar/></Show>
        </fieldset>
    }
}

/// `Dolphin whistles, 2026-03-29 12:15`: the same detector may have run by other settings.
fn title(run: &DetectionRun) -> String {
    let at = run.created.to_iso().get(..16).unwrap_or_default().replace('T', " ");
    format!("{}, {at}", run.title)
}

/// How far the run is that is shown, and what it could not hear.
#[component]
fn HowFar() -> impl IntoView {
    let session = use_session();
    let calls = session.calls;
    let of_run = move |tell: fn(&DetectionRun) -> String| {
        calls.run.with(|run| run.as_ref().map(tell).unwrap_or_default())
    };
    let local = Memo::new(move |_| {
        let shown = calls.run.with(|run| run.as_ref().map(|run| run.id));
        let all = calls.local_progress.get();
        all.into_iter().find(|(run, now)| Some(*run) == shown && !now.is_over)
    });
    let fraction = move || match local.get() {
        Some((_, now)) => now.fraction,
        None => {
            calls.run.with(|r| r.as_ref()?.job.as_ref().map(|j| j.fraction)).unwrap_or_default()
        }
    };
    let goes_on = Memo::new(move |_| {
        local.get().is_some() || calls.run.with(|run| run.as_ref().is_some_and(calls::goes_on))
    });
    let words = move || match local.get() {
        Some((_, now)) => local_words(&now),
        None => of_run(|run| run.job.as_ref().map(in_words).unwrap_or_default()),
    };
    let give_up = move || match local.get_untracked() {
        Some((run, _)) => {
            if let Some(give_up) = calls.cancel_local.get_value() {
                give_up.run(run);
            }
        }
        None => {
            let job = calls.run.with_untracked(|run| Some(run.as_ref()?.job.as_ref()?.id));
            if let Some(job) = job {
                cancel(session, job);
            }
        }
    };
    let problems = Memo::new(move |_| {
        calls.run.with(|run| run.as_ref().map(|run| run.problems.clone()).unwrap_or_default())
    });
    view! {
        <p class="dim" id="run-told">{move || of_run(told)}</p>
        <Show when=move || goes_on.get()>
            <progress id="run-progress" max="1" prop:value=fraction aria-label=words::PROGRESS></progress>
            <p class="row"><span class="grow">{words}</span>
                <button id="run-cancel" on:click=move |_| give_up()>{words::CANCEL}</button></p>
        </Show>
        {move || {
            let problems = problems.get();
            (!problems.is_empty()).then(|| view! {
                <details class="warned">
                    <summary>{words::problems(problems.len())}</summary>
                    <ul>{problems.into_iter().map(|problem| view! { <li>{problem}</li> }).collect_view()}</ul>
                </details>
            })
        }}
    }
}

fn told(run: &DetectionRun) -> String {
    let (found, channel) = (run.candidates as usize, run.channel + 1);
    match calls::goes_on(run) {
        true => words::kept_so_far(found, run.reviewed, channel),
        false => words::kept(found, run.reviewed, channel),
    }
}

/// `in this tab, ×12.5 of real time · 40 s left`.
fn local_words(now: &LocalProgress) -> String {
    let speed = wording::trimmed(now.speed, 1);
    match now.time_left_s {
        Some(left) => words::in_tab_left(speed, wording::duration(left.ceil())),
        None => words::in_tab(speed),
    }
}

fn cancel(session: Session, job: i64) {
    spawn_local(async move {
        if let Err(error) = server::wish(job, &Wish::Cancel).await {
            administrator::refused(session, &error);
        }
    });
}
