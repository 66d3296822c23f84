//! How a page tries to reach its room: by which way, and how long it waits before it tries again.

/// A way to the room, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A WebSocket.
    Socket,
    /// Server-sent events; what is said goes by requests.
    Events,
    /// Asking again and again.
    Polling,
}

/// The first wait, ms; each is twice the one before.
const FIRST_WAIT_MS: u32 = 300;
/// The longest wait, ms: a server that comes back must not find everybody asleep.
const LONGEST_WAIT_MS: u32 = 8000;
/// What is tried in turn. A proxy that knows no WebSocket refuses at once, one that drops it may take it
/// the second time.
const TURNS: [Way; 4] = [Way::Socket, Way::Socket, Way::Events, Way::Polling];
/// A way that worked is tried so often before another is.
const FAITH: u32 = 3;

/// What became of the tries so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// The way that worked last.
    worked: Option<Way>,
    /// Failures since something was heard.
    failures: u32,
}

impl Patience {
    /// The way to try now.
    pub fn way(&self) -> Way {
        match self.worked {
            Some(way) if self.failures <= FAITH => way,
            _ => TURNS[self.failures as usize % TURNS.len()],
        }
    }

    /// Something was heard by this way.
    pub fn heard(&mut self, way: Way) {
        *self = Patience { worked: Some(way), failures: 0 };
    }

    /// The way failed, or broke off: how long to wait before the next try, ms. With thirty tablets behind
    /// one wireless point that went away the waits must differ: `chance` is from 0 to 1.
    pub fn failed(&mut self, chance: f64) -> u32 {
        let doubled = FIRST_WAIT_MS.saturating_mul(1 << self.failures.min(10));
        self.failures = self.failures.saturating_add(1);
        let longest = f64::from(doubled.min(LONGEST_WAIT_MS));
        (longest * (0.5 + 0.5 * chance.clamp(0.0, 1.0))) as u32
    }

    /// The network is back: the next try is as good as the first.
    pub fn hope(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_socket_opens_the_other_ways_are_tried() {
        let mut patience = Patience::default();
        let mut tried = Vec::new();
        for _ in 0..5 {
            tried.push(patience.way());
            patience.failed(1.0);
        }
        let expected = [Way::Socket, Way::Socket, Way::Events, Way::Polling, Way::Socket];
        assert_eq!(tried, expected);
    }

    #[test]
    fn a_way_that_worked_is_tried_again_before_another() {
        let mut patience = Patience::default();
        patience.heard(Way::Events);
        for _ in 0..=FAITH {
            assert_eq!(patience.way(), Way::Events);
            patience.failed(0.0);
        }
        assert_eq!(patience.way(), Way::Socket);
    }

    #[test]
    fn waits_grow_to_some_seconds_and_no_further() {
        let mut patience = Patience::default();
        let waits: Vec<u32> = (0..40).map(|_| patience.failed(1.0)).collect();
        assert_eq!(waits[..4], [300, 600, 1200, 2400]);
        assert_eq!(waits[39], LONGEST_WAIT_MS);
        patience.hope();
        assert_eq!(patience.failed(0.0), 150);
    }
}
