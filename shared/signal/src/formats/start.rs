//! Which of the start times a file and its surroundings offer is taken.

use jiff::civil::DateTime;
use spyhop_api::{StartSource, Timestamp};

use super::file_name;
use super::metadata::soundtrap;
use super::opening::Opening;

/// A start time, where it stands, and how sure it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Start {
    pub(crate) at: Timestamp,
    pub(crate) source: StartSource,
    pub(crate) zone: String,
    pub(crate) uncertainty_s: Option<f64>,
}

/// What is said of zones that nobody stated.
pub(crate) const ASSUMED_UTC: &str = "assumed UTC";

/// The best of what is known: a person's word, the records of the file itself, a sidecar, chunks,
/// the file's name.
pub(crate) fn choose(opening: &mut Opening<'_>) -> Option<Start> {
    if let Some(at) = opening.options.start {
        let zone = "Z".to_owned();
        return Some(Start { at, source: StartSource::Override, zone, uncertainty_s: None });
    }
    soundtrap::read(opening);
    let mut starts = std::mem::take(&mut opening.starts);
    starts.extend(file_name::start(opening));
    starts.into_iter().min_by_key(|s| rank(s.source))
}

fn rank(source: StartSource) -> u8 {
    match source {
        StartSource::Override => 0,
        StartSource::Records => 1,
        StartSource::Sidecar => 2,
        StartSource::Guano => 3,
        StartSource::Wamd => 4,
        StartSource::AudioMoth => 5,
        StartSource::Bext => 6,
        StartSource::FileName => 7,
        StartSource::None => 8,
    }
}

/// A wall clock's instant, `offset_s` seconds east of UTC.
pub(crate) fn instant(clock: DateTime, offset_s: i32) -> Option<Timestamp> {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::Offset::from_seconds(offset_s).ok()?);
    let nanos = clock.to_zoned(zone).ok()?.timestamp().as_nanosecond();
    i64::try_from(nanos).ok().map(Timestamp)
}

/// A time without a zone of its own: in the zone the data set says, else taken as UTC.
pub(crate) fn instant_without_zone(
    clock: DateTime,
    zone_offset_s: Option<i32>,
) -> Option<(Timestamp, String)> {
    let zone = zone_offset_s
        .map_or_else(|| ASSUMED_UTC.to_owned(), |s| format!("set to {}", offset_text(s)));
    Some((instant(clock, zone_offset_s.unwrap_or(0))?, zone))
}

/// `+02:00` and the like.
pub(crate) fn offset_text(offset_s: i32) -> String {
    let sign = if offset_s < 0 { '-' } else { '+' };
    let minutes = offset_s.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Reads `2021-06-10T03:36:54.25+02:00` (a space for the `T`, and no offset, are allowed): the clock,
/// the offset in seconds if there is one, and the resolution in seconds.
pub(crate) fn parse_iso(text: &str) -> Option<(DateTime, Option<i32>, f64)> {
    let text = text.trim();
    let (clock, offset_s) = split_offset(text)?;
    let resolution_s = match clock.rsplit_once('.') {
        Some((_, fraction)) => 10f64.powi(-i32::try_from(fraction.len().min(9)).ok()?),
        None => 1.0,
    };
    Some((clock.trim().replacen(' ', "T", 1).parse().ok()?, offset_s, resolution_s))
}

fn split_offset(text: &str) -> Option<(&str, Option<i32>)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, Some(0)));
    }
    // A sign after the date's own two hyphens is an offset's.
    match text.char_indices().skip(10).find(|&(_, c)| c == '+' || c == '-') {
        Some((at, sign)) => {
            let digits: String = text[at + 1..].chars().filter(|c| *c != ':').collect();
            let number: i32 = digits.parse().ok()?;
            let minutes = match digits.len() {
                1 | 2 => number * 60,
                4 => number / 100 * 60 + number % 100,
                _ => return None,
            };
            Some((&text[..at], Some(if sign == '-' { -60 * minutes } else { 60 * minutes })))
        }
        None => Some((text, None)),
    }
}

/// A start from an ISO time in a chunk.
pub(crate) fn from_iso(
    text: &str,
    source: StartSource,
    zone_offset_s: Option<i32>,
) -> Option<Start> {
    let (clock, offset_s, resolution_s) = parse_iso(text)?;
    let (at, zone) = match offset_s {
        Some(0) => (instant(clock, 0)?, "Z".to_owned()),
        Some(s) => (instant(clock, s)?, offset_text(s)),
        None => instant_without_zone(clock, zone_offset_s)?,
    };
    Some(Start { at, source, zone, uncertainty_s: Some(resolution_s) })
}
