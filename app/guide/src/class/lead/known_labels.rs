//! The labels that are known in what the leader shows: a task is chosen from them.

use gloo::timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::room::{Area, LabelCount};

use super::super::requests;
use super::super::room::Room;

/// A view that has rested for so long is asked about, ms: by then the server has been told of it.
const RESTED_MS: u32 = 500;

/// What is labelled in what the leader shows, the commonest first; none where that is not known.
pub fn known_labels(room: Room, area: Memo<Option<Area>>) -> RwSignal<Option<Vec<LabelCount>>> {
    let known = RwSignal::new(None);
    let turn = StoredValue::new(0_u32);
    Effect::new(move |_| {
        area.track();
        if !room.is_live() {
            return;
        }
        let asked = turn.get_value().wrapping_add(1);
        turn.set_value(asked);
        spawn_local(async move {
            TimeoutFuture::new(RESTED_MS).await;
            // The form may be gone, or the view another one.
            if turn.try_get_value() != Some(asked) {
                return;
            }
            let found = requests::labels(&room.code(), &room.token()).await.ok();
            if turn.try_get_value() == Some(asked) {
                known.set(found);
            }
        });
    });
    known
}
