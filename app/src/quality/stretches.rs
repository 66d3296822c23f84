//! The line cut into stretches of one quality: a recording of an hour or less as it is, a longer one by
//! hours of the clock.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use spyhop_api::time::{NANOS_PER_S, nanos_to_frames};
use spyhop_api::{DeploymentQuality, Finding, FindingKind, HourQuality, RecordingInfo, Severity};
use spyhop_signal::Line;
use spyhop_signal::line::Run;

use super::words;

const HOUR_NS: i64 = 3600 * NANOS_PER_S;

/// A part of the line, and what was found of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// Positions on the line.
    pub positions: Range<i64>,
    /// Index of its recording.
    pub recording: usize,
    /// Whether its samples were measured.
    pub is_measured: bool,
    /// What was found, the gravest first.
    pub findings: Vec<Arc<Finding>>,
}

impl Stretch {
    /// The gravest of what was found.
    pub fn severity(&self) -> Option<Severity> {
        self.findings.first().map(|f| f.kind.severity())
    }

    /// What kinds of things were found.
    pub fn kinds(&self) -> impl Iterator<Item = FindingKind> + '_ {
        self.findings.iter().map(|f| f.kind)
    }
}

/// Stretches that follow one another and of which the same was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Indices of the stretches.
    pub stretches: Range<usize>,
    /// From the first position to the last.
    pub positions: Range<i64>,
}

/// The line, stretch by stretch. `known.recordings` are found by their names; where they are left out,
/// findings of files go by the order of `infos`, and everything else by hours.
pub fn stretches(line: &Line, infos: &[RecordingInfo], known: &DeploymentQuality) -> Vec<Stretch> {
    let all = Found::of(infos, known);
    line.runs.iter().flat_map(|run| all.stretches_of(line, infos, run)).collect()
}

/// Stretches with findings, neighbours with the same kinds together.
pub fn groups(stretches: &[Stretch]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (i, stretch) in stretches.iter().enumerate().filter(|(_, s)| !s.findings.is_empty()) {
        let follows = |group: &&mut Group| {
            group.stretches.end == i
                && stretches.get(i - 1).is_some_and(|before| before.kinds().eq(stretch.kinds()))
        };
        match groups.last_mut().filter(follows) {
            Some(group) => {
                group.stretches.end = i + 1;
                group.positions.end = stretch.positions.end;
            }
            None => {
                groups.push(Group { stretches: i..i + 1, positions: stretch.positions.clone() })
            }
        }
    }
    groups
}

/// What was found, where it can be looked up.
struct Found<'k> {
    known: &'k DeploymentQuality,
    /// By index into the recordings that are open: index into what is known.
    of_recording: Vec<Option<usize>>,
    /// By index into the recordings that are open: what the files tell.
    of_files: Vec<Vec<Arc<Finding>>>,
    hours: HashMap<i64, &'k HourQuality>,
}

