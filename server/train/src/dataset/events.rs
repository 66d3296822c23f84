//! Recordings with what was heard in them, and the table of windows that is cut from both.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use spyhop_api::{RecordingInfo, Timestamp};
use spyhop_config::Preprocess;
use spyhop_signal::Line;

use super::cut::{self, CutRules, Event, Sort};
use super::{Window, WindowTable, WindowedRecording, is_no_call};
use crate::{Open, TrainError};

const NANOS: f64 = 1e9;

/// A sound as somebody labelled it.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// Seconds from the recording's first sample, gaps included.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// What it is called.
    pub label: String,
}

/// A recording and the sounds that somebody labelled in it.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledRecording {
    /// The recording.
    pub recording: WindowedRecording,
    /// What opening it told.
    pub info: RecordingInfo,
    /// Its stretches without a gap, in order: seconds from its first sample.
    pub recorded_s: Vec<Range<f64>>,
    /// What was heard, in any order.
    pub sounds: Vec<Labelled>,
}

/// Opens recordings below a folder; nothing is labelled yet. What can't be read, or holds no sample, is left
/// out and told, a sentence each.
///
/// # Errors
/// When none of them can be read.
pub(super) fn opened(
    folder: &Path,
    paths: &[PathBuf],
    open: &Open,
) -> Result<(Vec<LabelledRecording>, Vec<String>), TrainError> {
    let all: Vec<_> = paths.par_iter().map(|path| opened_one(folder, path, open)).collect();
    let (mut recordings, mut told) = (Vec::new(), Vec::new());
    for one in all {
        match one {
            Ok(recording) => recordings.push(recording),
            Err(error) => told.push(format!("a recording is left out: {error}")),
        }
    }
    match told.first() {
        Some(first) if recordings.is_empty() => {
            let reason = format!("none of {} recordings can be read ({first})", paths.len());
            Err(TrainError::file(folder, reason))
        }
        _ => Ok((recordings, told)),
    }
}

/// Opens a recording; nothing is labelled yet.
///
/// # Errors
/// When it can't be opened, or holds no sample.
pub(super) fn opened_one(
    folder: &Path,
    path: &Path,
    open: &Open,
) -> Result<LabelledRecording, TrainError> {
    let info = open(path).map_err(TrainError::Recording)?.info;
    let (line, _) = Line::new(std::slice::from_ref(&info))
        .map_err(|_| TrainError::file(path, "it holds no samples"))?;
    let mut runs: Vec<Range<i64>> = Vec::new();
    for run in &line.runs {
        match runs.last_mut().filter(|last| last.end == run.position) {
            Some(last) => last.end = run.end(),
            None => runs.push(run.position..run.end()),
        }
    }
    let seconds = |position: i64| position as f64 / line.sample_rate_hz;
    let name = path.strip_prefix(folder).unwrap_or(path);
    let recording = WindowedRecording {
        // One form of paths in tables, on every system.
        name: name.to_string_lossy().replace('\\', "/"),
        fingerprint: info.fingerprint.clone(),
        day: info.start.map(day).unwrap_or_default(),
        start_ns: info.start.map(|start| start.0),
        duration_s: seconds(line.end()),
        recorded_s: seconds(runs.iter().map(|run| run.end - run.start).sum()),
    };
    let recorded_s = runs.iter().map(|run| seconds(run.start)..seconds(run.end)).collect();
    Ok(LabelledRecording { recording, info, recorded_s, sounds: Vec::new() })
}

/// The day of a moment, as the table of windows has it.
pub(super) fn day(at: Timestamp) -> String {
    at.to_iso().chars().take(10).collect()
}

/// Puts sounds, given by the clock (nanoseconds since 1970: begin, end, label), into the recordings that they
/// begin in: all of them, where one lies there twice or several were made at a time. Gives how many begin in
/// none.
pub fn place_by_clock(
    recordings: &mut [LabelledRecording],
    sounds: impl IntoIterator<Item = (i64, i64, String)>,
) -> usize {
    let mut by_time: Vec<(i64, i64, usize)> = Vec::new();
    for (index, recording) in recordings.iter().enumerate() {
        let Some(start_ns) = recording.recording.start_ns else { continue };
        let length_ns = (recording.recording.duration_s * NANOS).round() as i64;
        by_time.push((start_ns, length_ns, index));
    }
    by_time.sort_unstable();
    let longest_ns = by_time.iter().map(|(_, length_ns, _)| *length_ns).max().unwrap_or(0);
    let mut outside = 0;
    for (begin_ns, end_ns, label) in sounds {
        let after = by_time.partition_point(|(start_ns, ..)| *start_ns <= begin_ns);
        let before = by_time.iter().take(after).rev();
        let near =
            before.take_while(|(start_ns, ..)| begin_ns.saturating_sub(*start_ns) < longest_ns);
        let mut is_outside = true;
        for (start_ns, length_ns, index) in near {
            let seconds = |ns: i64| ns.saturating_sub(*start_ns) as f64 / NANOS;
            let is_in = begin_ns.saturating_sub(*start_ns) < *length_ns;
            let Some(recording) = recordings.get_mut(*index).filter(|_| is_in) else { continue };
            let (start_s, end_s, label) = (seconds(begin_ns), seconds(end_ns), label.clone());
            recording.sounds.push(Labelled { start_s, end_s, label });
            is_outside = false;
        }
        outside += usize::from(is_outside);
    }
    outside
}

