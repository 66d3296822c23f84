//! What a place holds, told without a catalogue: for the command line.

use rayon::prelude::*;
use serde::Serialize;
use spyhop_api::{FileFailure, RecordingInfo, Timestamp};
use spyhop_signal::Line;

use super::calibration_file;
use super::deployment_file::{DeploymentFile, FILE_NAME};
use super::file_kind::{self, FileKind};
use super::folders::{self, FolderFiles};
use super::headers::{self, Headers};
use super::slug::slug;
use crate::place::{Place, PlaceError};

/// A deployment: a folder with recordings.
#[derive(Debug, Serialize)]
pub struct FolderReport {
    /// As a server calls it.
    pub id: String,
    /// As a person does.
    pub name: String,
    /// Below the place; empty for the place itself.
    pub folder: String,
    /// Recordings that can be opened.
    pub recordings: usize,
    /// Length of all recordings, bytes.
    pub bytes: u64,
    /// The recordings on their clock: one line for each rate and channel count.
    pub lines: Vec<LineReport>,
    /// Recordings that lie on no line, and why.
    pub left_out: Vec<FileFailure>,
    /// Files that can't be opened, and why.
    pub failures: Vec<FileFailure>,
}

/// Recordings of one rate and channel count on one clock.
#[derive(Debug, Serialize)]
pub struct LineReport {
    /// Frames a second.
    pub sample_rate_hz: f64,
    /// Samples in a frame.
    pub channels: u32,
    /// Clock time of the first sample, where the recordings are dated.
    pub start: Option<Timestamp>,
    /// Clock time after the last.
    pub end: Option<Timestamp>,
    /// From the first sample to the last, gaps among them, seconds.
    pub duration_s: f64,
    /// Without the gaps, seconds.
    pub recorded_s: f64,
    /// Recorded stretches.
    pub runs: Vec<RunReport>,
    /// Where nothing was recorded between two of them.
    pub gaps: Vec<GapReport>,
}

/// Samples without a gap.
#[derive(Debug, Serialize)]
pub struct RunReport {
    /// The file.
    pub recording: String,
    /// Clock time of its first sample, where it is dated.
    pub start: Option<Timestamp>,
    /// First frame in the file.
    pub first_frame: u64,
    /// Frames.
    pub frames: u64,
}

/// Time in which nothing was recorded.
#[derive(Debug, Serialize)]
pub struct GapReport {
    /// Clock time of its beginning, where the recordings are dated.
    pub start: Option<Timestamp>,
    /// Seconds from the line's first sample.
    pub from_s: f64,
    /// How long it lasts, seconds.
    pub duration_s: f64,
    /// The recording before it.
    pub after: String,
}

/// Reads all headers of a place; a report for each of its deployments, by folder.
///
/// # Errors
/// When the place can't be listed.
pub fn of_place(place: &Place) -> Result<Vec<FolderReport>, PlaceError> {
    let folders = folders::by_folder(place.list(folders::wanted)?);
    Ok(folders.iter().map(|(folder, files)| of_folder(place, folder, files)).collect())
}

