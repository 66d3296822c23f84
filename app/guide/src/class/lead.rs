//! The panel of whoever leads: how others come in, who is here, and what the class is asked and says.

mod known_labels;
mod people;
mod question;
mod set_task;

use leptos::prelude::*;
use spyhop_api::room::FromMember;

use super::code::{Code, WayIn};
use super::following::Following;
use super::questions::Asked;
use super::room::{Connection, Room};
use super::{requests, words};
use crate::viewer::Viewer;

/// The panel.
#[component]
pub fn Lead(viewer: Viewer, room: Room, following: Following) -> impl IntoView {
    let way = WayIn::start(room);
    let tab = RwSignal::new("people");
    let asked = Memo::new(move |_| room.state.with(|state| state.asked.len()));
    let spotlight = Memo::new(move |_| room.state.with(|state| state.spotlight.clone()));
    view! {
        <aside id="class-lead" class="class-panel" aria-label=words::CLASS
            data-code=room.code()
            data-connection=move || format!("{:?}", room.connection.get()).to_lowercase()
            data-following=move || room.class.with(|class| class.following.to_string())
            data-away=move || room.class.with(|class| class.away.to_string())
        >
            <Code way/>
            <p id="class-counts" class="class-counts-line" role="status">{move || match room.connection.get() {
                Connection::Connecting => words::CONNECTING.to_owned(),
                Connection::Lost => words::LOST.to_owned(),
                _ => room.class.with(words::class_counts),
            }}</p>
            <label class="class-check">
                <input id="class-sounds" type="checkbox" disabled=move || !room.is_live()
                    prop:checked=move || room.state.with(|state| state.sounds)
                    on:change=move |ev| room.say(FromMember::Sounds { on: event_target_checked(&ev) })/>
                {words::LET_SOUND}
            </label>
            {move || spotlight.get().map(|shown| view! {
                <div class="class-spotlight" role="status">
                    <p>{words::seen_of(words::member(shown.member, &shown.name))}</p>
                    <button id="class-take-back" class="primary" on:click=move |_| people::take_back(viewer, room)>
                        {words::TAKE_BACK}
                    </button>
                </div>
            })}
            <p id="class-refused" class="warned" role="alert">{move || room.refused.get()}</p>
            <div class="class-tabs" role="tablist" aria-label=words::CLASS on:keydown=move |ev| turn(tab, &ev)>
                {words::TABS.map(|(name, title)| view! {
                    <button role="tab" id=format!("class-tab-{name}") data-tab=name
                        aria-selected=move || (tab.get() == name).to_string() aria-controls="class-page"
                        tabindex=move || if tab.get() == name { "0" } else { "-1" }
                        on:click=move |_| tab.set(name)
                    >
                        {title}
                        {move || (name == "asked" && asked.get() > 0).then(|| format!(" {}", asked.get()))}
                    </button>
                })}
            </div>
            <div id="class-page" class="class-page" role="tabpanel"
                aria-labelledby=move || format!("class-tab-{}", tab.get())
            >
                {move || match tab.get() {
                    "question" => view! { <question::AskClass viewer room/> }.into_any(),
                    "asked" => view! {
                        <section class="class-section">
                            <Show when=move || asked.get() == 0><p class="dim">{words::ASKED_NONE}</p></Show>
                            <Asked room following/>
                        </section>
                    }.into_any(),
                    "task" => view! { <set_task::TaskOfClass viewer room/> }.into_any(),
                    _ => view! { <people::People room/> }.into_any(),
                }}
            </div>
            <Footer room following/>
        </aside>
    }
}

#[component]
fn Footer(room: Room, following: Following) -> impl IntoView {
    let sure = RwSignal::new(false);
    let csv = move || requests::answers_csv(&room.code(), &room.token());
    let end = move |_| {
        following.leave();
        room.say(FromMember::End);
    };
    view! {
        <footer class="class-foot">
            <Show when=move || sure.get() fallback=move || view! {
                <a id="class-csv" class="button" href=csv download="">{words::ANSWERS_CSV}</a>
                <button id="class-end" on:click=move |_| sure.set(true)>{words::END}</button>
            }>
                <p role="alert">{words::END_SURE}</p>
                <button id="class-end-yes" class="primary" on:click=end>{words::END_YES}</button>
                <button on:click=move |_| sure.set(false)>{words::GO_ON}</button>
            </Show>
        </footer>
    }
}

/// Arrow keys go from tab to tab, and the focus with them.
fn turn(tab: RwSignal<&'static str>, ev: &web_sys::KeyboardEvent) {
    let by = match ev.key().as_str() {
        "ArrowRight" => 1,
        "ArrowLeft" => words::TABS.len() - 1,
        _ => return,
    };
    ev.prevent_default();
    ev.stop_propagation();
    let at = words::TABS.iter().position(|(name, _)| *name == tab.get_untracked()).unwrap_or(0);
    let Some((next, _)) = words::TABS.get((at + by) % words::TABS.len()) else { return };
    tab.set(next);
    use wasm_bindgen::JsCast;
    let button = document().get_element_by_id(&format!("class-tab-{next}"));
    if let Some(button) = button.and_then(|b| b.dyn_into::<web_sys::HtmlElement>().ok()) {
        // A button that is on the page takes the focus.
        let _ = button.focus();
    }
}
