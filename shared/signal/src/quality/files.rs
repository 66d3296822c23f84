//! What the files of a deployment tell together, without a sample read.

use std::collections::BTreeMap;

use spyhop_api::RecordingInfo;
use spyhop_api::quality::{Finding, FindingKind};

use super::clock::survey_clock;
use super::findings::hertz;

/// Codings that leave out what people do not hear.
const LOSSY: [&str; 4] = ["mp3", "vorbis", "opus", "aac"];
/// A rate that is this far off the one in the name is another one; `44kHz` is said of 44 100 Hz.
const RATE_TOLERANCE: f64 = 0.01;
/// Names that a sentence lists before it counts the rest.
const NAMED: usize = 3;

/// Everything that the files of one deployment tell: duplicates, rates and gains that change, rates
/// that their names deny, lossy codings, and what is wrong with the clock. `recordings` of a finding are
/// indices into `infos`. Findings come by kind.
pub fn survey_files(infos: &[RecordingInfo]) -> Vec<Finding> {
    let mut findings = duplicates(infos);
    findings.extend(rates_against_names(infos));
    findings.extend(changed_rates(infos));
    findings.extend(changed_gains(infos));
    findings.extend(lossy(infos));
    findings.extend(survey_clock(infos));
    findings
}

/// One finding for each recording that is there more than once.
fn duplicates(infos: &[RecordingInfo]) -> Vec<Finding> {
    let mut by_print: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, info) in infos.iter().enumerate().filter(|(_, info)| !info.fingerprint.is_empty()) {
        by_print.entry(&info.fingerprint).or_default().push(i);
    }
    let twice = by_print.into_values().filter(|same| same.len() > 1);
    let mut findings: Vec<Finding> = twice
        .map(|same| {
            let sentence = format!(
                "The same recording is there {} times: {}. Keep one of them, or every average counts it {0} times",
                same.len(),
                names(infos, &same)
            );
            Finding { kind: FindingKind::Duplicate, sentence, recordings: same }
        })
        .collect();
    findings.sort_by_key(|f| f.recordings.first().copied());
    findings
}

fn rates_against_names(infos: &[RecordingInfo]) -> Option<Finding> {
    let denied = |info: &RecordingInfo| {
        let named_hz = rate_in_name(&info.name)?;
        let off = (info.sample_rate_hz / named_hz - 1.0).abs();
        (off > RATE_TOLERANCE).then_some(named_hz)
    };
    let recordings: Vec<usize> =
        (0..infos.len()).filter(|&i| denied(&infos[i]).is_some()).collect();
    let first = infos.get(*recordings.first()?)?;
    let sentence = format!(
        "The name of {} says {}, its header {}: one of them is wrong, and with it every frequency and duration",
        names(infos, &recordings),
        hertz(denied(first)?),
        hertz(first.sample_rate_hz),
    );
    Some(Finding { kind: FindingKind::RateAgainstName, sentence, recordings })
}

/// The rate that a name tells: `MARS-2kHz`, `site_192KHz_01`, `48000Hz`.
fn rate_in_name(name: &str) -> Option<f64> {
    let lower = name.to_ascii_lowercase();
    for (at, _) in lower.match_indices("hz") {
        let before = lower.get(..at)?;
        let (before, unit) = match before.strip_suffix('k') {
            Some(rest) => (rest, 1000.0),
            None => (before, 1.0),
        };
        let digits = before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let number = before.get(digits.len()..)?.trim_matches('.');
        if let Some(value) = number.parse::<f64>().ok().filter(|v| *v > 0.0) {
            return Some(value * unit);
        }
    }
    None
}

fn changed_rates(infos: &[RecordingInfo]) -> Option<Finding> {
    let said = |info: &RecordingInfo| Some(hertz(info.sample_rate_hz));
    let (others, usual, other) = unlike_most(infos, said)?;
    let sentence = format!(
        "Most recordings have {usual}, {} {other}: spectra of the two do not compare above the lower Nyquist frequency",
        names(infos, &others)
    );
    Some(Finding { kind: FindingKind::RateChange, sentence, recordings: others })
}

fn changed_gains(infos: &[RecordingInfo]) -> Option<Finding> {
    let (others, usual, other) = unlike_most(infos, gain)?;
    let sentence = format!(
        "Most recordings were made with a gain of {usual}, {} of {other}: one calibration does not serve both",
        names(infos, &others)
    );
    Some(Finding { kind: FindingKind::GainChange, sentence, recordings: others })
}

/// What a file says of its gain: a field of that name, or AudioMoth's comment (`at medium gain
/// setting`, `at gain setting 2`).
fn gain(info: &RecordingInfo) -> Option<String> {
    let is_gain = |key: &str| key.to_ascii_lowercase().contains("gain");
    if let Some((_, value)) = info.metadata.iter().find(|(key, _)| is_gain(key)) {
        return Some(value.trim().to_owned());
    }
    let comment = info.metadata.values().find(|v| v.contains(" gain"))?;
    let (before, after) = comment.split_once(" gain")?;
    let setting = after.strip_prefix(" setting ").and_then(|s| s.split_whitespace().next());
    let number = setting.filter(|s| s.parse::<f64>().is_ok());
    number.or(before.split_whitespace().last()).map(str::to_owned)
}

fn lossy(infos: &[RecordingInfo]) -> Option<Finding> {
    let is_lossy = |i: &usize| LOSSY.contains(&infos[*i].codec.as_str());
    let recordings: Vec<usize> = (0..infos.len()).filter(is_lossy).collect();
    let first = infos.get(*recordings.first()?)?;
    let sentence = format!(
        "{} was coded as {}, which leaves out what people do not hear: levels of it do not compare with others'",
        names(infos, &recordings),
        first.codec
    );
    Some(Finding { kind: FindingKind::LossySource, sentence, recordings })
}

/// Recordings of which something is said that is not said of most; what is said of most, and of the
/// first of them. `None` where all say the same or nothing.
fn unlike_most(
    infos: &[RecordingInfo],
    said: impl Fn(&RecordingInfo) -> Option<String>,
) -> Option<(Vec<usize>, String, String)> {
    let all: Vec<Option<String>> = infos.iter().map(said).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in all.iter().flatten() {
        *counts.entry(word).or_default() += 1;
    }
    let usual = counts.iter().max_by_key(|(_, n)| **n).map(|(word, _)| (*word).to_owned())?;
    let others: Vec<usize> =
        (0..all.len()).filter(|&i| all[i].as_ref().is_some_and(|w| *w != usual)).collect();
    let other = all.get(*others.first()?)?.clone()?;
    Some((others, usual, other))
}

/// `a.wav, b.wav, c.wav and 4 more`.
pub(super) fn names(infos: &[RecordingInfo], which: &[usize]) -> String {
    let listed: Vec<&str> =
        which.iter().take(NAMED).filter_map(|&i| Some(infos.get(i)?.name.as_str())).collect();
    match which.len().saturating_sub(NAMED) {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}
