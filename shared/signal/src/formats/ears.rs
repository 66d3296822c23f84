//! EARS buoys (LADC-GEMM, Gulf of Mexico): a sequence of 512-byte records without a file header.
//!
//! A record is a 12-byte header, of which the last 7 bytes hold a time, and 250 big-endian 16-bit
//! samples of one channel. Neither the rate nor what the clock counts from is stored; see
//! [`clock`] for what is known of it.

pub mod clock;
mod encoder;
mod gaps;

pub use clock::EarsConvention;
pub use encoder::{EarsWriter, encode};

use std::ops::Range;

use spyhop_api::{SegmentInfo, StartSource};

use self::clock::Clock;
use super::opening::{Found, Opening};
use super::start::{ASSUMED_UTC, Start};
use crate::recording::{Decoder, OpenError};
use crate::source::{ByteSource, SourceError};

/// Bytes of a record.
pub const RECORD_BYTES: usize = 512;
/// Bytes of a record in front of its samples.
pub const HEADER_BYTES: usize = 12;
/// Samples in a record.
pub const RECORD_SAMPLES: usize = 250;
/// Rate of today's buoys; not stored in the file.
pub const SAMPLE_RATE_HZ: f64 = 192_000.0;
/// Rate of the buoys of 2003.
pub const LEGACY_SAMPLE_RATE_HZ: f64 = 3_000_000.0 / 256.0;
/// Counts for one volt.
pub const COUNTS_PER_VOLT: f64 = 16_384.0;

/// Start times are believed to a day: the epoch was found by comparing logs.
const UNCERTAINTY_S: f64 = 86_400.0;
/// Records decoded at a time: 1 MiB.
const PIECE_RECORDS: usize = 2048;
/// Neighbouring records compared to tell whether a file without any mark is an EARS file.
const PROBES: u64 = 8;
/// Nominal ticks from one record to the next are 41⅔.
const STEP_TICKS: std::ops::RangeInclusive<i64> = 41..=42;

/// Whether a name is one that EARS buoys give: `71621DC7.190` is year, day of the year, counter in
/// hexadecimal, buoy and disk.
pub fn is_ears_name(name: &str) -> bool {
    let b = name.as_bytes();
    b.len() == 12
        && b[..4].iter().all(u8::is_ascii_digit)
        && b[4..8].iter().all(u8::is_ascii_hexdigit)
        && b[8] == b'.'
        && b[9..].iter().all(u8::is_ascii_digit)
}

/// Opens an EARS file; `None` where the file is not one.
pub(crate) fn open(opening: &mut Opening<'_>) -> Result<Option<Found>, OpenError> {
    let records = opening.source.len() / RECORD_BYTES as u64;
    let tail = opening.source.len() % RECORD_BYTES as u64;
    let named = is_ears_name(opening.name);
    if records == 0 || (tail != 0 && !named) {
        return Ok(None);
    }
    let modern = Clock::new(opening.options.ears_convention, opening.name);
    let legacy = Clock::new(EarsConvention::Legacy, opening.name);
    let clock = if has_steps_of(opening, modern, records, named)? {
        modern
    } else if has_steps_of(opening, legacy, records, named)? {
        legacy
    } else {
        return Ok(None);
    };
    read(opening, clock, records, tail).map(Some)
}

/// Whether neighbouring records are a record's time apart, by this clock, at several places. One gap
/// or one damaged header among the probes does not matter; a name that fits allows more.
fn has_steps_of(
    opening: &mut Opening<'_>,
    clock: Clock,
    records: u64,
    named: bool,
) -> Result<bool, OpenError> {
    if records == 1 {
        return Ok(named);
    }
    let probes = PROBES.min(records - 1);
    let mut good = 0;
    for probe in 0..probes {
        let record = probe * (records - 2) / (probes - 1).max(1);
        let (a, b) = (time(opening, clock, record)?, time(opening, clock, record + 1)?);
        if clock.is_a_step(b.saturating_sub(a)) {
            good += 1;
        }
    }
    Ok(if named { 2 * good >= probes } else { good + 1 >= probes && good > 0 })
}

/// The time of a record in nanoseconds of its clock.
fn time(opening: &mut Opening<'_>, clock: Clock, record: u64) -> Result<i64, OpenError> {
    time_at(&mut opening.source, clock, record).map_err(|e| opening.source_error(e))
}

