//! While something opens, and when a link wants a file that is on somebody's disk.

use leptos::prelude::*;
use spyhop_api::view::Source;
use spyhop_words::pages::asking as words;

use crate::commands::Action;
use crate::guide::Module;
use crate::sentence::{PIECES, with_pieces};
use crate::session::use_session;

/// Something is being opened, or somebody else says what will be.
#[component]
pub fn Opening(name: String) -> impl IntoView {
    let module = use_session().guided.module;
    // A story or a class knows what it will be, and this page does not. Whoever leads a class may take their
    // time: nothing moves then.
    let waits = move || module.get() == Module::Listens;
    let words = match name.is_empty() {
        true => (move || if waits() { words::NOTHING_YET } else { words::ONE_MOMENT }).into_any(),
        false => {
            let name = view! { <strong>{name.clone()}</strong> }.into_any();
            with_pieces(&words::opening(PIECES[0]), vec![name]).into_any()
        }
    };
    let moves = move || !(name.is_empty() && waits());
    view! {
        <div class="opening" role="status">
            <p>{words}</p>
            <Show when=moves><div class="busy" aria-hidden="true"></div></Show>
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
            <section id="drop" class="drop" aria-label=words::FILE_OF_THIS_LINK>
                <h1 class="big" id="asked">
                    {move || match names().as_slice() {
                        [one] => words::link_of_one(one),
                        [first, rest @ ..] => words::link_of_several(rest.len(), first),
                        [] => String::new(),
                    }}
                </h1>
                <p>{words::DROP_IT_HERE}</p>
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
                        {words::CHOOSE_FILE}
                    </button>
                    <button id="pick-folder" on:click=move |_| act.run(Action::OpenFolder)>
                        {words::CHOOSE_FOLDER}
                    </button>
                    <button on:click=move |_| act.run(Action::Home)>{words::TO_FIRST_PAGE}</button>
                </p>
            </section>
        </div>
    }
}
