//! Which candidate found which call: one candidate for one call, at most.

use std::ops::Range;

/// Assigns candidates to calls, one to one. The best candidate chooses first, and takes of the calls that
/// it touches, or misses by `buffer_ns` at most, the one whose middle is nearest its own. As what has a
/// lower score never takes a call from what has a higher one, the assignment holds at every threshold: a
/// call is found from its candidate's score down.
///
/// `candidates` are spans with scores, `calls` are spans, both on one clock in nanoseconds and in any order.
/// The answer has one entry a candidate: the index of its call. A score that is no number chooses last.
pub fn assign(
    candidates: &[(Range<i64>, f32)],
    calls: &[Range<i64>],
    buffer_ns: i64,
) -> Vec<Option<usize>> {
    let mut by_start: Vec<usize> = (0..calls.len()).collect();
    by_start.sort_by_key(|&call| calls[call].start);
    let longest_ns = calls.iter().map(|call| call.end - call.start).max().unwrap_or(0);
    let mut best_first: Vec<usize> = (0..candidates.len()).collect();
    let worth = |candidate: usize| {
        let score = candidates[candidate].1;
        if score.is_nan() { f32::NEG_INFINITY } else { score }
    };
    // Equal scores choose in the order of time, so that the answer does not depend on the order given.
    best_first.sort_by(|&a, &b| {
        let time = |candidate: usize| (candidates[candidate].0.start, candidates[candidate].0.end);
        worth(b).total_cmp(&worth(a)).then_with(|| time(a).cmp(&time(b)))
    });
    let mut is_taken = vec![false; calls.len()];
    let mut assigned = vec![None; candidates.len()];
    for candidate in best_first {
        let span = &candidates[candidate].0;
        let reach = span.start.saturating_sub(buffer_ns)..=span.end.saturating_add(buffer_ns);
        let earliest_ns = reach.start().saturating_sub(longest_ns);
        let from = by_start.partition_point(|&call| calls[call].start < earliest_ns);
        let middle = |span: &Range<i64>| span.start + (span.end - span.start) / 2;
        let found = by_start[from..]
            .iter()
            .copied()
            .take_while(|&call| calls[call].start <= *reach.end())
            .filter(|&call| !is_taken[call] && calls[call].end >= *reach.start())
            .min_by_key(|&call| (middle(&calls[call]) - middle(span)).abs());
        if let Some(call) = found {
            is_taken[call] = true;
            assigned[candidate] = Some(call);
        }
    }
    assigned
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    #[test]
    fn one_candidate_finds_one_call_and_a_call_is_found_once() {
        let calls = [10 * S..11 * S, 12 * S..13 * S];
        let wide = [(9 * S..14 * S, 0.9)];
        assert_eq!(assign(&wide, &calls, 0), [Some(0)], "of two that are as near, the first");
        let two = [(10 * S..11 * S, 0.5), (10 * S..11 * S, 0.8)];
        assert_eq!(assign(&two, &calls[..1], 0), [None, Some(0)], "the better one has found it");
    }

    #[test]
    fn the_buffer_is_reached_and_not_passed() {
        let calls = [10 * S..11 * S];
        let before = |gap_ns: i64| [(8 * S..10 * S - gap_ns, 0.5)];
        assert_eq!(assign(&before(3 * S / 2), &calls, 3 * S / 2), [Some(0)]);
        assert_eq!(assign(&before(3 * S / 2 + 1), &calls, 3 * S / 2), [None]);
        assert_eq!(assign(&[(12 * S..13 * S, 0.5)], &calls, S), [Some(0)]);
    }

    #[test]
    fn a_long_call_is_found_where_shorter_ones_begin_after_it() {
        let calls = [0..100 * S, 50 * S..51 * S, 60 * S..61 * S];
        let candidates = [(90 * S..95 * S, 0.4), (60 * S..61 * S, 0.3)];
        assert_eq!(assign(&candidates, &calls, 0), [Some(0), Some(2)]);
    }

    #[test]
    fn what_holds_at_a_threshold_holds_at_a_lower_one() {
        // Scores and spans drawn by a linear congruence: many overlap.
        let mut state = 7u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((state >> 33) % below) as i64
        };
        let span = |draw: &mut dyn FnMut(u64) -> i64| {
            let start = draw(100_000);
            start..start + 1 + draw(900)
        };
        let calls: Vec<Range<i64>> = (0..150).map(|_| span(&mut draw)).collect();
        let candidates: Vec<(Range<i64>, f32)> =
            (0..300).map(|_| (span(&mut draw), draw(50) as f32)).collect();
        let all = assign(&candidates, &calls, 100);
        for threshold in [10.0, 25.0, 40.0] {
            let above: Vec<(Range<i64>, f32)> =
                candidates.iter().filter(|c| c.1 >= threshold).cloned().collect();
            let kept: Vec<Option<usize>> = all
                .iter()
                .zip(&candidates)
                .filter(|(_, c)| c.1 >= threshold)
                .map(|(call, _)| *call)
                .collect();
            assert_eq!(assign(&above, &calls, 100), kept);
        }
        let mut taken: Vec<usize> = all.into_iter().flatten().collect();
        let found = taken.len();
        taken.sort_unstable();
        taken.dedup();
        assert!(found > 50 && taken.len() == found);
    }
}
