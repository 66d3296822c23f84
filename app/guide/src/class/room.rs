//! A room on this page: its connection, which comes back by itself, and what is known of it as signals.

use gloo::events::EventListener;
use gloo::storage::{SessionStorage, Storage};
use gloo::timers::callback::Timeout;
use leptos::prelude::*;
use leptos::task::spawn_local;
use send_wrapper::SendWrapper;
use spyhop_api::room::{ClassState, FromMember, JoinRequest, Joined, Mine, RoomState};

use super::channel::{Channel, Heard, Member};
use super::ledger::{Ledger, Taken};
use super::patience::{Patience, Way};
use super::requests;

/// A way that is silent so long after it was opened is given up, ms.
const SILENT_MS: u32 = 8000;

/// How a page is connected to its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// For the first time.
    Connecting,
    /// It is.
    Live,
    /// It was, and is tried again.
    Lost,
    /// The room is over.
    Over,
}

/// A room; a copy is a handle.
#[derive(Clone, Copy)]
pub struct Room {
    /// How it is connected.
    pub connection: RwSignal<Connection>,
    /// By which way.
    pub way: RwSignal<Way>,
    /// Why something that was said was not done; empty where nothing was refused.
    pub refused: RwSignal<String>,
    /// What everybody sees.
    pub state: Memo<RoomState>,
    /// What this member said.
    pub mine: Memo<Mine>,
    /// To leaders: their class.
    pub class: Memo<ClassState>,
    /// What is known of the room.
    pub ledger: RwSignal<Ledger>,
    joined: StoredValue<Joined>,
    leader_key: StoredValue<String>,
    patience: StoredValue<Patience>,
    channel: StoredValue<Option<Channel>, LocalStorage>,
    again: StoredValue<Option<Timeout>, LocalStorage>,
    /// Counts connections: what an earlier one still says is passed over.
    turn: StoredValue<u32>,
}

impl Room {
    /// Connects a member that has joined. A leader comes back with their key.
    pub fn enter(joined: Joined, leader_key: String) -> Room {
        let ledger = RwSignal::new(Ledger::default());
        let room = Room {
            connection: RwSignal::new(Connection::Connecting),
            way: RwSignal::new(Way::Socket),
            refused: RwSignal::new(String::new()),
            state: Memo::new(move |_| ledger.with(|ledger| ledger.state().clone())),
            mine: Memo::new(move |_| ledger.with(|ledger| ledger.mine.clone())),
            class: Memo::new(move |_| ledger.with(|ledger| ledger.class.clone())),
            ledger,
            joined: StoredValue::new(joined),
            leader_key: StoredValue::new(leader_key),
            patience: StoredValue::new(Patience::default()),
            channel: StoredValue::new_local(None),
            again: StoredValue::new_local(None),
            turn: StoredValue::new(0),
        };
        room.connect();
        room.listen_to_network();
        on_cleanup(move || {
            // Whatever is left of it may be gone already.
            let _ = room.channel.try_set_value(None);
            let _ = room.again.try_set_value(None);
        });
        room
    }

    /// The room's code.
    pub fn code(&self) -> String {
        self.joined.with_value(|joined| joined.code.clone())
    }

    /// The member's number.
    pub fn id(&self) -> u32 {
        self.joined.with_value(|joined| joined.id)
    }

    /// Whether this member leads.
    pub fn is_leader(&self) -> bool {
        self.joined.with_value(|joined| joined.is_leader)
    }

    /// The member's token.
    pub fn token(&self) -> String {
        self.joined.with_value(|joined| joined.member.clone())
    }

    /// Whether it is connected. Tracks.
    pub fn is_live(&self) -> bool {
        self.connection.get() == Connection::Live
    }

    /// Says something, if it is connected: what a person is told was done comes back from the server.
    pub fn say(&self, said: FromMember) {
        // What is told all the time takes away nothing that is to be read.
        if !matches!(said, FromMember::Show { .. } | FromMember::Point { .. }) {
            self.refused.set(String::new());
        }
        self.channel.with_value(|channel| {
            if let Some(channel) = channel {
                channel.say(said);
            }
        });
    }

    /// Leaves it for good.
    pub fn leave(&self) {
        self.hang_up();
        forget(&self.code());
    }

    fn finish(&self) {
        self.hang_up();
        self.connection.set(Connection::Over);
    }

    fn hang_up(&self) {
        self.turn.update_value(|turn| *turn = turn.wrapping_add(1));
        self.channel.set_value(None);
        self.again.set_value(None);
    }

    fn connect(&self) {
        let room = *self;
        let turn = self.turn.get_value().wrapping_add(1);
        self.turn.set_value(turn);
        let way = self.patience.with_value(Patience::way);
        self.way.set(way);
        let member = Member { code: self.code(), token: self.token() };
        let after = self.ledger.with_untracked(Ledger::cursor);
        let heard = move |heard| {
            // A connection may outlive what shows the room.
            if room.turn.try_get_value() == Some(turn) {
                room.hears(way, heard);
            }
        };
        let channel = Channel::open(way, &member, after.as_deref(), heard);
        let is_open = channel.is_some();
        self.channel.set_value(channel);
        if !is_open {
            return self.lost();
        }
        self.again.set_value(Some(Timeout::new(SILENT_MS, move || {
            if room.turn.try_get_value() == Some(turn) {
                room.lost();
            }
        })));
    }

