//! Call level: which calls were found, by which candidates.

use std::ops::Range;

use spyhop_signal::detect::matching::assign;

use super::Session;
use super::curve::{Ranked, Step};
use super::tally::Tally;

const HOUR_NS: i64 = 3_600_000_000_000;

/// Calls and candidates of one class, matched one to one: whatever the threshold, a call is found from its
/// candidate's score down.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatchedCalls {
    /// The calls.
    pub calls: Vec<CallOutcome>,
    /// The candidates.
    pub candidates: Vec<CandidateOutcome>,
    /// Hours of each recording in pieces (an hour of the clock at most) that no call of the class touches.
    pub free_hours: Vec<f64>,
    /// Hours in such pieces that no call of any class touches: what is free of one class is not of another.
    pub all_free_hours: Vec<f64>,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallOutcome {
    /// The recording, by index.
    pub recording: usize,
    /// Its signal-to-noise ratio, where that is known.
    pub snr_db: Option<f64>,
    /// The score of the candidate that found it.
    pub found_by: Option<f32>,
}

/// What a candidate was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CandidateOutcome {
    /// The recording, by index.
    pub recording: usize,
    /// How sure it is.
    pub score: f32,
    /// The call that it found, by index.
    pub call: Option<usize>,
    /// Whether it lies in a piece that no call of its class touches.
    pub is_in_free: bool,
    /// Whether it lies in a piece that no call of any class touches.
    pub is_in_all_free: bool,
}

impl MatchedCalls {
    /// Matches the calls of a class; a candidate may miss its call by `buffer_ns`.
    pub fn of(session: &Session, class: usize, buffer_ns: i64) -> MatchedCalls {
        let calls: Vec<_> = session.calls.iter().filter(|call| call.class == class).collect();
        let told: Vec<_> = session.candidates.iter().filter(|call| call.class == class).collect();
        let spans: Vec<Range<i64>> = calls.iter().map(|call| call.span_ns.clone()).collect();
        let scored: Vec<(Range<i64>, f32)> =
            told.iter().map(|call| (call.span_ns.clone(), call.score)).collect();
        let assigned = assign(&scored, &spans, buffer_ns);
        let mut found_by = vec![None; calls.len()];
        for (call, (_, score)) in assigned.iter().zip(&scored) {
            if let Some(found) = call.and_then(|call| found_by.get_mut(call)) {
                *found = Some(*score);
            }
        }
        let free = FreePieces::of(session, &spans, buffer_ns);
        let of_all: Vec<Range<i64>> =
            session.calls.iter().map(|call| call.span_ns.clone()).collect();
        let all_free = FreePieces::of(session, &of_all, buffer_ns);
        let candidates = told.iter().zip(&assigned).map(|(told, call)| {
            let is_in = |pieces: &FreePieces| {
                call.is_none() && pieces.holds(told.recording, told.span_ns.start)
            };
            CandidateOutcome {
                recording: told.recording,
                score: told.score,
                call: *call,
                is_in_free: is_in(&free),
                is_in_all_free: is_in(&all_free),
            }
        });
        let outcomes = calls.iter().zip(found_by).map(|(call, found_by)| CallOutcome {
            recording: call.recording,
            snr_db: call.snr_db,
            found_by,
        });
        MatchedCalls {
            calls: outcomes.collect(),
            candidates: candidates.collect(),
            free_hours: free.hours(),
            all_free_hours: all_free.hours(),
        }
    }

    /// Adds those of another session, whose recordings come after the first so many.
    pub fn extend(&mut self, other: MatchedCalls, recordings: usize) {
        let calls = self.calls.len();
        self.calls.extend(
            other
                .calls
                .into_iter()
                .map(|c| CallOutcome { recording: c.recording + recordings, ..c }),
        );
        self.candidates.extend(other.candidates.into_iter().map(|c| CandidateOutcome {
            recording: c.recording + recordings,
            call: c.call.map(|call| call + calls),
            ..c
        }));
        self.free_hours.extend(other.free_hours);
        self.all_free_hours.extend(other.all_free_hours);
    }

    /// Each recording's tally at a threshold.
    pub fn tallies(&self, threshold: f64, hours: &[f64]) -> Vec<Tally> {
        let mut all: Vec<Tally> =
            hours.iter().map(|hours| Tally { hours: *hours, ..Tally::default() }).collect();
        for call in &self.calls {
            let Some(tally) = all.get_mut(call.recording) else { continue };
            match call.found_by.is_some_and(|score| f64::from(score) >= threshold) {
                true => tally.right += 1.0,
                false => tally.missed += 1.0,
            }
        }
        for candidate in self.wrong(threshold) {
            if let Some(tally) = all.get_mut(candidate.recording) {
                tally.wrong += 1.0;
            }
        }
        all
    }

    /// Candidates at a threshold that found nothing, and the time, in pieces that no call of the class touches:
    /// a tally by recording.
    pub fn free_tallies(&self, threshold: f64) -> Vec<Tally> {
        self.tallies_in(&self.free_hours, threshold, |candidate| candidate.is_in_free)
    }

    /// The same in pieces that no call of any class touches.
    pub fn all_free_tallies(&self, threshold: f64) -> Vec<Tally> {
        self.tallies_in(&self.all_free_hours, threshold, |candidate| candidate.is_in_all_free)
    }

    fn tallies_in(
        &self,
        hours: &[f64],
        threshold: f64,
        is_in: impl Fn(&CandidateOutcome) -> bool,
    ) -> Vec<Tally> {
        let mut all: Vec<Tally> =
            hours.iter().map(|hours| Tally { hours: *hours, ..Tally::default() }).collect();
        for candidate in self.wrong(threshold).filter(|candidate| is_in(candidate)) {
            if let Some(tally) = all.get_mut(candidate.recording) {
                tally.wrong += 1.0;
            }
        }
        all
    }

