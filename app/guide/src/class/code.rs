//! How others come into a class: its code in large letters, a QR code, and the address.

use gloo::timers::callback::Interval;
use leptos::prelude::*;
use leptos::task::spawn_local;
use send_wrapper::SendWrapper;
use spyhop_api::room::Reach;

use super::room::Room;
use super::{requests, words};

/// How often the server is asked whether others reach it, ms.
const REACH_EVERY_MS: u32 = 5000;

/// How others come in; a copy is a handle.
#[derive(Clone, Copy)]
pub struct WayIn {
    room: Room,
    reach: RwSignal<Option<Reach>>,
    /// Whether it stands over everything, for the whole room to read.
    pub is_large: RwSignal<bool>,
}

impl WayIn {
    /// Begins to ask whether others reach the server, until one has.
    pub fn start(room: Room) -> WayIn {
        let way = WayIn { room, reach: RwSignal::new(None), is_large: RwSignal::new(false) };
        way.ask();
        let asking = SendWrapper::new(Interval::new(REACH_EVERY_MS, move || {
            let reached =
                way.reach.try_with_untracked(|r| r.as_ref().is_some_and(|r| r.was_reached));
            if reached == Some(false) {
                way.ask();
            }
        }));
        on_cleanup(move || drop(asking));
        way
    }

    fn ask(self) {
        let (code, token) = (self.room.code(), self.room.token());
        spawn_local(async move {
            // Where it can't be asked, what was said before stands.
            if let Ok(told) = requests::reach(&code, &token).await {
                let _ = self.reach.try_set(Some(told));
            }
        });
    }

    /// The address that others open. Tracks.
    fn address(self) -> String {
        let told = self.reach.with(|reach| reach.as_ref()?.addresses.first().cloned());
        format!("{}?class={}", told.unwrap_or_else(requests::base), self.room.code())
    }
}

/// The code with what belongs to it.
#[component]
pub fn Code(way: WayIn) -> impl IntoView {
    let reached = Memo::new(move |_| way.reach.with(|reach| reach.as_ref().map(words::reach)));
    view! {
        <div class="class-way-in">
            <button class="class-code" id="class-code" title=words::PROJECT_CODE
                on:click=move |_| way.is_large.set(true)
            >{way.room.code()}</button>
            <p id="class-address" class="class-address">{move || way.address()}</p>
            {move || reached.get().map(|(told, is_well)| view! {
                <p id="class-reach" class:warned=!is_well class:dim=is_well role="status">{told}</p>
            })}
        </div>
        <Show when=move || way.is_large.get()><Large way/></Show>
    }
}

/// As large as the screen, for the back row.
#[component]
fn Large(way: WayIn) -> impl IntoView {
    let close = move || way.is_large.set(false);
    let button = NodeRef::<leptos::html::Button>::new();
    Effect::new(move |_| {
        if let Some(button) = button.get() {
            // A button that is on the page takes the focus.
            let _ = button.focus();
        }
    });
    view! {
        <div id="class-large" class="class-large" role="dialog" aria-modal="true" aria-label=words::CODE
            on:click=move |_| close()
            on:keydown=move |ev| if ev.key() == "Escape" { ev.stop_propagation(); close() }
        >
            <img alt="" src=move || format!("api/v1/qr.svg?text={}", requests::encoded(&way.address()))/>
            <p class="class-code">{way.room.code()}</p>
            <p class="class-address">{move || way.address()}</p>
            <button node_ref=button on:click=move |_| close()>{words::CLOSE}</button>
        </div>
    }
}
