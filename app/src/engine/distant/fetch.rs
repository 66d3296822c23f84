//! Asking the server for tiles.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use gloo::timers::future::TimeoutFuture;
use spyhop_api::tile::Tile;
use spyhop_words::page::tiles as words;
use wasm_bindgen_futures::spawn_local;

use super::{Decoded, Key};
use crate::engine::state::State;
use crate::server::token::get;

/// How long a tile that was not finished is shown until it is asked for again, ms.
const UNFINISHED_MS: u32 = 3000;

/// Aborts a request when it is dropped: nobody waits for it any more.
pub struct Abort(Option<web_sys::AbortController>);

impl Abort {
    /// Of what aborts it.
    pub fn of(controller: Option<web_sys::AbortController>) -> Abort {
        Abort(controller)
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

/// Why a tile did not come.
enum Failure {
    /// Nobody wants it any more.
    Aborted,
    /// For a person.
    Said(String),
}

/// Asks for the tiles that are due.
pub fn dispatch(state: &Rc<RefCell<State>>) {
    let (turn, due) = {
        let now = state.borrow();
        if now.spare.is_moving() {
            return;
        }
        (now.turn, now.distant.next())
    };
    for (key, url) in due {
        let controller = web_sys::AbortController::new().ok();
        let signal = controller.as_ref().map(web_sys::AbortController::signal);
        state.borrow_mut().distant.in_flight.insert(key, Abort::of(controller));
        let state = state.clone();
        spawn_local(async move {
            let answer = ask(&url, signal.as_ref()).await;
            arrived(&state, turn, key, answer);
            dispatch(&state);
        });
    }
}

/// The same, once whoever holds the state has let go of it.
pub fn dispatch_soon(state: Weak<RefCell<State>>) {
    spawn_local(async move {
        if let Some(state) = state.upgrade() {
            dispatch(&state);
        }
    });
}

async fn ask(url: &str, signal: Option<&web_sys::AbortSignal>) -> Result<Tile, Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        let aborted = signal.is_some_and(web_sys::AbortSignal::aborted);
        let said = words::did_not_come(why, url);
        if aborted { Failure::Aborted } else { Failure::Said(said) }
    };
    let request = get(url).abort_signal(signal);
    let response = request.send().await.map_err(|_| failed(&words::NO_ANSWER))?;
    match response.status() {
        200 => {}
        status => return Err(failed(&words::answered(status))),
    }
    let bytes = response.binary().await.map_err(|_| failed(&words::BROKE))?;
    // A task of its own: several that come at once do not hold up the page.
    TimeoutFuture::new(0).await;
    Tile::decode(&bytes).map_err(|error| failed(&error))
}

fn arrived(state: &Rc<RefCell<State>>, turn: u32, key: Key, answer: Result<Tile, Failure>) {
    let mut now = state.borrow_mut();
    if now.turn != turn {
        return;
    }
    match answer {
        Ok(tile) => {
            now.distant.in_flight.remove(&key);
            now.distant.store.put(key, Decoded::of(&tile), !tile.unfinished);
            if tile.unfinished {
                now.distant.resting.insert(key);
                again_later(state.clone(), turn, key);
            }
        }
        // Asked for again in the meantime, perhaps: that request stands for itself.
        Err(Failure::Aborted) => return,
        Err(Failure::Said(why)) => {
            now.distant.in_flight.remove(&key);
            now.distant.failed.insert(key);
            now.problem = Some(why);
        }
    }
    now.tell_news();
}

/// Some of the tile is still to be built.
fn again_later(state: Rc<RefCell<State>>, turn: u32, key: Key) {
    spawn_local(async move {
        TimeoutFuture::new(UNFINISHED_MS).await;
        let same = state.borrow().turn == turn;
        if same && state.borrow_mut().distant.resting.remove(&key) {
            dispatch(&state);
        }
    });
}
