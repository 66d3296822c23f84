//! WAMD: Wildlife Acoustics' own metadata chunk.

use spyhop_api::StartSource;

use crate::formats::bytes::{text, u16_le, u32_le};
use crate::formats::opening::Opening;
use crate::formats::start::from_iso;

/// Notes the fields whose meaning is known and takes the start.
pub(crate) fn read(opening: &mut Opening<'_>, content: &[u8]) {
    let mut rest = content;
    while let (Some(id), Some(len)) = (u16_le(rest, 0), u32_le(rest, 2)) {
        let after = rest.get(6..).unwrap_or(&[]);
        let value = &after[..(len as usize).min(after.len())];
        let key = match id {
            1 => "wamd Model",
            2 => "wamd Serial",
            3 => "wamd Firmware",
            4 => "wamd Prefix",
            5 => "wamd Timestamp",
            6 => "wamd GPS",
            _ => "",
        };
        if !key.is_empty() {
            opening.note(key, text(value));
        }
        if id == 5 {
            let zone = opening.options.zone_offset_s;
            opening.starts.extend(from_iso(&text(value), StartSource::Wamd, zone));
        }
        rest = &after[value.len()..];
    }
}
