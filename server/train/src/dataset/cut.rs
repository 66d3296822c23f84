//! From calls in a recording to windows.

use spyhop_config::{Labels, PositiveStart, Preprocess};

/// A sound in a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Seconds from the recording's first sample.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// Index of its class; `None` is a sound that is no call, whose windows are without a call.
    pub class: Option<usize>,
    /// Whether that class is a call; else it is a sound that is easily taken for one.
    pub is_call: bool,
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

/// Windows of a recording in order of time, each with the class of its call; `None` is without one. Those
/// lie on the grid and touch no sound of a class. Windows of a class that is no call are left out where a call
/// is in them, too.
pub fn windows(duration_s: f64, events: &[Event], rules: &CutRules) -> Vec<(f64, Option<usize>)> {
    let latest_s = (duration_s - rules.window_s).max(0.0);
    let calls: Vec<(&Event, usize)> =
        events.iter().filter_map(|event| Some((event, event.class?))).collect();
    let mut windows: Vec<(f64, Option<usize>)> = Vec::new();
    let touch = |start_s: f64, event: &Event| {
        event.start_s < start_s + rules.window_s && event.end_s > start_s
    };
    for (event, class) in &calls {
        for start_s in starts(event, rules) {
            let start_s = start_s.clamp(0.0, latest_s);
            let with_call =
                || calls.iter().any(|(other, _)| other.is_call && touch(start_s, other));
            if event.is_call || !with_call() {
                windows.push((start_s, Some(*class)));
            }
        }
    }
    // Whole windows alone; the rounding of a length must not cost the last one.
    let grid = ((duration_s - rules.window_s) / rules.hop_s + 1e-6).floor();
    let on_grid = if rules.is_labelled_throughout { (grid + 1.0).max(0.0) as usize } else { 0 };
    for i in 0..on_grid {
        let start_s = i as f64 * rules.hop_s;
        if !calls.iter().any(|(call, _)| touch(start_s, call)) {
            windows.push((start_s.min(latest_s), None));
        }
    }
    windows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    windows
}

/// Where windows of a call begin: one, or several where it is longer than they are.
fn starts(event: &Event, rules: &CutRules) -> Vec<f64> {
    let duration_s = (event.end_s - event.start_s).max(0.0);
    match rules.positive_start {
        PositiveStart::WholeSecond => {
            vec![event.start_s.trunc() + ((duration_s / 2.0).floor() - 1.0).max(0.0)]
        }
        PositiveStart::Centred if duration_s <= rules.window_s => {
            vec![(event.start_s + event.end_s - rules.window_s) / 2.0]
        }
        PositiveStart::Centred => {
            let more = ((duration_s - rules.window_s) / rules.hop_s).floor() as usize;
            (0..=more).map(|i| event.start_s + i as f64 * rules.hop_s).collect()
        }
    }
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
        Event { start_s, end_s, class: Some(0), is_call: true }
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
            let positive: Vec<f64> =
                cut.iter().filter(|(_, class)| class.is_some()).map(|w| w.0).collect();
            assert_eq!(positive, [begin_s]);
        }
    }

    #[test]
    fn windows_that_touch_a_call_are_not_without_one_and_other_sounds_change_nothing() {
        let other = Event { class: None, ..call(30.0, 32.0) };
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
        let other =
            |start_s| Event { class: Some(1), is_call: false, ..call(start_s, start_s + 1.0) };
        let cut = windows(900.0, &[call(10.0, 11.0), other(10.8), other(50.0)], &RULES);
        let others: Vec<f64> = cut.iter().filter(|w| w.1 == Some(1)).map(|w| w.0).collect();
        assert_eq!(others, [50.0]);
        assert_eq!(cut.iter().filter(|w| w.1 == Some(0)).count(), 1);
        assert!(cut.iter().all(|w| w.1.is_some() || w.0 + 3.0 <= 50.0 || w.0 >= 51.0));
    }

    #[test]
    fn a_call_lies_in_the_middle_and_a_long_one_gives_several_windows() {
        let rules = CutRules { positive_start: PositiveStart::Centred, ..RULES };
        let of = |event| -> Vec<f64> {
            let cut = windows(100.0, &[event], &rules);
            cut.iter().filter(|(_, class)| class.is_some()).map(|w| w.0).collect()
        };
        assert_eq!(of(call(10.0, 11.0)), [9.0]);
        assert_eq!(of(call(0.2, 0.8)), [0.0]);
        assert_eq!(of(call(99.0, 99.9)), [97.0]);
        assert_eq!(of(call(20.0, 30.0)), [20.0, 23.0, 26.0]);
    }
}
