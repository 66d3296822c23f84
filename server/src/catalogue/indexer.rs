//! The thread that keeps the catalogue true: it lists places, again and again, and looks into what is
//! new. It alone writes.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde::Serialize;
use spyhop_api::Timestamp;

use super::difference::Difference;
use super::index_pass::{self, Piece, Watch};
use super::schema::CatalogueError;
use crate::place::Place;

/// A disk is listed anew so long after it was.
const LOCAL_EVERY: Duration = Duration::from_secs(30);
/// A store is.
const REMOTE_EVERY: Duration = Duration::from_secs(300);
/// A disk that is listed in this time is listed anew for every question.
const QUICK: Duration = Duration::from_millis(20);
/// So many times as long it is then left alone.
const REST_TIMES: u32 = 4;
/// A question waits so long for a pass that has just begun.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the indexer knows of a place.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PlaceState {
    /// As it was given.
    pub address: String,
    /// When it was last listed.
    pub listed_at: Option<Timestamp>,
    /// Recordings that are still to be looked into.
    pub unread: usize,
    /// Why the last pass ended early, or what it could not be sure of; empty where all went well.
    pub problem: Option<String>,
    /// Whether a pass runs.
    pub running: bool,
}

/// A place and its row in the catalogue.
pub struct IndexedPlace {
    pub place: Arc<Place>,
    pub row: i64,
}

/// The thread, and what it is asked.
pub struct Indexer {
    shared: Arc<Shared>,
    thread: std::thread::JoinHandle<()>,
}

struct Shared {
    work: Mutex<Work>,
    changed: Condvar,
}

#[derive(Default)]
struct Work {
    places: Vec<PlaceWork>,
    /// The deployment that somebody waits for, by its row.
    first: Option<i64>,
    stop: bool,
}

#[derive(Default)]
struct PlaceWork {
    state: PlaceState,
    local: bool,
    /// Passes asked for, begun and ended.
    asked: u64,
    begun: u64,
    ended: u64,
    began_at: Option<Instant>,
    ended_at: Option<Instant>,
    listing_took: Option<Duration>,
}

