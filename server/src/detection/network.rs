//! A network of the user's, with the settings by which its scores become candidates.

use std::path::Path;
use std::sync::Arc;

use spyhop_api::did_you_mean::{nearest, question};
use spyhop_config::ModelSettings;
use spyhop_model::{Classifier, ModelFiles, ModelFolder, NetworkListener, OpenOptions, check_fit};
use spyhop_signal::detect::calls::CallRules;

use super::source::SourceError;
use crate::models::{self, Model};

/// An opened network, with how its scores become candidates.
pub struct Network {
    /// The folder's name, as it is asked for.
    pub name: String,
    /// The adapter's, where there is one.
    pub adapter: Option<String>,
    classifier: Arc<Classifier>,
    settings: ModelSettings,
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
        let missing = |error: anyhow::Error| SourceError::Missing(error.to_string());
        let adapter = adapter.map(models::named).transpose().map_err(missing)?;
        let adapter = adapter.map(|folder| Model::Folder(ModelFolder(folder)));
        let model = Model::named(model).map_err(missing)?;
        let options = OpenOptions {
            adapter: adapter.as_ref().map(|files| files as &dyn ModelFiles),
            ..OpenOptions::default()
        };
        let classifier = Classifier::open_with(&model, &options)?;
        let network = Network {
            name: model.name(),
            adapter: adapter.as_ref().map(Model::name),
            classifier: Arc::new(classifier),
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
