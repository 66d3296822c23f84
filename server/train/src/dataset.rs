//! Windows of recordings, each with its class.

mod cut;
mod dclde2013;
mod events;
mod levels;
mod overlaps;
mod parquet;
mod report;
mod sources;
mod tables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use dclde2013::{DetectionLog, LoggedCall, log_path, of_log, read_log};
pub use events::{Labelled, LabelledRecording, cut, of_reviews};
pub use levels::{Band, Levels};
pub use report::{DataReport, report};
pub use sources::{LogSource, ReviewSource, Sources};
pub use tables::{of_its_tables, of_tables};

use serde_json::Value;
use spyhop_config::Preprocess;
pub(crate) use spyhop_model::is_no_call;

use crate::TrainError;

/// A recording with what is known of it without reading its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowedRecording {
    /// Its path below the table's folder.
    pub name: String,
    /// Of its bytes: a recording that was exchanged is noticed.
    pub fingerprint: String,
    /// The day that it began, `2009-03-29`; empty where that is unknown.
    pub day: String,
    /// When its first sample was recorded, nanoseconds since 1970 by the clock that labels are matched by; `None`
    /// where that is unknown.
    pub start_ns: Option<i64>,
    /// Its length on the clock, with its gaps.
    pub duration_s: f64,
    /// How much of that was recorded.
    pub recorded_s: f64,
}

/// A window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Index of its recording.
    pub recording: usize,
    /// Seconds from the recording's first sample.
    pub start_s: f64,
    /// Index of its class.
    pub class: usize,
}

/// A table of windows.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowTable {
    /// Where the recordings lie.
    pub folder: PathBuf,
    /// Length of every window.
    pub window_s: f64,
    /// What windows without a call are called.
    pub negative_class: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// The recordings.
    pub recordings: Vec<WindowedRecording>,
    /// In order of recordings, then of time.
    pub windows: Vec<Window>,
    /// How loud windows are, where somebody listened.
    pub levels: Option<Levels>,
}

impl WindowTable {
    /// Reads a table that [`WindowTable::write`] wrote.
    ///
    /// # Errors
    /// When it can't be read, is no such table, or a window is not in its recording.
    pub fn read(path: &Path) -> Result<WindowTable, TrainError> {
        let table = parquet::read(path)?;
        table.check()?;
        Ok(table)
    }

    /// Writes it as Parquet: a row a window, and the settings and labels that it was cut by.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn write(
        &self,
        path: &Path,
        cut_by: &Preprocess,
        sources: &Sources,
    ) -> Result<(), TrainError> {
        parquet::write(self, path, Some((cut_by, sources)))
    }

    /// The settings that a written table was cut by, by their keys under `preprocess`; `None` where it does
    /// not say them, as tables of older versions.
    ///
    /// # Errors
    /// When it can't be read, or is no such table.
    pub fn cut_by(path: &Path) -> Result<Option<BTreeMap<String, Value>>, TrainError> {
        parquet::cut_by(path)
    }

    /// What a written table was cut from; `None` where it does not say so, as tables of older versions.
    ///
    /// # Errors
    /// When it can't be read, or is no such table.
    pub fn sources(path: &Path) -> Result<Option<Sources>, TrainError> {
        parquet::sources(path)
    }

    /// Whether a class is a call: not the one without a call, and none of those whose name says the same, as
    /// `other`.
    pub fn is_call(&self, class: usize) -> bool {
        let name = self.classes.get(class);
        name.is_some_and(|name| *name != self.negative_class && !is_no_call(name))
    }

    /// How many windows there are of each class.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for window in &self.windows {
            if let Some(count) = counts.get_mut(window.class) {
                *count += 1;
            }
        }
        counts
    }

    /// The table with no more than some classes, in their order; all where none is named.
    ///
    /// # Errors
    /// When a class is unknown, or has no window.
    pub fn of_classes(mut self, names: &[String]) -> Result<WindowTable, TrainError> {
        if !names.is_empty() {
            let known = |name: &String| self.classes.iter().position(|c| c == name);
            let mut places = vec![None; self.classes.len()];
            for (place, name) in names.iter().enumerate() {
                let index = known(name).ok_or_else(|| {
                    TrainError::Data(format!(
                        "data_loader.include_classes names '{name}', and the windows have the classes {}",
                        self.classes.join(", ")
                    ))
                })?;
                places[index] = Some(place);
            }
            let moved = |w: &Window| {
                let class = places.get(w.class).copied().flatten()?;
                Some(Window { class, ..*w })
            };
            self.windows = self.windows.iter().filter_map(moved).collect();
            self.classes = names.to_vec();
        }
        let counts = self.counts();
        match self.classes.iter().zip(counts).find(|(_, count)| *count == 0) {
            Some((class, _)) => Err(TrainError::Data(format!(
                "there is no window of the class '{class}': label some, or leave it out of data_loader.include_classes"
            ))),
            None if self.classes.len() < 2 => Err(TrainError::Data(
                "there must be windows of two classes at least for a network to tell apart".into(),
            )),
            None => Ok(self),
        }
    }

    fn check(&self) -> Result<(), TrainError> {
        for window in &self.windows {
            let Some(recording) = self.recordings.get(window.recording) else { continue };
            let latest_s = (recording.duration_s - self.window_s).max(0.0);
            // A sample may be rounded either way.
            if !(window.start_s >= 0.0 && window.start_s <= latest_s + 1e-3) {
                return Err(TrainError::PastEnd {
                    recording: recording.name.clone(),
                    start_s: window.start_s,
                    duration_s: recording.duration_s,
                });
            }
        }
        Ok(())
    }
}
