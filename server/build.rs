//! Tells cargo that the binary carries what trunk built.

use std::path::Path;

fn main() {
    // Without the folder cargo could not tell when it appears, and would build the crate every time.
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist");
    if let Err(error) = std::fs::create_dir_all(&dist) {
        println!("cargo::warning=the web app's folder dist/ can't be made: {error}");
    }
    println!("cargo::rerun-if-changed=../dist");
    println!("cargo::rerun-if-changed=build.rs");
}
