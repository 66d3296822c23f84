//! A class that follows: what a room's pages and the server say to each other.
//!
//! Somebody makes a room (`POST api/v1/rooms`, [`RoomRequest`] → [`MadeRoom`]): a short code by which
//! others find it, and a key that leads it. A page joins with `POST api/v1/rooms/{code}/join`
//! ([`JoinRequest`] → [`Joined`]), which gives it a member's token; whoever comes with a token that the
//! room knows is the same member again. Then it takes one of three channels, all of which carry the same
//! [`ToMember`] messages as JSON, one object each:
//!
//! - `GET api/v1/rooms/{code}/socket?member=TOKEN[&after=CURSOR]`, a WebSocket, text messages; what the
//!   member says goes the same way, one [`FromMember`] a message;
//! - `GET api/v1/rooms/{code}/events?member=TOKEN[&after=CURSOR]`, server-sent events: the data of each is
//!   a [`ToMember`], its id a cursor (so that the browser resumes by itself with `Last-Event-ID`);
//! - `GET api/v1/rooms/{code}/log?member=TOKEN[&after=CURSOR][&wait_s=0…25]`, plain polling: one [`News`].
//!   With `wait_s` it is answered when there is something, or when that time is over.
//!
//! Over the last two, what the member says is `POST api/v1/rooms/{code}/say?member=TOKEN` with one
//! [`FromMember`] (204, or a problem document).
//!
//! # What comes, and how nothing is lost
//! The room is a [`RoomState`] and a log of [`RoomEvent`]s that change it, numbered from 1.
//! [`RoomState::apply`] is how an event changes it, here as on the server. A channel without a cursor
//! begins with [`ToMember::State`]; with one it goes on after the last event that was seen, or begins anew
//! with `State` where the member is too far behind or the log no longer reaches back. Whoever gets a `State`
//! takes it as it is and forgets what they had. A cursor may be just the number of the last event; those that
//! the server gives are longer and also say what else was seen.
//!
//! Besides the log there are three values of which only the newest counts, each sent whole:
//! [`ToMember::Follow`] (play head and pointer of who is followed, dropped first where the network is
//! slow), [`ToMember::Mine`] (what the member itself said and how its task stands) and, for leaders,
//! [`ToMember::Class`] (who is here, answers and results as they come).

mod message;
mod state;
mod task;

use serde::{Deserialize, Serialize};

pub use message::{FromMember, News, ToMember};
pub use state::{
    Answer, Asked, ClassState, MemberRow, Mine, Question, RoomCopy, RoomEvent, RoomState,
    Spotlight, Standing, Tally, TaskRow,
};
pub use task::{Area, BoxVerdict, Reason, Task, TaskResult};

use crate::time::Moment;

/// Letters of a code: none is taken for another one on a blackboard, and there are no vowels to make a
/// word of. Codes are told in capitals and taken in any case.
pub const CODE_LETTERS: &str = "BCDFGHJKLMNPQRSTVWXZ";
/// Letters in a code.
pub const CODE_LENGTH: usize = 5;
/// The longest text of a message or name that is kept, in characters; what is longer is cut.
pub const MOST_TEXT: usize = 300;
/// The longest name of a member, in characters.
pub const MOST_NAME: usize = 40;
/// The most boxes of one try at a task.
pub const MOST_BOXES: usize = 100;
/// The most choices of a question.
pub const MOST_CHOICES: usize = 12;
/// The most labels that are revealed at once, and that a task asks for.
pub const MOST_MARKS: usize = 400;

/// What `POST api/v1/rooms` takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RoomRequest {
    /// The query of the view that it begins with; empty is the first page.
    pub view: String,
}

/// A room that was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MadeRoom {
    /// By which others join, as `?class=CODE`.
    pub code: String,
    /// Whoever has it leads. Shown once; it stands in the fragment of the leader's link.
    pub leader_key: String,
}

/// What `POST api/v1/rooms/{code}/join` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct JoinRequest {
    /// A name for this lesson, if the person wants one; it stays in the room and goes with it.
    pub name: String,
    /// The member's token from before, so that the same person comes back as the same member. One that the
    /// room does not know makes a new member.
    pub member: String,
    /// The leader key: with it, this member leads.
    pub leader_key: String,
}

/// A member of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Joined {
    /// The room's code as it is written.
    pub code: String,
    /// The member's number in the room, from 1: all that others know them by, where they gave no name.
    pub id: u32,
    /// What the channels ask for as `member=`; nobody else is told. Kept in `sessionStorage`.
    pub member: String,
    /// Whether this member leads.
    pub is_leader: bool,
}

/// What `GET api/v1/rooms/{code}` answers to whoever has the code: enough for the page of the one tap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RoomCard {
    /// The room's code as it is written.
    pub code: String,
    /// Members that have joined and are connected, leaders not counted.
    pub here: u32,
    /// Whether a leader is connected.
    pub is_led: bool,
    /// No more members are taken.
    pub is_full: bool,
}

/// How other devices reach the server, and whether one has: what `GET api/v1/rooms/{code}/reach` answers
/// to a leader (`?member=TOKEN`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Reach {
    /// Addresses of the page that other devices may try, the likeliest first, with a slash at their end:
    /// what goes into the QR code is the first with `?class=CODE` behind it.
    pub addresses: Vec<String>,
    /// Another device has reached this server since it started.
    pub was_reached: bool,
    /// How many other devices have, by their addresses.
    pub devices: u32,
    /// Seconds since the server started.
    pub waited_s: u32,
    /// Why none probably has; empty once one has, and as long as it is too early to say.
    pub obstacles: Vec<Obstacle>,
}

/// What probably keeps other devices away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// The server listens on this machine alone: start it with `--listen 0.0.0.0:8080`, or by `spyhop class`.
    ListensHereOnly,
    /// This machine has no address on a network.
    NoNetwork,
    /// The machine's firewall lets nobody in, or asks and nobody has answered.
    Firewall,
    /// The wireless network keeps its devices apart (client isolation, guest network).
    ClientIsolation,
    /// The other devices are in another network than this machine.
    OtherNetwork,
}

/// The nearest that a play head and pointer come to one another on the wire: what is newer within this
/// time replaces what is older, milliseconds.
pub const FOLLOW_EVERY_MS: u32 = 40;

/// Where a play head stands and a pointer points.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Following {
    /// The play head of who is followed, if there is one.
    pub head: Option<Moment>,
    /// Where they point.
    pub pointer: Option<crate::Pointed>,
}
