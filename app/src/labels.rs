//! Labels: annotations of what is open, with undo, kept in this browser per file.
//!
//! Each file's labels stand under its own fingerprint, in time since that file's first sample, so
//! that they come back when the file is opened alone, with others, or under another name.

use gloo::storage::{LocalStorage, Storage};
use leptos::prelude::*;
use spyhop_api::Annotation;
use spyhop_signal::tables::Layout;

use crate::browser_store::{self, Browser};
use crate::session::OpenSet;
use crate::shared_labels::SharedLabels;

/// How many steps can be undone.
const UNDO_STEPS: usize = 200;

/// The labels of what is open; a copy is a handle.
#[derive(Clone, Copy)]
pub struct Labels {
    pub all: RwSignal<Vec<Annotation>>,
    /// Id of the one that is chosen.
    pub chosen: RwSignal<Option<u64>>,
    /// Columns of the table that came in last, so that export gives them back.
    pub layout: StoredValue<Layout>,
    undo: StoredValue<Vec<Vec<Annotation>>>,
    redo: StoredValue<Vec<Vec<Annotation>>>,
    homes: StoredValue<Vec<Home>>,
    /// Those of a hosted deployment.
    pub shared: SharedLabels,
}

/// Where a file's labels are kept and where the file stands on the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Home {
    pub key: String,
    pub start_ns: i64,
}

impl Home {
    fn layout_key(&self) -> String {
        self.key.replace("labels", "layout")
    }

    fn layout(&self) -> Option<Layout> {
        LocalStorage::get(self.layout_key()).ok()
    }
}

impl Labels {
    /// None yet.
    pub fn new() -> Labels {
        Labels {
            all: RwSignal::new(Vec::new()),
            chosen: RwSignal::new(None),
            layout: StoredValue::new(Layout::default()),
            undo: StoredValue::new(Vec::new()),
            redo: StoredValue::new(Vec::new()),
            homes: StoredValue::new(Vec::new()),
            shared: SharedLabels::new(),
        }
    }

    /// Fetches what this browser keeps for the files of `open`. Gives the keys under which lies what can't
    /// be read of it.
    pub fn load(&self, open: &OpenSet) -> Vec<String> {
        let homes = homes(open);
        let (mut all, mut laid_aside) = (Vec::new(), Vec::new());
        for home in &homes {
            let kept: Vec<Annotation> = browser_store::read(&Browser, &home.key, &mut laid_aside);
            all.extend(kept.into_iter().map(|a| moved(a, home.start_ns)));
        }
        sort(&mut all);
        for (a, id) in all.iter_mut().zip(1..) {
            a.id = id;
        }
        self.layout.set_value(homes.first().and_then(Home::layout).unwrap_or_default());
        self.homes.set_value(homes);
        self.undo.set_value(Vec::new());
        self.redo.set_value(Vec::new());
        self.chosen.set(None);
        self.all.set(all);
        laid_aside
    }

    /// Shows other labels in place of these: others changed them.
    pub fn replace(&self, mut all: Vec<Annotation>) {
        sort(&mut all);
        self.undo.update_value(Vec::clear);
        self.redo.update_value(Vec::clear);
        self.chosen.update(|c| *c = c.filter(|c| all.iter().any(|a| a.id == *c)));
        self.all.set(all);
    }

    /// Keeps what is shown in this browser: the server does not.
    pub fn keep_in_browser(&self) {
        self.store();
    }

    /// Removes what this browser keeps of the files that are open: a server has it now.
    pub fn forget_in_browser(&self) {
        self.homes.with_value(|homes| {
            for home in homes {
                LocalStorage::delete(&home.key);
            }
        });
    }

    /// An id that no label has.
    pub fn next_id(&self) -> u64 {
        self.all.with_untracked(|all| all.iter().map(|a| a.id).max().unwrap_or(0) + 1)
    }

    /// Adds labels under new ids; the last one is chosen. Gives the id of the last.
    pub fn add(&self, new: Vec<Annotation>) -> Option<u64> {
        let mut last = None;
        self.change(|all| {
            for mut a in new {
                // The same table twice is the same labels once.
                let same = |b: &&Annotation| Annotation { id: a.id, ..(*b).clone() } == a;
                if let Some(held) = all.iter().find(same) {
                    last = Some(held.id);
                    continue;
                }
                let id = all.iter().map(|a| a.id).max().unwrap_or(0) + 1;
                a.id = id;
                last = Some(id);
                all.push(a);
            }
        });
        self.chosen.set(last);
        last
    }

