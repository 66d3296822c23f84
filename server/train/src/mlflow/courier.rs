//! The thread that tells a server what a run notes.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::outbox;
use super::telling::{send, server_of, waiting};
use crate::{RunFolder, TRIALS, TrainError, is_training};

/// What is noted in so short a time is told together.
const TOGETHER: Duration = Duration::from_millis(500);
/// After a failure it waits so long, then twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// At the end of a run a server that answers is waited for so long, and one that did not answer last time so
/// long.
const LAST_WAIT: Duration = Duration::from_secs(20);
const LAST_TRY: Duration = Duration::from_secs(2);

/// Tells a server of a run, and then of others below the same folder that it was not told of yet.
pub struct Courier {
    wake: Sender<Wish>,
    state: Arc<(Mutex<State>, Condvar)>,
}

enum Wish {
    Tell,
    /// Once more, whatever happened before.
    Last,
}

#[derive(Default)]
struct State {
    trouble: Option<String>,
    /// Everything that was noted when the last wish came has been told, or tried.
    is_over: bool,
}

impl Courier {
    /// Starts the thread for a run's folder; `others` is where other runs' folders lie.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(folder: &RunFolder, others: &Path) -> Result<Courier, TrainError> {
        let (wake, woken) = channel();
        let state = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let (folder, others, shared) = (folder.clone(), others.to_owned(), state.clone());
        std::thread::Builder::new()
            .name("mlflow".to_owned())
            .spawn(move || run(&folder, &others, &woken, &shared))
            .map_err(|error| TrainError::Data(format!("no thread can be started: {error}")))?;
        Ok(Courier { wake, state })
    }

    /// There is something new.
    pub fn wake(&self) {
        // The thread is there as long as this is.
        let _ = self.wake.send(Wish::Tell);
    }

    /// Waits a moment for all to be told, and gives what is in the way of it.
    pub fn finish(self, folder: &RunFolder) -> Option<String> {
        let (lock, changed) = &*self.state;
        let begun = Instant::now();
        let _ = self.wake.send(Wish::Last);
        let mut state = lock.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let wait = if state.trouble.is_some() { LAST_TRY } else { LAST_WAIT };
            let left = wait.saturating_sub(begun.elapsed());
            let is_told = waiting(folder).is_ok_and(|count| count == 0);
            if state.is_over || is_told || left.is_zero() {
                return state.trouble.clone();
            }
            let woken = changed.wait_timeout(state, left.min(TOGETHER));
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn run(
    folder: &RunFolder,
    others: &Path,
    woken: &Receiver<Wish>,
    (lock, changed): &(Mutex<State>, Condvar),
) {
    let mut pause = FIRST_PAUSE;
    let mut not_before = Instant::now();
    // When it is next told, if there is something to tell.
    let mut due: Option<Instant> = None;
    let mut is_told_of_others = false;
    loop {
        let wish = match due {
            Some(due) => woken.recv_timeout(due.saturating_duration_since(Instant::now())),
            None => woken.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let is_last = match wish {
            Ok(Wish::Tell) => {
                due = due.or(Some(not_before.max(Instant::now() + TOGETHER)));
                continue;
            }
            Ok(Wish::Last) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let told = send(folder);
        if told.is_ok() && !is_told_of_others && !is_last {
            is_told_of_others = true;
            tell_of_others(folder, others);
        }
        let mut state = lock.lock().unwrap_or_else(PoisonError::into_inner);
        match told {
            Ok(_) => {
                (due, pause) = (None, FIRST_PAUSE);
                state.trouble = None;
            }
            Err(trouble) => {
                state.trouble = Some(trouble.to_string());
                not_before = Instant::now() + pause;
                due = Some(not_before);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        state.is_over = is_last;
        changed.notify_all();
        if is_last {
            return;
        }
    }
}

/// Tells the same server of runs that ended while it could not be reached.
fn tell_of_others(folder: &RunFolder, others: &Path) {
    let Ok(Some(server)) = server_of(folder) else { return };
    for other in with_notes(others) {
        // A search has many parts, and most were told of: of these not all notes are read again.
        if other == *folder || waiting(&other).is_ok_and(|count| count == 0) {
            continue;
        }
        let is_same = server_of(&other).is_ok_and(|of| of.as_ref() == Some(&server));
        if is_same && !is_training(&other) {
            // What goes wrong with another run is told when somebody asks for that one.
            let _ = send(&other);
        }
    }
}

/// Folders of runs below a folder that have notes, parts of searches included.
fn with_notes(folder: &Path) -> Vec<RunFolder> {
    let below = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let entries = below(folder).chain(below(&folder.join(TRIALS)));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let runs = paths.into_iter().map(RunFolder);
    runs.filter(|run| outbox::path_of(run).exists()).collect()
}
