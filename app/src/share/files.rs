//! What the server makes of a view: figures, clips, and a citation.
//!
//! Files are asked for as everything else is, with the administrator's token where it is held, and given to
//! the person then: a link would go without it, and would save a refusal as if it were the file.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::files;
use crate::server::shares;

/// What can be made of what the server has: the file's name, its address, and what stands on the button.
const FILES: [(&str, &str); 5] = [
    ("figure.png", "Figure PNG"),
    ("figure.svg", "Figure SVG"),
    ("clip/clip.wav", "Clip WAV"),
    ("clip/clip.flac", "Clip FLAC"),
    ("heard/heard.wav", "Clip as heard"),
];

/// Buttons for what is made of the view of a query.
#[component]
pub fn Files(query: String) -> impl IntoView {
    let cited = RwSignal::new(None::<shares::Cited>);
    // The file that is being made.
    let busy = RwSignal::new("");
    let problem = RwSignal::new(String::new());
    let query = StoredValue::new(query);
    let get = move |file: &'static str| {
        busy.set(file);
        problem.set(String::new());
        let asked = query.get_value();
        spawn_local(async move {
            let made = shares::file(file, &asked).await;
            // The dialog may be closed by now: what was asked for still comes.
            let _ = busy.try_set("");
            match made {
                Ok(blob) => files::save_blob(&name_of(file), &blob),
                Err(error) => drop(problem.try_set(error.to_string())),
            }
        });
    };
    let cite = move |_| {
        problem.set(String::new());
        let asked = query.get_value();
        spawn_local(async move {
            match shares::cite(&asked).await {
                Ok(found) => drop(cited.try_set(Some(found))),
                Err(error) => drop(problem.try_set(error.to_string())),
            }
        });
    };
    let buttons = FILES.map(|(file, words)| {
        view! {
            <button type="button" data-file=file disabled=move || !busy.get().is_empty()
                on:click=move |_| get(file)
            >{move || if busy.get() == file { "Making it…" } else { words }}</button>
        }
    });
    view! {
        <div class="buttons">
            {buttons}
            <button type="button" id="share-cite" on:click=cite>"Cite this view"</button>
        </div>
        <p id="share-file-problem" class="warned" role="alert">{move || problem.get()}</p>
        {move || cited.get().map(|found| {
            let python = found.python.clone();
            view! {
                <textarea id="share-cited" readonly rows="6" aria-label="Citation" prop:value=found.text></textarea>
                <button type="button" id="share-python" on:click=move |_| {
                    files::save("view.py", "text/x-python", python.as_bytes());
                }>"Python that makes the picture and the numbers again"</button>
            }
        })}
    }
}

/// What a file is called on the person's disk.
fn name_of(file: &str) -> String {
    format!("spyhop-{}", file.rsplit('/').next().unwrap_or(file))
}
