//! What is measured of one recording.

use serde::{Deserialize, Serialize};
use spyhop_api::quality::Quality;
use spyhop_api::time::NANOS_PER_S;
use spyhop_api::{RecordingInfo, Timestamp};
use spyhop_signal::levels::Periods;
use spyhop_signal::quality::QualityMeter;
use spyhop_signal::spectrum::SpecError;
use spyhop_signal::{OpenError, Recording};

use crate::work::key_of;

/// Changes when the same samples give other measures.
const REVISION: u32 = 1;
/// The channel that is measured.
const CHANNEL: u32 = 0;
/// Samples that are read at a time.
const PIECE_SAMPLES: u64 = 1 << 18;
/// What a unit has in memory: pieces, and a frame of a second with its transform.
pub const UNIT_BYTES: u64 = 24 << 20;
const HOUR_NS: i64 = 3600 * NANOS_PER_S;

/// Measures of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Of all of it.
    pub quality: Quality,
    /// Of each hour of the clock that it touches, in order; empty where it is not dated.
    pub hours: Vec<(Timestamp, Quality)>,
}

/// Why there are none.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// Someone said so.
    #[error("it was stopped")]
    Stopped,
    /// It can't be read.
    #[error(transparent)]
    Unreadable(#[from] OpenError),
    /// It ends early.
    #[error("it ends before the length that its header tells: {0}")]
    Short(String),
    /// Its rate can't be transformed.
    #[error("{error}: {name}")]
    Rate {
        /// The recording.
        name: String,
        /// Why.
        error: SpecError,
    },
}

/// A hash of all that the measures of a recording are made from: its samples, and when they were taken.
///
/// # Errors
/// When it has no JSON.
pub fn key(info: &RecordingInfo) -> Result<String, serde_json::Error> {
    key_of("quality", &(REVISION, CHANNEL, &info.fingerprint, info.sample_rate_hz, &info.segments))
}

/// Measures a recording, in pieces. `go_on` is told how much is done, 0 to 1, and says whether to go on.
///
/// # Errors
/// When it can't be read, or it was stopped.
pub fn measure(
    recording: &mut Recording,
    go_on: &mut dyn FnMut(f64) -> bool,
) -> Result<Measured, MeasureError> {
    let info = recording.info.clone();
    let meter = || {
        let rate = |error| MeasureError::Rate { name: info.name.clone(), error };
        QualityMeter::new(&info).map_err(rate)
    };
    let mut whole = meter()?;
    // A file of an hour or less mostly lies within one: it is measured once then.
    let has_hours = info.segments.iter().any(|segment| segment.start.is_some());
    let is_split = has_hours && !lies_in_one_hour(&info);
    let mut hour: Option<(i64, QualityMeter)> = None;
    let mut hours = Vec::new();
    let mut samples = Vec::new();
    let mut done_frames = 0;
    for segment in &info.segments {
        whole.gap();
        if let Some((_, meter)) = &mut hour {
            meter.gap();
        }
        let mut periods = Periods::new(info.sample_rate_hz, HOUR_NS);
        periods.begin(segment.start.unwrap_or(Timestamp(0)));
        let mut at = 0;
        while at < segment.frames {
            if !go_on(done_frames as f64 / info.frames.max(1) as f64) {
                return Err(MeasureError::Stopped);
            }
            let count = PIECE_SAMPLES.min(segment.frames - at);
            let first = segment.first_frame + at;
            recording.read_channel(first, count as usize, CHANNEL, &mut samples)?;
            if (samples.len() as u64) < count {
                return Err(MeasureError::Short(info.name.clone()));
            }
            whole.push(&samples);
            at += count;
            done_frames += count;
            let mut rest = samples.as_slice();
            while is_split && segment.start.is_some() && !rest.is_empty() {
                let (start_ns, taken) = periods.take(rest.len());
                if let Some((before, ended)) = hour.take_if(|(current, _)| *current != start_ns) {
                    hours.push((Timestamp(before), ended.finish()));
                }
                let (piece, after) = rest.split_at(taken);
                match &mut hour {
                    Some((_, meter)) => meter.push(piece),
                    None => {
                        let mut fresh = meter()?;
                        fresh.push(piece);
                        hour = Some((start_ns, fresh));
                    }
                }
                rest = after;
            }
        }
    }
    hours.extend(hour.map(|(start_ns, meter)| (Timestamp(start_ns), meter.finish())));
    let quality = whole.finish();
    if has_hours && !is_split {
        let start_ns = info.segments.iter().find_map(|s| s.start).map_or(0, |t| t.0);
        let hour_ns = start_ns.div_euclid(HOUR_NS).saturating_mul(HOUR_NS);
        hours.push((Timestamp(hour_ns), quality.clone()));
    }
    Ok(Measured { quality, hours })
}

