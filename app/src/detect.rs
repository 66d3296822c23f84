//! The dialog that runs a detector or a network over what is open.

mod adapter;
mod offer;

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::HostedModel;
use spyhop_api::detection::{Chance, DetectionRequest, DetectorFit, DetectorList};
use spyhop_signal::detect::fit::content_end_hz;
use spyhop_words::calls::detect as words;
use web_sys::wasm_bindgen::JsCast;

use crate::dialogs::Shade;
use crate::listener::OnThisTab;
use crate::server::{ServerError, detections, models};
use crate::session::{Dialog, Tab, use_session};
use crate::{administrator, wording};

pub use adapter::{AdapterChoice, reset_with};
pub use offer::{Heard, Offer};

/// What can be run.
#[derive(Clone, Debug, PartialEq)]
enum Choice {
    Detector(String),
    Network(String),
}

/// The dialog.
#[component]
pub fn Detect() -> impl IntoView {
    let session = use_session();
    let deployment = session
        .open
        .with_untracked(|o| o.as_ref().and_then(|o| o.deployment.as_ref().map(|d| d.id.clone())));
    view! {
        <Shade label=words::TITLE id="detect">
            <h2>{words::TITLE}</h2>
            {match deployment {
                Some(id) => view! { <OnServer id/> }.into_any(),
                None => view! { <OnThisTab/> }.into_any(),
            }}
        </Shade>
    }
}

/// Detectors and networks of the server, those that fit first.
#[component]
fn OnServer(id: String) -> impl IntoView {
    let session = use_session();
    let known = RwSignal::new(None::<Result<DetectorList, ServerError>>);
    let choice = RwSignal::new(None::<Choice>);
    let hosted = RwSignal::new(Vec::<HostedModel>::new());
    let adapter = RwSignal::new(String::new());
    let config = RwSignal::new(String::new());
    let problem = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let asked = id.clone();
    spawn_local(async move {
        let answer = detections::detectors(&asked).await;
        if let Ok(list) = &answer {
            let best = list.detectors.first().filter(|d| d.chance != Chance::None);
            choice.try_set(best.map(|d| Choice::Detector(d.id.clone())));
        }
        // The dialog may be closed by now.
        let _ = known.try_set(Some(answer));
    });
    spawn_local(async move {
        // Each network is opened once for this: who wants a detector does not wait for it. Where it can't
        // be told, networks are offered as they are.
        if let Ok(list) = models::list().await {
            let _ = hosted.try_set(list.models);
        }
    });
    reset_with(choice, adapter);
    let start = move || {
        let Some(chosen) = choice.get_untracked() else { return };
        let (detector, model) = match chosen {
            Choice::Detector(word) => (Some(word), None),
            Choice::Network(name) => (None, Some(name)),
        };
        let adapter = Some(adapter.get_untracked()).filter(|name| !name.is_empty());
        let channel = session.view.with_untracked(|v| v.channel);
        let config = config.get_untracked();
        let wanted = DetectionRequest { detector, model, adapter, channel, config };
        let id = id.clone();
        busy.set(true);
        problem.set(None);
        spawn_local(async move {
            match detections::start(&id, &wanted).await {
                Ok(run) => {
                    session.calls.started(run);
                    session.prefs.panel.set(true);
                    session.tab.set(Tab::Calls);
                    session.dialog.set(Dialog::None);
                }
                Err(error) if error.status == 401 => {
                    session.dialog.set(Dialog::None);
                    administrator::refused(session, &error);
                }
                Err(error) => {
                    // The dialog may be closed by now.
                    let _ = problem.try_set(Some(error.message));
                    let _ = busy.try_set(false);
                }
            }
        });
    };
    view! {
        <form on:submit=move |ev| { ev.prevent_default(); start() }>
            {move || match known.get() {
                None => view! { <p class="dim" role="status">{words::ASKING}</p> }.into_any(),
                Some(Err(error)) => view! { <p class="warned" role="alert">{error.message}</p> }.into_any(),
                Some(Ok(list)) => view! { <Choices list choice hosted adapter/> }.into_any(),
            }}
            <details>
                <summary>{words::SETTINGS}</summary>
                <label class="stack">
                    <span class="dim">{words::SETTINGS_AS}" "
                        <code>{words::SETTINGS_COMMAND}</code>" "{words::SETTINGS_LISTS}</span>
                    <textarea id="detect-config" rows="4" spellcheck="false"
                        on:input=move |ev| config.set(event_target_value(&ev))></textarea>
                </label>
            </details>
            {move || problem.get().map(|why| view! { <p id="detect-problem" class="warned" role="alert">{why}</p> })}
            <p class="dim">{words::WHAT_FOLLOWS}</p>
            <div class="buttons">
                <button id="detect-start" type="submit" class="primary"
                    disabled=move || busy.get() || choice.with(Option::is_none)>{words::START}</button>
            </div>
        </form>
    }
}

