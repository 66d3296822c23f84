//! Writes texts as Rust: a constant where nothing is open, else a function of what is.

use crate::table::{Counted, Table, Text};

/// The modules of `table`.
pub fn rust(table: &Table, language: &str) -> String {
    let mut out = format!(
        "/// The language of these texts, as HTML's `lang` takes it.\npub const LANGUAGE: &str = {language:?};\n"
    );
    for (file, sections) in &table.0 {
        out += &format!("/// Texts of `{file}.toml`.\npub mod {file} {{\n");
        for (section, texts) in sections {
            out += &format!("/// Texts of `{file}.toml`, `[{section}]`.\npub mod {section} {{\n");
            for (key, text) in texts {
                out += &item(key, text);
            }
            out += "}\n";
        }
        out += "}\n";
    }
    out
}

/// What gives one form of a counted text: it may leave nothing open.
fn form(words: &str) -> String {
    if words.contains('{') {
        format!("format!({words:?})")
    } else {
        format!("{words:?}.to_owned()")
    }
}

fn item(key: &str, text: &Text) -> String {
    let names = text.names();
    let arguments: Vec<String> =
        names.iter().map(|n| format!("{n}: impl ::core::fmt::Display")).collect();
    let arguments = arguments.join(", ");
    match text {
        Text::Plain(words) if names.is_empty() => {
            format!("#[doc = {words:?}]\npub const {}: &str = {words:?};\n", key.to_uppercase())
        }
        Text::Plain(words) => {
            format!(
                "#[doc = {words:?}]\npub fn {key}({arguments}) -> String {{ format!({words:?}) }}\n"
            )
        }
        Text::Counted(Counted { forms, other }) => {
            let comma = if arguments.is_empty() { "" } else { ", " };
            let chosen = |(condition, words): &(String, String)| {
                format!("if {condition} {{ {} }} else ", form(words))
            };
            let chosen: String = forms.iter().map(chosen).collect();
            format!(
                "#[doc = {other:?}]\npub fn {key}(count: usize{comma}{arguments}) -> String {{\n    \
                 {chosen}{{ {} }}\n}}\n",
                form(other)
            )
        }
    }
}
