//! The broadcast-wave chunk `bext` (EBU Tech 3285).

use spyhop_api::StartSource;

use crate::formats::bytes::text;
use crate::formats::opening::Opening;
use crate::formats::start::from_iso;

/// Notes the chunk's texts and takes its date and time (a wall clock without a zone).
pub(crate) fn read(opening: &mut Opening<'_>, content: &[u8]) {
    let field = |from: usize, len: usize| text(content.get(from..from + len).unwrap_or(&[]));
    let (date, time) = (field(320, 10), field(330, 8));
    opening.note("bext Description", field(0, 256));
    opening.note("bext Originator", field(256, 32));
    opening.note("bext OriginatorReference", field(288, 32));
    opening.note("bext OriginationDate", &date);
    opening.note("bext OriginationTime", &time);
    // The standard allows several separators in both.
    let plain = |s: &str, separator: &str| s.replace(['_', ':', ' ', '.', '/', '-'], separator);
    let iso = format!("{}T{}", plain(&date, "-"), plain(&time, ":"));
    let zone = opening.options.zone_offset_s;
    opening.starts.extend(from_iso(&iso, StartSource::Bext, zone));
}
