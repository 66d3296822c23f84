//! What failed of a job, with its reasons.

use leptos::prelude::*;
use spyhop_api::job::UnitFailure;
use spyhop_words::pages::{failures as words, jobs};

use super::send;
use crate::server::{self, Wish};
use crate::session::use_session;

/// The latest failures; asked for anew whenever their number changes.
#[component]
pub fn Failures(id: i64, failed: Memo<u64>) -> impl IntoView {
    let asked = LocalResource::new(move || {
        failed.track();
        server::job(id)
    });
    let known = RwSignal::new(Vec::<UnitFailure>::new());
    let why_not = RwSignal::new(None::<String>);
    // What was known stays on the page while the server is asked anew.
    Effect::new(move |_| match asked.get() {
        Some(Ok(detail)) => {
            why_not.set(None);
            known.set(detail.failures);
        }
        Some(Err(why)) => why_not.set(Some(why)),
        None => {}
    });
    view! {
        <details class="failures" open>
            <summary>
                {move || words::units_failed(usize::try_from(failed.get()).unwrap_or(usize::MAX))}
            </summary>
            {move || why_not.get().map(|why| view! { <p role="alert">{why}</p> })}
            <ul>
                <For each=move || known.get() key=|f| (f.unit.clone(), f.at) let:failure>
                    <Failure id failure/>
                </For>
            </ul>
            {move || {
                let more = failed.get().saturating_sub(known.with(Vec::len) as u64);
                (more > 0 && known.with(|k| !k.is_empty()))
                    .then(|| view! { <p class="dim">{words::more(more)}</p> })
            }}
        </details>
    }
}

#[component]
fn Failure(id: i64, failure: UnitFailure) -> impl IntoView {
    let session = use_session();
    let UnitFailure { unit, kind, message, attempts, at } = failure;
    let time = at.to_iso();
    let time = time.split('.').next().unwrap_or_default().replace('T', " ");
    let told = match attempts {
        0 | 1 => words::about_unit(kind, &unit, time),
        _ => words::about_unit_tried(kind, &unit, time, attempts),
    };
    let label = words::try_unit_again(&unit);
    view! {
        <li>
            <p>{message}</p>
            <p class="dim">{told}</p>
            <button data-wish="retry-unit" aria-label=label
                on:click=move |_| send(session, id, Wish::RetryUnit(unit.clone()))
            >{jobs::TRY_AGAIN}</button>
        </li>
    }
}
