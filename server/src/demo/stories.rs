//! The stories that come with the demo, about moments of its recordings.
//!
//! What a story shows is looked for in the truth about the scene: another seed has other moments, and the
//! story is as right about those.

mod dolphins;
mod moments;
mod right_whales;
mod spectrogram;

use std::io::ErrorKind;
use std::path::Path;

use spyhop_api::{Question, StoryRequest};

use super::folder::DemoError;
use super::scene::Scene;
use crate::stories::{FOLDER, StoryFile};

/// The first words of a file that this program wrote, and may write again.
const MARK: &str = "# Written by spyhop demo";
/// Who tells the demo's stories.
const AUTHOR: &str = "Spyhop";

/// The stories of a demo, by the name of their files: those whose recordings are among these scenes.
pub fn stories(scenes: &[Scene]) -> Vec<(&'static str, StoryRequest)> {
    [
        ("reading-a-spectrogram", spectrogram::story(scenes)),
        ("a-night-with-dolphins", dolphins::story(scenes)),
        ("listening-for-right-whales", right_whales::story(scenes)),
    ]
    .into_iter()
    .filter_map(|(name, story)| Some((name, story?)))
    .collect()
}

/// Writes the stories of a demo into `dir/stories`. A file that somebody else wrote under one of their names
/// is left alone.
///
/// # Errors
/// When they can't be written.
pub fn put(scenes: &[Scene], dir: &Path, seed: u64) -> Result<(), DemoError> {
    let folder = dir.join(FOLDER);
    for (name, story) in stories(scenes) {
        let text = StoryFile::write(&story)
            .map_err(|error| DemoError::Description { id: name.to_owned(), error })?;
        let text = format!(
            "{MARK}, seed {seed}. What may stand in a story is told by  spyhop story --help\n{text}"
        );
        let path = folder.join(format!("{name}.toml"));
        let failed = |error| DemoError::Io { what: "a story", path: path.clone(), error };
        match std::fs::read_to_string(&path) {
            Ok(found) if !found.starts_with(MARK) || found == text => continue,
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let unfinished = path.with_added_extension("part");
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&unfinished, text))
            .and_then(|()| std::fs::rename(&unfinished, &path))
            .map_err(failed)?;
    }
    Ok(())
}

/// A question of which the answer at `right` is right.
fn question(text: &str, answers: &[&str], right: u32, why: &str) -> Option<Question> {
    Some(Question {
        text: text.into(),
        answers: answers.iter().map(|answer| (*answer).to_owned()).collect(),
        right,
        why: why.into(),
        ..Question::default()
    })
}

/// A frequency as a person says it: `350 Hz`, `7.5 kHz`.
fn said_hz(hz: f64) -> String {
    match hz {
        hz if hz < 200.0 => format!("{:.0} Hz", (hz / 5.0).round() * 5.0),
        hz if hz < 1000.0 => format!("{:.0} Hz", (hz / 10.0).round() * 10.0),
        hz => format!("{} kHz", (hz / 500.0).round() / 2.0),
    }
}

#[cfg(test)]
mod tests;
