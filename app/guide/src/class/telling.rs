//! What this page shows, told to the room: by whoever leads, and by others so that they can be shown to
//! all.

use gloo::timers::callback::Timeout;
use leptos::prelude::*;

use super::follow;
use super::following::{Following, now_ms};
use super::pace::{ASIDE_EVERY_MS, LEAD_EVERY_MS, Next, Pace};
use super::room::Room;
use crate::viewer::Viewer;

/// Whom the room's pages follow, from this page's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// This one is followed.
    Leads,
    /// Nobody follows this one, but might.
    Aside,
    /// It shows what another does.
    Silent,
}

/// Begins to tell.
pub fn start(viewer: Viewer, room: Room, following: Following) {
    let part = Memo::new(move |_| {
        let spotlit = room.state.with(|state| state.spotlight.as_ref().map(|s| s.member));
        match (room.is_leader(), spotlit) {
            (true, None) => Part::Leads,
            (true, Some(_)) => Part::Silent,
            (false, Some(member)) if member == room.id() => Part::Leads,
            (false, _) if following.is_away.get() => Part::Aside,
            (false, _) => Part::Silent,
        }
    });
    let pace = StoredValue::new(Pace::default());
    let later = StoredValue::new_local(None::<Timeout>);
    let tell = StoredValue::new_local(None::<std::rc::Rc<dyn Fn()>>);
    let tell_now = std::rc::Rc::new(move || {
        let every_ms = match part.get_untracked() {
            Part::Leads => LEAD_EVERY_MS,
            Part::Aside => ASIDE_EVERY_MS,
            Part::Silent => return,
        };
        let shown = viewer.shown.get_untracked();
        // Who goes to the library to open something else leaves the others where they are.
        let leaves = follow::is_empty(&shown.view)
            && room.state.with_untracked(|state| !follow::is_empty(&state.shown.view));
        if leaves || !room.connection.with_untracked(|c| *c == super::room::Connection::Live) {
            return;
        }
        match pace.try_update_value(|pace| pace.next(&shown, every_ms, now_ms())) {
            Some(Next::Say(said)) => room.say(said),
            Some(Next::Wait(ms)) => {
                let again = move || {
                    // What shows the room may be gone.
                    if let Some(Some(tell)) = tell.try_get_value() {
                        tell();
                    }
                };
                later.set_value(Some(Timeout::new(ms.ceil() as u32, again)));
            }
            _ => {}
        }
    });
    tell.set_value(Some(tell_now.clone()));
    Effect::new(move |before: Option<(Part, bool)>| {
        viewer.shown.track();
        let now = (part.get(), room.is_live());
        if before != Some(now) {
            pace.update_value(Pace::forget);
        }
        tell_now();
        now
    });
}
