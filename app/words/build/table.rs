//! Reads texts: files, sections and keys, with the `{names}` that a text leaves open.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Value;

use crate::plural::{OTHER, Plural};

/// Texts by file, section and key.
pub struct Table(pub BTreeMap<String, BTreeMap<String, BTreeMap<String, Text>>>);

/// One text.
pub enum Text {
    /// Always the same words, or words with open names.
    Plain(String),
    /// Words that depend on `{count}`: for the numbers that a language sets apart, and for every other.
    Counted(Counted),
}

/// Words by number.
#[derive(Clone)]
pub struct Counted {
    /// What decides, as Rust reads it of `count`, and the words, the first that holds first.
    pub forms: Vec<(String, String)>,
    /// For every other number.
    pub other: String,
}

/// The file of a language's folder that holds no texts: see [`Plural`].
pub const PLURAL: &str = "plural.toml";

impl Table {
    /// The files of `folder`, whose language counts by `plural`.
    pub fn read(folder: &Path, plural: &Plural) -> Result<Table, String> {
        let said = |e: std::io::Error| format!("{}: {e}", folder.display());
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(folder).map_err(said)? {
            let path = entry.map_err(said)?.path();
            let is_texts = path.extension().is_some_and(|e| e == "toml") && !path.ends_with(PLURAL);
            if !is_texts {
                continue;
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text =
                std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let sections =
                sections(&text, plural).map_err(|e| format!("{}: {e}", path.display()))?;
            files.insert(name, sections);
        }
        Ok(Table(files))
    }

    /// Puts the words of `other` in the place of these.
    pub fn translate(&mut self, other: &Table) -> Result<(), String> {
        for (file, sections) in &other.0 {
            for (section, texts) in sections {
                for (key, text) in texts {
                    let place = format!("{file}.toml: {section}.{key}");
                    let ours = self
                        .0
                        .get_mut(file)
                        .and_then(|f| f.get_mut(section))
                        .and_then(|s| s.get_mut(key));
                    let ours = ours.ok_or_else(|| format!("{place}: English has no such text"))?;
                    let (expected, found) = (ours.names(), text.names());
                    if expected.iter().any(|n| !found.contains(n))
                        || found.iter().any(|n| !expected.contains(n))
                    {
                        return Err(format!(
                            "{place}: has {{{}}}, English {{{}}}",
                            found.join("}, {"),
                            expected.join("}, {")
                        ));
                    }
                    *ours = text.copy();
                }
            }
        }
        Ok(())
    }
}

impl Text {
    /// What stands in braces, in the order in which it first comes; `count` of counted texts is not among them.
    pub fn names(&self) -> Vec<String> {
        match self {
            Text::Plain(text) => names(text),
            Text::Counted(counted) => {
                let mut all = names(&counted.other);
                for name in counted.forms.iter().flat_map(|(_, words)| names(words)) {
                    if !all.contains(&name) {
                        all.push(name);
                    }
                }
                all.retain(|n| n != "count");
                all
            }
        }
    }

    fn copy(&self) -> Text {
        match self {
            Text::Plain(text) => Text::Plain(text.clone()),
            Text::Counted(counted) => Text::Counted(counted.clone()),
        }
    }
}

fn sections(
    text: &str,
    plural: &Plural,
) -> Result<BTreeMap<String, BTreeMap<String, Text>>, String> {
    let file: toml::Table = toml::from_str(text).map_err(|e| e.to_string())?;
    let mut sections = BTreeMap::new();
    for (section, value) in file {
        let Value::Table(keys) = value else {
            return Err(format!("{section}: put it under a [section]"));
        };
        name(&section)?;
        let mut texts = BTreeMap::new();
        for (key, value) in keys {
            name(&key)?;
            let text = one(&value, plural).map_err(|e| format!("{section}.{key}: {e}"))?;
            texts.insert(key, text);
        }
        sections.insert(section, texts);
    }
    Ok(sections)
}

fn one(value: &Value, plural: &Plural) -> Result<Text, String> {
    const FORM: &str = "write \"words\", or { one = \"1 thing\", other = \"{count} things\" }";
    match value {
        Value::String(text) => {
            braces(text)?;
            Ok(Text::Plain(text.clone()))
        }
        Value::Table(forms) => {
            if let Some(form) = forms.keys().find(|form| !plural.has(form)) {
                return Err(format!("this language has no numbers of the form '{form}'. {FORM}"));
            }
            let form = |name: &str| {
                let text = forms.get(name).and_then(Value::as_str);
                let text = text.ok_or_else(|| format!("there is no '{name}'. {FORM}"))?;
                braces(text).map(|()| text.to_owned())
            };
            let apart = plural.apart.iter();
            let apart = apart.map(|(name, condition)| Ok((condition.clone(), form(name)?)));
            Ok(Text::Counted(Counted {
                forms: apart.collect::<Result<_, String>>()?,
                other: form(OTHER)?,
            }))
        }
        _ => Err(FORM.to_owned()),
    }
}

fn braces(text: &str) -> Result<(), String> {
    let rest = names(text).iter().fold(text.to_owned(), |t, n| t.replace(&format!("{{{n}}}"), ""));
    if rest.contains(['{', '}']) {
        return Err("braces hold a name: {name}".to_owned());
    }
    names(text).iter().try_for_each(|n| name(n))
}

fn names(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for part in text.split('{').skip(1) {
        let Some((name, _)) = part.split_once('}') else { continue };
        if !all.iter().any(|n| n == name) {
            all.push(name.to_owned());
        }
    }
    all
}

fn name(name: &str) -> Result<(), String> {
    let fine = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    fine.then_some(()).ok_or_else(|| format!("{name}: a name has small letters, digits and _"))
}
