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
