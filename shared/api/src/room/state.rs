//! What a room is at a moment, and how its log changes it.

use serde::{Deserialize, Serialize};

use super::message::ToMember;
use super::task::{Area, Task, TaskResult};
use crate::shown::{Mark, Shown};

/// What everybody in a room sees. It holds no name but that of whom the leader spotlights and of who asks
/// something, and nobody's answer until the leader reveals them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct RoomState {
    /// What the leader shows. Its `pointer` is always none here, and its `head` is where playing began or
    /// stopped: how both move comes as [`super::ToMember::Follow`].
    pub shown: Shown,
    /// The member whose view is followed instead of the leader's.
    pub spotlight: Option<Spotlight>,
    /// Whether members' devices sound, too, where they joined with sound; else the leader's alone does.
    pub sounds: bool,
    /// Whether a leader is connected; false is "the teacher's connection is lost".
    pub is_led: bool,
    /// What the leader asks, until they close it.
    pub question: Option<Question>,
    /// What members ask, in the order in which they did.
    pub asked: Vec<Asked>,
    /// The task, until the leader closes it.
    pub task: Option<Task>,
    /// Labels that the leader reveals; empty where none are.
    pub revealed: Vec<Mark>,
    /// The room is over: nothing else comes.
    pub has_ended: bool,
}

/// A member whose view everybody follows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Spotlight {
    /// The member.
    pub member: u32,
    /// The name that they gave; may be empty.
    pub name: String,
    /// What they show, as in [`RoomState::shown`].
    pub shown: Shown,
}

/// A question of the leader.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Question {
    /// Its number in the room.
    pub id: u32,
    /// What is asked.
    pub text: String,
    /// What it is about: a box in the picture.
    pub area: Option<Area>,
    /// Answers to choose from; empty where an answer is a few words.
    pub choices: Vec<String>,
    /// Whether answers are still taken.
    pub is_open: bool,
    /// The answers, once the leader has revealed them.
    pub tally: Option<Tally>,
}

/// Answers, counted: no names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Tally {
    /// How many have answered.
    pub answered: u32,
    /// How many chose each choice, in their order.
    pub by_choice: Vec<u32>,
    /// Answers in words with how many gave each (told apart without regard to case), the commonest first,
    /// 40 at most.
    pub by_text: Vec<(String, u32)>,
}

/// A question of a member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Asked {
    /// Its number in the room.
    pub id: u32,
    /// Whose it is.
    pub member: u32,
    /// The name that they gave; may be empty.
    pub name: String,
    /// What they ask.
    pub text: String,
    /// What it is about, if they said so.
    pub area: Option<Area>,
    /// How many want to know it, too; whoever asks is not counted.
    pub votes: u32,
}

/// A step of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RoomEvent {
    /// The leader shows something else, or began or stopped playing.
    Shown {
        /// What.
        shown: Shown,
    },
    /// Another member's view is followed, it changed, or (none) the leader's is again.
    Spotlight {
        /// Whose.
        spotlight: Option<Spotlight>,
    },
    /// The leader lets members' devices sound, or no longer.
    Sounds {
        /// Whether they do.
        on: bool,
    },
    /// A leader came, or the last one's connection is lost.
    Led {
        /// Whether one is connected.
        is_led: bool,
    },
    /// The leader asks, closes or reveals a question; none takes it away.
    Question {
        /// All of it as it is now.
        question: Option<Question>,
    },
    /// Revealed answers, as more come: at most four times a second.
    Tally {
        /// All of them.
        tally: Tally,
    },
    /// A member asks.
    Asked {
        /// What.
        asked: Asked,
    },
    /// Votes for members' questions, at most four times a second.
    Votes {
        /// Number of a question and its votes.
        votes: Vec<(u32, u32)>,
    },
    /// A member's question is done with.
    Dismissed {
        /// Its number.
        asked: u32,
    },
    /// The leader sets a task, shows its solution, or (none) closes it.
    Task {
        /// All of it as it is now.
        task: Option<Task>,
    },
    /// The leader reveals labels; empty hides them.
    Revealed {
        /// All that are shown.
        marks: Vec<Mark>,
    },
    /// The room is over.
    Ended,
}

