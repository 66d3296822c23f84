//! A file's fingerprint: the same file is known again on another machine, by three short reads.

use super::bytes::read_up_to;
use crate::source::{ByteSource, SourceError};

/// Bytes taken from the beginning, the middle and the end.
const PART_BYTES: u64 = 64 * 1024;

/// `<length>-<16 hex digits>`: the length, and BLAKE3 of the first, middle and last 64 KiB (of all
/// of a file that is no longer than the three).
pub(crate) fn of(source: &mut dyn ByteSource) -> Result<String, SourceError> {
    let len = source.len();
    let mut hasher = blake3::Hasher::new();
    let mut take = |offset: u64, bytes: u64| {
        read_up_to(source, offset, bytes as usize).map(|part| {
            hasher.update(&part);
        })
    };
    if len <= 3 * PART_BYTES {
        take(0, len)?;
    } else {
        for offset in [0, (len - PART_BYTES) / 2, len - PART_BYTES] {
            take(offset, PART_BYTES)?;
        }
    }
    let hash = hasher.finalize().to_hex();
    Ok(format!("{len}-{}", &hash.as_str()[..16]))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::formats::{OpenOptions, open, wav_writer::wav_pcm16};

    /// Counts the bytes that are read.
    struct Counted(Vec<u8>, Arc<AtomicUsize>);

    impl ByteSource for Counted {
        fn len(&self) -> u64 {
            self.0.len() as u64
        }
        fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
            self.1.fetch_add(buf.len(), Ordering::Relaxed);
            self.0.read_at(offset, buf)
        }
        fn block_bytes(&self) -> usize {
            4096
        }
    }

    #[test]
    fn a_fingerprint_that_is_known_is_not_read_once_more() {
        let file = wav_pcm16(&[7; 500_000], 1, 8000);
        let opened = |fingerprint: Option<String>| {
            let read = Arc::new(AtomicUsize::new(0));
            let source = Box::new(Counted(file.clone(), read.clone()));
            let options = OpenOptions { fingerprint, ..OpenOptions::default() };
            let info = open("a.wav", source, &options).expect("a WAV").info;
            (info, read.load(Ordering::Relaxed))
        };
        let (first, all) = opened(None);
        let (again, some) = opened(Some(first.fingerprint.clone()));
        assert_eq!(first, again);
        assert!(all >= 3 * 64 * 1024 && some <= 3 * 4096, "{all} and {some} bytes");
    }
}