impl<'k> Found<'k> {
    fn of(infos: &[RecordingInfo], known: &'k DeploymentQuality) -> Found<'k> {
        let by_name: HashMap<&str, usize> =
            known.recordings.iter().enumerate().map(|(i, r)| (r.name.as_str(), i)).collect();
        let of_recording: Vec<Option<usize>> =
            infos.iter().map(|info| by_name.get(info.name.as_str()).copied()).collect();
        let listed = match (known.recordings.len(), known.recording_count) {
            // Nothing is listed: the findings are of the files that are open, or of all there are.
            (0, all) if all == 0 || all == infos.len() => (0..infos.len()).collect(),
            (0, _) => Vec::new(),
            (count, _) => {
                let mut listed = vec![usize::MAX; count];
                for (open, index) in of_recording.iter().enumerate() {
                    if let Some(slot) = index.and_then(|i| listed.get_mut(i)) {
                        *slot = open;
                    }
                }
                listed
            }
        };
        let mut of_files: Vec<Vec<Arc<Finding>>> = vec![Vec::new(); infos.len()];
        for finding in &known.findings {
            let shared = Arc::new(finding.clone());
            for index in &finding.recordings {
                if let Some(of_it) = listed.get(*index).and_then(|open| of_files.get_mut(*open)) {
                    of_it.push(shared.clone());
                }
            }
        }
        let hours = known.hours.iter().map(|hour| (hour.start.0, hour)).collect();
        Found { known, of_recording, of_files, hours }
    }

    fn stretches_of(&self, line: &Line, infos: &[RecordingInfo], run: &Run) -> Vec<Stretch> {
        let Some(info) = infos.get(run.recording) else { return Vec::new() };
        let told = self.of_recording.get(run.recording).copied().flatten();
        let told = told.and_then(|i| self.known.recordings.get(i));
        let of_files = self.of_files.get(run.recording).cloned().unwrap_or_default();
        let whole = run.position..run.end();
        let lasts_s = info.frames as f64 / info.sample_rate_hz;
        let by_hours = lasts_s * NANOS_PER_S as f64 > HOUR_NS as f64 || told.is_none();
        let Some(origin) = line.origin.filter(|_| by_hours && !self.hours.is_empty()) else {
            let mut findings = of_files;
            findings.extend(told.iter().flat_map(|t| &t.findings).cloned().map(Arc::new));
            let is_measured = told.is_some_and(|t| t.quality.is_some());
            return vec![stretch(whole, run.recording, is_measured, findings)];
        };
        let mut stretches = Vec::new();
        let mut from = whole.start;
        while from < whole.end {
            let at_ns = origin.0.saturating_add(line.nanos_at(from));
            let hour_ns = at_ns.div_euclid(HOUR_NS) * HOUR_NS;
            let next_ns = hour_ns.saturating_add(HOUR_NS).saturating_sub(origin.0);
            let to = nanos_to_frames(next_ns, line.sample_rate_hz).max(from + 1).min(whole.end);
            let hour = self.hours.get(&hour_ns);
            let of_samples = told.map_or(&[][..], |t| &t.findings);
            let mut findings = of_files.clone();
            findings.extend(hour.iter().flat_map(|hour| {
                hour.kinds.iter().map(|kind| Arc::new(words::of_hour(*kind, hour, of_samples)))
            }));
            stretches.push(stretch(from..to, run.recording, hour.is_some(), findings));
            from = to;
        }
        stretches
    }
}

fn stretch(
    positions: Range<i64>,
    recording: usize,
    is_measured: bool,
    mut findings: Vec<Arc<Finding>>,
) -> Stretch {
    findings.sort_by_key(|f| (std::cmp::Reverse(f.kind.severity()), f.kind));
    Stretch { positions, recording, is_measured, findings }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_api::{Quality, RecordingQuality, SegmentInfo, StartSource, Timestamp};

    const START: Timestamp = Timestamp(450_000 * HOUR_NS + HOUR_NS / 2);

    /// A recording of 10 samples a second.
    fn info(name: &str, start_s: i64, seconds: u64) -> RecordingInfo {
        let start = Some(Timestamp(START.0 + start_s * NANOS_PER_S));
        let frames = seconds * 10;
        RecordingInfo {
            name: name.into(),
            fingerprint: String::new(),
            bytes: 0,
            format: "wav".into(),
            codec: "pcm_s16le".into(),
            sample_rate_hz: 10.0,
            channels: 1,
            bits_per_sample: 16,
            frames,
            duration_s: seconds as f64,
            start,
            start_source: StartSource::FileName,
            start_zone: "Z".into(),
            start_uncertainty_s: None,
            segments: vec![SegmentInfo { start, first_frame: 0, frames }],
            metadata: Default::default(),
            warnings: Vec::new(),
        }
    }

    fn finding(kind: FindingKind, recordings: &[usize]) -> Finding {
        Finding { kind, sentence: format!("{kind:?} it is"), recordings: recordings.to_vec() }
    }

    fn measured(name: &str, findings: Vec<Finding>) -> RecordingQuality {
        RecordingQuality { name: name.into(), quality: Some(Quality::default()), findings }
    }

    fn hour(hours: i64, kinds: &[FindingKind]) -> HourQuality {
        HourQuality {
            start: Timestamp((450_000 + hours) * HOUR_NS),
            recorded_s: 3600.0,
            clipped_share: 0.25,
            dropout_share: 0.0,
            stuck_share: 0.0,
            dc_share: 0.0,
            peak: 1.0,
            kinds: kinds.to_vec(),
        }
    }

    fn said(stretch: &Stretch) -> Vec<&str> {
        stretch.findings.iter().map(|f| f.sentence.as_str()).collect()
    }

    #[test]
    fn short_recordings_have_what_was_found_of_them_the_gravest_first() {
        let infos =
            [info("a", 0, 60), info("b", 600, 60), info("c", 1200, 60), info("d", 1500, 60)];
        let (line, _) = Line::new(&infos).expect("a line");
        let mains = || finding(FindingKind::MainsLines, &[]);
        let known = DeploymentQuality {
            // The server's list begins with one that is not open here.
            recordings: vec![
                measured("elsewhere", Vec::new()),
                measured("a", vec![mains(), finding(FindingKind::Clipping, &[])]),
                measured("b", vec![mains()]),
                measured("c", vec![mains()]),
            ],
            findings: vec![finding(FindingKind::GainChange, &[0, 2, 3])],
            hours: vec![hour(0, &[FindingKind::Dropouts])],
            ..DeploymentQuality::default()
        };
        let all = stretches(&line, &infos, &known);
        let kinds: Vec<Vec<FindingKind>> = all.iter().map(|s| s.kinds().collect()).collect();
        let lines = FindingKind::MainsLines;
        let doubtful = vec![FindingKind::GainChange, lines];
        // The last is not measured yet: its hour stands for it.
        assert_eq!(kinds[..3], [vec![FindingKind::Clipping, lines], doubtful.clone(), doubtful]);
        assert_eq!(kinds[3], [FindingKind::Dropouts]);
        assert_eq!(said(&all[0]), ["Clipping it is", "MainsLines it is"]);
        let groups = groups(&all);
        let parts: Vec<_> = groups.iter().map(|g| g.stretches.clone()).collect();
        assert_eq!(parts, [0..1, 1..3, 3..4]);
        assert_eq!(groups[1].positions, 6000..12_600);
    }

    #[test]
    fn a_long_recording_is_told_by_hours_of_the_clock() {
        let infos = [info("long", 0, 7200)];
        let (line, _) = Line::new(&infos).expect("a line");
        let known = DeploymentQuality {
            recordings: vec![measured("long", vec![finding(FindingKind::MainsLines, &[])])],
            hours: vec![
                hour(0, &[FindingKind::MainsLines]),
                hour(1, &[]),
                hour(2, &[FindingKind::Clipping]),
            ],
            ..DeploymentQuality::default()
        };
        let all = stretches(&line, &infos, &known);
        let places: Vec<_> = all.iter().map(|s| s.positions.clone()).collect();
        assert_eq!(places, [0..18_000, 18_000..54_000, 54_000..72_000]);
        assert!(all.iter().all(|s| s.is_measured));
        assert_eq!(said(&all[0]), ["MainsLines it is"]);
        assert!(all[1].findings.is_empty());
        assert!(said(&all[2])[0].contains("25 % of the samples"), "{:?}", said(&all[2]));
    }

    #[test]
    fn without_a_list_of_recordings_hours_and_the_order_of_files_tell() {
        let infos = [info("a", 0, 60), info("b", 3600, 60)];
        let (line, _) = Line::new(&infos).expect("a line");
        let known = DeploymentQuality {
            findings: vec![finding(FindingKind::LossySource, &[1])],
            hours: vec![hour(0, &[FindingKind::Clipping])],
            recording_count: 2,
            ..DeploymentQuality::default()
        };
        let all = stretches(&line, &infos, &known);
        let kinds: Vec<Vec<FindingKind>> = all.iter().map(|s| s.kinds().collect()).collect();
        assert_eq!(kinds, [[FindingKind::Clipping], [FindingKind::LossySource]]);
        assert_eq!((all[0].is_measured, all[1].is_measured), (true, false));
    }
}
