//! Boxes that somebody drew, held against the calls that are there: which are right, and why not.

use spyhop_api::room::{BoxVerdict, Reason};

use super::overlap::{TimeBox, best_pairs, overlap};

/// What is told: a middle that is off by this share of the call, and a length or a band that is by this
/// factor another one's.
const TOLD_SHIFT: f64 = 0.15;
const TOLD_FACTOR: f64 = 1.5;
/// A box is near a call where no more than this share of the call's own length and band lies between them.
const NEAR: f64 = 0.5;
/// The shortest call and the narrowest band that a share is taken of: less is the width of a line.
const LEAST_LENGTH_S: f64 = 0.02;
const LEAST_BAND_HZ: f64 = 1.0;

/// How boxes fit calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scored {
    /// A verdict a box: whether it is right, its overlap and its reasons.
    pub boxes: Vec<Verdict>,
    /// The calls that no right box has found, by index.
    pub missed: Vec<usize>,
}

/// What is said of a box.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The call that it is, by index, where it is right.
    pub call: Option<usize>,
    /// As [`BoxVerdict::overlap`].
    pub overlap: f64,
    /// As [`BoxVerdict::reasons`].
    pub reasons: Vec<Reason>,
}

/// Holds boxes against calls. A box is right where it and a call overlap by `least` or more, each call
/// being one box's ([`best_pairs`]); one outside `task` is not scored, and wrong.
pub fn score(boxes: &[TimeBox], calls: &[TimeBox], task: &TimeBox, least: f64) -> Scored {
    let inside: Vec<usize> =
        (0..boxes.len()).filter(|&index| overlap(&boxes[index], task) > 0.0).collect();
    let scored: Vec<TimeBox> = inside.iter().map(|&index| boxes[index].clone()).collect();
    let mut call_of = vec![None; boxes.len()];
    for (index, call) in inside.iter().zip(best_pairs(&scored, calls, least)) {
        call_of[*index] = call;
    }
    let is_found = |call: usize| call_of.contains(&Some(call));
    let verdict = |(index, drawn): (usize, &TimeBox)| match call_of[index] {
        Some(call) => {
            let mut reasons = differences(drawn, &calls[call]);
            reasons.retain(|(_, weight)| *weight >= 1.0);
            let reasons = reasons.into_iter().map(|(reason, _)| reason).collect();
            Verdict { call: Some(call), overlap: overlap(drawn, &calls[call]), reasons }
        }
        None if !inside.contains(&index) => {
            Verdict { call: None, overlap: 0.0, reasons: vec![Reason::OutsideTask] }
        }
        None => wrong(drawn, calls, is_found),
    };
    Scored {
        boxes: boxes.iter().enumerate().map(verdict).collect(),
        missed: (0..calls.len()).filter(|&call| !is_found(call)).collect(),
    }
}

/// Why a box is no call.
fn wrong(drawn: &TimeBox, calls: &[TimeBox], is_found: impl Fn(usize) -> bool) -> Verdict {
    // One that nobody has found yet is what the box was meant for, rather than one that is found.
    let nearest = (0..calls.len()).filter(|&call| is_near(drawn, &calls[call])).min_by(|&a, &b| {
        let far = |call: usize| distance(drawn, &calls[call]);
        is_found(a).cmp(&is_found(b)).then(far(a).total_cmp(&far(b)))
    });
    let Some(call) = nearest else {
        return Verdict { call: None, overlap: 0.0, reasons: vec![Reason::NothingHere] };
    };
    let share = overlap(drawn, &calls[call]);
    if is_found(call) {
        return Verdict { call: None, overlap: share, reasons: vec![Reason::FoundAlready] };
    }
    let all = differences(drawn, &calls[call]);
    // The weightiest is told in any case: something is the reason.
    let told = all.iter().enumerate().filter(|(at, (_, weight))| *at == 0 || *weight >= 1.0);
    let reasons = told.map(|(_, (reason, _))| *reason).collect();
    Verdict { call: None, overlap: share, reasons }
}

fn is_near(drawn: &TimeBox, call: &TimeBox) -> bool {
    let reach_s = call.length_s().max(LEAST_LENGTH_S) * NEAR;
    let apart_s = drawn.behind_s(call).abs() - (drawn.length_s() + call.length_s()) / 2.0;
    let is_near_hz = match (drawn.band_hz, call.band_hz) {
        (Some(a), Some(b)) => {
            let reach_hz = (b.1 - b.0).max(LEAST_BAND_HZ) * NEAR;
            a.0 <= b.1 + reach_hz && b.0 <= a.1 + reach_hz
        }
        _ => true,
    };
    apart_s <= reach_s && is_near_hz
}

/// How far the middles are apart, in lengths and bands of the call.
fn distance(drawn: &TimeBox, call: &TimeBox) -> f64 {
    let time = drawn.behind_s(call) / call.length_s().max(LEAST_LENGTH_S);
    let pitch = match (drawn.band_hz, call.band_hz) {
        (Some(a), Some(b)) => ((a.0 + a.1) - (b.0 + b.1)) / 2.0 / (b.1 - b.0).max(LEAST_BAND_HZ),
        _ => 0.0,
    };
    time.hypot(pitch)
}

