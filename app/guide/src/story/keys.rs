//! Keys of a story, as keyboards and presentation remotes send them. They come before the page's own.

use gloo::events::{EventListener, EventListenerOptions, EventListenerPhase};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::address::Mode;
use super::play::Play;
use crate::letter_keys;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    By(i64),
    First,
    Last,
    Blank,
    Leave,
}

/// Begins to listen, for as long as the page is there.
pub fn listen(play: Play) {
    let options = EventListenerOptions { phase: EventListenerPhase::Capture, passive: false };
    EventListener::new_with_options(&window(), "keydown", options, move |event| {
        let Some(ev) = event.dyn_ref::<web_sys::KeyboardEvent>() else { return };
        if play.story.with_untracked(Option::is_none) {
            return;
        }
        play.is_unlocked.set(true);
        let is_kiosk = play.mode.get_untracked() == Mode::Kiosk;
        let turn = if is_for_another(ev) { None } else { turn_of(&ev.key()) };
        let done = match turn {
            // Nobody leads out of a kiosk; a story within another page has nowhere to go.
            Some(Turn::Leave | Turn::Blank) if is_kiosk => false,
            Some(Turn::Leave)
                if play.asked.with_untracked(|asked| asked.is_embedded)
                    && !play.blank.get_untracked() =>
            {
                false
            }
            Some(Turn::Blank) if !letter_keys::are_on() => false,
            Some(turn) => take(play, turn),
            None => false,
        };
        if done || is_kiosk {
            // A kiosk has no other keys: nobody gets out by one.
            ev.stop_propagation();
            if done || !is_control(ev) {
                ev.prevent_default();
            }
        }
    })
    .forget();
}

fn take(play: Play, turn: Turn) -> bool {
    let is_blank = play.blank.get_untracked();
    match turn {
        Turn::Blank => play.blank.update(|on| *on = !*on),
        Turn::Leave if is_blank => play.blank.set(false),
        Turn::Leave if play.mode.get_untracked() == Mode::Presenting => play.end_presentation(),
        Turn::Leave => play.leave(),
        // Who goes on wants to see it.
        Turn::By(by) => {
            play.blank.set(false);
            play.turn_page(by);
        }
        Turn::First => play.go(0),
        Turn::Last => play.go(untrack(|| play.count()).saturating_sub(1)),
    }
    true
}

fn turn_of(key: &str) -> Option<Turn> {
    Some(match key {
        "ArrowRight" | "PageDown" => Turn::By(1),
        "ArrowLeft" | "PageUp" => Turn::By(-1),
        "Home" => Turn::First,
        "End" => Turn::Last,
        "b" | "B" | "." => Turn::Blank,
        "Escape" => Turn::Leave,
        _ => return None,
    })
}

/// Whether a key belongs to something else: a dialog, a field, a list that has keys of its own.
fn is_for_another(ev: &web_sys::KeyboardEvent) -> bool {
    if ev.ctrl_key() || ev.alt_key() || ev.meta_key() || ev.shift_key() && ev.key().len() > 1 {
        return true;
    }
    let dialog = document().query_selector("[aria-modal='true']");
    if dialog.is_ok_and(|dialog| dialog.is_some()) {
        return true;
    }
    let Some(element) = ev.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) else {
        return false;
    };
    let role = element.get_attribute("role").unwrap_or_default();
    let kind = element.get_attribute("type").unwrap_or_default();
    match element.tag_name().as_str() {
        "TEXTAREA" | "SELECT" => true,
        "INPUT" => !matches!(kind.as_str(), "checkbox" | "radio" | "button"),
        _ => matches!(role.as_str(), "slider" | "listbox" | "tab"),
    }
}

/// Whether a key presses the button that has the focus, or goes to the next one.
fn is_control(ev: &web_sys::KeyboardEvent) -> bool {
    matches!(ev.key().as_str(), "Enter" | " " | "Tab")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presentation_remote_is_understood() {
        let keys = ["PageDown", "PageUp", "b", ".", "Escape", "F5", "w"];
        assert_eq!(
            keys.map(turn_of),
            [
                Some(Turn::By(1)),
                Some(Turn::By(-1)),
                Some(Turn::Blank),
                Some(Turn::Blank),
                Some(Turn::Leave),
                None,
                None
            ]
        );
    }
}
