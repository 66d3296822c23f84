//! The page: open a recording in the browser, see it, hear it, send the view as a link.

mod actions;
mod administrator;
mod app;
mod browser_store;
mod calls;
mod caveats;
mod clock;
mod commands;
mod contrast;
mod detect;
mod dialogs;
mod engine;
mod files;
mod frame;
mod guide;
mod hooks;
mod jump;
mod keys;
mod label_actions;
mod label_files;
mod labels;
mod levels;
mod link;
mod listener;
mod mark;
mod open;
mod pages;
mod panel;
mod parts;
mod playback;
mod prefs;
mod quality;
mod readout;
mod sentence;
mod server;
mod session;
mod share;
mod shared_labels;
mod viewer;
mod wording;
mod worker;

fn main() {
    console_error_panic_hook::set_once();
    // Page and workers run the same module: a worker has no window.
    if web_sys::window().is_none() {
        return worker::run();
    }
    leptos::mount::mount_to_body(app::App);
}
