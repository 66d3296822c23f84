//! Pages of an Ogg stream.

use crate::formats::bytes::{array, read_up_to, u32_le, u64_le};
use crate::source::{ByteSource, SourceError};

/// Bytes in front of a page's table of segments.
const HEADER_BYTES: usize = 27;
/// The longest page there can be.
pub(super) const MAX_PAGE_BYTES: u64 = (HEADER_BYTES + 255 + 255 * 255) as u64;

/// A page: where its packets lie.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Page {
    pub(super) serial: u32,
    /// The stream's place at the end of the last packet that ends on the page; `None` where none
    /// ends.
    pub(super) granule: Option<u64>,
    pub(super) is_continued: bool,
    pub(super) is_last: bool,
    /// Lengths of the packet parts on the page.
    pub(super) parts: Vec<usize>,
    /// Whether the last part goes on on the next page.
    pub(super) is_open: bool,
    pub(super) body_at: u64,
    /// Where the next page begins.
    pub(super) end: u64,
}

/// Reads the page that begins at `at`, if there is a whole one.
pub(super) fn read(source: &mut dyn ByteSource, at: u64) -> Result<Option<Page>, SourceError> {
    let head = read_up_to(source, at, HEADER_BYTES + 255)?;
    Ok(parse(&head, at).filter(|page| page.end <= source.len()))
}

fn parse(head: &[u8], at: u64) -> Option<Page> {
    let [version, flags] = array::<2>(head, 4)?;
    if !head.starts_with(b"OggS") || version != 0 || flags > 7 {
        return None;
    }
    let segments = usize::from(*head.get(26)?);
    let table = head.get(HEADER_BYTES..HEADER_BYTES + segments)?;
    let mut parts = Vec::new();
    let mut part = 0;
    for &length in table {
        part += usize::from(length);
        if length < 255 {
            parts.push(std::mem::take(&mut part));
        }
    }
    let is_open = table.last() == Some(&255);
    if is_open {
        parts.push(part);
    }
    let body_at = at + (HEADER_BYTES + segments) as u64;
    Some(Page {
        serial: u32_le(head, 14)?,
        granule: u64_le(head, 6).filter(|&g| g != u64::MAX),
        is_continued: flags & 1 != 0,
        is_last: flags & 4 != 0,
        body_at,
        end: body_at + parts.iter().sum::<usize>() as u64,
        parts,
        is_open,
    })
}

/// Finds the first page of a stream that begins in `at..limit`, and where that is.
pub(super) fn find(
    source: &mut dyn ByteSource,
    serial: u32,
    mut at: u64,
    limit: u64,
) -> Result<Option<(u64, Page)>, SourceError> {
    while at < limit {
        let bytes = read_up_to(source, at, MAX_PAGE_BYTES as usize)?;
        for i in 0..bytes.len().saturating_sub(3) {
            let found = at + i as u64;
            if found >= limit {
                return Ok(None);
            }
            if bytes[i..].starts_with(b"OggS")
                && let Some(page) = read(source, found)?
                && page.serial == serial
            {
                return Ok(Some((found, page)));
            }
        }
        if bytes.len() <= 3 {
            break;
        }
        at += bytes.len() as u64 - 3;
    }
    Ok(None)
}
