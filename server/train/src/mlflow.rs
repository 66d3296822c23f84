//! A run as an MLflow server is told of it, through its REST API.
//!
//! What is to be told goes to the run's folder first, a line each, and a thread of its own tells it
//! ([`Courier`]): training waits for the disk and never for the net. What could not be told stays, and is told
//! by the next run with the same server or by [`send`]. Telling something twice does no harm: the server
//! knows a metric by name, step, time and value, and a run by a key that this program gives it.
//!
//! Who may is said in the environment, as MLflow's own client has it: `MLFLOW_TRACKING_TOKEN`, or
//! `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`. It goes nowhere but into requests.

mod api;
mod courier;
mod outbox;
mod telling;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use outbox::{Message, Outbox};

pub use courier::Courier;
pub use outbox::refused_path;
pub use telling::{Delivered, Trouble, send, waiting};

use crate::journal::now_ms;
use crate::{End, RunFolder, Tracker, TrainError};

/// What a run is to a server.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// The server's address.
    pub server: &'a str,
    /// Runs of one experiment are compared with each other.
    pub experiment: &'a str,
    /// What the run is called.
    pub name: &'a str,
    /// The folder of the run that this one is a part of. It is told of to the same server, and is made there
    /// first whoever is told of first: its own [`Mlflow`] must have been told its parameters before.
    pub parent: Option<&'a RunFolder>,
}

/// Notes in the run's folder what the server is to be told.
pub struct Mlflow {
    folder: RunFolder,
    outbox: Outbox,
    begin: Message,
    /// Whether the server is told in this go that the run goes on.
    has_begun: bool,
    /// Parameters, and metrics by name and step, that were noted before.
    parameters: BTreeMap<String, String>,
    metrics: HashMap<(String, usize), Option<f64>>,
    /// Whoever is told that there is something new.
    courier: Option<Courier>,
}

impl Mlflow {
    /// Notes for a server; `courier` tells them at once where it can.
    ///
    /// # Errors
    /// When the notes can't be read or written.
    pub fn open(
        folder: &RunFolder,
        told: &Told<'_>,
        courier: Option<Courier>,
    ) -> Result<Mlflow, TrainError> {
        let (outbox, before) = Outbox::open(folder)?;
        let mut key = None;
        let (mut parameters, mut metrics) = (BTreeMap::new(), HashMap::new());
        for message in before {
            match message {
                Message::Begin { key: known, .. } => key = key.or(Some(known)),
                Message::Parameters { values } => parameters.extend(values),
                Message::Metric { name, step, value, .. } => {
                    metrics.insert((name, step), value);
                }
                _ => {}
            }
        }
        let parent = told.parent.map(|parent| absolute(parent.path()));
        let begin = Message::Begin {
            key: key.unwrap_or_else(|| new_key(folder.path())),
            server: told.server.trim_end_matches('/').to_owned(),
            experiment: told.experiment.to_owned(),
            name: told.name.to_owned(),
            parent,
            at_ms: 0,
        };
        let folder = folder.clone();
        Ok(Mlflow { folder, outbox, begin, has_begun: false, parameters, metrics, courier })
    }

    /// Waits a moment for what is still to be told, where the server answers; a sentence says what had to be
    /// kept for later, and what the server would not take.
    pub fn finish(self) -> Option<String> {
        let trouble = self.courier.and_then(|courier| courier.finish(&self.folder));
        let waiting = waiting(&self.folder).unwrap_or(0);
        let kept = (waiting > 0).then(|| {
            let why = trouble.map_or(String::new(), |why| format!(" ({why})"));
            format!(
                "{waiting} messages for MLflow are kept in {}{why}; spyhop runs send, or the next training with this server, tells them",
                self.folder.mlflow().display()
            )
        });
        let refused = outbox::refused(&self.folder).unwrap_or(0);
        let refused = (refused > 0).then(|| {
            let path = refused_path(&self.folder);
            format!(
                "MLflow would not take {refused} messages of this run; they are kept with its reasons in {}",
                path.display()
            )
        });
        let sentences: Vec<String> = kept.into_iter().chain(refused).collect();
        (!sentences.is_empty()).then(|| sentences.join(". "))
    }

    fn note(&mut self, message: &Message) -> Result<(), TrainError> {
        self.outbox.append(message)?;
        if let Some(courier) = &self.courier {
            courier.wake();
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), TrainError> {
        if self.has_begun {
            return Ok(());
        }
        let mut begin = self.begin.clone();
        if let Message::Begin { at_ms, .. } = &mut begin {
            *at_ms = now_ms();
        }
        self.has_begun = true;
        self.note(&begin)
    }
}

impl Tracker for Mlflow {
    /// A parameter that is other than before, of a run that goes on, becomes a tag: MLflow lets none change.
    fn parameters(&mut self, said: &BTreeMap<String, String>) -> Result<(), TrainError> {
        self.begin()?;
        let known = &self.parameters;
        let new = said.iter().filter(|(key, _)| !known.contains_key(*key));
        let changed =
            said.iter().filter(|(key, value)| known.get(*key).is_some_and(|k| k != *value));
        let values: BTreeMap<_, _> = new.map(|(key, value)| (key.clone(), value.clone())).collect();
        let tags: BTreeMap<_, _> =
            changed.map(|(key, value)| (format!("changed.{key}"), value.clone())).collect();
        if !tags.is_empty() {
            self.note(&Message::Tags { values: tags })?;
        }
        if !values.is_empty() {
            self.parameters.extend(values.clone());
            self.note(&Message::Parameters { values })?;
        }
        Ok(())
    }

    fn metric(&mut self, name: &str, step: usize, value: f64) -> Result<(), TrainError> {
        self.begin()?;
        let value = value.is_finite().then_some(value);
        // A run that goes on from an earlier step says the same again.
        let key = (name.to_owned(), step);
        if self.metrics.get(&key) == Some(&value) {
            return Ok(());
        }
        self.metrics.insert(key, value);
        self.note(&Message::Metric { name: name.to_owned(), step, value, at_ms: now_ms() })
    }

    fn artifact(&mut self, path: &Path) -> Result<(), TrainError> {
        self.begin()?;
        let below = path.strip_prefix(self.folder.path()).unwrap_or(path);
        let parts = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
        self.note(&Message::Artifact { path: parts.collect::<Vec<_>>().join("/") })
    }

    /// Nothing is taken back: what is told again is the same.
    fn go_on_from(&mut self, _: usize) -> Result<(), TrainError> {
        Ok(())
    }

    fn ended(&mut self, how: End) -> Result<(), TrainError> {
        // What fails before it is told of leaves a run of before as it is.
        if !self.has_begun && !self.parameters.is_empty() {
            return Ok(());
        }
        self.begin()?;
        self.note(&Message::End { how, at_ms: now_ms() })
    }
}

/// By which a server finds a run again that it was told of.
fn new_key(folder: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(absolute(folder).as_os_str().as_encoded_bytes());
    hasher.update(&now_ms().to_le_bytes());
    hasher.update(&std::process::id().to_le_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
