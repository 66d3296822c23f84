//! Where a network's files lie: a folder, or memory (what a page fetched, or the program carries).

use std::collections::BTreeMap;
#[cfg(not(target_arch = "wasm32"))]
use std::path::PathBuf;

use crate::{ModelError, card, config, preprocessor, weights};

/// Whether a model folder's file has a say in what the network is: anything else in it is none of its
/// users' business.
pub fn is_model_file(name: &str) -> bool {
    let has_a_name =
        [config::FILE_NAME, preprocessor::FILE_NAME, card::FILE_NAME, weights::INDEX_NAME];
    has_a_name.contains(&name) || name.ends_with(".safetensors")
}

/// Files by name, as `save_pretrained` writes them into one folder.
pub trait ModelFiles {
    /// What the place is called, for names and messages.
    fn place(&self) -> String;

    /// A file's bytes, or `None` where there is no such file.
    ///
    /// # Errors
    /// When it is there and can't be read.
    fn read(&self, file: &str) -> Result<Option<Vec<u8>>, ModelError>;

    /// A file as messages name it.
    fn path(&self, file: &str) -> String {
        format!("{}/{file}", self.place())
    }
}

/// Files in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles {
    /// What messages call the place.
    pub place: String,
    /// Bytes by name.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl ModelFiles for MemoryFiles {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn read(&self, file: &str) -> Result<Option<Vec<u8>>, ModelError> {
        Ok(self.files.get(file).cloned())
    }
}

/// A folder of the machine.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Clone, Debug)]
pub struct ModelFolder(pub PathBuf);

#[cfg(not(target_arch = "wasm32"))]
impl ModelFiles for ModelFolder {
    fn place(&self) -> String {
        self.0.display().to_string()
    }

    fn read(&self, file: &str) -> Result<Option<Vec<u8>>, ModelError> {
        match std::fs::read(self.0.join(file)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(ModelError::Read { file: self.path(file), reason: e.to_string() }),
        }
    }
}
