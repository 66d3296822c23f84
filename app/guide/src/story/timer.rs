//! Steps that follow by themselves, each as long as its words and its sound take.

use gloo::timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_words::story::player as words;

use super::play::{Arrival, Play};

/// How often the time is looked at, ms.
const TICK_MS: u32 = 200;

/// The button, and how far the step is.
#[component]
pub fn Timer(play: Play) -> impl IntoView {
    let part = RwSignal::new(0.0f64);
    let runs = StoredValue::new(0u64);
    Effect::new(move |_| {
        runs.update_value(|n| *n += 1);
        let mine = runs.get_value();
        part.set(0.0);
        let (is_on, at) = (play.timer.get() && !play.cover.get(), play.at.get());
        if !is_on {
            return;
        }
        let stays_s = untrack(|| play.step()).map_or(0.0, |step| step.stays_s());
        spawn_local(async move {
            let mut gone_s = 0.0;
            while gone_s < stays_s {
                TimeoutFuture::new(TICK_MS).await;
                if runs.try_get_value() != Some(mine) {
                    return;
                }
                // What is still being opened, and what is hidden, is not read yet.
                let waits =
                    play.arrival.get_untracked() == Arrival::Waiting || play.blank.get_untracked();
                if !waits {
                    gone_s += f64::from(TICK_MS) / 1000.0;
                    part.set(gone_s / stays_s);
                }
            }
            if at + 1 < untrack(|| play.count()) {
                play.go(at + 1);
            } else {
                play.timer.set(false);
            }
        });
    });
    view! {
        <button id="story-timer" aria-pressed=move || play.timer.get().to_string()
            title=words::TIMER_HELP
            on:click=move |_| { play.is_unlocked.set(true); play.timer.update(|on| *on = !*on) }
        >
            {move || if play.timer.get() { words::TIMER_PAUSE } else { words::TIMER_START }}
            <span class="story-part" aria-hidden="true"
                style=move || format!("width:{:.1}%", part.get().min(1.0) * 100.0)></span>
        </button>
    }
}
