//! Columns of a deployment's recordings.

use std::ops::Range;

use spyhop_signal::line_reader::LineReader;
use spyhop_signal::pyramid::{Grid, LevelColumns, Recorded, transform};
use spyhop_signal::{OpenError, Recording, SourceError};

use crate::catalogue::Recordings;

/// Why samples could not be had.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Unreadable {
    /// The recording, where it is known which, as an index into [`Recordings::infos`].
    pub recording: Option<usize>,
    /// What happened, to which file, and what to do.
    pub message: String,
}

impl Recordings {
    /// Transforms some columns of a level. `recorded` need be no more than what touches them. `None` where
    /// `cancelled` said so.
    ///
    /// # Errors
    /// When a recording can't be read, or is not the one any more that was listed.
    pub fn columns(
        &self,
        grid: &Grid,
        level: i32,
        columns: Range<i64>,
        recorded: &Recorded,
        channel: u32,
        cancelled: &mut dyn FnMut() -> bool,
    ) -> Result<Option<LevelColumns>, Unreadable> {
        let mut reader = LineReader::new(recorded.line(), self.opener());
        let mut failed: Option<Unreadable> = None;
        let mut read = |range: Range<i64>, out: &mut Vec<f32>| {
            reader.read(range.clone(), channel, out).map(|_| ()).map_err(|error| {
                let message = error.to_string();
                let recording = self.culprit(&error, reader.line().parts(range.clone()));
                failed = Some(Unreadable { recording, message: message.clone() });
                message
            })
        };
        let result = transform(grid, level, columns, recorded, &mut read, cancelled);
        result.map_err(|message| failed.unwrap_or(Unreadable { recording: None, message }))
    }

    /// Opens a recording and makes sure that it is the one that was listed: a changed file must not be
    /// computed under the name of the old one.
    pub fn opener(&self) -> Box<dyn FnMut(usize) -> Result<Recording, OpenError> + Send> {
        let (infos, open) = (self.infos.clone(), self.open.clone());
        Box::new(move |index| {
            let recording = open(index)?;
            match infos.get(index) {
                Some(info) if info.fingerprint == recording.info.fingerprint => Ok(recording),
                _ => Err(OpenError::Source {
                    name: recording.info.name.clone(),
                    error: SourceError::Changed(
                        "its content has changed since it was listed".to_owned(),
                    ),
                }),
            }
        })
    }

    /// Which of the recordings that were read an error is about.
    fn culprit(
        &self,
        error: &OpenError,
        mut runs: impl Iterator<Item = spyhop_signal::line::Run>,
    ) -> Option<usize> {
        let (OpenError::Empty { name }
        | OpenError::Unknown { name, .. }
        | OpenError::Broken { name, .. }
        | OpenError::Source { name, .. }) = error;
        let named = |index: &usize| self.infos.get(*index).is_some_and(|info| info.name == *name);
        runs.find_map(|run| Some(run.recording).filter(named))
    }
}
