//! AIFF and AIFC: big-endian, with an 80-bit rate.

use super::bytes::{array, text, u16_be, u32_be};
use super::opening::{Found, Opening};
use super::pcm::{Coding, Layout, PcmDecoder};
use super::riff::Chunk;
use super::wav::{Format, data_frames};
use crate::recording::OpenError;
use crate::source::ByteSource;

const MAX_CHUNKS: usize = 4096;
const MAX_TEXT_BYTES: u64 = 64 * 1024;

/// Opens what begins with `FORM`…`AIFF` or `AIFC`.
pub(crate) fn open(opening: &mut Opening<'_>) -> Result<Found, OpenError> {
    let len = opening.source.len();
    let is_aifc = opening.bytes_up_to(8, 4)? == b"AIFC";
    let mut common = None;
    let mut sound = None;
    let mut frames_stated = 0;
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        let header = opening.bytes_up_to(at, 8)?;
        let (Some(id), Some(size)) = (array::<4>(&header, 0), u32_be(&header, 4)) else { break };
        let (offset, stated) = (at + 8, u64::from(size));
        let bytes = stated.min(len - offset);
        match &id {
            b"COMM" => {
                let content = opening.bytes_up_to(offset, bytes.min(64) as usize)?;
                frames_stated = u32_be(&content, 2).map_or(0, u64::from);
                common = Some(parse(&content, is_aifc).map_err(|p| opening.broken(p))?);
            }
            b"SSND" => {
                let head = opening.bytes_up_to(offset, 8)?;
                // Samples may begin behind an offset of their own; 8 bytes tell it.
                let skipped = 8 + u64::from(u32_be(&head, 0).unwrap_or(0));
                let chunk = Chunk {
                    id,
                    offset: offset + skipped,
                    bytes: bytes.saturating_sub(skipped),
                    stated: stated.saturating_sub(skipped),
                };
                sound = sound.or(Some(chunk));
            }
            b"NAME" | b"AUTH" | b"(c) " | b"ANNO" => {
                let content = opening.bytes_up_to(offset, bytes.min(MAX_TEXT_BYTES) as usize)?;
                opening.note(String::from_utf8_lossy(&id), text(&content));
            }
            _ => {}
        }
        at = offset + stated + (stated & 1);
    }
    let (Some(format), Some(mut sound)) = (common, sound) else {
        return Err(opening.broken(
            "it begins like an AIFF file but has no format or no samples; it was cut short or \
             damaged, copy it again"
                .to_owned(),
        ));
    };
    // Writers count a byte that pads an odd length as if it were sound.
    if sound.stated == frames_stated * format.frame_bytes() + 1 {
        sound.stated -= 1;
        sound.bytes = sound.bytes.min(sound.stated);
    }
    let frames = data_frames(opening, sound, &format);
    Ok(Found {
        format: if is_aifc { "aifc" } else { "aiff" },
        codec: format.layout.name(),
        sample_rate_hz: format.sample_rate_hz,
        channels: format.channels,
        bits_per_sample: format.bits_per_sample,
        frames,
        segments: Vec::new(),
        decoder: Box::new(PcmDecoder::new(format.layout, format.channels, sound.offset, frames)),
    })
}

/// Reads a `COMM` chunk.
fn parse(content: &[u8], is_aifc: bool) -> Result<Format, String> {
    let short = || "its 'COMM' chunk is too short to say how the samples are stored".to_owned();
    let channels = u32::from(u16_be(content, 0).ok_or_else(short)?);
    let bits = u32::from(u16_be(content, 6).ok_or_else(short)?);
    let rate = extended(array(content, 8).ok_or_else(short)?);
    let compression = if is_aifc { array(content, 18).ok_or_else(short)? } else { *b"NONE" };
    if channels == 0 {
        return Err("its header claims no channels at all; the file is damaged".to_owned());
    }
    let integer = |bytes: u32, big_endian: bool| {
        let coding = match bytes {
            1 => Coding::I8,
            2 => Coding::I16,
            3 => Coding::I24,
            4 => Coding::I32,
            _ => return None,
        };
        Some(Layout { coding, big_endian })
    };
    let big = |coding| Some(Layout { coding, big_endian: true });
    let layout = match &compression {
        b"NONE" | b"twos" => integer(bits.div_ceil(8), true),
        b"sowt" => integer(bits.div_ceil(8), false),
        b"in24" => integer(3, true),
        b"in32" => integer(4, true),
        b"42ni" => integer(3, false),
        b"23ni" => integer(4, false),
        b"raw " => big(Coding::U8),
        b"fl32" | b"FL32" => big(Coding::F32),
        b"fl64" | b"FL64" => big(Coding::F64),
        b"alaw" | b"ALAW" => big(Coding::ALaw),
        b"ulaw" | b"ULAW" => big(Coding::MuLaw),
        _ => None,
    };
    let layout = layout.ok_or_else(|| {
        format!(
            "its samples ({bits} bits, compression '{}') are not read here; convert it to plain \
             WAV or FLAC",
            String::from_utf8_lossy(&compression).escape_default()
        )
    })?;
    let bits_per_sample = match layout.coding {
        Coding::F32 => 32,
        Coding::F64 => 64,
        Coding::ALaw | Coding::MuLaw => 8,
        _ => bits,
    };
    Ok(Format { layout, channels, sample_rate_hz: rate, bits_per_sample })
}

/// An 80-bit IEEE 754 extended number. Rates are far inside what a double holds.
fn extended(bytes: [u8; 10]) -> f64 {
    let [s, e, mantissa @ ..] = bytes;
    let exponent = i32::from(u16::from_be_bytes([s & 0x7F, e]));
    let sign = if s & 0x80 == 0 { 1.0 } else { -1.0 };
    sign * u64::from_be_bytes(mantissa) as f64 * 2f64.powi(exponent - 16_383 - 63)
}

#[cfg(test)]
mod tests {
    use super::extended;

    #[test]
    fn eighty_bit_rates_are_read() {
        assert_eq!(extended([0x40, 0x0E, 0xAC, 0x44, 0, 0, 0, 0, 0, 0]), 44_100.0);
        assert_eq!(extended([0x40, 0x0C, 0xB7, 0x1B, 0, 0, 0, 0, 0, 0]), 11_718.75);
        assert_eq!(extended([0; 10]), 0.0);
        assert!(extended([0x7F, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0]).is_infinite());
    }
}
