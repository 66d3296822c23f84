//! A step's question: it may be answered until the answer is right.

use leptos::prelude::*;
use spyhop_api::Question;
use spyhop_words::story::player as words;

use super::play::Play;

/// The question with its answers, and what is told of the one that was given.
#[component]
pub fn Asked(play: Play, question: Question) -> impl IntoView {
    let right = question.right as usize;
    let given = Memo::new(move |_| play.answered());
    let answers = question.answers.iter().cloned().enumerate().map(|(i, words)| {
        let is_given = move || given.get() == Some(i);
        view! {
            <li>
                <button class="story-answer" data-answer=i.to_string()
                    data-said=move || is_given().then_some(if i == right { "right" } else { "wrong" })
                    aria-pressed=move || is_given().to_string()
                    on:click=move |_| play.answer(i)
                >
                    <span aria-hidden="true">{move || match (is_given(), i == right) {
                        (true, true) => "✓",
                        (true, false) => "✗",
                        _ => "",
                    }}</span>
                    {words}
                </button>
            </li>
        }
    });
    let answers = answers.collect_view();
    view! {
        <section class="story-question" aria-label=words::QUESTION>
            <p class="story-asks">{question.text.clone()}</p>
            <ul>{answers}</ul>
            <div id="story-verdict" role="status" data-right=move || given.get().map(|i| (i == right).to_string())>
                {move || given.get().map(|i| view! {
                    <p><strong>{if i == right { words::RIGHT } else { words::WRONG }}</strong></p>
                    <div class="story-text" inner_html=question.why_html.clone()></div>
                })}
            </div>
        </section>
    }
}
