//! Keeps what is known of the quality of hosted deployments true: has each recording measured by the
//! engine, after everything else that it does, and sums up what is there.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use spyhop_api::quality::{DeploymentQuality, FindingKind, HourQuality, RecordingQuality};
use spyhop_api::{Deployment, Quality, Timestamp};
use spyhop_signal::quality::{findings, survey_files};

use super::measured::{MeasureError, Measured, UNIT_BYTES, key, measure};
use crate::catalogue::access::Reader;
use crate::catalogue::{Catalogue, CatalogueError, Recordings};
use crate::work::{Engine, Job, Priority, Registry, Unit, UnitContext, UnitError};

/// The kind of a unit, in the ledger.
const KIND: &str = "quality";
/// The catalogue is compared with what is submitted so often.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// After everything that somebody may look at: the pyramid comes first.
const PRIORITY: Priority = Priority(Priority::BACKGROUND.0 - 1);

/// The quality of a catalogue's recordings.
pub struct QualityKeeper {
    folder: PathBuf,
    catalogue: Arc<Catalogue>,
    /// The list of each deployment that the engine was given.
    submitted: Mutex<HashMap<String, String>>,
    /// The latest, by deployment.
    answers: Mutex<HashMap<String, Answer>>,
    /// How many units were made since the program was started.
    made: AtomicU64,
    is_stopping: AtomicBool,
    wake: Condvar,
}

/// What is known of a deployment.
struct Answer {
    /// The list that it was made of.
    listed: String,
    /// How many units had been made then.
    made: u64,
    quality: Arc<DeploymentQuality>,
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
            answers: Mutex::default(),
            made: AtomicU64::new(0),
            is_stopping: AtomicBool::new(false),
            wake: Condvar::new(),
        })
    }

    /// Tells the engine how units are made.
    pub fn register(self: &Arc<QualityKeeper>, registry: &mut Registry) {
        let keeper = self.clone();
        registry.add(KIND, move |order: Order, context: &UnitContext| keeper.make(&order, context));
        registry.check(KIND, |made: Made| made.path.is_file());
    }

    /// Compares the catalogue with what is submitted, now and again, on a thread of its own.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub fn watch(self: &Arc<QualityKeeper>, engine: Arc<Engine>) -> std::io::Result<()> {
        let keeper = self.clone();
        let watch = move || {
            while !keeper.is_stopping.load(Ordering::Relaxed) {
                if let Err(error) = keeper.look(&engine) {
                    tracing::warn!(
                        "the quality of recordings can't be brought up to date: {error:#}"
                    );
                }
                let submitted = lock(&keeper.submitted);
                // A panicked thread leaves whole entries behind.
                let _woken = keeper.wake.wait_timeout(submitted, LOOK_EVERY);
            }
        };
        std::thread::Builder::new().name("quality".into()).spawn(watch).map(drop)
    }

    /// Ends the thread.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.wake.notify_all();
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
            && (known.made == made || is_whole(&known.quality))
        {
            return Ok(Some(known.quality.clone()));
        }
        let quality = Arc::new(self.sum_up(&recordings));
        let fresh = Answer { listed: recordings.version, made, quality: quality.clone() };
        lock(&self.answers).insert(deployment.to_owned(), fresh);
        Ok(Some(quality))
    }

    fn look(&self, engine: &Engine) -> anyhow::Result<()> {
        let deployments = self.catalogue.list(Reader::Administrator, "")?;
        let mut has_changed = false;
        for deployment in &deployments {
            let id = &deployment.id;
            let Some(recordings) = self.catalogue.recordings(id, Reader::Administrator)? else {
                continue;
            };
            if lock(&self.submitted).get(id) == Some(&recordings.version) {
                continue;
            }
            engine.submit(&job(deployment, &recordings)?)?;
            lock(&self.submitted).insert(id.clone(), recordings.version);
            has_changed = true;
        }
        let there: HashSet<&str> = deployments.iter().map(|d| d.id.as_str()).collect();
        let gone: Vec<String> = lock(&self.submitted)
            .keys()
            .filter(|id| !there.contains(id.as_str()))
            .cloned()
            .collect();
        for id in gone {
            engine.remove(&job_key(&id))?;
            lock(&self.submitted).remove(&id);
            lock(&self.answers).remove(&id);
            has_changed = true;
        }
        if has_changed {
            self.sweep(&engine.keys(KIND)?)?;
        }
        Ok(())
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
        let path = self.file(&order.key);
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

    fn file(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }

    fn sum_up(&self, recordings: &Recordings) -> DeploymentQuality {
        let mut answer = DeploymentQuality::default();
        let mut hours: BTreeMap<Timestamp, Vec<Quality>> = BTreeMap::new();
        for info in recordings.infos.iter() {
            let measured = key(info).ok().and_then(|key| read(&self.file(&key)));
            let mut of_it = RecordingQuality { name: info.name.clone(), ..Default::default() };
            if let Some(measured) = measured {
                answer.measured += 1;
                of_it.findings = findings(&measured.quality);
                of_it.quality = Some(measured.quality);
                for (start, quality) in measured.hours {
                    hours.entry(start).or_default().push(quality);
                }
            }
            answer.recordings.push(of_it);
        }
        answer.hours = hours.into_iter().map(|(start, parts)| hour(start, &parts)).collect();
        answer.findings = survey_files(&recordings.infos);
        answer
    }
}

/// An hour from its parts, weighted by what was recorded.
fn hour(start: Timestamp, parts: &[Quality]) -> HourQuality {
    let samples: u64 = parts.iter().map(|q| q.samples).sum();
    let share =
        |of: &dyn Fn(&Quality) -> f64| parts.iter().map(of).sum::<f64>() / samples.max(1) as f64;
    let kinds: BTreeSet<FindingKind> =
        parts.iter().flat_map(findings).map(|finding| finding.kind).collect();
    HourQuality {
        start,
        recorded_s: parts.iter().map(|q| q.samples as f64 / q.sample_rate_hz).sum(),
        clipped_share: share(&|q| q.clipped_share * q.samples as f64),
        dropout_share: share(&|q| q.dropouts.samples as f64),
        stuck_share: share(&|q| q.stuck.samples as f64),
        dc_share: share(&|q| q.dc_share * q.samples as f64),
        peak: parts.iter().map(|q| q.peak).fold(0.0, f64::max),
        kinds: kinds.into_iter().collect(),
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

fn outdated() -> UnitError {
    UnitError::passing("the recordings have changed since this was planned; it is planned anew")
}

/// What was measured; `None` where it is not, or the file is damaged.
fn read(path: &Path) -> Option<Measured> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
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
