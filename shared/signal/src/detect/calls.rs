//! From the scores that a network gives to windows to calls.
//!
//! Windows are long (seconds) and may overlap, and one call raises several of them. Each window speaks
//! for its middle, one hop long, so that together they cover the time once; what a call is made of are
//! windows from [`CallRules::keep_from`] on that lie no farther apart than the gap. Its score is the best
//! of theirs, its band that of their energy.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use spyhop_api::time::NANOS_PER_S;

use super::energy_band::energy_band;
use super::grouping::{Grouping, Part};
use super::settings::SettingsError;

/// How the windows of one class become its calls.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRules {
    /// Calls from here on count as found, 0 to 1.
    pub threshold: f64,
    /// Windows from here on are kept, so that the threshold can be moved down later.
    pub keep_from: f64,
    /// What lies no farther apart is one call.
    pub gap_s: f64,
    /// Shorter calls are none.
    pub least_s: f64,
    /// Longer ones are told in pieces.
    pub longest_s: f64,
}

impl Default for CallRules {
    fn default() -> CallRules {
        CallRules { threshold: 0.5, keep_from: 0.1, gap_s: 0.0, least_s: 0.0, longest_s: 60.0 }
    }
}

/// A call of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Call {
    /// Where it begins, nanoseconds.
    pub start_ns: i64,
    /// Where it ends.
    pub end_ns: i64,
    /// The band that holds 5 % to 95 % of its energy within that of its class.
    pub band_hz: (f64, f64),
    /// The best score of its windows.
    pub score: f32,
}

/// What a window says of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Spoken<'a> {
    /// The time that it speaks for, nanoseconds.
    pub span_ns: Range<i64>,
    /// Its score, 0 to 1; what is no number is none.
    pub score: f32,
    /// Mean power in that time, by bin from 0 Hz.
    pub power: &'a [f32],
}

/// Windows that may be a call.
struct Windows {
    span_ns: Range<i64>,
    score: f32,
    power: Vec<f64>,
}

impl Part for Windows {
    fn join(&mut self, later: Windows) {
        self.span_ns.end = self.span_ns.end.max(later.span_ns.end);
        self.score = self.score.max(later.score);
        self.power.iter_mut().zip(later.power).for_each(|(a, b)| *a += b);
    }
}

impl CallRules {
    /// # Errors
    /// When a value can't be.
    pub fn check(&self) -> Result<(), SettingsError> {
        let wrong = |key, value, allowed| Err(SettingsError { key, value, allowed });
        match *self {
            CallRules { keep_from, .. } if !(0.0..=1.0).contains(&keep_from) => {
                wrong("keep_from", keep_from, "0 to 1")
            }
            CallRules { threshold, keep_from, .. } if !(keep_from..=1.0).contains(&threshold) => {
                wrong("threshold", threshold, "keep_from to 1")
            }
            CallRules { gap_s, .. } if !(0.0..=3600.0).contains(&gap_s) => {
                wrong("gap_s", gap_s, "0 to 3600")
            }
            CallRules { longest_s, .. } if !(0.01..=3600.0).contains(&longest_s) => {
                wrong("longest_s", longest_s, "0.01 to 3600")
            }
            CallRules { least_s, longest_s, .. } if !(0.0..=longest_s).contains(&least_s) => {
                wrong("least_s", least_s, "0 to longest_s")
            }
            _ => Ok(()),
        }
    }
}

/// Makes the calls of one class out of what its windows say, in order.
pub struct Calls {
    rules: CallRules,
    band_hz: (f64, f64),
    bin_hz: f64,
    grouping: Grouping<Windows>,
}

impl Calls {
    /// Of a class whose calls lie in a band; power comes in bins of so many hertz.
    pub fn new(rules: &CallRules, band_hz: (f64, f64), bin_hz: f64) -> Calls {
        // Times are rounded: neighbours may miss each other by a nanosecond.
        let gap_ns = nanos(rules.gap_s) + 2;
        let grouping = Grouping::new(gap_ns, nanos(rules.longest_s));
        Calls { rules: *rules, band_hz, bin_hz, grouping }
    }

    /// How far around a call windows matter to it.
    pub fn reach_ns(&self) -> i64 {
        self.grouping.reach()
    }

    /// Whether a window with such a score becomes part of a call.
    pub fn keeps(&self, score: f32) -> bool {
        f64::from(score) >= self.rules.keep_from
    }

    /// The next window.
    pub fn push(&mut self, window: &Spoken<'_>, calls: &mut Vec<Call>) {
        if !self.keeps(window.score) {
            return;
        }
        let part = Windows {
            span_ns: window.span_ns.clone(),
            score: window.score,
            power: window.power.iter().map(|p| f64::from(*p)).collect(),
        };
        let Calls { rules, band_hz, bin_hz, grouping } = self;
        grouping.add(window.span_ns.clone(), part, &mut |windows| {
            calls.extend(call(&windows, rules, *band_hz, *bin_hz));
        });
    }

