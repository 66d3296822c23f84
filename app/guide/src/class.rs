//! A class: one leads, the others follow on screens of their own.

use leptos::prelude::*;

use crate::viewer::use_viewer;

/// What is on the screen of a class, where there is one.
#[component]
pub fn Class() -> impl IntoView {
    let _viewer = use_viewer();
}
