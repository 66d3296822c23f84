//! The form of one step.

use gloo::timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::story::{MOST_ANSWERS, MOST_STEP_S};
use spyhop_api::{Question, Step, StepSound};
use spyhop_words::story::form as words;

use super::{Desk, boxes, drafted, focus, says};

/// How long words rest until they are shown as they will be read, ms.
const REST_MS: u32 = 600;
/// A title that nobody sees: a story has one.
const DRAFT: &str = "draft";

/// What a step says, how it sounds, and what it asks.
#[component]
pub fn StepForm(desk: Desk, step: usize) -> impl IntoView {
    let now = desk.step_now(step).unwrap_or_default();
    let question = now.question.clone();
    let retake = move |_| {
        let view = desk.play.viewer.shown.with_untracked(|shown| shown.view.clone());
        desk.change_step(step, |s| s.view = view);
        desk.done.set(words::RETAKEN.to_owned());
    };
    let ask = move |on: bool| {
        desk.change_step(step, |s| {
            s.question =
                on.then(|| Question { answers: vec![String::new(); 2], ..Question::default() });
        });
        desk.renew();
        focus::on(".step-asks", ".step-title");
    };
    view! {
        <div class="story-form">
            <button class="story-retake" title=words::RETAKE_HELP on:click=retake>
                {words::RETAKE}
            </button>
            <label class="story-field"><span>{words::TITLE}</span>
                <input class="step-title" type="text" maxlength="200" prop:value=now.title.clone()
                    on:input=move |ev| { let text = event_target_value(&ev); desk.change_step(step, |s| s.title = text) }/>
            </label>
            <label class="story-field"><span>{words::TEXT}</span>
                <textarea class="step-text" rows="5" maxlength="4000" prop:value=now.text.clone()
                    on:input=move |ev| { let text = event_target_value(&ev); desk.change_step(step, |s| s.text = text) }></textarea>
            </label>
            <Preview desk step/>
            <label class="check"><input class="step-sound" type="checkbox" prop:checked={now.sound == StepSound::Plays}
                on:change=move |ev| {
                    let sound = if event_target_checked(&ev) { StepSound::Plays } else { StepSound::Silent };
                    desk.change_step(step, |s| s.sound = sound);
                }/>{words::SOUNDS}</label>
            <label class="check"><input class="step-calls" type="checkbox" prop:checked=now.calls_shown
                on:change=move |ev| {
                    let shown = event_target_checked(&ev);
                    desk.change_step(step, |s| s.calls_shown = shown);
                }/>{words::CALLS}</label>
            <label class="check">{words::STAYS}" "<input class="step-seconds number" type="number" min="1" max=MOST_STEP_S.to_string()
                placeholder=format!("{:.0}", Step { seconds: None, ..now.clone() }.stays_s())
                prop:value=now.seconds.map(|s| s.to_string()).unwrap_or_default()
                on:change=move |ev| {
                    let seconds = event_target_value(&ev).trim().parse::<f64>().ok().filter(|s| *s >= 1.0);
                    desk.change_step(step, |s| s.seconds = seconds.map(|s| s.min(MOST_STEP_S)));
                }/>" "{words::BY_TIMER}</label>
            <says::Says desk step/>
            <boxes::Boxes desk step/>
            <label class="check"><input class="step-asks" type="checkbox" prop:checked={question.is_some()}
                on:change=move |ev| ask(event_target_checked(&ev))/>{words::ASKS}</label>
            {question.map(|question| view! { <Asks desk step question/> })}
        </div>
    }
}

#[component]
fn Asks(desk: Desk, step: usize, question: Question) -> impl IntoView {
    let change = move |change: &dyn Fn(&mut Question)| {
        desk.change_step(step, |s| {
            if let Some(question) = &mut s.question {
                change(question);
            }
        });
    };
    let count = question.answers.len();
    let answers = question.answers.iter().enumerate().map(|(i, answer)| {
        view! {
            <div class="story-row">
                <input type="radio" name="right-answer" aria-label=words::answer_is_right(i + 1)
                    prop:checked={question.right as usize == i} on:change=move |_| change(&|q| q.right = i as u32)/>
                <input class="step-answer" type="text" maxlength="300" aria-label=words::answer_number(i + 1)
                    prop:value=answer.clone()
                    on:input=move |ev| {
                        let text = event_target_value(&ev);
                        change(&|q| if let Some(answer) = q.answers.get_mut(i) { answer.clone_from(&text) });
                    }/>
                <button class="icon" aria-label=words::remove_answer(i + 1) disabled={count <= 2}
                    on:click=move |_| {
                        change(&|q| {
                            q.answers.remove(i);
                            q.right = q.right.min(q.answers.len() as u32 - 1);
                        });
                        desk.renew();
                        focus::on(".story-more-answers", ".step-question");
                    }>"×"</button>
            </div>
        }
    });
    let answers = answers.collect_view();
    view! {
        <fieldset class="story-asks-form">
            <label class="story-field"><span>{words::QUESTION}</span>
                <input class="step-question" type="text" maxlength="300" prop:value=question.text.clone()
                    on:input=move |ev| { let text = event_target_value(&ev); change(&|q| q.text.clone_from(&text)) }/>
            </label>
            <p class="dim">{words::ANSWERS}</p>
            {answers}
            <button class="story-more-answers" disabled={count >= MOST_ANSWERS} on:click=move |_| {
                change(&|q| q.answers.push(String::new()));
                desk.renew();
                focus::on(".step-answer", ".step-question");
            }>{words::ANOTHER_ANSWER}</button>
            <label class="story-field"><span>{words::WHY}</span>
                <textarea class="step-why" rows="3" maxlength="4000" prop:value=question.why.clone()
                    on:input=move |ev| { let text = event_target_value(&ev); change(&|q| q.why.clone_from(&text)) }></textarea>
            </label>
        </fieldset>
    }
}

/// The words as they will be read: the server makes them, so that there is one Markdown.
#[component]
fn Preview(desk: Desk, step: usize) -> impl IntoView {
    let html = RwSignal::new(String::new());
    let text = Memo::new(move |_| {
        desk.draft
            .with(|d| Some(d.as_ref()?.story.steps.get(step)?.text.clone()))
            .unwrap_or_default()
    });
    let turn = StoredValue::new(0u64);
    Effect::new(move |_| {
        let written = text.get();
        turn.update_value(|n| *n += 1);
        let mine = turn.get_value();
        spawn_local(async move {
            TimeoutFuture::new(REST_MS).await;
            if turn.try_get_value() != Some(mine) {
                return;
            }
            // The words alone: what else is unfinished is nothing to them.
            let view = desk.step_now(step).map(|s| s.view).unwrap_or_default();
            let alone = Step { text: written, view, ..Step::default() };
            let story = spyhop_api::StoryRequest {
                title: DRAFT.into(),
                steps: vec![alone],
                ..Default::default()
            };
            let answer = drafted(&story).await;
            if turn.try_get_value() == Some(mine) {
                match answer {
                    Ok(story) => {
                        let first = story.steps.into_iter().next();
                        html.set(first.map(|step| step.text_html).unwrap_or_default());
                    }
                    Err(error) => desk.problem.set(error),
                }
            }
        });
    });
    view! {
        <Show when=move || html.with(|html| !html.is_empty())>
            <div class="story-text story-preview" aria-label=words::PREVIEW role="group"
                inner_html=move || html.get()></div>
        </Show>
    }
}
