//! Detections of hosted deployments: starts them, has the engine make their units, keeps what is found in
//! the store, and follows deployments that grow.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::json;
use spyhop_api::binned::Curves;
use spyhop_api::detection::{DetectionClass, DetectionRun, ScoreCurves};
use spyhop_api::job::{JobProgress, JobState, JobsSnapshot};
use spyhop_api::recall::{DrawRequest, DrawnWindow, RecallReport};
use spyhop_api::{Deployment, Timestamp};
use spyhop_signal::detect::listen::ScoreRow;
use spyhop_signal::pyramid::Recorded;

use super::curves::{add_points, curve_of};
use super::draw::{Drawn, draw, window_ns};
use super::known_recall::{KnownRecalls, MadeOf};
use super::moment::Moments;
use super::network::Networks;
use super::plan::{Plan, PlanError, PlannedUnit, Reach};
use super::source::{Source, SourceError, Wanted};
use super::store::{
    CURVE_POINTS, DetectionStore, RunCounts, StoreError, StoredRun, StoredUnit, moment,
};
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
    /// The version of the list of recordings that a run has followed: its job is submitted by it, or it
    /// can't be gone on with.
    followed: Mutex<HashMap<i64, String>>,
    /// Runs that can't be gone on with.
    refused: Mutex<HashMap<i64, Refused>>,
    /// What runs are made by, as long as there is something to make.
    sources: Mutex<HashMap<i64, Arc<Source>>>,
    networks: Networks,
    recalls: KnownRecalls,
}

/// Why a run can't be gone on with.
struct Refused {
    /// Of the list of recordings: until that changes it is not tried again.
    version: String,
    /// For a person.
    sentence: String,
}

/// A run that is planned from a list of recordings.
struct Planned {
    run: StoredRun,
    plan: Plan,
    recordings: Recordings,
}