#[component]
fn Choices(
    list: DetectorList,
    choice: RwSignal<Option<Choice>>,
    hosted: RwSignal<Vec<HostedModel>>,
    adapter: RwSignal<String>,
) -> impl IntoView {
    let Some(rate_hz) = list.sample_rate_hz else {
        return view! { <p class="warned">{words::NO_RECORDING}</p> }.into_any();
    };
    let session = use_session();
    let heard = Memo::new(move |_| {
        let content_end_hz = session.quality.with(|quality| content_end_hz(&quality.known));
        Heard { rate_hz, content_end_hz }
    });
    // `None` until it is known whether a network fits.
    let offer_of = move |name: &str| {
        let of = |model: &HostedModel| Offer::of(model, heard.get());
        hosted.with(|all| all.iter().find(|model| model.name == name).map(of))
    };
    Effect::new(move |_| {
        let is_unfit = |of: &Choice| match of {
            Choice::Network(name) => offer_of(name).is_some_and(|offer| !offer.can_be_chosen()),
            Choice::Detector(_) => false,
        };
        if choice.with(|choice| choice.as_ref().is_some_and(is_unfit)) {
            choice.set(None);
        }
    });
    let (fitting, others): (Vec<_>, Vec<_>) =
        list.detectors.into_iter().partition(|d| d.chance != Chance::None);
    let option = move |of: Choice, name: String, told: Signal<String>, fits: Signal<bool>| {
        let word = match &of {
            Choice::Detector(word) | Choice::Network(word) => word.clone(),
        };
        let is_chosen = of.clone();
        view! {
            <label class="choice" class:dim=move || !fits.get()>
                <input type="radio" name="detector" value=word disabled=move || !fits.get()
                    prop:checked=move || choice.with(|c| c.as_ref() == Some(&is_chosen))
                    on:change=move |_| choice.set(Some(of.clone()))/>
                <span><strong>{name}</strong><span class="dim">{move || told.get()}</span></span>
            </label>
        }
    };
    let of_detector = move |d: DetectorFit, fits: bool| {
        let (told, fits) = (Signal::stored(d.sentence), Signal::stored(fits));
        option(Choice::Detector(d.id), d.name, told, fits)
    };
    let others = others.into_iter().map(|d| of_detector(d, false)).collect_view();
    let networks = list.models.into_iter().map(|name| {
        let of = Choice::Network(name.clone());
        let (itself, asked) = (of.clone(), name.clone());
        let offer = {
            let name = name.clone();
            Memo::new(move |_| offer_of(&name))
        };
        let told = Signal::derive(move || {
            offer.with(|offer| offer.as_ref().map_or(words::NETWORK, Offer::told).to_owned())
        });
        let fits = Signal::derive(move || {
            offer.with(|offer| offer.as_ref().is_none_or(Offer::can_be_chosen))
        });
        let with = move || {
            let is_chosen = choice.with(|choice| choice.as_ref() == Some(&itself));
            let going = hosted.with(|all| {
                let model = all.iter().find(|model| model.name == asked);
                model.map(|model| model.adapters.clone())
            });
            let going = going.filter(|_| is_chosen);
            going.map(|adapters| view! { <AdapterChoice adapters chosen=adapter/> })
        };
        view! { {option(of, name, told, fits)} {with} }
    });
    let networks = networks.collect::<Vec<_>>();
    focus_on_best();
    view! {
        <fieldset id="detectors">
            <legend>{words::fitting(wording::hertz(rate_hz))}</legend>
            {fitting.into_iter().map(|d| of_detector(d, true)).collect_view()}
        </fieldset>
        {(!networks.is_empty()).then(|| view! {
            <fieldset><legend>{words::NETWORKS}</legend>{networks}</fieldset>
        })}
        {(!others.is_empty()).then(|| view! {
            <fieldset id="misfits"><legend>{words::MISFITS}</legend>{others}</fieldset>
        })}
    }
    .into_any()
}

/// Gives the focus to what is chosen: Enter starts it, arrows choose another.
pub fn focus_on_best() {
    request_animation_frame(|| {
        let best = document().query_selector("#detect input:checked").ok().flatten();
        if let Some(best) = best.and_then(|input| input.dyn_into::<web_sys::HtmlElement>().ok()) {
            // An input that is on the page takes the focus.
            let _ = best.focus();
        }
    });
}
