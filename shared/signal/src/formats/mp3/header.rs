//! The four bytes in front of every MPEG layer III frame, and the tag in the first one.

use crate::formats::bytes::{array, u16_be, u32_be};

/// Kilobits a second by their number in the header: MPEG 1, then MPEG 2 and 2.5.
const KILOBITS: [[u32; 14]; 2] = [
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
const RATES_HZ: [u32; 3] = [44_100, 48_000, 32_000];

/// What a frame's header says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FrameHeader {
    pub(super) sample_rate_hz: u32,
    pub(super) channels: u32,
    /// Samples a channel in the frame.
    pub(super) samples: u32,
    /// Bytes of the frame with its header.
    pub(super) bytes: usize,
    is_mpeg_1: bool,
}

impl FrameHeader {
    pub(super) fn parse(b: [u8; 4]) -> Option<FrameHeader> {
        let is_layer_3 = b[1] & 0x06 == 0x02;
        if b[0] != 0xFF || b[1] & 0xE0 != 0xE0 || !is_layer_3 {
            return None;
        }
        // 3 is MPEG 1, 2 is MPEG 2 at half its rates, 0 is MPEG 2.5 at a quarter.
        let (is_mpeg_1, divisor) = match (b[1] >> 3) & 3 {
            3 => (true, 1),
            2 => (false, 2),
            0 => (false, 4),
            _ => return None,
        };
        let kilobits =
            KILOBITS[usize::from(!is_mpeg_1)].get(usize::from(b[2] >> 4).wrapping_sub(1))?;
        let sample_rate_hz = RATES_HZ.get(usize::from((b[2] >> 2) & 3))? / divisor;
        let samples = if is_mpeg_1 { 1152 } else { 576 };
        let padding = u32::from((b[2] >> 1) & 1);
        let bytes = (samples / 8 * kilobits * 1000 / sample_rate_hz + padding) as usize;
        let channels = if b[3] >> 6 == 3 { 1 } else { 2 };
        Some(FrameHeader { sample_rate_hz, channels, samples, bytes, is_mpeg_1 })
    }

    /// Whether two frames can be of one stream.
    pub(super) fn follows(&self, other: &FrameHeader) -> bool {
        self.sample_rate_hz == other.sample_rate_hz && self.is_mpeg_1 == other.is_mpeg_1
    }

    /// Where the main data begins: behind the header and the side information.
    fn main_data_at(&self) -> usize {
        4 + match (self.is_mpeg_1, self.channels) {
            (true, 1) => 17,
            (true, _) => 32,
            (false, 1) => 9,
            (false, _) => 17,
        }
    }
}

/// What the first frame tells of the whole stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tag {
    /// MPEG frames behind the one with the tag.
    pub(super) frames: u32,
    /// Samples to drop at the beginning and the end, where the encoder tells them.
    pub(super) delay_and_padding: Option<(u16, u16)>,
}

impl Tag {
    /// Reads a Xing, Info or VBRI tag that gives the number of frames.
    pub(super) fn parse(frame: &[u8], header: &FrameHeader) -> Option<Tag> {
        let at = header.main_data_at();
        match frame.get(at..at + 4)? {
            b"Xing" | b"Info" => {
                let flags = u32_be(frame, at + 4)?;
                if flags & 1 == 0 {
                    return None;
                }
                let optional = [(1, 4), (2, 4), (4, 100), (8, 4)];
                let fields: usize =
                    optional.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, n)| n).sum();
                let lame = frame.get(at + 8 + fields..).unwrap_or(&[]);
                let named = lame.first().is_some_and(|&b| b != 0);
                let packed = array::<3>(lame, 21).filter(|_| named);
                let delay_and_padding = packed.map(|[a, b, c]| {
                    let (a, b, c) = (u16::from(a), u16::from(b), u16::from(c));
                    ((a << 4) | (b >> 4), ((b & 0x0F) << 8) | c)
                });
                Some(Tag { frames: u32_be(frame, at + 8)?, delay_and_padding })
            }
            _ => {
                // VBRI stands at the same place whatever the side information.
                let vbri = frame.get(36..)?;
                if !vbri.starts_with(b"VBRI") || u16_be(vbri, 4)? != 1 {
                    return None;
                }
                Some(Tag { frames: u32_be(vbri, 14)?, delay_and_padding: None })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_give_rate_and_length_of_a_frame() {
        let h = FrameHeader::parse([0xFF, 0xFB, 0x90, 0xC4]).expect("MPEG 1");
        assert_eq!((h.sample_rate_hz, h.channels, h.samples, h.bytes), (44_100, 1, 1152, 417));
        let h = FrameHeader::parse([0xFF, 0xF3, 0x88, 0x04]).expect("MPEG 2");
        assert_eq!((h.sample_rate_hz, h.channels, h.samples, h.bytes), (16_000, 2, 576, 288));
        let h = FrameHeader::parse([0xFF, 0xE3, 0x48, 0xC4]).expect("MPEG 2.5");
        assert_eq!((h.sample_rate_hz, h.samples, h.bytes), (8_000, 576, 288));
        for bad in [[0xFF, 0xD8, 0xFF, 0xE0], [0xFF, 0xFB, 0xF0, 0], [0xFF, 0xFB, 0x0C, 0], [0; 4]]
        {
            assert_eq!(FrameHeader::parse(bad), None);
        }
    }
}
