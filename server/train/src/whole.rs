//! Files that are whole or not there: written under another name, brought to the disk, then renamed.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::TrainError;

/// Writes a file that nobody else writes now. Whatever happens on the way, what stood there before stays.
///
/// # Errors
/// When the disk says no.
pub fn put(what: &'static str, path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let unfinished = path.with_added_extension("unfinished");
    put_through(what, path, &unfinished, |file| file.write_all(bytes))
}

/// Gives a file that is whole a second name, which another file may have now: neither is ever changed, only exchanged.
///
/// # Errors
/// As [`put`].
pub fn put_again(what: &'static str, from: &Path, path: &Path) -> Result<(), TrainError> {
    let unfinished = path.with_added_extension("unfinished");
    let linked = std::fs::hard_link(from, &unfinished)
        .and_then(|()| std::fs::rename(&unfinished, path))
        .inspect_err(|_| drop(std::fs::remove_file(&unfinished)));
    if linked.is_ok() {
        return Ok(());
    }
    // A disk that knows no second names.
    let mut whole = File::open(from).map_err(|error| TrainError::reading(what, from, &error))?;
    put_through(what, path, &unfinished, |file| std::io::copy(&mut whole, file).map(drop))
}

/// Writes a file piece by piece; others may write the same one at the same time, and the last one's stays.
///
/// # Errors
/// As [`put`], and when `write` fails.
pub fn put_with(
    what: &'static str,
    path: &Path,
    write: impl FnOnce(&mut File) -> std::io::Result<()>,
) -> Result<(), TrainError> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let own = format!("{}-{number}.unfinished", std::process::id());
    put_through(what, path, &path.with_added_extension(own), write)
}

fn put_through(
    what: &'static str,
    path: &Path,
    unfinished: &Path,
    write: impl FnOnce(&mut File) -> std::io::Result<()>,
) -> Result<(), TrainError> {
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| {
        let mut file = File::create(unfinished)?;
        write(&mut file)?;
        // A name must not be given to what a power cut could still take back.
        file.sync_all()?;
        std::fs::rename(unfinished, path)
    });
    written.map_err(|error| {
        // What is left of it is of no use; that it may not be there is no second error.
        let _ = std::fs::remove_file(unfinished);
        TrainError::writing(what, path, &error)
    })
}

/// The same for what another process reads and nobody needs after a power cut: without waiting for the disk.
///
/// # Errors
/// When the disk says no.
pub fn put_lightly(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let unfinished = path.with_added_extension("unfinished");
    let written =
        std::fs::write(&unfinished, bytes).and_then(|()| std::fs::rename(&unfinished, path));
    written.inspect_err(|_| {
        let _ = std::fs::remove_file(&unfinished);
    })
}

/// Writes several files into a folder.
///
/// # Errors
/// As [`put`].
pub fn put_all(
    what: &'static str,
    folder: &Path,
    files: &spyhop_model::save::Files,
) -> Result<(), TrainError> {
    files.iter().try_for_each(|(name, bytes)| put(what, &folder.join(name), bytes))
}
