//! What stands beside the picture while a story is played: the words of a step, its question, and the way
//! through the steps.

use leptos::html;
use leptos::prelude::*;
use spyhop_api::{SharedData, Step, StepSound, Wish};
use spyhop_words::story::player as words;

use super::address::{self, Mode};
use super::play::{Arrival, Play, shown_view};
use super::question::Asked;
use super::{captions, cover, timer};

/// The player, while a story is open or one was asked for that can't be.
#[component]
pub fn Player(play: Play, edit: Callback<()>) -> impl IntoView {
    let card = NodeRef::<html::Div>::new();
    // Whoever goes on reads from the top.
    Effect::new(move |_| {
        play.at.track();
        if let Some(card) = card.get() {
            card.set_scroll_top(0);
        }
    });
    let name = move || play.story.with(|s| s.as_ref().map(|s| s.title.clone()).unwrap_or_default());
    let language = move || play.story.with(|s| s.as_ref().map(|s| s.language.clone()));
    let is_kept = move || play.story.with(|s| s.as_ref().is_some_and(|s| !s.id.is_empty()));
    let is_alone = move || play.mode.get() == Mode::Reading && !play.asked.with(|a| a.is_embedded);
    view! {
        <aside id="story" class="story" aria-label=words::STORY lang=language
            data-mode=move || play.mode.get().name()
            data-step=move || (play.at.get() + 1).to_string()
            data-arrival=move || format!("{:?}", play.arrival.get()).to_lowercase()
            on:click=move |ev| keep_inside(play, &ev)
        >
            <header class="story-head">
                <p class="story-name">{name}</p>
                <Show when=is_alone>
                    // A draft that is played is nowhere to be opened.
                    <Show when=is_kept>
                        <button id="story-present" title=words::PRESENT_HELP
                            on:click=move |_| present(play)>{words::PRESENT}</button>
                    </Show>
                    <button id="story-edit" title=words::EDIT_HELP
                        on:click=move |_| edit.run(())>{words::EDIT}</button>
                    <button id="story-leave" class="icon" aria-label=words::LEAVE title=words::LEAVE_HELP
                        on:click=move |_| play.leave()>"×"</button>
                </Show>
            </header>
            <div class="story-words" node_ref=card>
                // What is read aloud when it changes: the step, and not its buttons.
                <div aria-live="polite">{move || play.step().map(|step| view! { <Words play step/> })}</div>
            </div>
            {move || play.step().map(|step| view! { <Tools play step/> })}
            <Steps play/>
        </aside>
        <KeptPicture play/>
        <captions::Captions play/>
        <cover::Cover play/>
        <Show when=move || play.blank.get()>
            <div id="story-blank" class="story-blank" role="img" aria-label=words::BLANK
                on:click=move |_| play.blank.set(false)></div>
        </Show>
    }
}

/// Why there is no story, and the way out.
#[component]
pub fn NoStory(play: Play) -> impl IntoView {
    let home = move |_| {
        play.leave();
        play.viewer.ask(&Wish::Show { view: String::new(), travel_ms: 0 });
    };
    view! {
        <div class="story-none">
            <h2>{words::CANNOT_SHOW}</h2>
            <p id="story-problem" role="alert">{move || play.problem.get()}</p>
            <p class="buttons">
                <button class="primary" on:click=move |_| play.open(play.asked.get_untracked())>{words::TRY_AGAIN}</button>
                <button id="story-home" on:click=home>{words::TO_FIRST_PAGE}</button>
            </p>
        </div>
    }
}

#[component]
fn Words(play: Play, step: Step) -> impl IntoView {
    let number = play.at.get_untracked() + 1;
    let title = if step.title.is_empty() { words::step_number(number) } else { step.title.clone() };
    let remark = match step.data {
        SharedData::Changed => Some(words::CHANGED),
        _ => None,
    };
    let asked = step.question.clone();
    view! {
        <article class="story-step">
            <h2>{title}</h2>
            // The server made this HTML of Markdown, and lets nothing through that could do harm.
            <div class="story-text" inner_html=step.text_html.clone()></div>
            {remark.map(|words| view! { <p class="warned">{words}</p> })}
            {asked.map(|question| view! { <Asked play question/> })}
        </article>
    }
}

/// What can be done with a step: hear it, and find back to it.
#[component]
fn Tools(play: Play, step: Step) -> impl IntoView {
    let home_view = shown_view(&step);
    let is_elsewhere = Memo::new(move |_| {
        let shown = play.arrival.get() == Arrival::Shown && play.mode.get() == Mode::Reading;
        shown && play.viewer.shown.with(|now| is_moved(&now.view, &home_view))
    });
    view! {
        <p class="story-tools">
            <Show when=move || play.arrival.get() == Arrival::Shown>
                <Hear play sounds=step.sound == StepSound::Plays/>
            </Show>
            <Show when=move || is_elsewhere.get()>
                <button id="story-return" on:click=move |_| play.go(play.at.get_untracked())>
                    {words::BACK_TO_TOLD}
                </button>
            </Show>
        </p>
    }
}

