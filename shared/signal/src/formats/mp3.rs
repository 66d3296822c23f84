//! MP3: own frame walking and gapless arithmetic, decoded by symphonia.
//!
//! The count of frames is what mpg123 (and with it libsndfile) gives: exact where a Xing, Info or
//! VBRI header tells it, without the encoder's delay and padding where LAME's part tells these;
//! else estimated from the file's length.

mod header;

use symphonia::core::codecs::audio::well_known::CODEC_ID_MP3;
use symphonia::core::codecs::audio::{
    AudioCodecParameters, AudioDecoder as _, AudioDecoderOptions,
};
use symphonia::default::codecs::MpaDecoder;

use self::header::{FrameHeader, Tag};
use super::bytes::{array, read_up_to};
use super::opening::{Found, Opening};
use super::packets::{self, PacketDecoder, Packets};
use crate::recording::OpenError;
use crate::source::{ByteSource, SourceError};

/// How far the first frame is looked for behind tags and padding.
const SEARCH_BYTES: usize = 64 * 1024;
/// How far the next frame is looked for behind damage.
const RESYNC_BYTES: u64 = 1 << 20;
/// Frames decoded in front of a place: a frame borrows up to 511 bytes of those before it, which
/// at the lowest rates are 46 frames.
const PREROLL_FRAMES: u64 = 64;
/// Frames between places that are kept in mind.
const POINT_FRAMES: u64 = 64;
/// Samples that a decoder itself delays.
const DECODER_DELAY: u64 = 529;

/// Where the sound begins behind an ID3v2 tag.
pub(crate) fn after_id3(head: &[u8]) -> u64 {
    let Some([a, b, c, d]) = array::<4>(head, 6) else { return 0 };
    let size = [a, b, c, d].iter().fold(0u64, |size, &x| (size << 7) | u64::from(x & 0x7F));
    let footer = if head.get(5).is_some_and(|flags| flags & 0x10 != 0) { 10 } else { 0 };
    10 + size + footer
}

/// Whether two frames follow each other at the beginning (or, in a file called `.mp3`, near it).
pub(crate) fn looks_like_it(opening: &mut Opening<'_>) -> Result<bool, OpenError> {
    let named = opening.name.to_ascii_lowercase().ends_with(".mp3");
    let reach = if named { SEARCH_BYTES } else { 1 };
    Ok(first_frame(opening, 0, reach)?.is_some())
}

/// Opens an MP3 whose frames begin at or behind byte `at`.
pub(crate) fn open(opening: &mut Opening<'_>, at: u64) -> Result<Found, OpenError> {
    let Some((first_at, first)) = first_frame(opening, at, SEARCH_BYTES)? else {
        return Err(opening.broken(
            "no MPEG layer III sound was found in it (layers I and II are not read here); if it is \
             an MP3, it was damaged: copy it again"
                .to_owned(),
        ));
    };
    let end = end_of_frames(opening)?;
    let content = opening.bytes_up_to(first_at, first.bytes)?;
    let tag = Tag::parse(&content, &first);
    let per_frame = u64::from(first.samples);
    let (mut start, mut skipped) = (first_at, 0);
    let frames = match tag {
        Some(tag) => {
            start += first.bytes as u64;
            let total = u64::from(tag.frames) * per_frame;
            match tag.delay_and_padding {
                Some((delay, padding)) => {
                    skipped = u64::from(delay) + DECODER_DELAY;
                    total.saturating_sub(u64::from(delay) + u64::from(padding))
                }
                None => total,
            }
        }
        None => {
            opening.warn(
                "it has no header that says how long it is: its length is estimated from the \
                 file's size and its first frame"
                    .to_owned(),
            );
            opening.note("length", "estimated");
            end * per_frame / first.bytes as u64
        }
    };
    // A frame of 24 bytes, the shortest there is, holds 1152 samples: more is a lie.
    let most = (end.saturating_sub(start) / 24 + 1) * 1152;
    if frames > most {
        opening.warn(format!(
            "its header promises {frames} frames, more than a file of its size can hold"
        ));
    }
    let frames = frames.min(most);
    opening.warn(
        "it is MP3, which is lossy: levels above about 16 kHz and faint sounds under loud ones are \
         not what was recorded"
            .to_owned(),
    );
    let mp3 = Mp3Packets::new(first, start, end, skipped).map_err(|p| opening.broken(p))?;
    Ok(Found {
        format: "mp3",
        codec: "mp3",
        sample_rate_hz: f64::from(first.sample_rate_hz),
        channels: first.channels,
        bits_per_sample: 0,
        frames,
        segments: Vec::new(),
        decoder: Box::new(PacketDecoder::new(mp3, first.channels as usize, frames)),
    })
}

/// The first of two frames that follow each other, beginning in the `reach` bytes from `at`.
fn first_frame(
    opening: &mut Opening<'_>,
    at: u64,
    reach: usize,
) -> Result<Option<(u64, FrameHeader)>, OpenError> {
    let bytes = opening.bytes_up_to(at, reach.saturating_add(3))?;
    for i in 0..reach.min(bytes.len()) {
        let Some(header) = array(&bytes, i).and_then(FrameHeader::parse) else { continue };
        let next_at = at + (i + header.bytes) as u64;
        let next = opening.bytes_up_to(next_at, 4)?;
        if array(&next, 0).and_then(FrameHeader::parse).is_some_and(|n| n.follows(&header)) {
            return Ok(Some((at + i as u64, header)));
        }
    }
    Ok(None)
}

