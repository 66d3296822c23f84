//! The recordings of a deployment in a compact form: a hundred thousand of them in a few megabytes,
//! a tenth of that compressed.
//!
//! One array a property instead of one object a recording; what repeats stands once. Numbers are
//! differences that are nearly always the same (a start is told from the end of the recording before
//! it), so that they compress to nothing. [`Timeline::infos`] gives back everything that a
//! line is laid by and a list shows; fingerprints, metadata and warnings are asked for one by one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::recording::{RecordingInfo, SegmentInfo, StartSource};
use crate::time::{Timestamp, frames_to_nanos};

/// The recordings of a deployment, in the order in which they are listed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Timeline {
    /// Changes when anything below does.
    pub version: String,
    /// What all names begin with.
    pub name_prefix: String,
    /// What all names end with.
    pub name_suffix: String,
    /// The middle of each name.
    pub names: Vec<String>,
    /// What recordings have in common, each combination once.
    pub kinds: Vec<RecordingKind>,
    /// Index into `kinds`.
    pub kind: Vec<u32>,
    /// Length of each file, bytes.
    pub bytes: Vec<u64>,
    /// Frames of each recording.
    pub frames: Vec<u64>,
    /// Nanoseconds from the end of the dated recording before it (from 1970 for the first) to its
    /// start; `null` where it is undated.
    pub gap_ns: Vec<Option<i64>>,
    /// Runs of those recordings that have more than one, or one that is not the whole.
    pub segments: Vec<Segments>,
}

/// What recordings of one instrument share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RecordingKind {
    /// Container.
    pub format: String,
    /// Sample coding.
    pub codec: String,
    /// Frames a second.
    pub sample_rate_hz: f64,
    /// Samples in a frame.
    pub channels: u32,
    /// Bits of a stored sample.
    pub bits_per_sample: u32,
    /// Where start times came from.
    pub start_source: StartSource,
    /// What zone they were given in.
    pub start_zone: String,
    /// How far they may be off.
    pub start_uncertainty_s: Option<f64>,
}

/// The runs of one recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Segments {
    /// Index of the recording.
    pub recording: usize,
    /// First frame of each run.
    pub first_frame: Vec<u64>,
    /// Frames of each run.
    pub frames: Vec<u64>,
    /// Nanoseconds from the recording's start to each run's; empty where it is undated.
    pub start_ns: Vec<i64>,
}

impl Timeline {
    /// The compact form of recordings.
    pub fn of(infos: &[RecordingInfo], version: String) -> Timeline {
        let (name_prefix, name_suffix) = common_ends(infos);
        let (from, to) = (name_prefix.len(), name_suffix.len());
        let mut timeline = Timeline { version, name_prefix, name_suffix, ..Timeline::default() };
        let mut end_ns = 0i64;
        for (index, info) in infos.iter().enumerate() {
            let middle = info.name.get(from..info.name.len() - to).unwrap_or_default();
            timeline.names.push(middle.to_owned());
            let kind = timeline.kind_of(info);
            timeline.kind.push(kind);
            timeline.bytes.push(info.bytes);
            timeline.frames.push(info.frames);
            timeline.gap_ns.push(info.start.map(|start| start.0.wrapping_sub(end_ns)));
            if let Some(start) = info.start {
                end_ns = end_of(start, info.frames, info.sample_rate_hz);
            }
            if info.segments != whole(info.start, info.frames) {
                let dated = |s: &SegmentInfo| Some(s.start?.0.wrapping_sub(info.start?.0));
                timeline.segments.push(Segments {
                    recording: index,
                    first_frame: info.segments.iter().map(|s| s.first_frame).collect(),
                    frames: info.segments.iter().map(|s| s.frames).collect(),
                    start_ns: info.segments.iter().filter_map(dated).collect(),
                });
            }
        }
        timeline
    }

