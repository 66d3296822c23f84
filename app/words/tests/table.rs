//! The table is whole: what the pages show stands in it, and what stands in it is shown.

use std::collections::{BTreeMap, BTreeSet};
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
        let texts = texts.into_iter().filter(|t| !NOT_READ.contains(&t.as_str()));
        found.extend(texts.map(|text| format!("{name}: {text}")));
    }
    assert!(found.is_empty(), "{} texts stand in the source:\n{}", found.len(), found.join("\n"));
}

#[test]
fn what_stands_in_the_table_is_shown() {
    let files_of_pages: BTreeMap<PathBuf, Vec<String>> = sources()
        .into_iter()
        .map(|path| {
            let tokens = source(&path).parse().expect("the compiler reads it too");
            let mut flat = Vec::new();
            flatten(tokens, &mut flat);
            (path, flat)
        })
        .collect();
    let mut used = Used::default();
    let bound: BTreeMap<&PathBuf, Bound> =
        files_of_pages.iter().map(|(path, tokens)| (path, used.read(tokens))).collect();
    for (path, tokens) in &files_of_pages {
        used.follow_names(tokens, |name| {
            // What a file does not bind it has of the modules around it.
            let around = path.ancestors().skip(1).map(|folder| folder.with_extension("rs"));
            let places = std::iter::once(path.clone()).chain(around);
            places.filter_map(|place| bound.get(&place)?.get(name).cloned()).next()
        });
    }
    let mut unused = Vec::new();
    for path in files(Path::new("en"), "toml") {
        let table: toml::Table = toml::from_str(&source(&path)).expect("the build read it");
        for (section, keys) in &table {
            let keys = keys.as_table().expect("the build read it");
            let file = path.file_stem().expect("it has a name").to_string_lossy();
            let missing = keys.keys().filter(|key| !used.has([&file, section, key]));
            unused.extend(missing.map(|k| format!("{}: {section}.{k}", path.display())));
        }
    }
    assert!(unused.is_empty(), "nobody shows:\n{}", unused.join("\n"));
}

/// Texts in `tokens`; `view` inside of a `view!`.
fn look(tokens: TokenStream, view: bool, found: &mut Vec<String>) {
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
                    found.push(text);
                }
            }
            _ => {}
        }
        i += 1;
    }
}

/// What a file calls sections of the table, or files of it.
type Bound = BTreeMap<String, BTreeSet<Vec<String>>>;

/// Texts that the pages take from the table.
#[derive(Default)]
struct Used {
    /// File, section and name of a text.
    texts: BTreeSet<Vec<String>>,
    /// What a module gives on as its own, `*` for a whole section: it counts by its name alone.
    given_on: BTreeSet<Vec<String>>,
    /// How often each name stands in the sources.
    names: BTreeMap<String, usize>,
}

impl Used {
    /// Reads the paths of a file that begin with the table's name; gives what they bind.
    fn read(&mut self, tokens: &[String]) -> Bound {
        let mut bound = Bound::new();
        for (i, token) in tokens.iter().enumerate() {
            *self.names.entry(token.clone()).or_default() += 1;
            if token != "spyhop_words" {
                continue;
            }
            let is_public =
                i > 1 && tokens[i - 1] == "use" && ["pub", ")"].contains(&&*tokens[i - 2]);
            let mut found = Vec::new();
            leaves(&tokens[i + 1..], Vec::new(), &mut found);
            for (path, name) in found {
                if is_public && path.len() == 2 {
                    self.given_on.insert([path.clone(), vec!["*".to_owned()]].concat());
                }
                if path.len() > 2 && is_public {
                    self.given_on.insert(path);
                } else if path.len() > 2 {
                    self.take(path);
                } else if !path.is_empty() {
                    bound.entry(name).or_default().insert(path);
                }
            }
        }
        bound
    }

    /// Follows the paths of a file that begin with a name which `bound` knows.
    fn follow_names(
        &mut self,
        tokens: &[String],
        bound: impl Fn(&str) -> Option<BTreeSet<Vec<String>>>,
    ) {
        for (i, name) in tokens.iter().enumerate() {
            let goes_on = tokens[i + 1..].starts_with(&[":".to_owned(), ":".to_owned()]);
            let is_inner = tokens[..i].ends_with(&[":".to_owned(), ":".to_owned()]);
            if !goes_on || is_inner {
                continue;
            }
            for path in bound(name).into_iter().flatten() {
                let mut found = Vec::new();
                leaves(&tokens[i + 1..], path, &mut found);
                found.into_iter().for_each(|(path, _)| self.take(path));
            }
        }
    }

    fn take(&mut self, path: Vec<String>) {
        if path.len() > 2 {
            let into = if path[2] == "*" { &mut self.given_on } else { &mut self.texts };
            into.insert(path[..3].to_vec());
        }
    }

    /// Whether a text is shown: file, section and key.
    fn has(&self, [file, section, key]: [&str; 3]) -> bool {
        [key.to_owned(), key.to_uppercase()].iter().any(|name| {
            let path = |last: &str| [file, section, last].map(str::to_owned).to_vec();
            let count = self.names.get(name).copied().unwrap_or_default();
            self.texts.contains(&path(name))
                || (self.given_on.contains(&path("*")) && count > 0)
                || (self.given_on.contains(&path(name)) && count > 1)
        })
    }
}

/// Tokens in a row, with the braces of their groups.
fn flatten(tokens: TokenStream, found: &mut Vec<String>) {
    for token in tokens {
        let TokenTree::Group(group) = token else {
            found.push(token.to_string());
            continue;
        };
        let (open, close) = match group.delimiter() {
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            _ => ("(", ")"),
        };
        found.push(open.to_owned());
        flatten(group.stream(), found);
        found.push(close.to_owned());
    }
}

/// Where a path leads that `tokens` go on with after `path`, each with the name it gets; gives how many
/// tokens it has.
fn leaves(
    tokens: &[String],
    mut path: Vec<String>,
    found: &mut Vec<(Vec<String>, String)>,
) -> usize {
    let at = |i: usize| tokens.get(i).map(String::as_str).unwrap_or_default();
    let mut i = 0;
    while (at(i), at(i + 1)) == (":", ":") {
        i += 3;
        match at(i - 1) {
            "{" => {
                while !["}", ""].contains(&at(i)) {
                    let mut inner = path.clone();
                    inner.extend((![",", "self"].contains(&at(i))).then(|| at(i).to_owned()));
                    let is_one = at(i) != ",";
                    i += 1;
                    if is_one {
                        i += leaves(&tokens[i..], inner, found);
                    }
                }
                return i + 1;
            }
            name => path.push(name.to_owned()),
        }
    }
    let mut name = path.last().cloned().unwrap_or_default();
    if at(i) == "as" {
        name = at(i + 1).to_owned();
        i += 2;
    }
    found.push((path, name));
    i
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
