//! Where the keyboard is, in a form that was made anew.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// Puts the focus on the last element that a selector finds, else on what another finds, once the form is there.
pub fn on(first: &str, else_on: &str) {
    let wanted = [first.to_owned(), else_on.to_owned()];
    request_animation_frame(move || {
        let found = wanted.iter().find_map(|selector| {
            let all = document().query_selector_all(selector).ok()?;
            let last = all.item(all.length().checked_sub(1)?)?;
            last.dyn_into::<web_sys::HtmlElement>().ok()
        });
        if let Some(element) = found {
            // What is on the page and enabled takes it.
            let _ = element.focus();
        }
    });
}
