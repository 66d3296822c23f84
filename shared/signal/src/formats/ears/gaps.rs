//! Gaps in a sequence of record times, found by bisection: only where the clock does not fit the
//! count is anything read.

/// Gaps kept; a file with more has a broken clock.
pub(super) const MAX_GAPS: usize = 4096;
/// Clocks that are off by more than this are worth a warning.
pub(super) const NOTABLE_DRIFT_PPM: f64 = 100.0;

/// Runs of records without a gap.
pub(super) struct Runs {
    /// First record of each run and its time in nanoseconds.
    pub(super) starts: Vec<(u64, i64)>,
    /// How much faster than its samples the clock runs, over the longest run.
    pub(super) drift_ppm: Option<f64>,
    /// Whether some run begins before the one in front of it ends.
    pub(super) goes_back: bool,
    /// Whether there were more gaps than are kept.
    pub(super) truncated: bool,
}

/// Finds all places where the time of a record is more than one record off what the records before
/// it let expect. Where the ends of a stretch fit each other within one record, nothing inside it is
/// read; a slow divergence is halved until it is that small, and is drift.
pub(super) fn find<E>(
    records: u64,
    record_nanos: f64,
    time: &mut dyn FnMut(u64) -> Result<i64, E>,
) -> Result<Runs, E> {
    let first = time(0)?;
    let mut runs =
        Runs { starts: vec![(0, first)], drift_ppm: None, goes_back: false, truncated: false };
    if records < 2 {
        return Ok(runs);
    }
    let last = (records - 1, time(records - 1)?);
    let fits = |a: (u64, i64), b: (u64, i64)| {
        let expected = (b.0 - a.0) as f64 * record_nanos;
        ((b.1 as f64 - a.1 as f64) - expected).abs() <= record_nanos
    };
    // Stretches still to be looked at, the leftmost on top.
    let mut stretches = vec![((0, first), last)];
    // The last record before each gap, to measure the drift inside the runs.
    let mut ends: Vec<(u64, i64)> = Vec::new();
    while let Some((a, b)) = stretches.pop() {
        if fits(a, b) {
            continue;
        }
        if b.0 - a.0 == 1 {
            if ends.len() == MAX_GAPS {
                runs.truncated = true;
                break;
            }
            runs.goes_back |= b.1 < a.1;
            ends.push(a);
            runs.starts.push(b);
            continue;
        }
        let middle = a.0 + (b.0 - a.0) / 2;
        let middle = (middle, time(middle)?);
        stretches.push((middle, b));
        stretches.push((a, middle));
    }
    if !runs.truncated {
        ends.push(last);
    }
    runs.drift_ppm = runs
        .starts
        .iter()
        .zip(&ends)
        .max_by_key(|(start, end)| end.0 - start.0)
        // Over less than a few records the clock's own ticks are all there is to see.
        .filter(|(start, end)| end.0 - start.0 >= 100)
        .map(|(start, end)| {
            let expected = (end.0 - start.0) as f64 * record_nanos;
            ((end.1 - start.1) as f64 / expected - 1.0) * 1e6
        });
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD_NS: f64 = 250.0 / 192_000.0 * 1e9;

    fn runs_of(records: u64, nanos: impl Fn(u64) -> f64) -> (Runs, usize) {
        let mut reads = 0;
        let mut time = |r: u64| {
            reads += 1;
            // The clock counts ticks of 31.25 µs.
            Ok::<i64, ()>((nanos(r) / 31_250.0).floor() as i64 * 31_250)
        };
        let runs = find(records, RECORD_NS, &mut time).expect("no errors");
        (runs, reads)
    }

    #[test]
    fn a_file_without_a_gap_costs_two_reads() {
        let (runs, reads) = runs_of(16_384, |r| r as f64 * RECORD_NS);
        assert_eq!((runs.starts.len(), reads), (1, 2));
    }

    #[test]
    fn gaps_are_found_to_the_record_with_few_reads() {
        let gap_ns = |r: u64| match r {
            0..1000 => 0.0,
            1000..9_999 => 2.5e9,
            _ => 2.5e9 + 3e6,
        };
        let (runs, reads) = runs_of(16_384, |r| r as f64 * RECORD_NS + gap_ns(r));
        let records: Vec<u64> = runs.starts.iter().map(|s| s.0).collect();
        assert_eq!(records, [0, 1000, 9_999]);
        assert!(reads < 80, "{reads}");
        assert!(!runs.goes_back);
    }

    #[test]
    fn a_slow_clock_is_drift_and_no_gap() {
        // An hour and a half at 80 ppm is off by 0.4 s in the end.
        let (runs, reads) = runs_of(4_000_000, |r| r as f64 * RECORD_NS * (1.0 + 80e-6));
        assert_eq!(runs.starts.len(), 1);
        assert!((runs.drift_ppm.expect("long enough") - 80.0).abs() < 0.1);
        assert!(reads < 2000, "{reads}");
    }

    #[test]
    fn a_clock_that_jumps_at_every_record_ends_the_search() {
        let (runs, _) = runs_of(100_000, |r| r as f64 * 1e9);
        assert!(runs.truncated);
        assert_eq!(runs.starts.len(), MAX_GAPS + 1);
    }
}
