//! What the folds of a search are called: by what they are validated on, which a person knows.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use spyhop_config::{DataLoader, SplitBy};
use spyhop_train::{Part, Split, WindowTable};

/// A fold, for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedFold {
    /// `fold 2 of 5`.
    pub name: String,
    /// Names of the recordings of its validation part, or its days; none where it can't be split.
    pub validated_on: Vec<String>,
    /// `recordings` or `days`.
    pub what: &'static str,
}

/// Tells folds, each way to split once.
#[derive(Default)]
pub struct Folds(BTreeMap<String, NamedFold>);

impl Folds {
    /// The fold that a configuration says.
    pub fn of(&mut self, said: &DataLoader, table: &WindowTable) -> NamedFold {
        // How batches are drawn has no say, but few settings differ: nothing is gained by leaving it out.
        self.0.entry(format!("{said:?}")).or_insert_with(|| NamedFold::new(said, table)).clone()
    }
}

impl NamedFold {
    /// The fold that a configuration says.
    pub fn new(said: &DataLoader, table: &WindowTable) -> NamedFold {
        let split = || {
            let table = table.clone().of_classes(&said.include_classes).ok()?;
            let split = Split::new(&table, said).ok()?;
            let of_part = table.recordings.iter().enumerate();
            let validated = of_part.filter(|(index, _)| split.part(*index) == Part::Val);
            let word = validated.map(|(_, recording)| match said.split_by {
                SplitBy::Recording => recording.name.clone(),
                SplitBy::Day => recording.day.clone(),
            });
            Some(word.collect::<BTreeSet<_>>().into_iter().collect())
        };
        NamedFold {
            name: format!("fold {} of {}", said.fold + 1, said.folds),
            validated_on: split().unwrap_or_default(),
            what: match said.split_by {
                SplitBy::Recording => "recordings",
                SplitBy::Day => "days",
            },
        }
    }

    /// `fold 2 of 5, on 2009-03-30`; of many the first, and how many more there are.
    pub fn in_words(&self) -> String {
        let NamedFold { name, validated_on, what } = self;
        match validated_on.as_slice() {
            [] => name.clone(),
            [one] => format!("{name}, on {one}"),
            [one, two] => format!("{name}, on {one} and {two}"),
            [first, rest @ ..] => format!("{name}, on {first} and {} more {what}", rest.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_train::{Window, WindowedRecording};

    /// Ten recordings of five days with both classes in each.
    fn table() -> WindowTable {
        let recording = |i: usize| WindowedRecording {
            name: format!("{i}.wav"),
            fingerprint: format!("fingerprint {i}"),
            day: format!("2009-03-{:02}", 1 + i / 2),
            start_ns: None,
            duration_s: 60.0,
            recorded_s: 60.0,
        };
        let window = |i: usize| Window {
            recording: i / 4,
            start_s: (i % 4) as f64 * 3.0,
            class: usize::from(i % 4 > 1),
        };
        WindowTable {
            folder: "sea".into(),
            window_s: 3.0,
            negative_class: "none".into(),
            classes: vec!["upcall".into(), "none".into()],
            recordings: (0..10).map(recording).collect(),
            windows: (0..40).map(window).collect(),
            levels: None,
        }
    }

    #[test]
    fn a_fold_is_called_by_what_it_is_validated_on() {
        let table = table();
        let said = |fold, split_by| DataLoader {
            folds: 5,
            fold,
            split_by,
            train_ratio: 0.8,
            val_ratio: 0.2,
            test_ratio: 0.0,
            ..DataLoader::default()
        };
        let mut folds = Folds::default();
        let mut days = Vec::new();
        for fold in 0..5 {
            let told = folds.of(&said(fold, SplitBy::Day), &table);
            assert_eq!((told.validated_on.len(), told.what), (1, "days"));
            let day = &told.validated_on[0];
            assert_eq!(told.in_words(), format!("fold {} of 5, on {day}", fold + 1));
            days.push(day.clone());
        }
        days.sort();
        let all: Vec<String> = (1..=5).map(|day| format!("2009-03-{day:02}")).collect();
        assert_eq!(days, all);
        let of_two = folds.of(&said(1, SplitBy::Recording), &table);
        let [one, two] = of_two.validated_on.as_slice() else { panic!("{of_two:?}") };
        assert_eq!(of_two.in_words(), format!("fold 2 of 5, on {one} and {two}"));
        let many = NamedFold { validated_on: vec!["a".into(); 4], ..of_two };
        assert_eq!(many.in_words(), "fold 2 of 5, on a and 3 more recordings");
        let none = folds
            .of(&DataLoader { include_classes: vec!["x".into()], ..said(0, SplitBy::Day) }, &table);
        assert_eq!(none.in_words(), "fold 1 of 5");
    }
}
