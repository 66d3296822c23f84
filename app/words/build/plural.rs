//! Which words go with which number: "1 plik, 2 pliki, 5 plików".
//!
//! A language's `plural.toml` has the rules that CLDR publishes for its cardinal numbers, letter for letter
//! (unicode.org/cldr/charts, "Language Plural Rules"; their grammar is Unicode Technical Standard 35, part 3):
//!
//! ```toml
//! one = "i = 1 and v = 0"
//! few = "v = 0 and i % 10 = 2..4 and i % 100 != 12..14"
//! many = "v = 0 and i != 1 and i % 10 = 0..1 or v = 0 and i % 10 = 5..9 or v = 0 and i % 100 = 12..14"
//! ```
//!
//! The page counts whole things alone, so every rule becomes a comparison of one integer when the page is built,
//! and the page carries neither rules nor a library that reads them.

use std::path::Path;

/// The form of every number that no rule sets apart.
pub const OTHER: &str = "other";
/// The forms that CLDR knows beside it.
const APART: [&str; 5] = ["zero", "one", "two", "few", "many"];

/// The numbers that a language sets apart.
pub struct Plural {
    /// Each form with its rule as Rust reads it of `count`.
    pub apart: Vec<(String, String)>,
}

impl Plural {
    /// One, and every other number.
    pub fn english() -> Plural {
        Plural { apart: vec![("one".to_owned(), "count == 1".to_owned())] }
    }

    /// The rules of a language's folder; English ones where it has none.
    pub fn read(path: &Path) -> Result<Plural, String> {
        if !path.exists() {
            return Ok(Plural::english());
        }
        let said = |e: String| format!("{}: {e}", path.display());
        let text = std::fs::read_to_string(path).map_err(|e| said(e.to_string()))?;
        Plural::parse(&text).map_err(said)
    }

    /// Reads the text of a `plural.toml`.
    pub fn parse(text: &str) -> Result<Plural, String> {
        let rules: toml::Table = toml::from_str(text).map_err(|e| e.to_string())?;
        let mut apart = Vec::new();
        for (form, rule) in &rules {
            if !APART.contains(&form.as_str()) {
                return Err(format!("'{form}' is no form: {} are", APART.join(", ")));
            }
            let rule =
                rule.as_str().ok_or_else(|| format!("{form}: write the rule as \"i = 1\""))?;
            apart.push((form.clone(), condition(rule).map_err(|e| format!("{form}: {e}"))?));
        }
        Ok(Plural { apart })
    }

    /// Whether texts of the language may have this form.
    pub fn has(&self, form: &str) -> bool {
        form == OTHER || self.apart.iter().any(|(name, _)| name == form)
    }
}

/// A rule as Rust.
fn condition(rule: &str) -> Result<String, String> {
    // What follows are examples.
    let rule = rule.split('@').next().unwrap_or_default();
    let mut any = Vec::new();
    for part in rule.split(" or ") {
        let relations: Result<Vec<Relation>, String> = part.split(" and ").map(relation).collect();
        let relations = relations?;
        if relations.contains(&Relation::Never) {
            continue;
        }
        let all: Vec<String> = relations.into_iter().filter_map(Relation::rust).collect();
        any.push(if all.is_empty() { "true".to_owned() } else { all.join(" && ") });
    }
    Ok(if any.is_empty() { "false".to_owned() } else { any.join(" || ") })
}

/// What one comparison says of whole numbers.
#[derive(PartialEq)]
enum Relation {
    Always,
    Never,
    Of(String),
}

impl Relation {
    fn rust(self) -> Option<String> {
        match self {
            Relation::Of(rust) => Some(rust),
            Relation::Always | Relation::Never => None,
        }
    }
}

/// `i % 10 = 2..4`, `n != 0,1`.
fn relation(text: &str) -> Result<Relation, String> {
    let what = || format!("'{}' is no relation as \"i % 10 = 2..4\"", text.trim());
    let (left, right) = text.split_once('=').ok_or_else(what)?;
    let (left, is_not) = left.strip_suffix('!').map_or((left, false), |left| (left, true));
    let (operand, modulus) = match left.split_once('%') {
        Some((operand, modulus)) => (operand.trim(), Some(number(modulus)?)),
        None => (left.trim(), None),
    };
    let ranges: Result<Vec<(u64, u64)>, String> = right
        .split(',')
        .map(|part| match part.split_once("..") {
            Some((from, to)) => Ok((number(from)?, number(to)?)),
            None => number(part).map(|only| (only, only)),
        })
        .collect();
    let ranges = ranges?;
    match operand {
        "n" | "i" => {}
        // Digits behind the point and powers of ten: a whole number that is written out has none.
        "v" | "w" | "f" | "t" | "c" | "e" => {
            let has_zero = ranges.iter().any(|(from, _)| *from == 0);
            return Ok(if has_zero == is_not { Relation::Never } else { Relation::Always });
        }
        _ => return Err(what()),
    }
    let value = modulus.map_or("count".to_owned(), |modulus| format!("count % {modulus}"));
    Ok(Relation::Of(match (ranges.as_slice(), is_not) {
        ([(from, to)], false) if from == to => format!("{value} == {from}"),
        ([(from, to)], true) if from == to => format!("{value} != {from}"),
        _ => {
            let patterns: Vec<String> = ranges
                .iter()
                .map(
                    |(from, to)| {
                        if from == to { from.to_string() } else { format!("{from}..={to}") }
                    },
                )
                .collect();
            format!("{}matches!({value}, {})", if is_not { "!" } else { "" }, patterns.join(" | "))
        }
    }))
}

fn number(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| format!("'{}' is no whole number", text.trim()))
}
