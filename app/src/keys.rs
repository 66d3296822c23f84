//! Keys: from a keyboard event to a command of the table.

use web_sys::wasm_bindgen::JsCast;

use crate::commands::{self, Action};

/// Longest time between the two presses of `F F`, ms.
const DOUBLE_MS: f64 = 500.0;

/// The name of a key event as the table of commands spells it.
pub fn name(ev: &web_sys::KeyboardEvent) -> String {
    let key = match ev.key().as_str() {
        " " => "Space".to_owned(),
        k if k.chars().count() == 1 => k.to_uppercase(),
        k => k.to_owned(),
    };
    spelt(key, ev.ctrl_key() || ev.meta_key(), ev.alt_key(), ev.shift_key())
}

fn spelt(key: String, ctrl: bool, alt: bool, shift: bool) -> String {
    // A sign such as `?` or `+` already holds its Shift, and on many keyboards `[`, `]` and `\` their
    // AltGr or Option, which says Ctrl+Alt or Alt.
    let letter = key.chars().count() > 1 || key.chars().all(char::is_alphanumeric);
    let mut out = String::new();
    if ctrl && (letter || !alt) {
        out.push_str("Ctrl+");
    }
    if alt && letter {
        out.push_str("Alt+");
    }
    if shift && letter && !key.chars().all(char::is_numeric) {
        out.push_str("Shift+");
    }
    out + &key
}

/// Whether the event comes from something that takes text or has keys of its own.
pub fn is_typing(ev: &web_sys::KeyboardEvent) -> bool {
    let Some(element) = ev.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) else {
        return false;
    };
    match element.tag_name().as_str() {
        "TEXTAREA" | "SELECT" => true,
        "INPUT" => {
            let kind = element.get_attribute("type").unwrap_or_default();
            !matches!(kind.as_str(), "checkbox" | "radio" | "button")
        }
        _ => element.has_attribute("contenteditable"),
    }
}

/// Keys that move a slider and choose what it stands at.
const SLIDER_KEYS: [&str; 10] = [
    "ArrowLeft",
    "ArrowRight",
    "ArrowUp",
    "ArrowDown",
    "Home",
    "End",
    "PageUp",
    "PageDown",
    "Enter",
    " ",
];

/// Whether a focused control wants this key for itself (a button is pressed by Space).
pub fn is_for_control(ev: &web_sys::KeyboardEvent) -> bool {
    let Some(element) = ev.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) else {
        return false;
    };
    if element.get_attribute("role").as_deref() == Some("slider") {
        return SLIDER_KEYS.contains(&ev.key().as_str());
    }
    let pressed = matches!(element.tag_name().as_str(), "BUTTON" | "A" | "INPUT" | "SUMMARY");
    pressed && matches!(ev.key().as_str(), " " | "Enter")
}

/// Whether a key is a single character, which a person can switch off (WCAG 2.1.4).
pub fn is_single_character(name: &str) -> bool {
    name.trim_start_matches("Shift+").chars().count() == 1
}

/// Tells `F` from `F F`.
#[derive(Default)]
pub struct DoubleKey {
    last_f_ms: Option<f64>,
}

impl DoubleKey {
    /// The action of a key pressed at a time (ms).
    pub fn action(&mut self, name: &str, now_ms: f64) -> Option<Action> {
        if name == "F" {
            let twice = self.last_f_ms.is_some_and(|t| now_ms - t < DOUBLE_MS);
            self.last_f_ms = (!twice).then_some(now_ms);
            return Some(if twice { Action::FitSelection } else { Action::Fit });
        }
        self.last_f_ms = None;
        commands::by_key(name).map(|c| c.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f_twice_in_half_a_second_fits_the_selection() {
        let mut keys = DoubleKey::default();
        assert_eq!(keys.action("F", 0.0), Some(Action::Fit));
        assert_eq!(keys.action("F", 300.0), Some(Action::FitSelection));
        assert_eq!(keys.action("F", 500.0), Some(Action::Fit));
        assert_eq!(keys.action("F", 1500.0), Some(Action::Fit));
    }

    #[test]
    fn signs_that_need_another_key_on_some_keyboards_are_the_same_signs() {
        let name = |key: &str, ctrl, alt, shift| spelt(key.to_owned(), ctrl, alt, shift);
        assert_eq!(name("[", true, true, false), "[");
        assert_eq!(name("\\", false, true, false), "\\");
        assert_eq!(name("?", false, false, true), "?");
        assert_eq!(name("1", false, false, true), "1");
        assert_eq!(name("1", true, false, false), "Ctrl+1");
        assert_eq!(name("Z", true, false, true), "Ctrl+Shift+Z");
        assert_eq!(name("ArrowUp", false, true, false), "Alt+ArrowUp");
    }

    #[test]
    fn only_keys_without_ctrl_count_as_single_characters() {
        assert!(is_single_character("W") && is_single_character("Shift+B"));
        assert!(!is_single_character("Ctrl+K") && !is_single_character("ArrowUp"));
    }
}
