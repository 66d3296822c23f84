//! The way from a model to a detection: over which deployment it is to run.

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::Deployment;
use spyhop_api::detection::DetectionRequest;
use spyhop_api::view::ShownCalls;
use spyhop_words::pages::detect_with as words;

use crate::detect::AdapterChoice;
use crate::server::{catalogue, detections};
use crate::session::use_session;
use crate::{administrator, open};

/// The deployments to choose from; a copy is a handle.
#[derive(Clone, Copy)]
pub struct Deployments(RwSignal<Option<Result<Vec<Deployment>, String>>>);

impl Deployments {
    /// Asks the server for them.
    pub fn ask() -> Deployments {
        let known = RwSignal::new(None);
        spawn_local(async move {
            let answer = catalogue::deployments("").await;
            // The page may have gone by now.
            let _ = known.try_set(Some(answer));
        });
        Deployments(known)
    }
}

/// A form that starts a detector or a network, with an adapter where `adapters` names some.
#[component]
pub fn DetectWith(what: String, wanted: DetectionRequest, adapters: Vec<String>) -> impl IntoView {
    let session = use_session();
    let Deployments(deployments) = expect_context::<Deployments>();
    let chosen = RwSignal::new(None::<String>);
    let adapter = RwSignal::new(String::new());
    let problem = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let all = move || deployments.get().and_then(Result::ok).unwrap_or_default();
    let of_choice = move || {
        let all = all();
        let id = chosen.get();
        all.iter().find(|d| Some(&d.id) == id.as_ref()).or(all.first()).cloned()
    };
    let start = move || {
        let Some(deployment) = untrack(of_choice) else { return };
        let adapter = Some(adapter.get_untracked()).filter(|name| !name.is_empty());
        let wanted = DetectionRequest { adapter, ..wanted.clone() };
        busy.set(true);
        problem.set(None);
        spawn_local(async move {
            let outcome = detections::start(&deployment.id, &wanted).await;
            let _ = busy.try_set(false);
            match outcome {
                Ok(run) => {
                    let mut view = open::best_view(&deployment);
                    view.calls = Some(ShownCalls { run: run.id, thresholds: Vec::new() });
                    open::view(session, view);
                }
                Err(error) if error.status == 401 => administrator::refused(session, &error),
                // The page may have gone by now.
                Err(error) => drop(problem.try_set(Some(error.message))),
            }
        });
    };
    let label = words::over_which(&what);
    view! {
        <details class="detect-with">
            <summary>
                <span class="visually-hidden">{words::with_what(&what)}</span>
                <span aria-hidden="true">{words::WITH_THIS}</span>
            </summary>
            <form on:submit=move |ev| { ev.prevent_default(); start() }>
                <select aria-label=label
                    on:change=move |ev| chosen.set(Some(event_target_value(&ev)))>
                    <For each=all key=|d| d.id.clone() let:d>
                        <option value=d.id.clone()>{d.name.clone()}</option>
                    </For>
                </select>
                <AdapterChoice adapters chosen=adapter/>
                <button type="submit" class="primary"
                    disabled=move || busy.get() || of_choice().is_none()>{words::START}</button>
            </form>
            {move || match deployments.get() {
                Some(Err(why)) => Some(why),
                Some(Ok(all)) if all.is_empty() => Some(words::NO_DEPLOYMENTS.to_owned()),
                _ => None,
            }.map(|why| view! { <p class="dim">{why}</p> })}
            {move || problem.get().map(|why| view! { <p class="trouble" role="alert">{why}</p> })}
        </details>
    }
}
