//! `?page=runs`: what was trained on the server's machine: a table that compares runs, and their curves.

mod chart;
mod curves;
mod live;
mod table;
mod watch;

use std::collections::BTreeSet;

use leptos::prelude::*;
use spyhop_api::run::{RunList, RunState};
use spyhop_words::pages::{names, runs as words};

use crate::commands::Action;
use crate::sentence::{PIECES, with_pieces};
use curves::Curves;
use table::Table;
use watch::Watched;

pub use live::Trainings;

/// Runs whose curves are shown before a person chooses.
const CHOSEN_AT_FIRST: usize = 3;

/// The page.
#[component]
pub fn RunsPage(act: Callback<Action>) -> impl IntoView {
    let watched = Watched::start(|_| true);
    let chosen = RwSignal::new(BTreeSet::<String>::new());
    let has_chosen = StoredValue::new(false);
    Effect::new(move |_| {
        let Some(list) = watched.list.get() else { return };
        if !has_chosen.get_value() && !list.runs.is_empty() {
            has_chosen.set_value(true);
            chosen.set(first_choice(&list));
        }
    });
    watched.follow(move || chosen.get());
    let is_empty = move || watched.list.with(|l| l.as_ref().is_some_and(|l| l.runs.is_empty()));
    view! {
        <div class="library runs" id="runs" aria-busy=move || watched.list.with(Option::is_none).to_string()>
            <div class="library-head">
                <h1>{words::TITLE}</h1>
                <span class="space"></span>
                <button on:click=move |_| act.run(Action::Models)>{names::MODELS}</button>
                <button on:click=move |_| act.run(Action::Jobs)>{names::JOBS}</button>
            </div>
            <p class="dim">{words::ABOUT}</p>
            {move || watched.failure.get().map(|error| view! {
                <p class="trouble" role="alert">
                    {error.message} " "
                    {(error.status == 401).then(|| view! {
                        <button on:click=move |_| act.run(Action::Token)>{words::ENTER_TOKEN}</button>
                    })}
                </p>
            })}
            <Show when=is_empty>
                <p id="runs-none">{none()}</p>
            </Show>
            <Show when=move || watched.list.with(|l| l.as_ref().is_some_and(|l| !l.runs.is_empty()))>
                <Table watched chosen/>
                <Curves watched chosen=move || chosen.get()/>
            </Show>
        </div>
    }
}

/// What is said where nothing was trained.
fn none() -> impl IntoView {
    let commands = [words::TRAIN, words::PRINT_CONFIG];
    let [train, print] = commands.map(|command| view! { <code>{command}</code> }.into_any());
    with_pieces(&words::none(PIECES[0], PIECES[1]), vec![train, print])
}

/// How a run stands, for a person.
fn state_in_words(state: RunState) -> &'static str {
    match state {
        RunState::Running => words::RUNNING,
        RunState::Done => words::DONE,
        RunState::Stopped => words::STOPPED,
        RunState::Interrupted => words::INTERRUPTED,
        RunState::Failed => words::FAILED,
        RunState::Gone => words::GONE,
    }
}

/// What is trained now, and the latest.
fn first_choice(list: &RunList) -> BTreeSet<String> {
    let runs = list.runs.iter().filter(|run| run.best_epoch > 0 || run.loss.is_some());
    runs.take(CHOSEN_AT_FIRST).map(|run| run.id.clone()).collect()
}
