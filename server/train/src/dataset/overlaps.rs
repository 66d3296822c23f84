//! Recordings of different parts that were made at the same time: two recorders or channels of one place, or a
//! file that was cut out of another. What one part is tested on the other has learned.

use std::ops::Range;
use std::path::Path;

use super::WindowTable;
use crate::split::{Part, Split};

const NANOS: f64 = 1e9;
/// Clocks in names tell the second, and files that follow each other end a little late: less is no overlap.
const LEAST_S: f64 = 1.0;
/// So many pairs are named; more say nothing more.
const MOST_NAMED: usize = 10;

/// Two recordings, by index, and how long their windows are of the same time.
struct Overlap {
    a: usize,
    b: usize,
    seconds: f64,
}

/// Recordings of different parts that are of the same time by their clocks, a sentence for each pair, the longest
/// first. It is windows that are compared: a recording may have gaps, and what no window is cut of teaches nothing.
pub fn overlaps(table: &WindowTable, split: &Split) -> Vec<String> {
    let mut found = of_different_parts(table, split);
    found.sort_by(|x, y| y.seconds.total_cmp(&x.seconds));
    let name = |index: usize| table.recordings.get(index).map_or("", |r| r.name.as_str());
    let folder = |index: usize| Path::new(name(index)).parent();
    let mut told: Vec<String> = Vec::new();
    for Overlap { a, b, seconds } in found.iter().take(MOST_NAMED) {
        let one_place = match folder(*a) == folder(*b) {
            true => "",
            false => ", which matters if they are of one place",
        };
        told.push(format!(
            "{} ({}) and {} ({}) overlap by {seconds:.0} s by their clocks{one_place}",
            name(*a),
            split.part(*a).name(),
            name(*b),
            split.part(*b).name()
        ));
    }
    let rest = found.get(MOST_NAMED..).unwrap_or_default();
    if !rest.is_empty() {
        let hours = rest.iter().map(|overlap| overlap.seconds).sum::<f64>() / 3600.0;
        told.push(format!(
            "{} more pairs of recordings of different parts overlap by {hours:.1} h by their clocks",
            rest.len()
        ));
    }
    if !told.is_empty() {
        told.push(
            "what is of one time stays together with data_loader.split_by: day, or with one of the recordings left out"
                .to_owned(),
        );
    }
    told
}

fn of_different_parts(table: &WindowTable, split: &Split) -> Vec<Overlap> {
    let heard = heard_s(table);
    let used = table.recordings.iter().enumerate().filter(|(i, _)| split.part(*i) != Part::Unused);
    let mut dated: Vec<(i64, usize, f64)> =
        used.filter_map(|(index, r)| Some((r.start_ns?, index, r.duration_s))).collect();
    dated.sort_by_key(|(start_ns, index, _)| (*start_ns, *index));
    let mut found = Vec::new();
    for (at, (a_ns, a, a_lasts_s)) in dated.iter().enumerate() {
        let later_s = |b_ns: &i64| b_ns.saturating_sub(*a_ns) as f64 / NANOS;
        let near = dated.iter().skip(at + 1).take_while(|(b_ns, ..)| later_s(b_ns) < *a_lasts_s);
        for (b_ns, b, _) in near.filter(|(_, b, _)| split.part(*a) != split.part(*b)) {
            let (Some(heard_a), Some(heard_b)) = (heard.get(*a), heard.get(*b)) else { continue };
            let seconds = common_s(heard_a, heard_b, later_s(b_ns));
            if seconds > LEAST_S {
                found.push(Overlap { a: *a, b: *b, seconds });
            }
        }
    }
    found
}

/// What windows are cut of in each recording: stretches in order of time, none touching another.
fn heard_s(table: &WindowTable) -> Vec<Vec<Range<f64>>> {
    let mut heard: Vec<Vec<Range<f64>>> = vec![Vec::new(); table.recordings.len()];
    let mut windows: Vec<_> = table.windows.iter().map(|w| (w.recording, w.start_s)).collect();
    windows.sort_by(|x, y| x.0.cmp(&y.0).then(x.1.total_cmp(&y.1)));
    for (recording, start_s) in windows {
        let Some(of_it) = heard.get_mut(recording) else { continue };
        let end_s = start_s + table.window_s;
        match of_it.last_mut().filter(|last| start_s <= last.end) {
            Some(last) => last.end = last.end.max(end_s),
            None => of_it.push(start_s..end_s),
        }
    }
    heard
}

