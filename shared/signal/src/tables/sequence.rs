//! The files that a table speaks of, and where their seconds lie on a line.
//!
//! Other programs lay files end to end: their time runs on over a sequence of files without the gaps
//! between them, and a file's own gaps are not seen at all. A line has both. Times between the two
//! are only shifted, in whole nanoseconds, so that what goes out comes back the same.

use std::ops::Range;

use spyhop_api::time::frames_to_nanos;
use spyhop_api::{RecordingInfo, Timestamp};

use crate::Line;

/// Files in their order, and where their runs lie on the line. An empty one (the default) takes a
/// table's times as times on the line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    files: Vec<SequenceFile>,
    runs: Vec<FileRun>,
    /// Samples a second; 0 where unknown.
    pub sample_rate_hz: f64,
    /// Clock time of the line's first sample.
    pub origin: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq)]
struct SequenceFile {
    name: String,
    /// Length of all files before it.
    before_ns: i64,
    /// Which of the sequence's runs are its own.
    runs: Range<usize>,
}

/// A run of samples: the same stretch in a file and on the line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct FileRun {
    file: usize,
    in_file_ns: i64,
    on_line_ns: i64,
    length_ns: i64,
}

/// A moment in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Index of the file in its sequence.
    pub file: usize,
    /// Nanoseconds since the file's first sample.
    pub offset_ns: i64,
}

/// Which edge of a box a moment is: where two runs meet, a left edge belongs to the later one and a
/// right edge to the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Left,
    Right,
}

impl Sequence {
    /// The recordings that lie on a line; `infos` is what the line was made of.
    pub fn new(line: &Line, infos: &[RecordingInfo]) -> Sequence {
        let nanos = |frames: u64| {
            frames_to_nanos(i64::try_from(frames).unwrap_or(i64::MAX), line.sample_rate_hz)
        };
        let mut files: Vec<SequenceFile> = Vec::new();
        let mut runs = Vec::new();
        let (mut last, mut before_ns) = (None, 0i64);
        for run in &line.runs {
            let Some(info) = infos.get(run.recording) else { continue };
            if last != Some(run.recording) {
                last = Some(run.recording);
                let first = runs.len()..runs.len();
                files.push(SequenceFile { name: info.name.clone(), before_ns, runs: first });
                before_ns = before_ns.saturating_add(nanos(info.frames));
            }
            runs.push(FileRun {
                file: files.len() - 1,
                in_file_ns: nanos(run.first_frame),
                on_line_ns: line.nanos_at(run.position),
                length_ns: nanos(run.frames),
            });
            if let Some(file) = files.last_mut() {
                file.runs.end = runs.len();
            }
        }
        Sequence { files, runs, sample_rate_hz: line.sample_rate_hz, origin: line.origin }
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// A file's name.
    pub(super) fn name(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |f| f.name.as_str())
    }

    /// The file of a name, whatever folder it stands in and however its letters are cased.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        let name = file_name(path);
        self.files
            .iter()
            .position(|f| f.name == name)
            .or_else(|| self.files.iter().position(|f| f.name.eq_ignore_ascii_case(name)))
    }

    /// The file that a moment of the line lies in, and how far into it, nanoseconds; a moment in a gap lies
    /// at the beginning of what follows. `None` without files.
    pub fn file_at(&self, line_ns: i64) -> Option<(&str, i64)> {
        let place = self.place(line_ns, Edge::Left)?;
        Some((self.name(place.file), place.offset_ns))
    }

    /// Where a moment of the line lies in the files; a moment in a gap is moved to the recording's
    /// edge (a left edge later, a right edge earlier). `None` without files.
    pub(super) fn place(&self, line_ns: i64, edge: Edge) -> Option<Place> {
        let index = match edge {
            Edge::Left => {
                let ended = |r: &FileRun| r.on_line_ns.saturating_add(r.length_ns) <= line_ns;
                self.runs.partition_point(ended)
            }
            Edge::Right => self.runs.partition_point(|r| r.on_line_ns < line_ns).saturating_sub(1),
        };
        let run = self.runs.get(index).or_else(|| self.runs.last())?;
        let offset = line_ns.saturating_sub(run.on_line_ns).clamp(0, run.length_ns);
        Some(Place { file: run.file, offset_ns: run.in_file_ns.saturating_add(offset) })
    }

    /// Where a moment of a file lies on the line; past the file's end it runs on.
    pub(super) fn on_line(&self, place: Place, edge: Edge) -> Option<i64> {
        let runs = self.runs.get(self.files.get(place.file)?.runs.clone())?;
        let begins_before = |r: &FileRun| match edge {
            Edge::Left => r.in_file_ns <= place.offset_ns,
            Edge::Right => r.in_file_ns < place.offset_ns,
        };
        let run = runs[..runs.partition_point(begins_before)].last().or_else(|| runs.first())?;
        Some(run.on_line_ns.saturating_add(place.offset_ns.saturating_sub(run.in_file_ns)))
    }

    /// Time over all files laid end to end.
    pub(super) fn cumulative_ns(&self, place: Place) -> i64 {
        let before = self.files.get(place.file).map_or(0, |f| f.before_ns);
        before.saturating_add(place.offset_ns)
    }

    /// The inverse of [`Sequence::cumulative_ns`].
    pub(super) fn at_cumulative(&self, cumulative_ns: i64, edge: Edge) -> Option<Place> {
        let begins_before = |f: &SequenceFile| match edge {
            Edge::Left => f.before_ns <= cumulative_ns,
            Edge::Right => f.before_ns < cumulative_ns,
        };
        let file = self.files.partition_point(begins_before).saturating_sub(1);
        let before = self.files.get(file)?.before_ns;
        Some(Place { file, offset_ns: cumulative_ns.saturating_sub(before) })
    }
}

/// The last part of a path of any system.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
