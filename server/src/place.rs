//! A place: where recordings lie. A local folder, a bucket (`s3://`, `gs://`) or a web folder
//! (`https://`).
//!
//! All of them are listed and read by ranges through [`Place`], which is synchronous: what waits for
//! the network waits on a small runtime of its own, so that a place can be read from any thread.
//! Nothing is ever written to a place.

mod address;
mod autoindex;
mod error;
mod folder;
mod google_digests;
mod remote;
mod waiting;
mod web_listing;

use std::ops::Range;
use std::path::PathBuf;

use axum::body::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use spyhop_signal::source::{ByteSource, FileSource};

pub use address::Address;
pub use error::PlaceError;
use folder::Folder;
use remote::Remote;

/// Recordings are read here, and never written.
pub struct Place {
    address: Address,
    kind: Kind,
}

enum Kind {
    Folder(Folder),
    Remote(Remote),
}

/// A file of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Folders and name below the place, with `/` between them on every system.
    pub path: String,
    /// Length.
    pub bytes: u64,
    /// Another one says that the content is another: time of change, or entity tag in its quotes.
    pub version: String,
    /// What the store says of the content, where it says something.
    pub digest: Option<Digest>,
}

/// A checksum that a store keeps of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// MD5, of 16 bytes.
    Md5([u8; 16]),
    /// CRC-32C (Castagnoli).
    Crc32c(u32),
}

impl Listed {
    /// The folder, empty for the place itself, and the name.
    pub fn folder_and_name(&self) -> (&str, &str) {
        self.path.rsplit_once('/').unwrap_or(("", &self.path))
    }

    /// The entity tag, where the version is one that requests can be tied to.
    fn entity_tag(&self) -> Option<&str> {
        self.version.starts_with('"').then_some(self.version.as_str())
    }
}

/// What a place holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// All wanted files, in no order.
    pub files: Vec<Listed>,
    /// Folders of which nobody knows whether what was in or below them is gone.
    pub unsure: Vec<Unsure>,
}

/// A folder that can't be read, or is empty as the mount point of a disk that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsure {
    /// Folders below the place, each with `/` after it; nothing for the place itself.
    pub below: String,
    /// Where it is.
    pub folder: PathBuf,
    /// What is the matter with it, for a person.
    pub reason: String,
}

/// Which files of a folder are wanted, by their names.
pub type Wanted = fn(&str) -> bool;

impl Place {
    /// The place at an address. A folder must be there; a remote place is only asked when it is
    /// listed or read.
    ///
    /// # Errors
    /// When the address is none, or the folder can't be read.
    pub fn at(address: &str) -> Result<Place, PlaceError> {
        let address = Address::parse(address)?;
        let kind = match &address {
            Address::Folder(path) => Kind::Folder(Folder::open(path)?),
            remote => Kind::Remote(Remote::new(remote, remote::Patience::default())?),
        };
        Ok(Place { address, kind })
    }

    /// The address, as a person gives it; of a folder its full path.
    pub fn address(&self) -> String {
        match &self.kind {
            Kind::Folder(folder) => folder.path().display().to_string(),
            Kind::Remote(_) => self.address.to_string(),
        }
    }

    /// What a deployment is called that lies in the place itself: the last part of its address.
    pub fn own_name(&self) -> String {
        let address = self.address();
        let name = address.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next();
        name.filter(|n| !n.is_empty()).unwrap_or("recordings").to_owned()
    }

    /// Whether it is a folder of this machine.
    pub fn is_local(&self) -> bool {
        matches!(self.kind, Kind::Folder(_))
    }

    /// All wanted files below it, in no order. Hidden names, names that are no text, and symbolic
    /// links that lead out of the place are passed over.
    ///
    /// # Errors
    /// When it can't be listed, after several tries where the network is in between.
    pub fn list(&self, wanted: Wanted) -> Result<Vec<Listed>, PlaceError> {
        self.look(wanted).map(|listing| listing.files)
    }

    /// The same, with what could not be seen.
    ///
    /// # Errors
    /// As [`Place::list`].
    pub fn look(&self, wanted: Wanted) -> Result<Listing, PlaceError> {
        match &self.kind {
            Kind::Folder(folder) => folder.list(wanted),
            Kind::Remote(remote) => {
                Ok(Listing { files: remote.list(wanted)?, ..Listing::default() })
            }
        }
    }

    /// Opens a listed file for reading by ranges.
    ///
    /// # Errors
    /// When it is gone or may not be read. A remote file is asked when it is first read.
    pub fn open(&self, file: &Listed) -> Result<Box<dyn ByteSource>, PlaceError> {
        match &self.kind {
            Kind::Folder(folder) => {
                let failed = |reason: String| PlaceError::File { path: file.path.clone(), reason };
                let path = folder.path_of(&file.path);
                let path = path.ok_or_else(|| failed("there is no such file".into()))?;
                let source = FileSource::open(&path).map_err(|e| failed(e.to_string()))?;
                Ok(Box::new(source))
            }
            Kind::Remote(remote) => Ok(Box::new(remote.source(file))),
        }
    }

