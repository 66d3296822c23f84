//! Raven selection tables: tab-separated, one header row, read by column name in any order.

use std::collections::HashMap;

use spyhop_api::Annotation;

use super::measures::short_name;
use super::sequence::{Edge, Place, file_name};
use super::{Imported, Layout, Sequence, TableError};

pub(super) const BEGIN_TIME: &str = "Begin Time (s)";
const SELECTION: &str = "Selection";
const VIEW: &str = "View";
const CHANNEL: &str = "Channel";
const END_TIME: &str = "End Time (s)";
const LOW: &str = "Low Freq (Hz)";
const HIGH: &str = "High Freq (Hz)";
/// Columns that every table of ours begins with.
const FIXED: [&str; 7] = [SELECTION, VIEW, CHANNEL, BEGIN_TIME, END_TIME, LOW, HIGH];

const FILE_OFFSET: &str = "File Offset (s)";
const BEGIN_FILE: &str = "Begin File";
const BEGIN_PATH: &str = "Begin Path";
const DELTA_TIME: &str = "Delta Time (s)";
const DELTA_FREQ: &str = "Delta Freq (Hz)";

/// Raven has no column for labels: people add one and name it. These names are looked for, in this
/// order; the first is what we add.
const LABEL_COLUMNS: [&str; 14] = [
    "Annotation",
    "Label",
    "Species",
    "Class",
    "Classification",
    "Call Type",
    "Call",
    "Sound type",
    "Sound Type",
    "Type",
    "Tag",
    "Tags",
    "Code",
    "Event",
];
const NOTE_COLUMNS: [&str; 5] = ["Comments", "Comment", "Notes", "Note", "Remarks"];

/// Seconds have nine decimals: nanoseconds.
const NANOS: f64 = 1e9;
/// Times beyond this are no times (a century): so that sums of two still fit in nanoseconds.
const MAX_TIME_S: f64 = 4e9;

/// Reads a selection table. A selection that stands in two rows (waveform and spectrogram) comes out
/// once, as the spectrogram's. Selection numbers become ids where none is below `first_id` and none
/// stands twice; otherwise ids are given from `first_id` on.
///
/// # Errors
/// When a time column is missing or a number can't be read.
pub fn read_raven(text: &str, sequence: &Sequence, first_id: u64) -> Result<Imported, TableError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let (_, header) = lines.next().ok_or(TableError::Empty)?;
    let mut columns: Vec<&str> = header.split('\t').map(|c| short_name(c.trim())).collect();
    while columns.last().is_some_and(|c| c.is_empty()) {
        columns.pop();
    }
    for column in [BEGIN_TIME, END_TIME] {
        if !columns.contains(&column) {
            return Err(TableError::MissingColumn { kind: "Raven selection table", column });
        }
    }
    let layout = layout_of(&columns);
    let mut rows = Vec::new();
    for (number, line) in lines {
        rows.push(Row { line: number + 1, columns: &columns, cells: line.split('\t').collect() });
    }
    let rows = without_doubles(rows);
    let mut files = Files::of(&rows, sequence);
    let mut annotations = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Some((start_ns, end_ns)) = files.times(row)? {
            annotations.push(row.annotation(start_ns, end_ns, &layout, sequence)?);
        }
    }
    number(&mut annotations, first_id);
    Ok(Imported { annotations, layout, warnings: files.warnings })
}

/// Which columns hold what, beside the fixed ones.
fn layout_of(columns: &[&str]) -> Layout {
    let own = |names: &[&str]| {
        names.iter().find(|name| columns.contains(name)).map(|name| (*name).to_owned())
    };
    let any_case = |names: &[&str]| {
        let found = |c: &&&str| names.iter().any(|name| name.eq_ignore_ascii_case(c));
        columns.iter().find(found).map(|c| (*c).to_owned())
    };
    Layout {
        columns: columns.iter().filter(|c| !FIXED.contains(c)).map(|c| (*c).to_owned()).collect(),
        label_column: own(&LABEL_COLUMNS).or_else(|| any_case(&LABEL_COLUMNS)),
        note_column: own(&NOTE_COLUMNS).or_else(|| any_case(&NOTE_COLUMNS)),
    }
}

/// One row of the table.
struct Row<'a> {
    line: usize,
    columns: &'a [&'a str],
    cells: Vec<&'a str>,
}

