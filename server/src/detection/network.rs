//! A network of the user's, with the settings by which its scores become candidates.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use spyhop_api::did_you_mean::{nearest, question};
use spyhop_config::ModelSettings;
use spyhop_model::{
    Classifier, ModelError, ModelFiles, ModelFolder, NetworkListener, OpenOptions, check_fit,
};
use spyhop_signal::detect::calls::CallRules;

use super::source::SourceError;
use crate::models::{self, Model, Stamp};

/// An opened network, with how its scores become candidates.
pub struct Network {
    /// The folder's name, as it is asked for.
    pub name: String,
    /// The adapter's, where there is one.
    pub adapter: Option<String>,
    classifier: Arc<Classifier>,
    settings: ModelSettings,
}

/// Networks that are open, so that all who use the same one share its weights. What nobody uses is let go.
#[derive(Default)]
pub struct Networks(Mutex<HashMap<Opened, Weak<Classifier>>>);

/// What was opened: places, and what their files looked like.
type Opened = (String, Option<String>, Vec<Stamp>);

impl Networks {
    fn classifier(
        &self,
        model: &Model,
        adapter: Option<&Model>,
    ) -> Result<Arc<Classifier>, SourceError> {
        let unread = |error: std::io::Error| {
            SourceError::Missing(format!("the network {} can't be read: {error}", model.name()))
        };
        let mut stamps = model.stamps().map_err(unread)?;
        stamps.extend(adapter.map_or(Ok(Vec::new()), Model::stamps).map_err(unread)?);
        let opened_as = (model.place(), adapter.map(Model::place), stamps);
        // Whoever asks meanwhile waits: a network is not loaded twice. An entry goes in whole.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, classifier| classifier.strong_count() > 0);
        if let Some(classifier) = all.get(&opened_as).and_then(Weak::upgrade) {
            return Ok(classifier);
        }
        let classifier = Arc::new(opened(model, adapter)?);
        all.insert(opened_as, Arc::downgrade(&classifier));
        Ok(classifier)
    }

    /// How many are open.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, classifier| classifier.strong_count() > 0);
        all.len()
    }
}

fn opened(model: &Model, adapter: Option<&Model>) -> Result<Classifier, ModelError> {
    let adapter = adapter.map(|files| files as &dyn ModelFiles);
    Classifier::open_with(model, &OpenOptions { adapter, ..OpenOptions::default() })
}

fn missing(error: anyhow::Error) -> SourceError {
    SourceError::Missing(error.to_string())
}

impl Network {
    /// Opens a network by its folder, or by its name among the user's models and those that come with the
    /// program.
    ///
    /// # Errors
    /// When it or its adapter can't be opened, or the settings speak of a class that it does not know.
    pub fn open(
        model: &Path,
        adapter: Option<&Path>,
        settings: &ModelSettings,
    ) -> Result<Network, SourceError> {
        let adapter = adapter.map(models::named).transpose().map_err(missing)?;
        let adapter = adapter.map(|folder| Model::Folder(ModelFolder(folder)));
        let model = Model::named(model).map_err(missing)?;
        let classifier = Arc::new(opened(&model, adapter.as_ref())?);
        Network::of(&model, adapter.as_ref(), classifier, settings)
    }

    /// Opens a network by its name in the server's list, with the weights of whoever has it open already.
    ///
    /// # Errors
    /// As [`Network::open`].
    pub fn shared(
        networks: &Networks,
        model: &Path,
        adapter: Option<&Path>,
        settings: &ModelSettings,
    ) -> Result<Network, SourceError> {
        let adapter = adapter.map(Model::listed_adapter).transpose().map_err(missing)?;
        let model = Model::listed(model).map_err(missing)?;
        let classifier = networks.classifier(&model, adapter.as_ref())?;
        Network::of(&model, adapter.as_ref(), classifier, settings)
    }

    fn of(
        model: &Model,
        adapter: Option<&Model>,
        classifier: Arc<Classifier>,
        settings: &ModelSettings,
    ) -> Result<Network, SourceError> {
        let network = Network {
            name: model.name(),
            adapter: adapter.map(Model::name),
            classifier,
            settings: settings.clone(),
        };
        let known: Vec<&str> = network.classes().map(|class| class.name.as_str()).collect();
        match settings.classes.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(network),
            Some(name) => Err(SourceError::Class {
                name: name.clone(),
                nearest: question(nearest(name, known.iter().copied())),
            }),
        }
    }

    /// The network itself.
    pub fn classifier(&self) -> &Classifier {
        &self.classifier
    }

    /// How its scores become candidates, with what its card says filled in.
    pub fn resolved(&self) -> ModelSettings {
        let mut resolved = self.settings.clone();
        for class in self.classes() {
            let rules = self.settings.rules(&class.name, class.threshold);
            resolved.classes.insert(class.name.clone(), rules.into());
        }
        resolved
    }

    /// The classes that are calls.
    pub fn classes(&self) -> impl Iterator<Item = &spyhop_api::ModelClass> {
        self.classifier.card().classes.iter().filter(|class| class.is_call)
    }

    /// The rules of a class.
    pub fn rules(&self, class: &spyhop_api::ModelClass) -> CallRules {
        self.settings.rules(&class.name, class.threshold)
    }

    /// # Errors
    /// When recordings of a rate do not hold what it listens to.
    pub fn check_fit(&self, rate_hz: f64) -> Result<(), SourceError> {
        check_fit(&self.name, self.classifier.card(), rate_hz)?;
        Ok(())
    }

    /// Something that listens to recordings of a rate.
    ///
    /// # Errors
    /// When they do not fit.
    pub fn listener(&self, rate_hz: f64) -> Result<NetworkListener, SourceError> {
        let rules = |class: &spyhop_api::ModelClass| self.rules(class);
        Ok(NetworkListener::new(&self.name, self.classifier.clone(), rate_hz, &rules)?)
    }
}