    /// Reads a short file whole, at most `most_bytes` of it.
    ///
    /// # Errors
    /// As [`Place::open`], and when it can't be read.
    pub fn read(&self, file: &Listed, most_bytes: u64) -> Result<Vec<u8>, PlaceError> {
        let mut source = self.open(file)?;
        let len = source.len().min(most_bytes);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        source.read_at(0, &mut bytes).map_err(|error| PlaceError::File {
            path: file.path.clone(),
            reason: error.to_string(),
        })?;
        Ok(bytes)
    }

    /// Where a listed file of a local place lies on this machine; `None` where it is gone, a link in
    /// its place leads out of the folder, or the place is remote.
    pub fn local_path(&self, path: &str) -> Option<PathBuf> {
        match &self.kind {
            Kind::Folder(folder) => folder.path_of(path),
            Kind::Remote(_) => None,
        }
    }

    /// Whether a listed file was surely removed. Where its disk can't be reached nobody knows; a remote place
    /// says so when it is read.
    pub fn has_lost(&self, file: &Listed) -> bool {
        match &self.kind {
            Kind::Folder(folder) => folder.has_lost(&file.path),
            Kind::Remote(_) => false,
        }
    }

    /// Whether a local file is another than the listed one; a remote place says so when it is read.
    pub fn has_rewritten(&self, file: &Listed) -> bool {
        match &self.kind {
            Kind::Folder(folder) => folder.has_rewritten(file),
            Kind::Remote(_) => false,
        }
    }

    /// Bytes of a remote file as they arrive. A local file is read by its path.
    ///
    /// # Errors
    /// When the store refuses, or the place is local; later errors stand in the stream.
    pub async fn stream(
        &self,
        file: &Listed,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, PlaceError>>, PlaceError> {
        match &self.kind {
            Kind::Folder(_) => {
                let reason = "there is no such file".to_owned();
                Err(PlaceError::File { path: file.path.clone(), reason })
            }
            Kind::Remote(remote) => remote.stream(file, range).await,
        }
    }

    /// The same on this thread, for programs that wait; of any place. `from` must lie before the
    /// file's end.
    ///
    /// # Errors
    /// When the file can't be read, or `take` says no.
    pub fn copy(
        &self,
        file: &Listed,
        from: u64,
        take: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), PlaceError> {
        let failed = |reason: String| PlaceError::File { path: file.path.clone(), reason };
        match &self.kind {
            Kind::Folder(_) => {
                let mut source = self.open(file)?;
                let mut block = vec![0; COPY_BYTES];
                let mut at = from;
                while at < source.len() {
                    let part =
                        COPY_BYTES.min(usize::try_from(source.len() - at).unwrap_or(COPY_BYTES));
                    source.read_at(at, &mut block[..part]).map_err(|e| failed(e.to_string()))?;
                    take(&block[..part]).map_err(PlaceError::Disk)?;
                    at += part as u64;
                }
                Ok(())
            }
            Kind::Remote(remote) => {
                let mut pieces = remote.pieces(file, from)?;
                while let Some(piece) = pieces.recv() {
                    take(&piece?).map_err(PlaceError::Disk)?;
                }
                Ok(())
            }
        }
    }

    /// Asks whether the place sends parts of files, by a part of one of them.
    ///
    /// # Errors
    /// [`PlaceError::NoRanges`] where it sends them whole only; else as reading.
    pub fn check_ranges(&self, file: &Listed) -> Result<(), PlaceError> {
        match &self.kind {
            Kind::Folder(_) => Ok(()),
            Kind::Remote(remote) => remote.check_ranges(file),
        }
    }

    /// The same files with the checksums that the store keeps of them, where asking for those takes
    /// requests of its own.
    pub fn with_digests(&self, files: Vec<Listed>) -> Vec<Listed> {
        match &self.kind {
            Kind::Folder(_) => files,
            Kind::Remote(remote) => remote.with_digests(files),
        }
    }
}

/// Copied from a disk at a time.
const COPY_BYTES: usize = 1 << 20;

/// The rest of a stream as one piece of memory, for what is known to be short.
async fn collected(
    mut stream: BoxStream<'static, Result<Bytes, PlaceError>>,
    into: &mut Vec<u8>,
) -> Result<(), PlaceError> {
    while let Some(piece) = stream.next().await {
        into.extend_from_slice(&piece?);
    }
    Ok(())
}

#[cfg(test)]
pub mod test_server;
#[cfg(test)]
pub mod tests;
