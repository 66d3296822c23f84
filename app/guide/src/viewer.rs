//! The page's viewer, as a guide sees it: what it shows, and what it can be asked.

use gloo::events::EventListener;
use leptos::prelude::*;
use spyhop_api::{Errand, Shown, Told, Wish};
use wasm_bindgen::JsCast;

/// The viewer; a copy is a handle.
#[derive(Clone, Copy)]
pub struct Viewer {
    /// What it shows.
    pub shown: RwSignal<Shown>,
    /// What the person asked for last, and a count: the same may be asked for again.
    pub errand: RwSignal<Option<(u64, Errand)>>,
    /// The address that the page was opened with, fragment and all.
    pub address: RwSignal<String>,
}

impl Viewer {
    /// Begins to be told.
    pub fn start() -> Viewer {
        let viewer = Viewer {
            shown: RwSignal::new(Shown::default()),
            errand: RwSignal::new(None),
            address: RwSignal::new(String::new()),
        };
        EventListener::new(&document(), "spyhop-told", move |event| {
            let text = event.dyn_ref::<web_sys::CustomEvent>().and_then(|e| e.detail().as_string());
            match text.and_then(|text| serde_json::from_str(&text).ok()) {
                Some(Told::Begun { address }) => viewer.address.set(address),
                Some(Told::Shown { shown }) => viewer.shown.set(shown),
                Some(Told::Asked { errand }) => viewer
                    .errand
                    .update(|last| *last = Some((last.map_or(1, |(count, _)| count + 1), errand))),
                None => {}
            }
        })
        .forget();
        viewer.ask(&Wish::Begin);
        viewer
    }

    /// Asks it for something.
    pub fn ask(&self, wish: &Wish) {
        // What is wished for has no keys but text.
        let Ok(text) = serde_json::to_string(wish) else { return };
        let init = web_sys::CustomEventInit::new();
        init.set_detail(&text.into());
        if let Ok(event) = web_sys::CustomEvent::new_with_event_init_dict("spyhop-wish", &init) {
            // Nobody can prevent it.
            let _ = document().dispatch_event(&event);
        }
    }
}

/// The viewer of this page.
pub fn use_viewer() -> Viewer {
    expect_context::<Viewer>()
}
