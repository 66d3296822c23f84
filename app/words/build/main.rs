//! Turns the table of texts, `en/*.toml`, into constants and functions, one module a file and a section.
//!
//! `SPYHOP_LANGUAGE=de` takes `de/*.toml` where it has a text and English where it has none. English gives the
//! keys and the order of arguments; a translation with another key or another `{name}` stops the build.
//! `de/plural.toml` says which numbers its language sets apart, in CLDR's words (see `plural`).

mod plural;
mod table;
mod write;

use std::path::PathBuf;

use plural::Plural;
use table::{PLURAL, Table};

fn main() -> Result<(), String> {
    let home = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let language = std::env::var("SPYHOP_LANGUAGE").unwrap_or_else(|_| "en".to_owned());
    println!("cargo::rerun-if-env-changed=SPYHOP_LANGUAGE");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed={}", home.join("en").display());
    let mut table = Table::read(&home.join("en"), &Plural::english())?;
    if language != "en" {
        let folder = home.join(&language);
        println!("cargo::rerun-if-changed={}", folder.display());
        let plural = Plural::read(&folder.join(PLURAL))?;
        table.translate(&Table::read(&folder, &plural)?)?;
    }
    let out = PathBuf::from(variable("OUT_DIR")?).join("words.rs");
    std::fs::write(&out, write::rust(&table, &language))
        .map_err(|e| format!("{}: {e}", out.display()))
}

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: cargo sets it"))
}
