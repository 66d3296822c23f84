//! Walking the chunks of a RIFF file, its 64-bit variants included.

use super::bytes::{array, u32_le, u64_le};
use super::opening::Opening;
use crate::recording::OpenError;
use crate::source::ByteSource;

/// Chunks looked at; a real file has a dozen.
const MAX_CHUNKS: usize = 4096;

/// Chunk names that make a `data` chunk of size 0 an empty one, where otherwise a size of 0 means a
/// writer that never came back to fill it in.
const AFTER_DATA: [&[u8; 4]; 12] = [
    b"LIST", b"bext", b"guan", b"wamd", b"iXML", b"id3 ", b"ID3 ", b"fact", b"PEAK", b"cue ",
    b"JUNK", b"harp",
];

/// One chunk: where its content lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) id: [u8; 4],
    pub(crate) offset: u64,
    /// Bytes that are really there.
    pub(crate) bytes: u64,
    /// Bytes that its header promises.
    pub(crate) stated: u64,
}

/// The sizes that a `ds64` chunk keeps where 32 bits do not suffice.
#[derive(Clone, Copy, Default)]
struct LongSizes {
    data: Option<u64>,
}

/// Lists all chunks after the 12 bytes of the RIFF header.
pub(crate) fn chunks(opening: &mut Opening<'_>) -> Result<Vec<Chunk>, OpenError> {
    let len = opening.source.len();
    let mut long = LongSizes::default();
    let mut list: Vec<Chunk> = Vec::new();
    let mut at = 12;
    while at + 8 <= len && list.len() < MAX_CHUNKS {
        let Some((id, size)) = header(opening, at)? else { break };
        let offset = at + 8;
        let left = len - offset;
        let mut stated = u64::from(size);
        if &id == b"data" {
            let streamed = match size {
                u32::MAX => {
                    stated = long.data.filter(|&d| d != 0 && d != u64::MAX).unwrap_or(left);
                    long.data.is_none()
                }
                0 => !is_empty_data(opening, offset, len)?,
                _ => false,
            };
            if streamed {
                stated = left;
            }
        }
        let chunk = Chunk { id, offset, bytes: stated.min(left), stated };
        if &id == b"ds64" {
            let content = opening.bytes_up_to(offset, 28)?;
            long.data = u64_le(&content, 8);
        }
        list.push(chunk);
        let end = offset.saturating_add(stated);
        at = end.saturating_add(stated & 1);
        // Some writers forget the byte that pads an odd chunk.
        if stated & 1 == 1 && header(opening, at)?.is_none() && header(opening, end)?.is_some() {
            at = end;
        }
    }
    Ok(list)
}

/// Reads the eight bytes in front of a chunk, if they can be one.
fn header(opening: &mut Opening<'_>, at: u64) -> Result<Option<([u8; 4], u32)>, OpenError> {
    let bytes = opening.bytes_up_to(at, 8)?;
    let (Some(id), Some(size)) = (array::<4>(&bytes, 0), u32_le(&bytes, 4)) else {
        return Ok(None);
    };
    Ok(id.iter().all(|b| (b' '..=b'~').contains(b)).then_some((id, size)))
}

/// Whether a data chunk of stated size 0 is truly followed by another chunk, or by nothing.
fn is_empty_data(opening: &mut Opening<'_>, at: u64, len: u64) -> Result<bool, OpenError> {
    Ok(match header(opening, at)? {
        Some((id, size)) => {
            AFTER_DATA.contains(&&id) && at + 8 + u64::from(size) <= len + u64::from(size & 1)
        }
        None => at >= len,
    })
}
