//! A recording: what every format opens to.

use std::ops::Range;

use spyhop_api::RecordingInfo;

use crate::source::{ByteSource, SharedSource, SourceError};

/// An open recording: what is known of it, and a way to its samples by frame range.
pub struct Recording {
    /// What opening it told.
    pub info: RecordingInfo,
    pub(crate) source: SharedSource,
    pub(crate) decoder: Box<dyn Decoder>,
}

/// What a format gives to a [`Recording`]: decoded samples of any frame range.
///
/// # For implementations
/// `read` must give the same samples whatever was read before, must decode no more than it takes
/// (blocks that hold the range and what the coding needs in front of it), and must never panic or
/// allocate by what a header claims. `out` arrives empty.
pub(crate) trait Decoder: Send {
    /// Decodes `frames` frames from `first_frame`, interleaved, into `out`. Fewer
    /// frames come back where the file ends early.
    fn read(
        &mut self,
        source: &mut dyn ByteSource,
        first_frame: u64,
        frames: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), SourceError>;

    /// Decodes one channel of the same frames. A coding that can leave the other channels alone
    /// does so.
    fn read_channel(
        &mut self,
        source: &mut dyn ByteSource,
        first_frame: u64,
        frames: usize,
        channel: Channel,
        out: &mut Vec<f32>,
    ) -> Result<(), SourceError> {
        self.read(source, first_frame, frames, out)?;
        if channel.of > 1 {
            let kept = out.len() / channel.of;
            for i in 0..kept {
                out[i] = out[i * channel.of + channel.index];
            }
            out.truncate(kept);
        }
        Ok(())
    }

    /// The bytes that hold some frames, where that is known without reading any.
    fn byte_range(&self, _frames: Range<u64>) -> Option<Range<u64>> {
        None
    }

    /// What reading has met so far that opening could not see: damaged blocks and the like.
    fn problems(&self) -> &[String] {
        &[]
    }
}

/// One channel among the others of a frame; `index < of`.
#[derive(Clone, Copy)]
pub(crate) struct Channel {
    pub(crate) index: usize,
    pub(crate) of: usize,
}

/// Why a file can't be opened or read. Every message names what is wrong and what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// Nothing in it.
    #[error("{name} is empty (0 bytes): copy it again from the recorder")]
    Empty {
        /// The file.
        name: String,
    },
    /// Not a recording that is known here.
    #[error(
        "{name} is not a recording that Spyhop knows: {found}. Known are {}",
        crate::formats::KNOWN
    )]
    Unknown {
        /// The file.
        name: String,
        /// What it looks like instead.
        found: String,
    },
    /// A known format whose content does not hold together.
    #[error("{name}: {problem}")]
    Broken {
        /// The file.
        name: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The bytes could not be read.
    #[error("{name} can't be read: {error}")]
    Source {
        /// The file.
        name: String,
        /// Why.
        error: SourceError,
    },
}

impl OpenError {
    pub(crate) fn of_source(name: &str, error: SourceError) -> OpenError {
        OpenError::Source { name: name.to_owned(), error }
    }
}

impl Recording {
    /// Decodes frames `first_frame..first_frame + frames` of all channels, interleaved, in [−1, 1)
    /// for integer codings. `out` is cleared first; fewer frames come back at the end of the file.
    ///
    /// # Errors
    /// When bytes can't be had or the coding is broken there.
    pub fn read(
        &mut self,
        first_frame: u64,
        frames: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), OpenError> {
        out.clear();
        self.decoder
            .read(&mut self.source, first_frame, frames, out)
            .map_err(|e| OpenError::of_source(&self.info.name, e))
    }

    /// Decodes one channel, counted from 0; a number past the last channel means the last.
    ///
    /// # Errors
    /// As [`Recording::read`].
    pub fn read_channel(
        &mut self,
        first_frame: u64,
        frames: usize,
        channel: u32,
        out: &mut Vec<f32>,
    ) -> Result<(), OpenError> {
        out.clear();
        let of = self.info.channels.max(1) as usize;
        let channel = Channel { index: (channel as usize).min(of - 1), of };
        self.decoder
            .read_channel(&mut self.source, first_frame, frames, channel, out)
            .map_err(|e| OpenError::of_source(&self.info.name, e))
    }

    /// The bytes that hold some frames, so that they can be fetched beforehand; `None` where a
    /// coding tells only while it is read.
    pub fn byte_range(&self, frames: Range<u64>) -> Option<Range<u64>> {
        self.decoder.byte_range(frames)
    }

    /// What reading has met so far that opening could not see (damaged blocks that became silence),
    /// for a person.
    pub fn problems(&self) -> &[String] {
        self.decoder.problems()
    }
}
