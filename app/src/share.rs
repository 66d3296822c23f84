//! *Share*: the link that carries everything, a short link that the server keeps, a page to embed, a QR
//! code, figures, clips, and a citation.

mod caption;
mod excerpt;
mod files;
mod kept;
mod mine;

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::view::Source;
use spyhop_api::{Access, MadeShare, ShareRequest, View};

use crate::dialogs::{Shade, clipboard};
use crate::link::use_link;
use crate::open;
use crate::server::{shares, token};
use crate::session::use_session;

pub use caption::Caption;
use files::Files;
use kept::KeptShare;
use mine::Mine;

/// Choices of how long a short link stays: days, and what they are called. Nothing: as long as the server
/// lets it.
const STAYS: [(&str, &str); 4] =
    [("", "as long as the server keeps it"), ("7", "a week"), ("31", "a month"), ("366", "a year")];
/// A QR code of more bytes has squares that are not seen from the back row.
const MOST_QR_BYTES: usize = 1200;

/// The dialog.
#[component]
pub fn ShareDialog() -> impl IntoView {
    let session = use_session();
    let link = use_link();
    link.commit();
    // What is shared stays what it was when the dialog was opened.
    let view = session.view.get_untracked();
    let query = StoredValue::new(view.to_query());
    let access = RwSignal::new(None::<Access>);
    spawn_local(async move {
        if let Ok(found) = token::access(None).await {
            drop(access.try_set(Some(found)));
        }
    });
    let made = RwSignal::new(None::<MadeShare>);
    let problem = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let [title, note, author, days] = [(); 4].map(|()| RwSignal::new(String::new()));
    let excerpt = StoredValue::new(excerpt::Cut::of(session, &view));
    let with_excerpt = RwSignal::new(false);
    // The address that everybody reaches, where the server knows one.
    let absolute = move |rest: &str| {
        let public = access.with(|a| a.as_ref().map(|a| a.public_url.clone()).unwrap_or_default());
        match public.is_empty() {
            true => format!("{}{rest}", base()),
            false => format!("{public}/{rest}"),
        }
    };
    let whole = move || absolute(&query.with_value(|q| format!("?{q}")));
    let shortest = move || match made.with(|m| m.as_ref().map(|m| m.share.path.clone())) {
        Some(path) => absolute(&path),
        None => whole(),
    };
    let make = move || {
        let samples = with_excerpt.get_untracked();
        let refusal = excerpt.with_value(|cut| cut.as_ref().and_then(excerpt::Cut::refusal));
        if let Some(refusal) = refusal.filter(|_| samples) {
            return problem.set(refusal);
        }
        busy.set(true);
        problem.set(String::new());
        let asked = ShareRequest {
            view: match (samples, excerpt.with_value(Clone::clone)) {
                (true, Some(cut)) => cut.view.to_query(),
                _ => query.get_value(),
            },
            title: title.get_untracked(),
            note: note.get_untracked(),
            author: author.get_untracked(),
            expires_days: days.with_untracked(|d| d.parse().ok()),
            with_excerpt: samples,
        };
        let cut = excerpt.with_value(Clone::clone).filter(|_| samples);
        spawn_local(async move {
            let done = match shares::create(&asked).await {
                Ok(new) => match cut {
                    Some(cut) => excerpt::publish(session, &cut, new).await,
                    None => Ok(new),
                },
                Err(error) => Err(error),
            };
            // The dialog may be closed by now.
            let _ = busy.try_set(false);
            match done {
                Ok(new) => {
                    // Where the browser keeps nothing the key is shown all the same.
                    let _ = kept::keep(KeptShare::of(&new));
                    drop(made.try_set(Some(new)));
                }
                Err(error) => drop(problem.try_set(error.to_string())),
            }
        });
    };
    let here_only = move || access.with(|a| a.as_ref().is_some_and(|a| a.public_url.is_empty()));
    let on_disk = matches!(view.source, Source::Local(_));
    let hosted = is_of_server(&view);
    view! {
        <Shade label="Share this view" id="share">
            <h2>"Share this view"</h2>
            {copied("share-link", "Link that carries everything", Signal::derive(whole))}
            {open::left_out_of_link(session).map(|but| view! { <p class="warned">{but}</p> })}
            <Show when=here_only>
                <p id="share-here-only" class="warned">"This link works only on this network."</p>
            </Show>
            <Show when=move || access.with(|a| a.as_ref().is_some_and(|a| a.reading_needs_token))>
                <p id="share-closed" class="warned">
                    "This server is closed: whoever opens a link is asked for the token for reading, which is in \
                     no link. Chats show no picture of it, and other pages do not show it."
                </p>
            </Show>
            <Show when=move || access.with(Option::is_some) fallback=|| view! {
                <p class="dim">"Short links, figures and clips are made by a server: none answers here."</p>
            }>
                <form id="share-form" on:submit=move |ev| { ev.prevent_default(); make() }>
                    <h3>"Short link"</h3>
                    {field("share-title", "Title", title)}
                    {field("share-note", "Note", note)}
                    {field("share-author", "Your name (optional)", author)}
                    <label class="row"><span>"Stays"</span>
                        <select id="share-days" on:change=move |ev| days.set(event_target_value(&ev))>
                            {STAYS.map(|(value, words)| view! { <option value=value>{words}</option> })}
                        </select>
                    </label>
                    {excerpt.with_value(Clone::clone).filter(|_| on_disk).map(|cut| view! {
                        <label class="check">
                            <input id="share-samples" type="checkbox" disabled=cut.refusal().is_some()
                                on:change=move |ev| with_excerpt.set(event_target_checked(&ev))/>
                            "Publish the samples shown, so that others can open it"
                        </label>
                        <div id="share-leaves" class="dim">{move || match cut.refusal() {
                            Some(refusal) => refusal,
                            None if with_excerpt.get() => cut.words(),
                            None => "Nothing leaves this machine but the words above: whoever opens the link is \
                                     asked for the file.".to_owned(),
                        }}</div>
                    })}
                    <button id="share-make" class="primary" type="submit"
                        disabled=move || busy.get() || made.with(Option::is_some)
                    >{move || if busy.get() { "Sharing…" } else { "Make a short link" }}</button>
                    <p id="share-problem" class="warned" role="alert">{move || problem.get()}</p>
                </form>
                {move || made.get().map(|new| view! {
                    {copied("share-short", "Short link", Signal::derive(shortest))}
                    {copied("share-key", "Edit key, shown this once: it changes or removes the link, in this \
                        browser without being asked for",
                        Signal::derive(move || new.edit_key.clone()))}
                })}
                {copied("share-embed", "Embed in a page", Signal::derive(move || embed(&shortest())))}
                <div class="share-more">
                    {move || {
                        let text = shortest();
                        (text.len() <= MOST_QR_BYTES).then(|| {
                            let address = format!("api/v1/qr.svg?text={}", encoded(&text));
                            let picture = address.clone();
                            view! {
                                <a id="share-qr" href=address target="_blank"
                                    title="As large as the screen, for the back row">
                                    <img src=picture alt="QR code of the link"/>
                                </a>
                            }
                        })
                    }}
                    <div class="share-files">
                        {if hosted {
                            view! { <Files query=query.get_value()/> }.into_any()
                        } else {
                            view! { <p class="dim">
                                "Figures, clips and a citation are made of what the server has: publish \
                                 the samples first, then open the short link."
                            </p> }.into_any()
                        }}
                    </div>
                </div>
                <Mine
                    made=Signal::derive(move || usize::from(made.with(Option::is_some)))
                    public=Signal::derive(move || absolute(""))
                />
            </Show>
        </Shade>
    }
}

