//! The browser's own store, where what a person made is kept beyond a visit.

use spyhop_api::kept_texts::Texts;
pub use spyhop_api::kept_texts::{change, laid_aside, read};

/// This browser, beyond this visit.
#[derive(Clone, Copy, Debug)]
pub struct Browser;

impl Browser {
    fn store(self) -> Option<web_sys::Storage> {
        // A private window may have none.
        web_sys::window()?.local_storage().ok().flatten()
    }
}

impl Texts for Browser {
    fn text(&self, key: &str) -> Option<String> {
        self.store()?.get_item(key).ok().flatten()
    }

    fn put(&self, key: &str, text: &str) -> bool {
        self.store().is_some_and(|store| store.set_item(key, text).is_ok())
    }

    fn remove(&self, key: &str) {
        if let Some(store) = self.store() {
            // What is not there can't be removed, and need not be.
            let _ = store.remove_item(key);
        }
    }
}
