//! What is asked of the catalogue's database.

use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};
use spyhop_api::{
    Coverage, Deployment, FileFailure, RecordingInfo, RecordingPage, RecordingQuery, RecordingRow,
    RecordingSort, Severity, Timestamp, time::frames_to_nanos,
};

/// Rows of one page, whatever is asked.
const MOST_ROWS: u64 = 1000;

/// Fills in what the files of a deployment add up to, by its row.
///
/// # Errors
/// When the database refuses.
pub fn sum_up(database: &Connection, row: i64, into: &mut Deployment) -> rusqlite::Result<()> {
    let mut sums = database.prepare_cached(
        "SELECT count(*), ifnull(sum(bytes), 0), min(start_ns), max(end_ns), total(duration_s), \
         total(state = 0), total(state IN (2, 3)) FROM file WHERE deployment = ?1 AND kind = 0",
    )?;
    sums.query_row([row], |r| {
        into.recording_count = r.get(0)?;
        into.bytes = r.get(1)?;
        into.start = r.get::<_, Option<i64>>(2)?.map(Timestamp);
        into.end = r.get::<_, Option<i64>>(3)?.map(Timestamp);
        into.recorded_s = r.get(4)?;
        into.unread_count = r.get::<_, f64>(5)? as usize;
        into.bad_count = r.get::<_, f64>(6)? as usize;
        Ok(())
    })?;
    let mut rates = database.prepare_cached(
        "SELECT rate_hz FROM file WHERE deployment = ?1 AND state = 1 AND kind = 0 \
         GROUP BY rate_hz ORDER BY count(*) DESC, rate_hz",
    )?;
    into.rates_hz = rates.query_map([row], |r| r.get(0))?.collect::<Result<_, _>>()?;
    let mut tables = database
        .prepare_cached("SELECT name FROM file WHERE deployment = ?1 AND kind = 2 ORDER BY name")?;
    into.tables = tables.query_map([row], |r| r.get(0))?.collect::<Result<_, _>>()?;
    Ok(())
}

/// Files of a deployment that can't be opened, with the reason.
///
/// # Errors
/// When the database refuses.
pub fn failures(database: &Connection, row: i64) -> rusqlite::Result<Vec<FileFailure>> {
    let mut rows = database.prepare_cached(
        "SELECT name, ifnull(failure, '') FROM file \
         WHERE deployment = ?1 AND kind = 0 AND state IN (2, 3) ORDER BY name",
    )?;
    let failures =
        rows.query_map([row], |r| Ok(FileFailure { name: r.get(0)?, reason: r.get(1)? }))?;
    failures.collect()
}

/// How many recordings say in their own headers where they were made.
///
/// # Errors
/// When the database refuses.
pub fn telling_positions(database: &Connection, row: i64) -> rusqlite::Result<usize> {
    let sql = "SELECT count(*) FROM file WHERE deployment = ?1 AND tells_position = 1";
    database.query_row(sql, [row], |r| r.get(0))
}

/// A recording that can be opened, as it was listed.
pub struct InfoRow {
    pub info: RecordingInfo,
    pub bytes: u64,
    pub version: String,
}

/// All recordings of a deployment that can be opened, by their start and name.
///
/// # Errors
/// When the database refuses.
pub fn infos(database: &Connection, row: i64) -> rusqlite::Result<Vec<InfoRow>> {
    let mut rows = database.prepare_cached(
        "SELECT info, bytes, version FROM file WHERE deployment = ?1 AND kind = 0 AND state = 1 \
         ORDER BY start_ns, name",
    )?;
    let infos = rows.query_map([row], |r| {
        let info = serde_json::from_str(r.get_ref(0)?.as_str()?).map_err(|e| wrong(0, e))?;
        Ok(InfoRow { info, bytes: r.get(1)?, version: r.get(2)? })
    })?;
    infos.collect()
}

/// Hours in which a deployment recorded.
///
/// # Errors
/// When the database refuses.
pub fn coverage(database: &Connection, row: i64) -> rusqlite::Result<Coverage> {
    let mut rows = database.prepare_cached(
        "SELECT start_ns, ifnull(end_ns, start_ns), iif(segments > 1, info, NULL) \
         FROM file WHERE deployment = ?1 AND kind = 0 AND state = 1 AND start_ns IS NOT NULL",
    )?;
    let mut rows = rows.query([row])?;
    let mut stretches: Vec<(i64, i64)> = Vec::new();
    while let Some(r) = rows.next()? {
        match r.get_ref(2)?.as_str_or_null()? {
            None => stretches.push((r.get(0)?, r.get(1)?)),
            Some(text) => {
                let info: RecordingInfo = serde_json::from_str(text).map_err(|e| wrong(2, e))?;
                stretches.extend(info.segments.iter().filter_map(|segment| {
                    let frames = i64::try_from(segment.frames).unwrap_or(i64::MAX);
                    let start = segment.start?.0;
                    Some((
                        start,
                        start.saturating_add(frames_to_nanos(frames, info.sample_rate_hz)),
                    ))
                }));
            }
        }
    }
    Ok(Coverage::of_stretches(stretches))
}

