//! What is known of a deployment's quality, summed up from the files of what was measured.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use spyhop_api::quality::{
    DeploymentQuality, Finding, FindingCount, FindingKind, HourQuality, QualitySummary,
    RecordingQuality,
};
use spyhop_api::{Quality, RecordingInfo, Timestamp};
use spyhop_signal::quality::{findings, survey_files};

use super::measured::{Measured, key};

/// Where the measures of a key lie.
pub fn file(folder: &Path, key: &str) -> PathBuf {
    folder.join(format!("{key}.json"))
}

/// What was measured; `None` where it is not, or the file is damaged.
pub fn read(path: &Path) -> Option<Measured> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Everything that is known of some recordings by now, by recording and by hour.
pub fn sum_up(folder: &Path, infos: &[RecordingInfo]) -> DeploymentQuality {
    let mut answer = DeploymentQuality { recording_count: infos.len(), ..Default::default() };
    let mut hours: BTreeMap<Timestamp, Vec<Quality>> = BTreeMap::new();
    let mut counts = Counts::default();
    for info in infos {
        let measured = key(info).ok().and_then(|key| read(&file(folder, &key)));
        // Of one without samples there is nothing to measure.
        answer.measured += usize::from(measured.is_some() || info.frames == 0);
        let mut of_it = RecordingQuality { name: info.name.clone(), ..Default::default() };
        if let Some(measured) = measured {
            of_it.findings = findings(&measured.quality);
            counts.add(of_it.findings.iter().map(|finding| finding.kind));
            of_it.quality = Some(measured.quality);
            for (start, quality) in measured.hours {
                hours.entry(start).or_default().push(quality);
            }
        }
        answer.recordings.push(of_it);
    }
    answer.hours = hours.into_iter().map(|(start, parts)| hour(start, &parts)).collect();
    answer.findings = survey_files(infos);
    answer.counts = counts.with(&answer.findings);
    answer
}

/// An hour from its parts, weighted by what was recorded.
fn hour(start: Timestamp, parts: &[Quality]) -> HourQuality {
    let samples: u64 = parts.iter().map(|q| q.samples).sum();
    let share =
        |of: &dyn Fn(&Quality) -> f64| parts.iter().map(of).sum::<f64>() / samples.max(1) as f64;
    let kinds: BTreeSet<FindingKind> =
        parts.iter().flat_map(findings).map(|finding| finding.kind).collect();
    HourQuality {
        start,
        recorded_s: parts.iter().map(|q| q.samples as f64 / q.sample_rate_hz).sum(),
        clipped_share: share(&|q| q.clipped_share * q.samples as f64),
        dropout_share: share(&|q| q.dropouts.samples as f64),
        stuck_share: share(&|q| q.stuck.samples as f64),
        dc_share: share(&|q| q.dc_share * q.samples as f64),
        peak: parts.iter().map(|q| q.peak).fold(0.0, f64::max),
        kinds: kinds.into_iter().collect(),
    }
}

/// How many recordings have findings of which kind.
#[derive(Clone, Debug, Default)]
struct Counts(BTreeMap<FindingKind, usize>);

impl Counts {
    /// Adds what was found of one recording.
    fn add(&mut self, kinds: impl Iterator<Item = FindingKind>) {
        for kind in kinds.collect::<BTreeSet<_>>() {
            *self.0.entry(kind).or_default() += 1;
        }
    }

    /// With what the files tell together.
    fn with(&self, of_files: &[Finding]) -> Vec<FindingCount> {
        let mut named: BTreeMap<FindingKind, BTreeSet<usize>> = BTreeMap::new();
        for finding in of_files {
            named.entry(finding.kind).or_default().extend(&finding.recordings);
        }
        let mut counts = self.0.clone();
        counts.extend(named.into_iter().map(|(kind, recordings)| (kind, recordings.len().max(1))));
        counts.into_iter().map(|(kind, recordings)| FindingCount { kind, recordings }).collect()
    }
}

/// A deployment's quality in a few numbers, which grows with what is measured: a file of measures is read
/// once, and only its kinds of findings are kept.
pub struct Brief {
    recording_count: usize,
    /// Of those that are not measured yet.
    missing: Vec<String>,
    counts: Counts,
    of_files: Vec<Finding>,
}

impl Brief {
    /// Of some recordings, before anything is read.
    pub fn new(infos: &[RecordingInfo]) -> Brief {
        Brief {
            recording_count: infos.len(),
            missing: infos.iter().filter(|i| i.frames > 0).filter_map(|i| key(i).ok()).collect(),
            counts: Counts::default(),
            of_files: survey_files(infos),
        }
    }

    /// Takes in what was measured since.
    pub fn refresh(&mut self, folder: &Path) {
        let counts = &mut self.counts;
        self.missing.retain(|key| match read(&file(folder, key)) {
            Some(measured) => {
                counts.add(findings(&measured.quality).iter().map(|finding| finding.kind));
                false
            }
            None => true,
        });
    }

    /// Whether everything is measured.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty()
    }

    /// The numbers.
    pub fn summary(&self, deployment: &str) -> QualitySummary {
        QualitySummary {
            deployment: deployment.to_owned(),
            recording_count: self.recording_count,
            measured: self.recording_count.saturating_sub(self.missing.len()),
            counts: self.counts.with(&self.of_files),
        }
    }
}
