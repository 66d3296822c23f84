//! The administrator of the server: where the token is entered and forgotten, and where it is asked for.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

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
            return problem.set(Some("Type or paste the token first.".to_owned()));
        }
        let how_long = if keep.get_untracked() { Keep::Browser } else { Keep::Tab };
        spawn_local(async move {
            match try_out(&given).await {
                Ok(()) => {
                    token::hold(&given, how_long);
                    session.dialog.set(Dialog::None);
                    changed(session);
                    session.tell(
                        NoticeKind::Done,
                        "This page now acts as the server's administrator.",
                    );
                }
                // The dialog may be closed by now.
                Err(why) => drop(problem.try_set(Some(why))),
            }
        });
    };
    view! {
        <Shade label="The administrator's token" id="token">
            <h2>"The administrator's token"</h2>
            <p>
                "It shows what is not public, and lets labels and jobs be changed from other \
                machines. When it starts, the server says in which file its token stands."
            </p>
            <form on:submit=move |ev| { ev.prevent_default(); submit() }>
                <label class="row">
                    <span>"Token"</span>
                    <input id="token-text" node_ref=input type="password" autocomplete="off"
                        spellcheck="false" prop:value=move || text.get()
                        on:input=move |ev| { text.set(event_target_value(&ev)); problem.set(None) }/>
                    <button id="token-use" class="primary" type="submit">"Use it"</button>
                </label>
                <label class="check">
                    <input id="token-keep" type="checkbox" prop:checked=move || keep.get()
                        on:change=move |ev| keep.set(event_target_checked(&ev))/>
                    "Keep it in this browser; else it is forgotten with this tab"
                </label>
            </form>
            <p id="token-problem" class="warned" role="alert">{move || problem.get()}</p>
            <Show when=move || session.is_administrator.get()>
                <p>
                    <button id="token-forget" on:click=move |_| {
                        token::forget();
                        session.dialog.set(Dialog::None);
                        changed(session);
                        session.tell(NoticeKind::Done, "The token is forgotten.");
                    }>"Forget the token that is held"</button>
                </p>
            </Show>
        </Shade>
    }
}

/// Asks the server whether a token is its own.
async fn try_out(given: &str) -> Result<(), String> {
    match token::access(Some(given)).await {
        Ok(access) if access.administrator => Ok(()),
        Ok(_) => {
            Err("This is not the token of this server. It stands in the file that the server \
                      names when it starts."
                .to_owned())
        }
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
