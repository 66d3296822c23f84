//! Rooms of classes that follow: in memory, and gone when they end.
//!
//! A room is a log and the state that it makes ([`spyhop_api::room`]); whatever connection a member has reads
//! it from a cursor ([`Channel`]), so that all ways of following are one. Nobody has a queue: who is slow
//! finds more in the log the next time, or takes the whole state anew, and of what only the newest counts
//! there is only the newest. Each message is encoded once, however many read it.

mod answers;
mod channel;
mod class;
mod cursor;
mod log;
mod member;
mod room;
mod saying;
mod tasks;
mod wording;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use spyhop_api::room::{CODE_LENGTH, CODE_LETTERS, MadeRoom, RoomRequest};

use crate::shares::{Rate, Rates, secret};
pub use channel::Channel;
pub use cursor::Cursor;
pub use room::Room;
pub use saying::Looking;
pub use tasks::told_once;

/// Rooms at the same time.
const MOST_ROOMS: usize = 50;
/// How often what is counted and revealed is told anew.
pub const UPKEEP_EVERY: Duration = Duration::from_millis(250);
/// What one address may do, leaders and members of a school behind one address taken together.
const JOINS: Rate = Rate { at_once: 400.0, one_every: Duration::from_millis(200) };
/// Codes that lead nowhere: there are 3.2 million of them, so that nobody finds a room by trying.
const MISSES: Rate = Rate { at_once: 60.0, one_every: Duration::from_secs(2) };
/// Rooms that one address makes.
const MAKES: Rate = Rate { at_once: 5.0, one_every: Duration::from_secs(60) };

/// Why something is not done in a room.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoomError {
    /// No such room.
    #[error("there is no class '{0}' here: the code may have a slip, or the class is over")]
    NoRoom(String),
    /// The token is of no member.
    #[error("the class does not know you any more: join it again")]
    NoMember,
    /// Only who leads may.
    #[error("only who leads the class may do that")]
    NotLeading,
    /// The key is another one's.
    #[error("this is not the key of that class: it stands in the link that its leader got")]
    WrongKey,
    /// It makes no sense, or is too much.
    #[error("{0}")]
    Invalid(String),
    /// There is no more room.
    #[error("{0}")]
    Full(String),
    /// Too often.
    #[error("that was too much at once: wait a moment")]
    TooFast,
    /// The system fails.
    #[error("the system gives no random numbers: {0}")]
    Chance(String),
}

/// All rooms.
pub struct Rooms {
    held: Mutex<HashMap<String, Arc<Room>>>,
    /// How often one address may join.
    pub joins: Rates,
    /// How often one may come with a code that leads nowhere.
    pub misses: Rates,
    /// How often one may make a room.
    pub makes: Rates,
}

impl Default for Rooms {
    fn default() -> Rooms {
        Rooms {
            held: Mutex::default(),
            joins: Rates::new(JOINS),
            misses: Rates::new(MISSES),
            makes: Rates::new(MAKES),
        }
    }
}

impl Rooms {
    /// Makes a room.
    ///
    /// # Errors
    /// When there are too many, or the view makes no sense.
    pub fn make(&self, asked: &RoomRequest, now: Instant) -> Result<MadeRoom, RoomError> {
        let leader_key = secret().map_err(|error| RoomError::Chance(error.to_string()))?;
        let mut held = self.lock();
        if held.len() >= MOST_ROOMS {
            return Err(RoomError::Full(format!(
                "this server holds {MOST_ROOMS} classes at most: end one, or come back later"
            )));
        }
        let code = loop {
            let code = code()?;
            if !held.contains_key(&code) {
                break code;
            }
        };
        let room = Room::new(code.clone(), &leader_key, asked, now)?;
        held.insert(code.clone(), Arc::new(room));
        Ok(MadeRoom { code, leader_key })
    }

    /// The room of a code, in whatever case and with whatever blanks it was typed.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, code: &str) -> Result<Arc<Room>, RoomError> {
        let typed: String = code
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(CODE_LENGTH + 1)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        self.lock().get(&typed).cloned().ok_or(RoomError::NoRoom(typed))
    }

    /// Tells what has changed since it was last told, and drops the rooms that are over.
    pub fn upkeep(&self, now: Instant) {
        let rooms: Vec<Arc<Room>> = self.lock().values().cloned().collect();
        for room in rooms {
            room.upkeep(now);
            if room.is_gone(now) {
                self.lock().remove(room.code());
            }
        }
    }

    /// Ends all of them: the server stops.
    pub fn end(&self, now: Instant) {
        let rooms: Vec<Arc<Room>> = self.lock().drain().map(|(_, room)| room).collect();
        rooms.iter().for_each(|room| room.end(now));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Room>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A code that is easily told.
fn code() -> Result<String, RoomError> {
    let letters = CODE_LETTERS.as_bytes();
    let mut code = String::new();
    while code.len() < CODE_LENGTH {
        let mut chance = [0u8; 1];
        getrandom::fill(&mut chance).map_err(|error| RoomError::Chance(error.to_string()))?;
        let [byte] = chance;
        // Of 256 values the last 16 would make some letters likelier than others.
        if usize::from(byte) < 256 / letters.len() * letters.len() {
            code.extend(letters.get(usize::from(byte) % letters.len()).map(|b| char::from(*b)));
        }
    }
    Ok(code)
}

#[cfg(test)]
mod tests;
