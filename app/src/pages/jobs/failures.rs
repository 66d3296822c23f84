//! What failed of a job, with its reasons.

use leptos::prelude::*;
use spyhop_api::job::UnitFailure;

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
            <summary>{move || match failed.get() {
                1 => "One unit failed".to_owned(),
                n => format!("{n} units failed"),
            }}</summary>
            {move || why_not.get().map(|why| view! { <p role="alert">{why}</p> })}
            <ul>
                <For each=move || known.get() key=|f| (f.unit.clone(), f.at) let:failure>
                    <Failure id failure/>
                </For>
            </ul>
            {move || {
                let more = failed.get().saturating_sub(known.with(Vec::len) as u64);
                (more > 0 && known.with(|k| !k.is_empty()))
                    .then(|| view! { <p class="dim">{format!("… and {more} more")}</p> })
            }}
        </details>
    }
}

#[component]
fn Failure(id: i64, failure: UnitFailure) -> impl IntoView {
    let session = use_session();
    let UnitFailure { unit, kind, message, attempts, at } = failure;
    let times = if attempts > 1 { format!(", tried {attempts} times") } else { String::new() };
    let time = at.to_iso();
    let time = time.split('.').next().unwrap_or_default().replace('T', " ");
    let label = format!("Try {unit} again");
    view! {
        <li>
            <p>{message}</p>
            <p class="dim">{format!("{kind} {unit}, {time} UTC{times}")}</p>
            <button data-wish="retry-unit" aria-label=label
                on:click=move |_| send(session, id, Wish::RetryUnit(unit.clone()))
            >"Try again"</button>
        </li>
    }
}