impl Indexer {
    /// Starts it; every place is looked through at once.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        database: Connection,
        places: Vec<IndexedPlace>,
    ) -> Result<Indexer, CatalogueError> {
        let work = |place: &IndexedPlace| PlaceWork {
            state: PlaceState { address: place.place.address(), ..PlaceState::default() },
            local: place.place.is_local(),
            asked: 1,
            ..PlaceWork::default()
        };
        let work = Work { places: places.iter().map(work).collect(), ..Work::default() };
        let shared = Arc::new(Shared { work: Mutex::new(work), changed: Condvar::new() });
        let its = shared.clone();
        let thread = std::thread::Builder::new()
            .name("indexer".into())
            .spawn(move || its.run(database, &places))
            .map_err(|e| CatalogueError::Threads(e.to_string()))?;
        Ok(Indexer { shared, thread })
    }

    /// How it stands with each place.
    pub fn states(&self) -> Vec<PlaceState> {
        self.shared.lock().places.iter().map(|p| p.state.clone()).collect()
    }

    /// Asks for a pass over every place.
    pub fn rescan(&self) {
        for place in &mut self.shared.lock().places {
            place.asked += 1;
        }
        self.shared.changed.notify_all();
    }

    /// Sees to it that what changed on a disk a moment ago is known, where that is quick; a pass that
    /// has only just begun is waited for. `first` is the deployment that is asked about.
    pub fn notice(&self, place: usize, first: Option<i64>) {
        std::thread::sleep(self.rest(place));
        let mut work = self.shared.lock();
        if first.is_some() {
            work.first = first;
        }
        let Some(here) = work.places.get_mut(place).filter(|p| p.local) else { return };
        // One that has begun may have passed by what has changed since.
        if here.is_quick() && here.asked == here.begun {
            here.asked += 1;
            self.shared.changed.notify_all();
        }
        let (asked, deadline) = (here.asked, Instant::now() + PATIENCE);
        loop {
            if work.places.get(place).is_none_or(|here| here.ended >= asked) {
                return;
            }
            // Places take turns: one that takes long is waited for by nobody.
            let running = work.places.iter().filter(|p| p.state.running);
            let until = running.filter_map(|p| p.began_at).map(|at| at + PATIENCE).min();
            let until = until.map_or(deadline, |at| at.min(deadline));
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waiting = self.shared.changed.wait_timeout(work, left);
            work = waiting.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Indexer {
    /// How long a quick place is still left alone, so that questions in a row do not keep a core busy.
    fn rest(&self, place: usize) -> Duration {
        let work = self.shared.lock();
        let Some(here) = work.places.get(place).filter(|p| p.local && p.is_quick()) else {
            return Duration::ZERO;
        };
        let rested = here.ended_at.map_or(Duration::ZERO, |at| at.elapsed());
        let rest = here.listing_took.unwrap_or_default() * REST_TIMES;
        if here.asked == here.ended { rest.saturating_sub(rested) } else { Duration::ZERO }
    }
}

impl PlaceWork {
    fn is_quick(&self) -> bool {
        self.listing_took.is_some_and(|took| took <= QUICK)
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        // A store that does not answer is not waited for: what was not written down stays unread.
        let until = Instant::now() + PATIENCE;
        while !self.thread.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Work> {
        // Numbers go in one by one: half-changed they are still numbers.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut database: Connection, places: &[IndexedPlace]) {
        while let Some(index) = self.next() {
            let Some(place) = places.get(index) else { return };
            let watch = Watching { shared: self, place: index };
            let result = index_pass::run(&mut database, place.row, &place.place, &watch);
            let mut work = self.lock();
            if let Some(here) = work.places.get_mut(index) {
                here.ended = here.begun;
                here.ended_at = Some(Instant::now());
                here.state.running = false;
                let problem = result.err().map(|error| error.to_string());
                if problem.is_some() && problem != here.state.problem {
                    tracing::warn!("{}: {}", here.state.address, problem.as_deref().unwrap_or(""));
                }
                here.state.problem = problem;
            }
            self.changed.notify_all();
        }
    }

    /// Waits until a place is to be looked through; `None` when it is time to stop.
    fn next(&self) -> Option<usize> {
        let mut work = self.lock();
        loop {
            if work.stop {
                return None;
            }
            let now = Instant::now();
            let due = |place: &PlaceWork| {
                let every = if place.local { LOCAL_EVERY } else { REMOTE_EVERY };
                place.ended_at.map(|at| at + every)
            };
            let index = work.places.iter().position(|place| {
                place.asked > place.begun || due(place).is_some_and(|at| at <= now)
            });
            if let Some(index) = index {
                if let Some(here) = work.places.get_mut(index) {
                    here.asked = here.asked.max(here.begun + 1);
                    here.begun = here.asked;
                    here.began_at = Some(now);
                    here.state.running = true;
                }
                return Some(index);
            }
            let next = work.places.iter().filter_map(due).min();
            let pause = next.map_or(REMOTE_EVERY, |at| at.saturating_duration_since(now));
            let waiting = self.changed.wait_timeout(work, pause);
            work = waiting.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

struct Watching<'a> {
    shared: &'a Shared,
    place: usize,
}

impl Watch for Watching<'_> {
    fn listed(&self, _difference: Difference, unread: usize, took: Duration) {
        let mut work = self.shared.lock();
        if let Some(here) = work.places.get_mut(self.place) {
            here.listing_took = Some(took);
            here.state.listed_at = Some(super::now());
            here.state.unread = unread;
        }
    }

    fn read(&self, piece: Piece) {
        let mut work = self.shared.lock();
        if let Some(here) = work.places.get_mut(self.place) {
            let done = piece.read + piece.bad + piece.unreachable;
            here.state.unread = here.state.unread.saturating_sub(done);
        }
    }

    fn first(&self) -> Option<i64> {
        self.shared.lock().first
    }

    fn stop(&self) -> bool {
        self.shared.lock().stop
    }
}
