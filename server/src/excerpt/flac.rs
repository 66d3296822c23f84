//! FLAC of any rate that its streams can name.
//!
//! The encoder (flacenc) takes rates up to 96 kHz. Nothing of a frame depends on the rate but the number in
//! its header, so that of a faster recording is written as 48 kHz first, and its headers are told the rate
//! afterwards: 192 kHz in their own four bits, others by pointing to STREAMINFO (RFC 9639, 9.1.2).

use crc::{CRC_8_SMBUS, CRC_16_UMTS, Crc};
use flacenc::bitsink::ByteSink;
use flacenc::component::BitRepr;
use flacenc::error::Verify;

/// Samples of a block.
const BLOCK: usize = 4096;
/// The fastest rate that the encoder takes, Hz.
const ENCODER_MOST_HZ: usize = 96_000;
/// Stands for faster ones meanwhile: it has a code of four bits and nothing after it.
const MEANWHILE_HZ: usize = 48_000;
/// Where STREAMINFO names the rate, in its first twenty bits.
const RATE_AT: usize = 18;
/// What begins a stream: the mark, and STREAMINFO with the header of its block.
const HEAD_BYTES: usize = 4 + 4 + 34;

const CRC8: Crc<u8> = Crc::<u8>::new(&CRC_8_SMBUS);
const CRC16: Crc<u16> = Crc::<u16>::new(&CRC_16_UMTS);

/// A stream of interleaved samples of so many bits.
///
/// # Errors
/// What the encoder does not take, in its words.
pub fn stream(
    samples: &[i32],
    channels: usize,
    bits: usize,
    rate_hz: usize,
) -> Result<Vec<u8>, String> {
    let config = flacenc::config::Encoder::default();
    let config = config.into_verified().map_err(|(_, e)| e.to_string())?;
    let is_fast = rate_hz > ENCODER_MOST_HZ;
    let meanwhile_hz = if is_fast { MEANWHILE_HZ } else { rate_hz };
    let source = flacenc::source::MemSource::from_samples(samples, channels, bits, meanwhile_hz);
    let mut stream =
        flacenc::encode_with_fixed_block_size(&config, source, BLOCK).map_err(|e| e.to_string())?;
    // The last block does not count for the shortest (RFC 9639, 8.2): readers tell time by it.
    let about = stream.stream_info_mut();
    let block = about.max_block_size();
    about.set_block_sizes(block, block).map_err(|e| e.to_string())?;
    let mut sink = ByteSink::new();
    stream.write(&mut sink).map_err(|e| e.to_string())?;
    let mut bytes = sink.as_slice().to_vec();
    if !is_fast {
        return Ok(bytes);
    }
    name_rate(&mut bytes, rate_hz)?;
    let mut at = HEAD_BYTES;
    for n in 0..stream.frame_count() {
        let length = stream.frame(n).map_or(0, |frame| frame.count_bits().div_ceil(8));
        let frame =
            bytes.get_mut(at..at + length).ok_or("its frames are not where they should be")?;
        rename_rate(frame, rate_hz).ok_or("a frame has no header")?;
        at += length;
    }
    if at == bytes.len() { Ok(bytes) } else { Err("its frames do not fill it".to_owned()) }
}

/// Writes a rate into STREAMINFO.
fn name_rate(bytes: &mut [u8], rate_hz: usize) -> Result<(), String> {
    let place = bytes.get_mut(RATE_AT..RATE_AT + 3).ok_or("it has no STREAMINFO")?;
    let rate = u32::try_from(rate_hz).map_err(|e| e.to_string())? << 4;
    let kept = u32::from(place[2]) & 0x0F;
    place.copy_from_slice(&(rate | kept).to_be_bytes()[1..]);
    Ok(())
}

/// Writes a rate's code into a frame's header, and the check sums anew.
fn rename_rate(frame: &mut [u8], rate_hz: usize) -> Option<()> {
    let sizes = *frame.get(2)?;
    // The frame's number is coded as a letter of UTF-8 is; the length of an odd block follows it.
    let number_bytes = match frame.get(4)?.leading_ones() {
        0 => 1,
        n => n as usize,
    };
    let block_bytes = match sizes >> 4 {
        0b0110 => 1,
        0b0111 => 2,
        _ => 0,
    };
    let header = 4 + number_bytes + block_bytes;
    let code = if rate_hz == 192_000 { 0b0011 } else { 0b0000 };
    *frame.get_mut(2)? = sizes & 0xF0 | code;
    let sum = CRC8.checksum(frame.get(..header)?);
    *frame.get_mut(header)? = sum;
    let (all, foot) = frame.split_last_chunk_mut::<2>()?;
    *foot = CRC16.checksum(all).to_be_bytes();
    Some(())
}
