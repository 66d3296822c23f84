//! `?page=models`: what the server has to detect with: networks with their cards, adapters, and the
//! detectors that need no training.

mod facts;
mod start;

use leptos::prelude::*;
use spyhop_api::detection::DetectionRequest;
use spyhop_api::{DetectorCard, HostedAdapter, HostedModel, ModelClass, ModelList};

use super::library::ask_for;
use crate::commands::Action;
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
                <h1>"Models and detectors"</h1>
                <span class="space"></span>
                <button on:click=move |_| act.run(Action::Library)>"Library"</button>
                <button id="models-runs" on:click=move |_| act.run(Action::Runs)>"Runs"</button>
                <button on:click=move |_| act.run(Action::Jobs)>"Jobs"</button>
            </div>
            <p class="dim">
                "What finds calls on this server. What it finds is a candidate until somebody has \
                 looked at it."
            </p>
            {move || asked.failure.get().map(|why| view! { <p class="trouble" role="alert">{why}</p> })}
            <Show when=move || asked.waiting.get() && asked.answer.with(Option::is_none)>
                <p class="dim" role="status">"Each network is loaded once to see that it is sound…"</p>
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
            <h2 id="models-networks">"Networks"</h2>
            <ul class="deployments">
                {models.into_iter().map(|model| view! { <Model model/> }).collect_view()}
            </ul>
            {no_models.then(|| view! {
                <p>
                    "This server has none. A network is a folder with config.json, \
                     preprocessor_config.json and model.safetensors, as save_pretrained of \
                     transformers writes an Audio Spectrogram Transformer, in the folder \
                     spyhop/models of the data folder of the account that runs the server; \
                     spyhop-model.toml beside them is its card. `spyhop models` checks it."
                </p>
            })}
        </section>
        {(!adapters.is_empty()).then(|| view! {
            <section aria-labelledby="models-adapters">
                <h2 id="models-adapters">"Adapters"</h2>
                <ul class="deployments">
                    {adapters.into_iter().map(|adapter| view! { <Adapter adapter/> }).collect_view()}
                </ul>
            </section>
        })}
        <section aria-labelledby="models-detectors">
            <h2 id="models-detectors">"Detectors that need no training"</h2>
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
                    <p class="figures">"Figures of its maker: " {metrics.join(" · ")}</p>
                })}
                <DetectWith what=title wanted adapters=model.adapters/>
                <p class="dim fingerprint">"fingerprint " <code>{model.fingerprint}</code></p>
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
                <summary>{format!("{} more classes", count - MOST_CLASSES)}</summary>
                <dl class="classes">{rest}</dl>
            </details>
        }
    });
    view! {
        <dl class="classes" aria-label="Classes">{first}</dl>
        {rest}
    }
}

#[component]
fn Facts(facts: Vec<(&'static str, String)>) -> impl IntoView {
    let rows = facts.into_iter().map(|(name, words)| {
        view! { <div data-fact=name><dt>{name}</dt><dd>{words}</dd></div> }
    });
    view! { <dl class="facts">{rows.collect_view()}</dl> }
}

#[component]
fn Adapter(adapter: HostedAdapter) -> impl IntoView {
    let HostedAdapter { name, base, problem, .. } = adapter;
    let made_for = match base.is_empty() {
        true => "It does not say which network it was made for.".to_owned(),
        false => format!("Made for {base}."),
    };
    view! {
        <li class="entry" data-adapter=name.clone()>
            <div class="told">
                <h3>{name.clone()}</h3>
                <p>{made_for} " It is laid over a network when that detects."</p>
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
