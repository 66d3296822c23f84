//! Builds a pyramid from beginning to end, on the threads of one process.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use spyhop_signal::line::LineError;

use super::folder::Folder;
use super::plan::{Plan, TIERS, Unit};
use super::publish::{Description, PublishError, publish};
use super::recordings::Unreadable;
use super::unit::{UnitFailure, make_unit};
use crate::catalogue::Recordings;

/// How far a build is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Units that are there.
    pub done: usize,
    /// Units of the pyramid.
    pub units: usize,
}

/// A pyramid that was built.
#[derive(Debug)]
pub struct Built {
    /// What it is made of.
    pub plan: Plan,
    /// The Zarr store.
    pub store: PathBuf,
    /// Units that were made now.
    pub made: usize,
    /// Units of before that nothing is made of any more, removed.
    pub swept: usize,
    /// Length of all units' files.
    pub stored_bytes: u64,
    /// Length of the recordings' samples at 16 bits.
    pub pcm16_bytes: u64,
}

/// Why there is no pyramid.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// No recording has a sample that can be read.
    #[error(transparent)]
    Nothing(#[from] LineError),
    /// A unit could not be made.
    #[error(transparent)]
    Unit(#[from] UnitFailure),
    /// The store could not be written.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// No threads, or units that could not be listed.
    #[error("the pyramid can't be built: {0}")]
    System(String),
}

/// Makes the units that are not there yet, publishes the store, and removes what no one wants any more;
/// no one else may be building in `folder` meanwhile. A recording that can't be read is left out, with the
/// reason in [`Plan::left_out`].
///
/// # Errors
/// When there is nothing to build, it was cancelled, or the disk says no. What is built stays.
pub fn build(
    recordings: &Recordings,
    folder: &Folder,
    channel: u32,
    description: &Description,
    threads: usize,
    progress: &(dyn Fn(Progress) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Built, BuildError> {
    let system = |error: &dyn std::fmt::Display| BuildError::System(error.to_string());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1));
    let pool = pool.build().map_err(|e| system(&e))?;
    let mut unreadable = BTreeMap::new();
    let mut made = 0;
    let plan = loop {
        let plan = match Plan::new(&recordings.infos, channel, &unreadable) {
            Ok(plan) => plan,
            // The reason for the first says more than that there is none.
            Err(nothing) => match unreadable.pop_first() {
                Some((recording, message)) => {
                    let error = Unreadable { recording: Some(recording), message };
                    return Err(UnitFailure::from(error).into());
                }
                None => return Err(nothing.into()),
            },
        };
        let work = Work { plan: &plan, recordings, folder, progress, cancelled };
        let (now_made, found) = pool.install(|| work.run())?;
        made += now_made;
        if found.is_empty() {
            break plan;
        }
        // What they touch has other keys without them.
        unreadable.extend(found);
    };
    let store = publish(&plan, folder, description)?;
    let keys: HashSet<&str> = plan.units.iter().map(|unit| unit.key.as_str()).collect();
    let stored_bytes = keys.iter().map(|key| folder.unit_bytes(key)).sum();
    let kept: HashSet<&str> =
        store.file_name().and_then(|name| name.to_str()).into_iter().collect();
    let swept = folder.sweep(&keys, &kept).map_err(|e| system(&e))?;
    let pcm16_bytes = plan.recorded.runs.iter().map(|run| 2 * run.frames).sum();
    Ok(Built { plan, store, made, swept, stored_bytes, pcm16_bytes })
}

struct Work<'a> {
    plan: &'a Plan,
    recordings: &'a Recordings,
    folder: &'a Folder,
    progress: &'a (dyn Fn(Progress) + Sync),
    cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// Recordings that can't be read, with the reason.
type Unread = BTreeMap<usize, String>;

impl Work<'_> {
    /// Makes what is missing, tier by tier; ends after a tier in which recordings could not be read.
    fn run(&self) -> Result<(usize, Unread), UnitFailure> {
        let all = self.plan.units.len();
        let missing: Vec<&Unit> =
            self.plan.units.par_iter().filter(|u| !self.folder.has_whole_unit(&u.key)).collect();
        let done = AtomicUsize::new(all - missing.len());
        let told = |done: usize| (self.progress)(Progress { done, units: all });
        told(all - missing.len());
        let unread = Mutex::new(Unread::new());
        for tier in 1..=TIERS {
            let of_tier: Vec<&&Unit> = missing.iter().filter(|unit| unit.tier == tier).collect();
            of_tier.par_iter().with_max_len(1).try_for_each(|unit| {
                let mut stop = || (self.cancelled)();
                match make_unit(self.plan, unit, self.recordings, self.folder, &mut stop) {
                    Err(UnitFailure::Unreadable(error)) if error.recording.is_some() => {
                        let mut unread = unread.lock().unwrap_or_else(|e| e.into_inner());
                        unread.extend(error.recording.map(|index| (index, error.message)));
                        Ok(())
                    }
                    result => result.map(|()| told(1 + done.fetch_add(1, Ordering::Relaxed))),
                }
            })?;
            if !unread.lock().unwrap_or_else(|e| e.into_inner()).is_empty() {
                break;
            }
        }
        let made = done.into_inner() + missing.len() - all;
        Ok((made, unread.into_inner().unwrap_or_else(|e| e.into_inner())))
    }
}