fn time_at(source: &mut dyn ByteSource, clock: Clock, record: u64) -> Result<i64, SourceError> {
    let mut header = [0; HEADER_BYTES];
    source.read_at(record * RECORD_BYTES as u64, &mut header)?;
    Ok(clock.nanos(&header))
}

fn read(
    opening: &mut Opening<'_>,
    clock: Clock,
    records: u64,
    tail: u64,
) -> Result<Found, OpenError> {
    let rate = clock.sample_rate_hz();
    if tail != 0 {
        opening.warn(format!(
            "{tail} bytes after the last whole record are left out: the file was cut short or \
             something was added to it"
        ));
    }
    let mut source = opening.source.clone();
    let mut read_time = |record: u64| time_at(&mut source, clock, record);
    let runs = gaps::find(records, clock.record_nanos(), &mut read_time)
        .map_err(|e| opening.source_error(e))?;
    if runs.truncated {
        opening.warn(format!(
            "its clock jumps more than {} times; later jumps are not shown",
            gaps::MAX_GAPS
        ));
    }
    let gap_count = runs.starts.len() - 1;
    if gap_count > 0 {
        opening.note("EARS gaps", gap_count.to_string());
    }
    if runs.goes_back {
        opening.warn("its clock goes back at least once; samples there overlap".to_owned());
    }
    if let Some(ppm) = runs.drift_ppm {
        opening.note("EARS clock drift ppm", format!("{ppm:.1}"));
        if ppm.abs() > gaps::NOTABLE_DRIFT_PPM {
            opening.warn(format!(
                "its clock runs {ppm:+.1} ppm against its samples; no gaps are made of that"
            ));
        }
    }
    opening.note("EARS convention", clock.convention().name());
    opening.note("EARS counts per volt", COUNTS_PER_VOLT.to_string());
    let segments: Vec<SegmentInfo> = runs
        .starts
        .iter()
        .enumerate()
        .map(|(i, &(record, nanos))| {
            let end = runs.starts.get(i + 1).map_or(records, |&(next, _)| next);
            SegmentInfo {
                start: Some(clock.timestamp(nanos)),
                first_frame: record * RECORD_SAMPLES as u64,
                frames: (end - record) * RECORD_SAMPLES as u64,
            }
        })
        .collect();
    if let Some(at) = segments.first().and_then(|s| s.start) {
        opening.starts.push(Start {
            at,
            source: StartSource::Records,
            zone: ASSUMED_UTC.to_owned(),
            uncertainty_s: Some(UNCERTAINTY_S),
        });
    }
    Ok(Found {
        format: "ears",
        codec: "pcm_s16be",
        sample_rate_hz: rate,
        channels: 1,
        bits_per_sample: 16,
        frames: records * RECORD_SAMPLES as u64,
        segments,
        decoder: Box::new(EarsDecoder { records, bytes: Vec::new() }),
    })
}

/// Samples of the records, headers left out.
struct EarsDecoder {
    records: u64,
    bytes: Vec<u8>,
}

impl Decoder for EarsDecoder {
    fn read(
        &mut self,
        source: &mut dyn ByteSource,
        first_frame: u64,
        frames: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), SourceError> {
        let per_record = RECORD_SAMPLES as u64;
        let total = self.records * per_record;
        let mut left = total.saturating_sub(first_frame).min(frames as u64) as usize;
        let mut record = first_frame / per_record;
        let mut skip = (first_frame % per_record) as usize;
        out.reserve(left);
        while left > 0 {
            let count = (skip + left).div_ceil(RECORD_SAMPLES).min(PIECE_RECORDS);
            self.bytes.resize(count * RECORD_BYTES, 0);
            source.read_at(record * RECORD_BYTES as u64, &mut self.bytes)?;
            for bytes in self.bytes.chunks_exact(RECORD_BYTES) {
                let (samples, _) = bytes[HEADER_BYTES..].as_chunks::<2>();
                let samples = &samples[skip..];
                let taken = &samples[..samples.len().min(left)];
                out.extend(taken.iter().map(|&b| f32::from(i16::from_be_bytes(b)) / 32_768.0));
                left -= taken.len();
                skip = 0;
            }
            record += count as u64;
        }
        Ok(())
    }

    fn byte_range(&self, frames: Range<u64>) -> Option<Range<u64>> {
        let at = |record: u64| record.min(self.records) * RECORD_BYTES as u64;
        let per_record = RECORD_SAMPLES as u64;
        Some(at(frames.start / per_record)..at(frames.end.div_ceil(per_record)))
    }
}
