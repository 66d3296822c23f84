//! How much a finding matters, and what it is called in a word or two.

use serde::{Deserialize, Serialize};

use super::FindingKind;

/// How much a finding matters to whoever reads a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know; most numbers are as they would be without it.
    Note,
    /// Numbers do not compare with those of other recordings.
    Doubt,
    /// Numbers or times are wrong.
    Fault,
}

impl Severity {
    /// All of them, the least first.
    pub const ALL: [Severity; 3] = [Severity::Note, Severity::Doubt, Severity::Fault];

    /// Its name in JSON and in queries.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Doubt => "doubt",
            Severity::Fault => "fault",
        }
    }

    /// The severity of a name.
    pub fn from_name(name: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.name() == name)
    }
}

impl FindingKind {
    /// All of them.
    pub const ALL: [FindingKind; 16] = [
        FindingKind::Clipping,
        FindingKind::DcOffset,
        FindingKind::Dropouts,
        FindingKind::StuckValues,
        FindingKind::MainsLines,
        FindingKind::EmptyUpperBand,
        FindingKind::UnusedBits,
        FindingKind::RateAgainstName,
        FindingKind::RateChange,
        FindingKind::GainChange,
        FindingKind::LossySource,
        FindingKind::Duplicate,
        FindingKind::Overlap,
        FindingKind::ClockBackwards,
        FindingKind::ClockStep,
        FindingKind::ClockDrift,
    ];

    /// How much findings of this kind matter.
    pub fn severity(self) -> Severity {
        match self {
            FindingKind::Clipping
            | FindingKind::Dropouts
            | FindingKind::StuckValues
            | FindingKind::RateAgainstName
            | FindingKind::Overlap
            | FindingKind::ClockBackwards
            | FindingKind::ClockStep => Severity::Fault,
            FindingKind::EmptyUpperBand
            | FindingKind::RateChange
            | FindingKind::GainChange
            | FindingKind::LossySource
            | FindingKind::Duplicate
            | FindingKind::ClockDrift => Severity::Doubt,
            FindingKind::DcOffset | FindingKind::MainsLines | FindingKind::UnusedBits => {
                Severity::Note
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_severity_has_one_name_in_json_and_in_queries() {
        for severity in Severity::ALL {
            assert_eq!(serde_json::to_value(severity).expect("JSON"), severity.name());
            assert_eq!(Severity::from_name(severity.name()), Some(severity));
        }
        assert_eq!(Severity::from_name("awful"), None);
        assert!(Severity::Note < Severity::Doubt && Severity::Doubt < Severity::Fault);
    }
}
