//! How what is found depends on how far calls stand over the noise.

use serde::Serialize;

use super::calls::{CallOutcome, MatchedCalls};
use super::tally::Tally;

/// The bins: from this on, in steps, up to that. SOUNDS: a demo's calls are spread evenly over them.
const FROM_DB: f64 = -6.0;
const STEP_DB: f64 = 3.0;
const BINS: usize = 8;

/// Calls of a range of signal-to-noise ratios.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SnrBin {
    /// From this on; the lowest bin holds what is lower, too.
    pub from_db: f64,
    /// Below this; the highest bin holds what is higher, too.
    pub to_db: f64,
    /// How many calls there are.
    pub calls: usize,
    /// How many of them were found.
    pub found: usize,
    /// The share that was found; 0 without calls.
    pub recall: f64,
    /// F1 as if all calls were of this bin: false positives, which have no such ratio, are shared out by the
    /// number of calls.
    pub f1: f64,
    /// Of all calls from `from_db` on.
    pub from_here_on: FromHereOn,
}

/// Figures of the calls that stand at least so far over the noise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FromHereOn {
    /// The least ratio.
    pub least_db: f64,
    /// How many such calls there are.
    pub calls: usize,
    /// Share of what was told that is right. A candidate that found a fainter call counts neither as right
    /// nor as wrong.
    pub precision: f64,
    /// Share of these calls that was found.
    pub recall: f64,
    /// Their harmonic mean: fainter calls that were missed are not counted.
    pub f1: f64,
}

/// Figures of a class by bins; `None` where no call has a ratio.
pub fn by_snr(matched: &MatchedCalls, threshold: f64) -> Option<Vec<SnrBin>> {
    if !matched.calls.iter().any(|call| call.snr_db.is_some()) {
        return None;
    }
    let wrong = Tally::sum(matched.tallies(threshold, &hours(matched))).wrong;
    let all = matched.calls.len().max(1) as f64;
    let bin = |i: usize| {
        let (from_db, to_db) = (FROM_DB + STEP_DB * i as f64, FROM_DB + STEP_DB * (i + 1) as f64);
        let least = if i == 0 { f64::NEG_INFINITY } else { from_db };
        let most = if i + 1 == BINS { f64::INFINITY } else { to_db };
        let tally = tally(matched, threshold, |snr_db| (least..most).contains(&snr_db));
        let calls = tally.right + tally.missed;
        let shared = Tally { wrong: wrong * calls / all, ..tally };
        SnrBin {
            from_db,
            to_db,
            calls: calls as usize,
            found: tally.right as usize,
            recall: tally.recall(),
            f1: shared.f1(),
            from_here_on: from_here_on(matched, threshold, least, from_db, wrong),
        }
    };
    Some((0..BINS).map(bin).collect())
}

/// Figures of the calls of 0 dB or more; `None` where no call has a ratio.
pub fn at_0_db(matched: &MatchedCalls, threshold: f64) -> Option<FromHereOn> {
    let bins = by_snr(matched, threshold)?;
    bins.into_iter().find(|bin| bin.from_db == 0.0).map(|bin| bin.from_here_on)
}

fn from_here_on(
    matched: &MatchedCalls,
    threshold: f64,
    least: f64,
    least_db: f64,
    wrong: f64,
) -> FromHereOn {
    let tally = Tally { wrong, ..tally(matched, threshold, |snr_db| snr_db >= least) };
    FromHereOn {
        least_db,
        calls: (tally.right + tally.missed) as usize,
        precision: tally.precision(),
        recall: tally.recall(),
        f1: tally.f1(),
    }
}

fn tally(matched: &MatchedCalls, threshold: f64, is_it: impl Fn(f64) -> bool) -> Tally {
    let mut tally = Tally::default();
    let is_of_bin = |call: &&CallOutcome| call.snr_db.is_some_and(&is_it);
    for call in matched.calls.iter().filter(is_of_bin) {
        match call.found_by.is_some_and(|score| f64::from(score) >= threshold) {
            true => tally.right += 1.0,
            false => tally.missed += 1.0,
        }
    }
    tally
}

/// As many zeros as there are recordings: here time does not matter.
fn hours(matched: &MatchedCalls) -> Vec<f64> {
    vec![0.0; matched.free_hours.len()]
}

#[cfg(test)]
mod tests {
    use super::super::calls::CandidateOutcome;
    use super::*;

    #[test]
    fn misses_of_faint_calls_do_not_count_from_0_db_on_but_false_positives_do() {
        let call = |snr_db, found_by| CallOutcome { recording: 0, snr_db: Some(snr_db), found_by };
        let wrong = |score| CandidateOutcome {
            recording: 0,
            score,
            call: None,
            is_in_free: false,
            is_in_all_free: false,
        };
        let matched = MatchedCalls {
            calls: vec![
                call(-5.0, None),
                call(-1.0, Some(0.9)),
                call(0.0, Some(0.9)),
                call(4.0, Some(0.6)),
                call(17.0, Some(0.9)),
                call(25.0, None),
            ],
            candidates: vec![wrong(0.9), wrong(0.1)],
            free_hours: vec![0.0],
            all_free_hours: vec![0.0],
        };
        let at = at_0_db(&matched, 0.5).expect("ratios");
        assert_eq!((at.calls, at.recall, at.precision), (4, 0.75, 0.75));
        assert_eq!(at.f1, 0.75);
        let bins = by_snr(&matched, 0.5).expect("ratios");
        let counted: Vec<[usize; 2]> = bins.iter().map(|b| [b.calls, b.found]).collect();
        assert_eq!(counted, [[1, 0], [1, 1], [1, 1], [1, 1], [0, 0], [0, 0], [0, 0], [2, 1]]);
        // One false positive for six calls: a third of one for two.
        assert!((bins[7].f1 - 2.0 / (2.0 + 1.0 / 3.0 + 1.0)).abs() < 1e-12);
        assert_eq!(bins[0].from_here_on.calls, 6);
        let none = MatchedCalls {
            calls: vec![CallOutcome { snr_db: None, ..matched.calls[0] }],
            ..matched
        };
        assert_eq!(by_snr(&none, 0.5), None);
    }
}
