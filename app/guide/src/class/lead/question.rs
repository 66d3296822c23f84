//! What the leader asks the class, the answers as they come, and the labels that are revealed.

use leptos::prelude::*;
use spyhop_api::room::{FromMember, MOST_CHOICES, MOST_TEXT, Question};

use super::super::questions::area_of_selection;
use super::super::room::Room;
use super::super::student::Counts;
use super::super::{counts, words};
use crate::viewer::Viewer;

/// The question that is asked, or the form of one.
#[component]
pub fn AskClass(viewer: Viewer, room: Room) -> impl IntoView {
    let question = Memo::new(move |_| room.state.with(|state| state.question.clone()));
    let revealed = Memo::new(move |_| room.state.with(|state| !state.revealed.is_empty()));
    view! {
        <section class="class-section">
            {move || match question.get() {
                Some(question) => view! { <Asks room question/> }.into_any(),
                None => view! { <Pose viewer room/> }.into_any(),
            }}
            <button id="class-reveal" aria-pressed=move || revealed.get().to_string()
                on:click=move |_| room.say(FromMember::RevealLabels {
                    on: !revealed.get_untracked(),
                    marks: Vec::new(),
                })
            >{move || if revealed.get() { words::HIDE_LABELS } else { words::REVEAL_LABELS }}</button>
        </section>
    }
}

#[component]
fn Pose(viewer: Viewer, room: Room) -> impl IntoView {
    let text = RwSignal::new(words::WHAT_IS_THIS.to_owned());
    let choices = RwSignal::new(String::new());
    let selected = Memo::new(move |_| viewer.shown.with(|shown| area_of_selection(&shown.view)));
    let on_selection = RwSignal::new(true);
    view! {
        <form class="class-form" on:submit=move |ev| {
            ev.prevent_default();
            let lines = choices.get_untracked();
            let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
            room.say(FromMember::Pose {
                text: text.get_untracked(),
                area: selected.get_untracked().filter(|_| on_selection.get_untracked()),
                choices: lines.take(MOST_CHOICES).map(str::to_owned).collect(),
            });
        }>
            <h2>{words::POSE_TITLE}</h2>
            <label class="class-field"><span>{words::YOUR_QUESTION}</span>
                <input id="class-pose-text" type="text" maxlength=MOST_TEXT.to_string() autocomplete="off"
                    prop:value=move || text.get() on:input=move |ev| text.set(event_target_value(&ev))/>
            </label>
            <label class="class-field"><span>{words::CHOICES}</span>
                <textarea id="class-pose-choices" rows="4"
                    on:input=move |ev| choices.set(event_target_value(&ev))></textarea>
            </label>
            <label class="class-check">
                <input id="class-pose-area" type="checkbox" prop:checked=move || on_selection.get()
                    disabled=move || selected.with(Option::is_none)
                    on:change=move |ev| on_selection.set(event_target_checked(&ev))/>
                {words::ON_SELECTION}
            </label>
            <button id="class-pose" class="primary" type="submit"
                disabled=move || !room.is_live() || text.with(|text| text.trim().is_empty())
            >{words::POSE}</button>
        </form>
    }
}

#[component]
fn Asks(room: Room, question: Question) -> impl IntoView {
    let is_open = question.is_open;
    let is_revealed = question.tally.is_some();
    let words_of = question.text.clone();
    let question = StoredValue::new(question);
    let counts = Memo::new(move |_| {
        let counts =
            room.class.with(|c| question.with_value(|q| counts::of_answers(q, &c.answers)));
        let answered = room.class.with(|class| class.answers.len());
        (counts, answered)
    });
    let members = move || room.class.with(|class| (class.following + class.away) as usize);
    view! {
        <h2>{words_of}</h2>
        <p id="class-answers-told" role="status">{move || words::answered(counts.with(|c| c.1), members())}</p>
        <div id="class-answers">{move || view! { <Counts counts=counts.get().0/> }}</div>
        <div class="class-choices">
            <button id="class-show-answers" class:primary=!is_revealed
                on:click=move |_| room.say(FromMember::RevealAnswers { on: !is_revealed })
            >{if is_revealed { words::HIDE_ANSWERS } else { words::SHOW_ANSWERS }}</button>
            <button id="class-stop-answers"
                on:click=move |_| room.say(FromMember::OpenQuestion { on: !is_open })
            >{if is_open { words::STOP_ANSWERS } else { words::TAKE_ANSWERS }}</button>
            <button id="class-new-question" on:click=move |_| room.say(FromMember::DropQuestion)>
                {words::NEW_QUESTION}
            </button>
        </div>
    }
}