/// Whether a server of this page's has what a view shows.
fn is_of_server(view: &View) -> bool {
    match &view.source {
        Source::Deployment { .. } => true,
        Source::Urls(urls) => matches!(urls.as_slice(), [url] if url.starts_with("s/")),
        _ => false,
    }
}

/// A text that is copied by a button, or by hand.
fn copied(id: &'static str, label: &'static str, text: Signal<String>) -> impl IntoView {
    let done = RwSignal::new("Copy");
    let copy = move |_| {
        let text = text.get_untracked();
        spawn_local(async move {
            let word = if clipboard(&text).await { "Copied" } else { "Press Ctrl+C" };
            let _ = done.try_set(word);
            select(id);
        });
    };
    view! {
        <label class="share-text"><span>{label}</span>
            <span class="row">
                <input id=id type="text" readonly prop:value=move || text.get()/>
                <button type="button" on:click=copy>{move || done.get()}</button>
            </span>
        </label>
    }
}

fn field(id: &'static str, label: &'static str, text: RwSignal<String>) -> impl IntoView {
    view! {
        <label class="row"><span>{label}</span>
            <input id=id type="text" maxlength="600" prop:value=move || text.get()
                on:input=move |ev| text.set(event_target_value(&ev))/>
        </label>
    }
}

/// Selects the text of an input, so that Ctrl+C takes it.
fn select(id: &str) {
    use wasm_bindgen::JsCast;
    let input = document().get_element_by_id(id);
    if let Some(input) = input.and_then(|e| e.dyn_into::<web_sys::HtmlInputElement>().ok()) {
        input.select();
    }
}

/// A page that shows a link within another page.
fn embed(link: &str) -> String {
    let joint = if link.contains('?') { '&' } else { '?' };
    let link = format!("{link}{joint}embed=1").replace('&', "&amp;").replace('"', "%22");
    format!(
        "<iframe src=\"{link}\" width=\"960\" height=\"540\" style=\"border:0\" allow=\"autoplay; \
         fullscreen\" title=\"Spectrogram, by Spyhop\"></iframe>"
    )
}

/// The address of the page, with a slash at its end.
fn base() -> String {
    let base = document().base_uri().ok().flatten().unwrap_or_default();
    let base = base.split(['?', '#']).next().unwrap_or_default();
    base.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"))
}

fn encoded(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_embedded_page_is_the_link_without_its_surroundings() {
        let short = embed("https://whales.example/s/abc");
        assert!(short.contains("src=\"https://whales.example/s/abc?embed=1\""), "{short}");
        let whole = embed("https://whales.example/?v=1&src=set:a");
        assert!(whole.contains("?v=1&amp;src=set:a&amp;embed=1\""), "{whole}");
        assert!(!embed("https://x/?a=\"onload=").contains("\"onload"));
    }
}
