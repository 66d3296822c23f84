//! Messages of a room: from a member to the server, and back.

use serde::{Deserialize, Serialize};

use super::Following;
use super::state::{ClassState, Mine, RoomEvent, RoomState};
use super::task::Area;
use crate::shown::{Mark, Shown};

/// What a member says. Those that are the leader's are refused of others. Texts are made plain and cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum FromMember {
    /// What this member shows now. The leader says it whenever it changes; another one while they are
    /// spotlit or away, so that they can be spotlit. Whether something of it goes to the log or is only
    /// followed (play head, pointer) is the server's to see. Not more often than every
    /// [`super::FOLLOW_EVERY_MS`]. Where a member is spotlit, what they show must be of what the leader has open.
    Show {
        /// All of it.
        shown: Shown,
    },
    /// Only where play head and pointer are: smaller than `Show`, as often.
    Point {
        /// Both.
        #[serde(flatten)]
        following: Following,
    },
    /// To look around alone (`true`), or to follow again.
    Away {
        /// Whether away.
        on: bool,
    },
    /// To be called so; empty takes the name back.
    Name {
        /// A name, or nothing.
        name: String,
    },
    /// To answer the leader's question; again replaces it, as long as it is open.
    Answer {
        /// Its number.
        question: u32,
        /// Which choice, from 0, where there are choices.
        #[serde(default)]
        choice: Option<u32>,
        /// A few words where there are none.
        #[serde(default)]
        text: String,
    },
    /// To ask.
    Ask {
        /// What.
        text: String,
        /// What about.
        #[serde(default)]
        area: Option<Area>,
    },
    /// To want to know a member's question too, or no longer.
    Vote {
        /// Its number.
        asked: u32,
        /// Whether.
        on: bool,
    },
    /// To try the task. How it went comes as [`Mine::result`].
    Boxes {
        /// The task's number.
        task: u32,
        /// All boxes.
        boxes: Vec<Area>,
    },

    /// The leader: lets everybody follow a member's view, or (none) the leader's again.
    Spotlight {
        /// Their number.
        member: Option<u32>,
    },
    /// The leader: lets the devices of those who joined with sound play what is followed, or lets the
    /// leader's alone, as it is at first.
    Sounds {
        /// Whether they play.
        on: bool,
    },
    /// The leader: asks something; what was asked before is gone.
    Pose {
        /// What.
        text: String,
        /// On what.
        #[serde(default)]
        area: Option<Area>,
        /// Answers to choose from, if any.
        #[serde(default)]
        choices: Vec<String>,
    },
    /// The leader: shows everybody the answers, or hides them again.
    RevealAnswers {
        /// Whether shown.
        on: bool,
    },
    /// The leader: takes more answers, or no more.
    OpenQuestion {
        /// Whether open.
        on: bool,
    },
    /// The leader: takes the question away.
    DropQuestion,
    /// The leader: a member's question is done with.
    Dismiss {
        /// Its number.
        asked: u32,
    },
    /// The leader: shows everybody the labels in the view that is followed.
    RevealLabels {
        /// Whether shown.
        on: bool,
        /// Labels that the leader's page has itself (of a recording that is not on the server); where there
        /// are none, what the server knows is shown: labels, tables beside the recordings, accepted
        /// candidates.
        #[serde(default)]
        marks: Vec<Mark>,
    },
    /// The leader: sets a task; the one before is gone.
    SetTask {
        /// What is asked, in their words; may be empty.
        text: String,
        /// The label of what is to be found; empty is every label.
        #[serde(default)]
        label: String,
        /// Where.
        area: Area,
        /// As in [`super::Task`]; left out it is 0.3, which a box by hand around a whistle reaches.
        #[serde(default)]
        least_overlap: Option<f64>,
        /// As in [`super::Task`].
        #[serde(default)]
        shows_missed: bool,
        /// The calls that are to be found, from the leader's page; where there are none, what the server
        /// knows, as for `RevealLabels`.
        #[serde(default)]
        calls: Vec<Mark>,
    },
    /// The leader: shows everybody the task's solution.
    Solve,
    /// The leader: takes the task away.
    DropTask,
    /// The leader: the room is over. Answers that are wanted must be fetched before
    /// (`GET api/v1/rooms/{code}/answers.csv?member=TOKEN`).
    End,
}

/// What the server says to a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum ToMember {
    /// All of the room as it is after the event `seq`: takes the place of everything before.
    State {
        /// The number of the last event in it.
        seq: u64,
        /// The room.
        state: Box<RoomState>,
    },
    /// The next step: `seq` is one more than that of the last `State` or `Event`.
    Event {
        /// Its number.
        seq: u64,
        /// What happens.
        #[serde(flatten)]
        event: RoomEvent,
    },
    /// Where play head and pointer of who is followed are: only the newest counts.
    Follow {
        /// Both.
        #[serde(flatten)]
        following: Following,
    },
    /// What this member said, and how its task stands: only the newest counts.
    Mine {
        /// All of it.
        mine: Mine,
    },
    /// To leaders: their class. Only the newest counts.
    Class {
        /// All of it.
        class: ClassState,
    },
    /// Something that this member said over its WebSocket was not done (the other ways answer it at once).
    Refused {
        /// Why, and what to do.
        why: String,
    },
}

/// What polling answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct News {
    /// What there is to be told, in its order; may be empty.
    pub messages: Vec<ToMember>,
    /// What to ask with next, as `after=`.
    pub cursor: String,
}
