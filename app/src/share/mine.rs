//! The short links of this browser: copied, changed, taken back.

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::{Share, ShareChange, Timestamp};
use spyhop_words::share::{dialog, form, mine as words};

use super::kept::{self, KeptShare};
use super::{STAYS, base, field};
use crate::dialogs::clipboard;
use crate::link::page_key;
use crate::server::{ServerError, shares, token};

/// What is open of a link in the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Nothing,
    /// Its words, to be changed.
    Words,
    /// The question whether it is to go.
    Removal,
}

/// The list. `made` counts the links that were made since the dialog was opened; `public` is the address that
/// everybody reaches, with a slash at its end.
#[component]
pub fn Mine(made: Signal<usize>, public: Signal<String>) -> impl IntoView {
    let news = RwSignal::new(0usize);
    // A link that was opened here and made elsewhere can be changed, too, by whoever has its key.
    let opened = StoredValue::new(page_key("share"));
    let opened_share = RwSignal::new(None::<Share>);
    if let Some(id) = opened.get_value() {
        spawn_local(async move {
            if let Ok(found) = shares::told(&id).await {
                drop(opened_share.try_set(Some(found)));
            }
        });
    }
    let all = Memo::new(move |_| {
        news.track();
        made.track();
        let mut all = kept::all(Timestamp((js_sys::Date::now() * 1e6) as i64));
        if let Some(share) = opened_share.get().filter(|s| all.iter().all(|kept| kept.id != s.id)) {
            let Share { id, title, path, .. } = share;
            all.insert(0, KeptShare { id, title, path, ..KeptShare::default() });
        }
        all
    });
    let changed = Callback::new(move |gone: Option<String>| {
        if gone.is_some()
            && gone == opened_share.with_untracked(|s| s.as_ref().map(|s| s.id.clone()))
        {
            opened_share.set(None);
        }
        news.update(|n| *n += 1);
    });
    view! {
        <Show when=move || all.with(|all| !all.is_empty())>
            <section id="share-mine" aria-label=words::TITLE>
                <h3>{words::TITLE}</h3>
                <ul>
                    <For each=move || all.get() key=|share| (share.id.clone(), share.title.clone()) let:share>
                        <Mined share public changed/>
                    </For>
                </ul>
            </section>
        </Show>
    }
}

/// One of them. `changed` is told that something of it is another, and of which it is that is gone.
#[component]
fn Mined(
    share: KeptShare,
    public: Signal<String>,
    changed: Callback<Option<String>>,
) -> impl IntoView {
    let open = RwSignal::new(Open::Nothing);
    let copied = RwSignal::new(dialog::COPY);
    let held = StoredValue::new(share.clone());
    let link = move || {
        let base = public.get_untracked();
        held.with_value(|share| format!("{base}{}", share.path))
    };
    let copy = move |_| {
        let text = link();
        spawn_local(async move {
            let word = if clipboard(&text).await { dialog::COPIED } else { words::COPY_BY_HAND };
            let _ = copied.try_set(word);
        });
    };
    let toggled = move |what: Open| {
        move |_| {
            open.update(|open| *open = if *open == what { Open::Nothing } else { what });
        }
    };
    let title = share.title.clone();
    view! {
        <li data-share=share.id.clone()>
            <div class="row">
                <a href=format!("{}{}", base(), share.path) target="_blank">{share.title.clone()}</a>
                <button type="button" class="share-copy" aria-label=words::copy_of(&title) on:click=copy>
                    {move || copied.get()}
                </button>
                <button type="button" class="share-edit" aria-label=words::change_of(&title)
                    aria-expanded=move || (open.get() == Open::Words).to_string()
                    on:click=toggled(Open::Words)
                >{words::CHANGE}</button>
                <button type="button" class="share-remove" aria-label=words::remove_of(&title)
                    aria-expanded=move || (open.get() == Open::Removal).to_string()
                    on:click=toggled(Open::Removal)
                >{words::REMOVE}</button>
            </div>
            {move || match open.get() {
                Open::Nothing => ().into_any(),
                Open::Words => view! { <Words held changed open/> }.into_any(),
                Open::Removal => view! { <Removal held changed open/> }.into_any(),
            }}
        </li>
    }
}

