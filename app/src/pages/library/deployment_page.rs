//! `?page=library&deployment=ID`: what is known of one deployment, and the table of its recordings.

use leptos::prelude::*;
use spyhop_api::{Deployment, RecordingQuery};
use spyhop_words::page::app::title_of;
use spyhop_words::pages::{deployment as words, names};

use super::answers::{ask_again_while, ask_for};
use super::entry::{Buttons, Facts, Marks, Picture};
use super::recordings::Recordings;
use super::strip_view::StripView;
use crate::commands::Action;
use crate::server::catalogue;
use crate::session::use_session;

/// One deployment.
#[component]
pub fn DeploymentPage(id: String, shown: RecordingQuery, act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    let (wanted, named) = (id.clone(), id.clone());
    let asked = ask_for(
        || (),
        move |()| {
            let id = wanted.clone();
            async move { catalogue::description(&id).await }
        },
    );
    ask_again_while(asked, |d: &Deployment| d.unread_count > 0);
    let described = Memo::new(move |_| asked.answer.get());
    Effect::new(move |_| {
        if let Some(d) = described.get() {
            document().set_title(&title_of(d.name));
        }
    });
    let is_known = Memo::new(move |_| described.with(Option::is_some));
    view! {
        <div class="library" id="deployment" data-deployment=named>
            {move || asked.failure.get().map(|why| view! {
                <p class="trouble" role="alert">{why}</p>
                <p class="buttons">
                    <button on:click=move |_| act.run(Action::Library)>{words::TO_LIBRARY}</button>
                    <Show when=move || !session.is_administrator.get()>
                        <button class="offer" on:click=move |_| act.run(Action::Token)>
                            {words::ENTER_TOKEN}
                        </button>
                    </Show>
                </p>
            })}
            {move || described.get().map(|deployment| view! { <Head deployment act/> })}
            <Show when=move || is_known.get()>
                <Recordings id=id.clone() described shown=shown.clone()/>
            </Show>
        </div>
    }
}

#[component]
fn Head(deployment: Deployment, act: Callback<Action>) -> impl IntoView {
    let notes = deployment.notes.clone();
    let zone = deployment.time_zone.clone();
    let described = !deployment.description.is_empty();
    view! {
        <section class="entry" aria-label=words::ABOUT>
            <Picture deployment=deployment.clone()/>
            <div class="told">
                <div class="entry-head">
                    <h1>{deployment.name.clone()}</h1>
                    <Marks deployment=deployment.clone()/>
                    <span class="space"></span>
                    <Buttons deployment=deployment.clone()/>
                    <button on:click=move |_| act.run(Action::Jobs)>{names::JOBS}</button>
                </div>
                {described.then(|| view! { <p>{deployment.description.clone()}</p> })}
                <Facts deployment=deployment.clone()/>
                {(!zone.is_empty()).then(|| view! {
                    <p class="dim">{words::local_time(zone)}</p>
                })}
                {(!notes.is_empty()).then(|| view! { <p class="notes">{notes}</p> })}
            </div>
            {deployment.start.is_some().then(|| view! { <StripView deployment=deployment.clone()/> })}
        </section>
    }
}
