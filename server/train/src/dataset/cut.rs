//! From calls in a recording to windows.

use std::ops::Range;

use spyhop_config::{Labels, PositiveStart, Preprocess};

/// A sound in a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Seconds from the recording's first sample.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// What it is to training.
    pub sort: Sort,
}

/// What a sound is to training; classes by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A call.
    Call(usize),
    /// Of a class that is no call but easily taken for one: no call may be in its windows.
    Alike(usize),
    /// Perhaps a call: it gives no window, and only those with a call may touch it.
    LeftOut,
    /// No call: windows without one lie on it as on everything else.
    Other,
}

/// How windows lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CutRules {
    /// Their length.
    pub window_s: f64,
    /// Windows without a call lie on a grid of so many seconds.
    pub hop_s: f64,
    /// Where those with a call begin.
    pub positive_start: PositiveStart,
    /// Whether what nobody labelled is without a call: only then there is a grid.
    pub is_labelled_throughout: bool,
}

impl From<&Preprocess> for CutRules {
    fn from(said: &Preprocess) -> CutRules {
        CutRules {
            window_s: said.window_s,
            hop_s: said.hop_s,
            positive_start: said.positive_start,
            is_labelled_throughout: said.labels != Labels::Reviews,
        }
    }
}

/// The windows of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    /// Where each begins, in order of time, with the class of its call; `None` is without one.
    pub windows: Vec<(f64, Option<usize>)>,
    /// Sounds of a class of which nothing was recorded, or no stretch as long as a window.
    pub unheard: usize,
}

/// Cuts what was recorded of a recording, stretches without a gap in order of time. A window lies in one of
/// them; where the whole recording is shorter than a window it is longer than that. Windows without a call
/// lie on a grid, from each stretch's beginning on, and touch no sound of a class. Windows of a class that is
/// no call are left out where a call is in them, too.
pub fn windows(recorded_s: &[Range<f64>], events: &[Event], rules: &CutRules) -> Cut {
    let touch = |start_s: f64, event: &Event| {
        event.start_s < start_s + rules.window_s && event.end_s > start_s
    };
    let may_hold_call = |start_s: f64| {
        let may_be_call = |event: &&Event| matches!(event.sort, Sort::Call(_) | Sort::LeftOut);
        events.iter().filter(may_be_call).any(|event| touch(start_s, event))
    };
    let mut cut = Cut { windows: Vec::new(), unheard: 0 };
    for event in events {
        let (class, is_call) = match event.sort {
            Sort::Call(class) => (class, true),
            Sort::Alike(class) => (class, false),
            Sort::LeftOut | Sort::Other => continue,
        };
        let starts = starts(event, recorded_s, rules);
        cut.unheard += usize::from(starts.is_empty());
        let kept = starts.into_iter().filter(|start_s| is_call || !may_hold_call(*start_s));
        cut.windows.extend(kept.map(|start_s| (start_s, Some(class))));
    }
    for stretch in recorded_s.iter().filter(|_| rules.is_labelled_throughout) {
        // Whole windows alone; the rounding of a length must not cost the last one.
        let grid = (stretch.end - stretch.start - rules.window_s) / rules.hop_s + 1e-6;
        let on_grid = (grid.floor() + 1.0).max(0.0) as usize;
        let latest_s = rules.latest_s(stretch);
        for start_s in (0..on_grid).map(|i| stretch.start + i as f64 * rules.hop_s) {
            let is_free = |event: &Event| event.sort == Sort::Other || !touch(start_s, event);
            if events.iter().all(is_free) {
                cut.windows.push((start_s.min(latest_s), None));
            }
        }
    }
    cut.windows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    cut
}

impl CutRules {
    /// The latest window of a stretch.
    fn latest_s(&self, stretch: &Range<f64>) -> f64 {
        (stretch.end - self.window_s).max(stretch.start)
    }
}

