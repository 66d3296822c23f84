//! Saving a story on the server, and what it then is: a link, a page to embed, a presentation.

use gloo::net::http::Request;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::share::EDIT_KEY_HEADER;
use spyhop_api::{MadeStory, Story, StoryConflict};
use spyhop_words::story::saving as words;

use super::super::play::story_address;
use super::{Desk, draft};
use crate::server::{self, ServerError};

const STORIES: &str = "api/v1/stories";

/// The buttons below the sheet, and what is said of what they did.
#[component]
pub fn Saving(desk: Desk) -> impl IntoView {
    let busy = RwSignal::new(false);
    let sure = RwSignal::new(false);
    let of = move |tell: fn(&draft::Draft) -> String| {
        desk.draft.with(|d| d.as_ref().map(tell).unwrap_or_default())
    };
    let is_on_server =
        Memo::new(move |_| desk.draft.with(|d| d.as_ref().is_some_and(|d| !d.id.is_empty())));
    let has_key =
        Memo::new(move |_| desk.draft.with(|d| d.as_ref().is_some_and(|d| !d.edit_key.is_empty())));
    let state = move || {
        desk.draft.with(|d| match d {
            Some(d) if d.is_saved => "saved",
            Some(d) if !d.id.is_empty() && d.edit_key.is_empty() => "copy",
            _ => "draft",
        })
    };
    let told = move || match state() {
        "saved" => words::SAVED,
        "copy" => words::NOT_YOURS,
        _ => words::KEPT_HERE,
    };
    let go = move |_| {
        busy.set(true);
        spawn_local(async move {
            save(desk).await;
            let _ = busy.try_set(false);
        });
    };
    let delete = move |_| {
        if !sure.get_untracked() {
            return sure.set(true);
        }
        sure.set(false);
        spawn_local(remove(desk));
    };
    let link = move || format!("{}{}", server::base(), of(|d| d.path.clone()));
    let embed = move || {
        format!(
            "<iframe src=\"{}?embed=1\" width=\"960\" height=\"640\" style=\"border:0\" \
             allow=\"autoplay;fullscreen\" title=\"{}\"></iframe>",
            link(),
            words::EMBED_TITLE
        )
    };
    view! {
        <footer class="story-saving" data-state=state>
            <p id="story-fault" class="warned" role="alert">{move || desk.problem.get()}</p>
            <p id="story-done" class="dim" role="status">{move || {
                let done = desk.done.get();
                if done.is_empty() { told().to_owned() } else { done }
            }}</p>
            <p class="buttons">
                <button id="story-save" class="primary" disabled=move || busy.get() on:click=go>{words::SAVE}</button>
                <button id="story-try" title=words::PLAY_HELP on:click=move |_| desk.play_draft()>{words::PLAY}</button>
                <Show when=move || is_on_server.get() && has_key.get()>
                    <a class="button" id="story-open-present" target="_blank"
                        href=move || format!("?story={}&present=1", of(|d| d.id.clone()))>{words::PRESENT}</a>
                </Show>
                <button id="story-delete" on:click=delete>
                    {move || if sure.get() { words::REALLY_DELETE } else { words::DELETE }}
                </button>
            </p>
            <Show when=move || is_on_server.get()>
                <details id="story-share">
                    <summary>{words::SHARE}</summary>
                    <Copied id="story-link" label=words::LINK text=Signal::derive(link)/>
                    <Copied id="story-embed" label=words::EMBED text=Signal::derive(embed)/>
                    <Show when=move || has_key.get() fallback=move || view! { <OwnKey desk/> }>
                        <Copied id="story-key" label=words::EDIT_KEY
                            text=Signal::derive(move || of(|d| d.edit_key.clone()))/>
                    </Show>
                </details>
            </Show>
        </footer>
    }
}

/// Saves what is on the desk: as a new story, or over the version that it was made of.
pub async fn save(desk: Desk) {
    let Some(draft) = desk.draft.get_untracked() else { return };
    desk.problem.set(String::new());
    desk.done.set(String::new());
    if draft.id.is_empty() || draft.edit_key.is_empty() {
        return create(desk).await;
    }
    let tag = format!("\"v{}\"", draft.version);
    let headers = [(EDIT_KEY_HEADER, draft.edit_key.as_str()), ("If-Match", tag.as_str())];
    let request = Request::put(&story_address(&draft.id));
    match server::send::<Story>(request, &headers, &draft.story).await {
        Ok(story) => taken(desk, &draft, &story),
        Err(error) => refused(desk, &draft, error),
    }
}

