//! What files say of themselves beside their samples.

pub(crate) mod audiomoth;
pub(crate) mod bext;
pub(crate) mod guano;
pub(crate) mod info_list;
pub(crate) mod soundtrap;
pub(crate) mod vorbis_comment;
pub(crate) mod wamd;

use super::opening::Opening;
use super::riff::Chunk;
use crate::recording::OpenError;

/// Bytes of one metadata chunk that are looked at.
const MAX_BYTES: u64 = 1 << 20;

/// Reads the chunk if it is one that tells something.
pub(crate) fn riff_chunk(opening: &mut Opening<'_>, chunk: &Chunk) -> Result<(), OpenError> {
    if matches!(&chunk.id, b"LIST" | b"bext" | b"guan" | b"wamd") {
        let content = opening.bytes_up_to(chunk.offset, chunk.bytes.min(MAX_BYTES) as usize)?;
        content_of(opening, chunk.id, &content);
    }
    Ok(())
}

/// Reads a metadata chunk's content, wherever it stood (a WAV, or a FLAC's foreign metadata).
pub(crate) fn content_of(opening: &mut Opening<'_>, id: [u8; 4], content: &[u8]) {
    match &id {
        b"LIST" => info_list::read(opening, content),
        b"bext" => bext::read(opening, content),
        b"guan" => guano::read(opening, content),
        b"wamd" => wamd::read(opening, content),
        _ => {}
    }
}
