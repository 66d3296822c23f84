//! How much of two boxes of time and frequency is common to both, and which box is which.

use std::ops::Range;

/// A box; a call of which nobody noted the band has none, and is told by its time alone.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeBox {
    /// Nanoseconds on the clock that all boxes of a comparison share.
    pub span_ns: Range<i64>,
    /// Lower and upper edge in hertz.
    pub band_hz: Option<(f64, f64)>,
}

impl TimeBox {
    /// How long it is, seconds.
    pub fn length_s(&self) -> f64 {
        (self.span_ns.end as f64 - self.span_ns.start as f64).max(0.0) / 1e9
    }

    /// How far the middle of its time is behind that of another one, seconds.
    pub fn behind_s(&self, other: &TimeBox) -> f64 {
        let middle = |span: &Range<i64>| (span.start as i128 + span.end as i128) as f64 / 2.0;
        (middle(&self.span_ns) - middle(&other.span_ns)) / 1e9
    }
}

/// Intersection over union of two boxes: 0 where nothing is common, 1 where they are the same. Where one of
/// them has no band, it is that of their times. A box without an area has nothing in common with any.
pub fn overlap(a: &TimeBox, b: &TimeBox) -> f64 {
    let start = a.span_ns.start.max(b.span_ns.start) as f64;
    let end = a.span_ns.end.min(b.span_ns.end) as f64;
    let common_s = (end - start).max(0.0) / 1e9;
    let (common, all) = match (a.band_hz, b.band_hz) {
        (Some(a_hz), Some(b_hz)) => {
            let width = |band: (f64, f64)| (band.1 - band.0).max(0.0);
            let common_hz = width((a_hz.0.max(b_hz.0), a_hz.1.min(b_hz.1)));
            (common_s * common_hz, a.length_s() * width(a_hz) + b.length_s() * width(b_hz))
        }
        _ => (common_s, a.length_s() + b.length_s()),
    };
    // What is no number or infinite is nothing.
    let share = common / (all - common);
    if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
}

/// Pairs boxes with calls, one to one, so that the sum of the pairs' overlaps is as large as it can be; no
/// pair overlaps less than `least`. The answer has one entry a box: the index of its call.
///
/// This is the assignment problem, solved by shortest augmenting paths (Kuhn 1955 and Munkres 1957 in the
/// form of Jonker and Volgenant 1987), as `scipy.optimize.linear_sum_assignment` does, whose sums are the
/// same. It takes boxes² × (boxes + calls) steps.
pub fn best_pairs(boxes: &[TimeBox], calls: &[TimeBox], least: f64) -> Vec<Option<usize>> {
    // To pair with a call costs less the more they overlap; each box may also stay alone, for nothing.
    let columns = calls.len() + boxes.len();
    let gain = |row: usize, column: usize| match (boxes.get(row), calls.get(column)) {
        (Some(one), Some(call)) => {
            let share = overlap(one, call);
            if share > 0.0 && share >= least { share } else { f64::NEG_INFINITY }
        }
        _ => 0.0,
    };
    let costs: Vec<Vec<f64>> = (0..boxes.len())
        .map(|row| (0..columns).map(|column| -gain(row, column)).collect())
        .collect();
    let mut row_of: Vec<Option<usize>> = vec![None; columns];
    let mut column_price = vec![0.0; columns];
    let mut row_price = vec![0.0; boxes.len()];
    for first in 0..boxes.len() {
        augment(first, &costs, &mut row_of, &mut row_price, &mut column_price);
    }
    let mut pairs = vec![None; boxes.len()];
    for (call, row) in row_of.iter().take(calls.len()).enumerate() {
        if let Some(pair) = row.and_then(|row| pairs.get_mut(row)) {
            *pair = Some(call);
        }
    }
    pairs
}

/// Gives one more row a column, along the cheapest path over rows that move to another one.
fn augment(
    first: usize,
    costs: &[Vec<f64>],
    row_of: &mut [Option<usize>],
    row_price: &mut [f64],
    column_price: &mut [f64],
) {
    let columns = row_of.len();
    let mut reached_by: Vec<usize> = vec![first; columns];
    let mut distance = vec![f64::INFINITY; columns];
    let mut is_done = vec![false; columns];
    let (mut row, mut so_far) = (first, 0.0);
    let last = loop {
        let mut nearest: Option<usize> = None;
        for column in 0..columns {
            if is_done[column] {
                continue;
            }
            let through = so_far + costs[row][column] - row_price[row] - column_price[column];
            if through < distance[column] {
                distance[column] = through;
                reached_by[column] = row;
            }
            if nearest.is_none_or(|best| distance[column] < distance[best]) {
                nearest = Some(column);
            }
        }
        // Each row can stay alone: there is always a column that some row reaches.
        let Some(column) = nearest.filter(|&column| distance[column].is_finite()) else { return };
        is_done[column] = true;
        so_far = distance[column];
        match row_of[column] {
            Some(next) => row = next,
            None => break column,
        }
    };
    row_price[first] += so_far;
    for column in (0..columns).filter(|&column| is_done[column]) {
        let left = so_far - distance[column];
        column_price[column] -= left;
        if let Some(row) = row_of[column] {
            row_price[row] += left;
        }
    }
    let mut column = last;
    loop {
        let row = reached_by[column];
        let before = row_of.iter().position(|held| *held == Some(row));
        row_of[column] = Some(row);
        match before {
            Some(before) if row != first => column = before,
            _ => break,
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

    #[test]
    fn overlap_is_what_is_common_of_what_both_cover() {
        let call = a_box(0, 1000, 100.0, 200.0);
        assert_eq!(overlap(&call, &call), 1.0);
        // A third of the union: half of each is common.
        assert!((overlap(&call, &a_box(500, 1500, 100.0, 200.0)) - 1.0 / 3.0).abs() < 1e-12);
        // A quarter of each: 1 of 7.
        assert!((overlap(&call, &a_box(500, 1500, 150.0, 250.0)) - 1.0 / 7.0).abs() < 1e-12);
        assert_eq!(overlap(&call, &a_box(1000, 2000, 100.0, 200.0)), 0.0, "they only touch");
        let undetermined = TimeBox { band_hz: None, ..call.clone() };
        assert!((overlap(&undetermined, &a_box(0, 500, 9.0, 10.0)) - 0.5).abs() < 1e-12);
        for odd in [a_box(0, 0, 0.0, 0.0), a_box(5, 1, 9.0, 1.0), a_box(0, 1, f64::NAN, 5.0)] {
            assert_eq!(overlap(&odd, &odd), 0.0, "{odd:?}");
        }
    }

    #[test]
    fn a_box_gives_way_where_both_can_have_a_call() {
        // The first box fits the first call best, but it alone can have the second.
        let calls = [a_box(0, 1000, 0.0, 100.0), a_box(900, 1900, 0.0, 100.0)];
        let boxes = [a_box(300, 1300, 0.0, 100.0), a_box(0, 500, 0.0, 100.0)];
        assert!(overlap(&boxes[0], &calls[0]) > overlap(&boxes[0], &calls[1]));
        assert_eq!(best_pairs(&boxes, &calls, 0.1), [Some(1), Some(0)]);
        assert_eq!(best_pairs(&boxes, &calls, 0.3), [Some(0), None]);
        assert_eq!(best_pairs(&boxes, &[], 0.1), [None, None]);
        assert_eq!(best_pairs(&[], &calls, 0.1), []);
    }
}
