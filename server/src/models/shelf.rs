//! The user's models with what is known of each, read anew when its files change.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde_json::Value;
use spyhop_api::{DetectorCard, HostedAdapter, HostedModel, ModelCard, ModelFile, ModelList};
use spyhop_model::{
    Adapter, Classifier, MemoryFiles, ModelError, ModelFiles, ModelFolder, check_adapter,
    is_model_file,
};
use spyhop_signal::detect::call_types;

use super::{ADAPTER_FILE, Model, adapter_names, all};
use crate::data_folder::models_folder;

/// What is known of the models. To know a network is to load it whole.
#[derive(Default)]
pub struct Shelf {
    known: Mutex<HashMap<PathBuf, Known>>,
    adapters: Mutex<HashMap<PathBuf, (Vec<Stamp>, HostedAdapter)>>,
    /// Whether an adapter goes over a network, by both folders, with what it was found out of.
    overlaid: Mutex<HashMap<(PathBuf, PathBuf), Overlaid>>,
}

type Overlaid = ((Vec<Stamp>, Vec<Stamp>), bool);

struct Known {
    stamps: Vec<Stamp>,
    model: HostedModel,
}

/// Where a file of a network is.
pub enum FilePlace {
    /// At a path.
    Disk(PathBuf),
    /// In the program.
    Memory(Vec<u8>),
}

/// A file that has not changed since.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    name: String,
    bytes: u64,
    changed: Option<SystemTime>,
}

impl Shelf {
    /// Everything that there is to detect with.
    pub fn list(&self) -> ModelList {
        let place = models_folder().unwrap_or_default();
        let names = adapter_names();
        let adapters: Vec<HostedAdapter> =
            names.iter().map(|name| self.adapter(&place.join(name), name)).collect();
        let sound = || adapters.iter().filter(|adapter| adapter.problem.is_none());
        let with_adapters = |(name, model): &(String, Model)| {
            let mut hosted = self.hosted(model, name);
            if hosted.card.is_some() {
                let names = sound().map(|adapter| &adapter.name);
                let fitting = names.filter(|name| self.fits(model, &place.join(name)));
                hosted.adapters = fitting.cloned().collect();
            }
            hosted
        };
        ModelList {
            models: all().iter().map(with_adapters).collect(),
            adapters,
            detectors: detectors(),
        }
    }

    /// The cards of all networks by name, or what is wrong with one. None is loaded for it: of those that
    /// were not asked about yet nothing but the card is looked at.
    pub fn cards(&self) -> Vec<(String, Result<ModelCard, String>)> {
        let card = |(name, model): (String, Model)| {
            let known = self.known(&model);
            let read = || model.card().map_err(|error| told(&error, &model.place(), &name));
            let card = match known.map(|known| (known.card, known.problem)) {
                Some((Some(card), _)) => Ok(card),
                Some((None, Some(problem))) => Err(problem),
                _ => read(),
            };
            (name, card)
        };
        all().into_iter().map(card).collect()
    }

    /// What is known of a network whose files have not changed since.
    fn known(&self, model: &Model) -> Option<HostedModel> {
        let stamps = model.stamps().ok()?;
        let known = self.known.try_lock().ok()?;
        let known = known.get(&place_of(model))?;
        (known.stamps == stamps).then(|| known.model.clone())
    }

    /// A file of a model or an adapter, where both are listed: where it is and what is known of it.
    pub fn file(&self, name: &str, file: &str) -> Option<(FilePlace, ModelFile)> {
        self.file_of_model(name, file).or_else(|| self.file_of_adapter(name, file))
    }

    fn file_of_adapter(&self, name: &str, file: &str) -> Option<(FilePlace, ModelFile)> {
        let known = adapter_names().into_iter().find(|known| known == name)?;
        let folder = models_folder()?.join(&known);
        let listed = self.adapter(&folder, &known).files.into_iter().find(|f| f.name == file)?;
        Some((FilePlace::Disk(folder.join(&listed.name)), listed))
    }

