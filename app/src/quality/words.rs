//! Quality in words: of an hour, of a stretch of the strip, of a whole deployment.

use std::collections::BTreeSet;

use spyhop_api::{Finding, FindingCount, FindingKind, HourQuality, RecordingInfo};
use spyhop_signal::quality::percent;
use spyhop_words::quality::findings as words;
use spyhop_words::quality::kinds;

use super::Stretch;
use crate::wording;

/// Findings of a stretch that are told one by one.
const MOST_TOLD: usize = 5;

/// What a kind of finding is called: `clipped`, `mains lines`.
pub fn name_of(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Clipping => kinds::CLIPPING,
        FindingKind::DcOffset => kinds::DC_OFFSET,
        FindingKind::Dropouts => kinds::DROPOUTS,
        FindingKind::StuckValues => kinds::STUCK_VALUES,
        FindingKind::MainsLines => kinds::MAINS_LINES,
        FindingKind::EmptyUpperBand => kinds::EMPTY_UPPER_BAND,
        FindingKind::UnusedBits => kinds::UNUSED_BITS,
        FindingKind::RateAgainstName => kinds::RATE_AGAINST_NAME,
        FindingKind::RateChange => kinds::RATE_CHANGE,
        FindingKind::GainChange => kinds::GAIN_CHANGE,
        FindingKind::LossySource => kinds::LOSSY_SOURCE,
        FindingKind::Duplicate => kinds::DUPLICATE,
        FindingKind::Overlap => kinds::OVERLAP,
        FindingKind::ClockBackwards => kinds::CLOCK_BACKWARDS,
        FindingKind::ClockStep => kinds::CLOCK_STEP,
        FindingKind::ClockDrift => kinds::CLOCK_DRIFT,
    }
}

/// What was found in an hour. The recording's own sentence says most; of a kind that all of the recording
/// does not have, the hour's share is told.
pub fn of_hour(kind: FindingKind, hour: &HourQuality, of_recording: &[Finding]) -> Finding {
    let told = of_recording.iter().find(|f| f.kind == kind).map(|f| f.sentence.clone());
    let sentence = match kind {
        FindingKind::Clipping => words::clipped_hour(percent(hour.clipped_share)),
        FindingKind::Dropouts => words::dropout_hour(percent(hour.dropout_share)),
        FindingKind::StuckValues => words::stuck_hour(percent(hour.stuck_share)),
        FindingKind::DcOffset => words::offset_hour(percent(hour.dc_share)),
        _ => told.unwrap_or_else(|| words::some_of_hour(name_of(kind))),
    };
    Finding { kind, sentence, recordings: Vec::new() }
}

/// What a stretch of the strip tells: a line of what it is, and one for each kind of finding.
pub fn tell(stretches: &[&Stretch], infos: &[RecordingInfo], when: &str) -> Vec<String> {
    let of_what: BTreeSet<usize> = stretches.iter().map(|s| s.recording).collect();
    let name = |i: &usize| infos.get(*i).map_or("", |info| info.name.as_str());
    let what = match of_what.len() {
        1 => of_what.first().map(name).unwrap_or_default().to_owned(),
        n => wording::recordings(n),
    };
    let mut lines = vec![format!("{when}: {what}")];
    let mut told = BTreeSet::new();
    let mut findings: Vec<(&Finding, usize)> = Vec::new();
    for stretch in stretches {
        for finding in &stretch.findings {
            // Of many recordings one speaks for the rest.
            if told.insert(finding.kind) {
                findings.push((finding, stretch.recording));
            }
        }
    }
    findings.sort_by_key(|(f, _)| std::cmp::Reverse(f.kind.severity()));
    for (finding, recording) in findings.iter().take(MOST_TOLD) {
        let of_samples = finding.recordings.is_empty();
        lines.push(match of_what.len() > 1 && of_samples {
            true => words::in_recording(name_of(finding.kind), name(recording), &finding.sentence),
            false => finding.sentence.clone(),
        });
    }
    match findings.len().saturating_sub(MOST_TOLD) {
        0 => {}
        n => lines.push(words::more(n)),
    }
    if findings.is_empty() {
        let measured = stretches.iter().filter(|s| s.is_measured).count();
        let told = match measured {
            0 => words::NOT_MEASURED,
            n if n < stretches.len() => words::NOTHING_YET,
            _ => words::NOTHING,
        };
        lines.push(told.to_owned());
    }
    lines
}

/// The kinds of findings, each once, for a row of the table.
pub fn kinds_in_words(findings: &[Finding]) -> Vec<(FindingKind, String)> {
    let mut kinds: Vec<(FindingKind, String)> = Vec::new();
    for finding in findings {
        match kinds.iter_mut().find(|(kind, _)| *kind == finding.kind) {
            Some((_, why)) => *why += &format!(" {}.", finding.sentence),
            None => kinds.push((finding.kind, format!("{}.", finding.sentence))),
        }
    }
    kinds.sort_by_key(|(kind, _)| (std::cmp::Reverse(kind.severity()), *kind));
    kinds
}

/// What was found of a deployment, the gravest kinds first and of these the commonest: `clipped: 3`.
pub fn counts_in_words(counts: &[FindingCount]) -> Vec<(FindingKind, String)> {
    let mut counts = counts.to_vec();
    counts.sort_by_key(|c| std::cmp::Reverse((c.kind.severity(), c.recordings)));
    let words = |c: FindingCount| (c.kind, format!("{}: {}", name_of(c.kind), c.recordings));
    counts.into_iter().map(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn finding(kind: FindingKind, sentence: &str) -> Finding {
        Finding { kind, sentence: sentence.into(), recordings: Vec::new() }
    }

    fn stretch(recording: usize, findings: Vec<Finding>) -> Stretch {
        let findings = findings.into_iter().map(Arc::new).collect();
        Stretch { positions: 0..1, recording, is_measured: true, findings }
    }

    #[test]
    fn many_recordings_have_one_that_speaks_for_each_kind() {
        let lines = stretch(0, vec![finding(FindingKind::MainsLines, "3 harmonics")]);
        let clipped = stretch(
            1,
            vec![finding(FindingKind::Clipping, "2 %"), finding(FindingKind::MainsLines, "4")],
        );
        let told = tell(&[&lines, &clipped], &[], "10 h to 11 h");
        assert_eq!(told[0], "10 h to 11 h: 2 recordings");
        assert!(told[1].starts_with("clipped, in ") && told[1].ends_with(": 2 %"), "{told:?}");
        assert!(told[2].ends_with(": 3 harmonics") && told.len() == 3, "{told:?}");
        let fine = stretch(0, Vec::new());
        assert_eq!(tell(&[&fine], &[], "now")[1], "nothing found");
    }

    #[test]
    fn the_gravest_kinds_are_told_first() {
        let count = |kind, recordings| FindingCount { kind, recordings };
        let counts = [
            count(FindingKind::Clipping, 3),
            count(FindingKind::MainsLines, 700),
            count(FindingKind::LossySource, 2),
            count(FindingKind::ClockStep, 12),
        ];
        let told: Vec<_> = counts_in_words(&counts).into_iter().map(|(_, words)| words).collect();
        assert_eq!(told, ["clock step: 12", "clipped: 3", "lossy coding: 2", "mains lines: 700"]);
    }
}
