//! Drawing windows at random from what was recorded, so that what is missed can be estimated.

use std::collections::HashMap;
use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use spyhop_api::recall::DrawRequest;
use spyhop_api::time::NANOS_PER_S;
use spyhop_signal::pyramid::Recorded;

use super::store::StoreError;

/// The shortest and the longest window, seconds.
const WINDOW_S: Range<f64> = 0.1..3600.0;
/// Windows that are drawn at once, at most.
const MOST_WINDOWS: u32 = 10_000;

/// Windows that were drawn before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Drawn<'a> {
    /// How long they are; `None` where there are none.
    pub window_ns: Option<i64>,
    /// Where they lie, in whatever order.
    pub spans_ns: &'a [Range<i64>],
}

/// How long the windows are that are asked for.
pub fn window_ns(asked: &DrawRequest) -> i64 {
    (asked.window_s * NANOS_PER_S as f64) as i64
}

/// Draws windows from all that was recorded and heard, each with the same chance, none that touches one of
/// `drawn`. Runs are cut from their beginning on, so that windows do not overlap and miss nothing; the last of
/// a run is shorter. `heard_ns` are the spans that were listened to, in order.
///
/// # Errors
/// When the request makes no sense, windows of another length are drawn already, or nothing is left to draw
/// from.
pub fn draw(
    recorded: &Recorded,
    heard_ns: &[Range<i64>],
    drawn: &Drawn<'_>,
    asked: &DrawRequest,
) -> Result<Vec<Range<i64>>, StoreError> {
    if !(WINDOW_S.start..=WINDOW_S.end).contains(&asked.window_s) {
        let message = format!(
            "a window of {} s can't be drawn: from {} to {} s",
            asked.window_s, WINDOW_S.start, WINDOW_S.end
        );
        return Err(StoreError::Invalid(message));
    }
    if asked.windows == 0 || asked.windows > MOST_WINDOWS {
        let message = format!("{} windows can't be drawn: 1 to {MOST_WINDOWS}", asked.windows);
        return Err(StoreError::Invalid(message));
    }
    let window_ns = window_ns(asked);
    if let Some(before_ns) = drawn.window_ns.filter(|before_ns| *before_ns != window_ns) {
        let before_s = before_ns as f64 / NANOS_PER_S as f64;
        let message = format!(
            "windows of {before_s} s are drawn already, and {} s are asked for: recall is told by windows of \
             one length, so draw more of {before_s} s",
            asked.window_s
        );
        return Err(StoreError::Invalid(message));
    }
    let mut drawn_ns = drawn.spans_ns.to_vec();
    drawn_ns.sort_by_key(|span| span.start);
    let mut left: Vec<Range<i64>> = Vec::new();
    for run in &recorded.runs {
        let run_ns = recorded.run_span_ns(run);
        let mut start_ns = run_ns.start;
        while start_ns < run_ns.end {
            let window = start_ns..(start_ns + window_ns).min(run_ns.end);
            if is_heard(&window, heard_ns) && !is_touched(&window, &drawn_ns) {
                left.push(window);
            }
            start_ns += window_ns;
        }
    }
    if left.is_empty() {
        return Err(StoreError::Invalid(
            "nothing is left to draw windows from: all that was listened to is drawn".into(),
        ));
    }
    // Fisher and Yates's shuffle, as far as it is needed; what moved is kept beside the list. The next
    // windows of the same seed are others, because there are fewer left.
    let mut chance = ChaCha8Rng::seed_from_u64(asked.seed);
    let mut moved: HashMap<usize, usize> = HashMap::new();
    let count = (asked.windows as usize).min(left.len());
    let mut windows = Vec::with_capacity(count);
    for first in 0..count {
        let other = first + below(&mut chance, (left.len() - first) as u64) as usize;
        let at = |moved: &HashMap<usize, usize>, index| moved.get(&index).copied().unwrap_or(index);
        let (chosen, displaced) = (at(&moved, other), at(&moved, first));
        moved.insert(other, displaced);
        windows.push(left[chosen].clone());
    }
    Ok(windows)
}

/// A number below `end`, each with the same chance (Lemire 2019, without his rejection: `end` is far below
/// 2⁶⁴, so that the bias is, too).
fn below(chance: &mut ChaCha8Rng, end: u64) -> u64 {
    ((u128::from(chance.next_u64()) * u128::from(end)) >> 64) as u64
}

fn is_heard(window: &Range<i64>, heard_ns: &[Range<i64>]) -> bool {
    let at = heard_ns.partition_point(|span| span.end <= window.start);
    heard_ns.get(at).is_some_and(|span| span.start <= window.start)
}

