//! Putting together what touches, frame by frame.

use std::collections::VecDeque;
use std::ops::Range;

use super::Contour;

/// Builds contours of points that stand out. Points touch when they are no more than `gap` frames apart
/// and no more rows than frames. Memory: contours that are still open, each up to the longest.
pub(super) struct Ridges {
    edge_db: f32,
    gap: i64,
    /// How many frames a contour has.
    lengths: Range<i64>,
    /// Stretches of rows in the last frames, and which contour each belongs to.
    recent: VecDeque<(i64, Vec<Stretch>)>,
    /// Contours by number; those that became part of another say of which.
    open: Vec<Slot>,
    free: Vec<usize>,
}

/// Rows that touch, and the contour that they belong to.
type Stretch = (Range<usize>, usize);

enum Slot {
    Free,
    PartOf(usize),
    Open(Open),
}

struct Open {
    first: i64,
    last: i64,
    rows: Range<usize>,
    /// Best row and its level in each frame from the first; none once it is too long.
    ridge: Vec<Option<(f32, f32)>>,
    is_too_long: bool,
}

impl Ridges {
    /// Of points that stand so high. `lengths` are the numbers of frames that a contour may have.
    pub fn new(edge_db: f32, gap: i64, lengths: Range<i64>) -> Ridges {
        let (recent, open, free) = (VecDeque::new(), Vec::new(), Vec::new());
        Ridges { edge_db, gap: gap.max(1), lengths, recent, open, free }
    }

    /// Takes the levels of a frame; gives contours that can't go on.
    pub fn push(&mut self, frame: i64, levels: &[f32], ended: &mut Vec<Contour>) {
        self.end_before(frame - self.gap, ended);
        let mut stretches = Vec::new();
        let mut row = 0;
        let edge_db = self.edge_db;
        for run in levels.chunk_by(|a, b| (*a >= edge_db) == (*b >= edge_db)) {
            let rows = row..row + run.len();
            row = rows.end;
            if run[0] >= edge_db {
                let contour = self.belongs(frame, &rows, run);
                stretches.push((rows, contour));
            }
        }
        self.recent.push_back((frame, stretches));
    }

    /// Gives all that are open.
    pub fn finish(&mut self, ended: &mut Vec<Contour>) {
        self.end_before(i64::MAX, ended);
        self.recent.clear();
    }

    /// The contour that a stretch of rows belongs to: the one that it touches, all of them as one, or a
    /// new one.
    fn belongs(&mut self, frame: i64, rows: &Range<usize>, levels: &[f32]) -> usize {
        let mut touched: Vec<usize> = Vec::new();
        for (number, stretches) in &self.recent {
            let reach = (frame - number) as usize;
            for (other, contour) in stretches {
                if other.start < rows.end + reach && rows.start < other.end + reach {
                    touched.push(*contour);
                }
            }
        }
        let mut touched: Vec<usize> =
            touched.into_iter().map(|contour| self.root(contour)).collect();
        touched.sort_unstable();
        touched.dedup();
        let contour = match touched.split_first() {
            None => self.begin(frame, rows),
            Some((first, others)) => {
                for other in others {
                    self.unite(*first, *other);
                }
                *first
            }
        };
        let best = levels.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let best =
            best.map_or((rows.start as f32, 0.0), |(at, level)| ((rows.start + at) as f32, *level));
        let longest = self.lengths.end;
        if let Some(Slot::Open(open)) = self.open.get_mut(contour) {
            open.rows = open.rows.start.min(rows.start)..open.rows.end.max(rows.end);
            open.last = frame;
            open.note(frame, best, longest);
        }
        contour
    }

    fn begin(&mut self, frame: i64, rows: &Range<usize>) -> usize {
        let fresh = Slot::Open(Open {
            first: frame,
            last: frame,
            rows: rows.clone(),
            ridge: Vec::new(),
            is_too_long: false,
        });
        match self.free.pop() {
            Some(at) => {
                self.open[at] = fresh;
                at
            }
            None => {
                self.open.push(fresh);
                self.open.len() - 1
            }
        }
    }

    fn root(&self, mut contour: usize) -> usize {
        while let Some(Slot::PartOf(other)) = self.open.get(contour) {
            contour = *other;
        }
        contour
    }

    fn unite(&mut self, into: usize, other: usize) {
        let taken = std::mem::replace(&mut self.open[other], Slot::PartOf(into));
        let longest = self.lengths.end;
        if let (Slot::Open(other), Some(Slot::Open(into))) = (taken, self.open.get_mut(into)) {
            into.join(other, longest);
        }
    }

