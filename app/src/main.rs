//! Spyhop in the browser. Page and workers run the same module.

mod engine;
mod worker;

fn main() {
    if web_sys::window().is_none() {
        worker::run();
    }
}
