//! `?page=library`: the deployments of the server, and one of them with its recordings.

mod answers;
mod deployment_page;
mod entry;
mod facts;
mod quality_fact;
mod recordings;
mod strip;
mod strip_view;

pub use deployment_page::DeploymentPage;

use leptos::prelude::*;
use spyhop_api::Deployment;
use spyhop_words::pages::{library as words, names};

use crate::commands::Action;
use crate::link;
use crate::pages::ServerPage;
use crate::server::catalogue;
use crate::wording;
pub use answers::ask_for;
use answers::{ask_again_while, when_rested};
use entry::Entry;
use quality_fact::Qualities;

/// All deployments, or those in which the words are found.
#[component]
pub fn LibraryPage(search: String, act: Callback<Action>) -> impl IntoView {
    let words = RwSignal::new(search.clone());
    let asked =
        ask_for(move || words.get(), |words| async move { catalogue::deployments(&words).await });
    provide_context(Qualities::ask());
    let list = move || asked.answer.get().unwrap_or_default();
    ask_again_while(asked, |list: &Vec<Deployment>| list.iter().any(|d| d.unread_count > 0));
    let search_for = move |text: String| {
        link::amend_page(&ServerPage::Library { search: text.clone() });
        words.set(text);
    };
    let typed = when_rested(search_for);
    let field = NodeRef::<leptos::html::Input>::new();
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if let Some(field) = field.get() {
            search_for(field.value());
        }
    };
    let is_empty = move || asked.answer.with(|a| a.as_ref().is_some_and(Vec::is_empty));
    view! {
        <div class="library" id="library" aria-busy=move || asked.waiting.get().to_string()>
            <div class="library-head">
                <h1>{names::LIBRARY}</h1>
                <form role="search" on:submit=submit>
                    <input id="library-search" type="search" node_ref=field prop:value=search
                        aria-label=words::SEARCH_LABEL
                        placeholder=words::SEARCH_HINT
                        on:input=move |ev| typed(event_target_value(&ev))/>
                </form>
                <span class="space"></span>
                <button id="library-token" title=words::ABOUT_ADMINISTRATOR
                    on:click=move |_| act.run(Action::Token)>{words::ADMINISTRATOR}</button>
                <button id="library-models" title=words::ABOUT_MODELS
                    on:click=move |_| act.run(Action::Models)>{names::MODELS}</button>
                <button id="library-jobs" on:click=move |_| act.run(Action::Jobs)>{names::JOBS}</button>
            </div>
            <p class="dim" id="library-count" role="status">
                {move || asked.answer.with(|a| a.as_ref().map(|list| sum(list, &words.get())))}
            </p>
            {move || asked.failure.get().map(|why| view! { <p class="trouble" role="alert">{why}</p> })}
            <ul class="deployments">
                <For each=list key=version let:deployment>
                    <Entry deployment/>
                </For>
            </ul>
            <Show when=move || is_empty() && words.with(String::is_empty)>
                <p>{words::NONE}</p>
            </Show>
            <Show when=move || is_empty() && !words.with(String::is_empty)>
                <p>{words::NOTHING_FOUND}</p>
            </Show>
        </div>
    }
}

/// What must change for a deployment to be shown anew.
fn version(d: &Deployment) -> impl Eq + std::hash::Hash + use<> {
    let counts = (d.recording_count, d.unread_count, d.bad_count, d.bytes);
    (d.id.clone(), d.name.clone(), counts, d.start, d.end)
}

/// `3 deployments with “right whale”: 720 recordings, 12.3 GB, 2.5 days of sound`.
fn sum(list: &[Deployment], searched: &str) -> String {
    let found = match searched.trim() {
        "" => words::deployments(list.len()),
        searched => words::deployments_with(list.len(), searched),
    };
    if list.is_empty() {
        return found;
    }
    let recordings: usize = list.iter().map(|d| d.recording_count).sum();
    let bytes = list.iter().fold(0u64, |sum, d| sum.saturating_add(d.bytes));
    let recorded_s: f64 = list.iter().map(|d| d.recorded_s).sum();
    words::sum(
        found,
        wording::recordings(recordings),
        wording::bytes(bytes),
        wording::duration(recorded_s),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_a_search_says_what_was_searched() {
        let d =
            Deployment { recording_count: 2, bytes: 1500, recorded_s: 30.0, ..Default::default() };
        assert_eq!(
            sum(&[d.clone(), d], " right whale"),
            "2 deployments with “right whale”: 4 recordings, 3 kB, 1 min of sound"
        );
        assert_eq!(sum(&[], "x"), "0 deployments with “x”");
    }
}
