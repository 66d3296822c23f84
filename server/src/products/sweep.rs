//! What of earlier products may go.
//!
//! Rows are named by what made them, and whoever changes a recording, a calibration or an averaging time
//! makes new ones: nothing says that the old are never wanted again, but they can be made again. So they go
//! when nobody has used them for [`KEPT_FOR`], and those used longest ago when all take more than
//! [`MOST_BYTES`].

use std::fs;
use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Rows that nobody used for so long go.
pub const KEPT_FOR: Duration = Duration::from_secs(90 * 86_400);
/// What all rows of a state folder take at most.
pub const MOST_BYTES: u64 = 32 << 30;
/// Another command may be using what was used within this, and no limit takes it away.
const IN_USE_FOR: Duration = Duration::from_secs(86_400);

/// Notes that rows are used. That it can't be noted is no error: they may go sooner.
pub fn note_use(rows: &Path) {
    let file = fs::File::options().append(true).open(rows);
    let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
}

/// Removes what has not been used for long from the folder of all deployments' products, and what was left
/// half written. `most_bytes` is [`MOST_BYTES`] but in tests.
///
/// # Errors
/// When a file can't be looked at or removed.
pub fn sweep(products: &Path, now: SystemTime, most_bytes: u64) -> Result<()> {
    // When each was used last, its length and path.
    let mut rows: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for folder in entries(products)? {
        for path in entries(&folder)? {
            let about = match path.metadata() {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                about => about?,
            };
            rows.push((about.modified()?, about.len(), path));
        }
    }
    rows.sort();
    let mut bytes: u64 = rows.iter().map(|row| row.1).sum();
    for (used, length, path) in rows {
        let idle = now.duration_since(used).unwrap_or_default();
        let is_torn = path.extension().is_none_or(|ending| ending != "rows");
        let may_go = idle > KEPT_FOR || bytes > most_bytes || is_torn;
        if may_go && idle > IN_USE_FOR {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => bytes -= length,
            }
        }
    }
    Ok(())
}

/// What lies in a folder; nothing where there is none, or it is a file.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    match folder.read_dir() {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_nobody_uses_go_and_those_in_use_stay() {
        let scratch = tempfile::tempdir().expect("a folder");
        let folder = scratch.path().join("deployment");
        fs::create_dir(&folder).expect("made");
        let now = SystemTime::now();
        let put = |name: &str, days: u64| {
            let path = folder.join(name);
            fs::write(&path, [0; 100]).expect("written");
            let file = fs::File::options().append(true).open(&path).expect("opened");
            file.set_modified(now - Duration::from_secs(days * 86_400)).expect("dated");
        };
        let left = |most_bytes| {
            sweep(scratch.path(), now, most_bytes).expect("swept");
            let mut names: Vec<String> = entries(&folder)
                .expect("listed")
                .iter()
                .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        put("a.rows", 91);
        put("b.rows", 89);
        put("c.rows", 5);
        put("d.unfinished-17", 3);
        put("e.unfinished-18", 0);
        put("f.rows", 0);
        assert_eq!(left(1 << 20), ["b.rows", "c.rows", "e.unfinished-18", "f.rows"]);
        // 400 bytes, of which 250 may stay: what was used longest ago goes, what is in use never.
        assert_eq!(left(250), ["e.unfinished-18", "f.rows"]);
        assert_eq!(left(0), ["e.unfinished-18", "f.rows"]);
        put("f.rows", 91);
        note_use(&folder.join("f.rows"));
        assert_eq!(left(1 << 20), ["e.unfinished-18", "f.rows"]);
        assert!(sweep(&scratch.path().join("nowhere"), now, 0).is_ok());
    }
}
