//! The guide: stories that lead through views, and classes that follow one.
//!
//! A WebAssembly module of its own, so that the page's stays small: it is fetched when somebody opens a
//! story or a class. It draws into `#guide` of the page, and speaks to the page's viewer in the words of
//! `spyhop_api::shown` alone.

mod browser_store;
mod class;
mod letter_keys;
mod server;
mod story;
mod viewer;

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use viewer::Viewer;

fn main() {
    console_error_panic_hook::set_once();
    let Some(place) = document().get_element_by_id("guide") else { return };
    let Ok(place) = place.dyn_into::<web_sys::HtmlElement>() else { return };
    wear_style("guide.css");
    mount_to(place, Guide).forget();
}

#[component]
fn Guide() -> impl IntoView {
    let viewer = Viewer::start();
    provide_context(viewer);
    view! {
        <story::Stories/>
        <class::Class/>
    }
}

/// A style sheet that nobody else fetches.
fn wear_style(file: &str) {
    let (Some(head), Ok(link)) = (document().head(), document().create_element("link")) else {
        return;
    };
    // Elements always take attributes and children.
    let _ = link.set_attribute("rel", "stylesheet");
    let _ = link.set_attribute("href", file);
    let _ = head.append_child(&link);
}
