//! FLAC: metadata blocks, and a decoder that reads any range of samples.
//!
//! The decoder is our own: it must find its place by byte ranges in files of any size (a seek table
//! or not, frames of any length), and stay calm on damaged ones, where symphonia's stops.

mod bits;
mod decoder;
mod frame;
mod subframe;

use self::decoder::FlacDecoder;
use super::bytes::{array, u16_be};
use super::opening::{Found, Opening};
use super::{metadata, wav, xwav};
use crate::recording::OpenError;
use crate::source::ByteSource;

/// Bytes of one metadata block that are looked at; a `harp` chunk is the longest that matters.
const MAX_BLOCK_BYTES: usize = xwav::MAX_BYTES as usize + 16;
/// Metadata blocks looked at.
const MAX_BLOCKS: usize = 4096;
/// A recording that unpacks to more than this many times its size is not of this world.
const BOMB_RATIO: u64 = 1000;

/// What the STREAMINFO block says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct StreamInfo {
    /// Samples of a block where all are alike, else of the largest.
    pub(super) max_block: u32,
    pub(super) sample_rate_hz: u32,
    pub(super) channels: usize,
    pub(super) bits: u32,
    /// 0 where the writer did not know.
    pub(super) samples: u64,
}

impl StreamInfo {
    fn parse(b: &[u8]) -> Option<StreamInfo> {
        let packed = u64::from_be_bytes(array::<8>(b, 10)?);
        Some(StreamInfo {
            max_block: u32::from(u16_be(b, 2)?),
            sample_rate_hz: (packed >> 44) as u32,
            channels: ((packed >> 41) & 7) as usize + 1,
            bits: ((packed >> 36) & 31) as u32 + 1,
            samples: packed & 0xF_FFFF_FFFF,
        })
    }

    /// The most bytes that a frame can take, with room for an encoder that chose badly.
    pub(super) fn frame_bytes_bound(&self) -> usize {
        let block = self.max_block.max(16) as usize;
        16 * 1024 + 2 * self.channels * (block * (self.bits as usize + 1)).div_ceil(8)
    }
}

/// Chunks of the RIFF file that the FLAC was made of.
#[derive(Default)]
struct Foreign {
    harp: Option<Vec<u8>>,
    format: Option<wav::Format>,
    /// Bytes of the original in front of its samples, once its `data` chunk has come.
    before_data: u64,
    data_seen: bool,
}

/// Opens a FLAC stream that begins at byte `at` (after an ID3 tag, where somebody put one).
pub(crate) fn open(opening: &mut Opening<'_>, at: u64) -> Result<Found, OpenError> {
    let mut info = None;
    let mut seek_points = Vec::new();
    let mut foreign = Foreign::default();
    let mut offset = at + 4;
    let len = opening.source.len();
    for _ in 0..MAX_BLOCKS {
        let header = opening.bytes_up_to(offset, 4)?;
        let Some([kind, a, b, c]) = array::<4>(&header, 0) else { break };
        let bytes = u32::from_be_bytes([0, a, b, c]);
        let content_at = offset + 4;
        // Pictures and padding are not read.
        let content = match kind & 0x7F {
            0 | 2..=4 => opening.bytes_up_to(content_at, (bytes as usize).min(MAX_BLOCK_BYTES))?,
            _ => Vec::new(),
        };
        match kind & 0x7F {
            0 => info = StreamInfo::parse(&content),
            2 => foreign.take(opening, &content),
            3 => seek_points = parse_seek_table(&content),
            4 => metadata::vorbis_comment::read(opening, &content),
            _ => {}
        }
        offset = content_at.saturating_add(u64::from(bytes));
        if kind & 0x80 != 0 || offset >= len {
            break;
        }
    }
    let Some(info) = info else {
        return Err(opening.broken(
            "it begins like a FLAC file but has no stream header; it was cut short or damaged, \
             copy it again"
                .to_owned(),
        ));
    };
    if !(4..=24).contains(&info.bits) {
        return Err(opening.broken(format!(
            "it holds {}-bit FLAC; 4 to 24 bits are read here: convert it to WAV",
            info.bits
        )));
    }
    let points = seek_points.into_iter().map(|(s, o)| (s, offset.saturating_add(o)));
    let mut decoder = FlacDecoder::new(info, offset.min(len), len, points);
    let frames = count_frames(opening, &info, &mut decoder)?;
    let mut found = Found {
        format: "flac",
        codec: "flac",
        sample_rate_hz: f64::from(info.sample_rate_hz),
        channels: info.channels as u32,
        bits_per_sample: info.bits,
        frames,
        segments: Vec::new(),
        decoder: Box::new(decoder),
    };
    if let Some(harp) = foreign.harp {
        let frame_bytes = foreign.format.map_or_else(
            || info.channels as u64 * u64::from(info.bits.div_ceil(8)),
            |f| f.frame_bytes(),
        );
        xwav::apply(opening, &harp, foreign.before_data, frame_bytes, &mut found);
    }
    Ok(found)
}

/// The number of frames that are really there, with warnings where the header says another.
fn count_frames(
    opening: &mut Opening<'_>,
    info: &StreamInfo,
    decoder: &mut FlacDecoder,
) -> Result<u64, OpenError> {
    let end = decoder.find_end(&mut opening.source).map_err(|e| opening.source_error(e))?;
    let frames = match end {
        Some(end) if info.samples == 0 || end >= info.samples => end,
        Some(end) => {
            opening.warn(format!(
                "the header promises {} frames but the file ends after {end}: it was cut short; \
                 what is there can be read",
                info.samples
            ));
            end
        }
        None => {
            opening.warn(
                "no undamaged sound was found at the end of the file; there may be less than its \
                 header promises"
                    .to_owned(),
            );
            info.samples
        }
    };
    let unpacked = frames.saturating_mul(info.channels as u64 * u64::from(info.bits.div_ceil(8)));
    if unpacked / BOMB_RATIO > opening.source.len() {
        opening.warn(format!(
            "it unpacks to {} times its size, which recordings do not do; decode parts of it only",
            unpacked / opening.source.len().max(1)
        ));
    }
    decoder.set_frames(frames);
    Ok(frames)
}

/// Pairs of first sample and byte offset from the first frame; placeholders left out.
fn parse_seek_table(content: &[u8]) -> Vec<(u64, u64)> {
    content
        .chunks_exact(18)
        .filter_map(|p| {
            let sample = u64::from_be_bytes(array(p, 0)?);
            let offset = u64::from_be_bytes(array(p, 8)?);
            (sample != u64::MAX).then_some((sample, offset))
        })
        .collect()
}

impl Foreign {
    /// Takes one APPLICATION block: with the name `riff` it holds one chunk of the original.
    fn take(&mut self, opening: &mut Opening<'_>, block: &[u8]) {
        let Some(chunk) = block.strip_prefix(b"riff") else { return };
        if !self.data_seen {
            self.before_data += chunk.len() as u64;
        }
        let Some(id) = array::<4>(chunk, 0) else { return };
        let content = chunk.get(8..).unwrap_or(&[]);
        match &id {
            b"data" => self.data_seen = true,
            b"fmt " => self.format = wav::parse_format(content).ok(),
            b"harp" => self.harp = Some(content.to_vec()),
            _ => metadata::content_of(opening, id, content),
        }
    }
}
