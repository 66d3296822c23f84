//! Files that are whole or not there: written under another name, brought to the disk, then renamed.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::TrainError;

/// How the name of what is being written ends.
const UNFINISHED: &str = "unfinished";
/// What was not written to for so long is what a killed process left: a file is written in one go.
const LEFT_AFTER: Duration = Duration::from_secs(3600);

/// Writes a file that nobody else writes now. Whatever happens on the way, what stood there before stays.
///
/// # Errors
/// When the disk says no.
pub fn put(what: &'static str, path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let unfinished = path.with_added_extension(UNFINISHED);
    put_through(what, path, &unfinished, |file| file.write_all(bytes))
}

/// Gives a file that is whole a second name, which another file may have now: neither is ever changed, only exchanged.
///
/// # Errors
/// As [`put`].
pub fn put_again(what: &'static str, from: &Path, path: &Path) -> Result<(), TrainError> {
    // A name of its own: who writes a file anew begins by emptying what has the usual one.
    let linking = path.with_added_extension("again.unfinished");
    // What a killed one left.
    let _ = std::fs::remove_file(&linking);
    let linked = std::fs::hard_link(from, &linking)
        .and_then(|()| std::fs::rename(&linking, path))
        .inspect_err(|_| drop(std::fs::remove_file(&linking)));
    if linked.is_ok() {
        return Ok(());
    }
    // A disk that knows no second names.
    let mut whole = File::open(from).map_err(|error| TrainError::reading(what, from, &error))?;
    let unfinished = path.with_added_extension("unfinished");
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
    let own = format!("{}-{number}.{UNFINISHED}", std::process::id());
    put_through(what, path, &path.with_added_extension(own), write)
}

/// Removes from a folder what processes that were killed left half written. By age and not by whether a process
/// lives: folders are shared by machines that do not see each other's.
pub fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_left = || {
            let age = entry.metadata().ok()?.modified().ok()?.elapsed().ok()?;
            Some(age >= LEFT_AFTER)
        };
        if path.extension().is_some_and(|ending| ending == UNFINISHED) && is_left() == Some(true) {
            // It takes room and does no harm: whoever looks next tries again.
            let _ = std::fs::remove_file(&path);
        }
    }
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
    let unfinished = path.with_added_extension(UNFINISHED);
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

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn a_second_name_lasts_until_the_next_file_and_a_killed_one_harms_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let read = |name: &str| std::fs::read_to_string(path(name)).expect(name);
        put("it", &path("best"), b"best").expect("written");
        put_again("it", &path("best"), &path("state")).expect("linked");
        assert_eq!(read("state"), "best");
        // Killed between its link and its name.
        std::fs::hard_link(path("best"), path("state.again.unfinished")).expect("a link");
        put("it", &path("state"), b"later").expect("written");
        assert_eq!((read("best"), read("state")), ("best".to_owned(), "later".to_owned()));
        put_again("it", &path("best"), &path("state")).expect("linked over what was left");
        assert_eq!(read("state"), "best");
        assert!(!path("state.again.unfinished").exists());
    }

    #[test]
    fn what_a_killed_process_left_goes_and_what_is_being_written_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let hours_old = |name: &str, hours: u64| {
            let file = File::create(path(name)).expect(name);
            let at = SystemTime::now() - Duration::from_secs(3600 * hours);
            file.set_modified(at).expect("dated");
        };
        for (name, hours) in
            [("a.mel.7-0.unfinished", 2), ("b.mel.8-3.unfinished", 0), ("c.mel", 48)]
        {
            hours_old(name, hours);
        }
        sweep(folder.path());
        let left =
            ["a.mel.7-0.unfinished", "b.mel.8-3.unfinished", "c.mel"].map(|n| path(n).exists());
        assert_eq!(left, [false, true, true]);
        sweep(&path("nowhere"));
    }
}
