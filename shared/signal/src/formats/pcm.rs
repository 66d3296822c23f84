//! Uncompressed samples: integers, floats, A-law and µ-law, in either byte order.
//!
//! An integer becomes `value / 2^(container bits − 1)` in float32, a float stays what it is: what
//! libsndfile's `sf_readf_float` gives, bit for bit.

use std::ops::Range;

use crate::recording::{Channel, Decoder};
use crate::source::{ByteSource, SourceError};

/// Bytes decoded at a time: stays in the second-level cache, and is one request of a URL.
const PIECE_BYTES: usize = 1 << 20;

/// How one sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    U8,
    I8,
    I16,
    I24,
    I32,
    F32,
    F64,
    ALaw,
    MuLaw,
}

/// A coding and its byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) coding: Coding,
    pub(crate) big_endian: bool,
}

impl Layout {
    /// Bytes of one stored sample.
    pub(crate) fn bytes(self) -> usize {
        match self.coding {
            Coding::U8 | Coding::I8 | Coding::ALaw | Coding::MuLaw => 1,
            Coding::I16 => 2,
            Coding::I24 => 3,
            Coding::I32 | Coding::F32 => 4,
            Coding::F64 => 8,
        }
    }

    /// Signed or unsigned integers of `bytes` bytes, as WAV has them.
    pub(crate) fn wav_integer(bytes: usize) -> Option<Layout> {
        let coding = match bytes {
            1 => Coding::U8,
            2 => Coding::I16,
            3 => Coding::I24,
            4 => Coding::I32,
            _ => return None,
        };
        Some(Layout { coding, big_endian: false })
    }

    /// The coding's name as ffmpeg writes it.
    pub(crate) fn name(self) -> &'static str {
        match (self.coding, self.big_endian) {
            (Coding::U8, _) => "pcm_u8",
            (Coding::I8, _) => "pcm_s8",
            (Coding::I16, false) => "pcm_s16le",
            (Coding::I16, true) => "pcm_s16be",
            (Coding::I24, false) => "pcm_s24le",
            (Coding::I24, true) => "pcm_s24be",
            (Coding::I32, false) => "pcm_s32le",
            (Coding::I32, true) => "pcm_s32be",
            (Coding::F32, false) => "pcm_f32le",
            (Coding::F32, true) => "pcm_f32be",
            (Coding::F64, false) => "pcm_f64le",
            (Coding::F64, true) => "pcm_f64be",
            (Coding::ALaw, _) => "alaw",
            (Coding::MuLaw, _) => "mulaw",
        }
    }

    /// Appends every `step`-th sample of `bytes`, beginning with sample `first`.
    fn append(self, bytes: &[u8], first: usize, step: usize, out: &mut Vec<f32>) {
        match (self.coding, self.big_endian) {
            (Coding::U8, _) => {
                each(bytes, first, step, out, |[b]| (i32::from(b) - 128) as f32 * (1.0 / 128.0))
            }
            (Coding::I8, _) => {
                each(bytes, first, step, out, |[b]| f32::from(b as i8) * (1.0 / 128.0))
            }
            (Coding::I16, false) => {
                each(bytes, first, step, out, |b| f32::from(i16::from_le_bytes(b)) * SCALE_16)
            }
            (Coding::I16, true) => {
                each(bytes, first, step, out, |b| f32::from(i16::from_be_bytes(b)) * SCALE_16)
            }
            (Coding::I24, false) => each(bytes, first, step, out, |[a, b, c]| {
                i32::from_le_bytes([0, a, b, c]) as f32 * SCALE_32
            }),
            (Coding::I24, true) => each(bytes, first, step, out, |[a, b, c]| {
                i32::from_be_bytes([a, b, c, 0]) as f32 * SCALE_32
            }),
            (Coding::I32, false) => {
                each(bytes, first, step, out, |b| i32::from_le_bytes(b) as f32 * SCALE_32)
            }
            (Coding::I32, true) => {
                each(bytes, first, step, out, |b| i32::from_be_bytes(b) as f32 * SCALE_32)
            }
            (Coding::F32, false) => each(bytes, first, step, out, f32::from_le_bytes),
            (Coding::F32, true) => each(bytes, first, step, out, f32::from_be_bytes),
            (Coding::F64, false) => each(bytes, first, step, out, |b| f64::from_le_bytes(b) as f32),
            (Coding::F64, true) => each(bytes, first, step, out, |b| f64::from_be_bytes(b) as f32),
            (Coding::ALaw, _) => {
                each(bytes, first, step, out, |[b]| f32::from(alaw_to_linear(b)) * SCALE_16)
            }
            (Coding::MuLaw, _) => {
                each(bytes, first, step, out, |[b]| f32::from(mulaw_to_linear(b)) * SCALE_16)
            }
        }
    }
}

const SCALE_16: f32 = 1.0 / 32_768.0;
const SCALE_32: f32 = 1.0 / 2_147_483_648.0;

