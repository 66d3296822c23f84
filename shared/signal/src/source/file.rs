//! A file on a disk.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::{ByteSource, SourceError};

/// A [`ByteSource`] over a file of the file system.
pub struct FileSource {
    file: File,
    len: u64,
}

impl FileSource {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// When there is no such file, it is a folder, or it may not be read.
    pub fn open(path: &Path) -> Result<FileSource, SourceError> {
        let io = |e: std::io::Error| SourceError::Io(reason(&e).to_owned());
        // Before it is opened: opening a pipe would wait for somebody to write into it.
        let metadata = std::fs::metadata(path).map_err(io)?;
        if metadata.is_dir() {
            return Err(SourceError::Io("it is a folder; name the files in it".to_owned()));
        }
        if !metadata.is_file() {
            let reason =
                "it is a device or a pipe, which can't be read in parts; save it to a file";
            return Err(SourceError::Io(reason.to_owned()));
        }
        let file = File::open(path).map_err(io)?;
        Ok(FileSource { file, len: metadata.len() })
    }
}

/// What a person can do about it, in place of an error number.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "this account may not read it".to_owned(),
        _ => error.to_string(),
    }
}

impl ByteSource for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        let end = offset.saturating_add(buf.len() as u64);
        if end > self.len {
            return Err(SourceError::PastEnd { offset, end, len: self.len });
        }
        self.file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.read_exact(buf))
            .map_err(|e| SourceError::Io(reason(&e)))
    }

    /// The system keeps what was read and reads ahead by itself: a picture of months looks at a few kilobytes here
    /// and there, and to copy much around each of them took most of its time.
    fn block_bytes(&self) -> usize {
        16 * 1024
    }
}
