//! Containers and codings: bytes to a [`Recording`].
//!
//! [`open`] looks at the first bytes (and, for formats without any mark of their own, at the name)
//! and hands the file to the one reader that knows it. A reader reads bounded ranges only; samples
//! are decoded later, range by range.

mod aiff;
mod bytes;
pub mod ears;
mod file_name;
mod fingerprint;
mod flac;
mod lossy;
mod metadata;
mod mp3;
mod ogg;
mod opening;
mod packets;
mod pcm;
mod riff;
mod start;
mod w64;
mod wav;
pub mod wav_writer;
mod xwav;

pub use ears::EarsConvention;
pub use file_name::NameTime;
pub use lossy::{Lossy, fetch_lossy_by};

use spyhop_api::{RecordingInfo, SegmentInfo, Timestamp};

use crate::recording::{OpenError, Recording};
use crate::source::{ByteSource, SharedSource};
use opening::{Found, Opening};

/// What can be opened, for messages.
pub const KNOWN: &str = "WAV, RF64/BW64, W64, AIFF/AIFC, FLAC, MP3, Ogg Vorbis, EARS and x.wav";

/// Rates that a recording may have, in hertz; anything else is a damaged header.
pub const RATES_HZ: std::ops::RangeInclusive<f64> = 1.0..=10_000_000.0;

/// A file that lies beside a recording and tells of it (SoundTrap's `.log.xml`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sidecar {
    /// Its name, without a path.
    pub name: String,
    /// Its content; more than a mebibyte is not looked at.
    pub bytes: Vec<u8>,
}

/// What a person or a data set says about how to read its files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenOptions {
    /// How the clock in EARS records is read.
    pub ears_convention: EarsConvention,
    /// Files beside the recording.
    pub sidecars: Vec<Sidecar>,
    /// Where the time stands in file names, in strftime's letters (`_%Y%m%d_%H%M%S`), before the
    /// patterns that are known.
    pub name_pattern: Option<String>,
    /// Offset from UTC, in seconds east, of times that name no zone; `None` assumes UTC.
    pub zone_offset_s: Option<i32>,
    /// When the recording began, against everything that the file says.
    pub start: Option<Timestamp>,
    /// Its fingerprint, where that is known: it is not read once more, which of a few samples of many recordings
    /// would be most of what is read.
    pub fingerprint: Option<String>,
}

/// Opens a recording of any known format. `name` is the file's name without a path; it can carry
/// the start time, and stands in every message.
///
/// # Errors
/// When the file is empty, of no known format, broken beyond reading, or its bytes can't be had.
pub fn open(
    name: &str,
    source: Box<dyn ByteSource>,
    options: &OpenOptions,
) -> Result<Recording, OpenError> {
    let mut opening = Opening::new(name, SharedSource::new(source), options);
    if opening.source.is_empty() {
        return Err(OpenError::Empty { name: name.to_owned() });
    }
    let mut found = read_container(&mut opening)?;
    undo_time_expansion(&mut opening, &mut found);
    if !RATES_HZ.contains(&found.sample_rate_hz) {
        return Err(opening.broken(format!(
            "its header claims {} samples a second, which no recorder makes (1 Hz to 10 MHz); the \
             file is damaged",
            found.sample_rate_hz
        )));
    }
    finish(opening, found)
}