/// Saves what is on the desk as a new story.
pub async fn create(desk: Desk) {
    let Some(draft) = desk.draft.get_untracked() else { return };
    match server::send::<MadeStory>(Request::post(STORIES), &[], &draft.story).await {
        Ok(made) => {
            let with_key = draft::Draft { edit_key: made.edit_key.clone(), ..draft.clone() };
            taken(desk, &with_key, &made.story);
            desk.done.set(words::SAVED_NEW.to_owned());
        }
        Err(error) => refused(desk, &draft, error),
    }
}

/// The server has it: what was typed meanwhile stays. Where another draft lies on the desk by now, the one that
/// was sent is changed where it is kept: its edit key is told once.
fn taken(desk: Desk, sent: &draft::Draft, story: &Story) {
    let take = |held: &mut draft::Draft| {
        held.edit_key.clone_from(&sent.edit_key);
        if held.story == sent.story {
            held.take(story);
        } else {
            (held.id, held.path) = (story.id.clone(), story.path.clone());
            held.version = story.version;
        }
    };
    if is_on(desk, sent) {
        desk.theirs.set(None);
        desk.draft.update(|held| {
            if let Some(held) = held {
                take(held);
            }
        });
        return desk.keep();
    }
    if let Some(mut held) = draft::all().into_iter().find(|held| held.local == sent.local) {
        take(&mut held);
        draft::keep(&held);
    }
}

/// Whether a draft is the one on the desk.
fn is_on(desk: Desk, sent: &draft::Draft) -> bool {
    desk.draft.with_untracked(|held| held.as_ref().is_some_and(|held| held.local == sent.local))
}

fn refused(desk: Desk, sent: &draft::Draft, error: ServerError) {
    if !is_on(desk, sent) {
        return;
    }
    let conflict =
        (error.status == 412).then(|| serde_json::from_str::<StoryConflict>(&error.body).ok());
    match conflict.flatten() {
        Some(conflict) => desk.theirs.set(Some((conflict.story, error.message))),
        None => desk.problem.set(error.message),
    }
}

/// Removes the story from the server, where it is this browser's to remove, and from here.
async fn remove(desk: Desk) {
    let Some(draft) = desk.draft.get_untracked() else { return };
    if !draft.id.is_empty() && !draft.edit_key.is_empty() {
        let tag = format!("\"v{}\"", draft.version);
        let headers = [(EDIT_KEY_HEADER, draft.edit_key.as_str()), ("If-Match", tag.as_str())];
        match server::remove(&story_address(&draft.id), &headers).await {
            Ok(()) => {}
            // It is gone already.
            Err(error) if matches!(error.status, 404 | 410) => {}
            Err(error) => return refused(desk, &draft, error),
        }
    }
    draft::forget(draft.local);
    desk.draft.set(None);
}

/// The key of a story that somebody else made, for whoever was given it.
#[component]
fn OwnKey(desk: Desk) -> impl IntoView {
    view! {
        <label class="story-field"><span>{words::OWN_KEY}</span>
            <input id="story-own-key" type="text" autocomplete="off" on:change=move |ev| {
                let key = event_target_value(&ev).trim().to_owned();
                desk.draft.update(|d| if let Some(d) = d { d.edit_key = key });
                desk.keep();
            }/>
        </label>
    }
}

/// A text that is copied by a button, or by hand.
#[component]
fn Copied(id: &'static str, label: &'static str, text: Signal<String>) -> impl IntoView {
    let done = RwSignal::new(words::COPY);
    let input = NodeRef::<leptos::html::Input>::new();
    let copy = move |_| {
        let text = text.get_untracked();
        spawn_local(async move {
            let word = if clipboard(&text).await { words::COPIED } else { words::COPY_BY_HAND };
            let _ = done.try_set(word);
            if let Some(input) = input.get_untracked() {
                input.select();
            }
        });
    };
    view! {
        <label class="story-field"><span>{label}</span>
            <span class="story-row">
                <input id=id type="text" readonly node_ref=input prop:value=move || text.get()/>
                <button type="button" on:click=copy>{move || done.get()}</button>
            </span>
        </label>
    }
}

/// Puts a text on the clipboard; false where the browser gives a page none.
async fn clipboard(text: &str) -> bool {
    window().is_secure_context() && {
        let written = window().navigator().clipboard().write_text(text);
        wasm_bindgen_futures::JsFuture::from(written).await.is_ok()
    }
}
