//! Detections of hosted deployments: starts them, has the engine make their units, keeps what is found in
//! the store, and follows deployments that grow.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::json;
use spyhop_api::binned::Curves;
use spyhop_api::detection::{DetectionRun, ScoreCurves};
use spyhop_api::job::JobsSnapshot;
use spyhop_api::recall::{DrawRequest, DrawnWindow, RecallReport};
use spyhop_api::{Deployment, Timestamp};
use spyhop_signal::detect::listen::ScoreRow;
use spyhop_signal::pyramid::Recorded;

use super::curves::{add_points, curve_of};
use super::draw::draw;
use super::known_recall::{KnownRecalls, MadeOf};
use super::plan::{Plan, PlanError, PlannedUnit};
use super::source::{Source, SourceError, Wanted};
use super::store::{CURVE_POINTS, DetectionStore, StoreError, StoredRun, StoredUnit, moment};
use super::truth::Truths;
use super::unit::make_files;
use super::unit_files::{UnitFiles, folder_of};
use crate::catalogue::access::Reader;
use crate::catalogue::{Catalogue, CatalogueError, Recordings};
use crate::recording_file;
use crate::state::is_anyone_beside;
use crate::upkeep::{Kept, Present, outdated};
use crate::work::{
    Engine, Job, Priority, Registry, Unit, UnitContext, UnitError, WorkError, key_of,
};

/// The kind of a unit, in the ledger.
pub const KIND: &str = "detect";
/// Files of units that nobody wants any more are kept so long.
const KEPT_FOR: Duration = Duration::from_secs(90 * 86_400);
/// Problems that are told of a run.
const MOST_PROBLEMS: usize = 100;

/// The detections of a catalogue's deployments.
pub struct DetectionKeeper {
    state: PathBuf,
    catalogue: Arc<Catalogue>,
    store: Arc<DetectionStore>,
    /// By number of the run.
    planned: Mutex<HashMap<i64, Arc<Planned>>>,
    /// Versions of lists for which a run could not be planned, so that it is not tried all the time.
    refused: Mutex<HashMap<i64, String>>,
    recalls: KnownRecalls,
}

/// A run that is planned from a list of recordings.
struct Planned {
    run: StoredRun,
    source: Arc<Source>,
    plan: Plan,
    recordings: Recordings,
}

/// What a unit's function is given.
#[derive(Serialize, Deserialize)]
struct Order {
    run: i64,
    key: String,
}

