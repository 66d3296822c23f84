//! Which recordings a network learned from: kept beside it, so that whoever evaluates it can tell whether it
//! has heard them before.

use std::collections::BTreeMap;

use spyhop_model::{ModelError, ModelFiles};

use crate::dataset::WindowTable;
use crate::split::{Part, Split};

/// The file in a model's folder: `fingerprint,part`.
pub const LEARNED_FROM: &str = "learned_from.csv";

/// Recordings by fingerprint, each with the part that it was in. What stood in no part is not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LearnedFrom(BTreeMap<String, Part>);

impl LearnedFrom {
    /// The recordings of a training.
    pub fn new(table: &WindowTable, split: &Split) -> LearnedFrom {
        let mut learned = LearnedFrom::default();
        for (index, recording) in table.recordings.iter().enumerate() {
            let part = split.part(index);
            if part != Part::Unused && !recording.fingerprint.is_empty() {
                learned.put(&recording.fingerprint, part);
            }
        }
        learned
    }

    /// Reads what a network says; `None` where it says nothing.
    ///
    /// # Errors
    /// When the file is there and can't be read, or is no such table.
    pub fn read(files: &dyn ModelFiles) -> Result<Option<LearnedFrom>, ModelError> {
        let Some(bytes) = files.read(LEARNED_FROM)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut learned = LearnedFrom::default();
        for line in text.lines().skip(1).filter(|line| !line.trim().is_empty()) {
            let row = line.split_once(',');
            let row = row.and_then(|(fingerprint, part)| {
                Some((fingerprint, Part::ALL.into_iter().find(|one| one.name() == part.trim())?))
            });
            let Some((fingerprint, part)) = row else {
                return Err(ModelError::Value {
                    file: files.path(LEARNED_FROM),
                    key: "part".into(),
                    value: line.to_owned(),
                    expected: "a fingerprint with train, val or test".into(),
                });
            };
            learned.put(fingerprint, part);
        }
        Ok(Some(learned))
    }

    /// With all that another network learned from, which this one went on from.
    pub fn and(mut self, base: &LearnedFrom) -> LearnedFrom {
        base.0.iter().for_each(|(fingerprint, part)| self.put(fingerprint, *part));
        self
    }

    /// The part that a recording was in, where the network learned from it or was chosen by it: figures of
    /// such a recording flatter it.
    pub fn part(&self, fingerprint: &str) -> Option<Part> {
        self.0.get(fingerprint).copied().filter(|part| *part != Part::Test)
    }

    /// As the file's text.
    pub fn to_csv(&self) -> String {
        let row =
            |(fingerprint, part): (&String, &Part)| format!("{fingerprint},{}\n", part.name());
        "fingerprint,part\n".to_owned() + &self.0.iter().map(row).collect::<String>()
    }

    /// A recording of two trainings is in the part that tells most of it.
    fn put(&mut self, fingerprint: &str, part: Part) {
        let held = self.0.entry(fingerprint.to_owned()).or_insert(part);
        *held = part.min(*held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_model::MemoryFiles;

    #[test]
    fn what_a_base_learned_from_its_children_learned_from() {
        let of = |rows: &[(&str, Part)]| {
            let mut learned = LearnedFrom::default();
            rows.iter().for_each(|(fingerprint, part)| learned.put(fingerprint, *part));
            learned
        };
        let base = of(&[("a", Part::Train), ("b", Part::Val), ("c", Part::Test)]);
        let child = of(&[("a", Part::Test), ("c", Part::Train), ("d", Part::Test)]).and(&base);
        let parts = ["a", "b", "c", "d", "e"].map(|fingerprint| child.part(fingerprint));
        assert_eq!(parts, [Some(Part::Train), Some(Part::Val), Some(Part::Train), None, None]);
        let file = |text: &str| MemoryFiles {
            place: "child".into(),
            files: [(LEARNED_FROM.to_owned(), text.as_bytes().to_vec())].into(),
        };
        let read = LearnedFrom::read(&file(&child.to_csv())).expect("its own text");
        assert_eq!(read, Some(child));
        assert_eq!(LearnedFrom::read(&MemoryFiles::default()).expect("nothing"), None);
        let error = LearnedFrom::read(&file("fingerprint,part\na,trian\n")).expect_err("a slip");
        assert!(error.to_string().contains("child/learned_from.csv"), "{error}");
    }
}
