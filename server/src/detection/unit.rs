//! Making a unit: hearing its parts, keeping what begins in its span.

use spyhop_signal::detect::Candidate;
use spyhop_signal::detect::listen::{Found, HearError, ScoreRow, hear};

use super::plan::{Plan, PlannedUnit};
use super::source::{Source, SourceError};
use super::unit_files::{Provenance, UnitFiles};
use crate::catalogue::Recordings;
use crate::work::{UnitContext, UnitError};

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
    /// The source can't listen to these recordings.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// They were not heard to their end.
    #[error(transparent)]
    Hear(#[from] HearError),
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
    let mut found = Found::default();
    let problems = hear(
        &unit.parts,
        plan.channel,
        listener.as_mut(),
        &mut recordings.opener(),
        &mut found,
        &mut |fraction, _| go_on(fraction),
    )?;
    let mut made = Made { found, problems };
    let Found { candidates, scores } = &mut made.found;
    candidates.retain(|(_, candidate)| unit.span_ns.contains(&candidate.start_ns));
    candidates.sort_by(|(a, x), (b, y)| {
        (x.start_ns, x.end_ns, a).cmp(&(y.start_ns, y.end_ns, b)).then(x.score.total_cmp(&y.score))
    });
    scores.retain(|row| unit.span_ns.contains(&row.start_ns));
    Ok(made)
}

/// What the files of a unit hold.
pub struct InFiles {
    pub candidates: Vec<(usize, Candidate)>,
    pub scores: Vec<ScoreRow>,
    pub software: String,
    pub problems: Vec<String>,
}

/// Makes the files of a unit, or reads those that are there. `changed` says what is to be done where a
/// recording is not the one any more that was listed.
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
    changed: fn(String) -> UnitError,
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
        UnitFailure::Hear(HearError::Stopped) => UnitError::stopped(),
        UnitFailure::Hear(HearError::Unreachable(message)) => UnitError::passing(message),
        UnitFailure::Hear(HearError::Changed(message)) => changed(message),
        UnitFailure::Hear(HearError::Listen(error)) => UnitError::lasting(error.to_string()),
        UnitFailure::Source(error) => lasting(error),
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