    /// No window follows.
    pub fn finish(&mut self, calls: &mut Vec<Call>) {
        let Calls { rules, band_hz, bin_hz, grouping } = self;
        grouping.finish(&mut |windows| calls.extend(call(&windows, rules, *band_hz, *bin_hz)));
    }
}

fn nanos(seconds: f64) -> i64 {
    (seconds * NANOS_PER_S as f64).round() as i64
}

fn call(windows: &Windows, rules: &CallRules, band_hz: (f64, f64), bin_hz: f64) -> Option<Call> {
    let Range { start: start_ns, end: end_ns } = windows.span_ns;
    // A nanosecond of rounding is no shortness.
    (end_ns - start_ns + 2 >= nanos(rules.least_s)).then(|| Call {
        start_ns,
        end_ns,
        band_hz: energy_band(&windows.power, 0, bin_hz, band_hz),
        score: windows.score,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: CallRules =
        CallRules { threshold: 0.5, keep_from: 0.3, gap_s: 0.0, least_s: 0.0, longest_s: 60.0 };

    /// Start and end in seconds, and score, of the calls of windows that speak for a second each.
    fn calls(rules: CallRules, scores: &[f32]) -> Vec<(f64, f64, f32)> {
        let mut maker = Calls::new(&rules, (50.0, 400.0), 10.0);
        let mut calls = Vec::new();
        for (second, score) in scores.iter().enumerate() {
            let start = second as i64 * NANOS_PER_S;
            let span_ns = start..start + NANOS_PER_S;
            maker.push(&Spoken { span_ns, score: *score, power: &[] }, &mut calls);
        }
        maker.finish(&mut calls);
        let s = |ns: i64| ns as f64 / NANOS_PER_S as f64;
        calls.iter().map(|c| (s(c.start_ns), s(c.end_ns), c.score)).collect()
    }

    #[test]
    fn a_calls_band_is_that_of_its_windows_energy_within_its_class() {
        let mut maker = Calls::new(&RULES, (50.0, 400.0), 10.0);
        let mut calls = Vec::new();
        // A ship below the band, then a call that rises from 100 to 200 Hz.
        for (second, bins) in [[2, 10, 12], [2, 16, 20]].iter().enumerate() {
            let mut power = [0.0; 51];
            power[bins[0]] = 1000.0;
            power[bins[1]] = 1.0;
            power[bins[2]] = 1.0;
            let start = second as i64 * NANOS_PER_S;
            let span_ns = start..start + NANOS_PER_S;
            maker.push(&Spoken { span_ns, score: 0.9, power: &power }, &mut calls);
        }
        maker.finish(&mut calls);
        assert_eq!(calls.len(), 1);
        // A fifth of a bin of 10 Hz from either edge.
        assert_eq!(calls[0].band_hz, (97.0, 203.0));
    }

    #[test]
    fn windows_in_a_row_are_one_call_with_the_best_score() {
        let found = calls(RULES, &[0.1, 0.4, 0.9, 0.6, 0.2, 0.0, 0.35, 0.0]);
        assert_eq!(found, [(1.0, 4.0, 0.9), (6.0, 7.0, 0.35)]);
    }

    #[test]
    fn calls_with_a_short_gap_between_them_are_one() {
        let scores = [0.9, 0.0, 0.8, 0.0, 0.0, 0.7];
        assert_eq!(calls(RULES, &scores).len(), 3);
        let joined = calls(CallRules { gap_s: 1.0, ..RULES }, &scores);
        assert_eq!(joined, [(0.0, 3.0, 0.9), (5.0, 6.0, 0.7)]);
        assert_eq!(calls(CallRules { gap_s: 2.0, ..RULES }, &scores).len(), 1);
    }

    #[test]
    fn short_calls_are_none_and_long_ones_come_in_pieces_of_the_clock() {
        let short = CallRules { least_s: 2.0, ..RULES };
        assert_eq!(calls(short, &[0.9, 0.0, 0.9, 0.9, 0.0]), [(2.0, 4.0, 0.9)]);
        let song = vec![0.8; 25];
        let pieces = calls(CallRules { longest_s: 10.0, ..RULES }, &song);
        assert_eq!(pieces, [(0.0, 10.0, 0.8), (10.0, 20.0, 0.8), (20.0, 25.0, 0.8)]);
    }

    #[test]
    fn what_is_no_number_is_no_call() {
        assert_eq!(calls(RULES, &[f32::NAN, 0.5, f32::NAN]), [(1.0, 2.0, 0.5)]);
    }

    #[test]
    fn rules_that_make_no_sense_are_refused_by_their_key() {
        assert_eq!(CallRules::default().check(), Ok(()));
        for (key, rules) in [
            ("threshold", CallRules { threshold: 0.2, ..RULES }),
            ("keep_from", CallRules { keep_from: f64::NAN, ..RULES }),
            ("gap_s", CallRules { gap_s: -1.0, ..RULES }),
            ("longest_s", CallRules { longest_s: 0.0, ..RULES }),
            ("least_s", CallRules { least_s: 99.0, ..RULES }),
        ] {
            assert_eq!(rules.check().expect_err(key).key, key);
        }
    }
}
