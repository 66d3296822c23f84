//! The quality of recordings: what was measured, and what a person should know of it.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

mod severity;

pub use severity::Severity;

/// What the samples of a recording, or of an hour, tell of how they were recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Quality {
    /// Samples that were looked at, of one channel.
    pub samples: u64,
    /// Samples a second.
    pub sample_rate_hz: f64,
    /// Samples that stand at the rails, as a share of all.
    pub clipped_share: f64,
    /// Where the highest rail is, as a share of full scale; `None` where nothing is clipped.
    pub rail: Option<f64>,
    /// Mean of the samples as a share of full scale, with its sign.
    pub dc_share: f64,
    /// Greatest excursion as a share of full scale.
    pub peak: f64,
    /// Runs of exact zeros.
    pub dropouts: RunCount,
    /// Runs of one value that is not zero.
    pub stuck: RunCount,
    /// Lines of a mains supply.
    pub mains: Option<Mains>,
    /// Where the content ends below Nyquist; `None` where it does not, or it can't be told.
    pub content_end_hz: Option<f64>,
    /// How the bits of a sample are used; `None` where the coding has none.
    pub bits: Option<Bits>,
}

/// Runs of samples that do not change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunCount {
    /// How many there are.
    pub count: u64,
    /// Samples in all of them together.
    pub samples: u64,
    /// Samples in the longest.
    pub longest: u64,
}

/// Lines at the harmonics of a mains supply.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Mains {
    /// 50 or 60.
    pub hz: f64,
    /// How many of the first harmonics stand out.
    pub lines: u32,
    /// By how much the strongest stands over its neighbourhood.
    pub excess_db: f64,
}

/// How the bits of a stored sample are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Bits {
    /// Bits that a sample is stored in.
    pub stored: u32,
    /// Every sample is a multiple of this number of counts, but for a constant.
    pub step: u32,
    /// Bits that the loudest sample takes, in steps: the effective number of bits.
    pub used: u32,
}

/// Something that a person should know before trusting a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// What it is, how much of it, and what to do, for a person.
    pub sentence: String,
    /// Which recordings, as indices into the list that was looked at; empty for a finding of samples,
    /// which belongs to the recording they came from.
    pub recordings: Vec<usize>,
}

/// Kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Samples at the rails.
    Clipping,
    /// A mean that is not zero.
    DcOffset,
    /// Runs of zeros.
    Dropouts,
    /// Runs of one value.
    StuckValues,
    /// Lines of a mains supply.
    MainsLines,
    /// Content that ends below Nyquist.
    EmptyUpperBand,
    /// Bits that hold nothing.
    UnusedBits,
    /// A rate that is not what the name says.
    RateAgainstName,
    /// A rate that changes in mid-deployment.
    RateChange,
    /// Gains that change in mid-deployment.
    GainChange,
    /// A coding that leaves out what people do not hear.
    LossySource,
    /// The same recording twice.
    Duplicate,
    /// Recordings that lie on one another in time.
    Overlap,
    /// A clock that went backwards.
    ClockBackwards,
    /// A clock that jumped.
    ClockStep,
    /// A clock that runs fast or slow.
    ClockDrift,
}

/// The quality of a deployment's recordings, by recording and by hour: what
/// `GET api/v1/deployments/{id}/quality` answers. Measured of the first channel, in the background.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeploymentQuality {
    /// Recordings that are measured already: the answer is complete when these are all.
    pub measured: usize,
    /// Recordings that there are.
    pub recording_count: usize,
    /// How many recordings have findings of which kind, those of the files among them.
    pub counts: Vec<FindingCount>,
    /// Each recording, in the order of the deployment's list; empty where `recordings=false` asked for
    /// none.
    pub recordings: Vec<RecordingQuality>,
    /// Hours of the clock with measured recordings, in order; none where they are not dated.
    pub hours: Vec<HourQuality>,
    /// What the files tell together: rates, duplicates, gains, the clock. Their `recordings` are
    /// indices into the list above.
    pub findings: Vec<Finding>,
}

/// What `GET api/v1/quality` answers: a line for each deployment that a reader finds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct QualityList {
    /// By name of the deployment, as `GET api/v1/deployments` has them.
    pub deployments: Vec<QualitySummary>,
}

/// The quality of a deployment in a few numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct QualitySummary {
    /// The deployment's id.
    pub deployment: String,
    /// Recordings that there are.
    pub recording_count: usize,
    /// Of them, how many are measured already: `counts` are complete when these are all.
    pub measured: usize,
    /// How many recordings have findings of which kind.
    pub counts: Vec<FindingCount>,
}

/// How many recordings of a deployment have findings of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FindingCount {
    /// The kind; each stands once in a list, in the order of [`FindingKind`].
    pub kind: FindingKind,
    /// Recordings that it was found of, 1 or more.
    pub recordings: usize,
}

/// The quality of one recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RecordingQuality {
    /// The file's name.
    pub name: String,
    /// What was measured; `None` until it is, or where it can't be read.
    pub quality: Option<Quality>,
    /// What a person should know of it.
    pub findings: Vec<Finding>,
}

/// The quality of what was recorded in an hour of the clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HourQuality {
    /// When the hour begins.
    pub start: Timestamp,
    /// How much of it was measured.
    pub recorded_s: f64,
    /// Samples that stand at the rails, as a share of all.
    pub clipped_share: f64,
    /// Samples in runs of exact zeros, as a share of all.
    pub dropout_share: f64,
    /// Samples in runs of another value, as a share of all.
    pub stuck_share: f64,
    /// Mean of the samples as a share of full scale, with its sign.
    pub dc_share: f64,
    /// Greatest excursion as a share of full scale.
    pub peak: f64,
    /// What a person should know of some of it.
    pub kinds: Vec<FindingKind>,
}

impl DeploymentQuality {
    /// What was found of each recording: in its samples, and in what the files tell together. In the
    /// order of `recordings`.
    pub fn by_recording(&self) -> Vec<Vec<&Finding>> {
        let mut all: Vec<Vec<&Finding>> =
            self.recordings.iter().map(|r| r.findings.iter().collect()).collect();
        for finding in &self.findings {
            for index in &finding.recordings {
                if let Some(of_it) = all.get_mut(*index) {
                    of_it.push(finding);
                }
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_has_what_its_samples_and_what_the_files_together_tell_of_it() {
        let finding = |kind, recordings: &[usize]| Finding {
            kind,
            sentence: String::new(),
            recordings: recordings.to_vec(),
        };
        let with = |findings| RecordingQuality { findings, ..Default::default() };
        let quality = DeploymentQuality {
            recordings: vec![with(vec![finding(FindingKind::Clipping, &[])]), with(Vec::new())],
            // An index that leads nowhere is passed over.
            findings: vec![
                finding(FindingKind::Duplicate, &[0, 1, 7]),
                finding(FindingKind::ClockDrift, &[]),
            ],
            ..Default::default()
        };
        let kinds: Vec<Vec<FindingKind>> =
            quality.by_recording().iter().map(|all| all.iter().map(|f| f.kind).collect()).collect();
        let expected =
            [vec![FindingKind::Clipping, FindingKind::Duplicate], vec![FindingKind::Duplicate]];
        assert_eq!(kinds, expected);
    }
}
