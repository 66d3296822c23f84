//! x.wav: the `harp` chunk of Scripps' HARP recorders, which dates every raw file in a recording.

use jiff::civil::DateTime;
use spyhop_api::time::frames_to_nanos;
use spyhop_api::{SegmentInfo, StartSource, Timestamp};

use super::bytes::{array, i32_le, text, u16_le, u32_le};
use super::opening::{Found, Opening};
use super::start::{Start, instant};

/// Bytes of the fixed part of the chunk and of each entry after it.
const FIXED_BYTES: usize = 56;
const ENTRY_BYTES: usize = 32;
/// The largest chunk there can be: 65 535 entries.
pub(crate) const MAX_BYTES: u64 = (FIXED_BYTES + 65_535 * ENTRY_BYTES) as u64;

/// Entries state their times to the millisecond and clocks are read between disk writes: what is
/// off by no more than this belongs together.
const CONTIGUOUS_NS: i64 = 10_000_000;

/// One raw file inside the recording.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    at: Timestamp,
    byte_loc: u64,
    sample_rate: u32,
}

/// Turns a WAV that was found into an x.wav: its rate, and segments with gaps between them.
/// `data_offset` is where samples begin in the file that the entries speak of.
pub(crate) fn apply(
    opening: &mut Opening<'_>,
    harp: &[u8],
    data_offset: u64,
    frame_bytes: u64,
    found: &mut Found,
) {
    found.format = if found.format == "flac" { "xwav-flac" } else { "xwav" };
    note_fixed_part(opening, harp);
    let stated = u16_le(harp, 36).unwrap_or(0);
    let entries: Vec<Entry> = harp
        .get(FIXED_BYTES..)
        .unwrap_or(&[])
        .chunks_exact(ENTRY_BYTES)
        .take(usize::from(stated))
        .filter_map(entry)
        .collect();
    if entries.len() < usize::from(stated) {
        opening.warn(format!(
            "its 'harp' chunk promises {stated} entries but {} can be read",
            entries.len()
        ));
    }
    let Some(&first) = entries.first() else { return };
    let rate = f64::from(first.sample_rate);
    if entries.iter().any(|e| e.sample_rate != first.sample_rate) {
        opening.warn("its 'harp' entries name several rates; the first is used".to_owned());
    }
    if super::RATES_HZ.contains(&rate) {
        if rate != found.sample_rate_hz {
            opening.warn(format!(
                "its 'fmt ' chunk says {} Hz, its 'harp' entries say {rate} Hz; the entries are \
                 believed",
                found.sample_rate_hz
            ));
        }
        found.sample_rate_hz = rate;
    }
    // Headers that were copied in front of other data keep the places of the original.
    let origin = if first.byte_loc == data_offset {
        data_offset
    } else {
        opening.warn(format!(
            "its first 'harp' entry begins at byte {}, its samples at {data_offset}; places are \
             counted from the first entry",
            first.byte_loc
        ));
        first.byte_loc
    };
    found.segments = segments(&entries, origin, frame_bytes, found.frames, found.sample_rate_hz);
    opening.note("harp entries", entries.len().to_string());
    opening.starts.push(Start {
        at: first.at,
        source: StartSource::Records,
        zone: "Z".to_owned(),
        uncertainty_s: Some(0.001),
    });
}

/// Segments of the entries' bytes: neighbours that follow each other in time are one.
fn segments(
    entries: &[Entry],
    origin: u64,
    frame_bytes: u64,
    frames: u64,
    rate: f64,
) -> Vec<SegmentInfo> {
    let mut segments: Vec<SegmentInfo> = Vec::new();
    let mut covered = 0;
    for (i, entry) in entries.iter().enumerate() {
        let place = |byte: u64| (byte.saturating_sub(origin) / frame_bytes.max(1)).min(frames);
        let first = place(entry.byte_loc).max(covered);
        // An entry's own length is often that of a full raw file: what follows says where it ends.
        let end = entries.get(i + 1).map_or(frames, |next| place(next.byte_loc));
        if end <= first {
            continue;
        }
        let length = end - first;
        let joined = segments.last_mut().filter(|s| {
            let elapsed = frames_to_nanos(i64::try_from(s.frames).unwrap_or(i64::MAX), rate);
            let expected = s.start.map_or(0, |t| t.0.saturating_add(elapsed));
            s.first_frame + s.frames == first
                && entry.at.0.saturating_sub(expected).saturating_abs() <= CONTIGUOUS_NS
        });
        match joined {
            Some(segment) => segment.frames += length,
            None => segments.push(SegmentInfo {
                start: Some(entry.at),
                first_frame: first,
                frames: length,
            }),
        }
        covered = end;
    }
    // Samples in front of the first entry's are kept, on its line.
    if let Some(first) = segments.first_mut()
        && first.first_frame > 0
    {
        let lead = i64::try_from(first.first_frame).unwrap_or(i64::MAX);
        first.start = first.start.map(|t| Timestamp::of_frame(t, -lead, rate));
        first.frames += first.first_frame;
        first.first_frame = 0;
    }
    segments
}

fn note_fixed_part(opening: &mut Opening<'_>, harp: &[u8]) {
    let field = |from: usize, len: usize| text(harp.get(from..from + len).unwrap_or(&[]));
    opening.note("harp Firmware", field(1, 10));
    opening.note("harp Instrument", field(11, 4));
    opening.note("harp Site", field(15, 4));
    opening.note("harp Experiment", field(19, 8));
    opening.note("harp DiskSerial", field(28, 8));
    if let (Some(longitude), Some(latitude)) = (i32_le(harp, 38), i32_le(harp, 42)) {
        opening.note(
            "harp Position",
            format!("{:.5} {:.5}", f64::from(latitude) / 1e5, f64::from(longitude) / 1e5),
        );
    }
    if let Some(depth) = array(harp, 46).map(i16::from_le_bytes) {
        opening.note("harp DepthM", depth.to_string());
    }
}

fn entry(bytes: &[u8]) -> Option<Entry> {
    let [year, month, day, hour, minute, second] = array::<6>(bytes, 0)?;
    let millis = i32::from(u16_le(bytes, 6)?);
    let small = |n: u8| i8::try_from(n).ok();
    let clock = DateTime::new(
        2000 + i16::from(year),
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        millis.min(999) * 1_000_000,
    )
    .ok()?;
    Some(Entry {
        at: instant(clock, 0)?,
        byte_loc: u64::from(u32_le(bytes, 8)?),
        sample_rate: u32_le(bytes, 20)?,
    })
}