    /// Changes one label.
    pub fn edit(&self, id: u64, edit: impl FnOnce(&mut Annotation)) {
        self.change(|all| {
            if let Some(a) = all.iter_mut().find(|a| a.id == id) {
                edit(a);
            }
        });
    }

    /// Removes one label.
    pub fn remove(&self, id: u64) {
        self.change(|all| all.retain(|a| a.id != id));
        self.chosen.update(|c| *c = c.filter(|c| *c != id));
    }

    /// Takes the last change back; false where there is none.
    pub fn undo(&self) -> bool {
        self.step(self.undo, self.redo)
    }

    /// Makes the change that was taken back again.
    pub fn redo(&self) -> bool {
        self.step(self.redo, self.undo)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Annotation>)) {
        let before = self.all.get_untracked();
        let mut after = before.clone();
        change(&mut after);
        sort(&mut after);
        if after == before {
            return;
        }
        self.undo.update_value(|u| {
            u.push(before);
            if u.len() > UNDO_STEPS {
                u.remove(0);
            }
        });
        self.redo.update_value(Vec::clear);
        self.all.set(after);
        self.store();
    }

    fn step(
        &self,
        from: StoredValue<Vec<Vec<Annotation>>>,
        to: StoredValue<Vec<Vec<Annotation>>>,
    ) -> bool {
        let Some(state) = from.try_update_value(Vec::pop).flatten() else { return false };
        to.update_value(|t| t.push(self.all.get_untracked()));
        self.all.set(state);
        self.store();
        true
    }

    /// Writes every file's labels under its fingerprint, where no server keeps them.
    fn store(&self) {
        if self.shared.are_kept_by_server() {
            return;
        }
        let all = self.all.get_untracked();
        let layout = self.layout.get_value();
        self.homes.with_value(|homes| {
            if let Some(home) = homes.first().filter(|_| layout != Layout::default()) {
                let _ = LocalStorage::set(home.layout_key(), &layout);
            }
            for (i, home) in homes.iter().enumerate() {
                let mine: Vec<Annotation> = all
                    .iter()
                    .filter(|a| index_of(homes, a.start_ns) == i)
                    .map(|a| moved(a.clone(), -home.start_ns))
                    .collect();
                // A full or forbidden store leaves the labels on the page, where they can still be
                // downloaded.
                let _ = browser_store::change(&Browser, &home.key, |kept| *kept = mine);
            }
        });
    }
}

fn sort(all: &mut [Annotation]) {
    all.sort_by_key(|a| (a.start_ns, a.id));
}

fn moved(mut a: Annotation, by_ns: i64) -> Annotation {
    a.start_ns = a.start_ns.saturating_add(by_ns);
    a.end_ns = a.end_ns.saturating_add(by_ns);
    a
}

/// The recordings of a line in its order, each with the place of its first sample. Those of a
/// deployment whose files are not known by their content have one home together, on the clock.
pub fn homes(open: &OpenSet) -> Vec<Home> {
    if let Some(deployment) = &open.deployment
        && open.infos.iter().any(|info| info.fingerprint.is_empty())
    {
        let key = format!("spyhop.labels.set:{}", deployment.id);
        return vec![Home { key, start_ns: open.line.origin.map_or(0, |o| o.0.saturating_neg()) }];
    }
    let mut homes: Vec<Home> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for run in &open.line.runs {
        if let Some(info) = open.infos.get(run.recording).filter(|_| seen.insert(run.recording)) {
            homes.push(Home {
                key: format!("spyhop.labels.{}", info.fingerprint),
                start_ns: open.line.nanos_at(run.position),
            });
        }
    }
    homes
}

/// Where what begins at a time of the line is kept.
pub fn home_among(homes: &[Home], start_ns: i64) -> Option<&Home> {
    homes.get(index_of(homes, start_ns))
}

/// The file that a label belongs to: the last that begins before it.
fn index_of(homes: &[Home], start_ns: i64) -> usize {
    homes.partition_point(|h| h.start_ns <= start_ns).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_belongs_to_the_file_that_begins_before_it() {
        let home = |start_ns| Home { key: String::new(), start_ns };
        let homes = [home(0), home(100), home(200)];
        assert_eq!([-5, 0, 99, 100, 1000].map(|t| index_of(&homes, t)), [0, 0, 0, 1, 2]);
    }
}
