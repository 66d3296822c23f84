//! `?page=models`: what the server has to detect with: networks with their cards, adapters, and the
//! detectors that need no training.

mod facts;
mod start;

use leptos::prelude::*;
use spyhop_api::detection::DetectionRequest;
use spyhop_api::{DetectorCard, HostedAdapter, HostedModel, ModelClass, ModelList};
use spyhop_words::pages::{models as words, names};

use super::library::ask_for;
use crate::commands::Action;
use crate::sentence::{PIECES, with_pieces};
use crate::server::models;
use start::{Deployments, DetectWith};

/// Classes that are shown before a person asks for all.
const MOST_CLASSES: usize = 8;

/// The page.
#[component]
pub fn ModelsPage(act: Callback<Action>) -> impl IntoView {
    let asked = ask_for(|| (), |()| models::list());
    provide_context(Deployments::ask());
    let list = move || asked.answer.get();
    view! {
        <div class="library models" id="models" aria-busy=move || asked.waiting.get().to_string()>
            <div class="library-head">
                <h1>{words::TITLE}</h1>
                <span class="space"></span>
                <button on:click=move |_| act.run(Action::Library)>{names::LIBRARY}</button>
                <button id="models-runs" on:click=move |_| act.run(Action::Runs)>{names::RUNS}</button>
                <button on:click=move |_| act.run(Action::Jobs)>{names::JOBS}</button>
            </div>
            <p class="dim">{words::ABOUT}</p>
            {move || asked.failure.get().map(|why| view! { <p class="trouble" role="alert">{why}</p> })}
            <Show when=move || asked.waiting.get() && asked.answer.with(Option::is_none)>
                <p class="dim" role="status">{words::LOADING}</p>
            </Show>
            {move || list().map(|list| view! { <Listed list/> })}
        </div>
    }
}

#[component]
fn Listed(list: ModelList) -> impl IntoView {
    let ModelList { models, adapters, detectors } = list;
    let no_models = models.is_empty();
    view! {
        <section aria-labelledby="models-networks">
            <h2 id="models-networks">{words::NETWORKS}</h2>
            <ul class="deployments">
                {models.into_iter().map(|model| view! { <Model model/> }).collect_view()}
            </ul>
            {no_models.then(|| view! { <p>{words::NO_NETWORKS}</p> })}
        </section>
        {(!adapters.is_empty()).then(|| view! {
            <section aria-labelledby="models-adapters">
                <h2 id="models-adapters">{words::ADAPTERS}</h2>
                <ul class="deployments">
                    {adapters.into_iter().map(|adapter| view! { <Adapter adapter/> }).collect_view()}
                </ul>
            </section>
        })}
        <section aria-labelledby="models-detectors">
            <h2 id="models-detectors">{words::DETECTORS}</h2>
            <ul class="deployments">
                {detectors.into_iter().map(|card| view! { <Detector card/> }).collect_view()}
            </ul>
        </section>
    }
}

#[component]
fn Model(model: HostedModel) -> impl IntoView {
    let name = model.name.clone();
    let Some(card) = model.card.clone() else {
        let problem = model.problem.clone().unwrap_or_default();
        return view! {
            <li class="entry" data-model=name.clone()>
                <div class="told">
                    <h3>{name.clone()}</h3>
                    <p class="trouble">{problem}</p>
                </div>
            </li>
        }
        .into_any();
    };
    let facts = facts::of_model(&model, &card);
    let metrics: Vec<String> =
        card.metrics.iter().map(|(name, metric)| facts::of_metric(name, metric)).collect();
    let (title, described) = (card.name.clone(), card.description.clone());
    let wanted = DetectionRequest { model: Some(name.clone()), ..Default::default() };
    let fingerprint = view! { <code>{model.fingerprint}</code> }.into_any();
    let folder = (title != name).then(|| view! { <span class="mark">{name.clone()}</span> });
    view! {
        <li class="entry" data-model=name.clone()>
            <div class="told">
                <div class="entry-head">
                    <h3>{title.clone()}</h3>
                    {folder}
                </div>
                {(!described.is_empty()).then(|| view! { <p>{described}</p> })}
                <Facts facts/>
                <Classes classes=card.classes/>
                {(!metrics.is_empty()).then(|| view! {
                    <p class="figures">{words::makers_figures(metrics.join(" · "))}</p>
                })}
                <DetectWith what=title wanted adapters=model.adapters/>
                <p class="dim fingerprint">{with_pieces(&words::fingerprint(PIECES[0]), vec![fingerprint])}</p>
            </div>
        </li>
    }
    .into_any()
}

/// Its classes, the first few at once.
#[component]
fn Classes(classes: Vec<ModelClass>) -> impl IntoView {
    let row = |class: &ModelClass| {
        view! { <div><dt>{class.name.clone()}</dt><dd>{facts::of_class(class)}</dd></div> }
    };
    let count = classes.len();
    let first = classes.iter().take(MOST_CLASSES).map(row).collect_view();
    let rest = (count > MOST_CLASSES).then(|| {
        let rest = classes.iter().skip(MOST_CLASSES).map(row).collect_view();
        view! {
            <details>
                <summary>{words::more_classes(count - MOST_CLASSES)}</summary>
                <dl class="classes">{rest}</dl>
            </details>
        }
    });
    view! {
        <dl class="classes" aria-label=words::CLASSES>{first}</dl>
        {rest}
    }
}

#[component]
fn Facts(facts: Vec<(&'static str, &'static str, String)>) -> impl IntoView {
    let rows = facts.into_iter().map(|(key, name, told)| {
        view! { <div data-fact=key><dt>{name}</dt><dd>{told}</dd></div> }
    });
    view! { <dl class="facts">{rows.collect_view()}</dl> }
}

#[component]
fn Adapter(adapter: HostedAdapter) -> impl IntoView {
    let HostedAdapter { name, base, problem, .. } = adapter;
    let made_for = match base.is_empty() {
        true => words::ADAPTER_FOR_UNKNOWN.to_owned(),
        false => words::adapter_for(base),
    };
    view! {
        <li class="entry" data-adapter=name.clone()>
            <div class="told">
                <h3>{name.clone()}</h3>
                <p>{made_for}</p>
                {problem.map(|why| view! { <p class="trouble">{why}</p> })}
            </div>
        </li>
    }
}

#[component]
fn Detector(card: DetectorCard) -> impl IntoView {
    let facts = facts::of_detector(&card);
    let wanted = DetectionRequest { detector: Some(card.id.clone()), ..Default::default() };
    view! {
        <li class="entry" data-detector=card.id.clone()>
            <div class="told">
                <div class="entry-head">
                    <h3>{card.title.clone()}</h3>
                    <span class="mark">{card.id.clone()}</span>
                </div>
                <Facts facts/>
                <DetectWith what=card.title wanted adapters=Vec::new()/>
            </div>
        </li>
    }
}