/// Where windows of a sound begin, each once: in the stretch that holds most of it, and in each other one that
/// holds as much of it as a window does.
fn starts(event: &Event, recorded_s: &[Range<f64>], rules: &CutRules) -> Vec<f64> {
    let is_long_enough = |stretch: &&Range<f64>| {
        recorded_s.len() == 1 || stretch.end - stretch.start + 1e-6 >= rules.window_s
    };
    let end_s = event.end_s.max(event.start_s);
    let touches = |stretch: &&Range<f64>| {
        event.start_s < stretch.end && (end_s > stretch.start || event.start_s >= stretch.start)
    };
    let held: Vec<(&Range<f64>, Range<f64>)> = recorded_s
        .iter()
        .filter(is_long_enough)
        .filter(touches)
        .map(|stretch| (stretch, event.start_s.max(stretch.start)..end_s.min(stretch.end)))
        .collect();
    let length_s = |span: &Range<f64>| span.end - span.start;
    let by_length = held.iter().map(|(_, span)| length_s(span)).enumerate();
    let most = by_length.max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(index, _)| index);
    let mut starts = Vec::new();
    for (index, (stretch, span)) in held.into_iter().enumerate() {
        let is_most = most == Some(index);
        let begin_s = match rules.positive_start {
            _ if !is_most && length_s(&span) < rules.window_s => continue,
            PositiveStart::WholeSecond if !is_most => continue,
            PositiveStart::WholeSecond => {
                let half_s = ((end_s - event.start_s) / 2.0).floor();
                vec![event.start_s.trunc() + (half_s - 1.0).max(0.0)]
            }
            PositiveStart::Centred if length_s(&span) <= rules.window_s => {
                vec![(span.start + span.end - rules.window_s) / 2.0]
            }
            PositiveStart::Centred => {
                let more = ((length_s(&span) - rules.window_s) / rules.hop_s).floor() as usize;
                (0..=more).map(|i| span.start + i as f64 * rules.hop_s).collect()
            }
        };
        let latest_s = rules.latest_s(stretch);
        starts.extend(begin_s.into_iter().map(|begin_s| begin_s.clamp(stretch.start, latest_s)));
    }
    starts.dedup();
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: CutRules = CutRules {
        window_s: 3.0,
        hop_s: 3.0,
        positive_start: PositiveStart::WholeSecond,
        is_labelled_throughout: true,
    };

    fn call(start_s: f64, end_s: f64) -> Event {
        Event { start_s, end_s, sort: Sort::Call(0) }
    }

    /// Of a recording without a gap.
    fn windows(duration_s: f64, events: &[Event], rules: &CutRules) -> Vec<(f64, Option<usize>)> {
        let cut = super::windows(&[0.0..duration_s], events, rules);
        assert_eq!(cut.unheard, 0);
        cut.windows
    }

    /// Where windows of calls begin.
    fn positive(windows: &[(f64, Option<usize>)]) -> Vec<f64> {
        windows.iter().filter(|(_, class)| class.is_some()).map(|window| window.0).collect()
    }

    #[test]
    fn a_silent_file_of_a_quarter_of_an_hour_has_300_windows() {
        let cut = windows(900.0, &[], &RULES);
        assert_eq!(cut.len(), 300);
        assert_eq!(cut.last(), Some(&(897.0, None)));
        assert_eq!(windows(899.9995, &[], &RULES).len(), 299);
        assert_eq!(windows(2.0, &[], &RULES), []);
    }

    #[test]
    fn windows_with_a_call_begin_by_the_reference_s_rule() {
        // int(start) + max(floor(duration / 2) − 1, 0)
        for (start_s, end_s, begin_s) in
            [(7.9, 8.8, 7.0), (100.2, 102.0, 100.0), (100.2, 105.0, 101.0), (898.5, 899.4, 897.0)]
        {
            let cut = windows(900.0, &[call(start_s, end_s)], &RULES);
            assert_eq!(positive(&cut), [begin_s]);
        }
    }

    #[test]
    fn windows_that_touch_a_call_are_not_without_one_and_other_sounds_change_nothing() {
        let other = Event { sort: Sort::Other, ..call(30.0, 32.0) };
        let cut = windows(900.0, &[call(5.5, 6.4), other], &RULES);
        let negative = |s: f64| cut.contains(&(s, None));
        assert!(!negative(3.0) && !negative(6.0) && negative(0.0) && negative(9.0));
        assert!(negative(30.0));
        assert_eq!(cut.iter().filter(|(_, class)| class.is_none()).count(), 298);
        // What ends where a window begins does not touch it.
        assert_eq!(windows(900.0, &[call(5.0, 6.0)], &RULES).len(), 299 + 1);
    }

    #[test]
    fn a_window_of_what_is_easily_taken_for_a_call_holds_none() {
        let other = |start_s| Event { sort: Sort::Alike(1), ..call(start_s, start_s + 1.0) };
        let cut = windows(900.0, &[call(10.0, 11.0), other(10.8), other(50.0)], &RULES);
        let others: Vec<f64> = cut.iter().filter(|w| w.1 == Some(1)).map(|w| w.0).collect();
        assert_eq!(others, [50.0]);
        assert_eq!(cut.iter().filter(|w| w.1 == Some(0)).count(), 1);
        assert!(cut.iter().all(|w| w.1.is_some() || w.0 + 3.0 <= 50.0 || w.0 >= 51.0));
    }

    #[test]
    fn a_call_lies_in_the_middle_and_a_long_one_gives_several_windows() {
        let rules = CutRules { positive_start: PositiveStart::Centred, ..RULES };
        let of = |event| positive(&windows(100.0, &[event], &rules));
        assert_eq!(of(call(10.0, 11.0)), [9.0]);
        assert_eq!(of(call(0.2, 0.8)), [0.0]);
        assert_eq!(of(call(99.0, 99.9)), [97.0]);
        assert_eq!(of(call(20.0, 30.0)), [20.0, 23.0, 26.0]);
        // What is labelled beyond the recording's end gives no copies of its last window.
        assert_eq!(of(call(90.0, 1000.0)), [90.0, 93.0, 96.0]);
        assert_eq!(of(call(98.0, 1000.0)), [97.0]);
    }

    #[test]
    fn what_may_be_a_call_gives_no_window_and_no_other_but_a_call_s_lies_on_it() {
        let doubtful = |start_s| Event { sort: Sort::LeftOut, ..call(start_s, start_s + 1.0) };
        let alike = Event { sort: Sort::Alike(1), ..call(50.2, 51.0) };
        let events = [doubtful(10.0), doubtful(50.0), alike, doubtful(70.0), call(70.5, 71.5)];
        let cut = windows(90.0, &events, &RULES);
        assert_eq!(positive(&cut), [70.0]);
        let negative = |s: f64| cut.contains(&(s, None));
        assert!(!negative(9.0) && !negative(48.0) && !negative(69.0));
        assert_eq!(cut.iter().filter(|(_, class)| class.is_none()).count(), 30 - 3);
    }

    #[test]
    fn no_window_lies_in_a_gap() {
        let recorded_s = [0.0..75.0, 150.0..225.0, 300.0..302.0, 400.0..475.0];
        let of = |events: &[Event], positive_start| {
            super::windows(&recorded_s, events, &CutRules { positive_start, ..RULES })
        };
        let silent = of(&[], PositiveStart::Centred);
        assert_eq!(silent.windows.len(), 3 * 25);
        let is_recorded = |start_s: f64| {
            recorded_s
                .iter()
                .any(|stretch| stretch.start <= start_s && start_s + 3.0 <= stretch.end)
        };
        assert!(silent.windows.iter().all(|(start_s, _)| is_recorded(*start_s)));
        // At the edges, across a gap, in one, and in a stretch that is shorter than a window.
        let events = [
            call(74.5, 75.5),
            call(150.0, 150.5),
            call(224.9, 400.6),
            call(100.0, 101.0),
            call(300.5, 301.0),
        ];
        for (positive_start, begin_s) in [
            (PositiveStart::Centred, [72.0, 150.0, 400.0]),
            (PositiveStart::WholeSecond, [72.0, 150.0, 400.0]),
        ] {
            let cut = of(&events, positive_start);
            assert_eq!(positive(&cut.windows), begin_s);
            assert_eq!(cut.unheard, 2);
            assert!(cut.windows.iter().all(|(start_s, _)| is_recorded(*start_s)));
        }
        // A long one is heard wherever there is as much of it as a window.
        let long = of(&[call(70.0, 156.0)], PositiveStart::Centred);
        assert_eq!(positive(&long.windows), [70.0, 150.0, 153.0]);
    }
}
