//! Gaps that are folded away: where what is left of a line lies on the screen.
//!
//! Everything that a person reads, selects or hears is told in positions on the line, which count gaps.
//! A picture with folded gaps is laid out in *places* instead, which do not. Without folds both are
//! the same.

use std::ops::Range;

use crate::Line;

/// Shorter gaps stay as they are: they are seen only where a second fills the screen.
const SHORTEST_S: f64 = 1.0;
/// A pixel with more folds is looked at as one stretch of the line: its gaps weigh nothing there.
const MOST_SEAMS: usize = 8;

/// Where gaps are folded away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fold {
    seams: Vec<Seam>,
}

/// A gap that is folded away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seam {
    /// Place on the screen's own axis, samples.
    pub place: i64,
    /// First position of the gap on the line.
    pub start: i64,
    /// One past its last.
    pub end: i64,
}

impl Seam {
    /// What positions after it are more than places.
    fn folded(&self) -> i64 {
        self.end - self.place
    }
}

impl Fold {
    /// Folds every gap of a line that lasts a second or more.
    pub fn of(line: &Line) -> Fold {
        let shortest = (SHORTEST_S * line.sample_rate_hz).max(1.0) as i64;
        let mut seams: Vec<Seam> = Vec::new();
        for pair in line.runs.windows(2) {
            let (start, end) = (pair[0].end(), pair[1].position);
            if end - start >= shortest {
                let folded = seams.last().map_or(0, Seam::folded);
                seams.push(Seam { place: start - folded, start, end });
            }
        }
        Fold { seams }
    }

    /// Whether nothing is folded.
    pub fn is_flat(&self) -> bool {
        self.seams.is_empty()
    }

    /// The place of a position; inside a gap the place where it is folded.
    pub fn place_of(&self, position: f64) -> f64 {
        let after = self.seams.partition_point(|s| (s.end as f64) <= position);
        let place = position - after.checked_sub(1).map_or(0, |i| self.seams[i].folded()) as f64;
        self.seams.get(after).map_or(place, |seam| place.min(seam.place as f64))
    }

    /// The position at a place; where a gap is folded, the first after it.
    pub fn position_at(&self, place: f64) -> f64 {
        let after = self.seams.partition_point(|s| (s.place as f64) <= place);
        place + after.checked_sub(1).map_or(0, |i| self.seams[i].folded()) as f64
    }

    /// The position at which something that reaches up to a place ends; where a gap is folded, the
    /// last before it.
    pub fn end_at(&self, place: f64) -> f64 {
        let after = self.seams.partition_point(|s| (s.place as f64) < place);
        place + after.checked_sub(1).map_or(0, |i| self.seams[i].folded()) as f64
    }

    /// The first position after the folded gap that a position lies in.
    pub fn after_gap(&self, position: f64) -> Option<i64> {
        let next = self.seams.partition_point(|s| (s.end as f64) <= position);
        self.seams.get(next).filter(|s| s.start as f64 <= position).map(|s| s.end)
    }

    /// Seams strictly between two places, in order.
    pub fn seams(&self, places: &Range<f64>) -> &[Seam] {
        let first = self.seams.partition_point(|s| (s.place as f64) <= places.start);
        let end = self.seams.partition_point(|s| (s.place as f64) < places.end);
        self.seams.get(first..end).unwrap_or_default()
    }

    /// The stretches of the line between some places: the places of each and its positions.
    pub fn stretches(&self, places: &Range<f64>) -> Vec<(Range<f64>, Range<f64>)> {
        let inner = self.seams(places).iter().map(|s| s.place as f64);
        let edges: Vec<f64> =
            std::iter::once(places.start).chain(inner).chain([places.end]).collect();
        edges.windows(2).map(|e| (e[0]..e[1], self.position_at(e[0])..self.end_at(e[1]))).collect()
    }

    /// What lies under a pixel: shares of its places, and the positions of each.
    pub fn shares(&self, pixel: &Range<f64>) -> Vec<(f32, Range<f64>)> {
        let seams = self.seams(pixel).len();
        if seams == 0 || seams > MOST_SEAMS {
            return vec![(1.0, self.position_at(pixel.start)..self.end_at(pixel.end))];
        }
        let wide = pixel.end - pixel.start;
        let share = |places: &Range<f64>| ((places.end - places.start) / wide) as f32;
        self.stretches(pixel).into_iter().map(|(p, positions)| (share(&p), positions)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Run;

    /// 100 samples at a hertz each, a gap of 900 and one of 400 between them.
    fn fold() -> Fold {
        let run = |position: i64| Run { position, frames: 100, recording: 0, first_frame: 0 };
        let runs = vec![run(0), run(1000), run(1500)];
        Fold::of(&Line { sample_rate_hz: 1.0, origin: None, runs })
    }

    #[test]
    fn places_and_positions_are_each_others_inverse_where_something_was_recorded() {
        let fold = fold();
        for position in [0.0, 50.5, 99.9, 1000.0, 1050.0, 1099.5, 1500.0, 1599.0] {
            assert_eq!(fold.position_at(fold.place_of(position)), position);
        }
        assert_eq!([1000.0, 1500.0, 1600.0].map(|p| fold.place_of(p)), [100.0, 200.0, 300.0]);
    }

    #[test]
    fn what_lies_in_a_gap_lies_on_its_fold() {
        let fold = fold();
        assert_eq!([100.0, 500.0, 999.0].map(|p| fold.place_of(p)), [100.0; 3]);
        assert_eq!((fold.position_at(100.0), fold.end_at(100.0)), (1000.0, 100.0));
        assert_eq!(fold.end_at(300.0), 1600.0);
        let after = [50.0, 100.0, 999.5, 1000.0, 1599.0].map(|p| fold.after_gap(p));
        assert_eq!(after, [None, Some(1000), Some(1000), None, None]);
    }

    #[test]
    fn a_picture_is_cut_at_the_folds() {
        let fold = fold();
        let cut = fold.stretches(&(50.0..250.0));
        assert_eq!(
            cut,
            [
                (50.0..100.0, 50.0..100.0),
                (100.0..200.0, 1000.0..1100.0),
                (200.0..250.0, 1500.0..1550.0)
            ]
        );
        assert_eq!(fold.stretches(&(100.0..200.0)), [(100.0..200.0, 1000.0..1100.0)]);
        assert_eq!(Fold::default().stretches(&(5.0..9.0)), [(5.0..9.0, 5.0..9.0)]);
        assert_eq!(fold.shares(&(90.0..130.0)), [(0.25, 90.0..100.0), (0.75, 1000.0..1030.0)]);
        assert_eq!(fold.shares(&(150.0..160.0)), [(1.0, 1050.0..1060.0)]);
    }

    #[test]
    fn short_gaps_stay() {
        let run = |position: i64| Run { position, frames: 100, recording: 0, first_frame: 0 };
        let line = Line { sample_rate_hz: 1000.0, origin: None, runs: vec![run(0), run(900)] };
        assert!(Fold::of(&line).is_flat());
    }
}
