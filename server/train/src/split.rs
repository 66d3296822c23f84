//! Training, validation and test: whole recordings or days, never windows. Windows beside each other are
//! alike, and a network that has seen one knows the other.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use spyhop_config::{DataLoader, SplitBy};

use crate::TrainError;
use crate::chance::chance;
use crate::dataset::WindowTable;

/// One of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What the network learns from.
    Train,
    /// What the best network is chosen by.
    Val,
    /// What is looked at when all is done.
    Test,
    /// What is left out of training, so that it learns from a share alone.
    Unused,
}

/// Which recording is in which part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    parts: Vec<Part>,
}

impl Part {
    /// All that are used.
    pub const ALL: [Part; 3] = [Part::Train, Part::Val, Part::Test];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Val => "val",
            Part::Test => "test",
            Part::Unused => "unused",
        }
    }
}

impl Split {
    /// Splits a table: groups of recordings come in an order that the seed decides, and each goes where most
    /// of its windows are still wanted, class by class.
    ///
    /// # Errors
    /// When a class is missing from training or validation: there are too few recordings or days with it.
    pub fn new(table: &WindowTable, said: &DataLoader) -> Result<Split, TrainError> {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, recording) in table.recordings.iter().enumerate() {
            // A recording under two names is one recording.
            let same = if recording.fingerprint.is_empty() {
                &recording.name
            } else {
                &recording.fingerprint
            };
            let group = match said.split_by {
                SplitBy::Recording => same,
                SplitBy::Day if recording.day.is_empty() => {
                    return Err(TrainError::Data(format!(
                        "{} has no start time, so that it belongs to no day: set data_loader.split_by to recording",
                        recording.name
                    )));
                }
                SplitBy::Day => &recording.day,
            };
            groups.entry(group).or_default().push(index);
        }
        let classes = table.classes.len();
        let mut by_recording = vec![vec![0.0; classes]; table.recordings.len()];
        for window in &table.windows {
            if let Some(count) = by_recording
                .get_mut(window.recording)
                .and_then(|counts| counts.get_mut(window.class))
            {
                *count += 1.0;
            }
        }
        let totals: Vec<f64> = table.counts().iter().map(|n| (*n as f64).max(1.0)).collect();
        let counts_of = |members: &[usize]| -> Vec<f64> {
            let of = |class: usize| members.iter().map(|i| by_recording[*i][class]).sum();
            (0..classes).map(of).collect()
        };
        let mut groups: Vec<(Vec<f64>, Vec<usize>)> =
            groups.into_values().map(|members| (counts_of(&members), members)).collect();
        groups.shuffle(&mut chance(said.random_seed, "split", &[]));
        // Groups that hold much of a class first: they are the hardest to place.
        let weight = |counts: &[f64]| counts.iter().zip(&totals).map(|(n, t)| n / t).sum::<f64>();
        groups.sort_by(|a, b| weight(&b.0).total_cmp(&weight(&a.0)));
        let (named, ratios): (Vec<Part>, Vec<f64>) = parts_with_ratios(said).into_iter().unzip();
        let mut missing: Vec<Vec<f64>> =
            ratios.iter().map(|ratio| totals.iter().map(|t| ratio * t).collect()).collect();
        let mut parts = vec![Part::Train; table.recordings.len()];
        for (counts, members) in &groups {
            let gain = |part: usize| -> f64 {
                let of_class = counts.iter().zip(&missing[part]).zip(&totals).zip(0..);
                of_class
                    // By how full the part is already, relative to its own size.
                    .map(|(((n, missing), total), _)| {
                        n / total * missing / (ratios[part] * total).max(1e-9)
                    })
                    .sum()
            };
            let best = (0..ratios.len())
                .filter(|p| ratios[*p] > 0.0)
                .max_by(|a, b| gain(*a).total_cmp(&gain(*b)).then(b.cmp(a)));
            let best = best.unwrap_or(0);
            for (missing, n) in missing[best].iter_mut().zip(counts) {
                *missing -= n;
            }
            for member in members {
                parts[*member] = named[best];
            }
        }
        leave_unused(&groups, &mut parts, said);
        let split = Split { parts };
        split.check(table, said)?;
        Ok(split)
    }

    /// The part of a recording.
    pub fn part(&self, recording: usize) -> Part {
        self.parts.get(recording).copied().unwrap_or(Part::Train)
    }

    /// Indices of the windows of a part.
    pub fn windows(&self, table: &WindowTable, part: Part) -> Vec<usize> {
        let of_part = table.windows.iter().enumerate();
        of_part.filter(|(_, w)| self.part(w.recording) == part).map(|(index, _)| index).collect()
    }

    /// The split as CSV: `recording,part`.
    pub fn to_csv(&self, table: &WindowTable) -> String {
        let mut text = "recording,part\n".to_owned();
        for (recording, part) in table.recordings.iter().zip(&self.parts) {
            let name = &recording.name;
            let name = match name.contains([',', '"']) {
                true => format!("\"{}\"", name.replace('"', "\"\"")),
                false => name.clone(),
            };
            text += &format!("{name},{}\n", part.name());
        }
        text
    }

    fn check(&self, table: &WindowTable, said: &DataLoader) -> Result<(), TrainError> {
        for part in [Part::Train, Part::Val] {
            for (class, name) in table.classes.iter().enumerate() {
                let is_it = |w: &&crate::Window| w.class == class && self.part(w.recording) == part;
                if !table.windows.iter().any(|w| is_it(&w)) {
                    let groups = match said.split_by {
                        SplitBy::Recording => "recordings",
                        SplitBy::Day => "days",
                    };
                    return Err(TrainError::Data(format!(
                        "the class '{name}' is missing from the {} part: there are too few {groups} with it. Label more, change data_loader.random_seed or the ratios, or leave the class out of data_loader.include_classes",
                        part.name()
                    )));
                }
            }
        }
        Ok(())
    }
}

