//! What opening a recording told: the object that `spyhop info --json` prints and the server sends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Everything known about one recording without reading its samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RecordingInfo {
    /// The file's name, without a path.
    pub name: String,
    /// Length and BLAKE3 of the first, middle and last 64 KiB: `<bytes>-<16 hex digits>`.
    pub fingerprint: String,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// Container: `wav`, `rf64`, `w64`, `aiff`, `aifc`, `flac`, `mp3`, `ogg`, `ears`, `xwav`, …
    pub format: String,
    /// Sample coding: `pcm_s16le`, `pcm_f32le`, `alaw`, `flac`, `mp3`, `vorbis`, …
    pub codec: String,
    /// Frames a second (a float: legacy EARS buoys ran at 11 718.75 Hz).
    pub sample_rate_hz: f64,
    /// Samples in a frame.
    pub channels: u32,
    /// Bits of a stored sample; 0 where the coding has none (MP3, Vorbis).
    pub bits_per_sample: u32,
    /// Frames in all segments together.
    pub frames: u64,
    /// `frames / sample_rate_hz`: recorded time, without gaps.
    pub duration_s: f64,
    /// Clock time of the first frame, where it is known.
    pub start: Option<Timestamp>,
    /// Where `start` came from.
    pub start_source: StartSource,
    /// What zone the start was given in: `Z`, `token EST, not applied`, `assumed UTC`; empty without a start.
    pub start_zone: String,
    /// How far `start` may be off.
    pub start_uncertainty_s: Option<f64>,
    /// Runs of frames without a gap, in order.
    pub segments: Vec<SegmentInfo>,
    /// Everything else the file says of itself, by the field's own names.
    pub metadata: BTreeMap<String, String>,
    /// What is doubtful, and what to do about it.
    pub warnings: Vec<String>,
}

/// A run of frames without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SegmentInfo {
    /// Clock time of the run's first frame, where the recording is dated.
    pub start: Option<Timestamp>,
    /// Index of the run's first frame in the file.
    pub first_frame: u64,
    /// Frames in the run.
    pub frames: u64,
}

/// Where a start time came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StartSource {
    /// No start is known.
    None,
    /// Records of the file itself (EARS, x.wav).
    Records,
    /// A GUANO chunk.
    Guano,
    /// A WAMD chunk.
    Wamd,
    /// AudioMoth's comment.
    AudioMoth,
    /// A broadcast-wave (`bext`) chunk.
    Bext,
    /// A file beside the recording (SoundTrap `.log.xml`).
    Sidecar,
    /// The file's name.
    FileName,
    /// A person said so.
    Override,
}
