//! W64 (Sony Wave64): WAV with 64-bit sizes and 16-byte names.

use super::bytes::{array, u64_le};
use super::metadata;
use super::opening::{Found, Opening};
use super::pcm::PcmDecoder;
use super::riff::Chunk;
use super::wav::{data_frames, parse_format};
use crate::recording::OpenError;
use crate::source::ByteSource;

/// The name of the whole file.
pub(crate) const RIFF_GUID: [u8; 16] =
    [b'r', b'i', b'f', b'f', 0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0, 0];
/// All other names are four letters and this.
const CHUNK_GUID: [u8; 12] =
    [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];
/// A chunk's header, which its size includes.
const HEADER_BYTES: u64 = 24;
const MAX_CHUNKS: usize = 4096;

/// Opens what begins with the `riff` name.
pub(crate) fn open(opening: &mut Opening<'_>) -> Result<Found, OpenError> {
    let len = opening.source.len();
    let mut format = None;
    let mut data = None;
    let mut at = 40;
    for _ in 0..MAX_CHUNKS {
        let header = opening.bytes_up_to(at, HEADER_BYTES as usize)?;
        let (Some(id), Some(guid), Some(size)) =
            (array::<4>(&header, 0), array::<12>(&header, 4), u64_le(&header, 16))
        else {
            break;
        };
        if guid != CHUNK_GUID {
            break;
        }
        let offset = at + HEADER_BYTES;
        // Sizes of 0 and −1 are those of a writer that never came back.
        let streamed = &id == b"data" && (size < HEADER_BYTES || size >= u64::MAX - 7);
        let stated = if streamed { len - offset } else { size.saturating_sub(HEADER_BYTES) };
        let chunk = Chunk { id, offset, bytes: stated.min(len - offset), stated };
        match &id {
            b"fmt " => {
                let content = opening.bytes_up_to(offset, chunk.bytes.min(64) as usize)?;
                format = Some(parse_format(&content).map_err(|problem| opening.broken(problem))?);
            }
            b"data" => data = data.or(Some(chunk)),
            _ => metadata::riff_chunk(opening, &chunk)?,
        }
        let Some(next) = offset.checked_add(stated).and_then(|n| n.checked_next_multiple_of(8))
        else {
            break;
        };
        at = next;
    }
    let (Some(format), Some(data)) = (format, data) else {
        return Err(opening.broken(
            "it begins like a W64 file but has no format or no samples; it was cut short or \
             damaged, copy it again"
                .to_owned(),
        ));
    };
    let frames = data_frames(opening, data, &format);
    Ok(Found {
        format: "w64",
        codec: format.layout.name(),
        sample_rate_hz: format.sample_rate_hz,
        channels: format.channels,
        bits_per_sample: format.bits_per_sample,
        frames,
        segments: Vec::new(),
        decoder: Box::new(PcmDecoder::new(format.layout, format.channels, data.offset, frames)),
    })
}
