//! Vorbis comments, in Ogg and FLAC: `NAME=value`.

use crate::formats::bytes::{text, u32_le};
use crate::formats::opening::Opening;

/// Notes every comment under its own name.
pub(crate) fn read(opening: &mut Opening<'_>, content: &[u8]) {
    let Some(vendor) = u32_le(content, 0) else { return };
    let Some(mut rest) = content.get(8usize.saturating_add(vendor as usize)..) else { return };
    while let Some(bytes) = u32_le(rest, 0) {
        let after = &rest[4..];
        let comment = text(&after[..(bytes as usize).min(after.len())]);
        if let Some((key, value)) = comment.split_once('=') {
            opening.note(key.to_uppercase(), value);
        }
        rest = after.get(bytes as usize..).unwrap_or(&[]);
    }
}
