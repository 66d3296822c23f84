//! The table is whole: what the pages show stands in it, and what stands in it is shown.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The sources of the pages.
const SOURCES: [&str; 4] = ["../src", "../guide/src", "../listener/src", "../workers/src"];
/// Attributes of HTML that are read or heard.
const HEARD: [&str; 5] = ["title", "placeholder", "label", "alt", "summary"];
/// Literals with spaces that nobody reads: fonts, scripts, lists of classes and the like.
const NOT_READ: [&str; 3] = [
    "Inter, system-ui, sans-serif",
    "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], [role=dialog] *",
    "button, a, summary, input",
];

#[test]
fn what_the_pages_show_stands_in_the_table() {
    let mut found = Vec::new();
    for path in sources() {
        let tokens: TokenStream = source(&path).parse().expect("the compiler reads it too");
        let mut texts = Vec::new();
        look(tokens, false, &mut texts);
        let name = path.display().to_string();
        let texts = texts.into_iter().filter(|(_, t)| !NOT_READ.contains(&t.as_str()));
        found.extend(texts.map(|(line, text)| format!("{name}:{line}: {text}")));
    }
    assert!(found.is_empty(), "{} texts stand in the source:\n{}", found.len(), found.join("\n"));
}

#[test]
fn what_stands_in_the_table_is_shown() {
    let mut used = BTreeSet::new();
    for path in sources() {
        let tokens: TokenStream = source(&path).parse().expect("the compiler reads it too");
        names(tokens, &mut used);
    }
    let mut unused = Vec::new();
    for path in files(Path::new("en"), "toml") {
        let table: toml::Table = toml::from_str(&source(&path)).expect("the build read it");
        for (section, keys) in &table {
            let keys = keys.as_table().expect("the build read it");
            let missing =
                keys.keys().filter(|k| !used.contains(*k) && !used.contains(&k.to_uppercase()));
            unused.extend(missing.map(|k| format!("{}: {section}.{k}", path.display())));
        }
    }
    assert!(unused.is_empty(), "nobody shows:\n{}", unused.join("\n"));
}

/// Texts in `tokens` with their lines; `view` inside of a `view!`.
fn look(tokens: TokenStream, view: bool, found: &mut Vec<(usize, String)>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |i: usize, text: &str| tokens.get(i).is_some_and(|t| t.to_string() == text);
    let before = |i: usize, back: usize| {
        i.checked_sub(back).map(|i| tokens[i].to_string()).unwrap_or_default()
    };
    let mut i = 0;
    while i < tokens.len() {
        match &tokens[i] {
            // Attributes are for the compiler, but `error` is what a person is told.
            TokenTree::Group(group)
                if (before(i, 1) == "#" || before(i, 2) == "#" && before(i, 1) == "!")
                    && group.delimiter() == Delimiter::Bracket =>
            {
                let text = group.to_string().replace(' ', "");
                if text.starts_with("[error(") {
                    look(group.stream(), view, found);
                }
                if text == "[cfg(test)]" && is(i + 1, "mod") {
                    return;
                }
            }
            TokenTree::Group(group) => {
                let view = view || (before(i, 1) == "!" && before(i, 2) == "view");
                look(group.stream(), view, found);
            }
            TokenTree::Literal(literal) => {
                let Some(text) = words(&literal.to_string()) else {
                    i += 1;
                    continue;
                };
                let attribute = if before(i, 1) == "=" { before(i, 2) } else { String::new() };
                let arm = before(i, 1) == ">" && before(i, 2) == "=";
                let child = view && before(i, 1) == ">" && !arm;
                let alone = view && (arm || before(i, 1).is_empty()) && capital(&text);
                let quiet = ["class", "style", "d", "viewBox", "points", "transform"]
                    .contains(&attribute.as_str());
                if (two_words(&text) && !quiet)
                    || (view
                        && letters(&text)
                        && (child || alone || HEARD.contains(&attribute.as_str())))
                {
                    found.push((literal.span().start().line, text));
                }
            }
            _ => {}
        }
        i += 1;
    }
}

/// Identifiers in `tokens`.
fn names(tokens: TokenStream, found: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(name) => {
                found.insert(name.to_string());
            }
            TokenTree::Group(group) => names(group.stream(), found),
            _ => {}
        }
    }
}

/// What a literal says, where it is a text: not a character, number or bytes.
fn words(literal: &str) -> Option<String> {
    let start = literal.find('"')?;
    ["", "r", "r#"]
        .contains(&&literal[..start])
        .then(|| literal[start + 1..].trim_end_matches(['"', '#']).to_owned())
}

/// Whether a text has words, more than the one letter of a key.
fn letters(text: &str) -> bool {
    // What stands in braces is a value.
    let mut depth = 0;
    let said = text.chars().filter(|c| {
        depth += i32::from(*c == '{') - i32::from(*c == '}');
        depth == 0 && c.is_alphabetic()
    });
    said.count() > 1
}

/// A word as a sentence or a button begins, and not a name of the code: `Save`, but not `ArrowDown`.
fn capital(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(char::is_uppercase)
        && letters.next().is_some_and(char::is_lowercase)
        && !letters.any(char::is_uppercase)
}

/// Two words with a space between them: only a text has that.
fn two_words(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(2).any(|pair| {
        let word = |w: &str| {
            w.chars().filter(|c| c.is_alphabetic()).count() > 1
                && !w.contains(['{', '<', '=', ':', '('])
        };
        word(pair[0]) && word(pair[1])
    })
}

fn sources() -> Vec<PathBuf> {
    SOURCES.iter().flat_map(|folder| files(Path::new(folder), "rs")).collect()
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|e| e == ending) && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn source(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