/// A page of a deployment's recordings. `graded` tells the gravest finding of those that have one.
///
/// # Errors
/// When the database refuses.
pub fn page(
    database: &Connection,
    row: i64,
    query: &RecordingQuery,
    graded: &HashMap<&str, Severity>,
) -> rusqlite::Result<RecordingPage> {
    let by_quality = query.sort == RecordingSort::Quality || query.quality.is_some();
    // What was measured is no part of the catalogue: it comes along as one object, a name a number.
    let grades: Vec<Value> = by_quality.then(|| grades(graded).into()).into_iter().collect();
    let table = match by_quality {
        true => "file LEFT JOIN json_each(?) AS found ON found.key = file.name",
        false => "file",
    };
    let mut which = "deployment = ? AND kind = 0".to_owned();
    let mut values: Vec<Value> = [grades, vec![row.into()]].concat();
    for word in query.search.split_whitespace() {
        which += " AND instr(lower(name || ' ' || ifnull(format, '') || ' ' || ifnull(failure, '')), ?) > 0";
        values.push(word.to_lowercase().into());
    }
    match query.failed {
        Some(true) => which += " AND state IN (2, 3)",
        Some(false) => which += " AND state = 1",
        None => {}
    }
    if let Some(least) = query.quality {
        which += " AND found.value >= ?";
        values.push(grade(least).into());
    }
    if let Some(from) = query.from {
        which += " AND end_ns > ?";
        values.push(from.0.into());
    }
    if let Some(until) = query.until {
        which += " AND start_ns < ?";
        values.push(until.0.into());
    }
    let total = database
        .prepare_cached(&format!("SELECT count(*) FROM {table} WHERE {which}"))?
        .query_row(params_from_iter(&values), |r| r.get(0))?;
    let column = match query.sort {
        RecordingSort::Start => "start_ns",
        RecordingSort::Name => "name",
        RecordingSort::Bytes => "bytes",
        RecordingSort::Duration => "duration_s",
        RecordingSort::Rate => "rate_hz",
        RecordingSort::Quality => "ifnull(found.value, 0)",
    };
    let way = if query.descending { "DESC" } else { "ASC" };
    let limit = i64::try_from(query.limit.min(MOST_ROWS)).unwrap_or_default();
    values.extend([limit.into(), i64::try_from(query.offset).unwrap_or(i64::MAX).into()]);
    let mut rows = database.prepare_cached(&format!(
        "SELECT name, bytes, state, failure, info FROM {table} WHERE {which} \
         ORDER BY {column} {way}, name {way} LIMIT ? OFFSET ?"
    ))?;
    let rows = rows.query_map(params_from_iter(&values), table_row)?;
    Ok(RecordingPage { total, rows: rows.collect::<Result<_, _>>()? })
}

/// A number that is greater for what is graver, and above that of nothing.
fn grade(severity: Severity) -> i64 {
    severity as i64 + 1
}

fn grades(graded: &HashMap<&str, Severity>) -> String {
    let grades: HashMap<&str, i64> = graded.iter().map(|(name, s)| (*name, grade(*s))).collect();
    // An object of numbers can always be written.
    serde_json::to_string(&grades).unwrap_or_default()
}

/// The length and version of a listed file, by its deployment's row and its name.
///
/// # Errors
/// When the database refuses.
pub fn file(
    database: &Connection,
    row: i64,
    name: &str,
) -> rusqlite::Result<Option<(u64, String)>> {
    use rusqlite::OptionalExtension;
    let sql = "SELECT bytes, version FROM file WHERE deployment = ?1 AND name = ?2";
    let mut rows = database.prepare_cached(sql)?;
    rows.query_row(params![row, name], |r| Ok((r.get(0)?, r.get(1)?))).optional()
}

fn table_row(r: &Row<'_>) -> rusqlite::Result<RecordingRow> {
    let row = RecordingRow {
        name: r.get(0)?,
        bytes: r.get(1)?,
        failure: r.get(3)?,
        unread: r.get::<_, i64>(2)? == 0,
        ..RecordingRow::default()
    };
    let Some(text) = r.get_ref(4)?.as_str_or_null()? else { return Ok(row) };
    let info: RecordingInfo = serde_json::from_str(text).map_err(|e| wrong(4, e))?;
    Ok(RecordingRow {
        format: info.format,
        start: info.start,
        duration_s: info.duration_s,
        sample_rate_hz: info.sample_rate_hz,
        channels: info.channels,
        segments: u32::try_from(info.segments.len()).unwrap_or(u32::MAX),
        warnings: info.warnings,
        ..row
    })
}

fn wrong(column: usize, error: serde_json::Error) -> rusqlite::Error {
    let kind = rusqlite::types::Type::Text;
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
}
