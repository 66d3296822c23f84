//! Which units of work a source over a channel of a deployment is made of.

use std::collections::HashSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use spyhop_api::RecordingInfo;
use spyhop_api::detection::DetectionSource;
use spyhop_api::time::NANOS_PER_S;
use spyhop_signal::detect::listen::Part;
use spyhop_signal::line::LineError;
use spyhop_signal::pyramid::Recorded;

use super::source::{Source, SourceError};
use crate::work::key_of;

/// Changes when the same samples give other candidates: older files then are of no use.
const REVISION: u32 = 1;
/// A unit spans an hour of the clock, or half an hour where a second has many samples.
const UNIT_NS: i64 = 3600 * NANOS_PER_S;
const MANY_SAMPLES_HZ: f64 = 24_000.0;

/// A source over a channel of a deployment, planned.
pub struct Plan {
    pub channel: u32,
    /// Where samples lie on the clock.
    pub recorded: Recorded,
    /// Recordings that are left out, by index, with the reason.
    pub left_out: Vec<(usize, String)>,
    /// How long the pieces are that scores are of.
    pub score_s: f64,
    /// In clock order.
    pub units: Vec<PlannedUnit>,
}

/// What a plan needs to know of a source at a sampling rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reach {
    /// The rate of the recordings.
    pub rate_hz: f64,
    /// How much before and after a call decides about it, nanoseconds.
    pub ns: i64,
    /// How long the pieces are that its scores are of.
    pub score_s: f64,
}

impl Reach {
    /// # Errors
    /// When recordings of this rate don't hold what the source listens for.
    pub fn of(source: &Source, rate_hz: f64) -> Result<Reach, SourceError> {
        let listener = source.listener(rate_hz)?;
        Ok(Reach { rate_hz, ns: listener.reach_ns(), score_s: listener.score_s() })
    }
}

/// A span of the clock.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedUnit {
    /// A hash of all that its candidates are made from.
    pub key: String,
    /// Candidates that begin in it are its own.
    pub span_ns: Range<i64>,
    /// What it hears, before and after its span too.
    pub parts: Vec<Part>,
    /// How much was recorded in the span itself, seconds.
    pub recorded_s: f64,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The source can't listen to these recordings.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Nothing was recorded.
    #[error(transparent)]
    Nothing(#[from] LineError),
    /// A description that has no JSON.
    #[error("the detection can't be planned: {0}")]
    Key(#[from] serde_json::Error),
}

impl Plan {
    /// Plans a source over a channel of `infos`.
    ///
    /// # Errors
    /// When nothing was recorded, or the recordings don't hold what the source listens for.
    pub fn new(infos: &[RecordingInfo], source: &Source, channel: u32) -> Result<Plan, PlanError> {
        let laid = Recorded::new(infos)?;
        let reach = Reach::of(source, laid.0.sample_rate_hz)?;
        Plan::of(infos, laid, &source.described()?, reach, channel)
    }

    /// Plans a source that need not be open, over recordings that are laid on the clock.
    ///
    /// # Errors
    /// When a description has no JSON.
    pub fn of(
        infos: &[RecordingInfo],
        (recorded, left_out): (Recorded, Vec<(usize, String)>),
        described: &DetectionSource,
        reach: Reach,
        channel: u32,
    ) -> Result<Plan, PlanError> {
        let rate_hz = recorded.sample_rate_hz;
        let Reach { ns: reach_ns, score_s, .. } = reach;
        let made_by = (
            REVISION,
            described.with_adapter(),
            described.is_model,
            &described.fingerprint,
            &described.config_hash,
        );
        let base = key_of("detect", &(made_by, channel, rate_hz, recorded.dated))?;
        let mut plan = Plan { channel, recorded, left_out, score_s, units: Vec::new() };
        let unit_ns = if rate_hz > MANY_SAMPLES_HZ { UNIT_NS / 2 } else { UNIT_NS };
        let mut cells: Vec<i64> = Vec::new();
        for run in &plan.recorded.runs {
            let span = plan.recorded.run_span_ns(run);
            let last = (span.end - 1).max(span.start).div_euclid(unit_ns);
            let first = span.start.div_euclid(unit_ns);
            let fresh = cells.last().map_or(first, |cell| first.max(cell + 1));
            cells.extend(fresh..=last);
        }
        for cell in cells {
            let span_ns = cell * unit_ns..(cell + 1) * unit_ns;
            let heard_ns =
                span_ns.start.saturating_sub(reach_ns)..span_ns.end.saturating_add(reach_ns);
            let parts = plan.parts(&heard_ns);
            let within = plan.parts(&span_ns);
            let frames: u64 = within.iter().map(|part| part.frames.end - part.frames.start).sum();
            if frames == 0 {
                continue;
            }
            // A run far away that only says where samples lie has no say in the key.
            let made_of: Vec<_> = parts
                .iter()
                .map(|part| {
                    let print = infos.get(part.run.recording).map(|info| &info.fingerprint);
                    (print, part.run.first_frame, part.run.start_ns, &part.frames)
                })
                .collect();
            let key = key_of("detect", &(&base, cell, unit_ns, made_of))?;
            let recorded_s = frames as f64 / rate_hz;
            plan.units.push(PlannedUnit { key, span_ns, parts, recorded_s });
        }
        Ok(plan)
    }

    /// The parts of runs in a span of the clock.
    fn parts(&self, span_ns: &Range<i64>) -> Vec<Part> {
        let rate_hz = self.recorded.sample_rate_hz;
        let runs = &self.recorded.runs;
        // Runs do not overlap: those before the first one that ends in the span end earlier.
        let from = runs.partition_point(|run| self.recorded.run_span_ns(run).end <= span_ns.start);
        runs[from..]
            .iter()
            .take_while(|run| run.start_ns < span_ns.end)
            .map(|run| Part { run: *run, frames: run.frames_within(span_ns, rate_hz) })
            .filter(|part| !part.frames.is_empty())
            .collect()
    }

    /// Recordings that are left out, a sentence each.
    pub fn left_out(&self, infos: &[RecordingInfo]) -> impl Iterator<Item = String> {
        self.left_out.iter().map(|(index, reason)| {
            let name = infos.get(*index).map_or("", |info| &info.name);
            format!("{name} is left out: {reason}")
        })
    }

    /// The unit of a key.
    pub fn unit(&self, key: &str) -> Option<&PlannedUnit> {
        self.units.iter().find(|unit| unit.key == key)
    }

    /// The keys of all units.
    pub fn keys(&self) -> HashSet<&str> {
        self.units.iter().map(|unit| unit.key.as_str()).collect()
    }

    /// How much was recorded in all units, hours.
    pub fn recorded_h(&self) -> f64 {
        self.units.iter().map(|unit| unit.recorded_s).sum::<f64>() / 3600.0
    }
}