    /// What every threshold gives.
    pub fn steps(&self) -> Vec<Step> {
        let rows = self.candidates.iter().map(|c| (c.score, c.call.is_some(), c.recording));
        Ranked::new(rows).steps(|_| 1.0)
    }

    fn wrong(&self, threshold: f64) -> impl Iterator<Item = &CandidateOutcome> {
        let is_wrong =
            move |c: &&CandidateOutcome| c.call.is_none() && f64::from(c.score) >= threshold;
        self.candidates.iter().filter(is_wrong)
    }
}

/// Pieces of recordings between hours of the clock, those that a call or its buffer touches taken away.
struct FreePieces {
    /// By recording, in order.
    pieces: Vec<Vec<Range<i64>>>,
}

impl FreePieces {
    fn of(session: &Session, calls: &[Range<i64>], buffer_ns: i64) -> FreePieces {
        let mut by_start: Vec<&Range<i64>> = calls.iter().collect();
        by_start.sort_by_key(|call| call.start);
        let longest_ns = calls.iter().map(|call| call.end - call.start).max().unwrap_or(0);
        let is_free = |piece: &Range<i64>| {
            let from = piece.start - buffer_ns - longest_ns;
            let first = by_start.partition_point(|call| call.start < from);
            !by_start
                .iter()
                .skip(first)
                .take_while(|call| call.start - buffer_ns < piece.end)
                .any(|call| call.end + buffer_ns > piece.start)
        };
        let pieces = session.recordings.iter().map(|recording| {
            let mut pieces = Vec::new();
            for span in &recording.spans_ns {
                let mut at = span.start;
                while at < span.end {
                    let until = ((at.div_euclid(HOUR_NS) + 1) * HOUR_NS).min(span.end);
                    if is_free(&(at..until)) {
                        pieces.push(at..until);
                    }
                    at = until;
                }
            }
            pieces
        });
        FreePieces { pieces: pieces.collect() }
    }

    fn holds(&self, recording: usize, ns: i64) -> bool {
        let Some(pieces) = self.pieces.get(recording) else { return false };
        let after = pieces.partition_point(|piece| piece.end <= ns);
        pieces.get(after).is_some_and(|piece| piece.start <= ns)
    }

    fn hours(&self) -> Vec<f64> {
        let of = |pieces: &Vec<Range<i64>>| {
            pieces.iter().map(|piece| piece.end - piece.start).sum::<i64>() as f64 / 3.6e12
        };
        self.pieces.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{HeardRecording, ToldCall, TrueCall};
    use super::*;

    const S: i64 = 1_000_000_000;

    fn session() -> Session {
        let recording = |name: &str, from_s: i64, to_s: i64| HeardRecording {
            name: name.into(),
            spans_ns: vec![from_s * S..to_s * S],
        };
        let call = |recording, from_s: i64, snr_db| TrueCall {
            recording,
            class: 0,
            span_ns: from_s * S..(from_s + 1) * S,
            snr_db: Some(snr_db),
        };
        let told = |recording, class, from_s: i64, score| ToldCall {
            recording,
            class,
            span_ns: from_s * S..(from_s + 1) * S,
            score,
        };
        Session {
            recordings: vec![recording("a", 0, 900), recording("b", 3600, 3600 + 7200)],
            calls: vec![call(0, 100, -3.0), call(0, 200, 5.0), call(1, 3700, 9.0)],
            candidates: vec![
                told(0, 0, 202, 0.9),
                told(0, 0, 203, 0.8),
                told(0, 1, 100, 0.9),
                told(1, 0, 3700, 0.4),
                told(1, 0, 3600 + 5000, 0.7),
                told(1, 0, 3600 + 100, 0.3),
            ],
            ..Session::default()
        }
    }

    #[test]
    fn each_call_is_found_once_and_free_time_is_what_no_call_touches() {
        let matched = MatchedCalls::of(&session(), 0, 3 * S / 2);
        assert_eq!(matched.free_hours, [0.0, 1.0], "the second hour of the second recording");
        let sum = |threshold| Tally::sum(matched.tallies(threshold, &[0.25, 2.0]));
        let at = sum(0.35);
        assert_eq!((at.right, at.wrong, at.missed), (2.0, 2.0, 1.0));
        assert_eq!((sum(0.95).right, sum(0.95).missed), (0.0, 3.0));
        assert!(
            (at.f1() - 4.0 / 7.0).abs() < 1e-12 && (at.fp_per_hour() - 2.0 / 2.25).abs() < 1e-12
        );
        let free = Tally::sum(matched.free_tallies(0.35));
        assert_eq!((free.wrong, free.hours, free.fp_per_hour()), (1.0, 1.0, 1.0));
        // The one that missed its call by a second is right, the one beside it is not.
        let strict = Tally::sum(MatchedCalls::of(&session(), 0, S / 2).tallies(0.35, &[0.25, 2.0]));
        assert_eq!((strict.right, strict.wrong, strict.missed), (1.0, 3.0, 2.0));
    }

    #[test]
    fn sessions_add_up() {
        let mut both = MatchedCalls::of(&session(), 0, S);
        both.extend(MatchedCalls::of(&session(), 0, S), 2);
        let tallies = both.tallies(0.35, &[0.25, 2.0, 0.25, 2.0]);
        assert_eq!(tallies[..2], tallies[2..]);
        assert!(both.candidates.iter().filter_map(|c| c.call).all(|call| call < both.calls.len()));
    }
}
