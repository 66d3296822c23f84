//! What is made of deployments follows their recordings: one thread compares the catalogue with what was
//! planned, again and again, and has the engine's jobs brought up to date.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use spyhop_api::Deployment;

use crate::catalogue::access::Reader;
use crate::catalogue::{Catalogue, CatalogueError, Recordings};
use crate::work::{Engine, UnitError};

/// The catalogue is looked at so often.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Something that is made of every deployment.
pub trait Kept: Send + Sync {
    /// What it is, for messages: `pyramids`.
    fn name(&self) -> &'static str;

    /// Has the engine make it of a deployment as it is now. Asked every few seconds: where nothing has
    /// changed it does next to nothing.
    ///
    /// # Errors
    /// When it can't be planned, the ledger can't be written, or the disk says no; it is asked again.
    fn follow(&self, engine: &Engine, present: &Present<'_>) -> anyhow::Result<()>;

    /// Forgets a deployment that is gone.
    ///
    /// # Errors
    /// When the ledger can't be written; it is asked again.
    fn forget(&self, engine: &Engine, deployment: &str) -> anyhow::Result<()>;

    /// Tidies up, after all deployments were followed and something may have changed.
    ///
    /// # Errors
    /// When the disk says no.
    fn tidy(&self, _engine: &Engine) -> anyhow::Result<()> {
        Ok(())
    }
}

/// A deployment as it is listed now.
pub struct Present<'a> {
    /// Without its recordings.
    pub deployment: &'a Deployment,
    /// Changes when the list of its recordings, or anything in it, does.
    pub version: &'a str,
    catalogue: &'a Catalogue,
}

impl Present<'_> {
    /// Its recordings; `None` where it has gone in the meantime.
    ///
    /// # Errors
    /// When the catalogue can't be asked.
    pub fn recordings(&self) -> Result<Option<Recordings>, CatalogueError> {
        self.catalogue.recordings(&self.deployment.id, Reader::Administrator)
    }
}

/// What a unit says whose recordings are no longer what they were.
pub fn outdated() -> UnitError {
    UnitError::passing("the recordings have changed since this was planned; it is planned anew")
}

/// The thread. Dropping it ends it.
pub struct Upkeep {
    is_stopping: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Upkeep {
    /// Follows the catalogue from now on.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub fn start(
        catalogue: Arc<Catalogue>,
        engine: Arc<Engine>,
        kept: Vec<Arc<dyn Kept>>,
    ) -> std::io::Result<Upkeep> {
        let is_stopping = Arc::new(AtomicBool::new(false));
        let told = is_stopping.clone();
        let follower = |kept| Follower { kept, known: HashSet::new(), trouble: String::new() };
        let mut followers: Vec<Follower> = kept.into_iter().map(follower).collect();
        let follow = move || {
            while !told.load(Ordering::Relaxed) {
                for follower in &mut followers {
                    let result = follower.look(&catalogue, &engine, &told);
                    follower.tell(result);
                }
                std::thread::park_timeout(LOOK_EVERY);
            }
        };
        let thread = std::thread::Builder::new().name("upkeep".into()).spawn(follow)?;
        Ok(Upkeep { is_stopping, thread: Mutex::new(Some(thread)) })
    }

    /// Ends the thread and waits for that.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.thread().unpark();
            // What it died of was printed.
            let _ = thread.join();
        }
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One kind of thing that is kept.
struct Follower {
    kept: Arc<dyn Kept>,
    /// Deployments that were there.
    known: HashSet<String>,
    /// What went wrong last.
    trouble: String,
}

impl Follower {
    /// One look at all deployments. What goes wrong with one holds up no other; the first error is given.
    fn look(
        &mut self,
        catalogue: &Catalogue,
        engine: &Engine,
        is_stopping: &AtomicBool,
    ) -> anyhow::Result<()> {
        let deployments = catalogue.list_with_versions(Reader::Administrator, "")?;
        let mut wrong = Ok(());
        for (deployment, version) in &deployments {
            if is_stopping.load(Ordering::Relaxed) {
                return Ok(());
            }
            let present = Present { deployment, version, catalogue };
            wrong = wrong.and(self.kept.follow(engine, &present));
            self.known.insert(deployment.id.clone());
        }
        let there: HashSet<&str> = deployments.iter().map(|(d, _)| d.id.as_str()).collect();
        let gone: Vec<String> =
            self.known.iter().filter(|id| !there.contains(id.as_str())).cloned().collect();
        for id in gone {
            let forgotten = self.kept.forget(engine, &id);
            if forgotten.is_ok() {
                self.known.remove(&id);
            }
            wrong = wrong.and(forgotten);
        }
        wrong.and(self.kept.tidy(engine))
    }

    /// Tells of trouble once, and not with every look.
    fn tell(&mut self, result: anyhow::Result<()>) {
        let trouble = result.err().map(|error| format!("{error:#}")).unwrap_or_default();
        if !trouble.is_empty() && trouble != self.trouble {
            tracing::warn!("{} can't be brought up to date: {trouble}", self.kept.name());
        }
        self.trouble = trouble;
    }
}
