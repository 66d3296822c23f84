//! The state folder for a command that makes something of recordings: its own, or shared with the process
//! that works there.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{StateError, StateFolder, who_works_in};

/// Below the state folder: where commands that run beside another process have their catalogues.
const BESIDE: &str = "beside";
/// What a command that was killed left there is removed after this.
const LEFT_FOR: Duration = Duration::from_secs(3600);

/// A state folder to make something in. What is made is named by what made it, so that several processes
/// may do that at once; but a catalogue has one writer. Beside another process this one has a folder of its
/// own for that, which goes when this is dropped.
#[derive(Debug)]
pub struct Workplace {
    path: PathBuf,
    /// Where this process may write a catalogue.
    catalogue: StateFolder,
    is_beside: bool,
}

impl Workplace {
    /// Takes a state folder, or works beside whoever has it.
    ///
    /// # Errors
    /// When it can't be made or written.
    pub fn open(path: &Path) -> Result<Workplace, StateError> {
        match StateFolder::open(path) {
            Ok(state) => {
                let path = state.path().to_owned();
                Ok(Workplace { path, catalogue: state, is_beside: false })
            }
            Err(StateError::InUse { path, .. }) => {
                let all = path.join(BESIDE);
                remove_what_was_left(&all);
                let own = all.join(std::process::id().to_string());
                // Of a process that had our number before and was killed; if there is none, so much the
                // better.
                let _ = std::fs::remove_dir_all(&own);
                let catalogue = StateFolder::open(&own)?;
                Ok(Workplace { path, catalogue, is_beside: true })
            }
            Err(error) => Err(error),
        }
    }

    /// Where what is made goes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the catalogue is that this process may write.
    pub fn catalogue(&self) -> &StateFolder {
        &self.catalogue
    }

    /// Whether another process works in the state folder.
    pub fn is_beside(&self) -> bool {
        self.is_beside
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if self.is_beside {
            // What stays is removed by a later command.
            let _ = std::fs::remove_dir_all(self.catalogue.path());
        }
    }
}

/// Whether a command works beside the process that has a state folder: then nothing may be taken away there
/// that it may be making.
pub fn is_anyone_beside(state: &Path) -> bool {
    let Ok(folders) = state.join(BESIDE).read_dir() else { return false };
    folders.flatten().any(|folder| who_works_in(&folder.path()).is_some())
}

fn remove_what_was_left(all: &Path) {
    let Ok(folders) = all.read_dir() else { return };
    let now = SystemTime::now();
    for folder in folders.flatten() {
        let since = folder.metadata().and_then(|about| about.modified());
        let idle = since.map_or(Duration::ZERO, |at| now.duration_since(at).unwrap_or_default());
        if idle > LEFT_FOR && who_works_in(&folder.path()).is_none() {
            // It takes space and does no other harm.
            let _ = std::fs::remove_dir_all(folder.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_works_beside_the_first_and_leaves_nothing() {
        let scratch = tempfile::tempdir().expect("a folder");
        let first = Workplace::open(scratch.path()).expect("first");
        assert!(!first.is_beside() && first.path() == first.catalogue().path());
        let second = Workplace::open(scratch.path()).expect("second");
        let own = second.catalogue().path().to_owned();
        assert!(second.is_beside() && second.path() == first.path() && own != first.path());
        assert!(is_anyone_beside(first.path()));
        drop(second);
        assert!(!own.exists() && !is_anyone_beside(first.path()));
        drop(first);
        assert!(!Workplace::open(scratch.path()).expect("given back").is_beside());
    }

    #[test]
    fn what_a_killed_command_left_goes_later() {
        let scratch = tempfile::tempdir().expect("a folder");
        let _server = StateFolder::open(scratch.path()).expect("the server");
        let all = scratch.path().join(BESIDE);
        for (name, hours) in [("old", 2), ("new", 0)] {
            std::fs::create_dir_all(all.join(name)).expect("made");
            let folder = std::fs::File::open(all.join(name)).expect("opened");
            let at = SystemTime::now() - Duration::from_secs(3600 * hours);
            folder.set_modified(at).expect("dated");
        }
        let _beside = Workplace::open(scratch.path()).expect("beside");
        assert!(!all.join("old").exists() && all.join("new").exists());
    }
}