impl RoomState {
    /// Lets an event of the log happen.
    pub fn apply(&mut self, event: RoomEvent) {
        match event {
            RoomEvent::Shown { shown } => self.shown = shown,
            RoomEvent::Spotlight { spotlight } => self.spotlight = spotlight,
            RoomEvent::Sounds { on } => self.sounds = on,
            RoomEvent::Led { is_led } => self.is_led = is_led,
            RoomEvent::Question { question } => self.question = question,
            RoomEvent::Tally { tally } => {
                if let Some(question) = &mut self.question {
                    question.tally = Some(tally);
                }
            }
            RoomEvent::Asked { asked } => self.asked.push(asked),
            RoomEvent::Votes { votes } => {
                for asked in &mut self.asked {
                    if let Some((_, count)) = votes.iter().find(|(id, _)| *id == asked.id) {
                        asked.votes = *count;
                    }
                }
            }
            RoomEvent::Dismissed { asked } => self.asked.retain(|held| held.id != asked),
            RoomEvent::Task { task } => self.task = task,
            RoomEvent::Revealed { marks } => self.revealed = marks,
            RoomEvent::Ended => self.has_ended = true,
        }
    }

    /// What is followed: the spotlit member's view, else the leader's.
    pub fn followed(&self) -> &Shown {
        self.spotlight.as_ref().map_or(&self.shown, |spotlight| &spotlight.shown)
    }
}

/// A member's copy of a room, kept in step with it by what the channel brings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoomCopy {
    /// The last event that is in it: what a channel that is opened anew is given as `after=`. Nothing has
    /// come yet where there is none.
    pub seq: Option<u64>,
    /// The room.
    pub state: RoomState,
}

impl RoomCopy {
    /// Takes what the server told; what is no step of the room changes nothing, and neither does a step that
    /// is in it already. The answer is false where steps are missing in between: then the channel is to be
    /// opened anew.
    pub fn take(&mut self, told: &ToMember) -> bool {
        match told {
            ToMember::State { seq, state } => {
                *self = RoomCopy { seq: Some(*seq), state: state.as_ref().clone() };
            }
            ToMember::Event { seq, event } => {
                let last = self.seq.unwrap_or(0);
                if self.seq.is_none() || *seq > last + 1 {
                    return false;
                }
                if *seq == last + 1 {
                    self.state.apply(event.clone());
                    self.seq = Some(*seq);
                }
            }
            _ => {}
        }
        true
    }
}

/// What a member itself said, and how its task stands: nobody else is told (answers and results go to the
/// leader, as [`ClassState`]).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Mine {
    /// The member's number.
    pub id: u32,
    /// Its name; may be empty.
    pub name: String,
    /// Whether it leads.
    pub is_leader: bool,
    /// Whether it has broken away.
    pub is_away: bool,
    /// Its answer to the question that is there.
    pub answer: Option<Answer>,
    /// Members' questions that it voted for.
    pub votes: Vec<u32>,
    /// Its latest try at the task that is there.
    pub result: Option<TaskResult>,
}

/// An answer to the leader's question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Answer {
    /// The question.
    pub question: u32,
    /// Whose it is.
    pub member: u32,
    /// Which of the choices, from 0.
    pub choice: Option<u32>,
    /// A few words, where there are no choices.
    pub text: String,
}

/// What leaders see of their class, at most four times a second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ClassState {
    /// How many follow.
    pub following: u32,
    /// How many have broken away.
    pub away: u32,
    /// How many have joined and are not connected now.
    pub gone: u32,
    /// Everybody but the leaders, by number.
    pub members: Vec<MemberRow>,
    /// Answers to the question that is there, as they came.
    pub answers: Vec<Answer>,
    /// How each stands at the task that is there; who has not tried it has no row.
    pub results: Vec<TaskRow>,
}

/// A member, as a leader sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MemberRow {
    /// Their number.
    pub id: u32,
    /// Their name; may be empty.
    pub name: String,
    /// What they do.
    pub standing: Standing,
}

/// Whether a member follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// They do.
    #[default]
    Following,
    /// They look around by themselves.
    Away,
    /// They are not connected.
    Gone,
}

/// How a member stands at a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TaskRow {
    /// Their number.
    pub member: u32,
    /// How often they tried.
    pub tries: u32,
    /// Right boxes of the latest try.
    pub right: u32,
    /// Wrong boxes of the latest try.
    pub wrong: u32,
    /// Calls that the latest try missed.
    pub missed: u32,
    /// Whether one of the tries was all right.
    pub is_mastered: bool,
}
