//! A folder of this machine and all folders below it.

use std::fs::DirEntry;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Listed, Listing, PlaceError, Unsure, Wanted};

/// Folders below one another that are looked into; a disk that has more goes in circles.
const MAX_DEPTH: usize = 32;

/// A place on a disk.
pub struct Folder {
    /// Canonical, so that a path can be told to lie inside it.
    path: PathBuf,
}

impl Folder {
    /// # Errors
    /// When it is no folder that can be read.
    pub fn open(path: &Path) -> Result<Folder, PlaceError> {
        let unreadable = |error| PlaceError::Unreadable { path: path.to_owned(), error };
        let canonical = path.canonicalize().map_err(unreadable)?;
        if canonical.is_file() {
            return Err(PlaceError::NotAFolder { path: path.to_owned() });
        }
        canonical.read_dir().map_err(unreadable)?;
        Ok(Folder { path: canonical })
    }

    /// Its full path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The full path of a listed file; `None` where it is gone or a link now leads out of the place.
    pub fn path_of(&self, path: &str) -> Option<PathBuf> {
        self.joined(path).canonicalize().ok().filter(|real| real.starts_with(&self.path))
    }

    /// Whether a listed file is surely there no more: the folder that it would be in is, or one above it, and can
    /// be read.
    pub fn has_lost(&self, path: &str) -> bool {
        let wanted = self.joined(path);
        let is_absent = |way: &Path| {
            way.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound)
        };
        let mut ways = wanted.ancestors().take_while(|way| way.starts_with(&self.path));
        let is_there = |way: &&Path| !is_absent(way);
        is_absent(&wanted)
            && ways.find(is_there).is_some_and(|way| entries(way).is_ok_and(|all| !all.is_empty()))
    }

    /// Whether a file that is there is another than the listed one, by the time at which it was written.
    pub fn has_rewritten(&self, file: &Listed) -> bool {
        self.joined(&file.path).metadata().is_ok_and(|now| version(&now) != file.version)
    }

    fn joined(&self, path: &str) -> PathBuf {
        path.split('/').fold(self.path.clone(), |folder, part| folder.join(part))
    }

    /// All wanted files. A folder below that can't be read is told of in the log and stops nothing;
    /// a link to a folder is passed over (inside the place its files are listed anyway).
    ///
    /// # Errors
    /// When the place itself can't be read: a disk that was pulled out is no empty one.
    pub fn list(&self, wanted: Wanted) -> Result<Listing, PlaceError> {
        let mut listing = Listing::default();
        let mut folders = vec![(self.path.clone(), String::new(), 0)];
        while let Some((folder, below, depth)) = folders.pop() {
            let entries = match entries(&folder) {
                Ok(entries) => entries,
                Err(error) if depth == 0 => {
                    return Err(PlaceError::Unreadable { path: folder, error });
                }
                Err(error) => {
                    tracing::warn!("a folder is passed over ({error}): {}", folder.display());
                    let reason = format!("this folder can't be read ({error}).");
                    listing.unsure.push(Unsure { below, folder, reason });
                    continue;
                }
            };
            if entries.is_empty() {
                let reason = "this folder is empty: is its disk mounted?".to_owned();
                listing.unsure.push(Unsure { below, folder, reason });
                continue;
            }
            for entry in entries {
                let Ok(name) = entry.file_name().into_string() else { continue };
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() {
                    if depth < MAX_DEPTH {
                        let path = format!("{below}{name}/");
                        folders.push((entry.path(), path, depth + 1));
                    }
                } else if wanted(&name) {
                    let path = format!("{below}{name}");
                    listing.files.extend(self.listed(&entry, kind.is_symlink(), path));
                }
            }
        }
        Ok(listing)
    }

    fn listed(&self, entry: &DirEntry, link: bool, path: String) -> Option<Listed> {
        let at = entry.path();
        if link && !at.canonicalize().is_ok_and(|real| real.starts_with(&self.path)) {
            return None;
        }
        // Of the file that a link leads to.
        let metadata = at.metadata().ok().filter(|m| m.is_file())?;
        Some(Listed { path, bytes: metadata.len(), version: version(&metadata), digest: None })
    }
}

