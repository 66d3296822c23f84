//! Keeps what is known of the quality of hosted deployments true: has each recording measured by the
//! engine, after everything else that it does, and gives what is there.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use spyhop_api::Deployment;
use spyhop_api::quality::{DeploymentQuality, QualityList, QualitySummary};

use super::measured::{MeasureError, Measured, UNIT_BYTES, key, measure};
use super::sums::{Brief, file, read, sum_up};
use crate::catalogue::access::Reader;
use crate::catalogue::{Catalogue, CatalogueError, Recordings};
use crate::upkeep::{Kept, Present, outdated};
use crate::work::{Engine, Job, Priority, Registry, Unit, UnitContext, UnitError};

/// The kind of a unit, in the ledger.
const KIND: &str = "quality";
/// After everything that somebody may look at: the pyramid comes first.
const PRIORITY: Priority = Priority(Priority::BACKGROUND.0 - 1);

/// The quality of a catalogue's recordings.
pub struct QualityKeeper {
    folder: PathBuf,
    catalogue: Arc<Catalogue>,
    /// The list of each deployment that the engine was given.
    submitted: Mutex<HashMap<String, String>>,
    /// Whether measures may lie about that nobody wants.
    has_changed: AtomicBool,
    /// The latest, by deployment.
    answers: Mutex<HashMap<String, Known<Arc<DeploymentQuality>>>>,
    briefs: Mutex<HashMap<String, Known<Brief>>>,
    /// How many units were made since the program was started.
    made: AtomicU64,
}

/// What is known of a deployment.
struct Known<T> {
    /// The list that it was made of.
    listed: String,
    /// How many units had been made then.
    made: u64,
    what: T,
}

/// What a unit's function is given.
#[derive(Serialize, Deserialize)]
struct Order {
    deployment: String,
    key: String,
    /// Where the recording stood in the list: it is looked for there first.
    index: usize,
}

/// What it gives.
#[derive(Serialize, Deserialize)]
struct Made {
    path: PathBuf,
}

impl QualityKeeper {
    /// The measures of a catalogue, in its state folder.
    pub fn new(state: &Path, catalogue: Arc<Catalogue>) -> Arc<QualityKeeper> {
        Arc::new(QualityKeeper {
            folder: state.join("quality"),
            catalogue,
            submitted: Mutex::default(),
            has_changed: AtomicBool::new(false),
            answers: Mutex::default(),
            briefs: Mutex::default(),
            made: AtomicU64::new(0),
        })
    }

    /// Tells the engine how units are made.
    pub fn register(self: &Arc<QualityKeeper>, registry: &mut Registry) {
        let keeper = self.clone();
        registry.add(KIND, move |order: Order, context: &UnitContext| keeper.make(&order, context));
        registry.check(KIND, |made: Made| made.path.is_file());
    }

    /// What is known of a deployment by now; `None` where there is none for a reader.
    ///
    /// # Errors
    /// When the catalogue can't be asked.
    pub fn quality(
        &self,
        deployment: &str,
        reader: Reader,
    ) -> Result<Option<Arc<DeploymentQuality>>, CatalogueError> {
        let Some(recordings) = self.catalogue.recordings(deployment, reader)? else {
            return Ok(None);
        };
        let made = self.made.load(Ordering::Relaxed);
        let is_whole = |known: &DeploymentQuality| known.measured == known.recordings.len();
        if let Some(known) = lock(&self.answers).get(deployment)
            && known.listed == recordings.version
            && (known.made == made || is_whole(&known.what))
        {
            return Ok(Some(known.what.clone()));
        }
        let quality = Arc::new(sum_up(&self.folder, &recordings.infos));
        let fresh = Known { listed: recordings.version, made, what: quality.clone() };
        lock(&self.answers).insert(deployment.to_owned(), fresh);
        Ok(Some(quality))
    }

    /// The quality of every deployment that a reader finds, in a few numbers each.
    ///
    /// # Errors
    /// When the catalogue can't be asked.
    pub fn list(&self, reader: Reader) -> Result<QualityList, CatalogueError> {
        let mut deployments = Vec::new();
        for (deployment, version) in self.catalogue.list_with_versions(reader, "")? {
            deployments.extend(self.summary(&deployment.id, &version, reader)?);
        }
        Ok(QualityList { deployments })
    }