    /// Ends the contours whose last frame lies before this one.
    fn end_before(&mut self, frame: i64, ended: &mut Vec<Contour>) {
        while self.recent.front().is_some_and(|(number, _)| *number < frame) {
            self.recent.pop_front();
        }
        for at in 0..self.open.len() {
            let is_over = matches!(&self.open[at], Slot::Open(open) if open.last < frame);
            if is_over && let Slot::Open(open) = std::mem::replace(&mut self.open[at], Slot::Free) {
                self.free.push(at);
                if !open.is_too_long && self.lengths.contains(&(open.last - open.first + 1)) {
                    ended.push(Contour { ridge: open.ridge, first: open.first, rows: open.rows });
                }
            }
        }
        // A part goes with its contour: nothing recent names it any more.
        for at in 0..self.open.len() {
            let is_done = matches!(&self.open[at], Slot::PartOf(_))
                && matches!(self.open.get(self.root(at)), None | Some(Slot::Free));
            if is_done {
                self.open[at] = Slot::Free;
                self.free.push(at);
            }
        }
    }
}

impl Open {
    fn note(&mut self, frame: i64, best: (f32, f32), longest: i64) {
        if self.is_too_long || frame - self.first + 1 >= longest {
            self.is_too_long = true;
            self.ridge = Vec::new();
            return;
        }
        let at = (frame - self.first) as usize;
        if self.ridge.len() <= at {
            self.ridge.resize(at + 1, None);
        }
        let here = &mut self.ridge[at];
        if here.is_none_or(|(_, level)| level < best.1) {
            *here = Some(best);
        }
    }

    fn join(&mut self, other: Open, longest: i64) {
        self.rows = self.rows.start.min(other.rows.start)..self.rows.end.max(other.rows.end);
        self.last = self.last.max(other.last);
        let first = self.first.min(other.first);
        let before = (self.first - first) as usize;
        self.first = first;
        if self.is_too_long || other.is_too_long || self.last - first + 1 >= longest {
            self.is_too_long = true;
            self.ridge = Vec::new();
            return;
        }
        self.ridge.splice(0..0, std::iter::repeat_n(None, before));
        for (at, best) in other.ridge.into_iter().enumerate() {
            if let Some(best) = best {
                self.note(other.first + at as i64, best, longest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contours(frames: &[(i64, &[usize])]) -> Vec<Contour> {
        let mut ridges = Ridges::new(6.0, 2, 2..12);
        let mut ended = Vec::new();
        for (frame, rows) in frames {
            let mut levels = vec![0.0; 20];
            rows.iter().for_each(|row| levels[*row] = 10.0 + *row as f32 / 100.0);
            ridges.push(*frame, &levels, &mut ended);
        }
        ridges.finish(&mut ended);
        ended.sort_by_key(|c| (c.first, c.rows.start));
        ended
    }

    #[test]
    fn points_that_touch_are_one_contour_and_a_frame_may_be_missing() {
        let all = contours(&[
            (0, &[3]),
            (1, &[4]),
            (2, &[]),
            (3, &[6]),
            (4, &[7]),
            (9, &[7]),
            (10, &[7]),
        ]);
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!((all[0].frames(), all[0].rows.clone()), (0..5, 3..8));
        assert_eq!(all[0].ridge[2], None);
        assert_eq!(all[0].ridge[3], Some((6.0, 10.06)));
        assert_eq!(all[1].frames(), 9..11);
    }

    #[test]
    fn branches_that_meet_are_one_and_single_points_are_none() {
        let all =
            contours(&[(5, &[2, 10]), (6, &[3, 9]), (7, &[4, 8, 15]), (8, &[5, 7]), (9, &[6])]);
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!((all[0].frames(), all[0].rows.clone()), (5..10, 2..11));
        assert_eq!(all[0].ridge[0], Some((10.0, 10.1)), "the higher one");
    }

    #[test]
    fn a_line_that_goes_on_is_no_contour_and_takes_no_memory() {
        let line: Vec<(i64, &[usize])> =
            (0..1000).map(|frame| (frame, [5, 6].as_slice())).collect();
        assert!(contours(&line).is_empty());
        let short: Vec<(i64, &[usize])> = (0..11).map(|frame| (frame, [5].as_slice())).collect();
        assert_eq!(contours(&short).len(), 1);
    }
}