/// How long two lists of stretches have in common, where the second one's recording began so much later.
fn common_s(a: &[Range<f64>], b: &[Range<f64>], later_s: f64) -> f64 {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut common_s = 0.0;
    while let (Some(of_a), Some(of_b)) = (a.peek(), b.peek()) {
        let (begin, end) = (of_b.start + later_s, of_b.end + later_s);
        common_s += (of_a.end.min(end) - of_a.start.max(begin)).max(0.0);
        if of_a.end < end {
            a.next()
        } else {
            b.next()
        };
    }
    common_s
}

#[cfg(test)]
mod tests {
    use spyhop_config::DataLoader;

    use super::super::{Window, WindowedRecording, report};
    use super::*;

    /// Recordings of a minute that begin at some seconds, each all windows of 3 s, those of every other one calls.
    fn table(recordings: &[(&str, Option<i64>)]) -> WindowTable {
        let recording = |(name, start_s): &(&str, Option<i64>)| WindowedRecording {
            name: (*name).into(),
            fingerprint: (*name).into(),
            day: "2021-06-01".into(),
            start_ns: start_s.map(|s| 1_622_505_600_000_000_000 + s * 1_000_000_000),
            duration_s: 60.0,
            recorded_s: 60.0,
        };
        let windows = (0..recordings.len() * 20).map(|i| Window {
            recording: i / 20,
            start_s: (i % 20) as f64 * 3.0,
            class: i % 2,
        });
        WindowTable {
            folder: "sea".into(),
            window_s: 3.0,
            negative_class: "none".into(),
            classes: vec!["upcall".into(), "none".into()],
            recordings: recordings.iter().map(recording).collect(),
            windows: windows.collect(),
            levels: None,
        }
    }

    /// Half of the recordings in each of two parts.
    fn halves(table: &WindowTable) -> Split {
        let said = DataLoader { train_ratio: 0.5, val_ratio: 0.5, ..DataLoader::default() };
        Split::new(table, &DataLoader { test_ratio: 0.0, ..said }).expect("enough")
    }

    #[test]
    fn recordings_of_one_time_in_two_parts_are_told_with_how_long_they_overlap() {
        let told = |recordings: &[(&str, Option<i64>)]| {
            let table = table(recordings);
            let split = halves(&table);
            let part = |i: usize| split.part(i).name();
            (report(&table, &split).leaks, part(0), part(1))
        };
        let (leaks, a, b) = told(&[("north.wav", Some(0)), ("south.wav", Some(20))]);
        let pair = format!("north.wav ({a}) and south.wav ({b}) overlap by 40 s by their clocks");
        assert_eq!(leaks[0], pair);
        assert!(leaks[1].contains("data_loader.split_by: day") && leaks.len() == 2, "{leaks:?}");
        let (leaks, ..) = told(&[("ch1/a.wav", Some(0)), ("ch2/a.wav", Some(0))]);
        assert!(
            leaks[0].contains("overlap by 60 s") && leaks[0].contains("if they are of one place"),
            "{leaks:?}"
        );
        // One after the other, a clock that is a second off, and those of no known time.
        for other in [Some(60), Some(59), Some(-60), Some(90), None] {
            let (leaks, ..) = told(&[("a.wav", Some(0)), ("b.wav", other)]);
            assert_eq!(leaks, [""; 0], "{other:?}");
        }
        let (leaks, ..) = told(&[("a.wav", None), ("b.wav", None)]);
        assert_eq!(leaks, [""; 0]);
    }

    #[test]
    fn one_part_and_the_other_recording_s_gap_are_no_leak_and_many_pairs_are_summed() {
        let mut table = table(&[("a.wav", Some(0)), ("b.wav", Some(0))]);
        // The first half of one, the second half of the other.
        table.windows.retain(|w| (w.start_s < 30.0) == (w.recording == 0));
        assert_eq!(overlaps(&table, &halves(&table)), [""; 0]);

        let names: Vec<String> = (0..40).map(|i| format!("{i}.wav")).collect();
        let all: Vec<(&str, Option<i64>)> = names.iter().map(|n| (n.as_str(), Some(0))).collect();
        let table = self::table(&all);
        let split = halves(&table);
        let of_first = (0..40).filter(|i| split.part(*i) == Part::Train).count();
        let told = overlaps(&table, &split);
        assert_eq!(told.len(), MOST_NAMED + 2);
        let pairs = of_first * (40 - of_first) - MOST_NAMED;
        let hours = pairs as f64 / 60.0;
        let rest =
            format!("{pairs} more pairs of recordings of different parts overlap by {hours:.1} h");
        assert!(told[MOST_NAMED].starts_with(&rest), "{}", told[MOST_NAMED]);
    }
}
