//! What a page knows of its room: the state, as the log changes it, and what only the newest counts of.

use spyhop_api::room::{ClassState, Following, Mine, RoomCopy, RoomState, ToMember};

/// What a page knows of its room.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// What this member said.
    pub mine: Mine,
    /// To leaders: their class.
    pub class: ClassState,
    /// Play head and pointer of who is followed.
    pub following: Following,
    /// The room, and which events are in it.
    copy: RoomCopy,
    /// Where a new channel goes on, as the server told it; empty where it did not.
    cursor: String,
    /// Events are missing: the next channel begins with the whole state.
    has_gap: bool,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is in the ledger, or was before.
    Done,
    /// Events before it are missing: the room must be asked for anew.
    Gap,
    /// Something that was said was not done, and why.
    Refused(String),
}

impl Ledger {
    /// The room.
    pub fn state(&self) -> &RoomState {
        &self.copy.state
    }

    /// Takes a message.
    pub fn take(&mut self, message: ToMember) -> Taken {
        if !self.copy.take(&message) {
            self.has_gap = true;
            return Taken::Gap;
        }
        match message {
            ToMember::State { .. } => {
                self.has_gap = false;
                self.cursor.clear();
            }
            ToMember::Event { .. } => self.cursor.clear(),
            ToMember::Follow { following } => self.following = following,
            ToMember::Mine { mine } => self.mine = mine,
            ToMember::Class { class } => self.class = class,
            ToMember::Refused { why } => return Taken::Refused(why),
        }
        Taken::Done
    }

    /// Keeps a cursor that the server gave with what came last.
    pub fn keep_cursor(&mut self, cursor: String) {
        self.cursor = cursor;
    }

    /// Where a new channel goes on; none: it begins with the whole state.
    pub fn cursor(&self) -> Option<String> {
        let seq = self.copy.seq.filter(|_| !self.has_gap)?;
        Some(if self.cursor.is_empty() { seq.to_string() } else { self.cursor.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_api::room::RoomEvent;

    fn led(seq: u64, is_led: bool) -> ToMember {
        ToMember::Event { seq, event: RoomEvent::Led { is_led } }
    }

    fn begun(seq: u64) -> Ledger {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.take(ToMember::State { seq, state: Box::default() }), Taken::Done);
        ledger
    }

    #[test]
    fn events_change_the_state_once_and_in_their_order() {
        let mut ledger = begun(4);
        assert_eq!(ledger.take(led(5, true)), Taken::Done);
        assert!(ledger.state().is_led);
        assert_eq!(ledger.take(led(5, false)), Taken::Done, "told twice");
        assert!(ledger.state().is_led);
        assert_eq!(ledger.cursor().as_deref(), Some("5"));
    }

    #[test]
    fn after_a_gap_the_whole_state_is_asked_for() {
        let mut ledger = begun(4);
        assert_eq!(ledger.take(led(6, true)), Taken::Gap);
        assert!(!ledger.state().is_led, "what comes after a gap changes nothing");
        assert_eq!(ledger.cursor(), None);
        let state = Box::new(RoomState { is_led: true, ..RoomState::default() });
        assert_eq!(ledger.take(ToMember::State { seq: 9, state }), Taken::Done);
        assert_eq!((ledger.state().is_led, ledger.cursor()), (true, Some("9".into())));
    }

    #[test]
    fn an_event_before_the_first_state_is_a_gap() {
        assert_eq!(Ledger::default().take(led(1, true)), Taken::Gap);
    }

    #[test]
    fn a_cursor_of_the_server_counts_until_the_next_event() {
        let mut ledger = begun(4);
        ledger.keep_cursor("4.7".into());
        assert_eq!(ledger.cursor().as_deref(), Some("4.7"));
        assert_eq!(ledger.take(led(5, true)), Taken::Done);
        assert_eq!(ledger.cursor().as_deref(), Some("5"));
        let mut unknown = Ledger::default();
        unknown.keep_cursor("9".into());
        assert_eq!(unknown.cursor(), None, "nothing was told that one could go on from");
    }
}
