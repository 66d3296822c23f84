//! The worker that a program runs in.

use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, WorkerGlobalScope};

use crate::Message;

/// Sends something from a worker to the page.
pub fn post(message: &Message) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    // It fails only if the buffers can't change hands, and these are always our own.
    let _ = scope.post_message_with_transfer(&message.to_js(), &message.transfer());
}

/// Milliseconds on the worker's clock.
pub fn now_ms() -> f64 {
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    scope.performance().map_or(0.0, |p| p.now())
}
