//! The worker side: the same WebAssembly module, run where waiting for bytes blocks nobody.

pub mod graphics;
mod jobs;
mod kept;
pub mod playback;
mod speed;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use spyhop_signal::formats;
use spyhop_workers::{Message, post};
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use crate::engine::wire::{Answer, Order};
use jobs::Jobs;

/// Orders that wait, and up to which job they are not wanted any more.
struct Inbox {
    orders: RefCell<VecDeque<(Order, Message)>>,
    working: Cell<bool>,
    dropped: Rc<Cell<u32>>,
    jobs: RefCell<Option<Jobs>>,
}

/// Listens for orders, for as long as the worker lives.
pub fn run() {
    std::panic::set_hook(Box::new(|panic| {
        post(&Message::new(&Answer::Panicked { message: panic.to_string() }));
    }));
    formats::fetch_lossy_by(crate::parts::lossy);
    let dropped = Rc::new(Cell::new(0));
    let inbox = Rc::new_cyclic(|inbox: &Weak<Inbox>| {
        let inbox = inbox.clone();
        let submit = move |order| {
            if let Some(inbox) = inbox.upgrade() {
                inbox.submit(order, Message { text: String::new(), objects: Vec::new() });
            }
        };
        Inbox {
            orders: RefCell::default(),
            working: Cell::new(false),
            jobs: RefCell::new(Some(Jobs::new(dropped.clone(), Rc::new(submit)))),
            dropped,
        }
    });
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let Some(message) = Message::from_js(&event.data()) else { return };
        match message.read::<Order>() {
            Some(Order::Drop { job }) => inbox.dropped.set(inbox.dropped.get().max(job)),
            Some(order) => inbox.submit(order, message),
            None => {}
        }
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    post(&Message::new(&Answer::Ready));
}

impl Inbox {
    fn submit(self: &Rc<Self>, order: Order, message: Message) {
        self.orders.borrow_mut().push_back((order, message));
        if !self.working.replace(true) {
            wasm_bindgen_futures::spawn_local(work(self.clone()));
        }
    }
}

/// Carries out the orders, one after the other.
async fn work(inbox: Rc<Inbox>) {
    let Some(mut jobs) = inbox.jobs.take() else { return };
    loop {
        let next = inbox.orders.borrow_mut().pop_front();
        let Some((order, message)) = next else { break };
        if let Some(answer) = jobs.carry_out(order, message).await {
            post(&answer);
        }
    }
    inbox.jobs.replace(Some(jobs));
    inbox.working.set(false);
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}
