//! Stories: captioned steps, each a view; played beside the picture, to a room or in a kiosk, and made here.

mod address;
mod captions;
mod cover;
mod editor;
mod keys;
mod kiosk;
mod play;
mod player;
mod question;
mod timer;
mod unplugged;

use gloo::events::EventListener;
use leptos::prelude::*;
use spyhop_api::Errand;

use crate::viewer::use_viewer;
use editor::Desk;
use play::Play;

/// The style sheet of stories, which nobody else fetches.
const STYLE: &str = "story.css";

/// What is on the screen of a story, where one is open or is being made.
#[component]
pub fn Stories() -> impl IntoView {
    let viewer = use_viewer();
    let play = Play::new(viewer);
    let desk = Desk::new(play);
    keys::listen(play);
    kiosk::watch(play);
    let touched = EventListener::new(&window(), "pointerdown", move |_| play.is_unlocked.set(true));
    touched.forget();
    Effect::new(move |_| {
        if let Some(asked) = viewer.address.with(|address| address::read(address)) {
            play.open(asked);
        }
    });
    Effect::new(move |_| match viewer.errand.get().map(|(_, errand)| errand) {
        Some(Errand::AddToStory) => desk.add_view(),
        Some(Errand::Leave) => {
            play.leave();
            desk.close();
        }
        _ => {}
    });
    // Back and forward lead into stories and out of them.
    EventListener::new(&window(), "popstate", move |_| match address::read(&address::now()) {
        Some(asked) => {
            let same = play.asked.with_untracked(|now| now.story == asked.story);
            if same && play.story.with_untracked(Option::is_some) {
                play.go(asked.step);
            } else {
                play.open(asked);
            }
        }
        None => play.leave(),
    })
    .forget();
    // Who leaves the full screen by its own key leaves the presentation.
    let was_full = StoredValue::new(false);
    EventListener::new(&document(), "fullscreenchange", move |_| {
        let is_full = document().fullscreen_element().is_some();
        if was_full.get_value()
            && !is_full
            && play.mode.get_untracked() == address::Mode::Presenting
        {
            play.end_presentation();
        }
        was_full.set_value(is_full);
    })
    .forget();
    let is_used = Memo::new(move |_| {
        play.story.with(Option::is_some) || play.problem.with(Option::is_some) || desk.is_open.get()
    });
    Effect::new(move |styled: Option<bool>| {
        let is_needed = is_used.get();
        if is_needed && !styled.unwrap_or(false) {
            crate::wear_style(STYLE);
        }
        is_needed || styled.unwrap_or(false)
    });
    let edit = Callback::new(move |()| desk.edit_played());
    view! {
        <Show when=move || play.story.with(Option::is_some)><player::Player play edit/></Show>
        <Show when=move || play.problem.with(Option::is_some)><player::NoStory play/></Show>
        <Show when=move || desk.is_open.get()><editor::Editor desk/></Show>
    }
}
