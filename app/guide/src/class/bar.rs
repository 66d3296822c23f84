//! The bar of a member who follows: what they see, and how they break away and come back.

use gloo::events::{EventListener, EventListenerOptions, EventListenerPhase};
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use spyhop_api::Wish;
use wasm_bindgen::JsCast;

use super::follow;
use super::following::Following;
use super::room::{Connection, Room};
use super::words;
use crate::letter_keys;
use crate::viewer::Viewer;

/// How a member stands to what is followed.
#[derive(Clone, Debug, PartialEq)]
enum Standing {
    Follows(String),
    Away,
    Seen,
    Lost(&'static str),
}

impl Standing {
    fn name(&self) -> &'static str {
        match self {
            Standing::Follows(_) => "following",
            Standing::Away => "away",
            Standing::Seen => "seen",
            Standing::Lost(_) => "lost",
        }
    }
}

/// The bar.
#[component]
pub fn Bar(
    viewer: Viewer,
    room: Room,
    following: Following,
    asks: RwSignal<bool>,
    leave: Callback<()>,
) -> impl IntoView {
    let standing = Memo::new(move |_| standing(room, following));
    rejoin_by_key(following);
    view! {
        <div id="class-bar" class="class-bar" data-standing=move || standing.with(Standing::name)
            data-connection=move || format!("{:?}", room.connection.get()).to_lowercase()
            data-way=move || format!("{:?}", room.way.get()).to_lowercase()
        >
            <p id="class-state" class="class-state" role="status">
                <span class="class-dot" aria-hidden="true"></span>
                {move || standing.with(|standing| match standing {
                    Standing::Follows(told) => told.clone(),
                    Standing::Away => words::ON_YOUR_OWN.to_owned(),
                    Standing::Seen => words::YOU_ARE_SEEN.to_owned(),
                    Standing::Lost(told) => (*told).to_owned(),
                })}
            </p>
            <Show when=move || standing.with(|s| *s == Standing::Away)>
                <button id="class-rejoin" class="primary" on:click=move |_| following.rejoin()>
                    {words::REJOIN}" "<kbd>"R"</kbd>
                </button>
            </Show>
            <span class="space"></span>
            <Show when=move || standing.with(|s| matches!(s, Standing::Follows(_)))>
                <button id="class-away" on:click=move |_| following.break_away()>{words::LOOK_AROUND}</button>
            </Show>
            <button id="class-sound" aria-pressed=move || following.sounds.get().to_string()
                title=move || match (following.sounds.get(), room.state.with(|state| state.sounds)) {
                    (_, false) => words::SOUND_NOT_LET,
                    (true, true) => words::SOUND_ON,
                    (false, true) => words::SOUND_OFF,
                }
                on:click=move |_| {
                    // Browsers let a page sound that asked for it while a finger was on it.
                    viewer.ask(&Wish::Volume { at_most: 1.0 });
                    following.sounds.update(|on| *on = !*on);
                }
            >{words::SOUND}</button>
            <button id="class-ask" aria-expanded=move || asks.get().to_string()
                on:click=move |_| asks.update(|on| *on = !*on)
            >{words::ASK}</button>
            <button id="class-leave" on:click=move |_| { following.leave(); room.leave(); leave.run(()) }>{words::LEAVE}</button>
        </div>
        <p class="visually-hidden" aria-live="polite">{move || viewer.shown.with(|shown| shown.title.clone())}</p>
    }
}

fn standing(room: Room, following: Following) -> Standing {
    match room.connection.get() {
        Connection::Connecting => return Standing::Lost(words::CONNECTING),
        Connection::Lost => return Standing::Lost(words::LOST),
        Connection::Live | Connection::Over => {}
    }
    room.state.with(|state| {
        let spotlight = state.spotlight.as_ref();
        if spotlight.is_some_and(|spotlight| spotlight.member == room.id()) {
            return Standing::Seen;
        }
        if following.is_away.get() {
            return Standing::Away;
        }
        let view = &state.followed().view;
        Standing::Follows(match spotlight {
            Some(spotlight) => words::led_by(&spotlight.name),
            None if !state.is_led => words::NO_TEACHER.to_owned(),
            None if follow::is_empty(view) => words::NOTHING_SHOWN.to_owned(),
            None if follow::is_of_own_disk(view) => words::OWN_DISK.to_owned(),
            None => words::FOLLOWING.to_owned(),
        })
    })
}

/// `R` follows again, before the page takes it for something else.
fn rejoin_by_key(following: Following) {
    let options = EventListenerOptions { phase: EventListenerPhase::Capture, passive: false };
    let keys = EventListener::new_with_options(&window(), "keydown", options, move |event| {
        let Some(key) = event.dyn_ref::<web_sys::KeyboardEvent>() else { return };
        let is_away = following.is_away.try_get_untracked() == Some(true);
        let is_plain = !(key.ctrl_key() || key.meta_key() || key.alt_key() || key.shift_key());
        if is_away
            && is_plain
            && letter_keys::are_on()
            && key.key().eq_ignore_ascii_case("r")
            && !is_typing(key)
        {
            key.prevent_default();
            key.stop_propagation();
            following.rejoin();
        }
    });
    let keys = SendWrapper::new(keys);
    on_cleanup(move || drop(keys));
}

/// Whether a key goes into a text, or to a dialog of the page.
pub fn is_typing(key: &web_sys::KeyboardEvent) -> bool {
    let target = key.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    target.is_some_and(|element| {
        let texts = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], [role=dialog] *";
        element.matches(texts).unwrap_or(false)
    })
}
