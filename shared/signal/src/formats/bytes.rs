//! Numbers and texts in bytes, with nothing indexed that may not be there.

use crate::source::{ByteSource, SourceError};

/// At most `count` bytes from `offset`: fewer where the source ends.
pub(crate) fn read_up_to(
    source: &mut dyn ByteSource,
    offset: u64,
    count: usize,
) -> Result<Vec<u8>, SourceError> {
    let left = source.len().saturating_sub(offset);
    let mut bytes = vec![0; count.min(usize::try_from(left).unwrap_or(usize::MAX))];
    source.read_at(offset.min(source.len()), &mut bytes)?;
    Ok(bytes)
}

/// `N` bytes at `at`.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

pub(crate) fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

pub(crate) fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

pub(crate) fn u64_le(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

pub(crate) fn i32_le(bytes: &[u8], at: usize) -> Option<i32> {
    array(bytes, at).map(i32::from_le_bytes)
}

pub(crate) fn u16_be(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

pub(crate) fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

/// Text up to the first zero byte, with what is no UTF-8 taken as Latin-1 (old recorders).
pub(crate) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    let bytes = &bytes[..end];
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&b| char::from(b)).collect(),
    };
    text.trim().to_owned()
}

/// Names a file by its first bytes, for the message that it is no recording.
pub(crate) fn what_it_looks_like(head: &[u8]) -> String {
    const KNOWN: [(&[u8], &str); 14] = [
        (&[0xFF, 0xD8, 0xFF], "a JPEG picture"),
        (b"\x89PNG", "a PNG picture"),
        (b"GIF8", "a GIF picture"),
        (b"%PDF", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive (unpack it first)"),
        (&[0x1F, 0x8B], "a gzip archive (unpack it first)"),
        (b"7z\xBC\xAF", "a 7z archive (unpack it first)"),
        (b"\x89HDF", "an HDF5 file"),
        (b"CDF", "a NetCDF file"),
        (b"caff", "a Core Audio file (convert it to WAV or FLAC)"),
        (b"wvpk", "a WavPack file (convert it to WAV or FLAC)"),
        (b"RIFX", "a big-endian RIFF file (convert it to WAV or FLAC)"),
        (b"\x1A\x45\xDF\xA3", "a Matroska or WebM film"),
        (b"<", "a page of text (XML or HTML)"),
    ];
    if let Some((_, name)) = KNOWN.iter().find(|(mark, _)| head.starts_with(mark)) {
        return format!("it looks like {name}");
    }
    if head.get(4..8) == Some(b"ftyp") {
        return "it looks like an MP4 film or AAC sound (convert it to WAV or FLAC)".to_owned();
    }
    if head.iter().all(|&b| b == 0) {
        return "it begins with zeros only, as a copy that failed does".to_owned();
    }
    if head.iter().all(|&b| (b' '..=b'~').contains(&b) || b == b'\n' || b == b'\r' || b == b'\t') {
        return "it looks like plain text".to_owned();
    }
    let marks: Vec<String> = head.iter().take(4).map(|b| format!("{b:02x}")).collect();
    format!("it begins with the bytes {}", marks.join(" "))
}
