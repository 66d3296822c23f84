//! Having a pyramid built while a person looks on.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use spyhop_api::Deployment;

use super::folder::Folder;
use super::plan::Plan;
use super::publish::{Description, store_name};
use super::units::{self, Made, Order, STORE, UNIT, UNIT_BYTES};
use super::{product_name, recordings::Unreadable};
use crate::catalogue::Recordings;
use crate::state::is_anyone_beside;
use crate::work::{Registry, Settings, UnitContext, UnitError, run_in_foreground};

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

/// Makes the units of one channel's pyramid that are not there yet, below `state`, publishes the store, and
/// removes what no one wants any more. A recording that can't be read is left out, with the reason in
/// [`Plan::left_out`].
///
/// It runs on `threads`, or on all cores, each with memory for a unit. With `beside` another process works in the same folder: nothing is removed, and as it may be building
/// the same pyramid, this one begins at the other end.
///
/// # Errors
/// When there is nothing to build, the disk says no, or Ctrl-C was pressed. What is built stays.
pub fn run(
    state: &Path,
    deployment: &Deployment,
    recordings: &Recordings,
    channel: u32,
    threads: Option<u32>,
    beside: bool,
) -> anyhow::Result<Built> {
    let mut settings = Settings::default();
    settings.workers = threads.unwrap_or(settings.workers).max(1);
    settings.memory_bytes = u64::from(settings.workers) * UNIT_BYTES;
    let folder = Folder::new(state, &deployment.id, &product_name(channel));
    let made = Arc::new(AtomicUsize::new(0));
    let mut unreadable = BTreeMap::new();
    let (plan, name) = loop {
        let plan = match Plan::new(&recordings.infos, channel, &unreadable) {
            Ok(plan) => Arc::new(plan),
            // The reason for the first says more than that there is none.
            Err(nothing) => match unreadable.pop_first() {
                Some((_, message)) => anyhow::bail!("{message}"),
                None => return Err(nothing.into()),
            },
        };
        let description = Description::of(deployment, plan.grid.sample_rate_hz());
        let name = store_name(&plan, &description);
        let found = Found::default();
        let work = Work {
            plan: plan.clone(),
            recordings: recordings.clone(),
            folder: folder.clone(),
            description,
            made: made.clone(),
            found: found.clone(),
        };
        let mut job = units::job(deployment, &plan, &name)?;
        if beside {
            job.units.reverse();
        }
        let outcome = run_in_foreground(state, work.registry(), &job, settings.clone())?;
        let Some(failure) = outcome.failures.first() else { break (plan, name) };
        let known = unreadable.len();
        unreadable.append(&mut found.lock().unwrap_or_else(PoisonError::into_inner));
        if unreadable.len() == known {
            anyhow::bail!("{}", failure.message);
        }
        // What they touch has other keys without them.
    };
    let keys: HashSet<&str> = plan.units.iter().map(|unit| unit.key.as_str()).collect();
    let stored_bytes = keys.iter().map(|key| folder.unit_bytes(key)).sum();
    let swept = match beside || is_anyone_beside(state) {
        true => 0,
        false => folder.sweep(&keys, &HashSet::from([name.as_str()]))?,
    };
    let pcm16_bytes = plan.recorded.runs.iter().map(|run| 2 * run.frames).sum();
    let store = folder.stores().join(name);
    let plan = Arc::unwrap_or_clone(plan);
    let made = made.load(Ordering::Relaxed);
    Ok(Built { plan, store, made, swept, stored_bytes, pcm16_bytes })
}

/// Recordings that can't be read, with the reason.
type Found = Arc<Mutex<BTreeMap<usize, String>>>;

/// What the units' functions work with.
struct Work {
    plan: Arc<Plan>,
    recordings: Recordings,
    folder: Folder,
    description: Description,
    made: Arc<AtomicUsize>,
    found: Found,
}

impl Work {
    fn registry(self) -> Registry {
        let work = Arc::new(self);
        let mut registry = Registry::default();
        let its = work.clone();
        registry.add(UNIT, move |order: Order, context: &UnitContext| its.make(&order, context));
        registry.check(UNIT, |made: Made| made.path.is_dir());
        registry.add(STORE, move |order: Order, _: &UnitContext| {
            units::make_store(&work.plan, &work.folder, &work.description, &order.name)
        });
        registry.check(STORE, |made: Made| made.path.is_dir());
        registry
    }

    fn make(&self, order: &Order, context: &UnitContext) -> Result<Made, UnitError> {
        let unreadable = |error: Unreadable| {
            if let Some(recording) = error.recording {
                let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
                found.insert(recording, error.message.clone());
            }
            UnitError::lasting(error.message)
        };
        let (plan, folder) = (&self.plan, &self.folder);
        let is_new = units::make(plan, &self.recordings, folder, &order.name, context, unreadable)?;
        self.made.fetch_add(usize::from(is_new), Ordering::Relaxed);
        Ok(Made { path: folder.unit(&order.name) })
    }
}