    fn summary(
        &self,
        deployment: &str,
        version: &str,
        reader: Reader,
    ) -> Result<Option<QualitySummary>, CatalogueError> {
        let made = self.made.load(Ordering::Relaxed);
        // Taken out, so that nobody waits for the files that are read.
        let known = lock(&self.briefs).remove(deployment).filter(|known| known.listed == version);
        let mut known = match known {
            Some(known) => known,
            None => {
                let Some(recordings) = self.catalogue.recordings(deployment, reader)? else {
                    return Ok(None);
                };
                let mut what = Brief::new(&recordings.infos);
                what.refresh(&self.folder);
                Known { listed: recordings.version, made, what }
            }
        };
        if known.made != made && !known.what.is_whole() {
            known.what.refresh(&self.folder);
            known.made = made;
        }
        let summary = known.what.summary(deployment);
        lock(&self.briefs).insert(deployment.to_owned(), known);
        Ok(Some(summary))
    }

    /// Removes the measures of recordings that are no longer there.
    fn sweep(&self, wanted: &HashSet<String>) -> std::io::Result<()> {
        let files = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            files => files?,
        };
        for file in files {
            let path = file?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            if stem.is_some_and(|stem| !wanted.contains(stem)) {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn make(&self, order: &Order, context: &UnitContext) -> Result<Made, UnitError> {
        let path = file(&self.folder, &order.key);
        if read(&path).is_some() {
            return Ok(Made { path });
        }
        let asked = self.catalogue.recordings(&order.deployment, Reader::Administrator);
        let recordings = asked.map_err(|e| UnitError::passing(e.to_string()))?;
        let recordings = recordings.ok_or_else(outdated)?;
        let is_it = |index: usize| {
            let info = recordings.infos.get(index);
            info.and_then(|info| key(info).ok()).is_some_and(|key| key == order.key)
        };
        let index =
            std::iter::once(order.index).chain(0..recordings.infos.len()).find(|i| is_it(*i));
        let index = index.ok_or_else(outdated)?;
        let mut recording =
            recordings.opener()(index).map_err(|error| UnitError::passing(error.to_string()))?;
        let go_on = &mut |fraction: f64| {
            context.progress(fraction);
            !context.cancelled()
        };
        let measured = measure(&mut recording, go_on).map_err(|error| match error {
            MeasureError::Stopped => UnitError::stopped(),
            MeasureError::Unreadable(_) => UnitError::passing(error.to_string()),
            MeasureError::Short(_) | MeasureError::Rate { .. } => {
                UnitError::lasting(error.to_string())
            }
        })?;
        write(&path, &measured).map_err(|error| UnitError::of_file(&error, &path))?;
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(Made { path })
    }
}

impl Kept for QualityKeeper {
    fn name(&self) -> &'static str {
        "measures of quality"
    }

    fn follow(&self, engine: &Engine, present: &Present<'_>) -> anyhow::Result<()> {
        let id = &present.deployment.id;
        if lock(&self.submitted).get(id).is_some_and(|listed| listed == present.version) {
            return Ok(());
        }
        let Some(recordings) = present.recordings()? else { return Ok(()) };
        engine.submit(&job(present.deployment, &recordings)?)?;
        lock(&self.submitted).insert(id.clone(), recordings.version);
        self.has_changed.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn forget(&self, engine: &Engine, deployment: &str) -> anyhow::Result<()> {
        engine.remove(&job_key(deployment))?;
        lock(&self.submitted).remove(deployment);
        lock(&self.answers).remove(deployment);
        lock(&self.briefs).remove(deployment);
        self.has_changed.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn tidy(&self, engine: &Engine) -> anyhow::Result<()> {
        if self.has_changed.swap(false, Ordering::Relaxed) {
            self.sweep(&engine.keys(KIND)?)?;
        }
        Ok(())
    }
}

fn job_key(deployment: &str) -> String {
    format!("{KIND}/{deployment}")
}

fn job(deployment: &Deployment, recordings: &Recordings) -> anyhow::Result<Job> {
    let mut units = Vec::with_capacity(recordings.infos.len());
    let mut keys = HashSet::new();
    for (index, info) in recordings.infos.iter().enumerate().filter(|(_, info)| info.frames > 0) {
        let key = key(info)?;
        // The same recording twice is measured once.
        if keys.insert(key.clone()) {
            let order = Order { deployment: deployment.id.clone(), key: key.clone(), index };
            let order = serde_json::to_value(order)?;
            units.push(Unit { memory_bytes: UNIT_BYTES, ..Unit::new(key, KIND, order) });
        }
    }
    Ok(Job {
        key: job_key(&deployment.id),
        kind: KIND.into(),
        title: format!("Quality of {}", deployment.name),
        deployment: Some(deployment.id.clone()),
        priority: PRIORITY,
        units,
    })
}

/// Under another name until it is whole.
fn write(path: &Path, measured: &Measured) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, serde_json::to_vec(measured)?)?;
    std::fs::rename(unfinished, path)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What lies behind these locks goes in whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
