//! The labels that are known in what the leader shows: a task is chosen from them.

use gloo::timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::room::{Area, LabelCount};

use super::super::requests;
use super::super::room::Room;

/// A view that has rested for so long is asked about, ms: by then the server has been told of it.
const RESTED_MS: u32 = 500;
/// While it rests it is asked about again so often, ms: somebody may label what it shows.
const AGAIN_MS: u32 = 4000;

/// What is labelled in what the leader shows, the commonest first; none where that is not known.
pub fn known_labels(room: Room, area: Memo<Option<Area>>) -> RwSignal<Option<Vec<LabelCount>>> {
    let known = RwSignal::new(None);
    let turn = StoredValue::new(0_u32);
    Effect::new(move |_| {
        area.track();
        let asked = turn.get_value().wrapping_add(1);
        turn.set_value(asked);
        if !room.is_live() {
            return;
        }
        // The form may be gone, or the view another one.
        let is_due = move || turn.try_get_value() == Some(asked);
        spawn_local(async move {
            let mut wait_ms = RESTED_MS;
            loop {
                TimeoutFuture::new(wait_ms).await;
                if !is_due() {
                    return;
                }
                let found = requests::labels(&room.code(), &room.token()).await.ok();
                if !is_due() {
                    return;
                }
                // What was known of this view stays known where one answer is lost.
                let is_first = wait_ms == RESTED_MS;
                if (is_first || found.is_some()) && known.with_untracked(|held| *held != found) {
                    known.set(found);
                }
                wait_ms = AGAIN_MS;
            }
        });
    });
    known
}
