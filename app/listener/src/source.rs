//! What listens: a detector that needs no training, or a network, as a run of the page.

use std::sync::Arc;

use spyhop_api::detection::{DetectionClass, DetectionRun, DetectionSource, with_adapter};
use spyhop_api::{ModelCard, ModelClass, Timestamp};
use spyhop_config::{Detection, ModelSettings, hash_of};
use spyhop_model::{Classifier, NetworkListener, SCORE_UNIT};
use spyhop_signal::detect::listen::Listen;
use spyhop_signal::detect::{CallType, Listener};
use spyhop_words::listener::source as words;
use spyhop_workers::Message;
use spyhop_workers::listening::By;

use crate::files;

/// The program, as every run says it.
const SOFTWARE: &str = concat!("spyhop ", env!("CARGO_PKG_VERSION"), " in a tab");

/// Something that finds calls.
pub enum Source {
    /// A detector.
    Detector(Box<CallType>),
    /// A network.
    Network(Network),
}

/// A network by the names of its folder and its adapter's.
pub struct Network {
    name: String,
    adapter: Option<String>,
    classifier: Arc<Classifier>,
}

impl Source {
    /// Opens what is wanted.
    ///
    /// # Errors
    /// When there is no such detector, or the network can't be opened.
    pub fn open(by: &By, message: &Message) -> Result<Source, String> {
        match by {
            By::Detector(id) => {
                let call = Detection::default().call(id).cloned();
                let call = call.ok_or_else(|| words::no_detector(id))?;
                Ok(Source::Detector(Box::new(call)))
            }
            By::Network(network) => {
                let classifier = Arc::new(files::open(network, message)?);
                let adapter = network.adapter.as_ref().map(|adapter| adapter.name.clone());
                Ok(Source::Network(Network { name: network.name.clone(), adapter, classifier }))
            }
        }
    }

    /// The card of a network.
    pub fn card(&self) -> Option<ModelCard> {
        match self {
            Source::Detector(_) => None,
            Source::Network(network) => Some(network.classifier.card().clone()),
        }
    }

    /// Something that listens to recordings of a rate.
    ///
    /// # Errors
    /// When they do not hold what it listens for.
    pub fn listener(&self, rate_hz: f64) -> Result<Box<dyn Listen>, String> {
        Ok(match self {
            Source::Detector(call) => {
                Box::new(Listener::new(call, rate_hz).map_err(|e| e.to_string())?)
            }
            Source::Network(Network { name, classifier, .. }) => {
                let usual = ModelSettings::default();
                let rules = |class: &ModelClass| usual.rules(&class.name, class.threshold);
                let listener = NetworkListener::new(name, classifier.clone(), rate_hz, &rules);
                Box::new(listener.map_err(|e| e.to_string())?)
            }
        })
    }

    /// It as a run over a channel, of which nothing is found yet.
    ///
    /// # Errors
    /// When its settings can't be written.
    pub fn run(&self, channel: u32, score_s: f64) -> Result<DetectionRun, String> {
        let (title, config, classes, score_unit) = match self {
            Source::Detector(call) => {
                let config = Detection::yaml_of_call(call);
                (call.title(), config, vec![call.class()], call.method.score_unit())
            }
            Source::Network(Network { name, classifier, adapter, .. }) => {
                let mut resolved = ModelSettings::default();
                let mut classes = Vec::new();
                for class in classifier.card().classes.iter().filter(|class| class.is_call) {
                    let rules = ModelSettings::default().rules(&class.name, class.threshold);
                    resolved.classes.insert(class.name.clone(), rules.into());
                    classes.push(DetectionClass {
                        name: class.name.clone(),
                        band_hz: class.band_hz,
                        keep_from: rules.keep_from,
                        threshold: rules.threshold,
                    });
                }
                let config = Detection::yaml_of_model(&resolved);
                // As the server calls it: an adapter's card takes the place of the network's.
                let title = match adapter.as_deref() {
                    None => classifier.card().name.clone(),
                    adapter => with_adapter(name, adapter),
                };
                (title, config, classes, SCORE_UNIT)
            }
        };
        let config = config.map_err(|error| error.to_string())?;
        let (name, adapter, fingerprint) = match self {
            Source::Detector(call) => (call.id.to_owned(), None, String::new()),
            Source::Network(Network { name, adapter, classifier }) => {
                (name.clone(), adapter.clone(), classifier.fingerprint().to_owned())
            }
        };
        Ok(DetectionRun {
            id: 0,
            title,
            source: DetectionSource {
                name,
                is_model: matches!(self, Source::Network(..)),
                adapter,
                fingerprint,
                config_hash: hash_of(&config),
                software: SOFTWARE.to_owned(),
            },
            config,
            channel,
            classes,
            score_unit: score_unit.to_owned(),
            score_s,
            created: Timestamp(0),
            candidates: 0,
            reviewed: 0,
            problems: Vec::new(),
            job: None,
        })
    }
}
