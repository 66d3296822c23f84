//! One worker: takes up a unit, makes it, notes down what came of it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use spyhop_api::job::{RunEnd, UnitRun};

use super::{Core, Run, Shared, Trouble};
use crate::work::ledger::{Claim, Claimed, Failed, WorkError};
use crate::work::now_ms;
use crate::work::registry::UnitContext;
use crate::work::unit::{Remedy, UnitError};

/// Runs of units that are remembered for the task stream.
const RUNS: usize = 400;
/// Rests while there is trouble grow up to this, ms.
const LONGEST_REST_MS: i64 = 60_000;
/// With nothing to do a worker sleeps until it is woken, and looks by itself this often.
const SLEEP: Duration = Duration::from_secs(60);

/// Works until the engine stops.
pub fn run(shared: &Arc<Shared>, worker: u32) {
    while let Some((unit, context)) = next(shared, worker) {
        let result = shared.registry.make(&unit.kind, &unit.payload, &context);
        note_down(shared, &unit, result);
    }
}

/// Waits for a unit; `None` once the engine stops.
fn next(shared: &Arc<Shared>, worker: u32) -> Option<(Claimed, UnitContext)> {
    let mut core = shared.core();
    loop {
        if core.is_stopping {
            return None;
        }
        let now = now_ms();
        let resting = core.trouble.as_ref().map(|t| t.until_ms).filter(|until| *until > now);
        let sleep = match resting {
            Some(until) => until_then(until, now),
            None => match core.claim(worker, shared.settings.memory_bytes, now) {
                Ok(Claim::Unit(unit)) => {
                    let context = core.take_up(shared, &unit, worker, now);
                    shared.is_dirty.store(true, Ordering::Relaxed);
                    return Some((unit, context));
                }
                Ok(Claim::Nothing { next_ms }) => {
                    core.trouble = None;
                    next_ms.map_or(SLEEP, |next| until_then(next, now))
                }
                Ok(Claim::NoRoom) => SLEEP,
                Err(error) => {
                    core.rest(shared, error.to_string());
                    continue;
                }
            },
        };
        core = wait(shared, core, sleep);
    }
}

/// Notes down what came of a unit. Where the ledger can't be written the result is kept and noted
/// down later; only an engine that stops gives it up, and then the unit runs again at the next start.
fn note_down(shared: &Shared, unit: &Claimed, result: Result<Value, UnitError>) {
    let mut core = shared.core();
    loop {
        let (end, noted) = core.note(shared, unit, &result);
        match noted {
            Ok(()) => {
                core.has_ended(unit, end);
                if end != RunEnd::Stopped {
                    core.trouble = None;
                }
                break;
            }
            Err(error) => {
                core.rest(shared, error.to_string());
                if core.is_stopping {
                    core.has_ended(unit, RunEnd::Stopped);
                    break;
                }
                let now = now_ms();
                let until = core.trouble.as_ref().map_or(now, |t| t.until_ms);
                core = wait(shared, core, until_then(until, now));
            }
        }
    }
    drop(core);
    shared.is_dirty.store(true, Ordering::Relaxed);
    shared.work.notify_all();
    shared.ended.notify_all();
}

fn wait<'a>(
    shared: &'a Shared,
    core: MutexGuard<'a, Core>,
    time: Duration,
) -> MutexGuard<'a, Core> {
    shared.work.wait_timeout(core, time).unwrap_or_else(PoisonError::into_inner).0
}

fn until_then(then_ms: i64, now_ms: i64) -> Duration {
    Duration::from_millis((then_ms - now_ms).max(1).unsigned_abs()).min(SLEEP)
}

impl Core {
    fn claim(&mut self, worker: u32, limit_bytes: u64, now_ms: i64) -> Result<Claim, WorkError> {
        let free = limit_bytes.saturating_sub(self.reserved_bytes());
        self.ledger.claim(worker, free, self.running.is_empty(), now_ms)
    }

