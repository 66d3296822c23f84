//! Reading what a recording says of itself, wherever it lies.

use spyhop_api::RecordingInfo;
use spyhop_signal::formats::{self, OpenOptions, Sidecar};
use spyhop_signal::source::SourceError;
use spyhop_signal::{OpenError, Recording};

use crate::place::{Listed, Place, PlaceError};

/// A longer sidecar is not looked at further.
const SIDECAR_BYTES: u64 = 1 << 20;

/// What looking into a file gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Headers {
    /// It is a recording.
    Read(Box<RecordingInfo>),
    /// It is none that can be opened; the reason names it.
    Bad(String),
    /// Its bytes could not be had: later perhaps.
    Unreachable(String),
}

/// Reads the headers of a recording and of what lies beside it.
pub fn read(place: &Place, file: &Listed, sidecars: &[Listed], options: &OpenOptions) -> Headers {
    let mut options = options.clone();
    for sidecar in sidecars {
        match place.read(sidecar, SIDECAR_BYTES) {
            Ok(bytes) => {
                let name = sidecar.folder_and_name().1.to_owned();
                options.sidecars.push(Sidecar { name, bytes });
            }
            Err(error) => return Headers::Unreachable(error.to_string()),
        }
    }
    match open(place, file, &options) {
        Ok(recording) => Headers::Read(Box::new(recording.info)),
        Err(
            error @ OpenError::Source {
                error: SourceError::Io(_) | SourceError::Changed(_), ..
            },
        ) => Headers::Unreachable(error.to_string()),
        Err(error) => Headers::Bad(error.to_string()),
    }
}

/// Opens a listed recording.
///
/// # Errors
/// When it can't be had, has changed since it was listed, or is no recording.
pub fn open(place: &Place, file: &Listed, options: &OpenOptions) -> Result<Recording, OpenError> {
    let name = file.folder_and_name().1;
    let failed = |error: SourceError| OpenError::Source { name: name.to_owned(), error };
    let source = place.open(file).map_err(|error| {
        failed(match error {
            _ if place.has_lost(file) => {
                SourceError::Changed("it was removed since it was listed".into())
            }
            PlaceError::File { reason, .. } => SourceError::Io(reason),
            other => SourceError::Io(other.to_string()),
        })
    })?;
    if source.len() != file.bytes {
        return Err(failed(SourceError::Changed(format!(
            "it had {} bytes when it was listed and has {} now",
            file.bytes,
            source.len()
        ))));
    }
    if place.has_rewritten(file) {
        return Err(failed(SourceError::Changed("it was written anew since it was listed".into())));
    }
    formats::open(name, source, options)
}

#[cfg(test)]
mod tests {
    use spyhop_signal::formats::wav_writer::wav_pcm16;

    use super::*;

    #[test]
    fn a_file_that_was_removed_or_written_anew_has_changed_and_one_on_a_lost_disk_has_not() {
        let scratch = tempfile::tempdir().expect("a folder");
        let disk = scratch.path().join("disk");
        let recordings = disk.join("bay");
        std::fs::create_dir_all(&recordings).expect("a folder");
        for name in ["a.wav", "b.wav"] {
            let wav = wav_pcm16(&[0; 100], 1, 8000);
            std::fs::write(recordings.join(name), wav).expect("written");
        }
        let place = Place::at(&disk.display().to_string()).expect("a place");
        let mut files = place.list(|name| name.ends_with(".wav")).expect("listed");
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let opened = |file: &Listed| open(&place, file, &OpenOptions::default());
        assert!(opened(&files[0]).is_ok());
        std::fs::remove_file(recordings.join("a.wav")).expect("removed");
        // As long as before, and another.
        let second = recordings.join("b.wav");
        let text = |file: &Listed| opened(file).err().map(|e| e.to_string()).unwrap_or_default();
        std::fs::write(&second, wav_pcm16(&[7; 100], 1, 8000)).expect("written");
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(2);
        let written = std::fs::File::options().append(true).open(&second).expect("opened");
        written.set_modified(later).expect("dated");
        assert!(text(&files[1]).contains("written anew"), "{}", text(&files[1]));
        let error = |file: &Listed| match opened(file) {
            Err(OpenError::Source { error, .. }) => error,
            other => panic!("{:?}", other.map(|recording| recording.info)),
        };
        assert!(matches!(error(&files[0]), SourceError::Changed(_)));
        std::fs::rename(&disk, scratch.path().join("elsewhere")).expect("moved");
        for file in &files {
            assert!(matches!(error(file), SourceError::Io(_)), "{}", file.path);
        }
    }
}