/// Plays what the step is about. Browsers want a tap before a page may sound.
#[component]
fn Hear(play: Play, sounds: bool) -> impl IntoView {
    let is_playing = Memo::new(move |_| play.viewer.shown.with(|now| now.is_playing));
    let press = move |_| {
        play.is_unlocked.set(true);
        let wish = if is_playing.get_untracked() { Wish::Stop } else { Wish::Play { from: None } };
        play.viewer.ask(&wish);
    };
    let waits = move || sounds && !play.is_unlocked.get() && !is_playing.get();
    view! {
        <button id="story-hear" class:primary=waits aria-pressed=move || is_playing.get().to_string() on:click=press>
            {move || match (is_playing.get(), waits()) {
                (true, _) => words::STOP,
                (_, true) => words::TAP_TO_HEAR,
                _ => words::HEAR,
            }}
        </button>
    }
}

/// The way through the steps.
#[component]
fn Steps(play: Play) -> impl IntoView {
    let is_last = move || play.at.get() + 1 >= play.count();
    let dots = move || {
        let story = play.story.get()?;
        let dot = |(i, step): (usize, &Step)| {
            let name = words::step_named(i + 1, &step.title);
            view! {
                <button class="story-dot" title=name.clone() aria-label=name
                    aria-current=move || (play.at.get() == i).then_some("step")
                    on:click=move |_| play.go(i)></button>
            }
        };
        Some(story.steps.iter().enumerate().map(dot).collect_view())
    };
    view! {
        <nav class="story-steps" aria-label=words::STEPS>
            <button id="story-back" aria-label=words::PREVIOUS title=words::PREVIOUS_HELP
                disabled=move || play.at.get() == 0 on:click=move |_| play.turn_page(-1)>"‹"</button>
            <div class="story-dots" role="group" aria-label=words::ALL_STEPS>{dots}</div>
            <output id="story-place">{move || format!("{} / {}", play.at.get() + 1, play.count())}</output>
            <timer::Timer play/>
            <button id="story-next" class="primary" aria-label=words::NEXT title=words::NEXT_HELP
                disabled=is_last on:click=move |_| play.turn_page(1)>"›"</button>
        </nav>
    }
}

/// What a step showed when it was written, where that can't be shown any more.
#[component]
fn KeptPicture(play: Play) -> impl IntoView {
    let kept = move || {
        (play.arrival.get() == Arrival::Failed).then_some(())?;
        let path = play.story.with(|s| s.as_ref().map(|s| s.path.clone()))?;
        Some(format!("{path}/{}.png", play.at.get() + 1))
    };
    // A picture that was never kept is no picture.
    let has_failed = RwSignal::new(false);
    Effect::new(move |_| {
        play.at.track();
        has_failed.set(false);
    });
    view! {
        {move || kept().map(|picture| view! {
            <figure id="story-kept" class="story-kept">
                <Show when=move || !has_failed.get()>
                    <img src=picture.clone() alt=words::KEPT_PICTURE
                        on:error=move |_| has_failed.set(true)/>
                </Show>
                <figcaption>
                    {move || if has_failed.get() { words::KEPT_WORDS } else { words::KEPT_VIEW }}
                </figcaption>
            </figure>
        })}
    }
}

/// Whether somebody has moved the picture: what is open, when, and in which band.
fn is_moved(now: &str, wanted: &str) -> bool {
    let place = |query: &str| {
        let (view, _) = spyhop_api::View::from_query(query);
        (view.source, view.start, view.span_ns, view.band_hz)
    };
    place(now) != place(wanted)
}

/// Opens the same step for a room, in a page that can hold everything.
fn present(play: Play) {
    let step = (play.at.get_untracked() + 1).to_string();
    let keys = [("step", Some(step)), ("present", Some("1".to_owned()))];
    // A page that can't be left stays.
    let _ = window().location().assign(&address::with(&address::now(), &keys));
}

/// In a kiosk no link leads out.
fn keep_inside(play: Play, ev: &web_sys::MouseEvent) {
    let on_link = ev
        .target()
        .and_then(|t| wasm_bindgen::JsCast::dyn_into::<web_sys::Element>(t).ok())
        .and_then(|element| element.closest("a").ok().flatten());
    let Some(link) = on_link else { return };
    if play.mode.get_untracked() == Mode::Kiosk {
        ev.prevent_default();
    } else {
        // The story stays where it is.
        let _ = link.set_attribute("target", "_blank");
        let _ = link.set_attribute("rel", "noopener");
    }
}
