//! What a member who follows is asked and may ask: cards beside the picture, or below it.

use leptos::prelude::*;
use spyhop_api::room::{FromMember, MOST_TEXT, Question};

use super::counts::{self, Count};
use super::following::Following;
use super::questions::{Asked, area_of_selection};
use super::room::Room;
use super::{task, words};
use crate::viewer::Viewer;

/// The cards, as long as there is one.
#[component]
pub fn Cards(
    viewer: Viewer,
    room: Room,
    following: Following,
    asks: RwSignal<bool>,
) -> impl IntoView {
    let question = Memo::new(move |_| room.state.with(|state| state.question.clone()));
    // A question is one card from its first word to its last, whatever comes to be known of it meanwhile.
    let asked = Memo::new(move |_| question.with(|q| q.as_ref().map(|q| q.id)));
    let has_task = Memo::new(move |_| room.state.with(|state| state.task.is_some()));
    let has_asked = Memo::new(move |_| room.state.with(|state| !state.asked.is_empty()));
    let is_refused = Memo::new(move |_| room.refused.with(|why| !why.is_empty()));
    let is_needed =
        move || asked.with(Option::is_some) || has_task.get() || has_asked.get() || asks.get();
    view! {
        <Show when=move || is_needed() || is_refused.get()>
            <aside id="class-cards" class="class-panel" aria-label=words::CLASS>
                <p id="class-refused" class="warned" role="alert">{move || room.refused.get()}</p>
                <Show when=move || asks.get()><AskForm viewer room asks/></Show>
                {move || {
                    asked.track();
                    let first = question.get_untracked();
                    first.map(|first| view! { <QuestionCard room first question/> })
                }}
                <Show when=move || has_task.get()><task::TaskCard viewer room following/></Show>
                <Show when=move || has_asked.get()>
                    <section class="class-section">
                        <h2>{words::ASKED_TITLE}</h2>
                        <Asked room following/>
                    </section>
                </Show>
            </aside>
        </Show>
    }
}

#[component]
fn QuestionCard(room: Room, first: Question, question: Memo<Option<Question>>) -> impl IntoView {
    let id = first.id;
    let answer =
        Memo::new(move |_| room.mine.with(|mine| mine.answer.clone().filter(|a| a.question == id)));
    let is_open = Memo::new(move |_| question.with(|q| q.as_ref().is_some_and(|q| q.is_open)));
    let text =
        RwSignal::new(untrack(|| answer.get()).map(|answer| answer.text).unwrap_or_default());
    let say = move |choice: Option<u32>, text: String| {
        room.say(FromMember::Answer { question: id, choice, text });
    };
    let choices = first.choices.clone();
    let tally = move || question.with(|q| q.as_ref().and_then(counts::revealed));
    view! {
        <section id="class-question" class="class-section" data-question=id.to_string()>
            <h2 aria-live="polite">{first.text.clone()}</h2>
            {match choices.is_empty() {
                false => view! {
                    <div class="class-options" role="group" aria-label=first.text.clone()>
                        {choices.into_iter().enumerate().map(|(at, words)| {
                            let at = at as u32;
                            let chosen = move || answer.with(|a| a.as_ref().and_then(|a| a.choice) == Some(at));
                            view! {
                                <button data-choice=at.to_string() disabled=move || !is_open.get()
                                    aria-pressed=move || chosen().to_string()
                                    on:click=move |_| say(Some(at), String::new())
                                >{words}</button>
                            }
                        }).collect_view()}
                    </div>
                }.into_any(),
                true => view! {
                    <form class="class-form" on:submit=move |ev| {
                        ev.prevent_default();
                        say(None, text.get_untracked());
                    }>
                        <label class="class-field"><span>{words::YOUR_ANSWER}</span>
                            <input id="class-answer" type="text" maxlength=MOST_TEXT.to_string()
                                autocomplete="off" disabled=move || !is_open.get() prop:value=move || text.get()
                                on:input=move |ev| text.set(event_target_value(&ev))/>
                        </label>
                        <button id="class-answer-send" class="primary" type="submit"
                            disabled=move || !is_open.get() || text.with(|text| text.trim().is_empty())
                        >{words::ANSWER}</button>
                    </form>
                }.into_any(),
            }}
            <p class="dim" role="status" id="class-answered">{move || {
                let said = answer.with(|answer| answer.as_ref().map(|answer| answer.text.clone()));
                match (said, is_open.get()) {
                    (_, false) => words::NO_MORE_ANSWERS.to_owned(),
                    (Some(text), true) if !text.is_empty() => {
                        words::said_so(text)
                    }
                    (Some(_), true) => words::MAY_CHANGE.to_owned(),
                    (None, true) => String::new(),
                }
            }}</p>
            {move || tally().map(|tally| view! {
                <h3>{words::ANSWERS}</h3>
                <Counts counts=tally/>
            })}
        </section>
    }
}

/// Answers with how many gave them, as bars.
#[component]
pub fn Counts(counts: Vec<Count>) -> impl IntoView {
    let most = counts.iter().map(|count| count.count).max().unwrap_or(0).max(1);
    view! {
        <ul class="class-counts" aria-live="polite">
            {counts.into_iter().map(|count| {
                let part = f64::from(count.count) / f64::from(most) * 100.0;
                view! {
                    <li data-count=count.count.to_string()>
                        <span class="class-count-bar" style=format!("width:{part:.1}%") aria-hidden="true"></span>
                        <span class="class-count-text">{count.text}</span>
                        <strong>{count.count}</strong>
                    </li>
                }
            }).collect_view()}
        </ul>
    }
}

#[component]
fn AskForm(viewer: Viewer, room: Room, asks: RwSignal<bool>) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let selected = Memo::new(move |_| viewer.shown.with(|shown| area_of_selection(&shown.view)));
    let about = RwSignal::new(selected.with_untracked(Option::is_some));
    view! {
        <section class="class-section">
            <form class="class-form" on:submit=move |ev| {
                ev.prevent_default();
                let area = selected.get_untracked().filter(|_| about.get_untracked());
                room.say(FromMember::Ask { text: text.get_untracked(), area });
                asks.set(false);
            }>
                <h2>{words::ASK_TITLE}</h2>
                <label class="class-field"><span>{words::YOUR_QUESTION}</span>
                    <input id="class-ask-text" type="text" maxlength=MOST_TEXT.to_string() autocomplete="off"
                        on:input=move |ev| text.set(event_target_value(&ev))/>
                </label>
                <Show when=move || selected.with(Option::is_some)>
                    <label class="class-check">
                        <input id="class-ask-about" type="checkbox" prop:checked=move || about.get()
                            on:change=move |ev| about.set(event_target_checked(&ev))/>
                        {words::ABOUT_MY_BOX}
                    </label>
                </Show>
                <div class="class-choices">
                    <button id="class-ask-send" class="primary" type="submit"
                        disabled=move || !room.is_live() || text.with(|text| text.trim().is_empty())
                    >{words::SEND}</button>
                    <button type="button" on:click=move |_| asks.set(false)>{words::CLOSE}</button>
                </div>
            </form>
        </section>
    }
}
