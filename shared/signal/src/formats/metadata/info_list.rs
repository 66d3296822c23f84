//! `LIST` chunks of the kind `INFO`: short texts by four-letter names.

use super::audiomoth;
use crate::formats::bytes::{array, text, u32_le};
use crate::formats::opening::Opening;

/// Notes every text under its own name (`ICMT`, `IART`, …).
pub(crate) fn read(opening: &mut Opening<'_>, content: &[u8]) {
    let Some(mut rest) = content.strip_prefix(b"INFO") else { return };
    while let (Some(id), Some(size)) = (array::<4>(rest, 0), u32_le(rest, 4)) {
        let after = rest.get(8..).unwrap_or(&[]);
        let size = (size as usize).min(after.len());
        let value = text(&after[..size]);
        if &id == b"ICMT" {
            opening.starts.extend(audiomoth::start(&value));
        }
        if id.iter().all(u8::is_ascii_graphic) {
            opening.note(String::from_utf8_lossy(&id), value);
        }
        rest = after.get(size + (size & 1)..).unwrap_or(&[]);
    }
}
