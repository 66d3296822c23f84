//! Copying recordings from a place to a folder: piece by piece, going on where it was interrupted,
//! checked where the store tells a checksum.
//!
//! A file is called `<name>.<version>.part` until it is whole, checked and on the disk; only then it
//! gets its name. What is there already, with the right length, is left alone.

mod checksum;
mod dclde2013;

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use spyhop_signal::formats::NameTime;

use crate::place::{Listed, Place, PlaceError};
use checksum::Checksum;
pub use dclde2013::{ADDRESS as DCLDE2013_ADDRESS, NAME as DCLDE2013};

/// Files under way at a time.
const AT_ONCE: usize = 4;
/// Times that a file is gone on with after its connection broke.
const TRIES: usize = 5;
/// Days in nanoseconds.
const DAY_NS: i64 = 86_400_000_000_000;

/// What is to be copied.
pub struct Plan {
    /// All files, by their path.
    pub files: Vec<Listed>,
    /// How many of them are there already.
    pub there: usize,
    /// Bytes that are still to come, parts that are there left out.
    pub bytes: u64,
}

/// Why a file could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The place does not give it.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The disk does not take it.
    #[error("{} can't be written: {}", path.display(), disk_reason(error))]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// What came is not what the store has.
    #[error(
        "{path} arrived damaged: its checksum is not the one the store tells. It was thrown away: try again"
    )]
    Checksum {
        /// Below the place.
        path: String,
    },
    /// It ended early, again and again.
    #[error("{path} ended after {got} of {expected} bytes: try again, it goes on from there")]
    Short {
        /// Below the place.
        path: String,
        /// Bytes that came.
        got: u64,
        /// Its length as it was listed.
        expected: u64,
    },
}

impl FetchError {
    /// Whether every other file will fail for the same reason.
    fn stops_all(&self) -> bool {
        matches!(self, FetchError::Disk { error, .. } if error.kind() == ErrorKind::StorageFull)
    }
}

fn disk_reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::StorageFull => {
            "the disk is full: free some space and start again, it goes on from there".into()
        }
        _ => error.to_string(),
    }
}

/// Lists what a place holds and what of it is missing in `folder`. `days` keeps the first days with
/// recordings, by the dates in their names; files without a date are always wanted.
///
/// # Errors
/// When the place can't be listed.
pub fn plan(place: &Place, folder: &Path, days: Option<usize>) -> Result<Plan, PlaceError> {
    let mut files = place.list(|_| true)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    if let Some(days) = days {
        let day = |file: &Listed| {
            let time = NameTime::find(file.folder_and_name().1, None)?;
            Some(time.clock.0.div_euclid(DAY_NS))
        };
        let kept: BTreeSet<i64> = files.iter().filter_map(day).collect();
        let kept: BTreeSet<i64> = kept.into_iter().take(days).collect();
        files.retain(|file| day(file).is_none_or(|day| kept.contains(&day)));
    }
    let len = |path: PathBuf| path.metadata().map_or(0, |m| m.len());
    let there = files.iter().filter(|file| is_there(folder, file)).count();
    let missing = files.iter().filter(|file| !is_there(folder, file));
    let bytes = missing.map(|f| f.bytes.saturating_sub(len(part_path(folder, f)))).sum();
    Ok(Plan { files, there, bytes })
}

/// Copies what is missing; what went wrong with single files comes back. `came` is told of each piece
/// that arrived (and of what a damaged file had to be taken back, as a negative number).
pub fn run(
    place: &Place,
    plan: Plan,
    folder: &Path,
    came: &(dyn Fn(i64) + Sync),
) -> Vec<FetchError> {
    let missing: Vec<Listed> = plan.files.into_iter().filter(|f| !is_there(folder, f)).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let missing = place.with_digests(missing);
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(missing.len()) {
            scope.spawn(|| {
                while !stopped.load(Ordering::Relaxed)
                    && let Some(file) = missing.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    if let Err(error) = fetch(place, file, folder, came) {
                        stopped.fetch_or(error.stops_all(), Ordering::Relaxed);
                        failures.lock().unwrap_or_else(|e| e.into_inner()).push(error);
                    }
                }
            });
        }
    });
    failures.into_inner().unwrap_or_else(|e| e.into_inner())
}

