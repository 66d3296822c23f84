//! Names that nobody guesses, and keys that are kept as hashes.

/// Letters and digits that are not taken for one another on a blackboard.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 65 bits of chance: short enough to be typed.
const NAME_LETTERS: usize = 13;
/// 160 bits of chance.
const KEY_LETTERS: usize = 32;

/// The name of a new share.
///
/// # Errors
/// When the system gives no random numbers.
pub fn name() -> Result<String, getrandom::Error> {
    letters(NAME_LETTERS)
}

/// A new edit key.
///
/// # Errors
/// As [`name`].
pub fn edit_key() -> Result<String, getrandom::Error> {
    letters(KEY_LETTERS)
}

/// What is kept of an edit key. It is chance alone, so that a quick hash tells nothing of it; and two
/// hashes may be compared as any text, because whoever tries keys can't choose them.
pub fn hash(edit_key: &str) -> String {
    blake3::hash(edit_key.trim().as_bytes()).to_hex().to_string()
}

fn letters(count: usize) -> Result<String, getrandom::Error> {
    let mut chance = vec![0u8; count];
    getrandom::fill(&mut chance)?;
    Ok(chance.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_no_two_are_alike() {
        let names: std::collections::HashSet<String> =
            (0..2000).map(|_| name().expect("chance")).collect();
        assert_eq!(names.len(), 2000);
        assert!(names.iter().all(|n| n.len() == NAME_LETTERS && n.is_ascii()));
        assert!(names.iter().all(|n| !n.contains(['0', 'o', '1', 'l'])));
    }
}
