//! While something opens, and when a link wants a file that is on somebody's disk.

use leptos::prelude::*;
use spyhop_api::view::Source;

use crate::commands::Action;
use crate::session::use_session;

/// Something is being opened.
#[component]
pub fn Opening(name: String) -> impl IntoView {
    view! {
        <div class="opening" role="status">
            <p>"Opening " <strong>{name}</strong> "…"</p>
            <div class="busy" aria-hidden="true"></div>
        </div>
    }
}

/// The link's recording is on somebody's disk: asks for it by name.
#[component]
pub fn Asking(act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    let names = move || {
        session.view.with(|v| match &v.source {
            Source::Local(files) => files.iter().map(|f| f.name.clone()).collect(),
            _ => Vec::<String>::new(),
        })
    };
    view! {
        <div class="first">
            <section id="drop" class="drop" aria-label="The file of this link">
                <h1 class="big" id="asked">
                    {move || match names().as_slice() {
                        [one] => format!("This link is a view of {one}"),
                        [first, rest @ ..] => {
                            format!("This link is a view of {first} and {} more files", rest.len())
                        }
                        [] => String::new(),
                    }}
                </h1>
                <p>
                    "The recording is on somebody's disk, not on a server. Drop it here to go on: "
                    "Spyhop checks that it is the same file, whatever its name."
                </p>
                {move || {
                    let names = names();
                    (names.len() > 1).then(|| view! {
                        <ul class="names">
                            {names.into_iter().map(|n| view! { <li>{n}</li> }).collect_view()}
                        </ul>
                    })
                }}
                <p class="buttons">
                    <button id="pick-files" class="primary" on:click=move |_| act.run(Action::OpenFiles)>
                        "Choose the file"
                    </button>
                    <button id="pick-folder" on:click=move |_| act.run(Action::OpenFolder)>
                        "Choose a folder"
                    </button>
                    <button on:click=move |_| act.run(Action::Home)>"To the first page"</button>
                </p>
            </section>
        </div>
    }
}
