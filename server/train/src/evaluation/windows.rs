//! Window level: recordings cut into windows of one length, end to end, whatever was scored in them.
//!
//! All sources are asked about the same windows, so that they can be compared. A window holds a call whose
//! middle lies in it. One that a call, or its buffer, touches otherwise is neither with nor without a call: who
//! says that there is one is half right. Its score is the best one of the pieces whose middles lie in it.

use std::ops::Range;

use super::Session;
use super::curve::Ranked;
use super::tally::Tally;

/// A window.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredWindow {
    /// The recording, by index.
    pub recording: usize,
    /// By class: whether it holds a call; `None` is neither.
    pub holds: Vec<Option<bool>>,
    /// By class: its score.
    pub scores: Vec<f32>,
}

/// How windows are told apart, a row for each class that is there and one for none; columns are what was
/// told, likewise.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Confusion {
    /// The classes, `none` the last.
    pub labels: Vec<String>,
    /// Windows.
    pub counts: Vec<Vec<u64>>,
}

/// Cuts the recordings of a session into windows of a length. What was not scored is left out, and so is what
/// is left of a run when no whole window fits.
pub fn windows(
    session: &Session,
    classes: usize,
    window_ns: i64,
    buffer_ns: i64,
) -> Vec<ScoredWindow> {
    let mut runs: Vec<(Range<i64>, usize)> = Vec::new();
    for (index, recording) in session.recordings.iter().enumerate() {
        runs.extend(recording.spans_ns.iter().map(|span| (span.clone(), index)));
    }
    runs.sort_by_key(|(span, _)| span.start);
    let count = |span: &Range<i64>| ((span.end - span.start) / window_ns).max(0) as usize;
    let mut all: Vec<Vec<ScoredWindow>> = runs
        .iter()
        .map(|(span, recording)| {
            let window = ScoredWindow {
                recording: *recording,
                holds: vec![Some(false); classes],
                scores: vec![f32::NAN; classes],
            };
            vec![window; count(span)]
        })
        .collect();
    for call in &session.calls {
        let touched = call.span_ns.start - buffer_ns..call.span_ns.end + buffer_ns;
        let from = runs.partition_point(|(span, _)| span.end <= touched.start);
        let middle = call.span_ns.start + (call.span_ns.end - call.span_ns.start) / 2;
        for ((span, _), windows) in runs.iter().zip(&mut all).skip(from) {
            if span.start >= touched.end {
                break;
            }
            let first = (touched.start - span.start).max(0) / window_ns;
            for at in first..windows.len() as i64 {
                let begin = span.start + at * window_ns;
                if begin >= touched.end {
                    break;
                }
                let holds = usize::try_from(at).ok().and_then(|at| windows.get_mut(at));
                let Some(holds) = holds.and_then(|w| w.holds.get_mut(call.class)) else { break };
                if (begin..begin + window_ns).contains(&middle) {
                    *holds = Some(true);
                } else if *holds == Some(false) {
                    *holds = None;
                }
            }
        }
    }
    for piece in &session.pieces {
        let middle = piece.start_ns + session.piece_ns / 2;
        let run = runs.partition_point(|(span, _)| span.end <= middle);
        let Some((span, _)) = runs.get(run).filter(|(span, _)| span.start <= middle) else {
            continue;
        };
        let at = ((middle - span.start) / window_ns) as usize;
        let Some(window) = all.get_mut(run).and_then(|windows| windows.get_mut(at)) else {
            continue;
        };
        for (best, score) in window.scores.iter_mut().zip(&piece.scores) {
            *best = best.max(*score);
        }
    }
    let is_scored = |window: &ScoredWindow| window.scores.iter().any(|score| !score.is_nan());
    all.into_iter().flatten().filter(is_scored).collect()
}

/// The windows of a class that are with or without a call, ranked by score.
pub fn ranked(windows: &[ScoredWindow], class: usize) -> Ranked {
    Ranked::new(windows.iter().filter_map(|window| {
        let holds = (*window.holds.get(class)?)?;
        Some((*window.scores.get(class)?, holds, window.recording))
    }))
}

/// Each recording's tally of a class at a threshold.
pub fn tallies(
    windows: &[ScoredWindow],
    class: usize,
    threshold: f64,
    hours: &[f64],
) -> Vec<Tally> {
    let mut all: Vec<Tally> =
        hours.iter().map(|hours| Tally { hours: *hours, ..Tally::default() }).collect();
    for window in windows {
        let holds = window.holds.get(class).copied().flatten();
        let (Some(holds), Some(tally)) = (holds, all.get_mut(window.recording)) else { continue };
        let is_told = window.scores.get(class).is_some_and(|s| f64::from(*s) >= threshold);
        match (holds, is_told) {
            (true, true) => tally.right += 1.0,
            (true, false) => tally.missed += 1.0,
            (false, true) => tally.wrong += 1.0,
            (false, false) => {}
        }
    }
    all
}