fn of_folder(place: &Place, folder: &str, files: &FolderFiles) -> FolderReport {
    let mut failures = Vec::new();
    let failure = |name: &str, reason: String| FileFailure { name: name.to_owned(), reason };
    let described = match &files.description {
        None => DeploymentFile::default(),
        Some(file) => match place.read(file, 1 << 20) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                let table = files
                    .calibration(&text)
                    .map(|table| place.read(table, calibration_file::MOST_BYTES));
                let table = table.transpose().unwrap_or_else(|error| {
                    failures.push(failure(FILE_NAME, error.to_string()));
                    None
                });
                let table = table.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                let (described, problem) = DeploymentFile::of_text(&text, table.as_deref());
                failures.extend(problem.map(|e| failure(FILE_NAME, e.to_string())));
                described
            }
            Err(error) => {
                failures.push(failure(FILE_NAME, error.to_string()));
                DeploymentFile::default()
            }
        },
    };
    let of_kind = |kind| files.files.iter().filter(move |(_, k)| *k == kind).map(|(file, _)| file);
    let sidecars = folders::sidecars_by_stem(of_kind(FileKind::Sidecar));
    let options = described.open_options();
    let recordings: Vec<_> = of_kind(FileKind::Recording).collect();
    let read: Vec<Headers> = recordings
        .par_iter()
        .map(|file| {
            let beside = sidecars.get(file_kind::stem(file.folder_and_name().1));
            headers::read(place, file, beside.map_or(&[][..], Vec::as_slice), &options)
        })
        .collect();
    let mut infos: Vec<RecordingInfo> = Vec::new();
    for (file, headers) in recordings.iter().zip(read) {
        match headers {
            Headers::Read(info) => infos.push(*info),
            Headers::Bad(reason) | Headers::Unreachable(reason) => {
                failures.push(failure(file.folder_and_name().1, reason));
            }
        }
    }
    infos.sort_by(|a, b| (a.start, &a.name).cmp(&(b.start, &b.name)));
    let (lines, left_out) = lines(&infos);
    let id = slug(folder, &place.own_name());
    let name = match described.name.as_str() {
        "" => folder.rsplit('/').next().filter(|n| !n.is_empty()).unwrap_or(&id).to_owned(),
        name => name.to_owned(),
    };
    FolderReport {
        id,
        name,
        folder: folder.to_owned(),
        recordings: infos.len(),
        bytes: recordings.iter().map(|file| file.bytes).sum(),
        lines,
        left_out,
        failures,
    }
}

/// Lays recordings on lines, one for each rate and channel count; the longest first.
fn lines(infos: &[RecordingInfo]) -> (Vec<LineReport>, Vec<FileFailure>) {
    let mut groups: Vec<((f64, u32), Vec<RecordingInfo>)> = Vec::new();
    for info in infos {
        let key = (info.sample_rate_hz, info.channels);
        match groups.iter_mut().find(|(k, _)| *k == key) {
            Some((_, group)) => group.push(info.clone()),
            None => groups.push((key, vec![info.clone()])),
        }
    }
    let (mut reports, mut all_left_out) = (Vec::new(), Vec::new());
    for ((sample_rate_hz, channels), group) in groups {
        let name = |index: usize| group.get(index).map(|i| i.name.clone()).unwrap_or_default();
        let Ok((line, left_out)) = Line::new(&group) else {
            let reason = || "it holds no samples".to_owned();
            all_left_out.extend(
                group.iter().map(|i| FileFailure { name: i.name.clone(), reason: reason() }),
            );
            continue;
        };
        all_left_out.extend(
            left_out.into_iter().map(|(index, reason)| FileFailure { name: name(index), reason }),
        );
        let at =
            |position: i64| Some(Timestamp(line.origin?.0.saturating_add(line.nanos_at(position))));
        let recorded: u64 = line.runs.iter().map(|run| run.frames).sum();
        let gaps = line.runs.windows(2).filter(|pair| pair[0].end() < pair[1].position);
        reports.push(LineReport {
            sample_rate_hz,
            channels,
            start: at(0),
            end: at(line.end()),
            duration_s: line.end() as f64 / sample_rate_hz,
            recorded_s: recorded as f64 / sample_rate_hz,
            runs: line
                .runs
                .iter()
                .map(|run| RunReport {
                    recording: name(run.recording),
                    start: at(run.position),
                    first_frame: run.first_frame,
                    frames: run.frames,
                })
                .collect(),
            gaps: gaps
                .map(|pair| GapReport {
                    start: at(pair[0].end()),
                    from_s: pair[0].end() as f64 / sample_rate_hz,
                    duration_s: (pair[1].position - pair[0].end()) as f64 / sample_rate_hz,
                    after: name(pair[0].recording),
                })
                .collect(),
        });
    }
    reports.sort_by(|a, b| b.recorded_s.total_cmp(&a.recorded_s));
    (reports, all_left_out)
}
