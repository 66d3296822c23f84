//! Detection in this tab: the page's side of the listener, a worker with a WebAssembly module of its own
//! that is loaded when somebody detects.

mod choices;
mod network;
mod run;
mod seen;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use futures::channel::oneshot;
use spyhop_words::page::listener as words;
use spyhop_workers::Message;
use spyhop_workers::listening::{Answer, Order};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::engine::OpenSources;
use crate::session::{OpenSet, Session};
pub use choices::OnThisTab;
pub use run::offer_cancel;
pub use seen::Seen;

/// A listener at work; it ends when this is dropped.
pub struct Listener {
    worker: Worker,
    _heard: [Closure<dyn FnMut(MessageEvent)>; 2],
    waiting: Rc<RefCell<Option<Vec<Message>>>>,
}

impl Listener {
    /// Starts one. What it answers goes to `on_answer`.
    ///
    /// # Errors
    /// When this browser starts no worker.
    pub fn start(on_answer: impl Fn(Answer, Message) + 'static) -> Result<Listener, String> {
        let base = gloo::utils::document().base_uri().ok().flatten().unwrap_or_default();
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = web_sys::Url::new_with_base("listener.js", &base)
            .and_then(|url| Worker::new_with_options(&url.href(), &options))
            .map_err(|_| words::NO_MODULE_WORKER)?;
        // What is said before it listens, until it does.
        let waiting = Rc::new(RefCell::new(Some(Vec::new())));
        let on_answer = Rc::new(on_answer);
        let told = {
            let (waiting, worker, on_answer) = (waiting.clone(), worker.clone(), on_answer.clone());
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                let Some(message) = Message::from_js(&event.data()) else { return };
                let Some(answer) = message.read::<Answer>() else { return };
                if let Answer::Ready = answer {
                    let said: Option<Vec<Message>> = waiting.borrow_mut().take();
                    said.iter().flatten().for_each(|message| send(&worker, message));
                }
                on_answer(answer, message);
            })
        };
        let failed = Closure::<dyn FnMut(MessageEvent)>::new(move |_| {
            let message = Message { text: String::new(), objects: Vec::new() };
            // It stops without a word: as a rule there was no memory left for it.
            on_answer(Answer::Panicked { message: words::BROKE_DOWN.to_owned() }, message);
        });
        worker.set_onmessage(Some(told.as_ref().unchecked_ref()));
        worker.set_onerror(Some(failed.as_ref().unchecked_ref()));
        Ok(Listener { worker, _heard: [told, failed], waiting })
    }

    /// Tells it something.
    pub fn tell(&self, message: Message) {
        match &mut *self.waiting.borrow_mut() {
            Some(waiting) => waiting.push(message),
            None => send(&self.worker, &message),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

fn send(worker: &Worker, message: &Message) {
    if let Err(error) = worker.post_message_with_transfer(&message.to_js(), &message.transfer()) {
        gloo::console::error!(words::DEAF, error);
    }
}

thread_local! {
    /// One that answers questions, as long as the page lives.
    static ASKED: RefCell<Option<Rc<Asked>>> = const { RefCell::new(None) };
}

type Reply = oneshot::Sender<Result<(Answer, Message), String>>;

struct Asked {
    listener: RefCell<Option<Listener>>,
    /// What is open, as it was told last.
    knows: RefCell<Option<Arc<OpenSet>>>,
    replies: RefCell<Vec<(u32, Reply)>>,
    last_job: Cell<u32>,
}

/// Asks a listener that stays; `about` is what is open, where the question is about that.
///
/// # Errors
/// What to tell a person.
pub async fn ask(
    about: Option<(Session, Arc<OpenSet>)>,
    order: impl FnOnce(u32) -> Order,
    objects: Vec<JsValue>,
) -> Result<(Answer, Message), String> {
    let asked = match ASKED.with_borrow(Clone::clone) {
        Some(asked) => asked,
        None => {
            let asked = Asked::start()?;
            ASKED.set(Some(asked.clone()));
            asked
        }
    };
    let job = asked.last_job.get() + 1;
    asked.last_job.set(job);
    let (reply, answer) = oneshot::channel();
    asked.replies.borrow_mut().push((job, reply));
    if let Some(listener) = &*asked.listener.borrow() {
        if let Some((session, open)) = about {
            let mut knows = asked.knows.borrow_mut();
            if knows.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &open)) {
                if let Some(sources) = session.engine().sources() {
                    listener.tell(told_sources(sources));
                }
                *knows = Some(open);
            }
        }
        listener.tell(Message::with(&order(job), objects));
    }
    answer.await.unwrap_or_else(|_| Err(words::BROKE_DOWN.to_owned()))
}

/// Says where what is open is.
fn told_sources(open: OpenSources) -> Message {
    Message::with(&Order::Sources(open.sources), open.objects)
}

impl Asked {
    fn start() -> Result<Rc<Asked>, String> {
        let asked = Rc::new(Asked {
            listener: RefCell::new(None),
            knows: RefCell::default(),
            replies: RefCell::default(),
            last_job: Cell::new(0),
        });
        let this = Rc::downgrade(&asked);
        let listener = Listener::start(move |answer, message| {
            let Some(asked) = this.upgrade() else { return };
            let (job, outcome) = match answer {
                Answer::Panicked { message } => {
                    // The next question starts another one.
                    ASKED.set(None);
                    for (_, reply) in asked.replies.borrow_mut().drain(..) {
                        drop(reply.send(Err(message.clone())));
                    }
                    return;
                }
                Answer::Failed { job, message } => (job, Err(message)),
                Answer::Fits { job, .. } | Answer::Card { job, .. } | Answer::Seen { job, .. } => {
                    (job, Ok((answer, message)))
                }
                _ => return,
            };
            let mut replies = asked.replies.borrow_mut();
            if let Some(at) = replies.iter().position(|(of, _)| *of == job) {
                drop(replies.swap_remove(at).1.send(outcome));
            }
        })?;
        asked.listener.replace(Some(listener));
        Ok(asked)
    }
}
