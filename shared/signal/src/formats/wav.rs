//! WAV, RF64 and BW64.

use super::bytes::{array, u16_le, u32_le};
use super::opening::{Found, Opening};
use super::pcm::{Coding, Layout, PcmDecoder};
use super::riff::{self, Chunk};
use super::{metadata, xwav};
use crate::recording::OpenError;

/// The last 14 bytes of a WAVE_FORMAT_EXTENSIBLE subformat that repeats a plain format tag.
const TAG_GUID: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

/// What a `fmt ` chunk says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Format {
    pub(crate) layout: Layout,
    pub(crate) channels: u32,
    pub(crate) sample_rate_hz: f64,
    pub(crate) bits_per_sample: u32,
}

impl Format {
    pub(crate) fn frame_bytes(&self) -> u64 {
        self.layout.bytes() as u64 * u64::from(self.channels)
    }
}

/// Opens what begins with `RIFF`, `RF64` or `BW64`.
pub(crate) fn open(opening: &mut Opening<'_>) -> Result<Found, OpenError> {
    let head = opening.bytes_up_to(0, 4)?;
    let chunks = riff::chunks(opening)?;
    let find = |id: &[u8; 4]| chunks.iter().find(|c| &c.id == id).copied();
    let Some(fmt) = find(b"fmt ") else {
        return Err(opening.broken(
            "it begins like a WAV file but has no 'fmt ' chunk that says how its samples are \
             stored; it was cut short or damaged, copy it again"
                .to_owned(),
        ));
    };
    let content = opening.bytes_up_to(fmt.offset, fmt.bytes.min(64) as usize)?;
    let format = parse_format(&content).map_err(|problem| opening.broken(problem))?;
    let Some(data) = find(b"data") else {
        return Err(opening.broken(
            "it has a WAV header but no 'data' chunk with samples; it was cut short, copy it again"
                .to_owned(),
        ));
    };
    let frames = data_frames(opening, data, &format);
    for chunk in &chunks {
        metadata::riff_chunk(opening, chunk)?;
    }
    let name = match head.as_slice() {
        b"RF64" => "rf64",
        b"BW64" => "bw64",
        _ => "wav",
    };
    let decoder = PcmDecoder::new(format.layout, format.channels, data.offset, frames);
    let mut found = Found {
        format: name,
        codec: format.layout.name(),
        sample_rate_hz: format.sample_rate_hz,
        channels: format.channels,
        bits_per_sample: format.bits_per_sample,
        frames,
        segments: Vec::new(),
        decoder: Box::new(decoder),
    };
    if let Some(harp) = find(b"harp") {
        let content = opening.bytes_up_to(harp.offset, harp.bytes.min(xwav::MAX_BYTES) as usize)?;
        xwav::apply(opening, &content, data.offset, format.frame_bytes(), &mut found);
    }
    Ok(found)
}

/// How many whole frames the data chunk holds, with warnings where it is not what it says.
pub(crate) fn data_frames(opening: &mut Opening<'_>, data: Chunk, format: &Format) -> u64 {
    let frame_bytes = format.frame_bytes();
    if data.stated > data.bytes {
        let seconds = |bytes: u64| (bytes / frame_bytes) as f64 / format.sample_rate_hz;
        opening.warn(format!(
            "the header promises {} bytes of samples ({:.3} s) but the file ends after {} \
             ({:.3} s): it was cut short; what is there can be read",
            data.stated,
            seconds(data.stated),
            data.bytes,
            seconds(data.bytes)
        ));
    } else if !data.bytes.is_multiple_of(frame_bytes) {
        opening.warn(match data.bytes % frame_bytes {
            1 => "its last byte is less than one frame and is left out".to_owned(),
            n => format!(
                "the last {n} bytes of its samples are less than one frame and are left out"
            ),
        });
    }
    data.bytes / frame_bytes
}

/// Reads a `fmt ` chunk, or says what is wrong with it.
pub(crate) fn parse_format(content: &[u8]) -> Result<Format, String> {
    let short = || "its 'fmt ' chunk is too short to say how the samples are stored".to_owned();
    let mut tag = u16_le(content, 0).ok_or_else(short)?;
    let channels = u32::from(u16_le(content, 2).ok_or_else(short)?);
    let rate = u32_le(content, 4).ok_or_else(short)?;
    let block = usize::from(u16_le(content, 12).ok_or_else(short)?);
    let bits = u32::from(u16_le(content, 14).ok_or_else(short)?);
    if channels == 0 {
        return Err("its header claims no channels at all; the file is damaged".to_owned());
    }
    if tag == 0xFFFE {
        let guid_rest = array::<14>(content, 26).ok_or_else(short)?;
        if guid_rest != TAG_GUID {
            return Err(
                "its samples are stored in a way (an extensible format of its own) that is \
                        not known here; convert it to plain WAV or FLAC"
                    .to_owned(),
            );
        }
        tag = u16_le(content, 24).ok_or_else(short)?;
    }
    // The container is what one sample takes of a frame; `bits` may be fewer (12 bits in two bytes).
    let least = bits.div_ceil(8).max(1) as usize;
    let of_block = block / channels as usize;
    let exact = block % channels as usize == 0 && of_block >= least && of_block <= 8;
    let container = if exact { of_block } else { least };
    let little = |coding| Layout { coding, big_endian: false };
    let layout = match (tag, container) {
        (1, bytes) => Layout::wav_integer(bytes),
        (3, 4) => Some(little(Coding::F32)),
        (3, 8) => Some(little(Coding::F64)),
        (6, _) => Some(little(Coding::ALaw)),
        (7, _) => Some(little(Coding::MuLaw)),
        _ => None,
    };
    let layout = layout.ok_or_else(|| {
        let coding = match tag {
            1 | 3 => format!("{bits}-bit samples"),
            2 | 0x11 => "ADPCM samples".to_owned(),
            0x50 | 0x55 => "MPEG sound in a WAV".to_owned(),
            _ => format!("samples coded by the method {tag:#06x}"),
        };
        format!("it holds {coding}; that is not read here, convert it to plain WAV or FLAC")
    })?;
    let bits_per_sample = if bits == 0 { layout.bytes() as u32 * 8 } else { bits };
    Ok(Format { layout, channels, sample_rate_hz: f64::from(rate), bits_per_sample })
}
