//! One FLAC frame: header, subframes, check sums.

use super::StreamInfo;
use super::bits::Bits;
use super::subframe;

/// What a frame header says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) first_sample: u64,
    pub(super) block: u32,
    pub(super) assignment: Assignment,
    /// Bytes of the header, its check sum included.
    pub(super) bytes: usize,
}

/// How channels are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Assignment {
    Independent,
    LeftSide,
    SideRight,
    MidSide,
}

impl Header {
    /// Reads the header at the beginning of `b`, if there is one that fits the stream.
    pub(super) fn parse(b: &[u8], info: &StreamInfo) -> Option<Header> {
        let [0xFF, sync, sizes, layout] = *b.first_chunk::<4>()? else { return None };
        if sync & 0xFE != 0xF8 || layout & 1 != 0 || sizes & 0x0F == 0x0F {
            return None;
        }
        let (channels, assignment) = match layout >> 4 {
            n @ 0..=7 => (usize::from(n) + 1, Assignment::Independent),
            8 => (2, Assignment::LeftSide),
            9 => (2, Assignment::SideRight),
            10 => (2, Assignment::MidSide),
            _ => return None,
        };
        let bits = match (layout >> 1) & 7 {
            0 => info.bits,
            1 => 8,
            2 => 12,
            4 => 16,
            5 => 20,
            6 => 24,
            _ => return None,
        };
        if channels != info.channels || bits != info.bits {
            return None;
        }
        let (number, mut at) = coded_number(b, 4)?;
        let mut extra = |bytes: usize| {
            let value = b.get(at..at + bytes)?.iter().fold(0u32, |v, &x| (v << 8) | u32::from(x));
            at += bytes;
            Some(value)
        };
        let block = match sizes >> 4 {
            0 => return None,
            1 => 192,
            n @ 2..=5 => 576 << (n - 2),
            6 => extra(1)? + 1,
            7 => extra(2)? + 1,
            n => 256 << (n - 8),
        };
        match sizes & 0x0F {
            12 => extra(1)?,
            13 | 14 => extra(2)?,
            _ => 0,
        };
        if block > info.max_block.max(16) || crc8(b.get(..at)?) != *b.get(at)? {
            return None;
        }
        let by_sample = sync & 1 == 1;
        // Where blocks are counted all have one length but the last, which some writers take for the shortest.
        let first_sample =
            if by_sample { number } else { number.checked_mul(u64::from(info.max_block))? };
        Some(Header { first_sample, block, assignment, bytes: at + 1 })
    }
}

/// A number in the extension of UTF-8 to 36 bits, and the place after it.
fn coded_number(b: &[u8], at: usize) -> Option<(u64, usize)> {
    let first = *b.get(at)?;
    let ones = first.leading_ones();
    if ones == 0 {
        return Some((u64::from(first), at + 1));
    }
    if ones == 1 || ones == 8 {
        return None;
    }
    let mut number = u64::from(first) & ((1u64 << (7 - ones)) - 1);
    let end = at + ones as usize;
    for &byte in b.get(at + 1..end)? {
        if byte & 0xC0 != 0x80 {
            return None;
        }
        number = (number << 6) | u64::from(byte & 0x3F);
    }
    Some((number, end))
}

/// Decodes the frame at the beginning of `b` into one vector a channel. Returns its header and its
/// length in bytes; `None` where there is no undamaged frame.
pub(super) fn decode(
    b: &[u8],
    info: &StreamInfo,
    channels: &mut Vec<Vec<i32>>,
) -> Option<(Header, usize)> {
    let header = Header::parse(b, info)?;
    let mut bits = Bits::new(b.get(header.bytes..)?);
    channels.resize_with(info.channels, Vec::new);
    for (index, samples) in channels.iter_mut().enumerate() {
        let is_side = match header.assignment {
            Assignment::Independent => false,
            Assignment::LeftSide | Assignment::MidSide => index == 1,
            Assignment::SideRight => index == 0,
        };
        samples.clear();
        samples.resize(header.block as usize, 0);
        subframe::decode(&mut bits, info.bits + u32::from(is_side), samples)?;
    }
    let end = header.bytes + bits.bytes_begun();
    let stated = b.get(end..)?.first_chunk().map(|&c| u16::from_be_bytes(c))?;
    if crc16(&b[..end]) != stated {
        return None;
    }
    if let [first, second, ..] = channels.as_mut_slice() {
        decorrelate(header.assignment, first, second);
    }
    Some((header, end + 2))
}

/// Turns stored pairs into left and right. Wrapping, because only a hostile frame overflows.
fn decorrelate(assignment: Assignment, first: &mut [i32], second: &mut [i32]) {
    for (a, b) in first.iter_mut().zip(second) {
        match assignment {
            Assignment::Independent => return,
            Assignment::LeftSide => *b = a.wrapping_sub(*b),
            Assignment::SideRight => *a = a.wrapping_add(*b),
            Assignment::MidSide => {
                let (side, twice) = (*b, a.wrapping_shl(1) | (*b & 1));
                *a = twice.wrapping_add(side) >> 1;
                *b = twice.wrapping_sub(side) >> 1;
            }
        }
    }
}

const CRC8: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut c = i as u8;
        let mut bit = 0;
        while bit < 8 {
            c = if c & 0x80 != 0 { (c << 1) ^ 0x07 } else { c << 1 };
            bit += 1;
        }
        table[i] = c;
        i += 1;
    }
    table
};

/// Tables for two bytes at a time: `CRC16[1]` advances a byte that another follows.
const CRC16: [[u16; 256]; 2] = {
    let mut tables = [[0; 256]; 2];
    let mut i = 0;
    while i < 256 {
        let mut c = (i as u16) << 8;
        let mut bit = 0;
        while bit < 16 {
            c = if c & 0x8000 != 0 { (c << 1) ^ 0x8005 } else { c << 1 };
            bit += 1;
            if bit == 8 {
                tables[0][i] = c;
            }
        }
        tables[1][i] = c;
        i += 1;
    }
    tables
};

fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, &b| CRC8[usize::from(crc ^ b)])
}

fn crc16(bytes: &[u8]) -> u16 {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let crc = pairs.iter().fold(0u16, |crc, pair| {
        let x = crc ^ u16::from_be_bytes(*pair);
        CRC16[1][usize::from(x >> 8)] ^ CRC16[0][usize::from(x & 0xFF)]
    });
    rest.iter().fold(crc, |crc, &b| (crc << 8) ^ CRC16[0][usize::from((crc >> 8) as u8 ^ b)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_are_those_of_the_catalogue() {
        // CRC-8/SMBUS and CRC-16/UMTS of "123456789".
        assert_eq!(crc8(b"123456789"), 0xF4);
        assert_eq!(crc16(b"123456789"), 0xFEE8);
    }

    #[test]
    fn frame_numbers_of_all_lengths_are_read() {
        assert_eq!(coded_number(&[0x7F], 0), Some((127, 1)));
        assert_eq!(coded_number(&[0xC2, 0x80], 0), Some((128, 2)));
        let longest = [0xFE, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF];
        assert_eq!(coded_number(&longest, 0), Some((0xF_FFFF_FFFF, 7)));
        for bad in [&[0x80][..], &[0xFF, 0x80], &[0xC2], &[0xC2, 0x00], &[]] {
            assert_eq!(coded_number(bad, 0), None);
        }
    }
}
