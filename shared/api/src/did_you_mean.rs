//! The known word that somebody who mistyped one most likely meant.

/// How alike two words must be (Jaro–Winkler, 0–1) for one to be offered for the other.
const ALIKE: f64 = 0.75;

/// The word of `known` that is most like `word`, if any is.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|k| (strsim::jaro_winkler(word, k), k))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

/// `, did you mean 'hann'?`, or nothing.
pub fn question(nearest: Option<&str>) -> String {
    nearest.map(|n| format!(", did you mean '{n}'?")).unwrap_or_default()
}