/// What lies in a folder, but for hidden names.
fn entries(folder: &Path) -> std::io::Result<Vec<DirEntry>> {
    let is_shown = |entry: &DirEntry| !entry.file_name().as_encoded_bytes().starts_with(b".");
    let all: Vec<DirEntry> = folder.read_dir()?.collect::<Result<_, _>>()?;
    Ok(all.into_iter().filter(is_shown).collect())
}

/// When a file was written.
fn version(metadata: &std::fs::Metadata) -> String {
    let written = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let nanos = written.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    format!("{nanos:x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_lost_where_its_folder_is_read_and_holds_something_else() {
        let root = tempfile::tempdir().expect("a folder");
        for (folder, file) in [("disk", ".DS_Store"), ("other/bay", ".keep"), ("here", "b.wav")] {
            std::fs::create_dir_all(root.path().join(folder)).expect("made");
            std::fs::write(root.path().join(folder).join(file), b"x").expect("written");
        }
        let folder = Folder::open(root.path()).expect("a place");
        assert!(!folder.has_lost("disk/bay/a.wav"), "its disk may not be mounted");
        assert!(!folder.has_lost("other/bay/a.wav"));
        assert!(folder.has_lost("other/cape/a.wav"));
        assert!(folder.has_lost("here/a.wav") && folder.has_lost("gone/a.wav"));
        let listing = folder.list(|name| name.ends_with(".wav")).expect("listed");
        let mut unsure: Vec<_> = listing.unsure.iter().map(|u| u.below.as_str()).collect();
        unsure.sort_unstable();
        assert_eq!(unsure, ["disk/", "other/bay/"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_can_t_be_read_is_passed_over_and_named() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().expect("a folder");
        let locked = root.path().join("locked");
        std::fs::create_dir_all(&locked).expect("made");
        std::fs::write(locked.join("a.wav"), b"x").expect("written");
        let folder = Folder::open(root.path()).expect("a place");
        let mode = |bits| std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(bits));
        mode(0o000).expect("locked");
        // Whoever may read everything meets no lock.
        let is_locked = locked.read_dir().is_err();
        let listing = folder.list(|_| true).expect("listed");
        mode(0o755).expect("opened");
        if is_locked {
            assert_eq!(
                listing.unsure.iter().map(|u| u.below.as_str()).collect::<Vec<_>>(),
                ["locked/"]
            );
            assert!(listing.unsure[0].reason.contains("can't be read"));
        } else {
            assert_eq!(listing.files.len(), 1);
        }
    }

    #[test]
    fn folders_in_folders_are_listed_and_what_leads_out_is_not() {
        let outside = tempfile::tempdir().expect("a folder");
        std::fs::write(outside.path().join("o.wav"), b"out").expect("written");
        let root = tempfile::tempdir().expect("a folder");
        let deep = root.path().join("a/b c");
        std::fs::create_dir_all(&deep).expect("made");
        for (path, bytes) in [("a/x.wav", 3), ("a/b c/y.wav", 4), (".hidden.wav", 1), ("z.txt", 2)]
        {
            std::fs::write(root.path().join(path), vec![0; bytes]).expect("written");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::symlink;
            symlink(outside.path(), root.path().join("out")).expect("a link");
            symlink(outside.path().join("o.wav"), root.path().join("o.wav")).expect("a link");
            symlink(root.path(), deep.join("circle")).expect("a link");
            symlink(root.path().join("a/x.wav"), root.path().join("in.wav")).expect("a link");
        }
        let folder = Folder::open(root.path()).expect("a place");
        let mut files = folder.list(|name| name.ends_with(".wav")).expect("listed").files;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let found: Vec<_> = files.iter().map(|f| (f.path.as_str(), f.bytes)).collect();
        let mut expected = vec![("a/b c/y.wav", 4), ("a/x.wav", 3)];
        if cfg!(unix) {
            expected.push(("in.wav", 3));
        }
        assert_eq!(found, expected);
        let inside = folder.path().join("a").join("b c").join("y.wav");
        assert_eq!(folder.path_of("a/b c/y.wav"), Some(inside));
        for outside in ["o.wav", "../x", "a/../../x", "out/o.wav", "gone.wav"] {
            assert_eq!(folder.path_of(outside), None, "{outside}");
        }
    }
}