/// Whether all samples were taken in the same hour of the clock.
fn lies_in_one_hour(info: &RecordingInfo) -> bool {
    let hour = |t: Timestamp| t.0.div_euclid(HOUR_NS);
    let mut ends = info.segments.iter().filter(|s| s.frames > 0).filter_map(|segment| {
        let last = i64::try_from(segment.frames).unwrap_or(i64::MAX) - 1;
        let start = segment.start?;
        Some((hour(start), hour(Timestamp::of_frame(start, last, info.sample_rate_hz))))
    });
    let Some((first, end)) = ends.next() else { return true };
    first == end && ends.all(|(from, to)| from == first && to == first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_signal::formats::{self, OpenOptions, wav_writer::wav_pcm16};

    const RATE: u32 = 1000;

    /// Noise that is clipped in its second half.
    fn recording(name: &str, seconds: u32) -> Recording {
        let count = seconds * RATE;
        let sample = |i: u32| {
            let noise = (i64::from(i) * i64::from(i) * 7919 + i64::from(i) * 104_729) >> 3;
            let noise = (noise.rem_euclid(8192) - 4096) as i16;
            if i < count / 2 { noise } else { noise.saturating_mul(12) }
        };
        let samples: Vec<i16> = (0..count).map(sample).collect();
        let bytes = wav_pcm16(&samples, 1, RATE);
        formats::open(name, Box::new(bytes), &OpenOptions::default()).expect("a WAV")
    }

    #[test]
    fn hours_are_those_of_the_clock_and_add_up_to_the_whole() {
        let mut over_two = recording("x_20210601_005930.wav", 60);
        let measured = measure(&mut over_two, &mut |_| true).expect("measured");
        let starts: Vec<String> = measured.hours.iter().map(|(t, _)| t.to_iso()).collect();
        assert_eq!(starts, ["2021-06-01T00:00:00.000000000Z", "2021-06-01T01:00:00.000000000Z"]);
        let [before, after] = [&measured.hours[0].1, &measured.hours[1].1];
        assert_eq!(
            (before.samples, after.samples, measured.quality.samples),
            (30_000, 30_000, 60_000)
        );
        assert_eq!(before.clipped_share, 0.0);
        assert!(after.clipped_share > 0.1);
        let mean = 0.5 * (before.clipped_share + after.clipped_share);
        assert!((measured.quality.clipped_share - mean).abs() < 1e-12);
    }

    #[test]
    fn a_recording_within_an_hour_is_that_hours_and_one_without_a_date_is_none() {
        let mut within = recording("x_20210601_001500.wav", 20);
        let measured = measure(&mut within, &mut |_| true).expect("measured");
        assert_eq!(measured.hours.len(), 1);
        assert_eq!(measured.hours[0].1, measured.quality);
        let mut undated = recording("sound.wav", 20);
        assert!(measure(&mut undated, &mut |_| true).expect("measured").hours.is_empty());
        assert!(matches!(measure(&mut undated, &mut |_| false), Err(MeasureError::Stopped)));
    }

    #[test]
    fn another_time_of_the_same_samples_is_another_unit() {
        let (one, other) =
            (recording("x_20210601_001500.wav", 5), recording("x_20210601_001600.wav", 5));
        assert_eq!(one.info.fingerprint, other.info.fingerprint);
        assert_ne!(key(&one.info).expect("a key"), key(&other.info).expect("a key"));
    }
}
