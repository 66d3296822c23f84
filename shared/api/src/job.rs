//! Long work as a person sees it: jobs of many units, who does what, and what failed.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Something of it can run, but nothing does.
    Waiting,
    /// At least one of its units runs.
    Running,
    /// A person paused it.
    Paused,
    /// A person gave it up; what was done is kept.
    Cancelled,
    /// Everything is done.
    Done,
    /// What could be done is; the rest failed, or needs what failed.
    Failed,
}

/// A job and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct JobProgress {
    /// Its number on this server.
    pub id: i64,
    /// What it is, the same in every submission.
    pub key: String,
    /// `pyramid`, `ltsa`, `index`, …
    pub kind: String,
    /// For a person.
    pub title: String,
    /// Id of the deployment that it is about.
    pub deployment: Option<String>,
    /// The greater comes first.
    pub priority: i64,
    /// How it stands.
    pub state: JobState,
    /// When it was first submitted.
    pub created: Timestamp,
    /// When it was last submitted, or a person last wanted something of it.
    pub changed: Timestamp,
    /// Units in all.
    pub total: u64,
    /// Units that wait, for a worker or for each other.
    pub waiting: u64,
    /// Units that run.
    pub running: u64,
    /// Finished units.
    pub done: u64,
    /// Units that failed and are not tried again by themselves.
    pub failed: u64,
    /// 0 to 1: finished units and what is done of those that run.
    pub fraction: f64,
    /// Over the last minute.
    pub units_per_s: f64,
    /// At that speed; `None` where it can't be told.
    pub time_left_s: Option<f64>,
    /// How much sound its units listen to together, hours; `None` where they do something else.
    #[serde(default)]
    pub sound_h: Option<f64>,
}

/// Hours of sound that are heard in some time of a clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoundPace {
    /// So many hours.
    pub hours: f64,
    /// In each of these.
    pub every: PaceUnit,
}

/// What a pace is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaceUnit {
    /// So much a second.
    Second,
    /// So much a minute.
    Minute,
    /// So much an hour.
    Hour,
}

impl SoundPace {
    /// By the shortest time in which a tenth of an hour is heard: `0.01` would tell nothing.
    pub fn of(hours_per_s: f64) -> SoundPace {
        const TELLS_H: f64 = 0.1;
        match hours_per_s {
            h if h >= TELLS_H => SoundPace { hours: h, every: PaceUnit::Second },
            h if h * 60.0 >= TELLS_H => SoundPace { hours: h * 60.0, every: PaceUnit::Minute },
            h => SoundPace { hours: h * 3600.0, every: PaceUnit::Hour },
        }
    }
}

impl JobProgress {
    /// Whether nothing more happens by itself.
    pub fn is_over(&self) -> bool {
        matches!(self.state, JobState::Done | JobState::Failed | JobState::Cancelled)
    }

    /// How much sound was listened to, and how much is in all, hours; `None` where the job does something
    /// else.
    pub fn sound_done_h(&self) -> Option<(f64, f64)> {
        self.sound_h.map(|all| (self.fraction.clamp(0.0, 1.0) * all, all))
    }

    /// How fast it listens; `None` where that is not known, or it does something else.
    pub fn sound_pace(&self) -> Option<SoundPace> {
        let hours = self.sound_h.filter(|_| self.units_per_s > 0.0 && self.total > 0)?;
        Some(SoundPace::of(self.units_per_s * hours / self.total as f64))
    }
}

/// A unit that gave no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UnitFailure {
    /// Its key.
    pub unit: String,
    /// What makes it.
    pub kind: String,
    /// What happened, to which file, and what to do.
    pub message: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it last failed.
    pub at: Timestamp,
}

/// A job with what failed of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct JobDetail {
    /// The job.
    pub job: JobProgress,
    /// The latest failures, at most a hundred.
    pub failures: Vec<UnitFailure>,
}

/// What a worker does now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunningUnit {
    /// Counted from 0.
    pub worker: u32,
    /// The unit's key.
    pub unit: String,
    /// What makes it.
    pub kind: String,
    /// When it began, milliseconds since 1970 by the server's clock.
    pub start_ms: i64,
    /// How much of it is done, 0 to 1, where it tells.
    pub fraction: f64,
}

/// How a run of a unit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// With its outputs.
    Done,
    /// It failed and is tried again later.
    Again,
    /// It failed.
    Failed,
    /// It was told to stop, or the disk was full, and waits again.
    Stopped,
}

/// One run of a unit: a bar in a worker's lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UnitRun {
    /// Counts the runs since the server began.
    pub number: u64,
    /// Counted from 0.
    pub worker: u32,
    /// The unit's key.
    pub unit: String,
    /// What makes it.
    pub kind: String,
    /// When it began, milliseconds since 1970 by the server's clock.
    pub start_ms: i64,
    /// When it ended.
    pub end_ms: i64,
    /// How.
    pub end: RunEnd,
}

/// Everything at one moment: `GET api/v1/jobs`, and each of its server-sent events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct JobsSnapshot {
    /// Milliseconds since 1970 by the server's clock.
    pub at_ms: i64,
    /// All jobs, those that changed last first.
    pub jobs: Vec<JobProgress>,
    /// Of all jobs, over the last minute.
    pub units_per_s: f64,
    /// How many workers there are; 0 where nobody works.
    pub workers: u32,
    /// What they do now.
    pub running: Vec<RunningUnit>,
    /// What they did last, in the order in which it ended. An event brings those that the one before
    /// did not.
    pub runs: Vec<UnitRun>,
    /// Memory of the server's process, bytes, where the system tells.
    pub process_bytes: Option<u64>,
    /// Memory that the running units were given, bytes.
    pub reserved_bytes: u64,
    /// What they are given at most together, bytes.
    pub limit_bytes: u64,
    /// Why nothing runs, where something keeps the engine: a full disk, a locked ledger.
    pub trouble: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_told_by_the_shortest_time_that_says_something() {
        let told = [0.67, 0.1, 0.0475, 0.0036, 1e-4].map(SoundPace::of);
        let (second, minute, hour) = (PaceUnit::Second, PaceUnit::Minute, PaceUnit::Hour);
        assert_eq!(told.map(|pace| pace.every), [second, second, minute, minute, hour]);
        assert!((told[2].hours - 2.85).abs() < 1e-9 && (told[4].hours - 0.36).abs() < 1e-9);
    }
}
