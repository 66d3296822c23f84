//! What the starts of a deployment's recordings tell of its clock.

use spyhop_api::quality::{Finding, FindingKind};
use spyhop_api::time::{NANOS_PER_S, frames_to_nanos};
use spyhop_api::{RecordingInfo, StartSource};

use super::files::names;
use super::findings::number;

/// Names and most headers tell whole seconds: two starts may be off by one between them.
const TOLERANCE_NS: i64 = NANOS_PER_S;
/// A start that misses its schedule by more than this was written by another clock: recorders take up
/// to two seconds to open a file.
const STEP_NS: i64 = 3 * NANOS_PER_S;
/// Recordings that follow one another within this belong to one continuous recording.
const CONTINUOUS_NS: i64 = 2 * NANOS_PER_S;
/// A share of starts that makes a schedule, or an order of names, of them.
const MOST: f64 = 0.8;
/// Fewer recordings than this make no schedule.
const FEWEST: usize = 5;
/// A drift below this is what crystals do (20 ppm is 1.7 s a day).
const DRIFT_PPM: f64 = 20.0;
/// No crystal drifts by more than this: what is more is a pause between recordings.
const CRYSTAL_PPM: f64 = 500.0;

/// A dated recording.
#[derive(Clone, Copy)]
struct Dated {
    index: usize,
    start_ns: i64,
    /// One past its last sample, by its own sample count.
    end_ns: i64,
    source: StartSource,
}

/// What is wrong with the clock of one deployment's recordings: overlaps, a clock that went backwards,
/// steps against the schedule of a duty cycle, and drift against the count of samples. `recordings` of a
/// finding are indices into `infos`; duplicates count once.
pub fn survey_clock(infos: &[RecordingInfo]) -> Vec<Finding> {
    let mut seen = std::collections::HashSet::new();
    let mut dated: Vec<Dated> = (0..infos.len())
        .filter(|&i| infos[i].fingerprint.is_empty() || seen.insert(&infos[i].fingerprint))
        .filter_map(|index| dated(&infos[index], index))
        .collect();
    let backwards = backwards(infos, &dated);
    dated.sort_by_key(|d| (d.start_ns, d.index));
    let mut findings = Vec::new();
    findings.extend(overlaps(infos, &dated));
    findings.extend(backwards);
    findings.extend(steps(infos, &dated));
    findings.extend(drift(&dated));
    findings
}

fn dated(info: &RecordingInfo, index: usize) -> Option<Dated> {
    let start_ns = info.start?.0;
    // The last run's own end: runs within a recording may have gaps between them.
    let end_of = |start: i64, frames: u64| {
        let frames = i64::try_from(frames).unwrap_or(i64::MAX);
        start.saturating_add(frames_to_nanos(frames, info.sample_rate_hz))
    };
    let last = info.segments.last();
    let end_ns = match last.and_then(|s| Some((s.start?.0, s.frames))) {
        Some((start, frames)) => end_of(start, frames),
        None => end_of(start_ns, info.frames),
    };
    Some(Dated { index, start_ns, end_ns, source: info.start_source })
}

fn overlaps(infos: &[RecordingInfo], dated: &[Dated]) -> Option<Finding> {
    let pairs: Vec<&[Dated]> = dated.windows(2).filter(|p| over(p) > TOLERANCE_NS).collect();
    let worst = pairs.iter().max_by_key(|p| over(p))?;
    let later: Vec<usize> = pairs.iter().map(|p| p[1].index).collect();
    let sentence = format!(
        "{} begins before the recording in front of it ends, at worst by {} s: the clock was set back, or a rate or a start is wrong. The earlier one is shown where both are",
        names(infos, &later),
        seconds(over(worst))
    );
    Some(Finding { kind: FindingKind::Overlap, sentence, recordings: later })
}

/// By how much the second of two recordings begins before the first ends.
fn over(pair: &[Dated]) -> i64 {
    pair[0].end_ns.saturating_sub(pair[1].start_ns).max(-i64::MAX)
}

/// Recordings whose name follows another's while their start lies before it. Starts that were read from
/// the names can't tell.
fn backwards(infos: &[RecordingInfo], dated: &[Dated]) -> Option<Finding> {
    let told = |d: &&Dated| !matches!(d.source, StartSource::FileName | StartSource::Override);
    let mut by_name: Vec<&Dated> = dated.iter().filter(told).collect();
    by_name.sort_by_cached_key(|d| name_order(&infos[d.index].name));
    let pairs = by_name.windows(2);
    let back: Vec<usize> =
        pairs.clone().filter(|p| p[1].start_ns < p[0].start_ns).map(|p| p[1].index).collect();
    let ordered = 1.0 - back.len() as f64 / pairs.len().max(1) as f64;
    // Names that are not in the order of recording tell nothing either.
    if back.is_empty() || ordered < MOST {
        return None;
    }
    let sentence = format!(
        "The clock went backwards: {} is later by its name than the recording before it, and earlier by its start",
        names(infos, &back)
    );
    Some(Finding { kind: FindingKind::ClockBackwards, sentence, recordings: back })
}

