//! Whether single letters are keys, as the person said to the page (WCAG 2.1.4).

use gloo::storage::{LocalStorage, Storage};

/// Where the page keeps it.
const LETTER_KEYS: &str = "spyhop.letterKeys";

/// They are until somebody switches them off.
pub fn are_on() -> bool {
    LocalStorage::get(LETTER_KEYS).unwrap_or(true)
}
