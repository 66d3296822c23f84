//! Stories: captioned steps, each a view.

use leptos::prelude::*;

use crate::viewer::use_viewer;

/// What is on the screen of a story, where one is open.
#[component]
pub fn Stories() -> impl IntoView {
    let _viewer = use_viewer();
}
