//! Whoever keeps a run's parameters, metrics and files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{TrainError, whole};

const WHAT: &str = "the file of metrics";

/// How a run ended, for now: one that was stopped or failed may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It came to its end.
    Done,
    /// Something was wrong.
    Failed,
    /// A person stopped it.
    Stopped,
}

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

    /// Nothing more is told of the run for now.
    ///
    /// # Errors
    /// When that can't be kept.
    fn ended(&mut self, _how: End) -> Result<(), TrainError> {
        Ok(())
    }
}

impl<T: Tracker + ?Sized> Tracker for &mut T {
    fn parameters(&mut self, said: &BTreeMap<String, String>) -> Result<(), TrainError> {
        (**self).parameters(said)
    }

    fn metric(&mut self, name: &str, step: usize, value: f64) -> Result<(), TrainError> {
        (**self).metric(name, step, value)
    }

    fn artifact(&mut self, path: &Path) -> Result<(), TrainError> {
        (**self).artifact(path)
    }

    fn go_on_from(&mut self, step: usize) -> Result<(), TrainError> {
        (**self).go_on_from(step)
    }

    fn ended(&mut self, how: End) -> Result<(), TrainError> {
        (**self).ended(how)
    }
}

/// Several, each of which is told everything.
impl Tracker for Vec<Box<dyn Tracker + '_>> {
    fn parameters(&mut self, said: &BTreeMap<String, String>) -> Result<(), TrainError> {
        self.iter_mut().try_for_each(|tracker| tracker.parameters(said))
    }

    fn metric(&mut self, name: &str, step: usize, value: f64) -> Result<(), TrainError> {
        self.iter_mut().try_for_each(|tracker| tracker.metric(name, step, value))
    }

    fn artifact(&mut self, path: &Path) -> Result<(), TrainError> {
        self.iter_mut().try_for_each(|tracker| tracker.artifact(path))
    }

    fn go_on_from(&mut self, step: usize) -> Result<(), TrainError> {
        self.iter_mut().try_for_each(|tracker| tracker.go_on_from(step))
    }

    fn ended(&mut self, how: End) -> Result<(), TrainError> {
        self.iter_mut().try_for_each(|tracker| tracker.ended(how))
    }
}

/// Metrics as lines of JSON.
pub struct JsonLines {
    path: PathBuf,
    file: Option<File>,
    /// What stands there already of the step that a run goes on from: what ends an epoch is told before the state
    /// that speaks of it is written, and told again where that was not.
    told: BTreeSet<(usize, String)>,
}

/// A metric after so many steps, as it stands in a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// Steps of the optimiser.
    pub step: usize,
    /// `loss/val`.
    pub name: String,
    /// `None` for what is no finite number.
    pub value: Option<f64>,
}

impl JsonLines {
    /// What a file holds; of a line that is being written, or that a kill cut short, nothing.
    ///
    /// # Errors
    /// When it can't be read; a file that is not there holds nothing.
    pub fn read(path: &Path) -> Result<Vec<MetricRow>, TrainError> {
        Ok(rows(&text(path)?).map(|(_, row)| row).collect())
    }

    /// Lines in a file, which need not be there.
    pub fn new(path: PathBuf) -> JsonLines {
        JsonLines { path, file: None, told: BTreeSet::new() }
    }
}

impl Tracker for JsonLines {
    fn parameters(&mut self, _: &BTreeMap<String, String>) -> Result<(), TrainError> {
        Ok(())
    }

    fn metric(&mut self, name: &str, step: usize, value: f64) -> Result<(), TrainError> {
        if self.told.remove(&(step, name.to_owned())) {
            return Ok(());
        }
        let row =
            MetricRow { step, name: name.to_owned(), value: value.is_finite().then_some(value) };
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
        if !self.path.exists() {
            return Ok(());
        }
        let text = text(&self.path)?;
        // As they stand: a number that is read and written again may differ in its last digit.
        let mut kept = String::new();
        self.told.clear();
        for (line, row) in rows(&text).filter(|(_, row)| row.step <= step) {
            kept.push_str(line);
            kept.push('\n');
            if row.step == step {
                self.told.insert((step, row.name));
            }
        }
        self.file = None;
        whole::put(WHAT, &self.path, kept.as_bytes())
    }
}

/// What a file holds; nothing where there is none.
fn text(path: &Path) -> Result<String, TrainError> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        text => text.map_err(|error| TrainError::reading(WHAT, path, &error)),
    }
}

/// Whole lines with what they say.
fn rows(text: &str) -> impl Iterator<Item = (&str, MetricRow)> {
    text.lines().filter_map(|line| Some((line, serde_json::from_str(line).ok()?)))
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
        // Told again of the step that stands there.
        lines.metric("loss/val", 2, 0.5).expect("known");
        lines.metric("loss/val", 3, f64::NAN).expect("written");
        let text = std::fs::read_to_string(&path).expect("there");
        let expected = "{\"step\":1,\"name\":\"loss/val\",\"value\":1.0}\n{\"step\":2,\"name\":\"loss/val\",\"value\":0.5}\n{\"step\":3,\"name\":\"loss/val\",\"value\":null}\n";
        assert_eq!(text, expected);
    }
}
