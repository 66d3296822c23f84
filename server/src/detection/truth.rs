//! Tables beside the recordings that hold every call: how many of them a run found.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use spyhop_api::recall::{CallsKnown, ClassRecall, TruthRecall};
use spyhop_api::{Annotation, RecordingInfo};
use spyhop_signal::Line;
use spyhop_signal::detect::matching::assign;
use spyhop_signal::pyramid::Recorded;
use spyhop_signal::tables::{Sequence, TableError, read_table};

use super::store::{Asked, DetectionStore, StoreError, StoredRun};
use crate::catalogue::{ReadTable, Recordings};

/// How far a candidate may miss a call that it counts as having found.
const BUFFER_NS: i64 = 1_500_000_000;

/// Calls of tables, on the clock.
#[derive(Debug, Default)]
pub struct Truths {
    /// Recordings with a table that could be read, by index.
    pub recordings: BTreeSet<usize>,
    /// Their calls.
    pub calls: Vec<TrueCall>,
    /// Tables that can't be read, a sentence each.
    pub problems: Vec<String>,
}

/// A call of a table.
#[derive(Debug)]
pub struct TrueCall {
    /// What the table says it is.
    pub label: String,
    /// The recording, by index.
    pub recording: usize,
    /// Nanoseconds on the clock of [`Recorded`].
    pub span_ns: Range<i64>,
    /// Its signal-to-noise ratio, where the table has a column of it.
    pub snr_db: Option<f64>,
}

impl Truths {
    /// Reads the tables of a deployment, whose samples lie on the clock as `recorded` says; `None` where
    /// nobody says that they hold every call.
    pub fn read(recordings: &Recordings, recorded: &Recorded) -> Option<Truths> {
        let tables = recordings.tables.as_ref()?;
        Some(Truths::of_each(tables, &recordings.infos, recorded))
    }

    /// Reads a table for each recording that has one.
    pub fn of_each(tables: &ReadTable, infos: &[RecordingInfo], recorded: &Recorded) -> Truths {
        let begins = begins(recorded);
        let mut truths = Truths::default();
        for (index, info) in infos.iter().enumerate() {
            let Some(&start_ns) = begins.get(&index) else { continue };
            let text = match tables(index) {
                None => continue,
                Some(Ok(text)) => text,
                Some(Err(problem)) => {
                    truths.problems.push(problem);
                    continue;
                }
            };
            let alone = std::slice::from_ref(info);
            let Ok((line, _)) = Line::new(alone) else { continue };
            match read_table(&text, &Sequence::new(&line, alone), 1) {
                Err(error) => truths.problems.push(format!("the table of {}: {error}", info.name)),
                Ok(table) => {
                    truths.recordings.insert(index);
                    let of = |call: Annotation| TrueCall::of(call, index, start_ns);
                    truths.calls.extend(table.annotations.into_iter().map(of));
                }
            }
        }
        truths
    }

    /// Reads one table of all recordings, end to end as Raven lays them, or by the files that it names.
    ///
    /// # Errors
    /// When it is no table of calls.
    pub fn of_all(
        text: &str,
        infos: &[RecordingInfo],
        recorded: &Recorded,
    ) -> Result<Truths, TableError> {
        let begins = begins(recorded);
        let Ok((line, _)) = Line::new(infos) else { return Ok(Truths::default()) };
        let table = read_table(text, &Sequence::new(&line, infos), 1)?;
        let mut truths = Truths {
            recordings: begins.keys().copied().collect(),
            problems: table.warnings,
            ..Truths::default()
        };
        for call in table.annotations {
            let position = line.position_at(call.start_ns);
            let run = line.runs.iter().rev().find(|run| run.position <= position);
            let found = run.and_then(|run| {
                let first = line.runs.iter().find(|r| r.recording == run.recording)?;
                let begin_ns = line.nanos_at(first.position);
                Some((run.recording, begins.get(&run.recording)? - begin_ns))
            });
            if let Some((recording, shift_ns)) = found {
                truths.calls.push(TrueCall::of(call, recording, shift_ns));
            }
        }
        Ok(truths)
    }

    /// How many of them a run found, where it has listened.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn recall(
        &self,
        store: &DetectionStore,
        run: &StoredRun,
        recorded: &Recorded,
    ) -> Result<TruthRecall, StoreError> {
        let units = store.units(run.id, i64::MIN, i64::MAX)?;
        let is_heard = |ns: i64| {
            let at = units.partition_point(|unit| unit.end_ns <= ns);
            units.get(at).is_some_and(|unit| unit.start_ns <= ns)
        };
        let mut told = TruthRecall {
            tables: u32::try_from(self.recordings.len()).unwrap_or(u32::MAX),
            recorded_h: recorded
                .runs
                .iter()
                .filter(|run| self.recordings.contains(&run.recording))
                .map(|run| run.frames as f64 / recorded.sample_rate_hz / 3600.0)
                .sum(),
            buffer_s: BUFFER_NS as f64 / 1e9,
            problems: self.problems.clone(),
            ..TruthRecall::default()
        };
        for (index, class) in run.classes.iter().enumerate() {
            let calls: Vec<&TrueCall> = self
                .calls
                .iter()
                .filter(|call| is_class(&call.label, &class.name) && is_heard(call.span_ns.start))
                .collect();
            if calls.is_empty() {
                continue;
            }
            let asked = Asked { class: Some(index), ..Asked::default() };
            let candidates = store.spans(run, &asked)?;
            let spans: Vec<Range<i64>> = calls.iter().map(|call| call.span_ns.clone()).collect();
            let mut groups: BTreeMap<usize, CallsKnown> = BTreeMap::new();
            for call in &calls {
                groups.entry(call.recording).or_default().calls += 1;
            }
            for (call, (_, score)) in assign(&candidates, &spans, BUFFER_NS).iter().zip(&candidates)
            {
                let of = call.and_then(|call| calls.get(call));
                if let Some(group) = of.and_then(|call| groups.get_mut(&call.recording)) {
                    group.found.push(*score);
                }
            }
            let groups = groups.into_values().map(|mut group| {
                group.found.sort_by(|a, b| b.total_cmp(a));
                group
            });
            told.classes.push(ClassRecall { class: class.name.clone(), groups: groups.collect() });
        }
        let others = self.calls.iter().map(|call| call.label.trim());
        let others = others.filter(|label| !run.classes.iter().any(|c| is_class(label, &c.name)));
        told.other_labels =
            others.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect();
        Ok(told)
    }
}

impl TrueCall {
    fn of(call: Annotation, recording: usize, shift_ns: i64) -> TrueCall {
        let is_snr = |column: &str| column.to_ascii_lowercase().starts_with("snr");
        let snr = call.extra.iter().find(|(column, _)| is_snr(column));
        TrueCall {
            snr_db: snr.and_then(|(_, cell)| cell.parse().ok()).filter(|snr: &f64| snr.is_finite()),
            label: call.label,
            recording,
            span_ns: shift_ns + call.start_ns..shift_ns + call.end_ns,
        }
    }
}

/// Whether a label of a table means a class.
pub fn is_class(label: &str, class: &str) -> bool {
    label.trim().eq_ignore_ascii_case(class)
}

/// When each recording begins.
fn begins(recorded: &Recorded) -> HashMap<usize, i64> {
    let mut begins = HashMap::new();
    for run in &recorded.runs {
        begins.entry(run.recording).or_insert(run.start_ns);
    }
    begins
}
