//! Reading any range of a FLAC stream: finding the frame, and going on from there.

use super::StreamInfo;
use super::frame::{self, Header};
use crate::recording::{Decoder, ReadError};
use crate::source::{ByteSource, SourceError};

/// Bytes read at a time.
const WINDOW_BYTES: usize = 256 * 1024;
/// Stretches shorter than this are decoded frame by frame to find a place.
const LINEAR_BYTES: u64 = 128 * 1024;
/// What looks like a frame and is none, before a search is given up: in a file of chance bytes
/// there is one in 100 MB.
const MAX_FALSE_FRAMES: u32 = 1000;
/// How far from the end the last frame is looked for.
const TAIL_BYTES: u64 = 8 << 20;
/// Places kept in mind to seek from.
const MAX_POINTS: usize = 8192;
/// Damage is described so many times.
const MAX_PROBLEMS: usize = 20;

/// A FLAC stream and the place in it.
pub(super) struct FlacDecoder {
    info: StreamInfo,
    /// Where frames begin and end in the file.
    start: u64,
    end: u64,
    /// Frames to give; what lies behind is not there.
    frames: u64,
    /// First samples of frames and where they lie, in order of samples.
    points: Vec<(u64, u64)>,
    window: Vec<u8>,
    window_at: u64,
    /// The frame decoded last.
    channels: Vec<Vec<i32>>,
    block: Option<Header>,
    /// Where the frame after it begins.
    next_at: u64,
    false_frames: u32,
    problems: Vec<String>,
}

impl FlacDecoder {
    pub(super) fn new(
        info: StreamInfo,
        start: u64,
        end: u64,
        seek_points: impl Iterator<Item = (u64, u64)>,
    ) -> FlacDecoder {
        let mut points: Vec<(u64, u64)> =
            seek_points.filter(|&(_, at)| at < end).take(MAX_POINTS).collect();
        points.push((0, start));
        points.sort_unstable();
        points.dedup_by_key(|p| p.0);
        FlacDecoder {
            info,
            start,
            end,
            frames: u64::MAX,
            points,
            window: Vec::new(),
            window_at: 0,
            channels: Vec::new(),
            block: None,
            next_at: start,
            false_frames: 0,
            problems: Vec::new(),
        }
    }

    pub(super) fn set_frames(&mut self, frames: u64) {
        self.frames = frames;
    }

    /// One past the last sample that can be decoded, from the last frames of the file; `None` where
    /// there is no whole frame near the end.
    pub(super) fn find_end(
        &mut self,
        source: &mut dyn ByteSource,
    ) -> Result<Option<u64>, ReadError> {
        let mut tail = 2 * self.info.frame_bytes_bound() as u64;
        loop {
            let from = self.end.saturating_sub(tail).max(self.start);
            self.false_frames = 0;
            let mut end = None;
            let mut at = from;
            while let Some((header, next)) = self.next_frame(source, at, self.end)? {
                end = Some(header.first_sample + u64::from(header.block));
                at = next;
            }
            if end.is_some() || from == self.start || tail >= TAIL_BYTES {
                return Ok(end);
            }
            tail *= 2;
        }
    }

