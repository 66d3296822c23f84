//! The panel beside the picture: settings, labels, what was heard, measures, and what is known of the
//! recordings.

mod calls;
mod info;
mod labels;
mod level_chart;
mod level_files;
mod levels;
mod measure;
mod presets;
mod reading;
mod settings;
mod slice_plot;
mod transcript;

use leptos::prelude::*;
use spyhop_words::panel::tabs as words;

use crate::commands::Action;
use crate::parts;
use crate::session::{Tab, use_session};

const TABS: [(Tab, &str, &str); 7] = [
    (Tab::View, words::VIEW, "view"),
    (Tab::Labels, words::LABELS, "labels"),
    (Tab::Calls, words::CALLS, "calls"),
    (Tab::Transcript, words::HEARD, "transcript"),
    (Tab::Measure, words::MEASURE, "measure"),
    (Tab::Levels, words::LEVELS, "levels"),
    (Tab::Info, words::INFO, "info"),
];

/// The panel with its tabs, once `furnished` says that there is time for it.
#[component]
pub fn Panel(act: Callback<Action>, furnished: RwSignal<bool>) -> impl IntoView {
    let session = use_session();
    let button = move |(tab, name, id)| {
        view! {
            <button
                role="tab" data-tab=id aria-controls="panel-page"
                aria-selected=move || (session.tab.get() == tab).to_string()
                on:click=move |_| session.tab.set(tab)
            >{name}{move || count_of(tab)}</button>
        }
    };
    view! {
        <Show when=move || furnished.get() && session.prefs.panel.get()>
            <aside id="panel" class="panel" aria-label=words::PANEL>
                <div class="tabs">
                    <div role="tablist" aria-label=words::PANEL>{TABS.map(button)}</div>
                    <button class="icon fold" aria-label=words::FOLD
                        on:click=move |_| act.run(Action::TogglePanel)
                    >"×"</button>
                </div>
                <div id="panel-page" role="tabpanel" tabindex="0">
                    {move || parts::tab(session.tab.get(), act)}
                </div>
            </aside>
        </Show>
    }
}

/// What a tab shows.
pub fn page(tab: Tab, act: Callback<Action>) -> AnyView {
    match tab {
        Tab::View => view! { <settings::Settings act/> }.into_any(),
        Tab::Labels => view! { <labels::LabelTable act/> }.into_any(),
        Tab::Calls => view! { <calls::CallPanel act/> }.into_any(),
        Tab::Transcript => view! { <transcript::Transcript/> }.into_any(),
        Tab::Measure => view! { <measure::Measures/> }.into_any(),
        Tab::Levels => view! { <levels::LevelPanel/> }.into_any(),
        Tab::Info => view! { <info::Info/> }.into_any(),
    }
}

/// How many labels or warnings a tab holds.
fn count_of(tab: Tab) -> Option<String> {
    let session = use_session();
    let count = match tab {
        Tab::Labels => session.labels.all.with(Vec::len),
        Tab::Info => session.open.with(|o| {
            o.as_ref().map_or(0, |o| {
                o.left_out.len() + o.infos.iter().map(|i| i.warnings.len()).sum::<usize>()
            })
        }),
        _ => 0,
    };
    (count > 0).then(|| format!(" {count}"))
}
