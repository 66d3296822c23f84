//! What a person should know of a data set before anything is trained on it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::WindowTable;
use super::levels::Levels;
use super::overlaps::overlaps;
use crate::split::{Part, Split};

/// Class balance, duration, levels, and leaks between the parts of a split.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataReport {
    /// Windows by class.
    pub windows: BTreeMap<String, usize>,
    /// Windows of the largest class for one of the smallest.
    pub imbalance: f64,
    /// Recordings.
    pub recordings: usize,
    /// Those of them that hold a call.
    pub recordings_with_calls: usize,
    /// Days, as far as they are known.
    pub days: usize,
    /// Hours that were recorded in all recordings together.
    pub hours: f64,
    /// How loud windows are by class; `None` where nobody listened to them.
    pub levels: Option<Levels>,
    /// Windows of each part by class, and its recordings.
    pub parts: BTreeMap<&'static str, PartReport>,
    /// What is in more than one part, there twice, or of one time: each a sentence. Without any, nothing leaks.
    pub leaks: Vec<String>,
}

/// One part of a split.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PartReport {
    /// Its recordings.
    pub recordings: usize,
    /// Its windows by class.
    pub windows: BTreeMap<String, usize>,
}

/// Looks at a table and its split.
pub fn report(table: &WindowTable, split: &Split) -> DataReport {
    let counts = table.counts();
    let by_class = |counts: &[usize]| -> BTreeMap<String, usize> {
        table.classes.iter().cloned().zip(counts.iter().copied()).collect()
    };
    let with_calls: BTreeSet<usize> =
        table.windows.iter().filter(|w| table.is_call(w.class)).map(|w| w.recording).collect();
    let days: BTreeSet<&str> =
        table.recordings.iter().map(|r| r.day.as_str()).filter(|d| !d.is_empty()).collect();
    let mut parts = BTreeMap::new();
    for part in Part::ALL {
        let mut counts = vec![0; table.classes.len()];
        for window in table.windows.iter().filter(|w| split.part(w.recording) == part) {
            if let Some(count) = counts.get_mut(window.class) {
                *count += 1;
            }
        }
        let recordings = (0..table.recordings.len()).filter(|i| split.part(*i) == part).count();
        parts.insert(part.name(), PartReport { recordings, windows: by_class(&counts) });
    }
    let largest = counts.iter().max().copied().unwrap_or(0);
    let smallest = counts.iter().filter(|n| **n > 0).min().copied().unwrap_or(1);
    DataReport {
        windows: by_class(&counts),
        imbalance: largest as f64 / smallest as f64,
        recordings: table.recordings.len(),
        recordings_with_calls: with_calls.len(),
        days: days.len(),
        hours: table.recordings.iter().map(|r| r.recorded_s).sum::<f64>() / 3600.0,
        levels: table.levels.clone(),
        parts,
        leaks: [leaks(table, split), overlaps(table, split)].concat(),
    }
}

/// The same sound in two parts: one recording under two names. (That a recording's own windows are in one
/// part is how a split is made.)
fn leaks(table: &WindowTable, split: &Split) -> Vec<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut leaks = Vec::new();
    for (index, recording) in table.recordings.iter().enumerate() {
        if recording.fingerprint.is_empty() {
            continue;
        }
        let Some(&first) = seen.get(recording.fingerprint.as_str()) else {
            seen.insert(&recording.fingerprint, index);
            continue;
        };
        let other = table.recordings.get(first).map_or("", |r| r.name.as_str());
        let (a, b) = (split.part(first), split.part(index));
        leaks.push(match a == b {
            true => format!("{other} and {} are the same recording", recording.name),
            false => format!(
                "{other} ({}) and {} ({}) are the same recording",
                a.name(),
                recording.name,
                b.name()
            ),
        });
    }
    leaks
}

#[cfg(test)]
mod tests {
    use spyhop_config::DataLoader;

    use super::super::{Window, WindowedRecording};
    use super::*;

    #[test]
    fn hours_are_those_that_were_recorded_and_what_is_no_call_is_none() {
        let recording = |name: &str| WindowedRecording {
            name: name.into(),
            fingerprint: name.into(),
            day: String::new(),
            start_ns: None,
            duration_s: 3600.0,
            recorded_s: 900.0,
        };
        // An upcall in two of three recordings, something that is taken for one in each.
        let windows = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (2, 2)];
        let window = |(recording, class)| Window { recording, start_s: class as f64, class };
        let table = WindowTable {
            folder: "sea".into(),
            window_s: 1.0,
            negative_class: "none".into(),
            classes: ["upcall", "other", "none"].map(str::to_owned).to_vec(),
            recordings: ["a.wav", "b.wav", "c.wav"].map(recording).to_vec(),
            windows: windows.map(window).to_vec(),
            levels: None,
        };
        let said = DataLoader { train_ratio: 0.5, val_ratio: 0.5, ..DataLoader::default() };
        let split = Split::new(&table, &DataLoader { test_ratio: 0.0, ..said }).expect("enough");
        let report = report(&table, &split);
        assert_eq!((report.recordings, report.recordings_with_calls), (3, 2));
        assert_eq!(report.hours, 0.75);
    }
}
