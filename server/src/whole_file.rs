//! Files that a command writes: under another name until they are whole, so that nothing
//! half-written carries the right one.

use std::fs::File;
use std::io::{BufWriter, ErrorKind};
use std::path::Path;

use anyhow::{Result, bail};

/// Writes `out` by `write`. Where that fails nothing is left behind and what was there stays.
///
/// # Errors
/// When `out` is the recording that is read, can't be written, or `write` fails.
pub fn write<T>(
    out: &Path,
    recording: &Path,
    write: impl FnOnce(BufWriter<File>) -> Result<T>,
) -> Result<T> {
    if is_same(out, recording) {
        bail!("{} is the recording itself: give --out another name", out.display());
    }
    if out.is_dir() {
        bail!("can't write {}: it is a folder; add a file's name", out.display());
    }
    let unfinished = out.with_added_extension("unfinished");
    let file = File::create(&unfinished).map_err(|error| cant_write(out, &error))?;
    let written = write(BufWriter::new(file)).and_then(|value| {
        std::fs::rename(&unfinished, out)?;
        Ok(value)
    });
    written.map_err(|error| {
        // What is left of it is of no use; that it may not be there is no second error.
        let _ = std::fs::remove_file(&unfinished);
        match error.downcast_ref::<std::io::Error>() {
            Some(io) => cant_write(out, io),
            None => error,
        }
    })
}

fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// What a person can do about it, in place of an error number.
fn cant_write(out: &Path, error: &std::io::Error) -> anyhow::Error {
    let reason = match error.kind() {
        ErrorKind::NotFound => "there is no such folder".to_owned(),
        ErrorKind::NotADirectory => "a file stands where its folder should be".to_owned(),
        ErrorKind::PermissionDenied => "this account may not write there".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "that disk may only be read".to_owned(),
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => error.to_string(),
    };
    anyhow::anyhow!("can't write {}: {reason}", out.display())
}
