//! The listener: a worker that detects in the tab, with the detectors and the network of the server.
//!
//! A WebAssembly module of its own, so that the page's stays small: it is loaded when somebody detects.
//! It works on one order after the other and waits for bytes where it needs them; to stop it, it is ended.

mod files;
mod jobs;
mod seen;
mod source;
mod telling;

use std::cell::RefCell;

use spyhop_signal::formats::{self, Lossy};
use spyhop_workers::listening::{Answer, Order};
use spyhop_workers::{Message, post};
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use jobs::Jobs;

fn main() {
    std::panic::set_hook(Box::new(|panic| {
        post(&Message::new(&Answer::Panicked { message: panic.to_string() }));
    }));
    formats::fetch_lossy_by(|| Ok(Lossy::here()));
    let jobs = RefCell::new(Jobs::default());
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let Some(message) = Message::from_js(&event.data()) else { return };
        if let Some(order) = message.read::<Order>() {
            jobs.borrow_mut().carry_out(order, &message);
        }
    });
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    post(&Message::new(&Answer::Ready));
}