impl Planned {
    /// Recordings that are left out, a sentence each.
    fn left_out(&self) -> impl Iterator<Item = String> {
        self.plan.left_out(&self.recordings.infos)
    }
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
            followed: Mutex::default(),
            refused: Mutex::default(),
            sources: Mutex::default(),
            networks: Networks::default(),
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
        let source = Source::listed(&wanted, &self.networks)?;
        let laid = Recorded::new(&recordings.infos).map_err(PlanError::from)?;
        let reach = Reach::of(&source, laid.0.sample_rate_hz)?;
        let about = source.described()?;
        let plan = Plan::of(&recordings.infos, laid, &about, reach, channel)?;
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
        self.store.set_reach(run.id, reach)?;
        let run = self.store.run(deployment, run.id)?;
        let id = run.id;
        lock(&self.sources).insert(id, Arc::new(source));
        lock(&self.refused).remove(&id);
        self.note_said(id)?;
        lock(&self.followed).remove(&id);
        let planned = Arc::new(Planned { run, plan, recordings });
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
        let counts = self.store.counts(run.id)?;
        let key = job_key(run);
        let job = jobs.jobs.iter().find(|job| job.key == key).cloned();
        let goes_on = job.as_ref().is_some_and(|job| !job.is_over());
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
            candidates: counts.candidates,
            reviewed: counts.reviewed,
            problems: self.problems(run, &counts, goes_on)?,
            job,
        })
    }

    /// What a person should know of a run: why it is not gone on with, what counts no more, and what could
    /// not be heard.
    fn problems(
        &self,
        run: &StoredRun,
        counts: &RunCounts,
        goes_on: bool,
    ) -> Result<Vec<String>, StartError> {
        let refused = lock(&self.refused).get(&run.id).map(|refused| refused.sentence.clone());
        // What is still being listened to may be found again.
        let lost = (counts.lost > 0 && !goes_on).then(|| {
            let (are, them) = match counts.lost {
                1 => ("candidate is", "it"),
                _ => ("candidates are", "them"),
            };
            format!(
                "{} reviewed {are} not found any more, because recordings have changed or lie at another \
                 time: what was said of {them} stays in the table, and counts no more",
                counts.lost
            )
        });
        let planned = lock(&self.planned).get(&run.id).cloned();
        let left_out = planned.iter().flat_map(|planned| planned.left_out());
        // Whoever may see the run sees these in the deployment.
        let failures = self.catalogue.failures(&run.deployment, Reader::Administrator)?;
        let failures = failures.into_iter().map(|failure| failure.reason);
        let unheard = self.store.problems(run.id, MOST_PROBLEMS)?;
        let all = refused.into_iter().chain(lost).chain(left_out).chain(failures).chain(unheard);
        Ok(all.take(MOST_PROBLEMS).collect())
    }

    /// Forgets a run with all that was found and said.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn remove(&self, engine: &Engine, run: &StoredRun) -> Result<(), StartError> {
        engine.remove(&job_key(run))?;
        lock(&self.planned).remove(&run.id);
        lock(&self.followed).remove(&run.id);
        lock(&self.refused).remove(&run.id);
        lock(&self.sources).remove(&run.id);
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
        for unit in self.store.units_with_curves(run.id, from_ns, until_ns)? {
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
        let span_ns = |window: &DrawnWindow| {
            let start_ns = window.start.nanos();
            start_ns..start_ns.saturating_add(window.span_ns)
        };
        let drawn_ns: Vec<_> = before.iter().map(span_ns).collect();
        let known = Drawn { window_ns: self.store.window_ns(run.id)?, spans_ns: &drawn_ns };
        let windows = draw(&recorded, &heard_ns, &known, asked)?;
        let moments = Moments::new(&recorded, &recordings.infos);
        self.store.draw(run.id, &windows, window_ns(asked), moments)?;
        Ok(self.store.drawn(run)?)
    }

    /// Lets go what no work needs now: a network is hundreds of megabytes.
    fn let_sources_go(&self, engine: &Engine) -> Result<(), WorkError> {
        let open: Vec<i64> = lock(&self.sources).keys().copied().collect();
        if open.is_empty() {
            return Ok(());
        }
        let jobs = engine.snapshot()?;
        let busy: HashSet<&str> =
            jobs.jobs.iter().filter(|job| !job.is_over()).map(|job| job.key.as_str()).collect();
        for id in open {
            let planned = lock(&self.planned).get(&id).cloned();
            let is_busy =
                planned.is_some_and(|planned| busy.contains(job_key(&planned.run).as_str()));
            if !is_busy {
                lock(&self.sources).remove(&id);
            }
        }
        Ok(())
    }

    /// Whether a run is planned, and has followed what it is planned by.
    #[cfg(test)]
    pub fn has_followed(&self, id: i64) -> bool {
        let planned = lock(&self.planned).get(&id).map(|p| p.recordings.version.clone());
        planned.is_some() && planned == lock(&self.followed).get(&id).cloned()
    }

    /// How many networks are open.
    #[cfg(test)]
    pub fn open_networks(&self) -> usize {
        self.networks.count()
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

    /// Notes down what people said something of since a run was planned, while it is known where that lies in
    /// the recordings.
    fn note_said(&self, id: i64) -> Result<(), StoreError> {
        let Some(before) = lock(&self.planned).get(&id).cloned() else { return Ok(()) };
        let Planned { plan, recordings, .. } = &*before;
        let moments = Moments::new(&plan.recorded, &recordings.infos);
        self.store.note_moments(id, &plan.keys(), moments)
    }

    /// Submits a run's job; gives its number.
    fn submit(
        &self,
        engine: &Engine,
        deployment: &Deployment,
        planned: &Planned,
    ) -> Result<i64, StartError> {
        let Planned { run, plan, recordings } = planned;
        let memory_bytes = Source::memory_bytes(run.source.is_model);
        let units: Vec<(&str, i64)> =
            plan.units.iter().map(|unit| (unit.key.as_str(), unit.span_ns.start)).collect();
        // What people said goes with the sound, wherever its clock puts it now.
        let moments = Moments::new(&plan.recorded, &recordings.infos);
        self.store.note_moments(run.id, &plan.keys(), moments)?;
        self.store.follow_clock(run.id, moments)?;
        self.store.keep_only(run.id, &units)?;
        let unit = |unit: &PlannedUnit| -> Result<Unit, serde_json::Error> {
            let order = json!({ "run": run.id, "key": unit.key });
            // Two runs may have units of the same key: of the same recordings in two deployments.
            let key = key_of(KIND, &(run.id, &unit.key))?;
            let sound_s = unit.recorded_s;
            Ok(Unit { memory_bytes, sound_s, ..Unit::new(key, KIND, order) })
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
        let job = engine.submit(&job)?.job;
        lock(&self.followed).insert(run.id, recordings.version.clone());
        Ok(job)
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
        let version = recordings.version.clone();
        if let Some(sentence) = self.refused(id, &version) {
            return Err(UnitError::lasting(sentence));
        }
        let planned = self.plan(run, recordings, true).map_err(|error| match error {
            StartError::Store(error) => passing(&error),
            error => UnitError::lasting(self.refuse(id, &version, &error)),
        })?;
        lock(&self.planned).insert(id, planned.clone());
        Ok(planned)
    }

    /// Plans a run anew. Its source is opened only where something is to be made, and `is_wanted`.
    fn plan(
        &self,
        mut run: StoredRun,
        recordings: Recordings,
        is_wanted: bool,
    ) -> Result<Arc<Planned>, StartError> {
        let laid = Recorded::new(&recordings.infos).map_err(PlanError::from)?;
        run.dated = laid.0.dated;
        let rate_hz = laid.0.sample_rate_hz;
        let kept = self.store.reach(run.id)?.filter(|reach| reach.rate_hz == rate_hz);
        // A detector is there at once; a network may be hundreds of megabytes.
        let known = kept.filter(|_| run.source.is_model);
        let reach = match known {
            Some(reach) => reach,
            None => Reach::of(&*self.source(&run)?, rate_hz)?,
        };
        if kept != Some(reach) {
            self.store.set_reach(run.id, reach)?;
        }
        let plan = Plan::of(&recordings.infos, laid, &run.source, reach, run.channel)?;
        let done = self.store.unit_keys(run.id)?;
        let is_done = |unit: &PlannedUnit| {
            done.contains(&unit.key) && self.files(&run.deployment, &unit.key).are_there()
        };
        if known.is_some() && is_wanted && !plan.units.iter().all(is_done) {
            self.source(&run)?;
        }
        Ok(Arc::new(Planned { run, plan, recordings }))
    }

    /// What a run is made by: what it was made by before, and nothing else.
    fn source(&self, run: &StoredRun) -> Result<Arc<Source>, SourceError> {
        if let Some(source) = lock(&self.sources).get(&run.id) {
            return Ok(source.clone());
        }
        let source = Source::again(&run.wanted, &run.config, &run.source, &self.networks)?;
        let is_same = |(now, then): (DetectionClass, &DetectionClass)| now.name == then.name;
        let classes = source.classes();
        // Candidates name a class by its index.
        if classes.len() != run.classes.len() || !classes.into_iter().zip(&run.classes).all(is_same)
        {
            return Err(SourceError::OtherNetwork(run.source.with_adapter()));
        }
        let source = Arc::new(source);
        lock(&self.sources).insert(run.id, source.clone());
        lock(&self.refused).remove(&run.id);
        Ok(source)
    }

    /// Why a run can't be gone on with, as far as its list of recordings is of this version.
    fn refused(&self, run: i64, version: &str) -> Option<String> {
        let refused = lock(&self.refused);
        let refused = refused.get(&run).filter(|refused| refused.version == version);
        refused.map(|refused| refused.sentence.clone())
    }

    /// Notes down that a run can't be gone on with, for whoever asks about it.
    fn refuse(&self, run: i64, version: &str, error: &dyn std::fmt::Display) -> String {
        let sentence = format!("nothing more is looked for: {error}");
        let refused = Refused { version: version.to_owned(), sentence: sentence.clone() };
        lock(&self.refused).insert(run, refused);
        sentence
    }

    fn make(&self, order: Order, context: &UnitContext) -> Result<Order, UnitError> {
        let deployment = self.store.deployment_of(order.run);
        let deployment = deployment.map_err(|error| UnitError::lasting(error.to_string()))?;
        let planned = self.planned(order.run, &deployment)?;
        let Planned { run, plan, recordings } = &*planned;
        let unit = plan.unit(&order.key).ok_or_else(outdated)?;
        let files = self.files(&deployment, &order.key);
        let in_store = self.store.has_unit(run.id, &order.key);
        if in_store.map_err(|e| UnitError::passing(e.to_string()))? && files.are_there() {
            return Ok(order);
        }
        // A network that is another one is not loaded again for each unit.
        if let Some(sentence) = self.refused(run.id, &recordings.version) {
            return Err(UnitError::lasting(sentence));
        }
        let source = self.source(run);
        let source = source.map_err(|error| {
            UnitError::lasting(self.refuse(run.id, &recordings.version, &error))
        })?;
        let made = make_files(plan, unit, &source, recordings, &files, context, planned_anew)?;
        let stored = StoredUnit {
            key: order.key.clone(),
            start_ns: unit.span_ns.start,
            end_ns: unit.span_ns.end,
            curve: curve_of(&unit.span_ns, run.classes.len(), &made.scores),
            software: made.software,
            problems: made.problems,
        };
        // What was heard by an older list would take the place of what lies there now.
        let now = lock(&self.planned).get(&run.id).cloned();
        if now.is_none_or(|now| now.plan.unit(&order.key).is_none()) {
            return Err(outdated());
        }
        let moments = Moments::new(&plan.recorded, &recordings.infos);
        let put = self.store.put_unit(run.id, &stored, &made.candidates, moments);
        put.map_err(|error| UnitError::passing(error.to_string()))?;
        Ok(order)
    }
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
            // A plan or a refusal alone is not enough: units come to one where the program was started since.
            let is_known = lock(&self.followed).get(&id).is_some_and(|of| of == version);
            if is_known {
                continue;
            }
            let Some(recordings) = present.recordings()? else { continue };
            let title = run.title.clone();
            // A network of a job that a person gave up is opened when they go on with it.
            let key = job_key(&run);
            let is_given_up =
                |job: &JobProgress| job.key == key && job.state == JobState::Cancelled;
            let is_wanted = !engine.snapshot()?.jobs.iter().any(is_given_up);
            self.note_said(id)?;
            match self.plan(run, recordings.clone(), is_wanted) {
                Ok(planned) => {
                    lock(&self.refused).remove(&id);
                    lock(&self.planned).insert(id, planned.clone());
                    self.submit(engine, present.deployment, &planned)?;
                }
                Err(StartError::Store(error)) => return Err(error.into()),
                Err(error) => {
                    // What people said goes with the sound also where nobody can listen to it again.
                    if let Ok((recorded, _)) = Recorded::new(&recordings.infos) {
                        let moments = Moments::new(&recorded, &recordings.infos);
                        self.store.follow_clock(id, moments)?;
                    }
                    // What was found stays; it is tried again when the recordings change.
                    tracing::warn!("{title} in {}: {error}", present.deployment.name);
                    self.refuse(id, version, &error);
                    lock(&self.followed).insert(id, version.to_owned());
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
            lock(&self.followed).remove(&run.id);
            lock(&self.sources).remove(&run.id);
        }
        Ok(())
    }

    fn tidy(&self, engine: &Engine) -> anyhow::Result<()> {
        self.let_sources_go(engine)?;
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
