//! The title before the first step of a presentation or a kiosk: behind it every step is opened once, so
//! that the show goes on without the network.

use gloo::timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::{SharedData, StepSound, Wish};
use spyhop_words::story::cover as words;

use super::address::Mode;
use super::play::{Play, shown_view, source};
use super::unplugged::{self, Keeping};

/// How often the viewer is looked at while a step is opened, ms.
const LOOK_MS: u32 = 100;
/// A picture that is ready at so many looks one after the other stays so.
const CALM_LOOKS: u32 = 4;
/// A step that has not been opened after this long is passed over, ms.
const PATIENCE_MS: u32 = 90_000;

/// How far the rehearsal is.
#[derive(Clone, Debug, PartialEq)]
enum Rehearsal {
    /// Nothing can be held here; why.
    Withheld(&'static str),
    /// So many steps were opened.
    At(usize),
    /// All are here; so many could not be opened or held.
    Over(usize),
}

/// The cover, while it lies over the page.
#[component]
pub fn Cover(play: Play) -> impl IntoView {
    let state = RwSignal::new(Rehearsal::At(0));
    // Each story is rehearsed once.
    let rehearsed = StoredValue::new(String::new());
    Effect::new(move |_| {
        let id = play.story.with(|s| s.as_ref().map(|s| s.id.clone())).unwrap_or_default();
        if play.cover.get() && rehearsed.get_value() != id {
            rehearsed.set_value(id);
            spawn_local(async move {
                if !rehearse(play, state).await {
                    // It was cut short: the next time the cover lies there it begins anew.
                    let _ = rehearsed.try_set_value(String::new());
                }
            });
        }
    });
    let told = move || {
        let count = play.count();
        match state.get() {
            Rehearsal::Withheld(why) => why.to_owned(),
            Rehearsal::At(at) => words::fetching((at + 1).min(count), count),
            Rehearsal::Over(0) => words::ALL_HERE.to_owned(),
            Rehearsal::Over(missing) => words::some_missing(missing, count),
        }
    };
    let name = move || match state.get() {
        Rehearsal::Withheld(_) => "withheld",
        Rehearsal::At(_) => "fetching",
        Rehearsal::Over(_) => "over",
    };
    let part = move || match state.get() {
        Rehearsal::At(at) => at as f64 / play.count().max(1) as f64,
        _ => 1.0,
    };
    view! {
        {move || play.cover.get().then(|| {
            let story = play.story.get()?;
            let is_kiosk = play.mode.get() == Mode::Kiosk;
            Some(view! {
                <div id="story-cover" class="story-cover" data-mode=play.mode.get().name() data-held=name>
                    <h1>{story.title.clone()}</h1>
                    <p class="story-note">{story.note.clone()}</p>
                    {(!story.author.is_empty()).then(|| view! { <p class="dim">{story.author.clone()}</p> })}
                    <button id="story-start" class="primary" on:click=move |_| {
                        if !is_kiosk { full_screen() }
                        play.start();
                    }>{if is_kiosk { words::TOUCH } else { words::START }}</button>
                    <Show when=move || !is_kiosk || matches!(state.get(), Rehearsal::At(_))>
                        <progress max="1" prop:value=part aria-hidden="true"></progress>
                        <p id="story-held" class="dim" role="status">{told}</p>
                    </Show>
                    {(!is_kiosk).then(|| view! {
                        <p class="dim">{words::KEYS}</p>
                    })}
                </div>
            })
        })}
    }
}

/// Fills the screen with the page; a browser that does not shows it in its window.
fn full_screen() {
    if let Some(root) = document().document_element() {
        // Refused without a press, and on some tablets always.
        let _ = root.request_fullscreen();
    }
}

/// Opens every step once behind the cover; false where it was taken away before the end.
async fn rehearse(play: Play, state: RwSignal<Rehearsal>) -> bool {
    match unplugged::begin().await {
        Keeping::Held => {}
        Keeping::OnDisk => {
            state.set(Rehearsal::Over(0));
            return true;
        }
        Keeping::Withheld(why) => {
            state.set(Rehearsal::Withheld(why));
            return true;
        }
    }
    let Some(story) = play.story.get_untracked() else { return false };
    let mut missing = 0;
    for (at, step) in story.steps.iter().enumerate() {
        state.set(Rehearsal::At(at));
        // The show has begun: what was not fetched is fetched as it comes.
        if !play.cover.get_untracked() {
            return false;
        }
        if step.view.is_empty() || step.data == SharedData::Gone {
            unplugged::hold(&format!("{}/{}.png", story.path, at + 1)).await;
            continue;
        }
        let view = shown_view(step);
        play.viewer.ask(&Wish::Show { view: view.clone(), travel_ms: 0 });
        if !opened(play, &view).await {
            missing += 1;
            continue;
        }
        if step.sound == StepSound::Plays {
            play.viewer.ask(&Wish::Fetch);
            TimeoutFuture::new(LOOK_MS).await;
            settled(play).await;
        }
    }
    let failed = unplugged::failures().await;
    state.set(Rehearsal::Over(if failed > 0 { missing.max(1) } else { missing }));
    if play.cover.get_untracked() {
        play.go(play.at.get_untracked());
    }
    true
}

/// Waits until a view is on the screen, exact and to its last tile.
async fn opened(play: Play, view: &str) -> bool {
    let wanted = source(view);
    let (mut waited_ms, mut calm) = (0, 0);
    while waited_ms < PATIENCE_MS && play.cover.get_untracked() {
        let (is_there, has_failed) = play.viewer.shown.with_untracked(|shown| {
            let is_open = shown.is_open && source(&shown.view) == wanted;
            (
                is_open && shown.is_ready,
                !shown.is_open && !shown.is_opening && waited_ms > 10 * LOOK_MS,
            )
        });
        // What was shown before is still told of until the new picture has been asked for.
        calm = if is_there { calm + 1 } else { 0 };
        if calm >= CALM_LOOKS {
            return true;
        }
        if has_failed {
            return false;
        }
        TimeoutFuture::new(LOOK_MS).await;
        waited_ms += LOOK_MS;
    }
    false
}

/// Waits until everything that was asked for has come.
async fn settled(play: Play) {
    let mut waited_ms = 0;
    while waited_ms < PATIENCE_MS
        && play.cover.get_untracked()
        && play.viewer.shown.with_untracked(|shown| !shown.is_ready)
    {
        TimeoutFuture::new(LOOK_MS).await;
        waited_ms += LOOK_MS;
    }
}