/// Picks the reader by the first bytes.
fn read_container(opening: &mut Opening<'_>) -> Result<Found, OpenError> {
    let head = opening.bytes_up_to(0, 64)?;
    let tag = |at: usize| head.get(at..at + 4).unwrap_or(&[]);
    match tag(0) {
        b"RIFF" | b"RF64" | b"BW64" if tag(8) == b"WAVE" => wav::open(opening),
        b"RIFF" => Err(opening.unknown("a RIFF file that holds no sound".to_owned())),
        b"FORM" if matches!(tag(8), b"AIFF" | b"AIFC") => aiff::open(opening),
        b"riff" if head.starts_with(&w64::RIFF_GUID) => w64::open(opening),
        b"fLaC" => flac::open(opening, 0),
        b"OggS" => (lossy::readers(opening)?.ogg)(opening),
        _ if head.starts_with(b"ID3") => {
            let after = mp3::after_id3(&head);
            match opening.bytes_up_to(after, 4)?.as_slice() {
                b"fLaC" => flac::open(opening, after),
                _ => (lossy::readers(opening)?.mp3)(opening, after),
            }
        }
        _ => match ears::open(opening)? {
            Some(found) => Ok(found),
            None if mp3::looks_like_it(opening)? => (lossy::readers(opening)?.mp3)(opening, 0),
            None => Err(opening.unknown(bytes::what_it_looks_like(&head))),
        },
    }
}

/// A detector that stretches time writes files that play slower than life; GUANO's `TE` says how much,
/// and its `Samplerate` is to be the product of it and the header's rate.
fn undo_time_expansion(opening: &mut Opening<'_>, found: &mut Found) {
    let factor = opening.time_expansion;
    if !(factor.is_finite() && factor > 0.0) || factor == 1.0 {
        return;
    }
    let stated = found.sample_rate_hz;
    let real = stated * factor;
    if opening.stated_rate_hz == Some(stated) {
        opening.warn(format!(
            "its GUANO chunk says that it is time-expanded {factor} times, but also that {stated} Hz \
             is the rate it was recorded at; the rate is believed"
        ));
        return;
    }
    found.sample_rate_hz = real;
    opening.warn(format!(
        "it is time-expanded {factor} times, as its GUANO chunk says: it was recorded at {real} Hz, \
         not at the {stated} Hz of its header, and times and frequencies are those of the recording"
    ));
}

/// Puts what a reader found, what the metadata say and what the name says into one [`Recording`].
fn finish(mut opening: Opening<'_>, found: Found) -> Result<Recording, OpenError> {
    let start = start::choose(&mut opening);
    let rate = found.sample_rate_hz;
    let whole = || vec![SegmentInfo { start: None, first_frame: 0, frames: found.frames }];
    let mut segments = if found.segments.is_empty() { whole() } else { found.segments };
    // Times inside the file keep their distances when something better says when it began.
    let told = segments.first().and_then(|s| s.start);
    for segment in &mut segments {
        segment.start = start.as_ref().map(|s| match (segment.start, told) {
            (Some(at), Some(told)) => Timestamp(s.at.0.saturating_add(at.0.saturating_sub(told.0))),
            _ => {
                let frame = i64::try_from(segment.first_frame).unwrap_or(i64::MAX);
                Timestamp::of_frame(s.at, frame, rate)
            }
        });
    }
    if found.frames == 0 {
        opening.warn("it holds no samples".to_owned());
    }
    let fingerprint = match &opening.options.fingerprint {
        Some(known) => known.clone(),
        None => fingerprint::of(&mut opening.source).map_err(|e| opening.source_error(e))?,
    };
    let bytes = opening.source.len();
    let info = RecordingInfo {
        name: opening.name.to_owned(),
        fingerprint,
        bytes,
        format: found.format.to_owned(),
        codec: found.codec.to_owned(),
        sample_rate_hz: rate,
        channels: found.channels,
        bits_per_sample: found.bits_per_sample,
        frames: found.frames,
        duration_s: found.frames as f64 / rate,
        start: start.as_ref().map(|s| s.at),
        start_source: start.as_ref().map_or(spyhop_api::StartSource::None, |s| s.source),
        start_zone: start.as_ref().map_or_else(String::new, |s| s.zone.clone()),
        start_uncertainty_s: start.and_then(|s| s.uncertainty_s),
        segments,
        metadata: opening.metadata,
        warnings: opening.warnings,
    };
    Ok(Recording { info, source: opening.source, decoder: found.decoder })
}