/// The parts, each with its share; in cross-validation a fold is one, and the test part is the same whichever
/// fold is looked at.
fn parts_with_ratios(said: &DataLoader) -> Vec<(Part, f64)> {
    if said.folds == 0 {
        let ratios = [said.train_ratio, said.val_ratio, said.test_ratio];
        return Part::ALL.into_iter().zip(ratios).collect();
    }
    let each = (1.0 - said.test_ratio) / said.folds as f64;
    let fold = |fold| (if fold == said.fold { Part::Val } else { Part::Train }, each);
    (0..said.folds).map(fold).chain([(Part::Test, said.test_ratio)]).collect()
}

/// Takes groups out of training until a share of them is left. They come in an order that the seed decides,
/// whatever the share is: a larger share holds every smaller one.
fn leave_unused(groups: &[(Vec<f64>, Vec<usize>)], parts: &mut [Part], said: &DataLoader) {
    let is_trained = |members: &[usize]| {
        members.first().is_some_and(|member| parts.get(*member) == Some(&Part::Train))
    };
    let mut trained: Vec<&Vec<usize>> =
        groups.iter().map(|(_, members)| members).filter(|members| is_trained(members)).collect();
    trained.shuffle(&mut chance(said.random_seed, "train_share", &[]));
    let kept = (said.train_share * trained.len() as f64).ceil() as usize;
    for member in trained.into_iter().skip(kept).flatten() {
        if let Some(part) = parts.get_mut(*member) {
            *part = Part::Unused;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Window, WindowedRecording};

    /// Recordings of four days, with calls in every other one.
    fn table(recordings: usize) -> WindowTable {
        let recording = |i: usize| WindowedRecording {
            name: format!("{i}.wav"),
            fingerprint: format!("fingerprint {i}"),
            day: format!("2009-03-{:02}", 1 + i % 4),
            start_ns: None,
            duration_s: 900.0,
            recorded_s: 900.0,
        };
        let window = |i: usize| Window {
            recording: i / 30,
            start_s: (i % 30) as f64 * 3.0,
            class: usize::from(!(i / 30).is_multiple_of(2) || i % 30 > 3),
        };
        WindowTable {
            folder: "sea".into(),
            window_s: 3.0,
            negative_class: "none".into(),
            classes: vec!["upcall".into(), "none".into()],
            recordings: (0..recordings).map(recording).collect(),
            windows: (0..recordings * 30).map(window).collect(),
            levels: None,
        }
    }

    #[test]
    fn each_class_is_split_nearly_by_the_ratios_and_no_recording_is_in_two_parts() {
        let table = table(40);
        let split = Split::new(&table, &DataLoader::default()).expect("enough");
        for (part, ratio) in Part::ALL.into_iter().zip([0.7, 0.15, 0.15]) {
            let windows = split.windows(&table, part);
            for class in 0..2 {
                let all = table.windows.iter().filter(|w| w.class == class).count();
                let n = windows.iter().filter(|i| table.windows[**i].class == class).count();
                let share = n as f64 / all as f64;
                assert!((share - ratio).abs() < 0.06, "{part:?} {class}: {share}");
            }
        }
        assert_eq!(split, Split::new(&table, &DataLoader::default()).expect("again"));
        let other = DataLoader { random_seed: 7, ..DataLoader::default() };
        assert_ne!(split, Split::new(&table, &other).expect("another"));
    }

    #[test]
    fn a_day_is_in_one_part() {
        let table = table(40);
        let said = DataLoader {
            split_by: SplitBy::Day,
            train_ratio: 0.5,
            val_ratio: 0.25,
            test_ratio: 0.25,
            ..DataLoader::default()
        };
        let split = Split::new(&table, &said).expect("two days with calls");
        for day in 0..4 {
            let parts: Vec<Part> =
                (0..40).filter(|i| i % 4 == day).map(|i| split.part(i)).collect();
            assert!(parts.windows(2).all(|pair| pair[0] == pair[1]), "{day}");
        }
    }

    #[test]
    fn the_same_recording_under_two_names_is_in_one_part() {
        let mut table = table(40);
        for i in 0..20 {
            table.recordings[i + 20].fingerprint = table.recordings[i].fingerprint.clone();
        }
        let split = Split::new(&table, &DataLoader::default()).expect("enough");
        assert!((0..20).all(|i| split.part(i) == split.part(i + 20)));
        let report = crate::dataset::report(&table, &split);
        assert_eq!(report.leaks.len(), 20);
        assert!(report.leaks[0].contains("are the same recording"), "{:?}", report.leaks);
    }

    #[test]
    fn each_recording_is_validated_in_one_fold_and_the_test_part_stays() {
        let table = table(40);
        let of = |fold| {
            let said = DataLoader { folds: 4, fold, ..DataLoader::default() };
            Split::new(&table, &said).expect("enough")
        };
        let folds: Vec<Split> = (0..4).map(of).collect();
        for recording in 0..40 {
            let parts: Vec<Part> = folds.iter().map(|split| split.part(recording)).collect();
            let validated = parts.iter().filter(|part| **part == Part::Val).count();
            let tested = parts.iter().filter(|part| **part == Part::Test).count();
            assert!((validated, tested) == (1, 0) || (validated, tested) == (0, 4), "{parts:?}");
        }
        for split in &folds {
            let val = split.windows(&table, Part::Val).len();
            assert!((210..=300).contains(&val), "a quarter of 0.85 of 1200 windows: {val}");
        }
    }

    #[test]
    fn a_larger_share_of_training_holds_every_smaller_one_and_nothing_else_changes() {
        let table = table(40);
        let of = |train_share| {
            let said = DataLoader { train_share, ..DataLoader::default() };
            Split::new(&table, &said).expect("enough")
        };
        let shares = [0.25, 0.5, 1.0].map(of);
        let counts = shares.each_ref().map(|s| s.windows(&table, Part::Train).len() / 30);
        assert_eq!([counts[0], counts[1]], [counts[2].div_ceil(4), counts[2].div_ceil(2)]);
        for recording in 0..40 {
            let parts = shares.each_ref().map(|split| split.part(recording));
            let is_nested = match parts[2] {
                Part::Train => parts[0] != Part::Train || parts[1] == Part::Train,
                other => parts == [other; 3],
            };
            assert!(is_nested, "{parts:?}");
        }
    }

    #[test]
    fn a_class_that_is_missing_from_a_part_is_named() {
        let error = Split::new(&table(2), &DataLoader::default()).expect_err("too few");
        assert!(error.to_string().contains("'upcall' is missing from the"), "{error}");
    }
}
