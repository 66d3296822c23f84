//! A kiosk begins anew when nobody has touched it for a while.

use gloo::events::EventListener;
use gloo::timers::callback::Interval;
use leptos::prelude::*;

use super::address::Mode;
use super::play::Play;

/// How often it is looked whether somebody is there, ms.
const LOOK_MS: u32 = 250;
/// What says that somebody is there.
const SIGNS: [&str; 3] = ["pointerdown", "pointermove", "keydown"];

/// Begins to look, for as long as the page is there.
pub fn watch(play: Play) {
    let last_ms = StoredValue::new(now_ms());
    for sign in SIGNS {
        EventListener::new(&window(), sign, move |_| last_ms.set_value(now_ms())).forget();
    }
    // A long press brings up no menu there.
    EventListener::new_with_options(
        &window(),
        "contextmenu",
        gloo::events::EventListenerOptions::enable_prevent_default(),
        move |event| {
            if is_kiosk(play) {
                event.prevent_default();
            }
        },
    )
    .forget();
    Interval::new(LOOK_MS, move || {
        if !is_kiosk(play) || play.cover.get_untracked() {
            return last_ms.set_value(now_ms());
        }
        // Whoever listens or lets it play does not touch it.
        let is_watched =
            play.timer.get_untracked() || play.viewer.shown.with_untracked(|now| now.is_playing);
        if is_watched {
            last_ms.set_value(now_ms());
        }
        let idle_s = play.asked.with_untracked(|asked| asked.idle_s);
        if now_ms() - last_ms.get_value() >= idle_s * 1000.0 {
            play.rewind();
        }
    })
    .forget();
}

fn is_kiosk(play: Play) -> bool {
    play.mode.get_untracked() == Mode::Kiosk && play.story.with_untracked(Option::is_some)
}

fn now_ms() -> f64 {
    js_sys::Date::now()
}
