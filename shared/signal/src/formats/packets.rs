//! Codings that are decoded packet after packet (MP3, Vorbis): any range of frames from them.

use symphonia::core::audio::{Audio, GenericAudioBufferRef};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

use crate::recording::Decoder;
use crate::source::{ByteSource, SourceError};

/// A stream of packets with a place in it.
pub(super) trait Packets: Send {
    /// Goes to where the block that holds `frame` (or one before it) comes next. What comes must not
    /// depend on what was decoded before.
    fn seek(&mut self, source: &mut dyn ByteSource, frame: u64) -> Result<(), SourceError>;

    /// Decodes the next block, interleaved, into `block` (cleared first), and gives the number of
    /// its first frame, which may lie before 0; `None` at the end of the stream.
    fn next(
        &mut self,
        source: &mut dyn ByteSource,
        block: &mut Vec<f32>,
    ) -> Result<Option<i64>, SourceError>;

    /// What was met on the way.
    fn problems(&self) -> &[String];
}

/// Any range of frames of a stream of packets.
pub(super) struct PacketDecoder<P> {
    pub(super) packets: P,
    pub(super) channels: usize,
    pub(super) frames: u64,
    block: Vec<f32>,
    /// First frame of `block`; `None` before anything was decoded.
    block_first: Option<i64>,
}

impl<P: Packets> PacketDecoder<P> {
    pub(super) fn new(packets: P, channels: usize, frames: u64) -> PacketDecoder<P> {
        PacketDecoder { packets, channels, frames, block: Vec::new(), block_first: None }
    }

    fn block_end(&self) -> Option<i64> {
        Some(self.block_first? + (self.block.len() / self.channels) as i64)
    }
}

impl<P: Packets> Decoder for PacketDecoder<P> {
    fn read(
        &mut self,
        source: &mut dyn ByteSource,
        first_frame: u64,
        frames: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), SourceError> {
        let end = self.frames.min(first_frame.saturating_add(frames as u64));
        let end = i64::try_from(end).unwrap_or(i64::MAX);
        let mut at = i64::try_from(first_frame).unwrap_or(i64::MAX);
        let begins_inside =
            self.block_first.is_some_and(|f| f <= at) && self.block_end().is_some_and(|e| at <= e);
        if at < end && !begins_inside {
            self.block_first = None;
            self.packets.seek(source, first_frame)?;
        }
        while at < end {
            match (self.block_first, self.block_end()) {
                (Some(first), Some(block_end)) if first <= at && at < block_end => {
                    let from = (at - first) as usize * self.channels;
                    let count = (block_end.min(end) - at) as usize;
                    out.extend_from_slice(&self.block[from..from + count * self.channels]);
                    at += count as i64;
                }
                // Something is missing in the stream: it was silence as far as we know.
                (Some(first), Some(block_end)) if at < first && first < block_end => {
                    let count = (first.min(end) - at) as usize;
                    out.resize(out.len() + count * self.channels, 0.0);
                    at += count as i64;
                }
                _ => {
                    self.block_first = self.packets.next(source, &mut self.block)?;
                    if self.block_first.is_none() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn problems(&self) -> &[String] {
        self.packets.problems()
    }
}

/// A packet for the decoder, which needs to know nothing of its time.
pub(super) fn packet(bytes: &[u8]) -> PacketRef<'_> {
    PacketRef::new(0, Timestamp::ZERO, Duration::ZERO, bytes)
}

/// Appends a decoded packet, interleaved; `planes` says which plane each channel is. A stream that
/// changes its channels in the middle keeps the first ones.
pub(super) fn append(decoded: &GenericAudioBufferRef<'_>, planes: &[usize], out: &mut Vec<f32>) {
    let GenericAudioBufferRef::F32(buffer) = decoded else { return };
    let (start, channels) = (out.len(), planes.len());
    // Vorbis gives nothing for its first packet.
    if buffer.frames() == 0 {
        return;
    }
    out.resize(start + buffer.frames() * channels, 0.0);
    for (c, &plane) in planes.iter().enumerate() {
        let Some(plane) = buffer.plane(plane).or(buffer.plane(0)) else { return };
        for (to, &sample) in out[start + c..].iter_mut().step_by(channels).zip(plane) {
            *to = sample;
        }
    }
}
