//! Audacity labels: `start⇥end⇥text` in seconds, with a second line `\⇥low⇥high` in the *Extended*
//! style (Audacity 2.1 and later; older ones want *Standard*).

use spyhop_api::Annotation;

use super::sequence::Edge;
use super::{Imported, Layout, Sequence, TableError};

/// Whether bands go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudacityStyle {
    /// Times and texts only; any Audacity reads it.
    Standard,
    /// With a line for the band of each label that has one.
    Extended,
}

/// Times beyond this are no times (a century): so that sums of two still fit in nanoseconds.
const MAX_TIME_S: f64 = 4e9;
const NANOS: f64 = 1e9;

/// Reads labels of either style. Times run on over the files of `sequence`.
///
/// # Errors
/// When a line begins with no two numbers.
pub fn read_audacity(
    text: &str,
    sequence: &Sequence,
    first_id: u64,
) -> Result<Imported, TableError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut annotations: Vec<Annotation> = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let mut cells = line.splitn(3, '\t');
        let first = cells.next().unwrap_or_default().trim();
        let value = |cell: &str, expected, largest: f64| {
            let value = cell.trim().parse::<f64>().ok().filter(|v| v.abs() <= largest);
            let found = cell.chars().take(40).collect();
            value.ok_or(TableError::Cell { line: number + 1, found, expected })
        };
        let second = cells.next().unwrap_or_default();
        let rest = cells.next().unwrap_or_default();
        if first == "\\" {
            let known = |hz: f64| (hz >= 0.0).then_some(hz);
            let low = value(second, "frequency in Hz", f64::MAX)?;
            let high = value(rest, "frequency in Hz", f64::MAX)?;
            if let Some(last) = annotations.last_mut() {
                (last.low_hz, last.high_hz) = (known(low), known(high));
            }
            continue;
        }
        let start = (value(first, "time in seconds", MAX_TIME_S)? * NANOS).round() as i64;
        let end = (value(second, "time in seconds", MAX_TIME_S)? * NANOS).round() as i64;
        let (start_ns, end_ns) = on_line(start, end.max(start), sequence);
        annotations.push(Annotation {
            id: first_id.saturating_add(annotations.len() as u64),
            start_ns,
            end_ns,
            low_hz: None,
            high_hz: None,
            channel: 0,
            label: rest.trim().to_owned(),
            note: String::new(),
            extra: Vec::new(),
        });
    }
    Ok(Imported { annotations, layout: Layout::default(), warnings: Vec::new() })
}

/// Times over all files, on the line.
fn on_line(start: i64, end: i64, sequence: &Sequence) -> (i64, i64) {
    let moment = |ns: i64, edge| {
        let place = sequence.at_cumulative(ns, edge);
        place.and_then(|p| sequence.on_line(p, edge)).unwrap_or(ns)
    };
    let first = moment(start, Edge::Left);
    // A point stays one: its right edge must not go to the run before.
    let last = if end == start { first } else { moment(end, Edge::Right).max(first) };
    (first, last)
}

/// Writes labels; UTF-8, six decimals.
pub fn write_audacity(
    annotations: &[Annotation],
    sequence: &Sequence,
    style: AudacityStyle,
) -> String {
    let mut text = String::new();
    for annotation in annotations {
        let moment = |ns: i64, edge| {
            let place = sequence.place(ns, edge);
            place.map_or(ns, |p| sequence.cumulative_ns(p)) as f64 / NANOS
        };
        let start = moment(annotation.start_ns, Edge::Left);
        let end = if annotation.end_ns > annotation.start_ns {
            moment(annotation.end_ns, Edge::Right).max(start)
        } else {
            start
        };
        let label = annotation.label.replace(['\t', '\r', '\n'], " ");
        text.push_str(&format!("{start:.6}\t{end:.6}\t{label}\n"));
        let band = annotation.low_hz.or(annotation.high_hz);
        if style == AudacityStyle::Extended && band.is_some() {
            let (low, high) =
                (annotation.low_hz.unwrap_or(-1.0), annotation.high_hz.unwrap_or(-1.0));
            text.push_str(&format!("\\\t{low:.6}\t{high:.6}\n"));
        }
    }
    text
}
