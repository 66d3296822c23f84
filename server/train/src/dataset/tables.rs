//! Labels in tables beside recordings: Raven selection tables, Audacity labels, the project's own CSV.

use std::path::{Path, PathBuf};

use spyhop_signal::Line;
use spyhop_signal::tables::{Sequence, TableError, read_table};

use super::events::{self, Labelled, LabelledRecording};
use crate::{Open, TrainError};

const NANOS: f64 = 1e9;

/// Recordings below a folder, labelled by the tables among its files; and what a person should know.
///
/// A table that is named as a recording (`night.Table.1.selections.txt` beside `night.wav`) is that
/// recording's; any other is of all recordings of its folder, end to end, as Raven lays them.
///
/// # Errors
/// When a recording or a table can't be read, or there is no table.
pub fn of_tables(
    folder: &Path,
    paths: &[PathBuf],
    files: &[PathBuf],
    open: &Open,
) -> Result<(Vec<LabelledRecording>, Vec<String>), TrainError> {
    let mut recordings = events::opened(folder, paths, open)?;
    let mut told = Vec::new();
    let mut tables = 0;
    for file in files.iter().filter(|file| may_be_table(file)) {
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let beside = |at: &usize| paths.get(*at).is_some_and(|path| path.parent() == file.parent());
        let of_folder: Vec<usize> = (0..recordings.len()).filter(beside).collect();
        let is_its_own = |at: &&usize| {
            let stem = paths.get(**at).and_then(|path| path.file_stem());
            let rest = stem.and_then(|stem| name.strip_prefix(&*stem.to_string_lossy()));
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        let own: Vec<usize> = of_folder.iter().filter(is_its_own).copied().take(1).collect();
        let heard = if own.is_empty() { of_folder } else { own };
        if heard.is_empty() {
            continue;
        }
        let text = std::fs::read_to_string(file)
            .map_err(|error| TrainError::reading("a table", file, &error))?;
        match label(&text, &heard, &mut recordings) {
            Ok(warnings) => {
                tables += 1;
                told.extend(warnings.into_iter().map(|warning| format!("{name}: {warning}")));
            }
            // Folders hold other tables, too: of the weather, of positions.
            Err(TableError::Unknown { .. } | TableError::Empty) => {
                told.push(format!("{name} is no table of calls and is left out"));
            }
            Err(error) => return Err(TrainError::file(file, error.to_string())),
        }
    }
    if tables == 0 {
        let reason = "there is no table of calls beside the recordings: Raven selection tables, \
                      Audacity labels or Spyhop's own CSV are read";
        return Err(TrainError::file(folder, reason));
    }
    Ok((recordings, told))
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
    let mut recordings = events::opened(folder, &[recording.to_owned()], open)?;
    let mut told = Vec::new();
    for table in tables {
        let text = std::fs::read_to_string(table)
            .map_err(|error| TrainError::reading("a table", table, &error))?;
        let warnings = label(&text, &[0], &mut recordings)
            .map_err(|error| TrainError::file(table, error.to_string()))?;
        told.extend(warnings.into_iter().map(|warning| format!("{}: {warning}", table.display())));
    }
    Ok((recordings.pop().map(|recording| recording.sounds).unwrap_or_default(), told))
}

fn may_be_table(path: &Path) -> bool {
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| matches!(ending.as_str(), "txt" | "csv" | "tsv"))
}

/// Puts the rows of a table into the recordings of some indices.
fn label(
    text: &str,
    heard: &[usize],
    recordings: &mut [LabelledRecording],
) -> Result<Vec<String>, TableError> {
    let infos: Vec<_> =
        heard.iter().filter_map(|at| recordings.get(*at)).map(|r| r.info.clone()).collect();
    let Ok((line, _)) = Line::new(&infos) else { return Err(TableError::Empty) };
    let imported = read_table(text, &Sequence::new(&line, &infos), 1)?;
    let mut warnings = imported.warnings;
    let mut outside = 0;
    for annotation in imported.annotations {
        let position = line.position_at(annotation.start_ns);
        let run = line.runs.iter().rev().find(|run| run.position <= position);
        let found = run.and_then(|run| {
            let first = line.runs.iter().find(|r| r.recording == run.recording)?;
            Some((*heard.get(run.recording)?, line.nanos_at(first.position)))
        });
        let recording = found.and_then(|(index, ns)| Some((recordings.get_mut(index)?, ns)));
        let Some((recording, begin_ns)) = recording else {
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
    }
    if outside > 0 {
        warnings.push(format!("{outside} rows lie in none of the recordings and are left out"));
    }
    Ok(warnings)
}
