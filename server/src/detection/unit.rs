//! Making a unit: hearing its parts, keeping what begins in its span.

use spyhop_api::Timestamp;
use spyhop_signal::detect::Candidate;
use spyhop_signal::{OpenError, Recording};

use super::listen::{Found, ScoreRow};
use super::plan::{Plan, PlannedUnit};
use super::source::{Source, SourceError};
use super::unit_files::{Provenance, UnitFiles};
use crate::catalogue::Recordings;
use crate::work::{UnitContext, UnitError};

/// Samples that are read at a time.
const PIECE_SAMPLES: u64 = 1 << 18;

/// What a unit gives.
#[derive(Debug, Default)]
pub struct Made {
    /// Candidates and scores that begin in its span, in order of time.
    pub found: Found,
    /// What could not be heard, for a person.
    pub problems: Vec<String>,
}

/// Why it gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum UnitFailure {
    /// Someone said so.
    #[error("it was stopped")]
    Stopped,
    /// A recording could not be had; it may be there later.
    #[error("{0}")]
    Unreachable(String),
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The network failed.
    #[error("{0}")]
    Listen(#[from] super::listen::ListenError),
}

/// Makes a unit: a pure function of what its key is a hash of. A recording that is damaged counts as not
/// recorded from there on, and is told of. `go_on` is told how much is done, 0 to 1, and says whether to go
/// on.
///
/// # Errors
/// When a recording can't be had, the source fails, or it was stopped.
pub fn make(
    plan: &Plan,
    unit: &PlannedUnit,
    source: &Source,
    recordings: &Recordings,
    go_on: &mut dyn FnMut(f64) -> bool,
) -> Result<Made, UnitFailure> {
    let mut listener = source.listener(plan.recorded.sample_rate_hz)?;
    let mut made = Made::default();
    let all: u64 = unit.parts.iter().map(|part| part.frames.end - part.frames.start).sum();
    let mut done = 0;
    let mut opener = recordings.opener();
    let mut open: Option<(usize, Recording)> = None;
    let mut samples = Vec::new();
    for part in &unit.parts {
        let run = &part.run;
        if open.as_ref().is_none_or(|(index, _)| *index != run.recording) {
            open = match opener(run.recording) {
                Ok(recording) => Some((run.recording, recording)),
                Err(error) => {
                    note(error, &mut made.problems)?;
                    None
                }
            };
        }
        let Some((_, recording)) = &mut open else { continue };
        listener.begin(Timestamp(run.start_ns), part.frames.start, &mut made.found)?;
        let mut at = part.frames.start;
        while at < part.frames.end {
            if !go_on(done as f64 / all.max(1) as f64) {
                return Err(UnitFailure::Stopped);
            }
            let count = PIECE_SAMPLES.min(part.frames.end - at);
            let first = run.first_frame + at;
            let read = recording.read_channel(first, count as usize, plan.channel, &mut samples);
            if let Err(error) = read {
                note(error, &mut made.problems)?;
                break;
            }
            listener.push(&samples, &mut made.found)?;
            if (samples.len() as u64) < count {
                let name = &recording.info.name;
                made.problems.push(format!("{name} ends before the length that its header tells"));
                break;
            }
            at += count;
            done += count;
        }
    }
    listener.finish(&mut made.found)?;
    let Found { candidates, scores } = &mut made.found;
    candidates.retain(|(_, candidate)| unit.span_ns.contains(&candidate.start_ns));
    candidates.sort_by(|(a, x), (b, y)| {
        (x.start_ns, x.end_ns, a).cmp(&(y.start_ns, y.end_ns, b)).then(x.score.total_cmp(&y.score))
    });
    scores.retain(|row| unit.span_ns.contains(&row.start_ns));
    made.problems.sort();
    made.problems.dedup();
    Ok(made)
}

/// What the files of a unit hold.
pub struct InFiles {
    pub candidates: Vec<(usize, Candidate)>,
    pub scores: Vec<ScoreRow>,
    pub software: String,
    pub problems: Vec<String>,
}

/// Makes the files of a unit, or reads those that are there.
///
/// # Errors
/// When a recording can't be had, the disk says no, or it was told to stop.
pub fn make_files(
    plan: &Plan,
    unit: &PlannedUnit,
    source: &Source,
    recordings: &Recordings,
    files: &UnitFiles,
    context: &UnitContext,
) -> Result<InFiles, UnitError> {
    let lasting = |error: SourceError| UnitError::lasting(error.to_string());
    let classes = source.classes();
    if files.are_there()
        && let (Ok(calls), Ok(scores)) = (files.read_calls(&classes), files.read_scores())
    {
        return Ok(InFiles {
            candidates: calls.candidates,
            scores,
            software: calls.software,
            problems: calls.problems,
        });
    }
    let go_on = &mut |fraction: f64| {
        context.progress(fraction);
        !context.cancelled()
    };
    let made = make(plan, unit, source, recordings, go_on).map_err(|failure| match failure {
        UnitFailure::Stopped => UnitError::stopped(),
        UnitFailure::Unreachable(message) => UnitError::passing(message),
        UnitFailure::Source(error) => lasting(error),
        UnitFailure::Listen(error) => UnitError::lasting(error.to_string()),
    })?;
    let described = source.described().map_err(lasting)?;
    let provenance = Provenance {
        source: &described,
        classes: &classes,
        channel: plan.channel,
        dated: plan.recorded.dated,
        problems: &made.problems,
    };
    let written = files.write(&made.found, &provenance);
    written.map_err(|error| UnitError::of_file(&error, &files.calls))?;
    Ok(InFiles {
        candidates: made.found.candidates,
        scores: made.found.scores,
        software: described.software,
        problems: made.problems,
    })
}

/// A damaged recording is told of; one that can't be had now stops the unit.
fn note(error: OpenError, problems: &mut Vec<String>) -> Result<(), UnitFailure> {
    match error {
        OpenError::Source { .. } => Err(UnitFailure::Unreachable(error.to_string())),
        error => {
            problems.push(error.to_string());
            Ok(())
        }
    }
}
