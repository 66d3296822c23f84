//! A short mark with its reason, which is told to whoever points at it or comes to it by keyboard.

use leptos::html;
use leptos::prelude::*;
use spyhop_api::Severity;

/// Room between a mark and its reason, CSS pixels.
const APART_PX: f64 = 4.0;
/// Width of a reason, CSS pixels; the style sheet has the same.
const REASON_PX: f64 = 300.0;

/// A word or two, coloured by how much it matters, with the reason.
#[component]
pub fn Mark(
    #[prop(into)] words: String,
    #[prop(into)] why: String,
    severity: Severity,
) -> impl IntoView {
    let mark = NodeRef::<html::Span>::new();
    let place = RwSignal::new(None::<String>);
    let show = move || place.set(mark.get_untracked().and_then(|mark| beside(&mark)));
    let hide = move || place.set(None);
    let reason = why.clone();
    view! {
        <span class="finding" tabindex="0" node_ref=mark data-severity=severity.name()
            on:pointerenter=move |_| show() on:pointerleave=move |_| hide()
            on:focus=move |_| show() on:blur=move |_| hide()
            on:keydown=move |ev| if ev.key() == "Escape" { hide() }
        >
            {words}
            <span class="visually-hidden">{format!(": {why}")}</span>
            {move || place.get().map(|style| view! {
                <span class="reason-box" aria-hidden="true" style=style>{reason.clone()}</span>
            })}
        </span>
    }
}

/// Below what is marked, or above it where there is no room: nothing that scrolls cuts it off.
fn beside(mark: &web_sys::HtmlElement) -> Option<String> {
    let at = mark.get_bounding_client_rect();
    let of_window = |size: Result<wasm_bindgen::JsValue, _>| size.ok()?.as_f64();
    let (width, height) = (of_window(window().inner_width())?, of_window(window().inner_height())?);
    let left = at.left().min(width - REASON_PX - 2.0 * APART_PX).max(APART_PX);
    Some(match at.bottom() < height * 0.7 {
        true => format!("left:{left:.0}px;top:{:.0}px", at.bottom() + APART_PX),
        false => format!("left:{left:.0}px;bottom:{:.0}px", height - at.top() + APART_PX),
    })
}
