//! What stands before a class and behind it: to join it by one tap, to type its code, and what is said
//! where there is none.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::Wish;
use spyhop_api::room::{JoinRequest, Joined, MOST_NAME, RoomCard};

use super::{address, requests, room, words};
use crate::viewer::Viewer;

/// The question how to join.
#[component]
pub fn Door(
    viewer: Viewer,
    code: Option<String>,
    enter: Callback<(Joined, bool)>,
    leave: Callback<()>,
) -> impl IntoView {
    let code = RwSignal::new(code.unwrap_or_default());
    let card = RwSignal::new(None::<RoomCard>);
    let problem = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let name = RwSignal::new(String::new());
    let find = move || {
        let asked = code.get_untracked();
        busy.set(true);
        problem.set(String::new());
        spawn_local(async move {
            let found = requests::card(&asked).await;
            // The door may be gone by now.
            let _ = busy.try_set(false);
            match found {
                Ok(found) if found.is_full && room::kept(&asked).is_empty() => {
                    drop(problem.try_set(words::FULL.to_owned()));
                }
                Ok(found) => drop(card.try_set(Some(found))),
                Err(error) => drop(problem.try_set(because(&error))),
            }
        });
    };
    if !code.with_untracked(String::is_empty) {
        find();
    }
    let join = move |sounds: bool| {
        if sounds {
            // Browsers let a page sound that asked for it while a finger was on it.
            viewer.ask(&Wish::Volume { at_most: 1.0 });
        }
        busy.set(true);
        let code = card.with_untracked(|card| card.as_ref().map(|card| card.code.clone()));
        let code = code.unwrap_or_default();
        let asked = JoinRequest {
            name: name.get_untracked(),
            member: room::kept(&code),
            ..JoinRequest::default()
        };
        spawn_local(async move {
            match requests::join(&code, &asked).await {
                Ok(joined) => enter.run((joined, sounds)),
                Err(error) => {
                    let _ = busy.try_set(false);
                    let _ = problem.try_set(because(&error));
                }
            }
        });
    };
    view! {
        <div id="class-door" class="class-door" role="dialog" aria-modal="true" aria-label=words::JOIN_TITLE>
            <div class="class-card">
                <h2>{words::JOIN_TITLE}</h2>
                {move || match card.get() {
                    Some(found) => view! { <Join found name busy join=Callback::new(join)/> }.into_any(),
                    None => view! { <Code code busy find=Callback::new(move |()| find())/> }.into_any(),
                }}
                <p id="class-problem" class="warned" role="alert">{move || problem.get()}</p>
                <button class="link" on:click=move |_| leave.run(())>{words::LOOK_ALONE}</button>
            </div>
        </div>
    }
}

#[component]
fn Join(
    found: RoomCard,
    name: RwSignal<String>,
    busy: RwSignal<bool>,
    join: Callback<bool>,
) -> impl IntoView {
    let first = NodeRef::<html::Button>::new();
    focus(first);
    view! {
        <p class="class-code" id="class-door-code">{found.code.clone()}</p>
        <p class="dim">{words::room_card(found.here, found.is_led)}</p>
        <label class="class-field"><span>{words::YOUR_NAME}</span>
            <input id="class-name" type="text" maxlength=MOST_NAME.to_string() autocomplete="off"
                placeholder=words::NAME_STAYS on:input=move |ev| name.set(event_target_value(&ev))/>
        </label>
        <div class="class-choices">
            <button id="class-join" class="primary" node_ref=first disabled=move || busy.get()
                on:click=move |_| join.run(false)
            >{move || if busy.get() { words::JOINING } else { words::JOIN }}</button>
            <button id="class-join-sound" disabled=move || busy.get() on:click=move |_| join.run(true)>
                {words::JOIN_WITH_SOUND}
            </button>
        </div>
    }
}

#[component]
fn Code(code: RwSignal<String>, busy: RwSignal<bool>, find: Callback<()>) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            // An input that is on the page takes the focus.
            request_animation_frame(move || drop(input.focus()));
        }
    });
    view! {
        <form class="class-form" on:submit=move |ev| {
            ev.prevent_default();
            code.update(|code| *code = address::tidy_code(code));
            find.run(());
        }>
            <label class="class-field"><span>{words::CODE}</span>
                <input id="class-code-input" class="class-code" node_ref=input type="text" maxlength="12"
                    autocomplete="off" autocapitalize="characters" spellcheck="false"
                    prop:value=move || code.get()
                    on:input=move |ev| code.set(event_target_value(&ev))/>
            </label>
            <p class="dim">{words::CODE_HELP}</p>
            <button id="class-find" class="primary" type="submit"
                disabled=move || busy.get() || !code.with(|code| address::is_code(&address::tidy_code(code)))
            >{words::FIND}</button>
        </form>
    }
}

/// A class is begun.
#[component]
pub fn Entering() -> impl IntoView {
    view! {
        <div class="class-door" role="status">
            <div class="class-card"><p>{words::MAKING}</p><div class="busy" aria-hidden="true"></div></div>
        </div>
    }
}

/// The class is over.
#[component]
pub fn Over(leave: Callback<()>) -> impl IntoView {
    let button = NodeRef::<html::Button>::new();
    focus(button);
    view! {
        <div id="class-over" class="class-door" role="dialog" aria-modal="true" aria-label=words::ENDED>
            <div class="class-card">
                <h2 role="status">{words::ENDED}</h2>
                <p>{words::ENDED_MORE}</p>
                <button id="class-go-on" class="primary" node_ref=button on:click=move |_| leave.run(())>
                    {words::GO_ON}
                </button>
            </div>
        </div>
    }
}

/// A class that can't be led.
#[component]
pub fn Trouble(why: String, again: Callback<()>, leave: Callback<()>) -> impl IntoView {
    view! {
        <div id="class-trouble" class="class-door" role="dialog" aria-modal="true" aria-label=words::CLASS>
            <div class="class-card">
                <h2>{words::CLASS}</h2>
                <p class="warned" role="alert">{why}</p>
                <div class="class-choices">
                    <button id="class-again" class="primary" on:click=move |_| again.run(())>
                        {words::NEW_CLASS}
                    </button>
                    <button id="class-go-on" on:click=move |_| leave.run(())>{words::GO_ON}</button>
                </div>
            </div>
        </div>
    }
}

fn because(error: &crate::server::ServerError) -> String {
    match error.status {
        404 | 410 => words::NO_ROOM.to_owned(),
        _ => error.message.clone(),
    }
}

/// Gives a button the focus once it is there.
fn focus(button: NodeRef<html::Button>) {
    Effect::new(move |_| {
        if let Some(button) = button.get() {
            // A button that is on the page takes the focus.
            request_animation_frame(move || drop(button.focus()));
        }
    });
}
