//! Asking the server for tiles.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use gloo::timers::future::TimeoutFuture;
use spyhop_api::tile::Tile;
use wasm_bindgen_futures::spawn_local;

use super::{Decoded, Key};
use crate::engine::state::State;
use crate::engine::tile_request::{Abort, NotCome, tile};

/// How long a tile that was not finished is shown until it is asked for again, ms.
const UNFINISHED_MS: u32 = 3000;

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
        let (abort, signal) = Abort::new();
        state.borrow_mut().distant.in_flight.insert(key, abort);
        let state = state.clone();
        spawn_local(async move {
            let answer = tile(&url, signal.as_ref()).await;
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

fn arrived(state: &Rc<RefCell<State>>, turn: u32, key: Key, answer: Result<Tile, NotCome>) {
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
        Err(NotCome::Aborted) => return,
        Err(NotCome::Lost(why) | NotCome::Refused(why)) => {
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