/// Starts that leave the schedule of a duty cycle.
fn steps(infos: &[RecordingInfo], dated: &[Dated]) -> Option<Finding> {
    // A pause in a continuous recording is a gap, and the line shows it.
    let mut pauses: Vec<i64> = dated.windows(2).map(|p| -over(p)).collect();
    pauses.sort_unstable();
    let usual_pause = pauses.get(pauses.len() / 2).copied().unwrap_or(0);
    if dated.len() < FEWEST || usual_pause <= CONTINUOUS_NS {
        return None;
    }
    let intervals: Vec<i64> =
        dated.windows(2).map(|p| p[1].start_ns.saturating_sub(p[0].start_ns)).collect();
    let mut sorted = intervals.clone();
    sorted.sort_unstable();
    let usual = *sorted.get(sorted.len() / 2)?;
    if usual <= STEP_NS {
        return None;
    }
    // A missed recording leaves a whole number of intervals.
    let off = |interval: i64| {
        let of_one = interval.rem_euclid(usual);
        let missed = if of_one > usual / 2 { of_one - usual } else { of_one };
        if interval < usual / 2 { interval - usual } else { missed }
    };
    let regular = intervals.iter().filter(|i| off(**i).abs() <= STEP_NS).count();
    if (regular as f64) < MOST * intervals.len() as f64 {
        return None;
    }
    // What overlaps has been told.
    let overlaps = |i: usize| over(&dated[i..i + 2]) > TOLERANCE_NS;
    let is_late = |&i: &usize| off(intervals[i]).abs() > STEP_NS && !overlaps(i);
    let late: Vec<usize> = (0..intervals.len()).filter(is_late).collect();
    let worst = late.iter().map(|&i| off(intervals[i])).max_by_key(|o| o.abs())?;
    let recordings: Vec<usize> = late.iter().map(|&i| dated[i + 1].index).collect();
    let sentence = format!(
        "{} leaves the schedule of one recording every {} s, at worst by {} s: the clock was set, or the recorder was late",
        names(infos, &recordings),
        seconds(usual),
        seconds(worst)
    );
    Some(Finding { kind: FindingKind::ClockStep, sentence, recordings })
}

/// The clock against the count of samples, over recordings that follow one another without a gap.
fn drift(dated: &[Dated]) -> Option<Finding> {
    let gap = |p: &[Dated]| -over(p);
    let continuous = |p: &&[Dated]| gap(p).abs() <= CONTINUOUS_NS;
    let pairs: Vec<&[Dated]> = dated.windows(2).filter(continuous).collect();
    if pairs.len() + 1 < FEWEST || (pairs.len() as f64) < MOST * (dated.len() - 1) as f64 {
        return None;
    }
    let gaps: f64 = pairs.iter().map(|p| gap(p) as f64).sum();
    let clock: f64 = pairs.iter().map(|p| p[1].start_ns.saturating_sub(p[0].start_ns) as f64).sum();
    let ppm = 1e6 * gaps / clock;
    // Starts in whole seconds tell no less than that over all of it.
    if gaps.abs() <= CONTINUOUS_NS as f64 || !(DRIFT_PPM..CRYSTAL_PPM).contains(&ppm.abs()) {
        return None;
    }
    let sentence = format!(
        "The clock runs {} ppm {} than the samples are counted, {} s in all: times within recordings are off by as much, or samples are missing between them",
        number(ppm.abs(), 0),
        if ppm > 0.0 { "faster" } else { "slower" },
        number(gaps.abs() / NANOS_PER_S as f64, 1)
    );
    let recordings = Vec::new();
    Some(Finding { kind: FindingKind::ClockDrift, sentence, recordings })
}

/// Names with their numbers by value: `a9` before `a10`.
fn name_order(name: &str) -> Vec<(u64, String)> {
    let mut parts: Vec<(u64, String)> = Vec::new();
    let mut in_number = false;
    for c in name.chars() {
        let digit = c.to_digit(10);
        if parts.is_empty() || digit.is_some() != in_number {
            parts.push((0, String::new()));
            in_number = digit.is_some();
        }
        let Some(part) = parts.last_mut() else { break };
        match digit {
            Some(d) => part.0 = part.0.saturating_mul(10).saturating_add(u64::from(d)),
            None => part.1.push(c),
        }
    }
    parts
}

/// Nanoseconds as seconds, with a digit where it means something.
fn seconds(ns: i64) -> String {
    let s = ns as f64 / NANOS_PER_S as f64;
    number(s, if s.fract() == 0.0 { 0 } else { 1 })
}
