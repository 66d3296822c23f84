//! Containers and codings: bytes to a [`Recording`](crate::Recording).

/// What can be opened, for messages.
pub const KNOWN: &str = "WAV, RF64/BW64, W64, AIFF/AIFC, FLAC, MP3, Ogg Vorbis, EARS and x.wav";