    fn file_of_model(&self, model: &str, file: &str) -> Option<(FilePlace, ModelFile)> {
        let (name, model) = all().into_iter().find(|(name, _)| name == model)?;
        let listed = self.hosted(&model, &name).files.into_iter().find(|f| f.name == file)?;
        let place = match model {
            Model::Folder(ModelFolder(folder)) => FilePlace::Disk(folder.join(&listed.name)),
            Model::Carried(mut files) => FilePlace::Memory(files.files.remove(&listed.name)?),
        };
        Some((place, listed))
    }

    /// Whether the adapter of a folder can be laid over a sound network.
    fn fits(&self, model: &Model, adapter: &Path) -> bool {
        let place = place_of(model);
        let of_model = self.lock().get(&place).map(|known| known.stamps.clone());
        let of_adapter = stamps(adapter, is_adapter_file);
        let (Some(of_model), Ok(of_adapter)) = (of_model, of_adapter) else { return false };
        let pair = (place, adapter.to_owned());
        let mut overlaid = self.overlaid.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, fits)) = overlaid.get(&pair)
            && *before == (of_model.clone(), of_adapter.clone())
        {
            return *fits;
        }
        let fits = check_adapter(model, &ModelFolder(adapter.to_owned())).is_ok();
        overlaid.insert(pair, ((of_model, of_adapter), fits));
        fits
    }

    fn adapter(&self, folder: &Path, name: &str) -> HostedAdapter {
        let unsound = |problem: String| HostedAdapter {
            name: name.to_owned(),
            base: String::new(),
            files: Vec::new(),
            problem: Some(problem),
        };
        let mut known = self.adapters.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = match stamps(folder, is_adapter_file) {
            Ok(stamps) => stamps,
            Err(error) => return unsound(format!("{name} can't be read: {error}")),
        };
        if let Some((before, adapter)) = known.get(folder)
            && *before == stamps
        {
            return adapter.clone();
        }
        let adapter = match listed(folder, &stamps) {
            Ok(files) => described_adapter(folder, name, files),
            Err(error) => unsound(format!("{name} can't be read: {error}")),
        };
        known.insert(folder.to_owned(), (stamps, adapter.clone()));
        adapter
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Known>> {
        // An entry goes in whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hosted(&self, model: &Model, name: &str) -> HostedModel {
        match model {
            Model::Folder(ModelFolder(folder)) => self.of_folder(folder, name),
            Model::Carried(files) => self.carried(files, name),
        }
    }

    fn carried(&self, files: &MemoryFiles, name: &str) -> HostedModel {
        let mut known = self.lock();
        // It has no folder; a name alone is nobody else's path.
        let known = known.entry(PathBuf::from(name)).or_insert_with(|| {
            let listed = files.files.iter().map(|(name, bytes)| ModelFile {
                name: name.clone(),
                bytes: bytes.len() as u64,
                fingerprint: blake3::hash(bytes).to_hex().to_string(),
            });
            Known { stamps: Vec::new(), model: described(files, name, listed.collect(), name) }
        });
        known.model.clone()
    }

    fn of_folder(&self, folder: &Path, name: &str) -> HostedModel {
        // Whoever asks meanwhile waits: a network is not loaded twice.
        let mut known = self.lock();
        let stamps = match stamps(folder, is_model_file) {
            Ok(stamps) => stamps,
            Err(error) => return unsound(name, format!("{name} can't be read: {error}")),
        };
        if let Some(known) = known.get(folder).filter(|known| known.stamps == stamps) {
            return known.model.clone();
        }
        let model = opened(folder, name, &stamps);
        known.insert(folder.to_owned(), Known { stamps, model: model.clone() });
        model
    }
}

/// What it is known by: a carried one has no folder, and a name alone is nobody else's path.
fn place_of(model: &Model) -> PathBuf {
    match model {
        Model::Folder(ModelFolder(folder)) => folder.clone(),
        Model::Carried(files) => PathBuf::from(&files.place),
    }
}

fn opened(folder: &Path, name: &str, stamps: &[Stamp]) -> HostedModel {
    let files = match listed(folder, stamps) {
        Ok(files) => files,
        Err(error) => return unsound(name, format!("{name} can't be read: {error}")),
    };
    described(&ModelFolder(folder.to_owned()), name, files, &folder.display().to_string())
}

