//! Questions to the server that change while a person types: the answer to the latest one counts, and
//! the one before stays on the page until it is there.

use std::future::Future;

use gloo::timers::callback::{Interval, Timeout};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// How long typing must rest until the server is asked, ms.
const REST_MS: u32 = 250;
/// How often the server is asked again while it still looks into files, ms.
const AGAIN_MS: u32 = 3000;

/// What the server last said; a copy is a handle.
pub struct Asked<A: Send + Sync + 'static> {
    /// The latest answer.
    pub answer: RwSignal<Option<A>>,
    /// Why there is none to the latest question.
    pub failure: RwSignal<Option<String>>,
    /// Whether an answer is awaited.
    pub waiting: RwSignal<bool>,
    /// Asks the same again.
    pub again: Trigger,
}

impl<A: Send + Sync + 'static> Clone for Asked<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: Send + Sync + 'static> Copy for Asked<A> {}

/// Asks now, and anew whenever what `question` reads changes.
pub fn ask_for<Q, A, F>(
    question: impl Fn() -> Q + 'static,
    ask: impl Fn(Q) -> F + 'static,
) -> Asked<A>
where
    A: Send + Sync + 'static,
    F: Future<Output = Result<A, String>> + 'static,
{
    let asked = Asked {
        answer: RwSignal::new(None),
        failure: RwSignal::new(None),
        waiting: RwSignal::new(true),
        again: Trigger::new(),
    };
    let turn = StoredValue::new(0u64);
    Effect::new(move |_| {
        asked.again.track();
        let answer = ask(question());
        let now = turn.with_value(|t| t + 1);
        turn.set_value(now);
        asked.waiting.set(true);
        spawn_local(async move {
            let outcome = answer.await;
            // The page may have gone by now, or another question been asked.
            if turn.try_get_value() != Some(now) {
                return;
            }
            asked.waiting.set(false);
            match outcome {
                Ok(answer) => {
                    asked.failure.set(None);
                    asked.answer.set(Some(answer));
                }
                Err(why) => asked.failure.set(Some(why)),
            }
        });
    });
    asked
}

/// Asks again every few seconds while the answer is not final.
pub fn ask_again_while<A: Send + Sync + 'static>(
    asked: Asked<A>,
    grows: impl Fn(&A) -> bool + 'static,
) {
    let timer = StoredValue::new_local(None::<Interval>);
    Effect::new(move |_| {
        let grows = asked.answer.with(|a| a.as_ref().is_some_and(&grows));
        if grows && timer.with_value(Option::is_none) {
            timer.set_value(Some(Interval::new(AGAIN_MS, move || asked.again.notify())));
        } else if !grows {
            timer.set_value(None);
        }
    });
}

/// Passes on what is typed once typing rests.
pub fn when_rested(then: impl Fn(String) + Copy + 'static) -> impl Fn(String) + Copy + 'static {
    let resting = StoredValue::new_local(None::<Timeout>);
    move |text| resting.set_value(Some(Timeout::new(REST_MS, move || then(text))))
}
