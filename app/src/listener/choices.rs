//! What can be run in this tab over what is open: detectors, networks of the server, a network of the
//! person's own disk.

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::detection::{Chance, DetectorFit};
use spyhop_api::{HostedAdapter, HostedModel, ModelCard};
use spyhop_words::page::listener_choices as words;
use spyhop_workers::listening::{Answer, By, MOST_WEIGHT_BYTES, Order};

use super::network::{self, Chosen};
use super::{ask, run};
use crate::detect::{AdapterChoice, Heard, Offer, reset_with};
use crate::session::use_session;
use crate::{detect, files, server, wording};

/// What is chosen.
#[derive(Clone, PartialEq)]
enum Choice {
    Detector(String),
    /// By its name on the server.
    Hosted(String),
    OfDisk,
}

/// The form; what it starts shows itself in the panel.
#[component]
pub fn OnThisTab() -> impl IntoView {
    let session = use_session();
    let rate_hz = session.open.with_untracked(|o| o.as_ref().map(|o| o.line.sample_rate_hz));
    let fits = RwSignal::new(None::<Result<Vec<DetectorFit>, String>>);
    let hosted = RwSignal::new(Vec::<HostedModel>::new());
    let adapters = StoredValue::new(Vec::<HostedAdapter>::new());
    let adapter = RwSignal::new(String::new());
    let own = RwSignal::new_local(None::<(Chosen, ModelCard)>);
    let choice = RwSignal::new(None::<Choice>);
    let problem = RwSignal::new(None::<String>);
    let busy = RwSignal::new(None::<&'static str>);
    let rate_hz = rate_hz.unwrap_or_default();
    // Nobody has measured where the content of a file of this disk ends.
    let heard = Heard { rate_hz, content_end_hz: None };
    spawn_local(async move {
        let answer = ask(None, |job| Order::Fit { job, rate_hz }, Vec::new()).await;
        let answer = answer.map(|(answer, _)| match answer {
            Answer::Fits { detectors, .. } => detectors,
            _ => Vec::new(),
        });
        if let Ok(detectors) = &answer {
            let best = detectors.first().filter(|d| d.chance != Chance::None);
            // A network may have been chosen meanwhile.
            if let Some(None) = choice.try_get_untracked() {
                choice.set(best.map(|d| Choice::Detector(d.id.clone())));
            }
        }
        // The dialog may be closed by now.
        let _ = fits.try_set(Some(answer));
    });
    spawn_local(async move {
        // Where there is no server there are no networks of one.
        if let Ok(list) = server::models::list().await {
            let _ = adapters.try_set_value(list.adapters);
            let _ = hosted.try_set(list.models);
        }
    });
    reset_with(choice, adapter);
    let pick = move |_| {
        files::pick(true, "", move |files| {
            problem.try_set(None);
            match network::of_folder(&files) {
                Ok(chosen) => spawn_local(describe(chosen, heard, own, choice, problem, busy)),
                Err(why) => drop(problem.try_set(Some(why))),
            }
        });
    };
    let start = move || {
        let Some(chosen) = choice.get_untracked() else { return };
        if run::goes_on() {
            return problem.set(Some(words::DETECTS_ALREADY.to_owned()));
        }
        let (by, objects) = match chosen {
            Choice::Detector(word) => (By::Detector(word), Vec::new()),
            Choice::Hosted(name) => {
                let found =
                    hosted.with_untracked(|all| all.iter().find(|m| m.name == name).cloned());
                let Some(model) = found else { return };
                let name = adapter.get_untracked();
                let adapter =
                    adapters.with_value(|all| all.iter().find(|one| one.name == name).cloned());
                (By::Network(server::models::files_of(&model, adapter.as_ref())), Vec::new())
            }
            Choice::OfDisk => {
                let Some((chosen, _)) = own.get_untracked() else { return };
                (By::Network(chosen.network), chosen.objects)
            }
        };
        problem.set(None);
        busy.set(Some(words::LOADING));
        let refused = move |why| {
            // The dialog may be closed by now.
            let _ = problem.try_set(Some(why));
            let _ = busy.try_set(None);
        };
        if let Err(why) = run::begin(session, by, objects, refused) {
            refused(why);
        }
    };
    let is_chosen = move |of: Choice| choice.with(|c| c.as_ref() == Some(&of));
    let option = move |of: Choice, word: String, name: String, told: String, fits: bool| {
        let same = of.clone();
        view! {
            <label class="choice" class:dim=!fits>
                <input type="radio" name="detector" value=word disabled=!fits
                    prop:checked=move || is_chosen(same.clone())
                    on:change=move |_| choice.set(Some(of.clone()))/>
                <span><strong>{name}</strong><span class="dim">{told}</span></span>
            </label>
        }
    };
    let of_detector = move |d: DetectorFit| {
        let fits = d.chance != Chance::None;
        option(Choice::Detector(d.id.clone()), d.id, d.name, d.sentence, fits)
    };
    let those = move |fitting: bool| {
        let all = fits.get().and_then(Result::ok).unwrap_or_default();
        all.into_iter().filter(move |d| (d.chance != Chance::None) == fitting)
    };
    let detectors = move || {
        detect::focus_on_best();
        view! {
            <fieldset id="detectors">
                <legend>{words::for_these(wording::hertz(rate_hz))}</legend>
                {those(true).map(of_detector).collect_view()}
            </fieldset>
        }
    };
    let misfits = move || {
        let others: Vec<DetectorFit> = those(false).collect();
        (!others.is_empty()).then(|| {
            view! {
                <fieldset id="misfits">
                    <legend>{words::NOT_FOR_THESE}</legend>
                    {others.into_iter().map(of_detector).collect_view()}
                </fieldset>
            }
        })
    };
    let networks = move || {
        let of_server = hosted.get().into_iter().map(|model| {
            let bytes: u64 = model.files.iter().map(|file| file.bytes).sum();
            let offer = match Offer::of(&model, heard) {
                offer if offer.can_be_chosen() && bytes > MOST_WEIGHT_BYTES => {
                    Offer::Not(words::too_large(wording::bytes(bytes)))
                }
                Offer::Fits(hears) => Offer::Fits(words::of_server(hears, wording::bytes(bytes))),
                offer => offer,
            };
            let called = model.card.map_or_else(|| model.name.clone(), |card| card.name);
            let of = Choice::Hosted(model.name.clone());
            let (same, offered) = (of.clone(), model.adapters);
            let with = move || {
                is_chosen(same.clone()).then(|| {
                    view! { <AdapterChoice adapters=offered.clone() chosen=adapter/> }
                })
            };
            let told = offer.told().to_owned();
            let option = option(of, model.name, called, told, offer.can_be_chosen());
            view! { {option} {with} }
        });
        let of_server = of_server.collect_view();
        let of_disk = own.get().map(|(chosen, card)| {
            let folder = chosen.network.name;
            let offer = match Offer::of_card(&folder, &card, heard) {
                Offer::Fits(hears) => Offer::Fits(words::of_disk(hears, folder)),
                offer => offer,
            };
            let (told, fits) = (offer.told().to_owned(), offer.can_be_chosen());
            option(Choice::OfDisk, "own".into(), card.name.clone(), told, fits)
        });
        view! { {of_server} {of_disk} }
    };
    view! {
        <form id="on-this-tab" on:submit=move |ev| { ev.prevent_default(); start() }>
            <p>{words::ABOUT}</p>
            {move || match fits.get() {
                None => view! { <p class="dim" role="status">{words::LOADING_DETECTORS}</p> }.into_any(),
                Some(Err(why)) => view! { <p class="warned" role="alert">{why}</p> }.into_any(),
                Some(Ok(_)) => detectors().into_any(),
            }}
            <fieldset>
                <legend>{words::NETWORKS}</legend>
                {networks}
                <button type="button" id="pick-model" on:click=pick>{words::CHOOSE_FOLDER}</button>
            </fieldset>
            {misfits}
            {move || busy.get().map(|what| view! { <p class="dim" role="status">{what}</p> })}
            {move || problem.get().map(|why| view! {
                <p id="detect-problem" class="warned" role="alert">{why}</p>
            })}
            <p class="dim">{words::FOUND_IS_CANDIDATE}</p>
            <div class="buttons">
                <button id="detect-start" type="submit" class="primary"
                    disabled=move || busy.get().is_some() || choice.with(Option::is_none)>{words::START}</button>
            </div>
        </form>
    }
}

/// Opens a network of the disk once, to see what it is.
async fn describe(
    chosen: Chosen,
    heard: Heard,
    own: RwSignal<Option<(Chosen, ModelCard)>, LocalStorage>,
    choice: RwSignal<Option<Choice>>,
    problem: RwSignal<Option<String>>,
    busy: RwSignal<Option<&'static str>>,
) {
    let _ = busy.try_set(Some(words::OPENING));
    let (network, objects) = (chosen.network.clone(), chosen.objects.clone());
    let answer = ask(None, |job| Order::Describe { job, network }, objects).await;
    let _ = busy.try_set(None);
    // The dialog may be closed by now.
    match answer {
        Ok((Answer::Card { card, .. }, _)) => {
            let fits = Offer::of_card(&chosen.network.name, &card, heard).can_be_chosen();
            let _ = own.try_set(Some((chosen, *card)));
            // One that does not fit is shown with the reason; another of the disk may have been chosen.
            let is_of_disk = choice.try_get_untracked().flatten() == Some(Choice::OfDisk);
            if fits || is_of_disk {
                let _ = choice.try_set(fits.then_some(Choice::OfDisk));
            }
        }
        Ok(_) => {}
        Err(why) => drop(problem.try_set(Some(why))),
    }
}
