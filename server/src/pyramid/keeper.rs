//! Keeps the pyramids of hosted deployments true: plans them, has their units made by the engine, publishes
//! their stores, and hands out their tiles.
//!
//! Whoever looks at a deployment gets the tiles of a fresh plan at once: what is not built yet is made from
//! samples. The job is submitted anew where something has changed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::folder::Folder;
use super::plan::Plan;
use super::product_name;
use super::publish::{Description, store_name};
use super::recordings::Unreadable;
use super::tiles::Tiles;
use super::units::{self, Made, Order, STORE, UNIT};
use crate::catalogue::access::Reader;
use crate::catalogue::{Catalogue, CatalogueError, Recordings};
use crate::state::is_anyone_beside;
use crate::upkeep::{Kept, Present, outdated};
use crate::work::{Engine, Registry, UnitContext, UnitError};

/// A recording that could not be read so often is left out; a store may fail to answer once.
const PATIENCE: u32 = 2;
/// Channel that is built by itself.
const CHANNEL: u32 = 0;

/// The pyramids of a catalogue.
pub struct Keeper {
    state: PathBuf,
    catalogue: Arc<Catalogue>,
    /// By deployment.
    planned: Mutex<HashMap<String, Planned>>,
}

/// The pyramid of a deployment.
struct Planned {
    /// The catalogue's version of the list that it is planned from.
    listed: String,
    tiles: Arc<Tiles>,
    /// By index into the list: how often they could not be read, and why.
    unreadable: BTreeMap<usize, (u32, String)>,
    /// Name of the store that the engine is to make, and of the one that is all there is.
    submitted: Option<String>,
    swept: Option<String>,
}

impl Keeper {
    /// The pyramids of a catalogue, in its state folder.
    pub fn new(state: &Path, catalogue: Arc<Catalogue>) -> Arc<Keeper> {
        Arc::new(Keeper { state: state.to_owned(), catalogue, planned: Mutex::default() })
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
            .map(|key| units::ledger_key(deployment, key))
            .collect();
        let keys = keys.unwrap_or_default();
        if let Err(error) = engine.look_at(&keys) {
            tracing::warn!("what is looked at could not be put first: {error}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Planned>> {
        // A panicked thread leaves whole entries behind.
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tiles of a deployment's present plan, made anew where the list has changed.
    fn planned(&self, deployment: &str, recordings: Recordings) -> Option<Arc<Tiles>> {
        let mut all = self.lock();
        let before = all.get(deployment);
        if let Some(known) = before.filter(|known| known.listed == recordings.version) {
            return Some(known.tiles.clone());
        }
        let listed = recordings.version.clone();
        let tiles = self.tiles(deployment, recordings, &BTreeMap::new())?;
        let (submitted, swept) =
            before.map_or((None, None), |before| (before.submitted.clone(), before.swept.clone()));
        let unreadable = BTreeMap::new();
        let fresh = Planned { listed, tiles: tiles.clone(), unreadable, submitted, swept };
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

    /// Removes what nobody wants any more, once a plan is built and published. Units of another plan can't
    /// be on their way: whoever calls this alone submits them, unless a command builds beside the server.
    fn sweep(&self, id: &str, tiles: &Tiles, store: String) -> std::io::Result<()> {
        let is_swept = self.lock().get(id).is_some_and(|k| k.swept.as_ref() == Some(&store));
        let is_published = tiles.folder.stores().join(&store).is_dir();
        if is_swept || !is_published || is_anyone_beside(&self.state) {
            return Ok(());
        }
        let keys = tiles.plan().units.iter().map(|unit| unit.key.as_str()).collect();
        tiles.folder.sweep(&keys, &HashSet::from([store.as_str()]))?;
        if let Some(planned) = self.lock().get_mut(id) {
            planned.swept = Some(store);
        }
        Ok(())
    }

    fn make(&self, order: &Order, context: &UnitContext) -> Result<Made, UnitError> {
        let tiles = self.tiles_of(order)?;
        let unreadable = |error: Unreadable| {
            if let Some(index) = error.recording {
                self.leave_out(&order.deployment, index, &error.message);
            }
            UnitError::passing(error.message)
        };
        let (plan, folder) = (tiles.plan(), &tiles.folder);
        units::make(plan, &tiles.recordings, folder, &order.name, context, unreadable)?;
        Ok(Made { path: folder.unit(&order.name) })
    }

    /// Notes that a recording could not be read. One that never can is left out of the next plan, so
    /// that it holds up nothing but itself.
    fn leave_out(&self, deployment: &str, index: usize, message: &str) {
        let mut all = self.lock();
        let Some(planned) = all.get_mut(deployment) else { return };
        let noted = planned.unreadable.entry(index).or_insert_with(|| (0, message.to_owned()));
        noted.0 += 1;
        if noted.0 != PATIENCE {
            return;
        }
        let without: BTreeMap<usize, String> = planned
            .unreadable
            .iter()
            .filter(|(_, (times, _))| *times >= PATIENCE)
            .map(|(index, (_, why))| (*index, why.clone()))
            .collect();
        let recordings = planned.tiles.recordings.clone();
        if let Some(tiles) = self.tiles(deployment, recordings, &without) {
            tracing::warn!("left out of the pyramid of '{deployment}': {message}");
            planned.tiles = tiles;
        }
    }

    fn publish(&self, order: &Order) -> Result<Made, UnitError> {
        let tiles = self.tiles_of(order)?;
        let asked = self.catalogue.description(&order.deployment, Reader::Administrator);
        let deployment = asked.map_err(|e| UnitError::passing(e.to_string()))?;
        let description = Description::of(&deployment.ok_or_else(outdated)?, tiles.rate_hz());
        units::make_store(tiles.plan(), &tiles.folder, &description, &order.name)
    }

    fn tiles_of(&self, order: &Order) -> Result<Arc<Tiles>, UnitError> {
        let known = self.lock().get(&order.deployment).map(|planned| planned.tiles.clone());
        if let Some(tiles) = known {
            return Ok(tiles);
        }
        // A job of before the program was started.
        let asked = self.catalogue.recordings(&order.deployment, Reader::Administrator);
        let recordings = asked.map_err(|e| UnitError::passing(e.to_string()))?;
        recordings.and_then(|r| self.planned(&order.deployment, r)).ok_or_else(outdated)
    }
}

impl Kept for Keeper {
    fn name(&self) -> &'static str {
        "pyramids"
    }

    fn follow(&self, engine: &Engine, present: &Present<'_>) -> anyhow::Result<()> {
        let (deployment, id) = (present.deployment, &present.deployment.id);
        let known = self.lock().get(id).map(|p| (p.listed.clone(), p.tiles.clone()));
        let tiles = match known.filter(|(listed, _)| listed == present.version) {
            Some((_, tiles)) => tiles,
            None => match present.recordings()?.and_then(|r| self.planned(id, r)) {
                Some(tiles) => tiles,
                None => return Ok(()),
            },
        };
        let store = store_name(tiles.plan(), &Description::of(deployment, tiles.rate_hz()));
        let is_new = self.lock().get(id).is_some_and(|k| k.submitted.as_ref() != Some(&store));
        if is_new {
            engine.submit(&units::job(deployment, tiles.plan(), &store)?)?;
            if let Some(planned) = self.lock().get_mut(id) {
                planned.submitted = Some(store.clone());
            }
        }
        Ok(self.sweep(id, &tiles, store)?)
    }

    fn forget(&self, engine: &Engine, deployment: &str) -> anyhow::Result<()> {
        engine.remove(&units::job_key(deployment, CHANNEL))?;
        self.lock().remove(deployment);
        Ok(())
    }
}
