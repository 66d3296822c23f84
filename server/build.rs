//! Tells cargo that the binary carries what trunk built, and packs it as small as Brotli can. That takes ten
//! seconds, which a server should not spend whenever it starts, and saves every visitor an eighth.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[path = "src/http/compressible.rs"]
mod compressible;

fn main() {
    // Asked for when it runs: a build script that was compiled in another clone may run in this one.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let dist = Path::new(&here).join("../dist");
    // Without the folder cargo could not tell when it appears, and would build the crate every time.
    if let Err(error) = fs::create_dir_all(&dist) {
        println!("cargo::warning=the web app's folder dist/ can't be made: {error}");
    }
    println!("cargo::rerun-if-changed=../dist");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/http/compressible.rs");
    if let Err(error) = pack(&dist) {
        println!("cargo::error=the web app can't be packed: {error}");
    }
}

/// Writes `packed/` into cargo's folder for what a build makes, and `packed.rs`: a list of the files' names
/// with their packed bytes.
fn pack(dist: &Path) -> io::Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let folder = out.join("packed");
    fs::create_dir_all(&folder)?;
    let mut names = Vec::new();
    files_below(dist, "", &mut names)?;
    names.retain(|name| compressible::is_compressible(name));
    names.sort();
    let mut list = "&[\n".to_owned();
    for (number, name) in names.iter().enumerate() {
        let (plain, packed) =
            (folder.join(number.to_string()), folder.join(format!("{number}.br")));
        let now = fs::read(dist.join(name))?;
        // What is the same as at the last build is packed already.
        let is_same = fs::read(&plain).is_ok_and(|before| before == now);
        if !is_same || !packed.exists() {
            fs::write(&packed, brotli_of(&now)?)?;
            fs::write(&plain, &now)?;
        }
        list += &format!("({name:?}, include_bytes!({:?})),\n", packed.display().to_string());
    }
    list += "]";
    fs::write(out.join("packed.rs"), list)
}

fn files_below(folder: &Path, before: &str, names: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        match entry.file_type()?.is_dir() {
            true => files_below(&entry.path(), &format!("{name}/"), names)?,
            false => names.push(name),
        }
    }
    Ok(())
}

fn brotli_of(plain: &[u8]) -> io::Result<Vec<u8>> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        // The largest window that browsers take: it spans the whole program.
        lgwin: 24,
        size_hint: plain.len(),
        ..Default::default()
    };
    let mut packed = Vec::with_capacity(plain.len() / 3);
    brotli::BrotliCompress(&mut &*plain, &mut packed, &params)?;
    Ok(packed)
}
