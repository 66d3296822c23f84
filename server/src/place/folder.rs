//! A folder of this machine and all folders below it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Listed, PlaceError, Wanted};

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

    /// Whether a listed file is surely there no more, in a place that is.
    pub fn has_lost(&self, path: &str) -> bool {
        let looked = self.joined(path).symlink_metadata();
        let is_absent = looked.is_err_and(|error| error.kind() == ErrorKind::NotFound);
        is_absent && self.path.read_dir().is_ok() && self.emptied(path).is_none()
    }

    /// Whether a file that is there is another than the listed one, by the time at which it was written.
    pub fn has_rewritten(&self, file: &Listed) -> bool {
        self.joined(&file.path).metadata().is_ok_and(|now| version(&now) != file.version)
    }

    /// The empty folder that is all that is left on the way to something below: a disk that is not mounted
    /// leaves one.
    pub fn emptied(&self, below: &str) -> Option<PathBuf> {
        let wanted = self.joined(below);
        let mut ways = wanted.ancestors().take_while(|way| way.starts_with(&self.path));
        let left = ways.find(|way| way.is_dir())?;
        left.read_dir().ok()?.next().is_none().then(|| left.to_owned())
    }

    fn joined(&self, path: &str) -> PathBuf {
        path.split('/').fold(self.path.clone(), |folder, part| folder.join(part))
    }

    /// All wanted files. A folder below that can't be read is told of in the log and stops nothing;
    /// a link to a folder is passed over (inside the place its files are listed anyway).
    ///
    /// # Errors
    /// When the place itself can't be read: a disk that was pulled out is no empty one.
    pub fn list(&self, wanted: Wanted) -> Result<Vec<Listed>, PlaceError> {
        let mut files = Vec::new();
        let mut folders = vec![(self.path.clone(), String::new(), 0)];
        while let Some((folder, below, depth)) = folders.pop() {
            let entries = match folder.read_dir() {
                Ok(entries) => entries,
                Err(error) if depth == 0 => {
                    return Err(PlaceError::Unreadable { path: folder, error });
                }
                Err(error) => {
                    tracing::warn!("a folder is passed over ({error}): {}", folder.display());
                    continue;
                }
            };
            for entry in entries.flatten() {
                let Ok(name) = entry.file_name().into_string() else { continue };
                let Ok(kind) = entry.file_type() else { continue };
                if name.starts_with('.') {
                    continue;
                }
                if kind.is_dir() {
                    if depth < MAX_DEPTH {
                        let path = format!("{below}{name}/");
                        folders.push((entry.path(), path, depth + 1));
                    }
                } else if wanted(&name) {
                    files.extend(self.listed(&entry, kind.is_symlink(), format!("{below}{name}")));
                }
            }
        }
        Ok(files)
    }

    fn listed(&self, entry: &std::fs::DirEntry, link: bool, path: String) -> Option<Listed> {
        let at = entry.path();
        if link && !at.canonicalize().is_ok_and(|real| real.starts_with(&self.path)) {
            return None;
        }
        // Of the file that a link leads to.
        let metadata = at.metadata().ok().filter(|m| m.is_file())?;
        Some(Listed { path, bytes: metadata.len(), version: version(&metadata), digest: None })
    }
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
    fn an_empty_folder_on_the_way_to_a_file_may_be_a_disk_that_is_not_mounted() {
        let root = tempfile::tempdir().expect("a folder");
        let (disk, other) = (root.path().join("disk"), root.path().join("other"));
        std::fs::create_dir_all(&disk).expect("made");
        std::fs::create_dir_all(other.join("bay")).expect("made");
        let folder = Folder::open(root.path()).expect("a place");
        let emptied = |below| {
            folder.emptied(below).and_then(|path| path.file_name()?.to_str().map(str::to_owned))
        };
        assert_eq!(emptied("disk/bay/a.wav").as_deref(), Some("disk"));
        assert_eq!(emptied("other/bay/a.wav").as_deref(), Some("bay"));
        assert_eq!(emptied("other/cape/a.wav"), None, "it was removed: the disk is there");
        assert_eq!(emptied("gone/a.wav"), None);
        std::fs::remove_dir_all(&disk).expect("removed");
        std::fs::remove_dir_all(&other).expect("removed");
        assert!(folder.emptied("gone/a.wav").is_some(), "the place itself is empty");
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
        let mut files = folder.list(|name| name.ends_with(".wav")).expect("listed");
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
