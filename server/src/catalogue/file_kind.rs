//! What a file of a deployment's folder is, told by its name.

use spyhop_signal::formats::ears::is_ears_name;

/// A kind of file that belongs to a deployment; anything else is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Sound.
    Recording = 0,
    /// What a recorder wrote beside a recording (SoundTrap's `.log.xml`).
    Sidecar = 1,
    /// Annotations.
    Table = 2,
}

/// Endings of recordings, in lower case.
const RECORDINGS: &[&str] = &[
    "wav", "wave", "bwf", "rf64", "bw64", "w64", "aif", "aiff", "aifc", "flac", "mp3", "ogg", "oga",
];

/// The kind of a file, or `None` where it belongs to nothing that is served.
pub fn of_name(name: &str) -> Option<FileKind> {
    let lower = name.to_ascii_lowercase();
    if lower.starts_with('.') {
        return None;
    }
    if lower.ends_with(".log.xml") {
        return Some(FileKind::Sidecar);
    }
    if lower.ends_with(".selections.txt") {
        return Some(FileKind::Table);
    }
    let ending = lower.rsplit_once('.').map(|(_, ending)| ending)?;
    (RECORDINGS.contains(&ending) || is_ears_name(name)).then_some(FileKind::Recording)
}

/// A sidecar's name is its recording's with another ending.
pub fn stem(name: &str) -> &str {
    let lower_end = |end: &str| name.len() >= end.len() && name.to_ascii_lowercase().ends_with(end);
    if lower_end(".log.xml") {
        return &name[..name.len() - ".log.xml".len()];
    }
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_name() {
        for name in ["a.wav", "A.WAV", "b.x.wav", "71621DC7.190", "5176009D.010", "c.FLAC"] {
            assert_eq!(of_name(name), Some(FileKind::Recording), "{name}");
        }
        for name in ["71621DC7.19", "notes.txt", ".wav", ".a.wav", "photo.jpg", "wav"] {
            assert_eq!(of_name(name), None, "{name}");
        }
        assert_eq!(of_name("67416073.210610033655.log.xml"), Some(FileKind::Sidecar));
        assert_eq!(of_name("night.selections.txt"), Some(FileKind::Table));
    }

    #[test]
    fn a_sidecar_has_its_recordings_stem() {
        assert_eq!(stem("67416073.210610033655.log.xml"), stem("67416073.210610033655.flac"));
    }
}
