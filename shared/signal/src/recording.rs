//! A recording: what every format opens to.

use spyhop_api::RecordingInfo;

use crate::source::{ByteSource, SourceError};

/// An open recording: what is known of it, and a way to its samples by frame range.
pub struct Recording {
    /// What opening it told.
    pub info: RecordingInfo,
    pub(crate) source: Box<dyn ByteSource>,
    pub(crate) decoder: Box<dyn Decoder>,
}

/// What a format gives to a [`Recording`]: decoded samples of any frame range.
///
/// # For implementations
/// `read` must give the same samples whatever was read before, must decode no more than it takes
/// (blocks that hold the range and what the coding needs in front of it), and must never panic or
/// allocate by what a header claims.
pub(crate) trait Decoder: Send {
    /// Decodes `frames` frames from `first_frame`, interleaved, into `out` (cleared first). Fewer
    /// frames come back where the file ends early.
    fn read(
        &mut self,
        source: &mut dyn ByteSource,
        first_frame: u64,
        frames: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), OpenError>;
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
        self.decoder.read(self.source.as_mut(), first_frame, frames, out)
    }

    /// Decodes one channel; see [`Recording::read`].
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
        self.read(first_frame, frames, out)?;
        let channels = self.info.channels.max(1) as usize;
        if channels > 1 {
            let channel = (channel as usize).min(channels - 1);
            let kept = out.len() / channels;
            for i in 0..kept {
                out[i] = out[i * channels + channel];
            }
            out.truncate(kept);
        }
        Ok(())
    }
}
