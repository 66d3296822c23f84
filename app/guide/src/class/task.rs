//! A task on a member's screen: boxes are drawn with the picture's own selection, added, and checked.

use gloo::events::EventListener;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use spyhop_api::room::{Area, FromMember, MOST_BOXES, TaskResult};
use wasm_bindgen::JsCast;

use super::following::Following;
use super::questions::area_of_selection;
use super::room::Room;
use super::{bar, words};
use crate::viewer::Viewer;

/// The task, its boxes, and how the last try went.
#[component]
pub fn TaskCard(viewer: Viewer, room: Room, following: Following) -> impl IntoView {
    let task = Memo::new(move |_| room.state.with(|state| state.task.clone()));
    let id = Memo::new(move |_| task.with(|task| task.as_ref().map(|task| task.id)));
    let result = Memo::new(move |_| {
        let of_task = |result: &TaskResult| Some(result.task) == id.get();
        room.mine.with(|mine| mine.result.clone().filter(of_task))
    });
    let selected = Memo::new(move |_| viewer.shown.with(|shown| area_of_selection(&shown.view)));
    let drawn = following.drawn;
    Effect::new(move |_| {
        id.track();
        drawn.set(Vec::new());
    });
    let can_add = Memo::new(move |_| {
        let area = selected.get();
        drawn.with(|drawn| {
            drawn.len() < MOST_BOXES && area.is_some_and(|area| !drawn.contains(&area))
        })
    });
    let add = move || {
        if let Some(area) = selected.get_untracked().filter(|_| can_add.get_untracked()) {
            drawn.update(|drawn| drawn.push(area));
        }
    };
    add_by_key(add);
    let send = move || {
        // A box that was drawn and not added was meant, too.
        add();
        let (Some(task), boxes) = (id.get_untracked(), drawn.get_untracked()) else { return };
        room.say(FromMember::Boxes { task, boxes });
    };
    // What was checked is shown with its verdicts, until another box is begun.
    Effect::new(move |before: Option<Option<u32>>| {
        let tried = result.with(|result| result.as_ref().map(|result| result.try_number));
        if before.is_some_and(|before| before != tried) && tried.is_some() {
            drawn.set(Vec::new());
        }
        tried
    });
    let again = move || {
        let right = result.with_untracked(|result| {
            let boxes = result.as_ref().map(|result| result.boxes.as_slice()).unwrap_or_default();
            boxes.iter().filter(|verdict| verdict.is_right).map(|verdict| verdict.area).collect()
        });
        drawn.set(right);
    };
    let is_begun = Memo::new(move |_| drawn.with(|drawn| !drawn.is_empty()));
    view! {
        <section id="class-task" class="class-section"
            data-drawn=move || drawn.with(Vec::len).to_string()
            data-try=move || result.with(|r| r.as_ref().map_or(0, |r| r.try_number)).to_string()
            data-mastered=move || result.with(|r| r.as_ref().is_some_and(|r| r.is_mastered)).to_string()
        >
            {move || task.get().map(|task| view! {
                <h2 aria-live="polite">{
                    if task.text.is_empty() { words::TASK_TEXT_FIRST.to_owned() } else { task.text }
                }</h2>
                <p>{words::to_find(task.calls, &task.label)}</p>
                {(!task.solution.is_empty()).then(|| view! { <p class="dim">{words::SOLVED}</p> })}
            })}
            {move || result.get().filter(|_| !is_begun.get()).map(|result| view! { <Verdicts result/> })}
            <Show when=move || is_begun.get() || result.with(Option::is_none)>
                <p class="dim">{words::ADD_BOX_HELP}</p>
            </Show>
            <Drawn drawn/>
            <div class="class-choices">
                <button id="class-add-box" disabled=move || !can_add.get() on:click=move |_| add()>
                    {words::ADD_BOX}
                </button>
                <button id="class-send-boxes" class="primary"
                    disabled=move || !room.is_live() || !(is_begun.get() || can_add.get())
                    on:click=move |_| send()
                >{words::SEND_BOXES}</button>
                <Show when=move || !is_begun.get()
                    && result.with(|r| r.as_ref().is_some_and(|r| !r.is_mastered && r.right > 0))>
                    <button id="class-try-again" on:click=move |_| again()>{words::TRY_AGAIN}</button>
                </Show>
            </div>
        </section>
    }
}

#[component]
fn Drawn(drawn: RwSignal<Vec<Area>>) -> impl IntoView {
    view! {
        <Show when=move || drawn.with(|drawn| !drawn.is_empty())>
            <p role="status">{move || words::drawn(drawn.with(Vec::len))}</p>
            <ol class="class-boxes">
                {move || drawn.get().into_iter().enumerate().map(|(at, _)| view! {
                    <li>
                        <button class="class-box" aria-label=format!("{} {}", words::REMOVE, at + 1)
                            on:click=move |_| drawn.update(|drawn| {
                                if at < drawn.len() { drawn.remove(at); }
                            })
                        >{format!("{} ×", at + 1)}</button>
                    </li>
                }).collect_view()}
            </ol>
        </Show>
    }
}

/// How a try went, box by box.
#[component]
fn Verdicts(result: TaskResult) -> impl IntoView {
    view! {
        <p id="class-result" class="class-result" class:mastered=result.is_mastered role="status">
            {words::result(&result)}
        </p>
        <ol class="class-verdicts">
            {result.boxes.iter().map(|verdict| view! {
                <li data-right=verdict.is_right.to_string()>{words::all_of_verdict(verdict)}</li>
            }).collect_view()}
        </ol>
    }
}

/// Enter adds the box, unless it is for something that has the focus.
fn add_by_key(add: impl Fn() + 'static) {
    let keys = EventListener::new(&window(), "keydown", move |event| {
        let Some(key) = event.dyn_ref::<web_sys::KeyboardEvent>() else { return };
        let target = key.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let is_control =
            target.is_some_and(|e| e.matches("button, a, summary, input").unwrap_or(false));
        if key.key() == "Enter" && !is_control && !bar::is_typing(key) {
            add();
        }
    });
    let keys = SendWrapper::new(keys);
    on_cleanup(move || drop(keys));
}
