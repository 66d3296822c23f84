//! Tables beside the recordings that hold every call: how many of them a run found.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use spyhop_api::recall::{CallsKnown, ClassRecall, TruthRecall};
use spyhop_api::{Annotation, RecordingInfo};
use spyhop_signal::Line;
use spyhop_signal::detect::matching::assign;
use spyhop_signal::pyramid::{ClockRun, Recorded};
use spyhop_signal::tables::{Imported, Sequence, TableError, read_table};

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
    /// What of tables can't be read, is left out or doubtful, a sentence each.
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
    /// Its band, where the table has one.
    pub band_hz: Option<(f64, f64)>,
    /// Its signal-to-noise ratio, where the table has a column of it.
    pub snr_db: Option<f64>,
}

impl Truths {
    /// Reads the tables of a deployment, whose samples lie on the clock as `recorded` says; `None` where
    /// nobody says that they hold every call.
    pub fn read(recordings: &Recordings, recorded: &Recorded) -> Option<Truths> {
        let tables = recordings.tables.as_ref()?;
        Some(Truths::of_each(&tables.read, &recordings.infos, recorded))
    }

    /// Reads a table for each recording that has one. Where two recordings overlap, the later one is not heard
    /// before the earlier one's end: what its table says of that time is told by the earlier one's, if that has
    /// one.
    pub fn of_each(tables: &ReadTable, infos: &[RecordingInfo], recorded: &Recorded) -> Truths {
        let begins = begins(recorded);
        let mut truths = Truths::default();
        for (index, info) in infos.iter().enumerate() {
            let Some(first) = begins.get(&index) else { continue };
            let (line, table) = match table_of(tables, index, info) {
                None => continue,
                Some(Ok(table)) => table,
                Some(Err(problem)) => {
                    truths.problems.push(problem);
                    continue;
                }
            };
            // The table counts from the file's first sample, of which an overlap may have been cut.
            let start_ns = first.start_ns - line_ns(&line, first.first_frame);
            truths.recordings.insert(index);
            let warnings = table.warnings.into_iter();
            truths.problems.extend(warnings.map(|warning| of_table(info, &warning)));
            let of = |call: Annotation| TrueCall::of(call, index, start_ns);
            truths.calls.extend(table.annotations.into_iter().map(of));
        }
        let is_told_twice = |call: &TrueCall| {
            let middle_ns = call.span_ns.start.midpoint(call.span_ns.end);
            let is_cut =
                begins.get(&call.recording).is_some_and(|first| middle_ns < first.start_ns);
            let runs = recorded.runs.partition_point(|run| run.start_ns <= middle_ns);
            let heard = runs.checked_sub(1).and_then(|run| recorded.runs.get(run));
            is_cut && heard.is_some_and(|run| truths.recordings.contains(&run.recording))
        };
        let calls = std::mem::take(&mut truths.calls);
        truths.calls = calls.into_iter().filter(|call| !is_told_twice(call)).collect();
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
                Some((run.recording, begins.get(&run.recording)?.start_ns - begin_ns))
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
            band_hz: call.low_hz.zip(call.high_hz),
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

/// Reads the table of a recording: the line that its calls lie on, and what it holds. `None` where it has no
/// table.
///
/// # Errors
/// A sentence, when it can't be read.
pub fn table_of(
    tables: &ReadTable,
    index: usize,
    info: &RecordingInfo,
) -> Option<Result<(Line, Imported), String>> {
    let alone = std::slice::from_ref(info);
    // What holds no sample is told of elsewhere.
    let (line, _) = Line::new(alone).ok()?;
    let read = |text: String| {
        let table = read_table(&text, &Sequence::new(&line, alone), 1);
        table.map_err(|error| of_table(info, &error.to_string()))
    };
    let table = tables(index)?.and_then(read);
    Some(table.map(|table| (line, table)))
}

/// A sentence about a recording's table.
fn of_table(info: &RecordingInfo, sentence: &str) -> String {
    format!("the table of {}: {sentence}", info.name)
}

/// When a frame of a recording was taken, nanoseconds since its first.
fn line_ns(line: &Line, frame: u64) -> i64 {
    let run = line.runs.iter().rev().find(|run| run.first_frame <= frame);
    run.map_or(0, |run| {
        let into = i64::try_from(frame - run.first_frame).unwrap_or(i64::MAX);
        line.nanos_at(run.position.saturating_add(into))
    })
}

/// Each recording's first run.
fn begins(recorded: &Recorded) -> HashMap<usize, ClockRun> {
    let mut begins = HashMap::new();
    for run in &recorded.runs {
        begins.entry(run.recording).or_insert(*run);
    }
    begins
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_signal::formats::{self, OpenOptions, wav_writer::wav_pcm16};

    const S: i64 = 1_000_000_000;

    /// A minute at 100 Hz.
    fn info(name: &str) -> RecordingInfo {
        let bytes = wav_pcm16(&[1; 6000], 1, 100);
        formats::open(name, Box::new(bytes), &OpenOptions::default()).expect("a WAV").info
    }

    fn table(begins_s: &[f64]) -> String {
        let row = |begin_s: &f64| format!("{begin_s}\t{}\tupcall\n", begin_s + 1.0);
        let rows: String = begins_s.iter().map(row).collect();
        format!("Begin Time (s)\tEnd Time (s)\tLabel\n{rows}")
    }

    /// The second recording begins 10 s before the first one ends: its frames from 10 s on are heard.
    #[test]
    fn tables_of_recordings_that_overlap_count_from_each_file_s_first_sample() {
        let infos = [info("x_20200101_000000.wav"), info("x_20200101_000050.wav")];
        let (recorded, _) = Recorded::new(&infos).expect("recordings");
        assert_eq!(recorded.runs[1].first_frame, 1000);
        let zero = recorded.runs[0].start_ns;
        let read = |tables: [Option<&[f64]>; 2]| -> Vec<(usize, i64)> {
            let texts = tables.map(|begins_s| begins_s.map(table));
            let tables: ReadTable =
                std::sync::Arc::new(move |index: usize| texts[index].clone().map(Ok));
            let truths = Truths::of_each(&tables, &infos, &recorded);
            assert_eq!(truths.problems, [""; 0]);
            let calls = truths.calls.iter();
            calls.map(|call| (call.recording, (call.span_ns.start - zero) / S)).collect()
        };
        // A call at 52 s of the clock is in both tables, and counts once.
        assert_eq!(read([Some(&[5.0, 52.0]), Some(&[2.0, 20.0])]), [(0, 5), (0, 52), (1, 70)]);
        assert_eq!(read([None, Some(&[2.0, 20.0])]), [(1, 52), (1, 70)]);
    }
    #[test]
    fn what_a_table_says_of_other_recordings_is_told() {
        let infos = [info("x_20200101_000000.wav"), info("x_20200101_000100.wav")];
        let (recorded, _) = Recorded::new(&infos).expect("recordings");
        let header = "Begin Time (s)\tEnd Time (s)\tLabel\tBegin File\n";
        // One of two recordings, one of another one alone.
        let texts = [
            format!("{header}5\t6\tupcall\tx_20200101_000000.wav\n9\t10\tupcall\ty.wav\n"),
            format!("{header}7\t8\tupcall\ty.wav\n"),
        ];
        let tables: ReadTable =
            std::sync::Arc::new(move |index: usize| texts.get(index).cloned().map(Ok));
        let truths = Truths::of_each(&tables, &infos, &recorded);
        assert_eq!(truths.calls.len(), 2);
        let [left_out, doubtful] = truths.problems.as_slice() else { panic!("{truths:?}") };
        assert!(
            left_out.contains("the table of x_20200101_000000.wav: 1 rows belong to"),
            "{left_out}"
        );
        assert!(
            doubtful.contains("the table was made for y.wav, the open recording is"),
            "{doubtful}"
        );
    }
}