    /// Makes `window` hold `count` bytes from `at`, or what there is of them.
    fn load(
        &mut self,
        source: &mut dyn ByteSource,
        at: u64,
        count: usize,
    ) -> Result<(), SourceError> {
        let wanted_end = at.saturating_add(count as u64).min(self.end);
        let window_end = self.window_at + self.window.len() as u64;
        if at < self.window_at || wanted_end > window_end {
            let bytes = self.end.saturating_sub(at).min(count.max(WINDOW_BYTES) as u64);
            self.window.resize(bytes as usize, 0);
            self.window_at = at;
            if let Err(error) = source.read_at(at, &mut self.window) {
                self.window.clear();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Decodes the frame that begins exactly at `at`; gives its header and where the next begins.
    fn frame_at(
        &mut self,
        source: &mut dyn ByteSource,
        at: u64,
    ) -> Result<Option<(Header, u64)>, ReadError> {
        self.load(source, at, self.info.frame_bytes_bound())?;
        self.block = None;
        let bytes = self.window.get((at - self.window_at) as usize..).unwrap_or(&[]);
        let Some((header, length)) = frame::decode(bytes, &self.info, &mut self.channels) else {
            return Ok(None);
        };
        self.block = Some(header);
        self.next_at = at + length as u64;
        Ok(Some((header, self.next_at)))
    }

    /// Finds and decodes the first undamaged frame that begins in `at..limit`.
    fn next_frame(
        &mut self,
        source: &mut dyn ByteSource,
        mut at: u64,
        limit: u64,
    ) -> Result<Option<(Header, u64)>, ReadError> {
        while at < limit && self.false_frames < MAX_FALSE_FRAMES {
            // A header takes at most 16 bytes.
            self.load(source, at, WINDOW_BYTES)?;
            let from = (at - self.window_at) as usize;
            let found = (from..self.window.len()).find(|&i| {
                self.window[i] == 0xFF && Header::parse(&self.window[i..], &self.info).is_some()
            });
            let Some(found) = found else {
                let end = self.window_at + self.window.len() as u64;
                // A header may lie across the window's end.
                at = if end >= self.end { end } else { (end - 16).max(at + 1) };
                continue;
            };
            at = self.window_at + found as u64;
            if at >= limit {
                break;
            }
            if let Some(frame) = self.frame_at(source, at)? {
                return Ok(Some(frame));
            }
            self.false_frames += 1;
            at += 1;
        }
        Ok(None)
    }

    /// Decodes the frame that holds `sample`, or the first after it where that one is damaged.
    fn seek(&mut self, source: &mut dyn ByteSource, sample: u64) -> Result<bool, ReadError> {
        self.false_frames = 0;
        let after = self.points.partition_point(|p| p.0 <= sample);
        let mut low = self.points.get(after.wrapping_sub(1)).copied().unwrap_or((0, self.start));
        let mut high = self.points.get(after).copied().unwrap_or((self.frames, self.end));
        // A seek table may lie.
        if high.1 <= low.1
            || (low.1 != self.start
                && self.frame_at(source, low.1)?.is_none_or(|f| f.0.first_sample != low.0))
        {
            self.points = vec![(0, self.start)];
            (low, high) = ((0, self.start), (self.frames, self.end));
        }
        let mut halve = false;
        while high.1 - low.1 > LINEAR_BYTES {
            let span = high.1 - low.1;
            let fraction = (sample - low.0) as f64 / (high.0.saturating_sub(low.0)).max(1) as f64;
            // Where it lies if the coding is even, and a little before; every second time the
            // middle, so that it ends whatever the coding.
            let guess = (fraction * span as f64) as u64;
            let step = if halve { span / 2 } else { guess.saturating_sub(LINEAR_BYTES / 2) };
            halve = !halve;
            let middle = low.1 + step.clamp(1, span - 1);
            match self.next_frame(source, middle, high.1)? {
                Some((header, next)) if header.first_sample <= sample => {
                    if sample < header.first_sample + u64::from(header.block) {
                        self.remember(header.first_sample, middle);
                        return Ok(true);
                    }
                    low = (header.first_sample + u64::from(header.block), next);
                    self.remember(low.0, low.1);
                }
                Some((header, _)) => high = (header.first_sample, middle),
                None => high.1 = middle,
            }
        }
        self.next_at = low.1;
        self.advance(source, sample)
    }

    fn remember(&mut self, sample: u64, at: u64) {
        if let Err(place) = self.points.binary_search_by_key(&sample, |p| p.0)
            && self.points.len() < MAX_POINTS
        {
            self.points.insert(place, (sample, at));
        }
    }

    /// Goes on from `next_at` to the frame that holds `sample` or, over damage, to one behind it.
    fn advance(&mut self, source: &mut dyn ByteSource, sample: u64) -> Result<bool, ReadError> {
        loop {
            let at = self.next_at;
            let frame = match self.frame_at(source, at)? {
                Some(frame) => Some(frame),
                None => self.next_frame(source, at, self.end)?,
            };
            match frame {
                Some((h, _)) if sample < h.first_sample.saturating_add(u64::from(h.block)) => {
                    return Ok(true);
                }
                Some(_) => {}
                None => return Ok(false),
            }
        }
    }

    fn report(&mut self, problem: String) {
        if self.problems.len() < MAX_PROBLEMS && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

impl Decoder for FlacDecoder {
    fn read(
        &mut self,
        source: &mut dyn ByteSource,
        first_frame: u64,
        frames: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), ReadError> {
        let scale = 1.0 / (1u32 << (self.info.bits - 1)) as f32;
        let end = self.frames.min(first_frame.saturating_add(frames as u64));
        let mut at = first_frame;
        while at < end {
            let holds =
                |h: &Header| (h.first_sample..h.first_sample + u64::from(h.block)).contains(&at);
            if !self.block.as_ref().is_some_and(holds) {
                let follows = self.block.is_some_and(|h| h.first_sample + u64::from(h.block) == at);
                self.false_frames = 0;
                let found =
                    if follows { self.advance(source, at)? } else { self.seek(source, at)? };
                if !found {
                    self.report(format!("it can't be decoded from frame {at} on"));
                    break;
                }
            }
            let Some(header) = self.block else { break };
            if header.first_sample > at {
                let upto = header.first_sample.min(end);
                self.report(format!("frames {at} to {upto} are damaged and became silence"));
                out.resize(out.len() + (upto - at) as usize * self.info.channels, 0.0);
                at = upto;
                continue;
            }
            let from = (at - header.first_sample) as usize;
            let count = (u64::from(header.block) - from as u64).min(end - at) as usize;
            let place = out.len();
            out.resize(place + count * self.info.channels, 0.0);
            for (c, samples) in self.channels.iter().enumerate() {
                let to = out[place + c..].iter_mut().step_by(self.info.channels);
                for (to, &sample) in to.zip(&samples[from..from + count]) {
                    *to = sample as f32 * scale;
                }
            }
            at += count as u64;
        }
        Ok(())
    }

    fn problems(&self) -> &[String] {
        &self.problems
    }
}
