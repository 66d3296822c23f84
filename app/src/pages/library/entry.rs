//! A deployment in the list, and what both pages show of one.

use leptos::prelude::*;
use spyhop_api::Deployment;
use spyhop_words::pages::entry as words;

use super::facts;
use super::quality_fact::{Qualities, QualityOfListed, QualityOfOne};
use super::strip::HOUR_NS;
use super::strip_view::StripView;
use crate::link::use_link;
use crate::pages::ServerPage;
use crate::pages::preview::Preview;
use crate::session::use_session;
use crate::{actions, open};

/// A deployment in the list.
#[component]
pub fn Entry(deployment: Deployment) -> impl IntoView {
    let session = use_session();
    let link = use_link();
    let details = ServerPage::deployment(&deployment.id);
    let address = format!("?{}", details.to_query());
    let to_details = move |ev: web_sys::MouseEvent| {
        if is_plain(&ev) {
            ev.prevent_default();
            actions::go_to(session, link, details.clone());
        }
    };
    let name = deployment.name.clone();
    let described = !deployment.description.is_empty();
    view! {
        <li class="entry" data-deployment=deployment.id.clone()>
            <Picture deployment=deployment.clone()/>
            <div class="told">
                <div class="entry-head">
                    <h2><a href=address.clone() on:click=to_details.clone()>{name.clone()}</a></h2>
                    <Marks deployment=deployment.clone()/>
                    <span class="space"></span>
                    <Buttons deployment=deployment.clone()/>
                    <a class="button" href=address aria-label=words::recordings_of(&name)
                        on:click=to_details>{words::RECORDINGS}</a>
                </div>
                {described.then(|| view! { <p>{deployment.description.clone()}</p> })}
                <Facts deployment=deployment.clone()/>
                {lasts(&deployment).then(|| view! { <StripView deployment=deployment.clone()/> })}
            </div>
        </li>
    }
}

/// Whether it lasts long enough for a strip to tell more than its period does.
fn lasts(d: &Deployment) -> bool {
    let span_ns = d.start.zip(d.end).map(|(start, end)| end.0.saturating_sub(start.0));
    span_ns.is_some_and(|span_ns| span_ns > HOUR_NS)
}

/// Its best view as a picture, which opens it.
#[component]
pub fn Picture(deployment: Deployment) -> impl IntoView {
    let session = use_session();
    let id = deployment.id.clone();
    let address = format!("?{}", open::best_view(&deployment).to_query());
    view! {
        // The button beside it does the same: once is enough on the way by keyboard.
        <a class="picture" href=address tabindex="-1" aria-hidden="true"
            on:click=move |ev| if is_plain(&ev) {
                ev.prevent_default();
                open::deployment(session, &deployment, false);
            }
        >
            <Preview id/>
        </a>
    }
}

/// Opens it, and plays it.
#[component]
pub fn Buttons(deployment: Deployment) -> impl IntoView {
    let session = use_session();
    let name = deployment.name.clone();
    let address = format!("?{}", open::best_view(&deployment).to_query());
    let played = deployment.clone();
    // Nothing that could be opened, nothing to press.
    (deployment.recording_count > deployment.bad_count).then(|| {
        view! {
            <button class="play" aria-label=words::open_and_play_it(&name) title=words::OPEN_AND_PLAY
                on:click=move |_| open::deployment(session, &played, true)>"▶"</button>
            <a class="button primary open" href=address aria-label=words::open_it(&name)
                on:click=move |ev| if is_plain(&ev) {
                    ev.prevent_default();
                    open::deployment(session, &deployment, false);
                }
            >{words::OPEN}</a>
        }
    })
}

/// Marks such as `synthesised`.
#[component]
pub fn Marks(deployment: Deployment) -> impl IntoView {
    let marks = facts::marks(&deployment).into_iter();
    marks.map(|mark| view! { <span class="mark">{mark}</span> }).collect_view()
}

/// What is known of it.
#[component]
pub fn Facts(deployment: Deployment) -> impl IntoView {
    let rows = facts::facts(&deployment).into_iter();
    let rows = rows.map(|(key, name, told)| {
        view! { <div data-fact=key><dt>{name}</dt><dd>{told}</dd></div> }
    });
    let rows = rows.collect_view();
    let bad = (deployment.bad_count > 0).then(|| {
        view! { <p class="warned">{words::cannot_be_opened(deployment.bad_count)}</p> }
    });
    let quality = (deployment.recording_count > deployment.bad_count).then(|| {
        let id = deployment.id.clone();
        match use_context::<Qualities>() {
            Some(all) => view! { <QualityOfListed id all/> }.into_any(),
            None => view! { <QualityOfOne id/> }.into_any(),
        }
    });
    view! { <dl class="facts">{rows}{quality}</dl>{bad} }
}

/// Whether a click means to follow the link here, and not in another tab or window.
pub fn is_plain(ev: &web_sys::MouseEvent) -> bool {
    ev.button() == 0 && !(ev.ctrl_key() || ev.meta_key() || ev.shift_key() || ev.alt_key())
}
