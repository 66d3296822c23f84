//! `?page=runs`: what was trained on the server's machine: a table that compares runs, and their curves.

mod chart;
mod curves;
mod live;
mod table;
mod watch;

use std::collections::BTreeSet;

use leptos::prelude::*;
use spyhop_api::run::RunList;

use crate::commands::Action;
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
                <h1>"Runs of training"</h1>
                <span class="space"></span>
                <button on:click=move |_| act.run(Action::Models)>"Models"</button>
                <button on:click=move |_| act.run(Action::Jobs)>"Jobs"</button>
            </div>
            <p class="dim">
                "Every training of this machine; failed and poor ones stay. The figures are of the \
                 validation part, at the best epoch; all columns of settings are those in which runs differ."
            </p>
            {move || watched.failure.get().map(|error| view! {
                <p class="trouble" role="alert">
                    {error.message} " "
                    {(error.status == 401).then(|| view! {
                        <button on:click=move |_| act.run(Action::Token)>"Enter the token"</button>
                    })}
                </p>
            })}
            <Show when=is_empty>
                <p id="runs-none">
                    "Nothing was trained on this machine yet. "<code>"spyhop train --config FILE"</code>
                    " makes a run, and "<code>"spyhop train --print-config"</code>
                    " prints a configuration with every key explained. Runs of another state folder are \
                     listed by a server of that folder."
                </p>
            </Show>
            <Show when=move || watched.list.with(|l| l.as_ref().is_some_and(|l| !l.runs.is_empty()))>
                <Table watched chosen/>
                <Curves watched chosen=move || chosen.get()/>
            </Show>
        </div>
    }
}

/// What is trained now, and the latest.
fn first_choice(list: &RunList) -> BTreeSet<String> {
    let runs = list.runs.iter().filter(|run| run.best_epoch > 0 || run.loss.is_some());
    runs.take(CHOSEN_AT_FIRST).map(|run| run.id.clone()).collect()
}
