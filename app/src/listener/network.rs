//! A network's folder on the person's own disk.

use spyhop_words::page::listener_choices as words;
use spyhop_workers::listening::{NetworkFile, NetworkFiles};
use wasm_bindgen::prelude::*;
use web_sys::File;

/// What makes a folder a network's.
const CONFIG: &str = "config.json";

/// A network that can be asked for: what it is called, where its files are, and those that are on the disk.
#[derive(Clone)]
pub struct Chosen {
    pub network: NetworkFiles,
    pub objects: Vec<JsValue>,
}

/// The network of a folder that a person chose.
///
/// # Errors
/// When it is none, for a person.
pub fn of_folder(files: &[File]) -> Result<Chosen, String> {
    let path = |file: &File| {
        let path = js_sys::Reflect::get(file, &"webkitRelativePath".into()).ok();
        path.and_then(|path| path.as_string()).filter(|path| !path.is_empty())
    };
    // Its own files, not those of folders inside it.
    let own: Vec<&File> = files
        .iter()
        .filter(|file| path(file).is_none_or(|path| path.split('/').count() <= 2))
        .collect();
    let first = own.first().copied().and_then(path);
    let name =
        first.as_deref().and_then(|path| path.split('/').next()).unwrap_or(words::THIS_FOLDER);
    if !own.iter().any(|file| file.name() == CONFIG) {
        return Err(words::no_network(name));
    }
    let described =
        |file: &&File| NetworkFile { name: file.name(), bytes: file.size() as u64, url: None };
    let network = NetworkFiles {
        name: name.to_owned(),
        files: own.iter().map(described).collect(),
        authorisation: None,
        adapter: None,
    };
    Ok(Chosen { network, objects: own.into_iter().map(JsValue::from).collect() })
}
