//! The command line: what it prints, what it writes, and how it says no.

mod beside;
mod carried;
mod dataset;
mod decode;
mod detect;
mod evaluate;
mod help;
mod info;
mod models;
mod refusals;
mod score;
mod spectrogram;
mod story;
mod train;
mod transcribe;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use spyhop_tests::{program, sounds};

/// What a run said to a person.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a subcommand on a file; `rest` are its other arguments, as on a command line.
fn run(command: &str, file: &Path, rest: &str) -> anyhow::Result<Output> {
    let before = [OsStr::new(command), file.as_os_str()];
    program::run(before.into_iter().chain(rest.split_whitespace().map(OsStr::new)))
}

/// The same with `--out`, which must succeed.
fn written(command: &str, file: &Path, rest: &str, out: &Path) -> anyhow::Result<Output> {
    let output = out_to(command, file, rest, out)?;
    anyhow::ensure!(output.status.success(), "{}", said(&output));
    Ok(output)
}

/// The same, whatever comes of it.
fn out_to(command: &str, file: &Path, rest: &str, out: &Path) -> anyhow::Result<Output> {
    let before = [OsStr::new(command), file.as_os_str(), OsStr::new("--out"), out.as_os_str()];
    program::run(before.into_iter().chain(rest.split_whitespace().map(OsStr::new)))
}

/// What `info --json` prints for a file.
fn info(file: &Path) -> anyhow::Result<Value> {
    let output = run("info", file, "--json")?;
    anyhow::ensure!(output.status.success(), "{}", said(&output));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A FLAC file with bytes in its middle that are not as they were written.
fn damaged_flac(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut flac = std::fs::read(fixture("s16.flac"))?;
    let middle = flac.len() / 2;
    for byte in &mut flac[middle..middle + 50] {
        *byte ^= 0x5A;
    }
    sounds::write(folder, "damaged.flac", &flac)
}

/// A file that libsndfile wrote, from the fixtures of the readers.
fn fixture(name: &str) -> PathBuf {
    let formats = "../shared/signal/tests/fixtures/formats";
    Path::new(env!("CARGO_MANIFEST_DIR")).join(formats).join(name)
}
