//! What is said of a view that was opened by a short link: its title, note and author, and what became of
//! its recordings.

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::{Share, SharedData};
use spyhop_words::share::caption as words;

use crate::link;
use crate::server::shares;
use crate::session::use_session;

/// The words, until they are put away or something else is opened.
#[component]
pub fn Caption() -> impl IntoView {
    let session = use_session();
    let share = RwSignal::new(None::<Share>);
    if let Some(id) = link::page_key("share") {
        spawn_local(async move {
            // A link whose words can't be had still shows its view.
            if let Ok(found) = shares::told(&id).await {
                drop(share.try_set(Some(found)));
            }
        });
    }
    let embedded = link::is_embedded();
    let shown = Memo::new(move |_| {
        let share = share.get()?;
        let of_it = spyhop_api::View::from_query(&share.view).0.source;
        session.view.with(|view| view.source == of_it).then_some(share)
    });
    let out = move || session.view.with(spyhop_api::View::to_query);
    view! {
        {move || shown.get().map(|told| view! {
            <aside id="caption" data-data=format!("{:?}", told.data).to_lowercase()>
                <div>
                    <strong>{told.title.clone()}</strong>
                    {(!told.author.is_empty()).then(|| format!(" · {}", told.author))}
                    {(!embedded && !told.note.is_empty()).then(|| view! { <p>{told.note.clone()}</p> })}
                    {(told.data == SharedData::Changed).then(|| view! {
                        <p class="warned">
                            {words::CHANGED}" "
                            <a href=format!("{}/preview.png", told.path) target="_blank">{words::WHAT_IT_SHOWED}</a>
                        </p>
                    })}
                </div>
                <button class="icon" aria-label=words::PUT_AWAY on:click=move |_| share.set(None)>"×"</button>
            </aside>
        })}
        {embedded.then(|| view! {
            <h1 class="visually-hidden">
                {move || session.open.with(|o| o.as_ref().map(|o| o.title()))}
            </h1>
            <nav aria-label=words::SPYHOP>
                <a id="open-in-spyhop" target="_blank" rel="noopener" href=move || format!("?{}", out())>{words::OPEN_IN_SPYHOP}</a>
            </nav>
        })}
    }
}