/// Where frames end: before an ID3v1 tag, if there is one.
fn end_of_frames(opening: &mut Opening<'_>) -> Result<u64, OpenError> {
    let len = opening.source.len();
    let tag_at = len.saturating_sub(128);
    Ok(if opening.bytes_up_to(tag_at, 3)? == b"TAG" { tag_at } else { len })
}

/// Frames of an MP3 in order.
struct Mp3Packets {
    first: FrameHeader,
    end: u64,
    /// Samples in front of frame 0.
    skipped: u64,
    decoder: MpaDecoder,
    /// Where every 64th MPEG frame lies, as far as was walked.
    points: Vec<u64>,
    next_index: u64,
    next_at: u64,
    /// MPEG frames before this one are decoded but not given.
    given_from: u64,
    bytes: Vec<u8>,
    problems: Vec<String>,
}

impl Mp3Packets {
    fn new(first: FrameHeader, start: u64, end: u64, skipped: u64) -> Result<Self, String> {
        let mut parameters = AudioCodecParameters::new();
        parameters.for_codec(CODEC_ID_MP3).with_sample_rate(first.sample_rate_hz);
        let decoder = MpaDecoder::try_new(&parameters, &AudioDecoderOptions::default())
            .map_err(|e| format!("its coding is not read here: {e}"))?;
        Ok(Mp3Packets {
            first,
            end,
            skipped,
            decoder,
            points: vec![start],
            next_index: 0,
            next_at: start,
            given_from: 0,
            bytes: Vec::new(),
            problems: Vec::new(),
        })
    }

    /// The header of the frame at `at` or, over damage, of the next one, and where that is.
    fn frame_from(
        &mut self,
        source: &mut dyn ByteSource,
        at: u64,
    ) -> Result<Option<(u64, FrameHeader)>, SourceError> {
        let header = array(&read_up_to(source, at, 4)?, 0).and_then(FrameHeader::parse);
        if let Some(header) = header.filter(|h| h.follows(&self.first)) {
            return Ok((at + header.bytes as u64 <= self.end).then_some((at, header)));
        }
        let limit = self.end.min(at.saturating_add(RESYNC_BYTES));
        let mut from = at;
        while from + 4 <= limit {
            let bytes = read_up_to(source, from, SEARCH_BYTES)?;
            for i in 0..bytes.len().saturating_sub(3) {
                let Some(header) = array(&bytes, i).and_then(FrameHeader::parse) else { continue };
                let found = from + i as u64;
                let next_at = found + header.bytes as u64;
                if !header.follows(&self.first) || next_at > self.end {
                    continue;
                }
                let next = array(&read_up_to(source, next_at, 4)?, 0).and_then(FrameHeader::parse);
                if next_at == self.end || next.is_some_and(|n| n.follows(&self.first)) {
                    return Ok(Some((found, header)));
                }
            }
            from += bytes.len().saturating_sub(3).max(1) as u64;
        }
        Ok(None)
    }

    /// Notes a place that the walk has come to.
    fn pass(&mut self, index: u64, at: u64) {
        if index.is_multiple_of(POINT_FRAMES)
            && (index / POINT_FRAMES) as usize == self.points.len()
        {
            self.points.push(at);
        }
    }
}

impl Packets for Mp3Packets {
    fn seek(&mut self, source: &mut dyn ByteSource, frame: u64) -> Result<(), SourceError> {
        let wanted = frame.saturating_add(self.skipped) / u64::from(self.first.samples);
        let from = wanted.saturating_sub(PREROLL_FRAMES);
        let point = ((from / POINT_FRAMES) as usize).min(self.points.len() - 1);
        let (mut index, mut at) = (point as u64 * POINT_FRAMES, self.points[point]);
        while index < from {
            let Some((found, header)) = self.frame_from(source, at)? else { break };
            (index, at) = (index + 1, found + header.bytes as u64);
            self.pass(index, at);
        }
        self.decoder.reset();
        (self.next_index, self.next_at, self.given_from) = (index, at, wanted);
        Ok(())
    }

    fn next(
        &mut self,
        source: &mut dyn ByteSource,
        block: &mut Vec<f32>,
    ) -> Result<Option<i64>, SourceError> {
        loop {
            let Some((at, header)) = self.frame_from(source, self.next_at)? else {
                return Ok(None);
            };
            self.bytes.resize(header.bytes, 0);
            source.read_at(at, &mut self.bytes)?;
            let index = self.next_index;
            self.next_index += 1;
            self.next_at = at + header.bytes as u64;
            self.pass(self.next_index, self.next_at);
            block.clear();
            let samples = u64::from(self.first.samples);
            let planes = &[0, 1][..self.first.channels.min(2) as usize];
            if let Ok(decoded) = self.decoder.decode_ref(&packets::packet(&self.bytes)) {
                packets::append(&decoded, planes, block);
            } else if index >= self.given_from && self.problems.is_empty() {
                self.problems.push(format!(
                    "frames from {} on are damaged and became silence",
                    (index * samples).saturating_sub(self.skipped)
                ));
            }
            // What can't be decoded is silence of the same length.
            block.resize((samples * u64::from(self.first.channels)) as usize, 0.0);
            if index >= self.given_from {
                let first = i64::try_from(index * samples).unwrap_or(i64::MAX);
                return Ok(Some(first - i64::try_from(self.skipped).unwrap_or(0)));
            }
        }
    }

    fn problems(&self) -> &[String] {
        &self.problems
    }
}
