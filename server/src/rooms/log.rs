//! The steps of a room, encoded once, and the state that they make.

use std::collections::VecDeque;

use axum::body::Bytes;
use spyhop_api::room::{RoomEvent, RoomState, ToMember};

/// Who is further behind is told the state instead.
const MOST_BEHIND: u64 = 64;
/// The most that steps are kept of, bytes; the newest one is kept in any case.
const MOST_BYTES: usize = 1 << 20;

/// The log.
#[derive(Default)]
pub struct Log {
    seq: u64,
    state: RoomState,
    /// The latest steps; the last one is `seq`.
    steps: VecDeque<Bytes>,
    bytes: usize,
    /// The state as it is told, once somebody has asked for it.
    whole: Option<Bytes>,
}

/// One value of which only the newest counts.
#[derive(Clone, Debug, Default)]
pub struct Newest {
    version: u64,
    text: Bytes,
}

impl Log {
    /// Forgets everything but that it is over: whoever is behind is told that.
    pub fn forget(&mut self) {
        self.state = RoomState {
            shown: self.state.shown.clone(),
            has_ended: self.state.has_ended,
            ..RoomState::default()
        };
        // The last step says that it is over.
        let before = self.steps.len().saturating_sub(1);
        self.steps.drain(..before);
        self.bytes = self.steps.iter().map(Bytes::len).sum();
        self.whole = None;
    }

    /// The number of the last step.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The state after it.
    pub fn state(&self) -> &RoomState {
        &self.state
    }

    /// Lets something happen.
    pub fn push(&mut self, event: RoomEvent) {
        self.seq += 1;
        let step = encoded(&ToMember::Event { seq: self.seq, event: event.clone() });
        self.state.apply(event);
        self.whole = None;
        self.bytes += step.len();
        self.steps.push_back(step);
        while self.steps.len() > MOST_BEHIND as usize
            || self.bytes > MOST_BYTES && self.steps.len() > 1
        {
            self.bytes -= self.steps.pop_front().map_or(0, |step| step.len());
        }
    }

    /// What somebody is to be told who has seen the log up to a step: the steps since, or all of the state.
    pub fn since(&mut self, seen: Option<u64>) -> Vec<Bytes> {
        let behind = seen.and_then(|seen| self.seq.checked_sub(seen));
        let kept = self.steps.len();
        if let Some(behind) = behind.and_then(|behind| usize::try_from(behind).ok())
            && behind <= kept
        {
            return self.steps.iter().skip(kept - behind).cloned().collect();
        }
        let (seq, state) = (self.seq, &self.state);
        let told = || encoded(&ToMember::State { seq, state: Box::new(state.clone()) });
        vec![self.whole.get_or_insert_with(told).clone()]
    }
}

impl Newest {
    /// Counts what was put here; 0 is nothing yet.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Puts a newer one in its place, unless it says the same.
    pub fn set(&mut self, told: &ToMember) -> bool {
        let text = encoded(told);
        let is_new = self.text != text;
        if is_new {
            *self = Newest { version: self.version + 1, text };
        }
        is_new
    }

    /// The value for somebody who has seen a version, if there is a newer one.
    pub fn since(&self, seen: &mut u64) -> Option<Bytes> {
        // One from another time of this room has seen what is not known here.
        if self.version == 0 || *seen == self.version {
            return None;
        }
        *seen = self.version;
        Some(self.text.clone())
    }
}

/// A message as it is sent.
fn encoded(told: &ToMember) -> Bytes {
    // It is made of numbers and text only.
    serde_json::to_vec(told).unwrap_or_default().into()
}
