//! What a server is to be told, a line each, in the run's folder; nothing is ever taken out of it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{End, RunFolder, TrainError, whole};

const WHAT: &str = "what MLflow is to be told";

/// What is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "tell", rename_all = "snake_case")]
pub enum Message {
    /// A run begins, or goes on.
    Begin {
        /// By which it is found again.
        key: String,
        /// The server's address.
        server: String,
        experiment: String,
        name: String,
        /// Folder of the run that it is a part of.
        parent: Option<PathBuf>,
        at_ms: i64,
    },
    Parameters {
        values: BTreeMap<String, String>,
    },
    Tags {
        values: BTreeMap<String, String>,
    },
    Metric {
        name: String,
        step: usize,
        /// `None` for what is no finite number.
        value: Option<f64>,
        at_ms: i64,
    },
    /// A file, by its path below the run's folder.
    Artifact {
        path: String,
    },
    End {
        how: End,
        at_ms: i64,
    },
    /// A line that is none of this program's, as it stands there. Nobody is told of it.
    Damaged {
        line: String,
    },
}

/// How far a server was told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    /// The server's address.
    pub server: String,
    /// What it calls the run; empty before it knows it.
    pub run_id: String,
    /// Where it keeps the run's files.
    pub artifact_uri: String,
    /// Bytes of the outbox that it was told.
    pub bytes: u64,
}

/// The file.
pub struct Outbox {
    path: PathBuf,
    file: File,
}

impl Outbox {
    /// Opens it, or makes it, and gives what is in it. A line that a kill cut short goes.
    ///
    /// # Errors
    /// When it can't be read or written.
    pub fn open(folder: &RunFolder) -> Result<(Outbox, Vec<Message>), TrainError> {
        let path = path_of(folder);
        let failed = |error| TrainError::writing(WHAT, &path, &error);
        std::fs::create_dir_all(folder.mlflow()).map_err(failed)?;
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        let (messages, whole) = read(&path, 0)?;
        file.set_len(whole).map_err(failed)?;
        Ok((Outbox { path: path.clone(), file }, messages.into_iter().map(|(m, _)| m).collect()))
    }

    /// Adds a message.
    ///
    /// # Errors
    /// When the disk says no; what was written of it goes again.
    pub fn append(&mut self, message: &Message) -> Result<(), TrainError> {
        let failed = |error| TrainError::writing(WHAT, &self.path, &error);
        let before = self.file.metadata().map_err(failed)?.len();
        let line = format!("{}\n", serde_json::to_string(message).unwrap_or_default());
        self.file.write_all(line.as_bytes()).map_err(|error| {
            let _ = self.file.set_len(before);
            TrainError::writing(WHAT, &self.path, &error)
        })
    }
}

/// Where it is.
pub fn path_of(folder: &RunFolder) -> PathBuf {
    folder.mlflow().join("outbox.jsonl")
}

/// Messages from a byte on, each with the byte after it, and the byte after the last whole line.
///
/// # Errors
/// When it can't be read.
pub fn read(path: &Path, from: u64) -> Result<(Vec<(Message, u64)>, u64), TrainError> {
    let failed = |error| TrainError::reading(WHAT, path, &error);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((Vec::new(), from)),
        Err(error) => return Err(failed(error)),
    };
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(failed)?;
    let mut messages = Vec::new();
    let mut at = from;
    for line in text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        let damaged =
            |_| Message::Damaged { line: String::from_utf8_lossy(line).trim().to_owned() };
        let message = serde_json::from_slice(line).unwrap_or_else(damaged);
        at += line.len() as u64;
        messages.push((message, at));
    }
    Ok((messages, at))
}

/// Where a line of the outbox begins: a byte, or the first one where no line begins at that. An outbox that a
/// power cut took the end of is told from its beginning.
fn line_at(path: &Path, byte: u64) -> Result<u64, TrainError> {
    let Some(before) = byte.checked_sub(1) else { return Ok(0) };
    let mut last = [0];
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(before))?;
        file.read_exact(&mut last)
    });
    match read {
        Ok(()) => Ok(if last == *b"\n" { byte } else { 0 }),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) => {
            Ok(0)
        }
        Err(error) => Err(TrainError::reading(WHAT, path, &error)),
    }
}

impl Sent {
    /// How far a run was told of; not at all, where nothing is known of it.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read(folder: &RunFolder) -> Result<Sent, TrainError> {
        let path = Sent::path(folder);
        let sent: Sent = match std::fs::read(&path) {
            // To be told again does no harm.
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::NotFound => Sent::default(),
            Err(error) => return Err(TrainError::reading(WHAT, &path, &error)),
        };
        Ok(Sent { bytes: line_at(&path_of(folder), sent.bytes)?, ..sent })
    }

    /// Keeps it.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn keep(&self, folder: &RunFolder) -> Result<(), TrainError> {
        // What was told must not be what a power cut could still take back: what then stood in its place
        // would count as told.
        let path = path_of(folder);
        let synced = OpenOptions::new().append(true).open(&path).and_then(|file| file.sync_data());
        synced.map_err(|error| TrainError::writing(WHAT, &path, &error))?;
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        whole::put("what MLflow was told", &Sent::path(folder), &text)
    }

    fn path(folder: &RunFolder) -> PathBuf {
        folder.mlflow().join("sent.json")
    }
}

/// Takes the notes for whoever tells them, until what comes back is dropped. Whoever comes second waits.
///
/// # Errors
/// When the folder can't be written.
pub fn lock(folder: &RunFolder) -> Result<File, TrainError> {
    let path = folder.mlflow().join("lock");
    let failed = |error| TrainError::writing(WHAT, &path, &error);
    let lock = File::options().write(true).create(true).truncate(false).open(&path);
    let lock = lock.map_err(failed)?;
    lock.lock().map_err(failed)?;
    Ok(lock)
}

/// How many messages a server would not take.
///
/// # Errors
/// When it can't be read.
pub fn refused(folder: &RunFolder) -> Result<usize, TrainError> {
    let path = refused_path(folder);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(bytes.iter().filter(|byte| **byte == b'\n').count()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(TrainError::reading(WHAT, &path, &error)),
    }
}

/// Where it is kept what a server would not take, with its reasons.
pub fn refused_path(folder: &RunFolder) -> PathBuf {
    folder.mlflow().join("refused.jsonl")
}

/// Keeps what a server would not take, with its reason.
///
/// # Errors
/// When the disk says no.
pub fn refuse(folder: &RunFolder, message: &Message, reason: &str) -> Result<(), TrainError> {
    #[derive(Serialize)]
    struct Refused<'a> {
        message: &'a Message,
        reason: &'a str,
    }
    let path = refused_path(folder);
    let failed = |error| TrainError::writing(WHAT, &path, &error);
    let line = serde_json::to_string(&Refused { message, reason }).unwrap_or_default();
    let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
    writeln!(file, "{line}").map_err(failed)
}