/// Windows by what they hold and by what was told: of the classes at their threshold or above it, the one that
/// stands highest over it. A window with calls of several classes counts for the one that was told, where that
/// is one of them, else for the first. Windows that are neither with nor without a call are left out.
pub fn confusion(windows: &[ScoredWindow], classes: &[String], thresholds: &[f64]) -> Confusion {
    let none = classes.len();
    let mut counts = vec![vec![0u64; none + 1]; none + 1];
    for window in windows.iter().filter(|w| w.holds.iter().all(Option::is_some)) {
        let over = |class: usize| {
            let score = f64::from(*window.scores.get(class)?);
            Some(score - thresholds.get(class)?).filter(|over| *over >= 0.0)
        };
        let told = (0..none)
            .filter_map(|class| Some((class, over(class)?)))
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
            .map_or(none, |(class, _)| class);
        let holds = |class: usize| window.holds.get(class).copied().flatten() == Some(true);
        let truth = match told < none && holds(told) {
            true => told,
            false => (0..none).find(|class| holds(*class)).unwrap_or(none),
        };
        if let Some(count) = counts.get_mut(truth).and_then(|row| row.get_mut(told)) {
            *count += 1;
        }
    }
    let labels = classes.iter().cloned().chain(["none".to_owned()]).collect();
    Confusion { labels, counts }
}

#[cfg(test)]
mod tests {
    use super::super::{HeardRecording, Piece, TrueCall};
    use super::*;

    const S: i64 = 1_000_000_000;

    fn session() -> Session {
        Session {
            recordings: vec![HeardRecording {
                name: "a".into(),
                spans_ns: vec![0..31 * S, 40 * S..46 * S],
            }],
            calls: vec![TrueCall { recording: 0, class: 0, span_ns: 10 * S..11 * S, snr_db: None }],
            // What lies in the gap, and what is no whole window, is heard by nobody.
            pieces: (0..24)
                .map(|i| Piece { start_ns: i * 2 * S, scores: vec![i as f32] })
                .filter(|piece| piece.start_ns != 42 * S)
                .collect(),
            piece_ns: 2 * S,
            ..Session::default()
        }
    }

    #[test]
    fn a_window_holds_the_call_whose_middle_lies_in_it_and_its_neighbours_are_neither() {
        let all = windows(&session(), 1, 3 * S, 3 * S / 2);
        let holds: Vec<Option<bool>> = all.iter().map(|w| w.holds[0]).collect();
        let no = Some(false);
        assert_eq!(
            holds,
            [no, no, None, Some(true), None, no, no, no, no, no, no, no],
            "8.5 to 12.5 s are touched"
        );
        // Pieces begin every 2 s: of 0, 2 and 4 s the first has its middle before 3 s.
        let scores: Vec<f32> = all.iter().map(|w| w.scores[0]).collect();
        assert_eq!(scores, [0.0, 2.0, 3.0, 5.0, 6.0, 8.0, 9.0, 11.0, 12.0, 14.0, 20.0, 22.0]);
        let ranked = ranked(&all, 0);
        assert_eq!(ranked.len(), 10);
        let tally = Tally::sum(tallies(&all, 0, 12.0, &[37.0 / 3600.0]));
        assert_eq!((tally.right, tally.missed, tally.wrong), (0.0, 1.0, 4.0));
    }

    #[test]
    fn the_confusion_counts_each_window_once() {
        let window = |holds: [bool; 2], scores: [f32; 2]| ScoredWindow {
            recording: 0,
            holds: holds.map(Some).to_vec(),
            scores: scores.to_vec(),
        };
        let all = [
            window([true, false], [0.9, 0.1]),
            window([true, false], [0.6, 0.9]),
            window([true, true], [0.6, 0.9]),
            window([false, true], [0.4, 0.4]),
            window([false, false], [0.9, 0.0]),
            ScoredWindow { holds: vec![None, Some(true)], ..window([true; 2], [1.0; 2]) },
        ];
        let names = ["a".to_owned(), "b".to_owned()];
        let confusion = confusion(&all, &names, &[0.5, 0.5]);
        assert_eq!(confusion.labels, ["a", "b", "none"]);
        assert_eq!(confusion.counts, [[1, 1, 0], [0, 1, 1], [1, 0, 0]]);
    }
}
