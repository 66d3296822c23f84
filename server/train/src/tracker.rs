//! Whoever keeps a run's parameters, metrics and files.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{TrainError, whole};

const WHAT: &str = "the file of metrics";

/// Keeps a run. What it can't do at once it does later; an error ends training.
pub trait Tracker {
    /// Everything that was said, by key.
    ///
    /// # Errors
    /// When it can't be kept.
    fn parameters(&mut self, said: &BTreeMap<String, String>) -> Result<(), TrainError>;

    /// A metric, as `loss/val`, after so many steps.
    ///
    /// # Errors
    /// When it can't be kept.
    fn metric(&mut self, name: &str, step: usize, value: f64) -> Result<(), TrainError>;

    /// A file of the run that is whole now.
    ///
    /// # Errors
    /// When it can't be kept.
    fn artifact(&mut self, path: &Path) -> Result<(), TrainError>;

    /// A run goes on from a step: what was told of later ones is told again.
    ///
    /// # Errors
    /// When that can't be taken back.
    fn go_on_from(&mut self, step: usize) -> Result<(), TrainError>;
}

/// Metrics as lines of JSON.
pub struct JsonLines {
    path: PathBuf,
    file: Option<File>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    step: usize,
    name: String,
    value: Option<f64>,
}

impl JsonLines {
    /// Lines in a file, which need not be there.
    pub fn new(path: PathBuf) -> JsonLines {
        JsonLines { path, file: None }
    }
}

impl Tracker for JsonLines {
    fn parameters(&mut self, _: &BTreeMap<String, String>) -> Result<(), TrainError> {
        Ok(())
    }

    fn metric(&mut self, name: &str, step: usize, value: f64) -> Result<(), TrainError> {
        let row = Row { step, name: name.to_owned(), value: value.is_finite().then_some(value) };
        let line = serde_json::to_string(&row).unwrap_or_default();
        let failed = |error| TrainError::writing(WHAT, &self.path, &error);
        if self.file.is_none() {
            let opened = OpenOptions::new().create(true).append(true).open(&self.path);
            self.file = Some(opened.map_err(failed)?);
        }
        match &mut self.file {
            Some(file) => writeln!(file, "{line}").map_err(failed),
            None => Ok(()),
        }
    }

    fn artifact(&mut self, _: &Path) -> Result<(), TrainError> {
        Ok(())
    }

    fn go_on_from(&mut self, step: usize) -> Result<(), TrainError> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(TrainError::reading(WHAT, &self.path, &error)),
        };
        // A line that a kill cut short goes, too.
        let kept = text
            .lines()
            .filter(|line| serde_json::from_str::<Row>(line).is_ok_and(|row| row.step <= step));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        self.file = None;
        whole::put(WHAT, &self.path, kept.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_after_the_step_that_a_run_goes_on_from_are_taken_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("metrics.jsonl");
        let mut lines = JsonLines::new(path.clone());
        for step in 1..5 {
            lines.metric("loss/val", step, 1.0 / step as f64).expect("written");
        }
        lines.go_on_from(2).expect("taken back");
        lines.metric("loss/val", 3, f64::NAN).expect("written");
        let text = std::fs::read_to_string(&path).expect("there");
        let expected = "{\"step\":1,\"name\":\"loss/val\",\"value\":1.0}\n{\"step\":2,\"name\":\"loss/val\",\"value\":0.5}\n{\"step\":3,\"name\":\"loss/val\",\"value\":null}\n";
        assert_eq!(text, expected);
    }
}
