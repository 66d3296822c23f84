//! Why something can't be kept, given or changed.

use std::fmt;
use std::path::PathBuf;

use crate::state;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A view.
    Share,
    /// Views in an order.
    Story,
}

impl Kind {
    /// The table that it lies in.
    pub fn table(self) -> &'static str {
        match self {
            Kind::Share => "share",
            Kind::Story => "story",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Share => "share",
            Kind::Story => "story",
        })
    }
}

/// Why something can't be kept, given or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// There is none of that name, or its time is over.
    #[error("there is no {kind} '{id}': its time may be over, or it was taken back")]
    Missing {
        /// What was asked for.
        kind: Kind,
        /// Its name.
        id: String,
    },
    /// The words or the view make no sense.
    #[error("{0}")]
    Invalid(String),
    /// The edit key is another one's.
    #[error("this is not the edit key of that {0}: it was shown once, when the {0} was made")]
    WrongKey(Kind),
    /// Somebody else was faster.
    #[error(
        "this {kind} was changed elsewhere: it is at version {now}, and this change is of version \
         {seen}. Load it again, then change it"
    )]
    ChangedElsewhere {
        /// What was to be changed.
        kind: Kind,
        /// The version that the change was made on.
        seen: u32,
        /// The version that there is.
        now: u32,
    },
    /// More than the server keeps.
    #[error("{0}")]
    Full(String),
    /// The samples can't be read or written.
    #[error("the samples of share '{id}' can't be {doing} ({error})")]
    Samples {
        /// The share.
        id: String,
        /// `read` or `written`.
        doing: &'static str,
        /// Why.
        error: std::io::Error,
    },
    /// No chance is to be had.
    #[error("the system gives no random numbers: {0}")]
    Chance(getrandom::Error),
    /// The database refuses.
    #[error("{}: {}", state::reason(.error), .path.display())]
    Database {
        /// What it says.
        error: rusqlite::Error,
        /// The database.
        path: PathBuf,
    },
}
