//! A deployment's picture: its best view, as the server paints it.

use gloo::file::{Blob, ObjectUrl};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::server::{self, token};

/// The picture, or a calm one in its place where there is none.
#[component]
pub fn Preview(id: String) -> impl IntoView {
    let address = format!("{}/preview.png", server::deployment_address(&id));
    let no_picture = RwSignal::new(false);
    // An image is asked for without headers: what needs the token is fetched by the page.
    let shown = RwSignal::new((!token::is_held()).then(|| address.clone()));
    let fetched = StoredValue::new_local(None::<ObjectUrl>);
    if shown.with_untracked(Option::is_none) {
        spawn_local(async move {
            let picture = fetch(&address).await;
            // The page may have gone by now.
            if no_picture.try_set(picture.is_none()).is_some() {
                return;
            }
            shown.set(picture.as_deref().map(str::to_owned));
            fetched.set_value(picture);
        });
    }
    view! {
        <Show when=move || !no_picture.get() fallback=|| view! { <span class="no-picture"/> }>
            {move || shown.get().map(|address| view! {
                <img src=address alt="" loading="lazy" width="640" height="360"
                    on:error=move |_| no_picture.set(true)/>
            })}
        </Show>
    }
}

async fn fetch(address: &str) -> Option<ObjectUrl> {
    let answer = token::get(address).send().await.ok().filter(|answer| answer.ok())?;
    let bytes = answer.binary().await.ok()?;
    Some(ObjectUrl::from(Blob::new_with_options(bytes.as_slice(), Some("image/png"))))
}
