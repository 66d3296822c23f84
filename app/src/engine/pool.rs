//! The workers: started once with the module that the page runs, told what to do, replaced when they
//! break down.

use std::cell::RefCell;
use std::rc::Rc;

use spyhop_words::page::engine as words;
use spyhop_workers::Message;
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};

use super::wire::Answer;

/// Called with the number of a worker, its answer, and what came along.
pub type OnAnswer = Rc<dyn Fn(usize, Answer, Message)>;

/// Times that a worker is started again.
const RESTARTS: u32 = 8;

/// Workers, by number.
pub struct Pool {
    slots: Vec<Rc<Slot>>,
    on_answer: OnAnswer,
}

struct Slot {
    state: RefCell<SlotState>,
}

type Listener = Closure<dyn FnMut(MessageEvent)>;

#[derive(Default)]
struct SlotState {
    worker: Option<Worker>,
    /// Held as long as the worker lives.
    listeners: Option<[Listener; 2]>,
    ready: bool,
    /// What it will be told when it is ready.
    waiting: Vec<Message>,
    /// What every worker has to know: told again to one that replaces it.
    known: Vec<Message>,
    starts: u32,
}

impl Pool {
    /// A pool without workers.
    pub fn new(on_answer: OnAnswer) -> Pool {
        Pool { slots: Vec::new(), on_answer }
    }

    /// Starts one more worker, and gives its number.
    pub fn start(&mut self) -> usize {
        let number = self.slots.len();
        let slot = Rc::new(Slot { state: RefCell::default() });
        if let Some(first) = self.slots.first() {
            let known: Vec<Message> =
                first.state.borrow().known.iter().map(Message::again).collect();
            slot.state.borrow_mut().waiting = known.iter().map(Message::again).collect();
            slot.state.borrow_mut().known = known;
        }
        launch(&slot, number, &self.on_answer);
        self.slots.push(slot);
        number
    }

    /// Tells one worker something.
    pub fn tell(&self, number: usize, message: Message) {
        let Some(slot) = self.slots.get(number) else { return };
        let mut state = slot.state.borrow_mut();
        match (&state.worker, state.ready) {
            (Some(worker), true) => send(worker, &message),
            _ => state.waiting.push(message),
        }
    }

    /// Tells all workers something that they have to know; `fresh` makes them forget what they were
    /// told before.
    pub fn tell_all(&self, message: &Message, fresh: bool) {
        for (number, slot) in self.slots.iter().enumerate() {
            let mut state = slot.state.borrow_mut();
            if fresh {
                state.known.clear();
            }
            state.known.push(message.again());
            drop(state);
            self.tell(number, message.again());
        }
    }

    /// Replaces a worker that broke down. What it was working on is lost.
    pub fn replace(&self, number: usize) {
        let Some(slot) = self.slots.get(number) else { return };
        let mut state = slot.state.borrow_mut();
        if let Some(worker) = state.worker.take() {
            worker.terminate();
        }
        state.ready = false;
        state.waiting = state.known.iter().map(Message::again).collect();
        let again = state.starts < RESTARTS;
        drop(state);
        if again {
            launch(slot, number, &self.on_answer);
        }
    }
}

fn send(worker: &Worker, message: &Message) {
    if let Err(error) = worker.post_message_with_transfer(&message.to_js(), &message.transfer()) {
        gloo::console::error!(words::WORKER_DEAF, error);
    }
}

fn launch(slot: &Rc<Slot>, number: usize, on_answer: &OnAnswer) {
    let base = gloo::utils::document().base_uri().ok().flatten().unwrap_or_default();
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let started = web_sys::Url::new_with_base("worker.js", &base)
        .and_then(|url| Worker::new_with_options(&url.href(), &options));
    let worker = match started {
        Ok(worker) => worker,
        Err(error) => {
            return gloo::console::error!(words::NO_MODULE_WORKER, error);
        }
    };
    let told = {
        let (slot, on_answer, worker) = (Rc::downgrade(slot), on_answer.clone(), worker.clone());
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let data = event.data();
            if data.as_string().is_some() {
                // It listens: it gets the module that is compiled already.
                let _ = worker.post_message(&wasm_bindgen::module());
                return;
            }
            let Some(message) = Message::from_js(&data) else { return };
            let Some(answer) = message.read::<Answer>() else { return };
            if let Answer::Ready = answer
                && let Some(slot) = slot.upgrade()
            {
                let mut state = slot.state.borrow_mut();
                state.ready = true;
                let waiting = std::mem::take(&mut state.waiting);
                waiting.iter().for_each(|m| send(&worker, m));
            }
            on_answer(number, answer, message);
        })
    };
    let failed = {
        let on_answer = on_answer.clone();
        Closure::<dyn FnMut(MessageEvent)>::new(move |_| {
            let message = words::WORKER_FAILED.to_owned();
            let nothing = Message { text: String::new(), objects: Vec::new() };
            on_answer(number, Answer::Panicked { message }, nothing);
        })
    };
    worker.set_onmessage(Some(told.as_ref().unchecked_ref()));
    worker.set_onerror(Some(failed.as_ref().unchecked_ref()));
    let mut state = slot.state.borrow_mut();
    state.worker = Some(worker);
    state.listeners = Some([told, failed]);
    state.starts += 1;
}
