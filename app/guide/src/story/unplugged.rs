//! What a presentation has fetched is held by a service worker (`public/unplugged.js`), so that it goes on
//! when the network is gone: the one thing that stands between a page, its workers and the network.

use gloo::net::http::Request;
use gloo::storage::{SessionStorage, Storage};
use gloo::timers::future::TimeoutFuture;
use leptos::prelude::window;
use serde::Deserialize;
use spyhop_words::story::cover as words;
use wasm_bindgen_futures::JsFuture;

const SCRIPT: &str = "unplugged.js";
/// What the worker answers itself.
const STATE: &str = "unplugged.json";
/// Set once a page was loaded anew for the worker: one that does not come is not waited for again.
const TRIED: &str = "spyhop.unplugged";
/// How long a worker is waited for, ms.
const PATIENCE_MS: u32 = 5000;
const LOOK_MS: u32 = 100;

/// Whether what is fetched is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    Held,
    /// The page lies on this disk with all that it shows.
    OnDisk,
    /// The browser does not let a page hold anything; why.
    Withheld(&'static str),
}

#[derive(Deserialize)]
struct State {
    failures: u32,
}

/// Begins to hold what is fetched. A page that was opened without the worker is loaded once more, so that
/// its own workers come under it, too.
pub async fn begin() -> Keeping {
    if window().location().protocol().is_ok_and(|protocol| protocol == "file:") {
        return Keeping::OnDisk;
    }
    if !window().is_secure_context() {
        return Keeping::Withheld(words::NOT_SECURE);
    }
    if state().await.is_some() {
        SessionStorage::delete(TRIED);
        return Keeping::Held;
    }
    if SessionStorage::get::<bool>(TRIED).unwrap_or(false) {
        return Keeping::Withheld(words::REFUSED);
    }
    // Some browsers have none in private windows.
    let workers = js_sys::Reflect::get(&window().navigator(), &"serviceWorker".into());
    if workers.map_or(true, |workers| workers.is_undefined()) {
        return Keeping::Withheld(words::REFUSED);
    }
    let registered = window().navigator().service_worker().register(SCRIPT);
    if JsFuture::from(registered).await.is_err() || SessionStorage::set(TRIED, true).is_err() {
        return Keeping::Withheld(words::REFUSED);
    }
    let mut waited_ms = 0;
    while waited_ms < PATIENCE_MS && window().navigator().service_worker().controller().is_none() {
        TimeoutFuture::new(LOOK_MS).await;
        waited_ms += LOOK_MS;
    }
    if window().location().reload().is_err() {
        return Keeping::Withheld(words::REFUSED);
    }
    // The page goes away.
    TimeoutFuture::new(PATIENCE_MS).await;
    Keeping::Withheld(words::REFUSED)
}

/// Fetches something, to be held.
pub async fn hold(address: &str) {
    // What is not there is not shown later either.
    let _ = Request::get(address).send().await;
}

/// How many answers could not be held.
pub async fn failures() -> u32 {
    state().await.map_or(1, |state| state.failures)
}

/// What the worker says; `None` where there is none.
async fn state() -> Option<State> {
    Request::get(STATE).send().await.ok()?.json().await.ok()
}