/// Why a detection can't be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such deployment for whoever asks.
    #[error("there is no deployment '{0}' here")]
    NoDeployment(String),
    /// What is asked for can't be.
    #[error("{0}")]
    Refused(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The catalogue.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

impl From<SourceError> for StartError {
    fn from(error: SourceError) -> StartError {
        StartError::Refused(error.to_string())
    }
}

impl From<PlanError> for StartError {
    fn from(error: PlanError) -> StartError {
        StartError::Refused(error.to_string())
    }
}

impl DetectionKeeper {
    /// The detections of a catalogue, in its state folder.
    pub fn new(
        state: &Path,
        catalogue: Arc<Catalogue>,
        store: Arc<DetectionStore>,
    ) -> Arc<DetectionKeeper> {
        Arc::new(DetectionKeeper {
            state: state.to_owned(),
            catalogue,
            store,
            planned: Mutex::default(),
            refused: Mutex::default(),
            recalls: KnownRecalls::default(),
        })
    }

    /// Tells the engine how units are made.
    pub fn register(self: &Arc<DetectionKeeper>, registry: &mut Registry) {
        let keeper = self.clone();
        registry.add(KIND, move |order: Order, context: &UnitContext| keeper.make(order, context));
        let keeper = self.clone();
        registry.check(KIND, move |order: Order| {
            let planned = lock(&keeper.planned).get(&order.run).cloned();
            let files = planned.map(|planned| keeper.files(&planned.run.deployment, &order.key));
            let is_in = keeper.store.has_unit(order.run, &order.key).unwrap_or(true);
            is_in && files.is_none_or(|files| files.are_there())
        });
    }

    /// What is in the store.
    pub fn store(&self) -> &DetectionStore {
        &self.store
    }

    /// Starts a detection, or goes on with the one that is the same.
    ///
    /// # Errors
    /// When there is no such deployment, detector or network, they don't fit, or it can't be noted down.
    pub fn start(
        &self,
        engine: &Engine,
        deployment: &str,
        reader: Reader,
        wanted: Wanted,
        channel: u32,
    ) -> Result<DetectionRun, StartError> {
        let missing = || StartError::NoDeployment(deployment.to_owned());
        let described = self.catalogue.description(deployment, reader)?.ok_or_else(missing)?;
        let recordings = self.catalogue.recordings(deployment, reader)?.ok_or_else(missing)?;
        for info in recordings.infos.iter() {
            recording_file::check_channel(info, channel)
                .map_err(|error| StartError::Refused(error.to_string()))?;
        }
        let source = Source::open(&wanted)?;
        let plan = Plan::new(&recordings.infos, &source, channel)?;
        let about = source.described()?;
        let same =
            (about.with_adapter(), about.is_model, &about.fingerprint, &about.config_hash, channel);
        let key = key_of(KIND, &same).map_err(|error| StartError::Refused(error.to_string()))?;
        let mut run = StoredRun {
            id: 0,
            deployment: deployment.to_owned(),
            title: source.title(),
            config: source.config()?,
            source: about,
            wanted,
            channel,
            classes: source.classes(),
            score_unit: source.score_unit().to_owned(),
            score_s: plan.score_s,
            created: Timestamp(crate::work::now_ms().saturating_mul(1_000_000)),
            dated: plan.recorded.dated,
        };
        run.id = self.store.enter(&run, &key)?;
        let run = self.store.run(deployment, run.id)?;
        let id = run.id;
        let planned = Arc::new(Planned { run, source: Arc::new(source), plan, recordings });
        lock(&self.planned).insert(id, planned.clone());
        let job = self.submit(engine, &described, &planned)?;
        engine.retry(job)?;
        self.told(&engine.snapshot()?, &planned.run)
    }

    /// A run as it is told, with the work as it stands in `jobs`.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn told(&self, jobs: &JobsSnapshot, run: &StoredRun) -> Result<DetectionRun, StartError> {
        let (candidates, reviewed) = self.store.counts(run.id)?;
        let key = job_key(run);
        let job = jobs.jobs.iter().find(|job| job.key == key).cloned();
        Ok(DetectionRun {
            id: run.id,
            title: run.title.clone(),
            source: run.source.clone(),
            config: run.config.clone(),
            channel: run.channel,
            classes: run.classes.clone(),
            score_unit: run.score_unit.clone(),
            score_s: run.score_s,
            created: run.created,
            candidates,
            reviewed,
            problems: self.store.problems(run.id, MOST_PROBLEMS)?,
            job,
        })
    }

    /// Forgets a run with all that was found and said.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn remove(&self, engine: &Engine, run: &StoredRun) -> Result<(), StartError> {
        engine.remove(&job_key(run))?;
        lock(&self.planned).remove(&run.id);
        self.recalls.forget(run.id);
        Ok(self.store.remove(run.id)?)
    }

    /// The best score of each class in each bin of a span, from the first bin with one to the last.
    ///
    /// # Errors
    /// When a bin is none, there would be too many, or the store can't be read.
    pub fn scores(
        &self,
        run: &StoredRun,
        from_ns: i64,
        until_ns: i64,
        bin_ns: i64,
    ) -> Result<ScoreCurves, StoreError> {
        let mut curves = Curves::new(run.classes.len(), bin_ns)?;
        for unit in self.store.units(run.id, from_ns, until_ns)? {
            let point_ns = (unit.end_ns - unit.start_ns) / CURVE_POINTS as i64;
            if bin_ns >= point_ns {
                add_points(&mut curves, &unit, point_ns, from_ns..until_ns)?;
                continue;
            }
            // Where files are gone, the unit's own curve is all there is.
            match self.files(&run.deployment, &unit.key).read_scores() {
                Ok(rows) => {
                    let inside = |row: &&ScoreRow| (from_ns..until_ns).contains(&row.start_ns);
                    for row in rows.iter().filter(inside) {
                        curves.add(row.start_ns, &row.scores)?;
                    }
                }
                Err(_) => add_points(&mut curves, &unit, point_ns, from_ns..until_ns)?,
            }
        }
        Ok(curves.told(&run.classes, |ns| moment(run, ns)))
    }

    /// How many of the calls that are there a run found, by all that is known of them.
    ///
    /// # Errors
    /// When the store or the catalogue can't be read.
    pub fn recall(&self, run: &StoredRun, reader: Reader) -> Result<RecallReport, StartError> {
        let recordings = self.recordings(run, reader)?;
        let made_of = MadeOf {
            version: recordings.version.clone(),
            stamps: recordings.tables.as_ref().map_or_else(Vec::new, |tables| (tables.stamps)()),
            generation: self.store.generation(),
        };
        let truth = self.recalls.of(run.id, made_of, || {
            let (recorded, _) = Recorded::new(&recordings.infos).map_err(PlanError::from)?;
            let truths = Truths::read(&recordings, &recorded);
            let of_truths = |truths: Truths| truths.recall(&self.store, run, &recorded);
            truths.map(of_truths).transpose().map_err(StartError::from)
        })?;
        Ok(RecallReport { truth, sample: self.store.sampled(run)? })
    }

    /// Draws windows at random from what a run has listened to; gives all that are drawn.
    ///
    /// # Errors
    /// When it makes no sense, or can't be noted down.
    pub fn draw(
        &self,
        run: &StoredRun,
        reader: Reader,
        asked: &DrawRequest,
    ) -> Result<Vec<DrawnWindow>, StartError> {
        let recordings = self.recordings(run, reader)?;
        let (recorded, _) = Recorded::new(&recordings.infos).map_err(PlanError::from)?;
        let units = self.store.units(run.id, i64::MIN, i64::MAX)?;
        let heard_ns: Vec<_> = units.iter().map(|unit| unit.start_ns..unit.end_ns).collect();
        let before = self.store.drawn(run)?;
        let known: HashSet<i64> = before.iter().map(|window| window.start.nanos()).collect();
        self.store.draw(run.id, &draw(&recorded, &heard_ns, &known, asked)?)?;
        Ok(self.store.drawn(run)?)
    }

    /// The recordings of a run's deployment.
    fn recordings(&self, run: &StoredRun, reader: Reader) -> Result<Recordings, StartError> {
        let missing = || StartError::NoDeployment(run.deployment.clone());
        self.catalogue.recordings(&run.deployment, reader)?.ok_or_else(missing)
    }

    fn files(&self, deployment: &str, key: &str) -> UnitFiles {
        UnitFiles::of(&self.folder(deployment), key)
    }

    fn folder(&self, deployment: &str) -> PathBuf {
        folder_of(&self.state, deployment)
    }

    /// Submits a run's job; gives its number.
    fn submit(
        &self,
        engine: &Engine,
        deployment: &Deployment,
        planned: &Planned,
    ) -> Result<i64, StartError> {
        let Planned { run, plan, source, .. } = planned;
        let units: Vec<(&str, i64)> =
            plan.units.iter().map(|unit| (unit.key.as_str(), unit.span_ns.start)).collect();
        self.store.keep_only(run.id, &units)?;
        let unit = |unit: &PlannedUnit| -> Result<Unit, serde_json::Error> {
            let order = json!({ "run": run.id, "key": unit.key });
            // Two runs may have units of the same key: of the same recordings in two deployments.
            let key = key_of(KIND, &(run.id, &unit.key))?;
            Ok(Unit { memory_bytes: source.memory_bytes(), ..Unit::new(key, KIND, order) })
        };
        let units = plan.units.iter().map(unit).collect::<Result<Vec<_>, _>>();
        let units = units.map_err(|error| StartError::Refused(error.to_string()))?;
        let job = Job {
            key: job_key(run),
            kind: KIND.into(),
            title: format!("{} in {}", run.title, deployment.name),
            deployment: Some(run.deployment.clone()),
            priority: Priority::ASKED_FOR,
            units,
        };
        Ok(engine.submit(&job)?.job)
    }

    /// A run as it is planned now; made anew where the program was started since.
    fn planned(&self, id: i64, deployment: &str) -> Result<Arc<Planned>, UnitError> {
        if let Some(planned) = lock(&self.planned).get(&id) {
            return Ok(planned.clone());
        }
        let passing = |error: &dyn std::fmt::Display| UnitError::passing(error.to_string());
        let run = self.store.run(deployment, id).map_err(|e| passing(&e))?;
        let asked = self.catalogue.recordings(deployment, Reader::Administrator);
        let recordings = asked.map_err(|e| passing(&e))?.ok_or_else(outdated)?;
        let planned =
            plan(run, None, recordings).map_err(|error| UnitError::lasting(error.to_string()))?;
        lock(&self.planned).insert(id, planned.clone());
        Ok(planned)
    }

    fn make(&self, order: Order, context: &UnitContext) -> Result<Order, UnitError> {
        let deployment = self.store.deployment_of(order.run);
        let deployment = deployment.map_err(|error| UnitError::lasting(error.to_string()))?;
        let planned = self.planned(order.run, &deployment)?;
        let Planned { run, plan, source, recordings } = &*planned;
        let unit = plan.unit(&order.key).ok_or_else(outdated)?;
        let files = self.files(&deployment, &order.key);
        let in_store = self.store.has_unit(run.id, &order.key);
        if in_store.map_err(|e| UnitError::passing(e.to_string()))? && files.are_there() {
            return Ok(order);
        }
        let made = make_files(plan, unit, source, recordings, &files, context, planned_anew)?;
        let stored = StoredUnit {
            key: order.key.clone(),
            start_ns: unit.span_ns.start,
            end_ns: unit.span_ns.end,
            curve: curve_of(&unit.span_ns, run.classes.len(), &made.scores),
            software: made.software,
            problems: made.problems,
        };
        let put = self.store.put_unit(run.id, &stored, &made.candidates);
        put.map_err(|error| UnitError::passing(error.to_string()))?;
        Ok(order)
    }
}