    fn kind_of(&mut self, info: &RecordingInfo) -> u32 {
        let kind = RecordingKind {
            format: info.format.clone(),
            codec: info.codec.clone(),
            sample_rate_hz: info.sample_rate_hz,
            channels: info.channels,
            bits_per_sample: info.bits_per_sample,
            start_source: info.start_source,
            start_zone: info.start_zone.clone(),
            start_uncertainty_s: info.start_uncertainty_s,
        };
        let known = self.kinds.iter().position(|k| *k == kind);
        let index = known.unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// How many recordings there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The recordings, with empty fingerprints, metadata and warnings. Where arrays are shorter than
    /// the names (which this program never writes) the rest is left off.
    pub fn infos(&self) -> Vec<RecordingInfo> {
        let mut segments: BTreeMap<usize, &Segments> =
            self.segments.iter().map(|s| (s.recording, s)).collect();
        let mut infos = Vec::with_capacity(self.len());
        let mut end_ns = 0i64;
        let lengths = self.bytes.iter().zip(&self.frames);
        let rows = self.names.iter().zip(&self.kind).zip(lengths).zip(&self.gap_ns);
        for (index, (((middle, kind), (&bytes, &frames)), gap_ns)) in rows.enumerate() {
            let Some(kind) = self.kinds.get(*kind as usize) else { break };
            let start = gap_ns.map(|gap| Timestamp(end_ns.wrapping_add(gap)));
            if let Some(start) = start {
                end_ns = end_of(start, frames, kind.sample_rate_hz);
            }
            let told = segments.remove(&index);
            infos.push(RecordingInfo {
                name: format!("{}{middle}{}", self.name_prefix, self.name_suffix),
                fingerprint: String::new(),
                bytes,
                format: kind.format.clone(),
                codec: kind.codec.clone(),
                sample_rate_hz: kind.sample_rate_hz,
                channels: kind.channels,
                bits_per_sample: kind.bits_per_sample,
                frames,
                duration_s: frames as f64 / kind.sample_rate_hz,
                start,
                start_source: kind.start_source,
                start_zone: kind.start_zone.clone(),
                start_uncertainty_s: kind.start_uncertainty_s,
                segments: told.map_or_else(|| whole(start, frames), |told| told.infos(start)),
                metadata: BTreeMap::new(),
                warnings: Vec::new(),
            });
        }
        infos
    }
}

impl Segments {
    fn infos(&self, start: Option<Timestamp>) -> Vec<SegmentInfo> {
        let runs = self.first_frame.iter().zip(&self.frames).enumerate();
        let at = |i: usize| Some(Timestamp(start?.0.wrapping_add(*self.start_ns.get(i)?)));
        runs.map(|(i, (&first_frame, &frames))| SegmentInfo { start: at(i), first_frame, frames })
            .collect()
    }
}

fn whole(start: Option<Timestamp>, frames: u64) -> Vec<SegmentInfo> {
    vec![SegmentInfo { start, first_frame: 0, frames }]
}

/// As if it had no gaps: only a number that both sides reckon alike.
fn end_of(start: Timestamp, frames: u64, rate_hz: f64) -> i64 {
    start.0.wrapping_add(frames_to_nanos(i64::try_from(frames).unwrap_or(i64::MAX), rate_hz))
}

/// What all names begin and end with, without overlap.
fn common_ends(infos: &[RecordingInfo]) -> (String, String) {
    let Some(first) = infos.first().map(|info| info.name.as_str()) else {
        return Default::default();
    };
    let alike = |pair: &(u8, u8)| pair.0 == pair.1;
    let names = || infos.iter().map(|info| info.name.as_str());
    let from_left = |name: &str| first.bytes().zip(name.bytes()).take_while(alike).count();
    let mut prefix = names().map(from_left).min().unwrap_or(0);
    while !first.is_char_boundary(prefix) {
        prefix -= 1;
    }
    let from_right = |name: &str| {
        let pairs = first.bytes().rev().zip(name.bytes().rev());
        pairs.take_while(alike).count().min(name.len().saturating_sub(prefix))
    };
    let mut suffix = names().map(from_right).min().unwrap_or(0);
    while !first.is_char_boundary(first.len() - suffix) {
        suffix -= 1;
    }
    (first[..prefix].to_owned(), first[first.len() - suffix..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, start: Option<i64>, frames: u64) -> RecordingInfo {
        let start = start.map(Timestamp);
        RecordingInfo {
            name: name.to_owned(),
            fingerprint: String::new(),
            bytes: 44 + 2 * frames,
            format: "wav".into(),
            codec: "pcm_s16le".into(),
            sample_rate_hz: 11_718.75,
            channels: 1,
            bits_per_sample: 16,
            frames,
            duration_s: frames as f64 / 11_718.75,
            start,
            start_source: start.map_or(StartSource::None, |_| StartSource::FileName),
            start_zone: start.map_or_else(String::new, |_| "assumed UTC".into()),
            start_uncertainty_s: start.map(|_| 1.0),
            segments: whole(start, frames),
            metadata: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn recordings_come_back_as_they_went() {
        let mut gappy = info("é_2.wav", Some(9_000_000_000), 500);
        gappy.segments = vec![
            SegmentInfo { start: Some(Timestamp(9_000_000_000)), first_frame: 0, frames: 200 },
            SegmentInfo { start: Some(Timestamp(9_900_000_001)), first_frame: 200, frames: 300 },
        ];
        let mut undated_gappy = info("é_4.wav", None, 5);
        undated_gappy.segments[0].frames = 4;
        let infos = [
            info("è_1.wav", Some(1_600_000_000_000_000_007), 12_345),
            gappy,
            info("é_3.wav", None, 10),
            undated_gappy,
            // The clock has gone back.
            info("é_3é.wav", Some(-5), 0),
        ];
        let timeline = Timeline::of(&infos, "v".into());
        assert_eq!((timeline.name_prefix.as_str(), timeline.name_suffix.as_str()), ("", ".wav"));
        let text = serde_json::to_string(&timeline).expect("JSON");
        let read: Timeline = serde_json::from_str(&text).expect("its own text");
        assert_eq!(read.infos(), infos);
    }

    #[test]
    fn names_that_hold_one_another_are_not_cut_twice() {
        for names in [["a.wav", "a.wav"], ["aa", "a"], ["a.wav", "aa.wav"], ["", "x"]] {
            let infos = names.map(|name| info(name, None, 1));
            assert_eq!(Timeline::of(&infos, String::new()).infos(), infos, "{names:?}");
        }
        assert!(Timeline::of(&[], String::new()).infos().is_empty());
    }

    #[test]
    fn a_hundred_thousand_recordings_are_a_few_megabytes() {
        let infos: Vec<_> = (0..100_000i64)
            .map(|i| {
                info(
                    &format!("buoy_{:08}_{i:06}.wav", i / 96),
                    Some(i * 900_000_000_000),
                    1_800_000,
                )
            })
            .collect();
        let timeline = Timeline::of(&infos, String::new());
        assert_eq!(timeline.infos(), infos);
        let text = serde_json::to_string(&timeline).expect("JSON");
        assert!(text.len() < 6_000_000, "{} bytes", text.len());
    }
}
