//! Where this user's programs keep their data.

use std::path::PathBuf;

/// Where `make serve` puts the demo and `spyhop serve` looks for it.
pub fn demo_folder() -> Option<PathBuf> {
    Some(user_data_folder()?.join("spyhop").join("demo"))
}

/// Where Spyhop keeps what it makes of recordings, unless `--state` says another folder.
pub fn state_folder() -> Option<PathBuf> {
    Some(user_data_folder()?.join("spyhop").join("state"))
}

/// Where models lie that are asked for by name.
pub fn models_folder() -> Option<PathBuf> {
    Some(user_data_folder()?.join("spyhop").join("models"))
}

/// Whoever's home it is, as shells mean `~`.
pub fn home_folder() -> Option<PathBuf> {
    variable(if cfg!(windows) { "USERPROFILE" } else { "HOME" })
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// `$XDG_DATA_HOME`, or the system's own place for it.
fn user_data_folder() -> Option<PathBuf> {
    if let Some(folder) = variable("XDG_DATA_HOME") {
        return Some(folder);
    }
    if cfg!(windows) {
        return variable("LOCALAPPDATA");
    }
    let home = home_folder()?;
    let below =
        if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/share" };
    Some(home.join(below))
}
