//! What a guide lays over the picture, and how it wants the page to look.

use leptos::prelude::*;
use spyhop_api::{Mark, Moment, Pointed};

/// How far the guide's module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Module {
    Absent,
    Fetched,
    Listens,
}

/// What a guide asked for; a copy is a handle.
#[derive(Clone, Copy)]
pub struct Guided {
    /// Whether there is one.
    pub module: RwSignal<Module>,
    /// Boxes over the picture.
    pub marks: RwSignal<Vec<Mark>>,
    /// Somebody else's play head.
    pub head: RwSignal<Option<Moment>>,
    /// Somebody else's pointer.
    pub pointer: RwSignal<Option<Pointed>>,
    /// Whether the picture and the sound stand alone.
    pub bare: RwSignal<bool>,
    /// Whether labels and candidates are drawn.
    pub boxes: RwSignal<bool>,
    /// How much of what is to be heard later is being fetched.
    pub fetching: RwSignal<usize>,
}

impl Guided {
    /// Nobody guides.
    pub fn new() -> Guided {
        Guided {
            module: RwSignal::new(Module::Absent),
            marks: RwSignal::new(Vec::new()),
            head: RwSignal::new(None),
            pointer: RwSignal::new(None),
            bare: RwSignal::new(false),
            boxes: RwSignal::new(true),
            fetching: RwSignal::new(0),
        }
    }

    /// Shows where somebody else is.
    pub fn follow(&self, head: Option<Moment>, pointer: Option<Pointed>) {
        if self.head.with_untracked(|now| *now != head) {
            self.head.set(head);
        }
        if self.pointer.with_untracked(|now| *now != pointer) {
            self.pointer.set(pointer);
        }
    }

    /// Lays these boxes over the picture, and no others.
    pub fn mark(&self, marks: Vec<Mark>) {
        if self.marks.with_untracked(|now| *now != marks) {
            self.marks.set(marks);
        }
    }
}
