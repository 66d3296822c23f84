//! Keeps the pyramids of hosted deployments true: plans them, has their units made by the engine, publishes
//! their stores, and hands out their tiles.
//!
//! Whoever looks at a deployment gets the tiles of a fresh plan at once: what is not built yet is made from
//! samples. A thread compares the catalogue with what is planned and submits the job anew where something
//! has changed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use spyhop_api::{Calibration, Deployment};
use spyhop_signal::pyramid::BANDS;

use super::folder::Folder;
use super::plan::Plan;
use super::product_name;
use super::publish::{Description, publish, store_name};
use super::tiles::Tiles;
use super::unit::{UnitFailure, make_unit};
use crate::catalogue::access::Reader;
use crate::catalogue::{Catalogue, CatalogueError, Recordings};
use crate::work::{Engine, Job, Priority, Registry, Unit, UnitContext, UnitError, key_of};

/// Kinds of units, in the ledger.
const UNIT: &str = "pyramid.unit";
const STORE: &str = "pyramid.store";
/// The catalogue is compared with what is planned so often.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What a unit has in memory at most: 8192 columns of mean and maximum, twice, and its samples.
const UNIT_BYTES: u64 = 96 << 20;
/// A recording that could not be read so often is left out; a store may fail to answer once.
const PATIENCE: u32 = 2;
/// Channel that is built by itself.
const CHANNEL: u32 = 0;

/// The pyramids of a catalogue.
pub struct Keeper {
    state: PathBuf,
    catalogue: Arc<Catalogue>,
    /// By deployment.
    kept: Mutex<HashMap<String, Kept>>,
    is_stopping: AtomicBool,
    wake: Condvar,
}

/// The pyramid of a deployment.
struct Kept {
    /// The catalogue's version of the list that it is planned from.
    listed: String,
    tiles: Arc<Tiles>,
    /// By index into the list: how often they could not be read, and why.
    unreadable: BTreeMap<usize, (u32, String)>,
    /// Name of the store that the engine is to make, and of the one that is all there is.
    submitted: Option<String>,
    swept: Option<String>,
}

/// What a unit's function is given.
#[derive(Serialize, Deserialize)]
struct Order {
    deployment: String,
    /// The unit's key in its plan; or the name of the store.
    name: String,
}

/// What it gives.
#[derive(Serialize, Deserialize)]
struct Made {
    path: PathBuf,
}

impl Keeper {
    /// The pyramids of a catalogue, in its state folder.
    pub fn new(state: &Path, catalogue: Arc<Catalogue>) -> Arc<Keeper> {
        Arc::new(Keeper {
            state: state.to_owned(),
            catalogue,
            kept: Mutex::default(),
            is_stopping: AtomicBool::new(false),
            wake: Condvar::new(),
        })
    }

    /// Tells the engine how units are made.
    pub fn register(self: &Arc<Keeper>, registry: &mut Registry) {
        let keeper = self.clone();
        registry.add(UNIT, move |order: Order, context: &UnitContext| keeper.make(&order, context));
        registry.check(UNIT, |made: Made| made.path.is_dir());
        let keeper = self.clone();
        registry.add(STORE, move |order: Order, _: &UnitContext| keeper.publish(&order));
        registry.check(STORE, |made: Made| made.path.is_dir());
    }

