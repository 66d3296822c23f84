//! Recordings with what was heard in them, and the table of windows that is cut from both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use spyhop_api::RecordingInfo;
use spyhop_config::Preprocess;
use spyhop_signal::Line;

use super::cut::{self, CutRules, Event};
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
    /// Nanoseconds since 1970 of its first sample, where that is known.
    pub start_ns: Option<i64>,
    /// What opening it told.
    pub info: RecordingInfo,
    /// What was heard, in any order.
    pub sounds: Vec<Labelled>,
}

/// Opens recordings below a folder; nothing is labelled yet.
///
/// # Errors
/// When one of them can't be opened.
pub(super) fn opened(
    folder: &Path,
    paths: &[PathBuf],
    open: &Open,
) -> Result<Vec<LabelledRecording>, TrainError> {
    let one = |path: &PathBuf| {
        let info = open(path).map_err(TrainError::Recording)?.info;
        let (line, _) = Line::new(std::slice::from_ref(&info))
            .map_err(|error| TrainError::file(path, error.to_string()))?;
        let last = line.runs.last().map_or(0, |run| run.end());
        let name = path.strip_prefix(folder).unwrap_or(path);
        let recording = WindowedRecording {
            // One form of paths in tables, on every system.
            name: name.to_string_lossy().replace('\\', "/"),
            fingerprint: info.fingerprint.clone(),
            day: info.start.map(|t| t.to_iso().chars().take(10).collect()).unwrap_or_default(),
            duration_s: last as f64 / line.sample_rate_hz,
        };
        let start_ns = info.start.map(|t| t.0);
        Ok(LabelledRecording { recording, start_ns, info, sounds: Vec::new() })
    };
    paths.par_iter().map(one).collect()
}

/// Puts sounds, given by the clock (nanoseconds since 1970: begin, end, label), into the recordings that they
/// begin in. Gives how many begin in none.
pub fn place_by_clock(
    recordings: &mut [LabelledRecording],
    sounds: impl IntoIterator<Item = (i64, i64, String)>,
) -> usize {
    let mut by_time: Vec<(i64, i64, usize)> = Vec::new();
    for (index, recording) in recordings.iter().enumerate() {
        let Some(start_ns) = recording.start_ns else { continue };
        let length_ns = (recording.recording.duration_s * NANOS).round() as i64;
        by_time.push((start_ns, start_ns.saturating_add(length_ns), index));
    }
    by_time.sort_unstable();
    let mut outside = 0;
    for (begin_ns, end_ns, label) in sounds {
        let after = by_time.partition_point(|(start_ns, ..)| *start_ns <= begin_ns);
        let held = after.checked_sub(1).and_then(|i| by_time.get(i));
        let held = held.filter(|(_, until_ns, _)| begin_ns < *until_ns);
        let found = held.and_then(|(start, _, index)| Some((recordings.get_mut(*index)?, *start)));
        let Some((recording, start_ns)) = found else {
            outside += 1;
            continue;
        };
        let seconds = |ns: i64| ns.saturating_sub(start_ns) as f64 / NANOS;
        let (start_s, end_s) = (seconds(begin_ns), seconds(end_ns));
        recording.sounds.push(Labelled { start_s, end_s, label });
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
    let mut recordings = opened(folder, paths, open)?;
    let outside = place_by_clock(&mut recordings, sounds);
    let mut told = Vec::new();
    if twice > 0 {
        told.push(format!("{twice} candidates overlap others of their label and count once"));
    }
    if outside > 0 {
        told.push(format!("{outside} candidates lie in none of the recordings"));
    }
    Ok((recordings, told))
}

/// Cuts windows. The classes are those of `label_mapping`, in the order of their names, and after them the
/// one without a call; with an empty mapping every label is a class.
///
/// # Errors
/// When a label that is mapped, or every one, is missing.
pub fn cut(
    folder: &Path,
    labelled: &[LabelledRecording],
    said: &Preprocess,
) -> Result<WindowTable, TrainError> {
    let sounds = || labelled.iter().flat_map(|recording| &recording.sounds);
    let mut classes: Vec<String> = match said.label_mapping.is_empty() {
        true => sounds().map(|sound| sound.label.clone()).collect(),
        false => said.label_mapping.values().cloned().collect(),
    };
    classes.sort();
    classes.dedup();
    classes.retain(|class| *class != said.negative_class);
    if let Some(label) =
        said.label_mapping.keys().find(|label| !sounds().any(|sound| sound.label == **label))
    {
        let mut there: Vec<&str> = sounds().map(|sound| sound.label.as_str()).collect();
        there.sort_unstable();
        there.dedup();
        return Err(TrainError::Data(format!(
            "preprocess.label_mapping names the label '{label}', which nothing in {} has: there are {}",
            folder.display(),
            if there.is_empty() { "no labels".to_owned() } else { there.join(", ") }
        )));
    }
    let negative = classes.len();
    let class_of = |label: &String| {
        if *label == said.negative_class {
            return Some(negative);
        }
        let class = match said.label_mapping.is_empty() {
            true => label,
            false => said.label_mapping.get(label)?,
        };
        classes.iter().position(|c| c == class)
    };
    let rules = CutRules::from(said);
    let mut windows = Vec::new();
    for (index, LabelledRecording { recording, sounds, .. }) in labelled.iter().enumerate() {
        let event = |s: &Labelled| {
            let class = class_of(&s.label);
            let name = class.and_then(|class| classes.get(class));
            let is_call = name.is_some_and(|name| !is_no_call(name));
            Event { start_s: s.start_s, end_s: s.end_s, class, is_call }
        };
        let events: Vec<Event> = sounds.iter().map(event).collect();
        let found = cut::windows(recording.duration_s, &events, &rules);
        windows.extend(found.into_iter().map(|(start_s, class)| Window {
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
    classes.push(said.negative_class.clone());
    Ok(WindowTable {
        folder: folder.to_owned(),
        window_s: rules.window_s,
        negative_class: said.negative_class.clone(),
        classes,
        recordings: labelled.iter().map(|l| l.recording.clone()).collect(),
        windows,
    })
}