/// Plans a run anew, with its source where it is open already.
fn plan(
    run: StoredRun,
    source: Option<Arc<Source>>,
    recordings: Recordings,
) -> Result<Arc<Planned>, PlanError> {
    let source = match source {
        Some(source) => source,
        None => Arc::new(Source::open(&run.wanted)?),
    };
    let plan = Plan::new(&recordings.infos, &source, run.channel)?;
    Ok(Arc::new(Planned { run, source, plan, recordings }))
}

/// A list that has changed is seen by the upkeep, which drops this unit and plans others.
fn planned_anew(message: String) -> UnitError {
    UnitError::passing(format!("{message}; it is planned anew"))
}

fn job_key(run: &StoredRun) -> String {
    format!("{KIND}/{}/{}", run.deployment, run.id)
}

impl Kept for DetectionKeeper {
    fn name(&self) -> &'static str {
        "detections"
    }

    fn follow(&self, engine: &Engine, present: &Present<'_>) -> anyhow::Result<()> {
        for run in self.store.runs(&present.deployment.id)? {
            let (id, version) = (run.id, present.version);
            let before = lock(&self.planned).get(&id).cloned();
            let is_known = before.as_ref().is_some_and(|p| p.recordings.version == version);
            if is_known || lock(&self.refused).get(&id).is_some_and(|refused| refused == version) {
                continue;
            }
            let Some(recordings) = present.recordings()? else { continue };
            let source = before.map(|planned| planned.source.clone());
            let title = run.title.clone();
            match plan(run, source, recordings) {
                Ok(planned) => {
                    lock(&self.planned).insert(id, planned.clone());
                    self.submit(engine, present.deployment, &planned)?;
                }
                Err(error) => {
                    // What was found stays; it is tried again when the recordings change.
                    tracing::warn!("{title} in {}: {error}", present.deployment.name);
                    lock(&self.refused).insert(id, version.to_owned());
                }
            }
        }
        Ok(())
    }

    fn forget(&self, engine: &Engine, deployment: &str) -> anyhow::Result<()> {
        // What was found, and said, stays: the deployment may come back.
        for run in self.store.runs(deployment)? {
            engine.remove(&job_key(&run))?;
            lock(&self.planned).remove(&run.id);
        }
        Ok(())
    }

    fn tidy(&self, _engine: &Engine) -> anyhow::Result<()> {
        let (mut wanted, mut folders) = (HashSet::new(), HashSet::new());
        for planned in lock(&self.planned).values() {
            folders.insert(self.folder(&planned.run.deployment));
            wanted.extend(planned.plan.units.iter().map(|unit| unit.key.clone()));
        }
        if is_anyone_beside(&self.state) {
            return Ok(());
        }
        for folder in folders {
            sweep(&folder, &wanted, SystemTime::now())?;
        }
        Ok(())
    }
}

/// Removes files of units that are not wanted and were not written lately.
fn sweep(folder: &Path, wanted: &HashSet<String>, now: SystemTime) -> std::io::Result<()> {
    let files = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        files => files?,
    };
    for file in files {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        let key = name.split('.').next().unwrap_or_default();
        let since = file.metadata()?.modified()?;
        let idle = now.duration_since(since).unwrap_or_default();
        if idle > KEPT_FOR && !wanted.contains(key) {
            std::fs::remove_file(file.path())?;
        }
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What lies behind these locks goes in whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