impl<'a> Row<'a> {
    /// The cell of a column, trimmed; empty where the row is short or the column missing.
    fn cell(&self, column: &str) -> &'a str {
        let at = self.columns.iter().position(|c| *c == column);
        at.and_then(|i| self.cells.get(i)).map_or("", |c| c.trim())
    }

    fn seconds(&self, column: &str) -> Result<Option<f64>, TableError> {
        self.parsed(column, "time in seconds", |v: &f64| v.abs() <= MAX_TIME_S)
    }

    fn hertz(&self, column: &str) -> Result<Option<f64>, TableError> {
        self.parsed(column, "frequency in Hz", |v: &f64| v.is_finite())
    }

    fn parsed<T: std::str::FromStr>(
        &self,
        column: &str,
        expected: &'static str,
        sound: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, TableError> {
        let cell = self.cell(column);
        if cell.is_empty() {
            return Ok(None);
        }
        let value = cell.parse::<T>().ok().filter(sound);
        let found = cell.chars().take(40).collect();
        value.map(Some).ok_or(TableError::Cell { line: self.line, found, expected })
    }

    fn is_spectrogram(&self) -> bool {
        self.cell(VIEW).starts_with("Spectrogram")
    }

    fn annotation(
        &self,
        start_ns: i64,
        end_ns: i64,
        layout: &Layout,
        sequence: &Sequence,
    ) -> Result<Annotation, TableError> {
        let (mut low_hz, mut high_hz) = (self.hertz(LOW)?, self.hertz(HIGH)?);
        // A selection in the waveform has no band: Raven writes zero to Nyquist for it.
        let whole = low_hz.unwrap_or(0.0) <= 0.0
            && high_hz.is_none_or(|h| {
                sequence.sample_rate_hz > 0.0 && h >= sequence.sample_rate_hz / 2.0
            });
        if whole && self.cell(VIEW).starts_with("Waveform") {
            (low_hz, high_hz) = (None, None);
        }
        let channel = self.parsed(CHANNEL, "channel number", |c: &u32| *c > 0)?.unwrap_or(1) - 1;
        let of =
            |column: &Option<String>| column.as_deref().map_or("", |c| self.cell(c)).to_owned();
        let taken = |c: &&str| {
            Some(*c) == layout.label_column.as_deref() || Some(*c) == layout.note_column.as_deref()
        };
        let extra = (self.columns.iter().zip(&self.cells))
            .filter(|(c, _)| !FIXED.contains(c) && !taken(c))
            .map(|(c, cell)| ((*c).to_owned(), cell.trim().to_owned()))
            .collect();
        Ok(Annotation {
            id: self.cell(SELECTION).parse().unwrap_or(0),
            start_ns,
            end_ns: end_ns.max(start_ns),
            low_hz,
            high_hz,
            channel,
            label: of(&layout.label_column),
            note: of(&layout.note_column),
            extra,
        })
    }
}

/// Rows without the waveform's where the spectrogram has the same selection.
fn without_doubles(rows: Vec<Row<'_>>) -> Vec<Row<'_>> {
    let mut kept: Vec<Row<'_>> = Vec::with_capacity(rows.len());
    let mut by_selection: HashMap<&str, usize> = HashMap::new();
    for row in rows {
        let selection = row.cell(SELECTION);
        match by_selection.get(selection).and_then(|&i| kept.get_mut(i)) {
            Some(double) if double.cell(VIEW) != row.cell(VIEW) => {
                if row.is_spectrogram() {
                    *double = row;
                }
            }
            _ => {
                if !selection.is_empty() {
                    by_selection.insert(selection, kept.len());
                }
                kept.push(row);
            }
        }
    }
    kept
}

/// Selection numbers as ids where they can be, else new ones.
fn number(annotations: &mut [Annotation], first_id: u64) {
    let mut ids: Vec<u64> = annotations.iter().map(|a| a.id).collect();
    ids.sort_unstable();
    let distinct = ids.windows(2).all(|pair| pair[0] < pair[1]);
    let free = ids.first().is_none_or(|least| *least >= first_id.max(1));
    // Not so high that the ids after them would overflow.
    let modest = ids.last().is_none_or(|most| *most < u64::from(u32::MAX));
    if !(distinct && free && modest) {
        let mut id = first_id;
        for annotation in annotations {
            annotation.id = id;
            id = id.wrapping_add(1);
        }
    }
}

/// Finds the times of rows on the line, by file where the table names files.
struct Files<'a> {
    sequence: &'a Sequence,
    /// The table speaks of one file and one is open: they are taken for the same.
    same_file: bool,
    warnings: Vec<String>,
}

