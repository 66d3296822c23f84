//! The project's own CSV: clock times in ISO 8601 UTC, and file and offset beside them.

use spyhop_api::{Annotation, Timestamp};

use super::sequence::Edge;
use super::{Imported, Layout, Sequence, TableError};

/// What its first line begins with.
pub(super) const FIRST_COLUMNS: &str = "start,end,file,offset_s";
/// All columns that are always there. `start` and `end` are empty where the recording is undated.
const COLUMNS: [&str; 12] = [
    "start",
    "end",
    "file",
    "offset_s",
    "duration_s",
    "low_hz",
    "high_hz",
    "label",
    "score",
    "model",
    "channel",
    "note",
];
const KIND: &str = "CSV of Spyhop's";
const NANOS: f64 = 1e9;
/// Times beyond this are no times (a century): so that sums of two still fit in nanoseconds.
const MAX_TIME_S: f64 = 4e9;

/// Writes the CSV (RFC 4180: comma, CRLF, quotes where needed). Further columns of the annotations
/// follow the fixed ones.
pub fn write_csv(annotations: &[Annotation], sequence: &Sequence) -> String {
    let mut extra: Vec<&str> = Vec::new();
    for (column, _) in annotations.iter().flat_map(|a| &a.extra) {
        if !COLUMNS.contains(&column.as_str()) && !extra.contains(&column.as_str()) {
            extra.push(column);
        }
    }
    let header = COLUMNS.iter().chain(&extra).map(|c| quoted(c)).collect::<Vec<_>>().join(",");
    let mut text = header + "\r\n";
    for annotation in annotations {
        let cells: Vec<String> = COLUMNS
            .iter()
            .chain(&extra)
            .map(|column| quoted(&cell(column, annotation, sequence)))
            .collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

fn cell(column: &str, annotation: &Annotation, sequence: &Sequence) -> String {
    let clock = |ns: i64| {
        let origin = sequence.origin.map(|o| Timestamp(o.0.saturating_add(ns)));
        origin.map_or(String::new(), Timestamp::to_iso)
    };
    let number = |value: Option<f64>| value.map_or(String::new(), |v| v.to_string());
    let place = sequence.place(annotation.start_ns, Edge::Left);
    match column {
        "start" => clock(annotation.start_ns),
        "end" => clock(annotation.end_ns),
        "file" => place.map_or("", |p| sequence.name(p.file)).to_owned(),
        "offset_s" => seconds(place.map_or(annotation.start_ns, |p| p.offset_ns)),
        "duration_s" => seconds(annotation.end_ns.saturating_sub(annotation.start_ns)),
        "low_hz" => number(annotation.low_hz),
        "high_hz" => number(annotation.high_hz),
        "label" => annotation.label.clone(),
        "channel" => (u64::from(annotation.channel) + 1).to_string(),
        "note" => annotation.note.clone(),
        other => {
            let kept = annotation.extra.iter().find(|(c, _)| c == other);
            kept.map_or(String::new(), |(_, v)| v.clone())
        }
    }
}

/// Nanoseconds as seconds with nine decimals, exactly.
fn seconds(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    format!("{sign}{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000)
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\r', '\n']) || cell.trim() != cell {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// Reads the CSV. A row is placed by its file and offset where that file is open, else by its clock
/// time; rows that have neither here are left out with a warning.
///
/// # Errors
/// When a column is missing or a number can't be read.
pub fn read_csv(text: &str, sequence: &Sequence, first_id: u64) -> Result<Imported, TableError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut records = records(text).into_iter();
    let (_, header) = records.next().ok_or(TableError::Empty)?;
    for column in COLUMNS {
        if !header.iter().any(|c| c == column) {
            return Err(TableError::MissingColumn { kind: KIND, column });
        }
    }
    let (mut annotations, mut left_out) = (Vec::new(), 0usize);
    for (line, cells) in records {
        let of = |column: &str| {
            let at = header.iter().position(|c| c == column);
            at.and_then(|i| cells.get(i)).map_or("", String::as_str)
        };
        let wrong = |found: &str, expected| TableError::Cell {
            line,
            found: found.chars().take(40).collect(),
            expected,
        };
        let number = |column: &str, expected, largest: f64| match of(column) {
            "" => Ok(None),
            cell => {
                let value = cell.parse::<f64>().ok().filter(|v| v.abs() <= largest);
                value.map(Some).ok_or(wrong(cell, expected))
            }
        };
        let nanos = |column: &str| {
            let value = number(column, "time in seconds", MAX_TIME_S)?;
            Ok(value.map(|s| (s * NANOS).round() as i64))
        };
        let duration = nanos("duration_s")?.unwrap_or(0).max(0);
        let offset = nanos("offset_s")?;
        let file = sequence.find(of("file"));
        let clock = match (of("start"), sequence.origin) {
            ("", _) | (_, None) => None,
            (start, Some(origin)) => {
                let start =
                    Timestamp::from_iso(start).map_err(|_| wrong(start, "time (ISO 8601)"))?;
                Some(start.0.saturating_sub(origin.0))
            }
        };
        let by_file = || {
            let place = super::sequence::Place { file: file?, offset_ns: offset? };
            sequence.on_line(place, Edge::Left)
        };
        let plain = offset.filter(|_| sequence.len() == 0);
        let Some(start_ns) = by_file().or(clock).or(plain) else {
            left_out += 1;
            continue;
        };
        let channel = match of("channel") {
            "" => 0,
            cell => {
                let channel = cell.parse::<u32>().ok().and_then(|c| c.checked_sub(1));
                channel.ok_or(wrong(cell, "channel number"))?
            }
        };
        annotations.push(Annotation {
            id: first_id.saturating_add(annotations.len() as u64),
            start_ns,
            end_ns: start_ns.saturating_add(duration),
            low_hz: number("low_hz", "frequency in Hz", f64::MAX)?,
            high_hz: number("high_hz", "frequency in Hz", f64::MAX)?,
            channel,
            label: of("label").to_owned(),
            note: of("note").to_owned(),
            extra: (header.iter().zip(&cells))
                .filter(|(c, v)| {
                    !COLUMNS.contains(&c.as_str())
                        || (["score", "model"].contains(&c.as_str()) && !v.is_empty())
                })
                .map(|(c, v)| (c.clone(), v.clone()))
                .collect(),
        });
    }
    let warnings = match left_out {
        0 => Vec::new(),
        n => vec![format!("{n} rows belong to recordings that are not open and were left out")],
    };
    Ok(Imported { annotations, layout: Layout::default(), warnings })
}

/// Records with the line that each begins on.
fn records(text: &str) -> Vec<(usize, Vec<String>)> {
    let (mut records, mut cells, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut begins, mut in_quotes) = (1, 1, false);
    let mut chars = text.chars().peekable();
    let mut finish = |cells: &mut Vec<String>, cell: &mut String, begins: usize| {
        cells.push(std::mem::take(cell));
        let record = std::mem::take(cells);
        if record.iter().any(|c| !c.is_empty()) {
            records.push((begins, record));
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '"' if in_quotes && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if in_quotes => in_quotes = false,
            '"' if cell.is_empty() => in_quotes = true,
            ',' if !in_quotes => cells.push(std::mem::take(&mut cell)),
            '\r' if !in_quotes && chars.peek() == Some(&'\n') => {}
            '\n' if !in_quotes => {
                line += 1;
                finish(&mut cells, &mut cell, begins);
                begins = line;
            }
            c => {
                line += usize::from(c == '\n');
                cell.push(c);
            }
        }
    }
    finish(&mut cells, &mut cell, begins);
    records
}