/// The words of a link, to be changed.
#[component]
fn Words(
    held: StoredValue<KeptShare>,
    changed: Callback<Option<String>>,
    open: RwSignal<Open>,
) -> impl IntoView {
    let [title, note, author, days, key] = [(); 5].map(|()| RwSignal::new(String::new()));
    let version = RwSignal::new(None::<u32>);
    let problem = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let filled = move |share: &Share| {
        title.set(share.title.clone());
        note.set(share.note.clone());
        author.set(share.author.clone());
        version.set(Some(share.version));
    };
    let id = held.with_value(|share| share.id.clone());
    spawn_local(async move {
        match shares::get(&id).await {
            // The form may be closed by now.
            Ok(share) if version.try_get_untracked().is_some() => filled(&share),
            Ok(_) => {}
            Err(error) => drop(problem.try_set(said(&error))),
        }
    });
    let save = move || {
        let Some(seen) = version.get_untracked() else { return };
        busy.set(true);
        problem.set(String::new());
        let (id, key) = (held.with_value(|share| share.id.clone()), key_of(held, key));
        let change = ShareChange {
            title: Some(title.get_untracked()),
            note: Some(note.get_untracked()),
            author: Some(author.get_untracked()),
            expires_days: days.with_untracked(|days| days.parse().ok()),
        };
        spawn_local(async move {
            let done = shares::change(&id, seen, &key, &change).await;
            let _ = busy.try_set(false);
            match done {
                Ok(share) => {
                    let expires_ns = share.expires.map(|t| t.0);
                    let Share { id, title, path, .. } = share;
                    let share = KeptShare { id, title, path, edit_key: key, expires_ns };
                    // Where the browser keeps nothing, the key is asked for again.
                    let _ = kept::keep(share.clone());
                    let _ = held.try_update_value(|held| *held = share);
                    let _ = open.try_set(Open::Nothing);
                    // The list may be gone.
                    let _ = changed.try_run(None);
                }
                // What somebody else wrote in the meantime is shown, and not written over.
                Err(error) if error.status == 412 => match shares::get(&id).await {
                    Ok(now) if problem.try_get_untracked().is_some() => {
                        filled(&now);
                        problem.set(words::CHANGED_ELSEWHERE.into());
                    }
                    Ok(_) => {}
                    Err(error) => drop(problem.try_set(said(&error))),
                },
                Err(error) => drop(problem.try_set(said(&error))),
            }
        });
    };
    view! {
        <form class="share-change" on:submit=move |ev| { ev.prevent_default(); save() }>
            {field("share-change-title", form::TITLE, title)}
            {field("share-change-note", form::NOTE, note)}
            {field("share-change-author", form::AUTHOR, author)}
            <label class="row"><span>{form::STAYS}</span>
                <select id="share-change-days" on:change=move |ev| days.set(event_target_value(&ev))>
                    <option value="">{words::AS_BEFORE}</option>
                    {STAYS[1..].iter().map(|(value, length)| view! {
                        <option value=*value>{words::from_now(length)}</option>
                    }).collect_view()}
                </select>
            </label>
            {asked_key(held, key)}
            <div class="buttons">
                <button id="share-change-save" class="primary" type="submit"
                    disabled=move || busy.get() || version.get().is_none()
                >{words::SAVE}</button>
                <button type="button" on:click=move |_| open.set(Open::Nothing)>{words::LEAVE}</button>
            </div>
            <p id="share-change-problem" class="warned" role="alert">{move || problem.get()}</p>
        </form>
    }
}

/// Whether a link is to go.
#[component]
fn Removal(
    held: StoredValue<KeptShare>,
    changed: Callback<Option<String>>,
    open: RwSignal<Open>,
) -> impl IntoView {
    let key = RwSignal::new(String::new());
    let problem = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    // What the server no longer has is only forgotten.
    let is_gone = RwSignal::new(false);
    let forget = move |id: &str| {
        kept::forget(id);
        // The list may be gone.
        let _ = changed.try_run(Some(id.to_owned()));
    };
    let remove = move || {
        if is_gone.get_untracked() {
            return forget(&held.with_value(|share| share.id.clone()));
        }
        busy.set(true);
        problem.set(String::new());
        let (id, key) = (held.with_value(|share| share.id.clone()), key_of(held, key));
        spawn_local(async move {
            let done = match shares::get(&id).await {
                Ok(share) => shares::remove(&id, share.version, &key).await,
                Err(error) => Err(error),
            };
            let _ = busy.try_set(false);
            match done {
                Ok(()) => forget(&id),
                Err(error) => {
                    let _ = is_gone.try_set(error.status == 404);
                    drop(problem.try_set(said(&error)));
                }
            }
        });
    };
    view! {
        <form class="share-change" on:submit=move |ev| { ev.prevent_default(); remove() }>
            <p>{words::REMOVAL}</p>
            {asked_key(held, key)}
            <div class="buttons">
                <button id="share-remove-really" class="primary" type="submit" disabled=move || busy.get()>
                    {move || if is_gone.get() { words::OFF_THE_LIST } else { words::FOR_EVERYBODY }}
                </button>
                <button type="button" on:click=move |_| open.set(Open::Nothing)>{words::KEEP}</button>
            </div>
            <p id="share-remove-problem" class="warned" role="alert">{move || problem.get()}</p>
        </form>
    }
}

/// The edit key, where this browser has none; the administrator needs none.
fn asked_key(held: StoredValue<KeptShare>, key: RwSignal<String>) -> Option<impl IntoView> {
    let is_known = held.with_value(|share| !share.edit_key.is_empty());
    (!is_known && !token::is_held()).then(|| {
        view! {
            {field("share-change-key", words::EDIT_KEY, key)}
            <p class="dim">{words::EDIT_KEY_SHOWN}</p>
        }
    })
}

fn key_of(held: StoredValue<KeptShare>, typed: RwSignal<String>) -> String {
    let known = held.with_value(|share| share.edit_key.clone());
    if known.is_empty() { typed.get_untracked().trim().to_owned() } else { known }
}

/// What a person is told.
fn said(error: &ServerError) -> String {
    match error.status {
        401 => words::WRONG_KEY.into(),
        404 => words::GONE.into(),
        _ => error.to_string(),
    }
}
