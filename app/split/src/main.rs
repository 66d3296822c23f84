//! `spyhop-split LINKED FOLDER`: cuts the page's program, as cargo linked it (with `--emit-relocs`), into
//! what the first picture needs and the parts that are fetched when something of them is first shown.
//!
//! FOLDER then holds `main.wasm`, which is for wasm-bindgen; the parts; and `spyhop-parts.js`, by which the
//! program fetches them.

mod fetching;
mod sections;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, anyhow, bail};
use wasm_split_cli_support::{Options, transform};

/// What the program imports its parts from.
const SCRIPT: &str = "spyhop-parts.js";

fn main() -> anyhow::Result<()> {
    let mut args = env::args_os().skip(1).map(PathBuf::from);
    let (Some(linked), Some(folder), None) = (args.next(), args.next(), args.next()) else {
        bail!("say  spyhop-split LINKED.wasm FOLDER");
    };
    split(&linked, &folder)
}

fn split(linked: &Path, folder: &Path) -> anyhow::Result<()> {
    let program =
        fs::read(linked).with_context(|| format!("{} can't be read", linked.display()))?;
    // A part fits the program that it was cut from and no other: a page that was opened before the server
    // was renewed must not find one by the same name.
    let hash = blake3::hash(&program).to_hex();
    let hash = &hash[..16];
    let cut = folder.join("cut");
    let main = folder.join("main.wasm");
    let link = format!("./{SCRIPT}");
    let mut options = Options::new(&program);
    options.output_dir = &cut;
    options.main_out_path = &main;
    options.link_name = &link;
    let made = transform(options)
        .map_err(|error| anyhow!("{} can't be split: {error:#}", linked.display()))?;
    let name = |stem: &str| format!("spyhop-{}-{hash}.wasm", stem.replace('_', "-"));
    for path in &made.split_modules {
        let part = fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let bare =
            sections::bare(&part).with_context(|| format!("{} is broken", path.display()))?;
        fs::write(folder.join(name(&stem)), bare)?;
    }
    let parts: BTreeMap<&str, Vec<String>> = made
        .prefetch_map
        .iter()
        .map(|(part, stems)| (part.as_str(), stems.iter().map(|stem| name(stem)).collect()))
        .collect();
    fs::write(folder.join(SCRIPT), fetching::script(&parts))?;
    fs::remove_dir_all(&cut)?;
    Ok(())
}