impl<'a> Files<'a> {
    fn of(rows: &[Row<'_>], sequence: &'a Sequence) -> Files<'a> {
        let mut names: Vec<&str> = rows.iter().map(file_of).filter(|n| !n.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        let unknown: Vec<&str> = match sequence.len() {
            0 => Vec::new(),
            _ => names.iter().copied().filter(|n| sequence.find(n).is_none()).collect(),
        };
        let same_file = sequence.len() == 1 && names.len() == 1 && unknown.len() == 1;
        let mut warnings = Vec::new();
        if let (true, Some(name)) = (same_file, unknown.first()) {
            warnings.push(format!(
                "the table was made for {name}, the open recording is {}: check that they are the same",
                sequence.name(0)
            ));
        } else if let Some(first) = unknown.first() {
            let count = rows.iter().filter(|r| unknown.contains(&file_of(r))).count();
            warnings.push(format!(
                "{count} rows belong to {} recordings that are not open and were left out: open them \
                 too, the first is {first}",
                unknown.len()
            ));
        }
        Files { sequence, same_file, warnings }
    }

    /// Start and end on the line in nanoseconds; `None` for a row of a file that is not open.
    fn times(&mut self, row: &Row<'_>) -> Result<Option<(i64, i64)>, TableError> {
        let missing = |column: &'static str| TableError::Cell {
            line: row.line,
            found: String::new(),
            expected: column,
        };
        let begin = row.seconds(BEGIN_TIME)?.ok_or(missing("begin time in seconds"))?;
        let end = row.seconds(END_TIME)?.ok_or(missing("end time in seconds"))?;
        let offset = row.seconds(FILE_OFFSET)?;
        let (begin_ns, length_ns) = (nanos(begin), nanos(end) - nanos(begin));
        let name = file_of(row);
        let file = if self.same_file { Some(0) } else { self.sequence.find(name) };
        if self.sequence.len() == 0 {
            return Ok(Some((begin_ns, begin_ns.saturating_add(length_ns))));
        }
        if !name.is_empty() && file.is_none() {
            return Ok(None);
        }
        let at_begin = self.sequence.at_cumulative(begin_ns, Edge::Left);
        let place = match (file, offset) {
            // The offset has fewer decimals than the begin time: where both mean the same moment
            // (in our sequence, or in the file itself), the begin time is the better number.
            (Some(file), Some(offset)) => {
                let slack = half_unit_ns(row.cell(FILE_OFFSET));
                let near = |a: i64| (a - nanos(offset)).abs() <= slack;
                match at_begin {
                    Some(place) if place.file == file && near(place.offset_ns) => Some(place),
                    _ if near(begin_ns) => Some(Place { file, offset_ns: begin_ns }),
                    _ => Some(Place { file, offset_ns: nanos(offset) }),
                }
            }
            (Some(file), None) if self.sequence.len() == 1 => {
                Some(Place { file, offset_ns: begin_ns })
            }
            _ => at_begin,
        };
        let Some(place) = place else { return Ok(None) };
        let end_place = self.sequence.at_cumulative(
            self.sequence.cumulative_ns(place).saturating_add(length_ns),
            Edge::Right,
        );
        let start_ns = self.sequence.on_line(place, Edge::Left);
        let end_ns = end_place.and_then(|p| self.sequence.on_line(p, Edge::Right));
        Ok(start_ns.zip(end_ns))
    }
}

/// The name of the file that a row begins in; empty where the table does not say.
fn file_of<'a>(row: &Row<'a>) -> &'a str {
    let name = file_name(row.cell(BEGIN_FILE));
    if name.is_empty() { file_name(row.cell(BEGIN_PATH)) } else { name }
}

fn nanos(seconds: f64) -> i64 {
    (seconds * NANOS).round() as i64
}

/// Half of the last decimal of a number as it is written, in nanoseconds, and one for rounding.
fn half_unit_ns(text: &str) -> i64 {
    let decimals = text.split_once('.').map_or(0, |(_, d)| d.len().min(9)) as i32;
    (0.5 * 10f64.powi(9 - decimals)).round() as i64 + 1
}

/// Writes a selection table with CRLF line ends. Over several files, times run on over the sequence
/// and each row names its file. Columns that follow from the box are written anew where they no
/// longer agree with it.
pub fn write_raven(annotations: &[Annotation], sequence: &Sequence, layout: &Layout) -> String {
    let columns = columns_of(annotations, sequence, layout);
    let mut text = String::new();
    let mut line = |cells: &[String]| {
        text.push_str(&cells.join("\t"));
        text.push_str("\r\n");
    };
    let header: Vec<String> =
        FIXED.iter().map(|c| (*c).to_owned()).chain(columns.iter().cloned()).collect();
    line(&header);
    for annotation in annotations {
        let written = Written::of(annotation, sequence);
        let mut cells = written.fixed(annotation, sequence);
        cells.extend(columns.iter().map(|c| written.cell(c, annotation, sequence, layout)));
        line(&cells);
    }
    text
}

