//! What is to be done: a job, its units, and how a unit can fail.

use std::io::ErrorKind;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

/// The name of what a value makes: 32 hexadecimal digits of the BLAKE3 of its kind and its JSON.
/// Fields are hashed in the order in which the type declares them.
///
/// # Errors
/// When the value has no JSON (a map whose keys are no text, say).
pub fn key_of(kind: &str, made_from: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes()).update(&[0]).update(&serde_json::to_vec(made_from)?);
    Ok(hasher.finalize().to_hex().as_str().chars().take(32).collect())
}

/// One piece of work.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Names the outputs: a hash of everything that they are made from, see [`key_of`]. The same key
    /// is the same unit, whichever job wants it.
    pub key: String,
    /// Which function of the [`Registry`](super::Registry) makes it.
    pub kind: String,
    /// What that function is given. Kept in the ledger: kilobytes, not megabytes.
    pub payload: Value,
    /// Keys of units of the same job whose outputs it needs: it runs after them.
    pub after: Vec<String>,
    /// Memory that it takes at most, bytes. The engine runs units side by side as long as they fit.
    pub memory_bytes: u64,
    /// How much sound it listens to, seconds; 0 where it does something else.
    pub sound_s: f64,
}

impl Unit {
    /// A unit without predecessors that takes next to no memory.
    pub fn new(key: impl Into<String>, kind: impl Into<String>, payload: Value) -> Unit {
        let (key, kind) = (key.into(), kind.into());
        Unit { key, kind, payload, after: Vec::new(), memory_bytes: 0, sound_s: 0.0 }
    }
}

/// Units that belong together, as a person sees them.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// What it is, the same in every submission: `pyramid/<deployment>/<product>`.
    pub key: String,
    /// `pyramid`, `ltsa`, `index`, …: what the page groups by.
    pub kind: String,
    /// For a person: `Spectrum pyramid of Gulf night`.
    pub title: String,
    /// The deployment that it is about.
    pub deployment: Option<String>,
    /// Among what waits.
    pub priority: Priority,
    /// All of its units; those of equal priority begin in this order.
    pub units: Vec<Unit>,
}

/// What comes first: the greater number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Priority(pub i64);

impl Priority {
    /// Nobody waits for it.
    pub const BACKGROUND: Priority = Priority(0);
    /// Somebody asked for it and looks at its progress.
    pub const ASKED_FOR: Priority = Priority(1000);
    /// What is being looked at, before everything that was looked at earlier: the time in ms.
    pub fn looked_at(now_ms: i64) -> Priority {
        Priority(now_ms.max(Priority::ASKED_FOR.0 + 1))
    }
}

/// Why a unit gave no outputs. The message says what happened, to which file, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UnitError {
    /// For a person.
    pub message: String,
    /// What may help.
    pub remedy: Remedy,
}

/// What may help a unit that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing does as long as its inputs are what they are: it fails at once.
    Nothing,
    /// Time: it is tried again a few times, each later than the one before.
    Time,
    /// Space on the disk: everything rests until there is some, and no unit is to blame.
    Space,
    /// It was told to stop.
    Told,
}

impl UnitError {
    /// An error that stays as long as the inputs do: a damaged file.
    pub fn lasting(message: impl Into<String>) -> UnitError {
        UnitError { message: message.into(), remedy: Remedy::Nothing }
    }

    /// An error that may pass: a store that did not answer.
    pub fn passing(message: impl Into<String>) -> UnitError {
        UnitError { message: message.into(), remedy: Remedy::Time }
    }

    /// What the system says of a file, with the remedy that its kind has.
    pub fn of_file(error: &std::io::Error, path: &Path) -> UnitError {
        let remedy = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Remedy::Space,
            ErrorKind::Interrupted
            | ErrorKind::TimedOut
            | ErrorKind::WouldBlock
            | ErrorKind::ResourceBusy
            | ErrorKind::StaleNetworkFileHandle
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::NotConnected
            | ErrorKind::BrokenPipe => Remedy::Time,
            _ => Remedy::Nothing,
        };
        let message = match remedy {
            Remedy::Space => format!("the disk is full: free some space: {}", path.display()),
            _ => format!("{error}: {}", path.display()),
        };
        UnitError { message, remedy }
    }

    /// There is no room on the disk; the message says of what.
    pub fn no_space(message: impl Into<String>) -> UnitError {
        UnitError { message: message.into(), remedy: Remedy::Space }
    }

    /// It saw that it was told to stop.
    pub fn stopped() -> UnitError {
        UnitError { message: "stopped".into(), remedy: Remedy::Told }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_what_makes_a_unit_and_its_kind() {
        let key = |kind, value: &[u32]| key_of(kind, &value).expect("JSON");
        assert_eq!(key("a", &[1, 2]).len(), 32);
        assert_eq!(key("a", &[1, 2]), key("a", &[1, 2]));
        assert_ne!(key("a", &[1, 2]), key("b", &[1, 2]));
        assert_ne!(key("a", &[1, 2]), key("a", &[12]));
    }

    #[test]
    fn a_full_disk_is_no_fault_of_a_unit() {
        let full = std::io::Error::from(ErrorKind::StorageFull);
        let error = UnitError::of_file(&full, Path::new("/disk/shard"));
        assert_eq!(error.remedy, Remedy::Space);
        assert!(error.message.contains("/disk/shard") && error.message.contains("full"));
        let gone = std::io::Error::from(ErrorKind::NotFound);
        assert_eq!(UnitError::of_file(&gone, Path::new("x")).remedy, Remedy::Nothing);
    }
}
