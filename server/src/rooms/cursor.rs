//! What a member has seen of a room.

/// The last event and the newest values that were sent to somebody. As text it is its four numbers with dots
/// between; that of the last event alone is one too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The last event of the log; `None` before the first state.
    pub seq: Option<u64>,
    /// Versions of what is followed, of the member's own words, and of the class.
    pub follow: u64,
    /// As `follow`.
    pub mine: u64,
    /// As `follow`.
    pub class: u64,
}

impl Cursor {
    /// Reads one; what is no cursor is one that has seen nothing.
    pub fn from_text(text: &str) -> Cursor {
        let mut numbers = text.split('.').map(|part| part.trim().parse::<u64>().ok());
        let mut next = || numbers.next().flatten();
        let seq = next();
        if seq.is_none() {
            return Cursor::default();
        }
        Cursor {
            seq,
            follow: next().unwrap_or(0),
            mine: next().unwrap_or(0),
            class: next().unwrap_or(0),
        }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.seq {
            Some(seq) => write!(f, "{seq}.{}.{}.{}", self.follow, self.mine, self.class),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written_and_nonsense_has_seen_nothing() {
        let seen = Cursor { seq: Some(12), follow: 40, mine: 2, class: 7 };
        assert_eq!(Cursor::from_text(&seen.to_string()), seen);
        assert_eq!(Cursor::from_text("12"), Cursor { seq: Some(12), ..Cursor::default() });
        for nonsense in ["", "-1", "x.1.2.3", "99999999999999999999999", "'; --"] {
            assert_eq!(Cursor::from_text(nonsense), Cursor::default(), "{nonsense}");
        }
    }
}
