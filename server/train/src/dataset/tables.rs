//! Labels in tables beside recordings: Raven selection tables, Audacity labels, the project's own CSV.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use spyhop_signal::Line;
use spyhop_signal::tables::{Sequence, TableError, read_table};

use super::events::{self, Labelled, LabelledRecording};
use crate::{Open, TrainError};

const NANOS: f64 = 1e9;

/// Recordings below a folder that have a table of calls among its files; and what a person should know. One
/// without a table is left out: nobody says that it holds no call. A table with a header and no row says so.
///
/// A table that is named as a recording (`night.Table.1.selections.txt` beside `night.wav`) is that
/// recording's; any other is of all recordings of its folder, end to end, as Raven lays them.
///
/// # Errors
/// When no recording or a table can't be read, or there is no table.
pub fn of_tables(
    folder: &Path,
    paths: &[PathBuf],
    files: &[PathBuf],
    open: &Open,
) -> Result<(Vec<LabelledRecording>, Vec<String>), TrainError> {
    let (mut recordings, mut told) = events::opened(folder, paths, open)?;
    let paths: Vec<PathBuf> = recordings.iter().map(|r| folder.join(&r.recording.name)).collect();
    let mut labelled = BTreeSet::new();
    for file in tables_beside(&paths, files) {
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let beside = |at: &usize| paths.get(*at).is_some_and(|path| path.parent() == file.parent());
        let of_folder: Vec<usize> = (0..recordings.len()).filter(beside).collect();
        let stem = |at: &usize| {
            let stem = paths.get(*at).and_then(|path| path.file_stem());
            stem.map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let is_its_own = |at: &usize| {
            let rest = name.strip_prefix(&stem(at));
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        // Beside `night.wav` and `night.2.wav`, `night.2.txt` is the second one's.
        let own =
            of_folder.iter().copied().filter(is_its_own).rev().max_by_key(|at| stem(at).len());
        let heard = own.map_or(of_folder, |own| vec![own]);
        let text = std::fs::read_to_string(file)
            .map_err(|error| TrainError::reading("a table", file, &error))?;
        match label(&text, &heard, &mut recordings) {
            Ok(read) => {
                told.extend(read.warnings.into_iter().map(|warning| format!("{name}: {warning}")));
                let (all, silent) = (read.calls.len(), read.calls.values().filter(|n| **n == 0));
                let silent = silent.count();
                if own.is_none() && silent > 0 && all > 1 {
                    told.push(format!(
                        "{name} is taken as the table of all {all} recordings of its folder, and has no call in {silent} of them"
                    ));
                }
                labelled.extend(read.calls.into_keys());
            }
            // Folders hold other tables, too: of the weather, of positions.
            Err(TableError::Unknown { .. } | TableError::Empty) => {
                told.push(format!("{name} is no table of calls and is left out"));
            }
            Err(error) => return Err(TrainError::file(file, error.to_string())),
        }
    }
    if labelled.is_empty() {
        let reason = "there is no table of calls beside the recordings: Raven selection tables, \
                      Audacity labels or Spyhop's own CSV are read";
        return Err(TrainError::file(folder, reason));
    }
    let (mut with_table, mut without) = (Vec::new(), Vec::new());
    for (index, recording) in recordings.into_iter().enumerate() {
        match labelled.contains(&index) {
            true => with_table.push(recording),
            false => without.push(recording.recording.name),
        }
    }
    if !without.is_empty() {
        told.push(format!(
            "{} of {} recordings have no table of calls and are left out ({}): a table with a header and no row says that there is no call in one",
            without.len(),
            without.len() + with_table.len(),
            some_of(&without)
        ));
    }
    Ok((with_table, told))
}

/// The files beside recordings that may be tables of calls.
pub(super) fn tables_beside<'a>(
    recordings: &[PathBuf],
    files: &'a [PathBuf],
) -> impl Iterator<Item = &'a PathBuf> {
    let folders: BTreeSet<PathBuf> =
        recordings.iter().filter_map(|path| Some(path.parent()?.to_owned())).collect();
    let is_beside = move |file: &Path| file.parent().is_some_and(|folder| folders.contains(folder));
    files.iter().filter(move |file| may_be_table(file) && is_beside(file))
}

/// The first of many names.
pub(super) fn some_of(names: &[String]) -> String {
    const MOST: usize = 3;
    let first = names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// The sounds of one recording by tables that are all of it, wherever they lie; and what a person should
/// know.
///
/// # Errors
/// When the recording or a table can't be read, or one is no table of labels.
pub fn of_its_tables(
    recording: &Path,
    tables: &[PathBuf],
    open: &Open,
) -> Result<(Vec<Labelled>, Vec<String>), TrainError> {
    let folder = recording.parent().unwrap_or(Path::new(""));
    let mut recordings = [events::opened_one(folder, recording, open)?];
    let mut told = Vec::new();
    for table in tables {
        let text = std::fs::read_to_string(table)
            .map_err(|error| TrainError::reading("a table", table, &error))?;
        let read = label(&text, &[0], &mut recordings)
            .map_err(|error| TrainError::file(table, error.to_string()))?;
        let warnings = read.warnings.into_iter();
        told.extend(warnings.map(|warning| format!("{}: {warning}", table.display())));
    }
    let [recording] = recordings;
    Ok((recording.sounds, told))
}

fn may_be_table(path: &Path) -> bool {
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| matches!(ending.as_str(), "txt" | "csv" | "tsv"))
}

/// What a table said.
struct Read {
    /// How many calls of it lie in each of the recordings that it is of, by index.
    calls: BTreeMap<usize, usize>,
    warnings: Vec<String>,
}

/// Puts the rows of a table into the recordings of some indices.
fn label(
    text: &str,
    heard: &[usize],
    recordings: &mut [LabelledRecording],
) -> Result<Read, TableError> {
    let infos: Vec<_> =
        heard.iter().filter_map(|at| recordings.get(*at)).map(|r| r.info.clone()).collect();
    let Ok((line, _)) = Line::new(&infos) else { return Err(TableError::Empty) };
    let imported = read_table(text, &Sequence::new(&line, &infos), 1)?;
    let mut warnings = imported.warnings;
    let on_line = line.runs.iter().filter_map(|run| heard.get(run.recording));
    let mut calls: BTreeMap<usize, usize> = on_line.map(|index| (*index, 0)).collect();
    let mut outside = 0;
    for annotation in imported.annotations {
        let position = line.position_at(annotation.start_ns);
        let run = line.runs.iter().rev().find(|run| run.position <= position);
        let found = run.and_then(|run| {
            let first = line.runs.iter().find(|r| r.recording == run.recording)?;
            Some((*heard.get(run.recording)?, line.nanos_at(first.position)))
        });
        let recording = found.and_then(|(index, ns)| Some((index, recordings.get_mut(index)?, ns)));
        let Some((index, recording, begin_ns)) = recording else {
            outside += 1;
            continue;
        };
        let seconds = |ns: i64| (ns - begin_ns) as f64 / NANOS;
        let sound = Labelled {
            start_s: seconds(annotation.start_ns),
            end_s: seconds(annotation.end_ns),
            label: annotation.label,
        };
        if sound.start_s >= recording.recording.duration_s {
            outside += 1;
            continue;
        }
        recording.sounds.push(sound);
        *calls.entry(index).or_default() += 1;
    }
    if outside > 0 {
        warnings.push(format!("{outside} rows lie in none of the recordings and are left out"));
    }
    Ok(Read { calls, warnings })
}
