//! The administrator of the server: where the token is entered and forgotten, and where it is asked for.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_words::page::administrator as words;

use crate::commands::Action;
use crate::dialogs::{Shade, focus_when_there};
use crate::server::ServerError;
use crate::server::token::{self, Keep};
use crate::session::{Dialog, NoticeKind, Session, Stage, use_session};
use crate::{open, shared_labels};

/// Tells a person what the server refused; where it asks for the token, the way to enter it.
pub fn refused(session: Session, error: &ServerError) {
    let offer = (error.status == 401).then_some(Action::Token);
    session.tell_and_offer(NoticeKind::Error, error.to_string(), offer);
}

/// The dialog that takes the token, and forgets it.
#[component]
pub fn TokenForm() -> impl IntoView {
    let session = use_session();
    let input = NodeRef::<html::Input>::new();
    focus_when_there(input);
    let text = RwSignal::new(String::new());
    let keep = RwSignal::new(false);
    let problem = RwSignal::new(None::<String>);
    let submit = move || {
        let given = text.get_untracked().trim().to_owned();
        if given.is_empty() {
            return problem.set(Some(words::TYPE_FIRST.to_owned()));
        }
        let how_long = if keep.get_untracked() { Keep::Browser } else { Keep::Tab };
        spawn_local(async move {
            match try_out(&given).await {
                Ok(()) => {
                    token::hold(&given, how_long);
                    session.dialog.set(Dialog::None);
                    changed(session);
                    session.tell(NoticeKind::Done, words::ACTS_NOW);
                }
                // The dialog may be closed by now.
                Err(why) => drop(problem.try_set(Some(why))),
            }
        });
    };
    view! {
        <Shade label=words::TITLE id="token">
            <h2>{words::TITLE}</h2>
            <p>{words::ABOUT}</p>
            <form on:submit=move |ev| { ev.prevent_default(); submit() }>
                <label class="row">
                    <span>{words::TOKEN}</span>
                    <input id="token-text" node_ref=input type="password" autocomplete="off"
                        spellcheck="false" prop:value=move || text.get()
                        on:input=move |ev| { text.set(event_target_value(&ev)); problem.set(None) }/>
                    <button id="token-use" class="primary" type="submit">{words::USE_IT}</button>
                </label>
                <label class="check">
                    <input id="token-keep" type="checkbox" prop:checked=move || keep.get()
                        on:change=move |ev| keep.set(event_target_checked(&ev))/>
                    {words::KEEP}
                </label>
            </form>
            <p id="token-problem" class="warned" role="alert">{move || problem.get()}</p>
            <Show when=move || session.is_administrator.get()>
                <p>
                    <button id="token-forget" on:click=move |_| {
                        token::forget();
                        session.dialog.set(Dialog::None);
                        changed(session);
                        session.tell(NoticeKind::Done, words::FORGOTTEN);
                    }>{words::FORGET}</button>
                </p>
            </Show>
        </Shade>
    }
}

/// Asks the server whether a token is its own.
async fn try_out(given: &str) -> Result<(), String> {
    match token::access(Some(given)).await {
        Ok(access) if access.administrator => Ok(()),
        Ok(_) => Err(words::NOT_THIS_SERVERS.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// What is shown is asked for anew, by whom the page now is.
fn changed(session: Session) {
    session.is_administrator.set(token::is_held());
    match session.stage.get_untracked() {
        Stage::Viewing => shared_labels::try_again(session),
        _ => open::from_link(session),
    }
}