    /// What the running units were given.
    pub fn reserved_bytes(&self) -> u64 {
        self.running.values().fold(0, |sum, run| sum.saturating_add(run.memory_bytes))
    }

    fn take_up(
        &mut self,
        shared: &Arc<Shared>,
        unit: &Claimed,
        worker: u32,
        now_ms: i64,
    ) -> UnitContext {
        let run = Run {
            worker,
            key: unit.key.clone(),
            kind: unit.kind.clone(),
            start_ms: now_ms,
            memory_bytes: unit.memory_bytes,
            stop: Arc::new(AtomicBool::new(false)),
            fraction: Arc::new(AtomicU32::new(0)),
        };
        let reading = shared.clone();
        let context = UnitContext {
            stop: run.stop.clone(),
            fraction: run.fraction.clone(),
            output_of: Box::new(move |key| reading.reader().output_of(key).ok().flatten()),
        };
        self.running.insert(unit.id, run);
        context
    }

    fn note(
        &mut self,
        shared: &Shared,
        unit: &Claimed,
        result: &Result<Value, UnitError>,
    ) -> (RunEnd, Result<(), WorkError>) {
        let now = now_ms();
        let error = match result {
            Ok(outputs) => return (RunEnd::Done, self.ledger.finish(unit.id, outputs, now)),
            Err(error) => error,
        };
        let was_told =
            self.running.get(&unit.id).is_some_and(|run| run.stop.load(Ordering::Relaxed));
        match error.remedy {
            // Whatever it says: it was told to stop, and may have failed of that.
            _ if was_told => (RunEnd::Stopped, self.ledger.put_back(unit.id)),
            Remedy::Told => (RunEnd::Stopped, self.ledger.put_back(unit.id)),
            Remedy::Space => {
                let noted = self.ledger.put_back(unit.id);
                self.rest(shared, error.message.clone());
                (RunEnd::Stopped, noted)
            }
            Remedy::Time | Remedy::Nothing => {
                let rest = shared.settings.retry_after.get(unit.attempts as usize);
                let rest = rest.filter(|_| error.remedy == Remedy::Time);
                let again_at_ms =
                    rest.map(|d| now.saturating_add(i64::try_from(d.as_millis()).unwrap_or(0)));
                let end = if again_at_ms.is_some() { RunEnd::Again } else { RunEnd::Failed };
                let failed = Failed { message: &error.message, again_at_ms };
                (end, self.ledger.fail(unit.id, failed, now))
            }
        }
    }

    fn has_ended(&mut self, unit: &Claimed, end: RunEnd) {
        let Some(run) = self.running.remove(&unit.id) else { return };
        if end == RunEnd::Done || end == RunEnd::Failed {
            self.ended += 1;
        }
        let number = self.runs.back().map_or(1, |last| last.number + 1);
        self.runs.push_back(UnitRun {
            number,
            worker: run.worker,
            unit: run.key,
            kind: run.kind,
            start_ms: run.start_ms,
            end_ms: now_ms(),
            end,
        });
        if self.runs.len() > RUNS {
            self.runs.pop_front();
        }
    }

    /// Lets everything rest for a while, twice as long as the last time if that was no use.
    fn rest(&mut self, shared: &Shared, message: String) {
        let now = now_ms();
        let first = i64::try_from(shared.settings.rest.as_millis()).unwrap_or(LONGEST_REST_MS);
        let rest_ms = match &self.trouble {
            // Several workers meet the same trouble at once.
            Some(trouble) if trouble.until_ms > now => trouble.rest_ms,
            Some(trouble) => (2 * trouble.rest_ms).min(LONGEST_REST_MS),
            None => first,
        };
        if self.trouble.as_ref().is_none_or(|trouble| trouble.message != message) {
            tracing::warn!("the work rests: {message}");
        }
        self.trouble = Some(Trouble { message, until_ms: now + rest_ms, rest_ms });
        shared.is_dirty.store(true, Ordering::Relaxed);
    }
}
