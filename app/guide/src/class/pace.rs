//! What of a moving screen is told to the others: often enough to follow, seldom enough for a slow
//! network, and the last of it always.

use spyhop_api::Shown;
use spyhop_api::room::{Following, FromMember};

/// Between two views while somebody leads, ms.
pub const LEAD_EVERY_MS: f64 = 50.0;
/// Between two places of head and pointer, ms.
const POINT_EVERY_MS: f64 = 66.0;
/// Between two views of somebody whom nobody follows yet, ms.
pub const ASIDE_EVERY_MS: f64 = 1000.0;

/// What to do now.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Everything is told.
    Nothing,
    /// To ask again after so many milliseconds.
    Wait(f64),
    /// To say this.
    Say(FromMember),
}

/// What was told of a screen, and when.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    said: Option<Shown>,
    said_ms: f64,
}

impl Pace {
    /// What to say of what is shown at a time (ms on any clock), if views are told every `every_ms`.
    pub fn next(&mut self, shown: &Shown, every_ms: f64, now_ms: f64) -> Next {
        let Some(said) = &mut self.said else {
            self.said = Some(shown.clone());
            self.said_ms = now_ms;
            return Next::Say(FromMember::Show { shown: shown.clone() });
        };
        if said == shown {
            return Next::Nothing;
        }
        let is_same_view = said.view == shown.view && said.is_playing == shown.is_playing;
        // Where nobody follows yet, nobody looks at the pointer.
        if is_same_view && every_ms > POINT_EVERY_MS {
            return Next::Nothing;
        }
        // To begin and to stop playing is told at once.
        let is_urgent = said.is_playing != shown.is_playing;
        let every_ms = if is_same_view { POINT_EVERY_MS } else { every_ms };
        let wait_ms = self.said_ms + every_ms - now_ms;
        if wait_ms > 0.0 && !is_urgent {
            return Next::Wait(wait_ms);
        }
        *said = shown.clone();
        self.said_ms = now_ms;
        Next::Say(if is_same_view {
            let following = Following { head: shown.head, pointer: shown.pointer };
            FromMember::Point { following }
        } else {
            FromMember::Show { shown: shown.clone() }
        })
    }

    /// After this everything is told again: the server has forgotten it, or never heard.
    pub fn forget(&mut self) {
        self.said = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_api::Moment;

    fn at(position: i64) -> Shown {
        Shown { view: format!("v=1&t={position}s"), ..Shown::default() }
    }

    #[test]
    fn a_moving_view_is_told_twenty_times_a_second_and_where_it_came_to_rest() {
        let mut pace = Pace::default();
        let (mut told, mut last) = (0, None);
        // A second of frames, then half a second of rest.
        for frame in 0..90 {
            let now_ms = f64::from(frame) * 1000.0 / 60.0;
            if let Next::Say(said) = pace.next(&at(frame.min(59).into()), LEAD_EVERY_MS, now_ms) {
                told += 1;
                last = Some(said);
            }
        }
        assert!((15..=21).contains(&told), "{told} messages");
        assert_eq!(last, Some(FromMember::Show { shown: at(59) }));
        assert_eq!(pace.next(&at(59), LEAD_EVERY_MS, 9000.0), Next::Nothing);
    }

    #[test]
    fn a_play_head_is_told_in_a_smaller_message_than_a_view() {
        let mut pace = Pace::default();
        let mut shown = at(1);
        shown.is_playing = true;
        assert!(matches!(
            pace.next(&shown, LEAD_EVERY_MS, 0.0),
            Next::Say(FromMember::Show { .. })
        ));
        shown.head = Some(Moment::Elapsed(5));
        assert!(matches!(pace.next(&shown, LEAD_EVERY_MS, 20.0), Next::Wait(ms) if ms == 46.0));
        assert!(matches!(
            pace.next(&shown, LEAD_EVERY_MS, 70.0),
            Next::Say(FromMember::Point { .. })
        ));
        assert_eq!(pace.next(&shown, ASIDE_EVERY_MS, 5000.0), Next::Nothing);
    }

    #[test]
    fn that_a_sound_stopped_is_told_at_once() {
        let mut pace = Pace::default();
        let mut shown = at(1);
        shown.is_playing = true;
        pace.next(&shown, LEAD_EVERY_MS, 0.0);
        shown.is_playing = false;
        assert!(matches!(
            pace.next(&shown, LEAD_EVERY_MS, 1.0),
            Next::Say(FromMember::Show { .. })
        ));
    }
}
