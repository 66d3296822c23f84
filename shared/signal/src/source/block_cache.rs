//! A few blocks of a source kept in memory, so that small reads do not each cost a request.

use super::{ByteSource, SourceError};

/// Blocks kept, whatever the file's size.
const BLOCKS: usize = 8;

/// A [`ByteSource`] behind eight recently used blocks of [`ByteSource::block_bytes`]. Reads of a block's size or
/// more go past the cache straight into the caller's buffer, and so do all of a source that keeps blocks itself.
pub struct BlockCache<S> {
    inner: S,
    /// Most recently used last.
    blocks: Vec<Block>,
}

struct Block {
    index: u64,
    bytes: Vec<u8>,
}

impl<S: ByteSource> BlockCache<S> {
    /// A cache in front of `inner`.
    pub fn new(inner: S) -> Self {
        BlockCache { inner, blocks: Vec::new() }
    }

    /// The block `index`, read if it is not there.
    fn block(&mut self, index: u64) -> Result<&[u8], SourceError> {
        if let Some(at) = self.blocks.iter().position(|b| b.index == index) {
            self.blocks[at..].rotate_left(1);
        } else {
            let size = self.inner.block_bytes() as u64;
            let offset = index * size;
            let len = self.inner.len().saturating_sub(offset).min(size) as usize;
            // The oldest block's memory is used again.
            let mut bytes =
                if self.blocks.len() < BLOCKS { Vec::new() } else { self.blocks.remove(0).bytes };
            bytes.resize(len, 0);
            self.inner.read_at(offset, &mut bytes)?;
            self.blocks.push(Block { index, bytes });
        }
        Ok(self.blocks.last().map_or(&[], |b| &b.bytes))
    }
}

impl<S: ByteSource> ByteSource for BlockCache<S> {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        let end = offset.saturating_add(buf.len() as u64);
        if end > self.len() {
            return Err(SourceError::PastEnd { offset, end, len: self.len() });
        }
        let size = self.inner.block_bytes();
        if buf.len() >= size || self.inner.keeps_blocks() {
            return self.inner.read_at(offset, buf);
        }
        let mut filled = 0;
        while filled < buf.len() {
            let at = offset + filled as u64;
            let within = (at % size as u64) as usize;
            let block = self.block(at / size as u64)?;
            let part = block.get(within..).unwrap_or(&[]);
            let count = part.len().min(buf.len() - filled);
            if count == 0 {
                return Err(SourceError::PastEnd { offset, end, len: self.inner.len() });
            }
            buf[filled..filled + count].copy_from_slice(&part[..count]);
            filled += count;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Counted(Vec<u8>, Arc<AtomicUsize>, usize);

    impl ByteSource for Counted {
        fn len(&self) -> u64 {
            self.0.len() as u64
        }
        fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.read_at(offset, buf)
        }
        fn block_bytes(&self) -> usize {
            self.2
        }
    }

    #[test]
    fn any_range_reads_the_same_through_the_cache_and_small_reads_share_a_request() {
        let bytes: Vec<u8> =
            (0..3_000_001u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for size in [256 * 1024, 16 * 1024, 1000] {
            let reads = Arc::new(AtomicUsize::new(0));
            let mut cache = BlockCache::new(Counted(bytes.clone(), reads.clone(), size));
            for offset in [0usize, 5, 262_140, 262_144, 2_999_990, 1_000_000] {
                for len in [0usize, 1, 11, 300_000] {
                    let len = len.min(bytes.len() - offset);
                    let mut buf = vec![0; len];
                    cache.read_at(offset as u64, &mut buf).expect("in range");
                    assert_eq!(buf, bytes[offset..offset + len]);
                }
            }
            let before = reads.load(Ordering::Relaxed);
            for i in 0..900 {
                cache.read_at(1_000_000 + i, &mut [0; 12]).expect("in range");
            }
            assert!(reads.load(Ordering::Relaxed) <= before + 1, "{size}");
            assert!(cache.read_at(3_000_000, &mut [0; 2]).is_err());
            assert!(cache.blocks.len() <= BLOCKS);
        }
    }
}