/// Files with what they hold as a hash.
fn listed(folder: &Path, stamps: &[Stamp]) -> io::Result<Vec<ModelFile>> {
    let file = |stamp: &Stamp| {
        let mut hasher = blake3::Hasher::new();
        let mut file = std::fs::File::open(folder.join(&stamp.name))?;
        io::copy(&mut file, &mut hasher)?;
        let fingerprint = hasher.finalize().to_hex().to_string();
        Ok(ModelFile { name: stamp.name.clone(), bytes: stamp.bytes, fingerprint })
    };
    stamps.iter().map(file).collect()
}

/// What opening it tells; `place` is what its errors call the place.
fn described(
    files_of: &dyn ModelFiles,
    name: &str,
    files: Vec<ModelFile>,
    place: &str,
) -> HostedModel {
    match Classifier::open(files_of) {
        Ok(model) => HostedModel {
            name: name.to_owned(),
            card: Some(model.card().clone()),
            problem: None,
            parameters: model.parameters() as u64,
            fingerprint: model.fingerprint().to_owned(),
            files,
            adapters: Vec::new(),
        },
        Err(error) => HostedModel { files, ..unsound(name, told(&error, place, name)) },
    }
}

/// What is wrong, for anyone: where on this machine the folder lies is nobody's business.
fn told(error: &ModelError, place: &str, name: &str) -> String {
    error.to_string().replace(place, name)
}

fn unsound(name: &str, problem: String) -> HostedModel {
    HostedModel {
        name: name.to_owned(),
        card: None,
        problem: Some(problem),
        parameters: 0,
        fingerprint: String::new(),
        files: Vec::new(),
        adapters: Vec::new(),
    }
}

/// The files of a folder that have a say, by name.
pub fn stamps(folder: &Path, has_say: impl Fn(&str) -> bool) -> io::Result<Vec<Stamp>> {
    let mut stamps = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !has_say(&name) {
            continue;
        }
        let metadata = std::fs::metadata(entry.path())?;
        if metadata.is_file() {
            stamps.push(Stamp { name, bytes: metadata.len(), changed: metadata.modified().ok() });
        }
    }
    stamps.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(stamps)
}

/// Whether a file of an adapter's folder has a say in what it does.
pub fn is_adapter_file(name: &str) -> bool {
    name == ADAPTER_FILE || is_model_file(name)
}

fn described_adapter(folder: &Path, name: &str, files: Vec<ModelFile>) -> HostedAdapter {
    let config = std::fs::read(folder.join(ADAPTER_FILE)).ok();
    let config = config.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let base = config.as_ref().and_then(|c| c["base_model_name_or_path"].as_str());
    HostedAdapter {
        name: name.to_owned(),
        // It is the folder where its maker had the network, mostly: that is nobody's business.
        base: base.map_or_else(String::new, last_part),
        files,
        problem: Adapter::read(&ModelFolder(folder.to_owned()))
            .err()
            .map(|error| told(&error, &folder.display().to_string(), name)),
    }
}

/// The last part of a path, of whatever system.
fn last_part(path: &str) -> String {
    let mut parts = path.rsplit(['/', '\\']).filter(|part| !part.is_empty());
    parts.next().unwrap_or_default().to_owned()
}

fn detectors() -> Vec<DetectorCard> {
    let card = |call: spyhop_signal::detect::CallType| {
        let (keep_from, threshold) = call.method.thresholds();
        DetectorCard {
            id: call.id.to_owned(),
            title: call.title(),
            label: call.label.to_owned(),
            band_hz: call.method.band_hz(),
            needs_hz: call.needs_hz,
            score_unit: call.method.score_unit().to_owned(),
            keep_from,
            threshold,
        }
    };
    call_types().into_iter().map(card).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_s_base_is_told_by_its_name_and_not_by_where_it_lay() {
        let paths = ["/home/ada/models/base/", "C:\\Users\\ada\\base", "MIT/base", "base", ""];
        assert_eq!(paths.map(last_part), ["base", "base", "base", "base", ""]);
    }
}
