//! Why a level that is read here can't be compared, or is not what it seems: told where it is read.

use std::collections::BTreeSet;
use std::ops::Range;

use leptos::prelude::*;
use spyhop_api::{Calibration, FindingKind, Severity};
use spyhop_words::quality::caveats as words;

use crate::mark::Mark;
use crate::quality::{SetQuality, Stretch};
use crate::session::{OpenSet, Session, use_session};
use crate::wording;

/// A reason for doubt about a level.
#[derive(Clone, Debug, PartialEq)]
pub struct Caveat {
    /// A word or two.
    pub words: &'static str,
    /// All of it, for whoever points at the words.
    pub why: String,
    /// How much it matters.
    pub severity: Severity,
}

/// What levels are read of.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// Positions on the line.
    pub positions: Range<f64>,
    /// Lower and upper edge, Hz.
    pub band_hz: (f64, f64),
}

/// The reasons for doubt about the levels of a part of what is open, the gravest first.
pub fn caveats(open: &OpenSet, quality: &SetQuality, subject: &Subject) -> Vec<Caveat> {
    let doubt = |words, why| Caveat { words, why, severity: Severity::Doubt };
    let mut all = Vec::new();
    let under = under(&quality.stretches, &subject.positions);
    let kinds: BTreeSet<FindingKind> = under.iter().flat_map(Stretch::kinds).collect();
    if kinds.contains(&FindingKind::Clipping) {
        all.push(Caveat {
            words: words::CLIPPED,
            why: first(under, FindingKind::Clipping),
            severity: Severity::Fault,
        });
    }
    match open.calibration() {
        None => all.push(doubt(words::UNCALIBRATED, words::UNCALIBRATED_WHY.to_owned())),
        Some(calibration) => all.extend(partly(calibration, subject.band_hz)),
    }
    if let Some(why) = gains(under, open.calibration().is_some()) {
        all.push(doubt(words::GAIN, why));
    }
    let end_hz = content_end_hz(open, quality, under).filter(|hz| *hz < subject.band_hz.1);
    if kinds.contains(&FindingKind::LossySource) {
        all.push(doubt(
            words::LOSSY,
            match end_hz {
                Some(hz) => words::lossy_above(wording::hertz(hz)),
                None => words::LOSSY_WHY.to_owned(),
            },
        ));
    } else if let Some(hz) = end_hz {
        all.push(doubt(words::EMPTY_ABOVE, words::empty_above_why(wording::hertz(hz))));
    }
    all
}

/// Stretches that touch some positions.
fn under<'q>(stretches: &'q [Stretch], positions: &Range<f64>) -> &'q [Stretch] {
    let first = stretches.partition_point(|s| s.positions.end as f64 <= positions.start);
    let rest = stretches.get(first..).unwrap_or_default();
    let count = rest.partition_point(|s| (s.positions.start as f64) < positions.end);
    rest.get(..count).unwrap_or_default()
}

/// The first sentence of a kind.
fn first(under: &[Stretch], kind: FindingKind) -> String {
    let mut all = under.iter().flat_map(|s| &s.findings).filter(|f| f.kind == kind);
    all.next().map(|f| format!("{}.", f.sentence)).unwrap_or_default()
}

/// What is said of a band that a table does not cover.
fn partly(calibration: &Calibration, (low_hz, high_hz): (f64, f64)) -> Option<Caveat> {
    let table = calibration.band_hz()?;
    if table.0 <= low_hz && high_hz <= table.1 {
        return None;
    }
    Some(Caveat {
        words: words::IN_PART,
        why: words::in_part_why(wording::band(table)),
        severity: Severity::Note,
    })
}

/// Whether gains differ within some stretches, or are not those that a calibration is of.
fn gains(under: &[Stretch], calibrated: bool) -> Option<String> {
    let has_other = |s: &Stretch| s.kinds().any(|kind| kind == FindingKind::GainChange);
    let other = under.iter().filter(|s| has_other(s)).count();
    let told = first(under, FindingKind::GainChange);
    match other {
        0 => None,
        n if n < under.len() => Some(words::gain_changes(told)),
        _ => calibrated.then_some(told),
    }
}

/// The lowest frequency at which the content of some stretches was found to end.
fn content_end_hz(open: &OpenSet, quality: &SetQuality, under: &[Stretch]) -> Option<f64> {
    let recordings: BTreeSet<usize> = under
        .iter()
        .filter(|s| s.kinds().any(|kind| kind == FindingKind::EmptyUpperBand))
        .map(|s| s.recording)
        .collect();
    let names: BTreeSet<&str> =
        recordings.iter().filter_map(|i| Some(open.infos.get(*i)?.name.as_str())).collect();
    if names.is_empty() {
        return None;
    }
    let told = quality.known.recordings.iter().filter(|r| names.contains(r.name.as_str()));
    told.filter_map(|r| r.quality.as_ref()?.content_end_hz).reduce(f64::min)
}

/// The reasons at one point, for the crosshair.
pub fn at(session: Session, open: &OpenSet, position: f64, hz: f64) -> Vec<&'static str> {
    let subject = Subject { positions: position..position + 1.0, band_hz: (hz, hz) };
    session.quality.with(|quality| {
        caveats(open, quality, &subject).into_iter().map(|caveat| caveat.words).collect()
    })
}

