//! What a person made or said, kept in their browser: JSON, a text a key.
//!
//! A text that can't be read, which another version of the page may have written, is never written over: it
//! is laid aside under a key of its own.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What follows the key of a text that was laid aside.
const UNREADABLE: &str = ".unreadable";

/// Where texts are kept.
pub trait Texts {
    /// The text of a key.
    fn text(&self, key: &str) -> Option<String>;
    /// Keeps one; false where the store is full or forbidden.
    fn put(&self, key: &str, text: &str) -> bool;
    /// Forgets one.
    fn remove(&self, key: &str);
}

/// What is kept under a key, nothing where there is none. Where its text can't be read `laid_aside` is
/// told the key under which it lies now.
pub fn read<T: DeserializeOwned + Default>(
    texts: &impl Texts,
    key: &str,
    laid_aside: &mut Vec<String>,
) -> T {
    let Some(text) = texts.text(key) else { return T::default() };
    serde_json::from_str(&text).unwrap_or_else(|_| {
        laid_aside.extend(lay_aside(texts, key, &text));
        T::default()
    })
}

/// Changes what is kept under a key; where nothing is left of it the key goes. False where the store is
/// full or forbidden, or holds what can be neither read nor laid aside: then nothing has changed.
pub fn change<T: Serialize + DeserializeOwned + Default + PartialEq>(
    texts: &impl Texts,
    key: &str,
    change: impl FnOnce(&mut T),
) -> bool {
    let mut value = match texts.text(key) {
        None => T::default(),
        Some(text) => match serde_json::from_str(&text) {
            Ok(value) => value,
            Err(_) if lay_aside(texts, key, &text).is_some() => T::default(),
            Err(_) => return false,
        },
    };
    change(&mut value);
    if value == T::default() {
        texts.remove(key);
        return true;
    }
    serde_json::to_string(&value).is_ok_and(|text| texts.put(key, &text))
}

/// Where the first text of a key lies that was laid aside, as long as it does.
pub fn laid_aside(texts: &impl Texts, key: &str) -> Option<String> {
    Some(format!("{key}{UNREADABLE}")).filter(|aside| texts.text(aside).is_some())
}

/// Moves a text to a key that holds no other one, and gives that; none where there is no room for it.
fn lay_aside(texts: &impl Texts, key: &str, text: &str) -> Option<String> {
    let mut keys = (1u32..).map(|n| match n {
        1 => format!("{key}{UNREADABLE}"),
        n => format!("{key}{UNREADABLE}-{n}"),
    });
    let is_free = |aside: &String| texts.text(aside).is_none_or(|held| held == text);
    let aside = keys.find(is_free).filter(|aside| texts.put(aside, text))?;
    texts.remove(key);
    Some(aside)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    use super::*;

    /// A browser that forgets all when it is dropped.
    #[derive(Default)]
    struct Passing {
        held: RefCell<BTreeMap<String, String>>,
        is_full: Cell<bool>,
    }

    impl Texts for Passing {
        fn text(&self, key: &str) -> Option<String> {
            self.held.borrow().get(key).cloned()
        }

        fn put(&self, key: &str, text: &str) -> bool {
            if !self.is_full.get() {
                self.held.borrow_mut().insert(key.to_owned(), text.to_owned());
            }
            !self.is_full.get()
        }

        fn remove(&self, key: &str) {
            self.held.borrow_mut().remove(key);
        }
    }

    fn keep(texts: &Passing, word: &str) -> bool {
        change(texts, "calls", |kept: &mut Vec<String>| kept.push(word.to_owned()))
    }

    #[test]
    fn a_text_that_can_t_be_read_is_laid_aside_and_not_written_over() {
        let texts = Passing::default();
        for torn in ["[\"one\", \"tw", "{\"of\": \"another version\"}"] {
            assert!(texts.put("calls", torn));
            let mut laid_aside = Vec::new();
            assert!(read::<Vec<String>>(&texts, "calls", &mut laid_aside).is_empty());
            assert_eq!(texts.text(&laid_aside[0]).as_deref(), Some(torn));
            // It is told of once; what is kept from now on stands where it is looked for.
            assert!(keep(&texts, "new") && keep(&texts, "newer"));
            let kept: Vec<String> = read(&texts, "calls", &mut laid_aside);
            assert_eq!((kept, laid_aside.len()), (vec!["new".into(), "newer".into()], 1));
        }
        assert_eq!(texts.held.borrow().len(), 3, "neither of the two is lost");
    }

    #[test]
    fn what_is_kept_without_being_read_before_writes_over_nothing_unreadable() {
        let texts = Passing::default();
        assert!(texts.put("calls", "torn"));
        assert_eq!(laid_aside(&texts, "calls"), None);
        assert!(keep(&texts, "new"));
        assert_eq!(laid_aside(&texts, "calls").as_deref(), Some("calls.unreadable"));
        assert_eq!(texts.text("calls.unreadable").as_deref(), Some("torn"));
        // Where there is no room to lay it aside nothing is kept, and all stays as it is.
        let full = Passing::default();
        assert!(full.put("calls", "torn"));
        full.is_full.set(true);
        assert!(!keep(&full, "new"));
        assert_eq!(full.text("calls").as_deref(), Some("torn"));
        assert_eq!(full.held.borrow().len(), 1);
    }

    #[test]
    fn of_what_is_empty_again_no_key_is_left() {
        let texts = Passing::default();
        assert!(keep(&texts, "one"));
        assert!(change(&texts, "calls", Vec::<String>::clear));
        assert!(texts.held.borrow().is_empty());
    }
}
