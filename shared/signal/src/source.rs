//! Where bytes come from: all that a format sees of a file.

mod block_cache;
#[cfg(not(target_arch = "wasm32"))]
mod file;
mod shared;

pub use block_cache::BlockCache;
#[cfg(not(target_arch = "wasm32"))]
pub use file::FileSource;
pub(crate) use shared::SharedSource;

/// A readable sequence of bytes of known length. **Synchronous**: in the browser it is used only in
/// workers (`FileReaderSync`, synchronous requests), on a server in blocking tasks.
pub trait ByteSource: Send {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// Whether there is nothing to read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buf` from `offset`, or says why not. Reading past the end is an error.
    ///
    /// # Errors
    /// When the bytes can't be had; the message is for a person.
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError>;

    /// Whether it keeps what it reads by itself, so that no cache is wanted in front of it.
    fn keeps_blocks(&self) -> bool {
        false
    }

    /// How much is read at once where less is asked for. Two hundred kilobytes is where a request to a bucket
    /// begins to cost more in transfer than in waiting.
    fn block_bytes(&self) -> usize {
        256 * 1024
    }
}

/// Bytes that could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The range reaches past the end: a file that is shorter than its header says.
    #[error("bytes {offset}..{end} lie past the end of the file ({len} bytes)")]
    PastEnd {
        /// First byte asked for.
        offset: u64,
        /// One past the last byte asked for.
        end: u64,
        /// Length of the file.
        len: u64,
    },
    /// It is not what it was when it was listed; to read it again helps nobody.
    #[error("{0}")]
    Changed(String),
    /// The disk, the browser or the server said no.
    #[error("{0}")]
    Io(String),
}

impl ByteSource for Vec<u8> {
    fn len(&self) -> u64 {
        self.as_slice().len() as u64
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        let len = self.as_slice().len() as u64;
        let end = offset.saturating_add(buf.len() as u64);
        let past_end = SourceError::PastEnd { offset, end, len };
        let from = usize::try_from(offset).map_err(|_| past_end.clone())?;
        let bytes = self.get(from..).and_then(|b| b.get(..buf.len())).ok_or(past_end)?;
        buf.copy_from_slice(bytes);
        Ok(())
    }
}

impl<S: ByteSource + ?Sized> ByteSource for Box<S> {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        (**self).read_at(offset, buf)
    }

    fn keeps_blocks(&self) -> bool {
        (**self).keeps_blocks()
    }

    fn block_bytes(&self) -> usize {
        (**self).block_bytes()
    }
}
