//! Tells those who watch what has changed, measures, and notices what other processes wrote.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use spyhop_api::job::{JobProgress, JobState, JobsSnapshot, RunningUnit};

use super::Shared;
use crate::work::ledger::WorkError;
use crate::work::{memory, now_ms};

/// Between two looks: at most ten events a second.
const LOOK: Duration = Duration::from_millis(100);
/// Between two measurements while something runs, ms.
const MEASURE_MS: i64 = 1000;

/// Reports until the engine stops.
pub fn run(shared: &Shared) {
    let mut measured_ms = 0;
    loop {
        {
            let mut core = shared.core();
            if core.is_stopping {
                return;
            }
            // `spyhop jobs cancel` writes its wish into the ledger. A ledger that can't be read now
            // is looked at again in a moment; the workers say what the matter is.
            let changed = core.ledger.changed_elsewhere().unwrap_or(false);
            drop(core);
            if changed && let Err(error) = shared.wishes_changed() {
                tracing::warn!("{error}");
            }
        }
        let now = now_ms();
        let is_watched = shared.latest.receiver_count() > 0;
        let is_time = (now - measured_ms).abs() >= MEASURE_MS && shared.is_working();
        if is_time || (is_watched && shared.is_dirty.swap(false, Ordering::Relaxed)) {
            match shared.snapshot() {
                Ok(snapshot) => {
                    if is_time {
                        measured_ms = now;
                        shared.note_measured(&snapshot.jobs, now);
                    }
                    shared.latest.send_replace(Arc::new(snapshot));
                }
                Err(error) => tracing::warn!("{error}"),
            }
        }
        std::thread::sleep(LOOK);
    }
}

impl Shared {
    fn is_working(&self) -> bool {
        !self.core().running.is_empty()
    }

    /// Everything as it is now.
    pub fn snapshot(&self) -> Result<JobsSnapshot, WorkError> {
        let now = now_ms();
        let mut jobs = self.reader().jobs(now)?;
        let core = self.core();
        let mut running: Vec<RunningUnit> = core
            .running
            .values()
            .map(|run| RunningUnit {
                worker: run.worker,
                unit: run.key.clone(),
                kind: run.kind.clone(),
                start_ms: run.start_ms,
                fraction: f64::from(f32::from_bits(run.fraction.load(Ordering::Relaxed))),
            })
            .collect();
        running.sort_by_key(|run| run.worker);
        let fractions: Vec<(i64, f64)> = core
            .running
            .iter()
            .map(|(id, run)| (*id, f64::from(f32::from_bits(run.fraction.load(Ordering::Relaxed)))))
            .collect();
        let mut snapshot = JobsSnapshot {
            at_ms: now,
            workers: self.settings.workers.max(1),
            running,
            runs: core.runs.iter().cloned().collect(),
            process_bytes: memory::process_bytes(),
            reserved_bytes: core.reserved_bytes(),
            limit_bytes: self.settings.memory_bytes,
            trouble: core.trouble.as_ref().map(|trouble| trouble.message.clone()),
            ..JobsSnapshot::default()
        };
        let ended = core.ended;
        drop(core);
        let wanted_by = self.reader().wanted_by(fractions.iter().map(|(id, _)| *id))?;
        let mut meter = self.meter.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for job in &mut jobs {
            let of_job = fractions.iter().zip(&wanted_by);
            let running_done =
                of_job.filter(|(_, jobs)| jobs.contains(&job.id)).map(|((_, f), _)| f).sum();
            meter.measure(job, running_done, now);
        }
        snapshot.units_per_s = meter.measure_all(ended as f64, now);
        snapshot.jobs = jobs;
        Ok(snapshot)
    }

    /// For those who look in from another process.
    fn note_measured(&self, jobs: &[JobProgress], now_ms: i64) {
        let running: Vec<JobProgress> =
            jobs.iter().filter(|job| job.state == JobState::Running).cloned().collect();
        if let Err(error) = self.core().ledger.measured(&running, now_ms) {
            tracing::warn!("{error}");
        }
    }
}