/// Copies one file, going on with what is there of it.
fn fetch(
    place: &Place,
    file: &Listed,
    folder: &Path,
    came: &(dyn Fn(i64) + Sync),
) -> Result<(), FetchError> {
    let (part, whole) = (part_path(folder, file), path_in(folder, file));
    let disk = |path: &Path| {
        let path = path.to_owned();
        move |error| FetchError::Disk { path, error }
    };
    if let Some(parent) = whole.parent() {
        std::fs::create_dir_all(parent).map_err(disk(parent))?;
    }
    let mut at_all = 0;
    let (mut got, mut checksum) = begun(&part, file).map_err(disk(&part))?;
    loop {
        let before = got;
        let failure = if got < file.bytes || file.bytes == 0 {
            let mut out =
                OpenOptions::new().append(true).create(true).open(&part).map_err(disk(&part))?;
            out.set_len(got).map_err(disk(&part))?;
            let copied = place.copy(file, got, &mut |piece| {
                out.write_all(piece)?;
                checksum.take(piece);
                got += piece.len() as u64;
                came(i64::try_from(piece.len()).unwrap_or(0));
                Ok(())
            });
            out.sync_all().map_err(disk(&part))?;
            copied.err()
        } else {
            None
        };
        at_all += 1;
        match failure {
            None if got == file.bytes => break,
            Some(PlaceError::Disk(error)) => return Err(disk(&part)(error)),
            // A place without ranges gives no rest: from the beginning then.
            Some(_) if got == before && before > 0 && at_all == 1 => {
                came(-i64::try_from(got).unwrap_or(0));
                (got, checksum) = (0, Checksum::of(file.digest));
                std::fs::remove_file(&part).map_err(disk(&part))?;
            }
            Some(error) if at_all >= TRIES || got == before => return Err(error.into()),
            None if got > file.bytes || at_all >= TRIES || got == before => {
                let path = file.path.clone();
                return Err(FetchError::Short { path, got, expected: file.bytes });
            }
            _ => {}
        }
    }
    if !checksum.fits(file.digest) {
        came(-i64::try_from(got).unwrap_or(0));
        std::fs::remove_file(&part).map_err(disk(&part))?;
        return Err(FetchError::Checksum { path: file.path.clone() });
    }
    std::fs::rename(&part, &whole).map_err(disk(&whole))?;
    // So that the name too is on the disk; where folders can't be opened the system sees to it.
    if let Some(Ok(parent)) = whole.parent().map(File::open) {
        let _ = parent.sync_all();
    }
    Ok(())
}

/// How much of a file is there, taken into its checksum.
fn begun(part: &Path, file: &Listed) -> std::io::Result<(u64, Checksum)> {
    let mut checksum = Checksum::of(file.digest);
    let mut there = match File::open(part) {
        Ok(there) => there,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((0, checksum)),
        Err(error) => return Err(error),
    };
    if there.metadata()?.len() > file.bytes {
        return Ok((0, checksum));
    }
    let (mut got, mut block) = (0, vec![0; 1 << 20]);
    loop {
        match there.read(&mut block)? {
            0 => return Ok((got, checksum)),
            count => {
                checksum.take(&block[..count]);
                got += count as u64;
            }
        }
    }
}

fn is_there(folder: &Path, file: &Listed) -> bool {
    path_in(folder, file).metadata().is_ok_and(|m| m.is_file() && m.len() == file.bytes)
}

fn path_in(folder: &Path, file: &Listed) -> PathBuf {
    file.path.split('/').fold(folder.to_owned(), |path, part| path.join(part))
}

/// Where a file lies until it is whole; parts of another version of it are not gone on with.
fn part_path(folder: &Path, file: &Listed) -> PathBuf {
    let version = format!("{} {}", file.bytes, file.version);
    let hash = blake3::hash(version.as_bytes()).to_hex();
    let mut path = path_in(folder, file).into_os_string();
    path.push(format!(".{}.part", &hash.as_str()[..8]));
    path.into()
}

#[cfg(test)]
mod tests;
