//! The small network that tests run: random weights with what the reference implementation gave for them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

/// Its folder.
pub fn ast_tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/model/tests/fixtures/ast_tiny")
}

/// A tensor of what the reference implementation gave, flat: `upcall.wave`, `upcall.logits`.
///
/// # Errors
/// When it is not there.
pub fn reference(name: &str) -> anyhow::Result<Vec<f32>> {
    let bytes = fs::read(ast_tiny().join("expected.safetensors"))?;
    let (count, rest) = bytes.split_at(8);
    let count = usize::try_from(u64::from_le_bytes(count.try_into()?))?;
    let about: Value = serde_json::from_slice(&rest[..count])?;
    let offsets = &about[name]["data_offsets"];
    let at = |i: usize| offsets[i].as_u64().unwrap_or_default() as usize + count;
    let (numbers, _) = rest[at(0)..at(1)].as_chunks::<4>();
    Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// A data folder of a user who has this network under some names, see
/// [`Server::start_of`](crate::Server::start_of).
///
/// # Errors
/// When the disk says no.
pub fn data_home(names: &[&str]) -> anyhow::Result<TempDir> {
    let home = TempDir::new()?;
    for name in names {
        let folder = models_of(home.path()).join(name);
        fs::create_dir_all(&folder)?;
        for file in ["config.json", "preprocessor_config.json", "model.safetensors"] {
            fs::copy(ast_tiny().join(file), folder.join(file))?;
        }
    }
    Ok(home)
}

/// Where the models lie in a data folder.
pub fn models_of(home: &Path) -> PathBuf {
    home.join("spyhop/models")
}

/// Puts the adapter of this network among a user's models.
///
/// # Errors
/// When the disk says no.
pub fn put_adapter(home: &Path, name: &str) -> anyhow::Result<()> {
    let folder = models_of(home).join(name);
    fs::create_dir_all(&folder)?;
    for file in ["adapter_config.json", "adapter_model.safetensors"] {
        fs::copy(ast_tiny().join("lora").join(file), folder.join(file))?;
    }
    Ok(())
}