    fn hears(&self, way: Way, heard: Heard) {
        let (message, cursor) = match heard {
            Heard::Message { message, cursor } => (message, cursor),
            Heard::Refused(error) => return self.refused.set(error.message),
            Heard::Lost => return self.lost(),
        };
        self.patience.update_value(|patience| patience.heard(way));
        self.again.set_value(None);
        let mut taken = Taken::Done;
        self.ledger.update(|ledger| {
            taken = ledger.take(message);
            if let Some(cursor) = cursor {
                ledger.keep_cursor(cursor);
            }
        });
        match taken {
            Taken::Done => {}
            Taken::Refused(why) => self.refused.set(why),
            Taken::Gap => return self.connect(),
        }
        if self.ledger.with_untracked(|ledger| ledger.state().has_ended) {
            forget(&self.code());
            return self.finish();
        }
        if self.connection.get_untracked() != Connection::Live {
            self.connection.set(Connection::Live);
        }
    }

    /// Tries again after a while, as the member that it was.
    fn lost(&self) {
        let room = *self;
        self.turn.update_value(|turn| *turn = turn.wrapping_add(1));
        self.channel.set_value(None);
        if self.connection.get_untracked() == Connection::Live {
            self.connection.set(Connection::Lost);
        }
        let chance = js_sys::Math::random();
        let wait_ms = self.patience.try_update_value(|patience| patience.failed(chance));
        let wait_ms = wait_ms.unwrap_or_default();
        self.again.set_value(Some(Timeout::new(wait_ms, move || room.come_back())));
    }

    fn come_back(&self) {
        let room = *self;
        let code = self.code();
        let asked = JoinRequest {
            name: self.ledger.with_untracked(|ledger| ledger.mine.name.clone()),
            member: self.token(),
            leader_key: self.leader_key.get_value(),
        };
        let turn = self.turn.get_value();
        spawn_local(async move {
            let answer = requests::join(&code, &asked).await;
            if room.turn.try_get_value() != Some(turn) {
                return;
            }
            match answer {
                Ok(joined) => {
                    keep(&joined);
                    let is_other = joined.member != asked.member;
                    room.joined.set_value(joined);
                    if is_other {
                        // The room does not know us any more: everything begins anew.
                        room.ledger.set(Ledger::default());
                    }
                    room.connect();
                }
                Err(error) if matches!(error.status, 404 | 410) => {
                    forget(&code);
                    room.finish();
                }
                Err(_) => room.lost(),
            }
        });
    }

    /// A network that comes back, or a tablet that wakes up, leaves connections behind that look alive:
    /// they are made anew.
    fn listen_to_network(&self) {
        let room = *self;
        let renew = move || {
            if room.connection.get_untracked() == Connection::Over {
                return;
            }
            room.patience.update_value(Patience::hope);
            room.turn.update_value(|turn| *turn = turn.wrapping_add(1));
            room.channel.set_value(None);
            room.again.set_value(None);
            room.come_back();
        };
        let online = EventListener::new(&window(), "online", move |_| renew());
        let offline = EventListener::new(&window(), "offline", move |_| {
            if room.connection.get_untracked() == Connection::Live {
                room.lost();
            }
        });
        let hidden_ms = StoredValue::new(None::<f64>);
        let seen = EventListener::new(&document(), "visibilitychange", move |_| {
            let now_ms = js_sys::Date::now();
            if document().hidden() {
                return hidden_ms.set_value(Some(now_ms));
            }
            let since_ms = hidden_ms.get_value().map_or(0.0, |hidden_ms| now_ms - hidden_ms);
            if since_ms > f64::from(SILENT_MS) {
                renew();
            }
        });
        let listeners = SendWrapper::new([online, offline, seen]);
        on_cleanup(move || drop(listeners));
    }
}

/// Keeps a member's token in this tab, so that a page that is loaded anew is the same member.
pub fn keep(joined: &Joined) {
    // Where storage is refused, a reload is a new member.
    let _ = SessionStorage::set(key(&joined.code, "member"), &joined.member);
}

/// The member's token that this tab has for a room; empty where it has none.
pub fn kept(code: &str) -> String {
    SessionStorage::get(key(code, "member")).unwrap_or_default()
}

/// Keeps the key that leads a room in this tab.
pub fn keep_leader_key(code: &str, leader_key: &str) {
    let _ = SessionStorage::set(key(code, "key"), leader_key);
}

/// The key that leads a room, if this tab has it; empty where not.
pub fn kept_leader_key(code: &str) -> String {
    SessionStorage::get(key(code, "key")).unwrap_or_default()
}

fn forget(code: &str) {
    SessionStorage::delete(key(code, "member"));
    SessionStorage::delete(key(code, "key"));
}

fn key(code: &str, what: &str) -> String {
    format!("spyhop.class.{code}.{what}")
}
