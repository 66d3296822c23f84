//! How a run goes, in a file that whoever looks on may read: a server beside it, or a person later.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use spyhop_config::{Metric, Training};

use crate::{End, EpochReport, RunFolder, Told, TrainError, whole};

const WHAT: &str = "the status of the run";
/// The file is written at most so often.
const EVERY: Duration = Duration::from_millis(500);
/// Whoever asks whether somebody trains holds the lock for a moment.
const LOCK_ATTEMPTS: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(40);

/// How a run goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunStatus {
    /// How it ended; `None` while it goes on, or where it was killed.
    pub end: Option<End>,
    /// What went wrong.
    pub problem: Option<String>,
    /// When it first began, milliseconds since 1970.
    pub began_ms: i64,
    /// When this was written, likewise.
    pub at_ms: i64,
    /// Seconds that were trained, all goes together.
    pub spent_s: f64,
    /// The current epoch, counted from 1.
    pub epoch: usize,
    /// All that it may take.
    pub epochs: usize,
    /// Batches of the epoch that are done.
    pub batch: usize,
    /// All of them.
    pub batches: usize,
    /// Mean loss of the epoch so far.
    pub loss: Option<f64>,
    /// Learning rate.
    pub rate: Option<f64>,
    /// Windows a second since it began or went on.
    pub windows_per_s: Option<f64>,
    /// Seconds to the last epoch at this speed.
    pub left_s: Option<f64>,
    /// Numbers that are trained.
    pub trained: usize,
    /// All numbers of the network.
    pub parameters: usize,
    /// Which figure says what is the best: `ap`, `f1`, `accuracy` or `loss`.
    pub metric: String,
    /// Figures of the best epoch so far.
    pub best: Option<EpochReport>,
}

/// Writes the status of a run, and holds its folder.
pub struct Journal<'a> {
    folder: &'a RunFolder,
    now: Mutex<Now>,
    /// Closing it gives the folder back.
    _lock: File,
}

struct Now {
    status: RunStatus,
    has_begun: bool,
    begun: Instant,
    spent_before_s: f64,
    written: Option<Instant>,
}

impl RunStatus {
    /// Reads the status of a run; `None` where there is none yet.
    ///
    /// # Errors
    /// When it can't be read or understood.
    pub fn read(folder: &RunFolder) -> Result<Option<RunStatus>, TrainError> {
        let path = folder.status();
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| TrainError::file(&path, format!("{WHAT} is damaged ({error})"))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(TrainError::reading(WHAT, &path, &error)),
        }
    }
}

/// Whether somebody trains in a folder now. A process that was killed does not.
pub fn is_training(folder: &RunFolder) -> bool {
    // Opened for reading: nothing is made where there is no run.
    let Ok(lock) = File::open(folder.lock()) else { return false };
    matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
}

impl Journal<'_> {
    /// Takes the folder for this process.
    ///
    /// # Errors
    /// When somebody else trains there, or it can't be written.
    pub fn open<'a>(folder: &'a RunFolder, said: &Training) -> Result<Journal<'a>, TrainError> {
        let path = folder.lock();
        let failed = |error| TrainError::writing("the lock of the run", &path, &error);
        std::fs::create_dir_all(folder.path()).map_err(failed)?;
        let lock = File::options().write(true).create(true).truncate(false).open(&path);
        let lock = lock.map_err(failed)?;
        for attempt in 1.. {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempt < LOCK_ATTEMPTS => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(TrainError::file(
                        folder.path(),
                        "another spyhop trains in this folder: wait for it, or give this run another general.run_name",
                    ));
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        // What an older program wrote there is written anew.
        let before = RunStatus::read(folder).ok().flatten().unwrap_or_default();
        let metric = match said.model_trainer.early_stopping.metric {
            Metric::Ap => "ap",
            Metric::F1 => "f1",
            Metric::Accuracy => "accuracy",
            Metric::Loss => "loss",
        };
        let spent_before_s = before.spent_s;
        let status = RunStatus {
            end: None,
            problem: None,
            epochs: said.model_trainer.num_epochs,
            left_s: None,
            windows_per_s: None,
            metric: metric.to_owned(),
            ..before
        };
        let now =
            Now { status, has_begun: false, begun: Instant::now(), spent_before_s, written: None };
        Ok(Journal { folder, now: Mutex::new(now), _lock: lock })
    }

    /// The run begins, or goes on.
    ///
    /// # Errors
    /// When the status can't be written.
    pub fn begin(&self) -> Result<(), TrainError> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.has_begun = true;
        if now.status.began_ms == 0 {
            now.status.began_ms = now_ms();
        }
        now.write(self.folder)
            .map_err(|error| TrainError::writing(WHAT, &self.folder.status(), &error))
    }

    /// Notes how it goes.
    pub fn saw(&self, told: &Told) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let status = &mut now.status;
        match told {
            Told::Features(..) | Told::Leak(_) | Told::Placed(_) => return,
            Told::Share(share) => {
                (status.trained, status.parameters) = (share.trained, share.all);
            }
            Told::Batch { epoch, batch, batches, loss, rate, windows_per_s, left_s } => {
                (status.epoch, status.batch, status.batches) = (*epoch, *batch, *batches);
                (status.loss, status.rate) = (Some(*loss), Some(*rate));
                (status.windows_per_s, status.left_s) = (Some(*windows_per_s), Some(*left_s));
            }
            Told::Epoch(report) => {
                (status.epoch, status.batch) = (report.epoch, status.batches);
                if report.is_best {
                    status.best = Some(report.clone());
                }
            }
        }
        let is_news = matches!(told, Told::Epoch(_))
            || now.written.is_none_or(|written| written.elapsed() >= EVERY);
        if now.has_begun && is_news {
            // For onlookers alone: a disk that is full is told of by what has to be kept.
            let _ = now.write(self.folder);
        }
    }

    /// The run ends, for now. Where one goes on that is there already, and this is another one, what stood
    /// there stays.
    ///
    /// # Errors
    /// When the status can't be written.
    pub fn end(&self, how: End, problem: Option<String>) -> Result<(), TrainError> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if !now.has_begun && self.folder.state().exists() {
            return Ok(());
        }
        if now.status.began_ms == 0 {
            now.status.began_ms = now_ms();
        }
        now.status.end = Some(how);
        now.status.problem = problem;
        now.status.left_s = None;
        now.write(self.folder)
            .map_err(|error| TrainError::writing(WHAT, &self.folder.status(), &error))
    }
}

impl Now {
    /// Another may read it at any moment: it is whole or the one before. That a power cut could take it back
    /// does no harm, so that nothing waits for the disk.
    fn write(&mut self, folder: &RunFolder) -> std::io::Result<()> {
        self.status.at_ms = now_ms();
        self.status.spent_s = self.spent_before_s + self.begun.elapsed().as_secs_f64();
        self.written = Some(Instant::now());
        let text = serde_json::to_vec_pretty(&self.status)?;
        whole::put_lightly(&folder.status(), &text)
    }
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// What an error means for the run.
pub fn end_of<T>(outcome: &Result<T, TrainError>) -> (End, Option<String>) {
    match outcome {
        Ok(_) => (End::Done, None),
        Err(TrainError::Stopped) => (End::Stopped, None),
        Err(error) => (End::Failed, Some(error.to_string())),
    }
}

/// The name of a run's folder.
pub fn name_of(folder: &Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