/// Marks for what is to be known of the levels of `subject`.
#[component]
pub fn Caveats(#[prop(into)] subject: Signal<Option<Subject>>) -> impl IntoView {
    let session = use_session();
    let all = Memo::new(move |_| {
        let (Some(open), Some(subject)) = (session.open.get(), subject.get()) else {
            return Vec::new();
        };
        session.quality.with(|quality| caveats(&open, quality, &subject))
    });
    move || {
        let all = all.get();
        (!all.is_empty()).then(|| {
            let marks = all.into_iter().map(|Caveat { words, why, severity }| {
                view! { <Mark words why severity/> }
            });
            view! { <div class="caveats">{marks.collect_view()}</div> }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::name_of;
    use spyhop_api::{Deployment, Finding, FrequencyTable, Quality, RecordingQuality};
    use spyhop_signal::Line;
    use spyhop_signal::line::Run;
    use std::sync::Arc;

    fn open(calibration: Option<Calibration>) -> OpenSet {
        let run = Run { position: 0, frames: 100, recording: 0, first_frame: 0 };
        let line = Line { sample_rate_hz: 48_000.0, origin: None, runs: vec![run] };
        let deployment = Deployment { calibration, ..Deployment::default() };
        OpenSet::new(Vec::new(), line, Vec::new(), Some(deployment), None)
    }

    fn stretch(start: i64, kinds: &[FindingKind]) -> Stretch {
        let finding = |kind: &FindingKind| {
            let sentence = format!("{} it is", name_of(*kind));
            Arc::new(Finding { kind: *kind, sentence, recordings: Vec::new() })
        };
        let findings = kinds.iter().map(finding).collect();
        Stretch { positions: start..start + 10, recording: 0, is_measured: true, findings }
    }

    fn words(open: &OpenSet, stretches: Vec<Stretch>, positions: Range<f64>) -> Vec<&'static str> {
        let quality = SetQuality { stretches, ..SetQuality::default() };
        let subject = Subject { positions, band_hz: (100.0, 20_000.0) };
        caveats(open, &quality, &subject).into_iter().map(|c| c.words).collect()
    }

    #[test]
    fn what_can_not_be_compared_is_marked_where_it_is_and_nowhere_else() {
        use FindingKind::{Clipping, GainChange, LossySource};
        let line = || vec![stretch(0, &[]), stretch(10, &[GainChange]), stretch(20, &[Clipping])];
        let plain = open(None);
        assert_eq!(words(&plain, line(), 0.0..10.0), ["uncalibrated"]);
        assert_eq!(words(&plain, line(), 0.0..11.0), ["uncalibrated", "gain"]);
        assert_eq!(words(&plain, line(), 12.0..13.0), ["uncalibrated"], "one gain is no change");
        assert_eq!(words(&plain, line(), 25.0..99.0), ["clipped", "uncalibrated"]);
        let lossy = vec![stretch(0, &[LossySource])];
        assert_eq!(words(&plain, lossy, 0.0..1.0), ["uncalibrated", "lossy"]);
        let flat = open(Some(Calibration::UpaPerFullscale { db: 170.0.into() }));
        assert!(words(&flat, line(), 0.0..10.0).is_empty());
        assert_eq!(words(&flat, line(), 12.0..13.0), ["gain"], "the calibration is of another");
        let table = FrequencyTable::new(vec![(10.0, 170.0), (9000.0, 172.0)]).expect("a table");
        let table = open(Some(Calibration::UpaPerFullscale { db: table.into() }));
        assert_eq!(words(&table, line(), 0.0..10.0), ["in part"]);
    }

    #[test]
    fn a_lossy_source_says_above_which_frequency_nothing_is_the_animals() {
        let mut set = open(None);
        set.infos = vec![spyhop_api::RecordingInfo {
            name: "a.mp3".into(),
            fingerprint: String::new(),
            bytes: 0,
            format: "mp3".into(),
            codec: "mp3".into(),
            sample_rate_hz: 48_000.0,
            channels: 1,
            bits_per_sample: 0,
            frames: 100,
            duration_s: 0.0,
            start: None,
            start_source: spyhop_api::StartSource::None,
            start_zone: String::new(),
            start_uncertainty_s: None,
            segments: Vec::new(),
            metadata: Default::default(),
            warnings: Vec::new(),
        }];
        let measured = Quality { content_end_hz: Some(16_000.0), ..Quality::default() };
        let mut quality = SetQuality {
            stretches: vec![stretch(0, &[FindingKind::LossySource, FindingKind::EmptyUpperBand])],
            ..SetQuality::default()
        };
        quality.known.recordings = vec![RecordingQuality {
            name: "a.mp3".into(),
            quality: Some(measured),
            findings: Vec::new(),
        }];
        let whole = Subject { positions: 0.0..100.0, band_hz: (0.0, 24_000.0) };
        let told = caveats(&set, &quality, &whole);
        assert_eq!(told[1].why, "Lossy coding: levels above 16 kHz are not the animal's.");
        let below = Subject { band_hz: (0.0, 8000.0), ..whole };
        assert!(caveats(&set, &quality, &below)[1].why.starts_with("Lossy coding leaves out"));
    }
}
