//! Who is in a room.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use spyhop_api::Shown;
use spyhop_api::room::{Answer, Mine, Standing, TaskResult, TaskRow, ToMember};
use tokio::sync::watch;

use super::log::Newest;

/// Messages that a member may send at once, and how many more come with a second. A page that shows sends 25.
const AT_ONCE: f64 = 120.0;
const A_SECOND: f64 = 40.0;
/// How long somebody whose connection is lost still counts as here: as long as a page takes to come back, or
/// one that polls to ask again.
const GRACE: Duration = Duration::from_secs(5);

/// A member.
pub struct Member {
    /// Number.
    pub id: u32,
    /// Name; may be empty.
    pub name: String,
    /// Whether they lead.
    pub is_leader: bool,
    /// Whether they look around by themselves.
    pub is_away: bool,
    /// Connections that are open.
    pub channels: u32,
    /// When they were here last.
    pub seen: Instant,
    /// What they show, as far as they said.
    pub shown: Option<Shown>,
    /// Their answer to the question that is there.
    pub answer: Option<Answer>,
    /// Members' questions that they voted for.
    pub votes: BTreeSet<u32>,
    /// Their latest try at the task that is there, and how they stand.
    pub result: Option<TaskResult>,
    /// As `result`.
    pub row: TaskRow,
    /// What they are told of themselves.
    pub mine: Newest,
    /// Wakes their connections.
    pub wake: watch::Sender<()>,
    bucket: (f64, Instant),
}

impl Member {
    /// Somebody who has just come.
    pub fn new(id: u32, name: String, is_leader: bool, now: Instant) -> Member {
        let mut member = Member {
            id,
            name,
            is_leader,
            is_away: false,
            channels: 0,
            seen: now,
            shown: None,
            answer: None,
            votes: BTreeSet::new(),
            result: None,
            row: TaskRow { member: id, ..TaskRow::default() },
            mine: Newest::default(),
            wake: watch::Sender::new(()),
            bucket: (AT_ONCE, now),
        };
        member.tell();
        member
    }

    /// Tells them how they stand.
    pub fn tell(&mut self) {
        let mine = Mine {
            id: self.id,
            name: self.name.clone(),
            is_leader: self.is_leader,
            is_away: self.is_away,
            answer: self.answer.clone(),
            votes: self.votes.iter().copied().collect(),
            result: self.result.clone(),
        };
        if self.mine.set(&ToMember::Mine { mine }) {
            self.wake.send_replace(());
        }
    }

    /// Forgets what they said at the question that was there.
    pub fn begin_question(&mut self) {
        self.answer = None;
        self.tell();
    }

    /// Forgets how they stood at the task that was there.
    pub fn begin_task(&mut self) {
        self.result = None;
        self.row = TaskRow { member: self.id, ..TaskRow::default() };
        self.tell();
    }

    /// Forgets everything that they said.
    pub fn forget(&mut self) {
        self.name.clear();
        self.shown = None;
        self.answer = None;
        self.votes.clear();
        self.result = None;
        self.row = TaskRow::default();
        self.tell();
    }

    /// Whether they are connected, or were a moment ago.
    pub fn is_here(&self, now: Instant) -> bool {
        self.channels > 0 || now.saturating_duration_since(self.seen) < GRACE
    }

    /// What they do.
    pub fn standing(&self, now: Instant) -> Standing {
        match (self.is_here(now), self.is_away) {
            (false, _) => Standing::Gone,
            (true, true) => Standing::Away,
            (true, false) => Standing::Following,
        }
    }

    /// Whether they may say something now.
    pub fn may_say(&mut self, now: Instant) -> bool {
        let (held, at) = self.bucket;
        let more = now.saturating_duration_since(at).as_secs_f64() * A_SECOND;
        let held = (held + more).min(AT_ONCE);
        let may = held >= 1.0;
        self.bucket = (if may { held - 1.0 } else { held }, now);
        may
    }
}