/// Recordings below a folder, with what people said of candidates in them: sounds by the clock, each with
/// what it is; what is no call is labelled as the class without one. And what a person should know.
///
/// # Errors
/// When a recording can't be read, or nothing was said.
pub fn of_reviews(
    folder: &Path,
    paths: &[PathBuf],
    open: &Open,
    mut sounds: Vec<(i64, i64, String)>,
) -> Result<(Vec<LabelledRecording>, Vec<String>), TrainError> {
    if sounds.is_empty() {
        let reason = "nobody accepted or rejected a dated candidate of this deployment yet";
        return Err(TrainError::file(folder, reason));
    }
    // What several detectors found is one sound.
    sounds.sort();
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    let before = sounds.len();
    sounds.retain(|(begin_ns, end_ns, label)| {
        let is_new = last.get(label).is_none_or(|until_ns| begin_ns >= until_ns);
        if is_new {
            last.insert(label.clone(), *end_ns);
        }
        is_new
    });
    let twice = before - sounds.len();
    let (mut recordings, mut told) = opened(folder, paths, open)?;
    let outside = place_by_clock(&mut recordings, sounds);
    if twice > 0 {
        told.push(format!("{twice} candidates overlap others of their label and count once"));
    }
    if outside > 0 {
        told.push(format!("{outside} candidates lie in none of the recordings"));
    }
    Ok((recordings, told))
}

/// Cuts windows; and what a person should know. The classes are those of `label_mapping`, in the order of
/// their names, and after them the one without a call; with an empty mapping every label is a class. What is
/// mapped to nothing is left out: it gives no window, and none without a call lies on it.
///
/// # Errors
/// When a label that is mapped is missing, or a sound has none and nothing says what it is.
pub fn cut(
    folder: &Path,
    labelled: &[LabelledRecording],
    said: &Preprocess,
) -> Result<(WindowTable, Vec<String>), TrainError> {
    let sounds = || labelled.iter().flat_map(|recording| &recording.sounds);
    check_labels(folder, sounds, said)?;
    let mut classes: Vec<String> = match said.label_mapping.is_empty() {
        true => sounds().map(|sound| sound.label.clone()).collect(),
        false => said.label_mapping.values().cloned().collect(),
    };
    classes.sort();
    classes.dedup();
    classes.retain(|class| *class != said.negative_class && !class.is_empty());
    let negative = classes.len();
    let sort = |label: &String| {
        if *label == said.negative_class {
            return Sort::Alike(negative);
        }
        let class = match said.label_mapping.is_empty() {
            true => Some(label),
            false => said.label_mapping.get(label),
        };
        let index = class.and_then(|class| classes.iter().position(|c| c == class));
        match (class, index) {
            (Some(class), _) if class.is_empty() => Sort::LeftOut,
            (Some(class), Some(index)) if is_no_call(class) => Sort::Alike(index),
            (Some(_), Some(index)) => Sort::Call(index),
            _ => Sort::Other,
        }
    };
    let rules = CutRules::from(said);
    let (mut windows, mut unheard) = (Vec::new(), 0);
    for (index, LabelledRecording { recorded_s, sounds, .. }) in labelled.iter().enumerate() {
        let event =
            |s: &Labelled| Event { start_s: s.start_s, end_s: s.end_s, sort: sort(&s.label) };
        let events: Vec<Event> = sounds.iter().map(event).collect();
        let found = cut::windows(recorded_s, &events, &rules);
        unheard += found.unheard;
        windows.extend(found.windows.into_iter().map(|(start_s, class)| Window {
            recording: index,
            start_s,
            class: class.unwrap_or(negative),
        }));
    }
    if windows.is_empty() {
        return Err(TrainError::Data(format!(
            "no recording in {} is as long as a window of {} s",
            folder.display(),
            rules.window_s
        )));
    }
    let mut told = Vec::new();
    if unheard > 0 {
        told.push(format!(
            "{unheard} sounds lie in gaps of their recordings, or between gaps that are less than a window of {} s apart, and give no window",
            rules.window_s
        ));
    }
    classes.push(said.negative_class.clone());
    let table = WindowTable {
        folder: folder.to_owned(),
        window_s: rules.window_s,
        negative_class: said.negative_class.clone(),
        classes,
        recordings: labelled.iter().map(|l| l.recording.clone()).collect(),
        windows,
        levels: None,
    };
    Ok((table, told))
}

/// Whether every label that is mapped is there, and something says what sounds without a label are: a class
/// needs a name.
fn check_labels<'a, I: Iterator<Item = &'a Labelled>>(
    folder: &Path,
    sounds: impl Fn() -> I,
    said: &Preprocess,
) -> Result<(), TrainError> {
    let is_there = |label: &&String| sounds().any(|sound| sound.label == **label);
    if let Some(label) = said.label_mapping.keys().find(|label| !is_there(label)) {
        let mut there: Vec<&str> = sounds().map(|sound| sound.label.as_str()).collect();
        there.sort_unstable();
        there.dedup();
        return Err(TrainError::Data(format!(
            "preprocess.label_mapping names the label '{label}', which nothing in {} has: there are {}",
            folder.display(),
            if there.is_empty() { "no labels".to_owned() } else { there.join(", ") }
        )));
    }
    let unnamed = sounds().filter(|sound| sound.label.is_empty()).count();
    if unnamed > 0 && !said.label_mapping.contains_key("") {
        return Err(TrainError::Data(format!(
            "{unnamed} sounds in {} have no label: say which class they are of, as \"preprocess.label_mapping={{'': upcall}}\", or that they are no calls, as {{'': {}}}",
            folder.display(),
            said.negative_class
        )));
    }
    Ok(())
}
