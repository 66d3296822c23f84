//! A connection to a room: a WebSocket, server-sent events, or asking again and again.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use gloo::events::EventListener;
use leptos::task::spawn_local;
use spyhop_api::room::{FromMember, ToMember};
use wasm_bindgen::JsCast;
use web_sys::{EventSource, MessageEvent, WebSocket};

use super::patience::Way;
use super::requests;
use crate::server::ServerError;

/// How long one question of polling may wait for news, s.
const POLL_WAIT_S: u32 = 20;

/// Whose connection it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The room's code.
    pub code: String,
    /// The member's token.
    pub token: String,
}

/// What comes out of a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// The server says something; the cursor is where to go on after it, where the server gave one.
    Message {
        /// What.
        message: ToMember,
        /// After it.
        cursor: Option<String>,
    },
    /// Something that was said was not done.
    Refused(ServerError),
    /// The connection is gone, or never was.
    Lost,
}

type Listener = Rc<dyn Fn(Heard)>;

/// A connection; dropped, it is closed and says nothing any more.
pub struct Channel {
    kind: Kind,
}

enum Kind {
    Socket { socket: WebSocket, _listeners: Vec<EventListener> },
    Events { source: EventSource, _listeners: Vec<EventListener>, out: Rc<Outbox> },
    Polling { is_over: Rc<Cell<bool>>, out: Rc<Outbox> },
}

impl Channel {
    /// Opens one by a way; `None` where this browser or its policies do not let it.
    pub fn open(
        way: Way,
        member: &Member,
        after: Option<&str>,
        heard: impl Fn(Heard) + 'static,
    ) -> Option<Channel> {
        let heard: Listener = Rc::new(heard);
        let kind = match way {
            Way::Socket => socket(member, after, heard)?,
            Way::Events => events(member, after, heard)?,
            Way::Polling => polling(member, after, heard),
        };
        Some(Channel { kind })
    }

    /// Says something.
    pub fn say(&self, said: FromMember) {
        match &self.kind {
            Kind::Socket { socket, .. } => {
                let Ok(text) = serde_json::to_string(&said) else { return };
                // One that is closing tells so by itself.
                let _ = socket.send_with_str(&text);
            }
            Kind::Events { out, .. } | Kind::Polling { out, .. } => out.say(said),
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        match &self.kind {
            // Closed twice is closed.
            Kind::Socket { socket, .. } => drop(socket.close()),
            Kind::Events { source, .. } => source.close(),
            Kind::Polling { is_over, .. } => is_over.set(true),
        }
    }
}

fn socket(member: &Member, after: Option<&str>, heard: Listener) -> Option<Kind> {
    let address = requests::channel(&member.code, "/socket", &member.token, after);
    let address = address.strip_prefix("http").map(|rest| format!("ws{rest}"))?;
    let socket = WebSocket::new(&address).ok()?;
    let told = heard.clone();
    let message = EventListener::new(&socket, "message", move |event| {
        if let Some(message) = event.dyn_ref::<MessageEvent>().and_then(read) {
            told(Heard::Message { message, cursor: None });
        }
    });
    let closed = EventListener::new(&socket, "close", move |_| heard(Heard::Lost));
    Some(Kind::Socket { socket, _listeners: vec![message, closed] })
}

fn events(member: &Member, after: Option<&str>, heard: Listener) -> Option<Kind> {
    let address = requests::channel(&member.code, "/events", &member.token, after);
    let source = EventSource::new(&address).ok()?;
    let told = heard.clone();
    let message = EventListener::new(&source, "message", move |event| {
        let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
        if let Some(message) = read(event) {
            let cursor = Some(event.last_event_id()).filter(|id| !id.is_empty());
            told(Heard::Message { message, cursor });
        }
    });
    let told = heard.clone();
    let broken = EventListener::new(&source, "error", move |_| told(Heard::Lost));
    let out = Outbox::new(member.clone(), heard);
    Some(Kind::Events { source, _listeners: vec![message, broken], out })
}

fn polling(member: &Member, after: Option<&str>, heard: Listener) -> Kind {
    let is_over = Rc::new(Cell::new(false));
    let out = Outbox::new(member.clone(), heard.clone());
    let mut after = after.unwrap_or_default().to_owned();
    let (member, over) = (member.clone(), is_over.clone());
    spawn_local(async move {
        while !over.get() {
            let news = requests::news(&member.code, &member.token, &after, POLL_WAIT_S).await;
            if over.get() {
                return;
            }
            let Ok(news) = news else { return heard(Heard::Lost) };
            after.clone_from(&news.cursor);
            let last = news.messages.len().saturating_sub(1);
            for (at, message) in news.messages.into_iter().enumerate() {
                let cursor = (at == last).then(|| after.clone());
                heard(Heard::Message { message, cursor });
                if over.get() {
                    return;
                }
            }
        }
    });
    Kind::Polling { is_over, out }
}

/// A message; what this version does not know is passed over, so that an older page in a newer class
/// misses that and no more.
fn read(event: &MessageEvent) -> Option<ToMember> {
    serde_json::from_str(&event.data().as_string()?).ok()
}

/// What is said by requests: one after the other, so that nothing overtakes what was said before it.
struct Outbox {
    member: Member,
    heard: Listener,
    waiting: RefCell<VecDeque<FromMember>>,
    is_sending: Cell<bool>,
}

impl Outbox {
    fn new(member: Member, heard: Listener) -> Rc<Outbox> {
        let (waiting, is_sending) = (RefCell::default(), Cell::new(false));
        Rc::new(Outbox { member, heard, waiting, is_sending })
    }

    fn say(self: &Rc<Outbox>, said: FromMember) {
        enqueue(&mut self.waiting.borrow_mut(), said);
        if self.is_sending.replace(true) {
            return;
        }
        let out = self.clone();
        spawn_local(async move {
            loop {
                let next = out.waiting.borrow_mut().pop_front();
                let Some(said) = next else { break };
                let done = requests::say(&out.member.code, &out.member.token, &said).await;
                if let Err(error) = done {
                    (out.heard)(Heard::Refused(error));
                }
            }
            out.is_sending.set(false);
        });
    }
}

/// Puts something behind what waits to be said. Of views, and of head and pointer, only the newest waits.
fn enqueue(waiting: &mut VecDeque<FromMember>, said: FromMember) {
    use FromMember::{Point, Show};
    match said {
        Show { .. } => waiting.retain(|old| !matches!(old, Show { .. } | Point { .. })),
        Point { .. } => waiting.retain(|old| !matches!(old, Point { .. })),
        _ => {}
    }
    waiting.push_back(said);
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_api::Shown;
    use spyhop_api::room::Following;

    #[test]
    fn on_a_slow_way_only_the_newest_view_waits_and_nothing_else_is_dropped() {
        let show = |view: &str| FromMember::Show {
            shown: Shown { view: view.into(), ..Shown::default() },
        };
        let point = || FromMember::Point { following: Following::default() };
        let answer = || FromMember::Answer { question: 1, choice: Some(0), text: String::new() };
        let mut waiting = VecDeque::new();
        for said in [show("a"), point(), answer(), show("b"), point(), point(), answer()] {
            enqueue(&mut waiting, said);
        }
        assert_eq!(waiting, [answer(), show("b"), point(), answer()]);
    }
}
