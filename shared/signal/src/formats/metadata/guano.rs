//! GUANO: `Key: value` lines that bat and marine recorders write into a `guan` chunk.

use spyhop_api::StartSource;

use crate::formats::bytes::text;
use crate::formats::opening::Opening;
use crate::formats::start::from_iso;

/// Notes every line under its own key, and takes `Timestamp` and `TE`, the time expansion.
pub(crate) fn read(opening: &mut Opening<'_>, content: &[u8]) {
    let content = text(content);
    if !content.trim_start_matches('\u{feff}').starts_with("GUANO|") {
        opening.warn("it has a 'guan' chunk that does not begin with GUANO's version".to_owned());
        return;
    }
    let zone = opening.options.zone_offset_s;
    for line in content.trim_start_matches('\u{feff}').lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let (key, value) = (key.trim(), value.trim());
        match key {
            "Timestamp" => match from_iso(value, StartSource::Guano, zone) {
                Some(start) => opening.starts.push(start),
                None => opening.warn(format!("its GUANO timestamp '{value}' is no time")),
            },
            "TE" => opening.time_expansion = value.parse().unwrap_or(1.0),
            "Samplerate" => opening.stated_rate_hz = value.parse().ok(),
            _ => {}
        }
        opening.note(key, value);
    }
}