/// Converts samples of `N` bytes. The dense case is a loop of its own so that it is vectorised.
fn each<const N: usize>(
    bytes: &[u8],
    first: usize,
    step: usize,
    out: &mut Vec<f32>,
    convert: impl Fn([u8; N]) -> f32,
) {
    let (samples, _) = bytes.as_chunks::<N>();
    if step == 1 {
        out.extend(samples.iter().skip(first).map(|&b| convert(b)));
    } else {
        out.extend(samples.iter().skip(first).step_by(step).map(|&b| convert(b)));
    }
}

/// ITU-T G.711 A-law to 16-bit linear.
fn alaw_to_linear(byte: u8) -> i16 {
    let code = byte ^ 0x55;
    let exponent = u32::from((code >> 4) & 7);
    let mantissa = i16::from(code & 0x0F) << 4;
    let magnitude = match exponent {
        0 => mantissa + 8,
        e => (mantissa + 0x108) << (e - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

/// ITU-T G.711 µ-law to 16-bit linear.
fn mulaw_to_linear(byte: u8) -> i16 {
    let code = !byte;
    let exponent = u32::from((code >> 4) & 7);
    let magnitude = (((i16::from(code & 0x0F) << 3) + 0x84) << exponent) - 0x84;
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

/// Frames that lie one after the other in a file.
pub(crate) struct PcmDecoder {
    pub(crate) layout: Layout,
    pub(crate) channels: usize,
    /// Offset of the first frame.
    pub(crate) offset: u64,
    pub(crate) frames: u64,
    pub(crate) bytes: Vec<u8>,
}

impl PcmDecoder {
    /// A decoder of `frames` frames that begin at byte `offset`.
    pub(crate) fn new(layout: Layout, channels: u32, offset: u64, frames: u64) -> PcmDecoder {
        PcmDecoder { layout, channels: channels as usize, offset, frames, bytes: Vec::new() }
    }

    /// Reads the frames piece by piece; appends every `step`-th sample of each.
    fn read_every(
        &mut self,
        source: &mut dyn ByteSource,
        first_frame: u64,
        frames: usize,
        (first, step): (usize, usize),
        out: &mut Vec<f32>,
    ) -> Result<(), SourceError> {
        let frame_bytes = self.layout.bytes() * self.channels;
        let piece_frames = (PIECE_BYTES / frame_bytes).max(1);
        let mut left = self.frames.saturating_sub(first_frame).min(frames as u64) as usize;
        let mut at = self.offset + first_frame.min(self.frames) * frame_bytes as u64;
        out.reserve(left * (self.channels / step).max(1));
        while left > 0 {
            let count = left.min(piece_frames);
            self.bytes.resize(count * frame_bytes, 0);
            source.read_at(at, &mut self.bytes)?;
            self.layout.append(&self.bytes, first, step, out);
            at += self.bytes.len() as u64;
            left -= count;
        }
        Ok(())
    }
}

impl Decoder for PcmDecoder {
    fn read(
        &mut self,
        source: &mut dyn ByteSource,
        first_frame: u64,
        frames: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), SourceError> {
        self.read_every(source, first_frame, frames, (0, 1), out)
    }

    fn read_channel(
        &mut self,
        source: &mut dyn ByteSource,
        first_frame: u64,
        frames: usize,
        channel: Channel,
        out: &mut Vec<f32>,
    ) -> Result<(), SourceError> {
        self.read_every(source, first_frame, frames, (channel.index, channel.of), out)
    }

    fn byte_range(&self, frames: Range<u64>) -> Option<Range<u64>> {
        let frame_bytes = (self.layout.bytes() * self.channels) as u64;
        let at = |frame: u64| self.offset + frame.min(self.frames) * frame_bytes;
        Some(at(frames.start)..at(frames.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_divided_by_half_their_container_range() {
        let mut out = Vec::new();
        let le = |coding| Layout { coding, big_endian: false };
        le(Coding::U8).append(&[0, 128, 255], 0, 1, &mut out);
        le(Coding::I16).append(&[0, 0x80, 0xFF, 0x7F], 0, 1, &mut out);
        le(Coding::I24).append(&[0, 0, 0x80, 1, 0, 0], 0, 1, &mut out);
        assert_eq!(out[..3], [-1.0, 0.0, 127.0 / 128.0]);
        assert_eq!(out[3..], [-1.0, 32767.0 / 32768.0, -1.0, 1.0 / 8_388_608.0]);
    }

    #[test]
    fn one_channel_of_several_is_taken_without_the_others() {
        let mut out = Vec::new();
        Layout { coding: Coding::I16, big_endian: true }.append(
            &[0, 1, 0, 2, 0, 3, 0, 4],
            1,
            2,
            &mut out,
        );
        assert_eq!(out, [2.0 / 32_768.0, 4.0 / 32_768.0]);
    }

    #[test]
    fn the_extremes_of_g711_are_where_the_recommendation_puts_them() {
        assert_eq!((alaw_to_linear(0xAA), alaw_to_linear(0x2A)), (32_256, -32_256));
        assert_eq!((alaw_to_linear(0xD5), alaw_to_linear(0x55)), (8, -8));
        assert_eq!((mulaw_to_linear(0x80), mulaw_to_linear(0x00)), (32_124, -32_124));
        assert_eq!((mulaw_to_linear(0xFF), mulaw_to_linear(0x7F)), (0, 0));
    }
}