/// Columns after the fixed ones: the layout's, then those that annotations bring, then label, note
/// and file columns where they are needed and not yet there.
fn columns_of(annotations: &[Annotation], sequence: &Sequence, layout: &Layout) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    let mut add = |column: &str| {
        if !FIXED.contains(&column) && !columns.iter().any(|c| c == column) {
            columns.push(clean(column));
        }
    };
    layout.columns.iter().for_each(|c| add(c));
    add(label_column(layout));
    for (column, _) in annotations.iter().flat_map(|a| &a.extra) {
        add(column);
    }
    if annotations.iter().any(|a| !a.note.is_empty()) {
        add(note_column(layout));
    }
    if sequence.len() > 1 {
        [FILE_OFFSET, BEGIN_FILE, BEGIN_PATH].into_iter().for_each(add);
    }
    columns
}

fn label_column(layout: &Layout) -> &str {
    layout.label_column.as_deref().unwrap_or(LABEL_COLUMNS[0])
}

fn note_column(layout: &Layout) -> &str {
    layout.note_column.as_deref().unwrap_or(NOTE_COLUMNS[0])
}

/// An annotation's times as a table has them.
struct Written {
    begin_ns: i64,
    end_ns: i64,
    place: Option<Place>,
}

impl Written {
    fn of(annotation: &Annotation, sequence: &Sequence) -> Written {
        let place = sequence.place(annotation.start_ns, Edge::Left);
        let Some(start) = place else {
            return Written { begin_ns: annotation.start_ns, end_ns: annotation.end_ns, place };
        };
        let end = sequence.place(annotation.end_ns, Edge::Right).unwrap_or(start);
        let begin_ns = sequence.cumulative_ns(start);
        Written { begin_ns, end_ns: sequence.cumulative_ns(end).max(begin_ns), place }
    }

    fn fixed(&self, annotation: &Annotation, sequence: &Sequence) -> Vec<String> {
        let has_band = annotation.low_hz.is_some() || annotation.high_hz.is_some();
        let nyquist = sequence.sample_rate_hz / 2.0;
        vec![
            annotation.id.to_string(),
            if has_band { "Spectrogram 1" } else { "Waveform 1" }.to_owned(),
            (u64::from(annotation.channel) + 1).to_string(),
            seconds(self.begin_ns),
            seconds(self.end_ns),
            format!("{:.1}", annotation.low_hz.unwrap_or(0.0)),
            format!("{:.1}", annotation.high_hz.unwrap_or(nyquist)),
        ]
    }

    fn cell(
        &self,
        column: &str,
        annotation: &Annotation,
        sequence: &Sequence,
        layout: &Layout,
    ) -> String {
        if column == label_column(layout) {
            return clean(&annotation.label);
        }
        if column == note_column(layout) && !annotation.note.is_empty() {
            return clean(&annotation.note);
        }
        let kept = annotation.extra.iter().find(|(c, _)| c == column).map_or("", |(_, v)| v);
        let several = sequence.len() > 1;
        match (column, self.place) {
            (DELTA_TIME, _) => {
                let length = self.end_ns.saturating_sub(self.begin_ns);
                agreeing(kept, length as f64 / NANOS, 4)
            }
            (DELTA_FREQ, _) => match (annotation.low_hz, annotation.high_hz) {
                (Some(low), Some(high)) => agreeing(kept, high - low, 1),
                _ => clean(kept),
            },
            (FILE_OFFSET, Some(place)) if several || !kept.is_empty() => {
                agreeing(kept, place.offset_ns as f64 / NANOS, 9)
            }
            (BEGIN_FILE | BEGIN_PATH, Some(place)) if several || !kept.is_empty() => {
                let name = sequence.name(place.file);
                clean(if file_name(kept) == name { kept } else { name })
            }
            _ => clean(kept),
        }
    }
}

/// A cell as it was where it still says `value` (within the decimals that it has), else `value`.
fn agreeing(kept: &str, value: f64, decimals: usize) -> String {
    let slack = half_unit_ns(kept) as f64 / NANOS;
    match kept.parse::<f64>() {
        Ok(was) if (was - value).abs() <= slack => kept.to_owned(),
        _ => format!("{value:.decimals$}"),
    }
}

/// Nanoseconds as seconds with nine decimals, exactly.
fn seconds(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    format!("{sign}{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000)
}

/// A cell can hold neither tabs nor line ends: Raven knows no quoting.
fn clean(text: &str) -> String {
    text.replace(['\t', '\r', '\n'], " ")
}