    /// Compares the catalogue with what is planned, now and again, on a thread of its own.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub fn watch(self: &Arc<Keeper>, engine: Arc<Engine>) -> std::io::Result<()> {
        let keeper = self.clone();
        let watch = move || {
            while !keeper.is_stopping.load(Ordering::Relaxed) {
                if let Err(error) = keeper.look(&engine) {
                    tracing::warn!("pyramids can't be brought up to date: {error:#}");
                }
                let kept = keeper.lock();
                // A panicked thread leaves whole entries behind.
                let _woken = keeper.wake.wait_timeout(kept, LOOK_EVERY);
            }
        };
        std::thread::Builder::new().name("pyramids".into()).spawn(watch).map(drop)
    }

    /// Ends the thread.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.wake.notify_all();
    }

    /// The pyramids of a deployment as they are to be now; `None` where there is no such deployment for
    /// a reader, none of them where it has no samples.
    ///
    /// # Errors
    /// When the catalogue can't be asked.
    pub fn pyramids(
        &self,
        deployment: &str,
        reader: Reader,
    ) -> Result<Option<Vec<Arc<Tiles>>>, CatalogueError> {
        let Some(recordings) = self.catalogue.recordings(deployment, reader)? else {
            return Ok(None);
        };
        Ok(Some(self.planned(deployment, recordings).into_iter().collect()))
    }

    /// Has what is looked at built before anything else.
    pub fn look_at(&self, engine: &Engine, deployment: &str, tiles: &Tiles, level: i32, tile: i64) {
        let keys: Result<Vec<String>, _> = tiles
            .units_of(level, tile)
            .iter()
            .map(|key| key_of(UNIT, &(deployment, key)))
            .collect();
        let keys = keys.unwrap_or_default();
        if let Err(error) = engine.look_at(&keys) {
            tracing::warn!("what is looked at could not be put first: {error}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tiles of a deployment's present plan, made anew where the list has changed.
    fn planned(&self, deployment: &str, recordings: Recordings) -> Option<Arc<Tiles>> {
        let mut all = self.lock();
        let kept = all.get(deployment);
        if let Some(kept) = kept.filter(|kept| kept.listed == recordings.version) {
            return Some(kept.tiles.clone());
        }
        let listed = recordings.version.clone();
        let tiles = self.tiles(deployment, recordings, &BTreeMap::new())?;
        let (submitted, swept) =
            kept.map_or((None, None), |kept| (kept.submitted.clone(), kept.swept.clone()));
        let unreadable = BTreeMap::new();
        let fresh = Kept { listed, tiles: tiles.clone(), unreadable, submitted, swept };
        all.insert(deployment.to_owned(), fresh);
        Some(tiles)
    }

    fn tiles(
        &self,
        deployment: &str,
        recordings: Recordings,
        unreadable: &BTreeMap<usize, String>,
    ) -> Option<Arc<Tiles>> {
        // Without a sample there is no pyramid: nothing went wrong.
        let plan = Plan::new(&recordings.infos, CHANNEL, unreadable).ok()?;
        let folder = Folder::new(&self.state, deployment, &product_name(CHANNEL));
        Some(Arc::new(Tiles::new(Arc::new(plan), folder, recordings)))
    }

    fn look(&self, engine: &Engine) -> anyhow::Result<()> {
        let deployments = self.catalogue.list(Reader::Administrator, "")?;
        for deployment in &deployments {
            let id = &deployment.id;
            let Some(recordings) = self.catalogue.recordings(id, Reader::Administrator)? else {
                continue;
            };
            let Some(tiles) = self.planned(id, recordings) else { continue };
            let store = store_name(tiles.plan(), &description(deployment, tiles.rate_hz()));
            let is_new = self.lock().get(id).is_some_and(|k| k.submitted.as_ref() != Some(&store));
            if is_new {
                engine.submit(&job(deployment, &tiles, &store)?)?;
                if let Some(kept) = self.lock().get_mut(id) {
                    kept.submitted = Some(store.clone());
                }
            }
            self.sweep(id, &tiles, store)?;
        }
        let there: HashSet<&str> = deployments.iter().map(|d| d.id.as_str()).collect();
        let gone: Vec<String> =
            self.lock().keys().filter(|id| !there.contains(id.as_str())).cloned().collect();
        for id in gone {
            engine.remove(&job_key(&id))?;
            self.lock().remove(&id);
        }
        Ok(())
    }

    /// Removes what nobody wants any more, once a plan is built and published. Units of another plan can't
    /// be on their way: this thread alone submits them.
    fn sweep(&self, id: &str, tiles: &Tiles, store: String) -> std::io::Result<()> {
        let is_swept = self.lock().get(id).is_some_and(|k| k.swept.as_ref() == Some(&store));
        if is_swept || !tiles.folder.stores().join(&store).is_dir() {
            return Ok(());
        }
        let keys = tiles.plan().units.iter().map(|unit| unit.key.as_str()).collect();
        tiles.folder.sweep(&keys, &HashSet::from([store.as_str()]))?;
        if let Some(kept) = self.lock().get_mut(id) {
            kept.swept = Some(store);
        }
        Ok(())
    }

    fn make(&self, order: &Order, context: &UnitContext) -> Result<Made, UnitError> {
        let tiles = self.tiles_of(order)?;
        let plan = tiles.plan();
        let Some(unit) = plan.units.iter().find(|unit| unit.key == order.name) else {
            return Err(outdated());
        };
        let path = tiles.folder.unit(&unit.key);
        if tiles.folder.has_whole_unit(&unit.key) {
            return Ok(Made { path });
        }
        let cancelled = &mut || context.cancelled();
        make_unit(plan, unit, &tiles.recordings, &tiles.folder, cancelled).map_err(|failure| {
            match failure {
                UnitFailure::Cancelled => UnitError::stopped(),
                UnitFailure::Disk { ref path, ref error } => UnitError::of_file(error, path),
                UnitFailure::Unreadable(unreadable) => {
                    if let Some(index) = unreadable.recording {
                        self.leave_out(&order.deployment, index, &unreadable.message);
                    }
                    UnitError::passing(unreadable.message)
                }
                UnitFailure::PartMissing(_) => UnitError::passing(failure.to_string()),
                UnitFailure::Encode(_) => UnitError::lasting(failure.to_string()),
            }
        })?;
        Ok(Made { path })
    }

    /// Notes that a recording could not be read. One that never can is left out of the next plan, so
    /// that it holds up nothing but itself.
    fn leave_out(&self, deployment: &str, index: usize, message: &str) {
        let mut all = self.lock();
        let Some(kept) = all.get_mut(deployment) else { return };
        let noted = kept.unreadable.entry(index).or_insert_with(|| (0, message.to_owned()));
        noted.0 += 1;
        if noted.0 != PATIENCE {
            return;
        }
        let without: BTreeMap<usize, String> = kept
            .unreadable
            .iter()
            .filter(|(_, (times, _))| *times >= PATIENCE)
            .map(|(index, (_, why))| (*index, why.clone()))
            .collect();
        let recordings = kept.tiles.recordings.clone();
        if let Some(tiles) = self.tiles(deployment, recordings, &without) {
            tracing::warn!("left out of the pyramid of '{deployment}': {message}");
            kept.tiles = tiles;
        }
        drop(all);
        self.wake.notify_all();
    }

    fn publish(&self, order: &Order) -> Result<Made, UnitError> {
        let tiles = self.tiles_of(order)?;
        let asked = self.catalogue.description(&order.deployment, Reader::Administrator);
        let deployment = asked.map_err(|e| UnitError::passing(e.to_string()))?;
        let description = description(&deployment.ok_or_else(outdated)?, tiles.rate_hz());
        if store_name(tiles.plan(), &description) != order.name {
            return Err(outdated());
        }
        let path = publish(tiles.plan(), &tiles.folder, &description)
            .map_err(|error| UnitError::passing(error.to_string()))?;
        Ok(Made { path })
    }

    fn tiles_of(&self, order: &Order) -> Result<Arc<Tiles>, UnitError> {
        let known = self.lock().get(&order.deployment).map(|kept| kept.tiles.clone());
        if let Some(tiles) = known {
            return Ok(tiles);
        }
        // A job of before the program was started.
        let asked = self.catalogue.recordings(&order.deployment, Reader::Administrator);
        let recordings = asked.map_err(|e| UnitError::passing(e.to_string()))?;
        recordings.and_then(|r| self.planned(&order.deployment, r)).ok_or_else(outdated)
    }
}

fn outdated() -> UnitError {
    UnitError::passing("the recordings have changed since this was planned; it is planned anew")
}

fn job_key(deployment: &str) -> String {
    format!("pyramid/{deployment}/{}", product_name(CHANNEL))
}

fn job(deployment: &Deployment, tiles: &Tiles, store: &str) -> anyhow::Result<Job> {
    let plan = tiles.plan();
    // Two deployments of the same recordings have units of the same keys, each in its own folder.
    let key_of = |kind: &str, name: &str| key_of(kind, &(&deployment.id, name));
    let keys = |names: &[&str]| -> Result<Vec<String>, serde_json::Error> {
        names.iter().map(|name| key_of(UNIT, name)).collect()
    };
    let unit = |kind: &str, name: &str, after: &[&str], memory_bytes: u64| {
        let order = Order { deployment: deployment.id.clone(), name: name.to_owned() };
        let order = serde_json::to_value(order)?;
        let after = keys(after)?;
        Ok::<Unit, serde_json::Error>(Unit {
            after,
            memory_bytes,
            ..Unit::new(key_of(kind, name)?, kind, order)
        })
    };
    let mut units = Vec::with_capacity(plan.units.len() + 1);
    for planned in &plan.units {
        let parts: Vec<&str> = planned.parts.iter().map(|part| part.1.as_str()).collect();
        units.push(unit(UNIT, &planned.key, &parts, UNIT_BYTES)?);
    }
    // The coarsest tier is made of all the others.
    let coarsest = plan.units.iter().map(|u| u.tier).max();
    let of_it = plan.units.iter().filter(|u| Some(u.tier) == coarsest).map(|u| u.key.as_str());
    units.push(unit(STORE, store, &of_it.collect::<Vec<_>>(), 0)?);
    Ok(Job {
        key: job_key(&deployment.id),
        kind: "pyramid".into(),
        title: format!("Spectrum pyramid of {}", deployment.name),
        deployment: Some(deployment.id.clone()),
        priority: Priority::BACKGROUND,
        units,
    })
}

/// What stands beside the numbers in the store of a deployment.
pub fn description(deployment: &Deployment, sample_rate_hz: f64) -> Description {
    let mut attributes = serde_json::Map::new();
    for (name, text) in [
        ("institution", &deployment.credit),
        ("license", &deployment.licence),
        ("comment", &deployment.description),
    ] {
        if !text.is_empty() {
            attributes.insert(name.to_owned(), text.clone().into());
        }
    }
    let calibration = deployment.calibration.as_ref();
    if let Some(calibration) = calibration {
        attributes.insert("calibration".to_owned(), calibration.to_string().into());
    }
    Description {
        title: deployment.name.clone(),
        attributes,
        calibration_db: calibration.map(|c| calibration_db(c, sample_rate_hz)),
    }
}

/// What is added to the level of each band of a pyramid to give dB re 1 µPa²/Hz; NaN where nothing is known.
fn calibration_db(calibration: &Calibration, sample_rate_hz: f64) -> Vec<f64> {
    let bin_hz = sample_rate_hz / (2.0 * (BANDS as f64 - 1.0));
    let band = |k: usize| calibration.offset_db_at(k as f64 * bin_hz).unwrap_or(f64::NAN);
    (0..BANDS).map(band).collect()
}