/// In what a box differs from a call, and how weighty that is (from 1 on it is worth telling), the
/// weightiest first.
fn differences(drawn: &TimeBox, call: &TimeBox) -> Vec<(Reason, f64)> {
    let mut all = Vec::new();
    let mut tell = |by: f64, weight: f64, less: fn(f64) -> Reason, more: fn(f64) -> Reason| {
        if by.is_finite() && by != 0.0 {
            all.push((if by < 0.0 { less(-by) } else { more(by) }, weight.abs()));
        }
    };
    let factor = |a: f64, b: f64, least: f64| (a.max(least) / b.max(least)).ln() / TOLD_FACTOR.ln();
    let length_s = call.length_s();
    let late_s = drawn.behind_s(call);
    tell(
        late_s,
        late_s / length_s.max(LEAST_LENGTH_S) / TOLD_SHIFT,
        |by_s| Reason::Early { by_s },
        |by_s| Reason::Late { by_s },
    );
    tell(
        drawn.length_s() - length_s,
        factor(drawn.length_s(), length_s, LEAST_LENGTH_S),
        |by_s| Reason::Short { by_s },
        |by_s| Reason::Long { by_s },
    );
    if let (Some(a), Some(b)) = (drawn.band_hz, call.band_hz) {
        let width_hz = b.1 - b.0;
        let high_hz = ((a.0 + a.1) - (b.0 + b.1)) / 2.0;
        tell(
            high_hz,
            high_hz / width_hz.max(LEAST_BAND_HZ) / TOLD_SHIFT,
            |by_hz| Reason::Low { by_hz },
            |by_hz| Reason::High { by_hz },
        );
        tell(
            (a.1 - a.0) - width_hz,
            factor(a.1 - a.0, width_hz, LEAST_BAND_HZ),
            |by_hz| Reason::Narrow { by_hz },
            |by_hz| Reason::Wide { by_hz },
        );
    }
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all
}

impl Verdict {
    /// What the one who drew the box is told.
    pub fn told(self, area: spyhop_api::room::Area) -> BoxVerdict {
        BoxVerdict {
            area,
            is_right: self.call.is_some(),
            overlap: self.overlap,
            reasons: self.reasons,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn a_box(start_ms: i64, end_ms: i64, low_hz: f64, high_hz: f64) -> TimeBox {
        TimeBox { span_ns: start_ms * MS..end_ms * MS, band_hz: Some((low_hz, high_hz)) }
    }

    /// What is said of each box about upcalls at 1, 4 and 8 s, in ten seconds below 500 Hz.
    fn said(boxes: &[TimeBox]) -> (Vec<String>, Vec<usize>) {
        let call = |start_ms: i64| a_box(start_ms, start_ms + 1000, 100.0, 200.0);
        let calls = [call(1000), call(4000), call(8000)];
        let scored = score(boxes, &calls, &a_box(0, 10_000, 0.0, 500.0), 0.3);
        let tell = |verdict: &Verdict| {
            let right = if verdict.call.is_some() { "right" } else { "wrong" };
            format!("{right}: {:.1?}", verdict.reasons)
        };
        (scored.boxes.iter().map(tell).collect(), scored.missed)
    }

    #[test]
    fn each_box_is_told_what_is_wrong_with_it() {
        let (told, missed) = said(&[
            a_box(1000, 2000, 100.0, 200.0),
            a_box(3500, 4500, 100.0, 200.0),
            a_box(8000, 9000, 60.0, 160.0),
            a_box(6000, 6500, 400.0, 450.0),
            a_box(1000, 1500, 100.0, 200.0),
            a_box(11_000, 12_000, 100.0, 200.0),
        ]);
        assert_eq!(
            told,
            [
                "right: []",
                "right: [Early { by_s: 0.5 }]",
                "right: [Low { by_hz: 40.0 }]",
                "wrong: [NothingHere]",
                "wrong: [FoundAlready]",
                "wrong: [OutsideTask]",
            ]
        );
        assert!(missed.is_empty());
    }

    #[test]
    fn a_box_that_only_comes_near_a_call_is_told_which_way_to_go() {
        let (told, missed) =
            said(&[a_box(2500, 3900, 100.0, 200.0), a_box(7900, 9100, 0.0, 500.0)]);
        assert_eq!(
            told,
            [
                "wrong: [Early { by_s: 1.3 }]",
                "wrong: [High { by_hz: 100.0 }, Wide { by_hz: 400.0 }]"
            ]
        );
        assert_eq!(missed, [0, 1, 2]);
    }

    #[test]
    fn odd_boxes_are_wrong_and_break_nothing() {
        let odd = [
            a_box(0, 0, 0.0, 0.0),
            a_box(1000, 2000, f64::NAN, f64::INFINITY),
            TimeBox { span_ns: i64::MIN..i64::MAX, band_hz: Some((-1e300, 1e300)) },
            TimeBox { span_ns: std::ops::Range { start: 5, end: -5 }, band_hz: None },
        ];
        let (told, missed) = said(&odd);
        assert!(told.iter().all(|told| told.starts_with("wrong: ")), "{told:?}");
        assert_eq!(missed, [0, 1, 2]);
    }
}
