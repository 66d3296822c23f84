//! Stories that are being made, kept in this browser at every change: nothing is lost by closing the page.

use serde::{Deserialize, Serialize};
use spyhop_api::{Story, StoryRequest};
use spyhop_words::story::sheet as words;

use crate::browser_store::{self, Browser};

const KEPT: &str = "spyhop.stories";

/// One of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// What this browser knows it by: when it was begun, in milliseconds.
    pub local: u64,
    /// The server's id; empty until it has it.
    pub id: String,
    /// The version that it was made of.
    pub version: u32,
    /// Its page, relative to the server.
    pub path: String,
    /// What the server lets it be changed by.
    pub edit_key: String,
    /// Everything that is sent.
    pub story: StoryRequest,
    /// Whether the server has it as it is here.
    pub is_saved: bool,
}

impl Draft {
    /// A new one.
    pub fn new(story: StoryRequest) -> Draft {
        Draft { local: js_sys::Date::now() as u64, story, ..Draft::default() }
    }

    /// What a person knows it by.
    pub fn name(&self) -> String {
        match self.story.title.trim() {
            "" => words::UNTITLED.to_owned(),
            title => title.to_owned(),
        }
    }

    /// Takes over what the server has.
    pub fn take(&mut self, story: &Story) {
        (self.id, self.path) = (story.id.clone(), story.path.clone());
        self.version = story.version;
        self.story =
            StoryRequest { changed_by: self.story.changed_by.clone(), ..request_of(story) };
        self.is_saved = true;
    }
}

/// What would make a story anew.
pub fn request_of(story: &Story) -> StoryRequest {
    StoryRequest {
        title: story.title.clone(),
        note: story.note.clone(),
        author: story.author.clone(),
        changed_by: String::new(),
        language: story.language.clone(),
        steps: story.steps.clone(),
        expires_days: None,
    }
}

/// All that this browser keeps, the latest first.
pub fn all() -> Vec<Draft> {
    browser_store::read(&Browser, KEPT, &mut Vec::new())
}

/// Under which key drafts lie that can't be read, if any are.
pub fn laid_aside() -> Option<String> {
    browser_store::laid_aside(&Browser, KEPT)
}

/// Keeps a draft; false where the browser refuses. Others, which another tab may have changed, stay.
pub fn keep(draft: &Draft) -> bool {
    browser_store::change(&Browser, KEPT, |kept: &mut Vec<Draft>| {
        match kept.iter_mut().find(|held| held.local == draft.local) {
            Some(held) => held.clone_from(draft),
            None => kept.insert(0, draft.clone()),
        }
    })
}

/// Forgets a draft.
pub fn forget(local: u64) {
    // What can't be written was not kept either.
    let _ = browser_store::change(&Browser, KEPT, |kept: &mut Vec<Draft>| {
        kept.retain(|held| held.local != local);
    });
}
