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
                <option value="" prop:selected=move || chosen.with(String::is_empty)>{words::WITHOUT}</option>
                {adapters.into_iter().map(|name| {
                    let same = name.clone();
                    view! {
                        <option value=name.clone() prop:selected=move || chosen.with(|held| *held == same)>
                            {words::with(&name)}
                        </option>
                    }
                }).collect_view()}
            </select>
        }
    })
}

/// Empties `chosen` whenever `choice` becomes another: what was chosen for one network need not go with the
/// next. A choice that is only set again keeps it.
pub fn reset_with<C>(choice: RwSignal<Option<C>>, chosen: RwSignal<String>)
where
    C: Clone + PartialEq + Send + Sync + 'static,
{
    let choice = Memo::new(move |_| choice.get());
    Effect::new(move |_| {
        choice.track();
        chosen.set(String::new());
    });
}
