//! Reads texts: files, sections and keys, with the `{names}` that a text leaves open.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Value;

/// Texts by file, section and key.
pub struct Table(pub BTreeMap<String, BTreeMap<String, BTreeMap<String, Text>>>);

/// One text.
pub enum Text {
    /// Always the same words, or words with open names.
    Plain(String),
    /// Words that depend on `{count}`: for one, and for every other number.
    Counted { one: String, other: String },
}

impl Table {
    /// The files of `folder`.
    pub fn read(folder: &Path) -> Result<Table, String> {
        let said = |e: std::io::Error| format!("{}: {e}", folder.display());
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(folder).map_err(said)? {
            let path = entry.map_err(said)?.path();
            if path.extension().is_none_or(|e| e != "toml") {
                continue;
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text =
                std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let sections = sections(&text).map_err(|e| format!("{}: {e}", path.display()))?;
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
            Text::Counted { one, other } => {
                let mut all = names(other);
                all.extend(names(one).into_iter().filter(|n| !names(other).contains(n)));
                all.retain(|n| n != "count");
                all
            }
        }
    }

    fn copy(&self) -> Text {
        match self {
            Text::Plain(text) => Text::Plain(text.clone()),
            Text::Counted { one, other } => {
                Text::Counted { one: one.clone(), other: other.clone() }
            }
        }
    }
}

fn sections(text: &str) -> Result<BTreeMap<String, BTreeMap<String, Text>>, String> {
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
            let text = one(&value).map_err(|e| format!("{section}.{key}: {e}"))?;
            texts.insert(key, text);
        }
        sections.insert(section, texts);
    }
    Ok(sections)
}

fn one(value: &Value) -> Result<Text, String> {
    const FORM: &str = "write \"words\", or { one = \"1 thing\", other = \"{count} things\" }";
    match value {
        Value::String(text) => {
            braces(text)?;
            Ok(Text::Plain(text.clone()))
        }
        Value::Table(forms) if forms.len() == 2 => {
            let form = |name: &str| {
                let text = forms.get(name).and_then(Value::as_str).ok_or(FORM)?;
                braces(text).map(|()| text.to_owned())
            };
            Ok(Text::Counted { one: form("one")?, other: form("other")? })
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