/// Whether one of `drawn_ns`, by their beginnings and without overlap, lies in a window or reaches into it.
fn is_touched(window: &Range<i64>, drawn_ns: &[Range<i64>]) -> bool {
    let at = drawn_ns.partition_point(|span| span.end <= window.start);
    drawn_ns.get(at).is_some_and(|span| span.start < window.end)
}

#[cfg(test)]
mod tests {
    use spyhop_signal::pyramid::ClockRun;

    use super::*;

    const S: i64 = NANOS_PER_S;

    /// A hundred seconds and, after a pause, fifty.
    fn recorded() -> Recorded {
        let run = |start_s: i64, frames| ClockRun {
            recording: 0,
            first_frame: 0,
            frames,
            start_ns: start_s * S,
            follows: false,
        };
        let runs = vec![run(0, 100_000), run(1000, 50_000)];
        Recorded { sample_rate_hz: 1000.0, dated: true, runs }
    }

    fn asked(windows: u32, seed: u64) -> DrawRequest {
        DrawRequest { windows, window_s: 4.0, seed }
    }

    #[test]
    fn every_window_of_what_was_recorded_and_heard_is_drawn_once() {
        let heard = [0..100 * S, 900 * S..2000 * S];
        let drawn = draw(&recorded(), &heard, &Drawn::default(), &asked(1000, 1)).expect("windows");
        let mut sorted = drawn.clone();
        sorted.sort_by_key(|window| window.start);
        sorted.dedup();
        assert_eq!(sorted.len(), 25 + 13);
        assert_ne!(sorted, drawn, "in an order of chance");
        let length_ns: i64 = drawn.iter().map(|window| window.end - window.start).sum();
        assert_eq!(length_ns, 150 * S, "the last one of the second run is half as long");
        let first = draw(&recorded(), &heard[..1], &Drawn::default(), &asked(1000, 1));
        assert!(first.expect("windows").iter().all(|window| window.end <= 100 * S));
    }

    #[test]
    fn a_seed_gives_the_same_windows_and_more_of_them_are_others() {
        let heard = [0..2000 * S];
        let some = |seed, known: &[Range<i64>]| {
            let known = Drawn { window_ns: None, spans_ns: known };
            draw(&recorded(), &heard, &known, &asked(10, seed)).expect("windows")
        };
        let first = some(7, &[]);
        assert_eq!(first, some(7, &[]));
        assert_ne!(first, some(8, &[]));
        assert!(some(7, &first).iter().all(|window| !first.contains(window)));
    }

    #[test]
    fn no_window_is_drawn_that_another_one_reaches_into_and_all_are_of_one_length() {
        let heard = [0..2000 * S];
        // As if the recording had begun two seconds later when they were drawn.
        let before = [50 * S..54 * S, 2 * S..6 * S];
        let known = Drawn { window_ns: Some(4 * S), spans_ns: &before };
        let more = draw(&recorded(), &heard, &known, &asked(1000, 1)).expect("windows");
        assert_eq!(more.len(), 38 - 4, "each of the two lies in two of them");
        let touches = |a: &Range<i64>| before.iter().any(|b| a.start < b.end && b.start < a.end);
        assert!(!more.iter().any(touches), "{more:?}");
        let longer = DrawRequest { window_s: 8.0, ..asked(1, 1) };
        let refused = draw(&recorded(), &heard, &known, &longer).expect_err("refused").to_string();
        assert!(refused.contains("windows of 4 s are drawn already"), "{refused}");
    }

    #[test]
    fn each_window_has_the_same_chance() {
        let heard = [0..2000 * S];
        let mut counts: HashMap<i64, u32> = HashMap::new();
        for seed in 0..3800 {
            for window in
                draw(&recorded(), &heard, &Drawn::default(), &asked(5, seed)).expect("some")
            {
                *counts.entry(window.start).or_default() += 1;
            }
        }
        // 500 each on average, with a standard deviation of 21: five of them.
        assert_eq!(counts.len(), 38);
        assert!(counts.values().all(|count| (395..605).contains(count)), "{counts:?}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |asked: DrawRequest, drawn: &[Range<i64>]| {
            let drawn = Drawn { window_ns: None, spans_ns: drawn };
            draw(&recorded(), &[0..100 * S], &drawn, &asked).expect_err("refused").to_string()
        };
        assert!(refused(DrawRequest { window_s: f64::NAN, ..asked(1, 1) }, &[]).contains("window"));
        assert!(refused(asked(0, 1), &[]).contains("0 windows"));
        let all: Vec<Range<i64>> = (0..25).map(|n| n * 4 * S..(n + 1) * 4 * S).collect();
        assert!(refused(asked(1, 1), &all).contains("nothing is left"));
    }
}
