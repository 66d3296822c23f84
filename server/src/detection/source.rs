//! What finds calls: a detector that needs no training, or a network.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use spyhop_api::detection::{DetectionClass, DetectionSource, with_adapter};
use spyhop_api::did_you_mean::{nearest, question};
use spyhop_config::{Config, ConfigError, Detection, ModelSettings, hash_of};
use spyhop_model::{ModelError, Placement, SCORE_UNIT, Unfit};
use spyhop_signal::detect::listen::Listen;
use spyhop_signal::detect::{CallType, Listener, ListenerError};

use super::SOFTWARE;
use super::network::{Network, Networks};

/// Something that finds calls, with all of its settings.
pub enum Source {
    /// A detector.
    Detector(Box<CallType>),
    /// A network.
    Network(Box<Network>),
}

/// How a person names one: kept with a run, so that it can be opened again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// A detector's word.
    pub detector: Option<String>,
    /// A network's folder, or its name among the user's models.
    pub model: Option<PathBuf>,
    /// An adapter's.
    pub adapter: Option<PathBuf>,
    /// Changes to the settings, as YAML.
    pub config: String,
}

/// Why there is no such source, or it can't listen to these recordings.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Neither a detector nor a network, or both.
    #[error("name a detector or a model, one of both: detectors are {}", detectors())]
    Neither,
    /// An adapter without its network.
    #[error("an adapter goes with a model: name that, too")]
    AdapterAlone,
    /// A detector that is not there.
    #[error("there is no detector '{name}'{nearest}: there are {}", detectors())]
    Unknown {
        /// What was asked for.
        name: String,
        /// A question, where one is like it.
        nearest: String,
    },
    /// A folder that is not there.
    #[error("{0}")]
    Missing(String),
    /// A network that can't be opened.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// What lies under the name of a run's network is another one.
    #[error(
        "the network {0} is another one now than this detection was made with: what was found stays; start \
         the detection anew to look with the one that is there"
    )]
    OtherNetwork(String),
    /// The settings of a run don't mean any more what they did.
    #[error(
        "{0} has other settings in this version of the program than this detection was made with: what was \
         found stays; start the detection anew to look with those that there are"
    )]
    OtherSettings(String),
    /// A class that the network does not tell.
    #[error(
        "the configuration speaks of the class '{name}', which this network does not tell{nearest}"
    )]
    Class {
        /// What the configuration says.
        name: String,
        /// A question, where one is like it.
        nearest: String,
    },
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The detector can't listen to these recordings.
    #[error(transparent)]
    Listener(#[from] ListenerError),
    /// The network can't.
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

/// The words of all detectors, for a sentence.
fn detectors() -> String {
    let ids: Vec<&str> = Detection::default().calls.iter().map(|call| call.id).collect();
    ids.join(", ")
}

impl Source {
    /// Opens what is wanted.
    ///
    /// # Errors
    /// When there is no such detector or network, or the settings make no sense.
    pub fn open(wanted: &Wanted) -> Result<Source, SourceError> {
        Source::with(wanted, Network::open)
    }

    /// Opens what a server has by these names.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn listed(wanted: &Wanted, networks: &Networks) -> Result<Source, SourceError> {
        Source::with(wanted, |model, adapter, settings| {
            Network::shared(networks, model, adapter, settings)
        })
    }

    /// Opens what a run was made with, by the settings that are kept with it: those of today's presets may
    /// be others, and so may what lies under a network's name today.
    ///
    /// # Errors
    /// When it is not there any more, or is another one.
    pub fn again(
        wanted: &Wanted,
        config: &str,
        made_by: &DetectionSource,
        networks: &Networks,
    ) -> Result<Source, SourceError> {
        let other_settings = || SourceError::OtherSettings(made_by.with_adapter());
        let kept = Wanted { config: config.to_owned(), ..wanted.clone() };
        let source = match Source::listed(&kept, networks) {
            // The network tells other classes than it did.
            Err(SourceError::Class { .. }) => {
                return Err(SourceError::OtherNetwork(made_by.with_adapter()));
            }
            Err(SourceError::Config(_)) => return Err(other_settings()),
            opened => opened?,
        };
        let now = source.described()?;
        let network =
            |of: &DetectionSource| (of.is_model, of.with_adapter(), of.fingerprint.clone());
        if network(&now) != network(made_by) {
            return Err(SourceError::OtherNetwork(made_by.with_adapter()));
        }
        if now.config_hash != made_by.config_hash {
            return Err(other_settings());
        }
        Ok(source)
    }

    fn with(
        wanted: &Wanted,
        network: impl FnOnce(&Path, Option<&Path>, &ModelSettings) -> Result<Network, SourceError>,
    ) -> Result<Source, SourceError> {
        let detection = Config::read(&wanted.config)?.detection;
        match (&wanted.detector, &wanted.model) {
            (Some(name), None) if wanted.adapter.is_none() => {
                let call = detection.call(name).cloned();
                let known = || detection.calls.iter().map(|call| call.id);
                let unknown = || SourceError::Unknown {
                    name: name.clone(),
                    nearest: question(nearest(name, known())),
                };
                Ok(Source::Detector(Box::new(call.ok_or_else(unknown)?)))
            }
            (None, Some(model)) => {
                let adapter = wanted.adapter.as_deref();
                let network = network(model, adapter, &detection.model)?;
                Ok(Source::Network(Box::new(network)))
            }
            (Some(_), None) => Err(SourceError::AdapterAlone),
            _ => Err(SourceError::Neither),
        }
    }

    /// For a person: `Dolphin whistles`.
    pub fn title(&self) -> String {
        match self {
            Source::Detector(call) => call.title(),
            Source::Network(network) => {
                // An adapter's card takes the place of the network's, which would not be named then.
                match network.adapter.as_deref() {
                    None => network.classifier().card().name.clone(),
                    adapter => with_adapter(&network.name, adapter),
                }
            }
        }
    }

    /// All settings, as a configuration that gives the same candidates.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn config(&self) -> Result<String, SourceError> {
        Ok(match self {
            Source::Detector(call) => Detection::yaml_of_call(call)?,
            Source::Network(network) => Detection::yaml_of_model(&network.resolved())?,
        })
    }

    /// Enough to make its candidates again.
    ///
    /// # Errors
    /// When its settings can't be written.
    pub fn described(&self) -> Result<DetectionSource, SourceError> {
        let config_hash = hash_of(&self.config()?);
        let software = SOFTWARE.to_owned();
        Ok(match self {
            Source::Detector(call) => DetectionSource {
                name: call.id.to_owned(),
                is_model: false,
                adapter: None,
                fingerprint: String::new(),
                config_hash,
                software,
            },
            Source::Network(network) => DetectionSource {
                name: network.name.clone(),
                is_model: true,
                adapter: network.adapter.clone(),
                fingerprint: network.classifier().fingerprint().to_owned(),
                config_hash,
                software,
            },
        })
    }

    /// What it tells apart.
    pub fn classes(&self) -> Vec<DetectionClass> {
        match self {
            Source::Detector(call) => vec![call.class()],
            Source::Network(network) => {
                let class = |class: &spyhop_api::ModelClass| {
                    let rules = network.rules(class);
                    DetectionClass {
                        name: class.name.clone(),
                        band_hz: class.band_hz,
                        keep_from: rules.keep_from,
                        threshold: rules.threshold,
                    }
                };
                network.classes().map(class).collect()
            }
        }
    }

    /// What its scores are.
    pub fn score_unit(&self) -> &'static str {
        match self {
            Source::Detector(call) => call.method.score_unit(),
            Source::Network(_) => SCORE_UNIT,
        }
    }

    /// Something that listens to recordings of a rate.
    ///
    /// # Errors
    /// When they don't hold what it listens for.
    pub fn listener(&self, rate_hz: f64) -> Result<Box<dyn Listen>, SourceError> {
        Ok(match self {
            Source::Detector(call) => Box::new(Listener::new(call, rate_hz)?),
            Source::Network(network) => Box::new(network.listener(rate_hz)?),
        })
    }

    /// Memory that one listener of a detector or of a network takes at most, bytes.
    pub fn memory_bytes(is_model: bool) -> u64 {
        match is_model {
            false => 48 << 20,
            // Two batches of windows of 10 s at 16 kHz with their pictures. Reading one unit takes longer than a GPU
            // takes to look at it: several are read beside each other.
            true if Placement::has_gpu() => 80 << 20,
            // Its weights are shared; what comes on top are batches of windows.
            true => 256 << 20,
        }
    }
}
