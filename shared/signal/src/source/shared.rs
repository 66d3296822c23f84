//! One source with two owners: a recording, and a demuxer that keeps its own place in it.

use std::io::{Error, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use super::{BlockCache, ByteSource, SourceError};

/// A cached source that can be cloned; all clones read the same bytes.
#[derive(Clone)]
pub(crate) struct SharedSource {
    inner: Arc<Mutex<BlockCache<Box<dyn ByteSource>>>>,
    len: u64,
    /// Where the next [`Read::read`] begins.
    position: u64,
}

impl SharedSource {
    pub(crate) fn new(source: Box<dyn ByteSource>) -> SharedSource {
        let len = source.len();
        SharedSource { inner: Arc::new(Mutex::new(BlockCache::new(source))), len, position: 0 }
    }
}

impl ByteSource for SharedSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).read_at(offset, buf)
    }
}

impl Read for SharedSource {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let left = self.len.saturating_sub(self.position);
        let count = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let offset = self.position;
        self.read_at(offset, &mut buf[..count]).map_err(|e| Error::other(e.to_string()))?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for SharedSource {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = target.ok_or_else(|| Error::other("a place before the first byte"))?;
        Ok(self.position)
    }
}
