//! Which LoRA adapter is laid over a network when it detects.

use leptos::prelude::*;
use spyhop_words::calls::adapter as words;

/// A choice among the adapters that go with a network; nothing where there is none. `chosen` is empty for
/// the network as it is.
#[component]
pub fn AdapterChoice(adapters: Vec<String>, chosen: RwSignal<String>) -> impl IntoView {
    (!adapters.is_empty()).then(|| {
        view! {
            <select class="adapter" aria-label=words::LABEL
                on:change=move |ev| chosen.set(event_target_value(&ev))>
                <option value="">{words::WITHOUT}</option>
                {adapters.into_iter().map(|name| view! {
                    <option value=name.clone()>{words::with(&name)}</option>
                }).collect_view()}
            </select>
        }
    })
}
