//! Takes off what is broad, and smooths what is left.

use std::collections::VecDeque;

/// The median over frequency is taken off each frame, then each point is averaged with its eight
/// neighbours by the weights 1-2-1 in time and frequency.
pub(super) struct Smooth {
    /// Rows that the median is of, odd.
    flat: usize,
    /// Up to three frames that were heard last, by number.
    frames: VecDeque<(i64, Vec<f32>)>,
    sorted: Vec<f32>,
    smoothed: Vec<f32>,
}

impl Smooth {
    pub fn new(rows: usize, flat: usize) -> Smooth {
        let smoothed = vec![0.0; rows];
        Smooth { flat: flat | 1, frames: VecDeque::new(), sorted: Vec::new(), smoothed }
    }

    /// Takes a frame; gives the one before it, smoothed.
    pub fn push(&mut self, frame: i64, levels: &[f32], give: &mut dyn FnMut(i64, &[f32])) {
        let mut flat = Vec::with_capacity(levels.len());
        self.take_off_median(levels, &mut flat);
        self.frames.push_back((frame, flat));
        if self.frames.len() >= 2 {
            self.give(self.frames.len() - 2, give);
        }
        while self.frames.len() > 2 {
            self.frames.pop_front();
        }
    }

    /// Gives the last frame.
    pub fn finish(&mut self, give: &mut dyn FnMut(i64, &[f32])) {
        if let Some(last) = self.frames.len().checked_sub(1) {
            self.give(last, give);
        }
        self.frames.clear();
    }

    /// The frame at an index; where one beside it is missing, it stands for it itself.
    fn give(&mut self, index: usize, give: &mut dyn FnMut(i64, &[f32])) {
        let (number, here) = &self.frames[index];
        let beside = |step: i64| {
            let there = self.frames.iter().find(|(other, _)| *other == number + step);
            there.map_or(here.as_slice(), |(_, row)| row.as_slice())
        };
        let (before, after) = (beside(-1), beside(1));
        let column = |row: usize| before[row] + 2.0 * here[row] + after[row];
        let last = here.len().saturating_sub(1);
        for (row, out) in self.smoothed.iter_mut().enumerate() {
            let (below, above) = (row.saturating_sub(1), (row + 1).min(last));
            *out = (column(below) + 2.0 * column(row) + column(above)) / 16.0;
        }
        give(*number, &self.smoothed);
    }

    /// Levels without the median of the `flat` rows around; at the ends of the band of those that are
    /// there.
    fn take_off_median(&mut self, levels: &[f32], out: &mut Vec<f32>) {
        let half = self.flat / 2;
        let sorted = &mut self.sorted;
        sorted.clear();
        let place =
            |sorted: &[f32], value: f32| sorted.partition_point(|v| v.total_cmp(&value).is_lt());
        for level in levels.iter().take(half) {
            sorted.insert(place(sorted, *level), *level);
        }
        for (row, level) in levels.iter().enumerate() {
            if let Some(entering) = levels.get(row + half) {
                sorted.insert(place(sorted, *entering), *entering);
            }
            if let Some(leaving) = row.checked_sub(half + 1).and_then(|at| levels.get(at)) {
                sorted.remove(place(sorted, *leaving));
            }
            out.push(level - sorted[sorted.len() / 2]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smoothed(frames: &[(i64, Vec<f32>)], flat: usize) -> Vec<(i64, Vec<f32>)> {
        let mut smooth = Smooth::new(frames[0].1.len(), flat);
        let mut all = Vec::new();
        let mut give = |frame: i64, row: &[f32]| all.push((frame, row.to_vec()));
        frames.iter().for_each(|(frame, row)| smooth.push(*frame, row, &mut give));
        smooth.finish(&mut give);
        all
    }

    #[test]
    fn a_click_goes_and_a_ridge_stays() {
        let mut frames: Vec<(i64, Vec<f32>)> = (0..5).map(|f| (f, vec![0.0; 40])).collect();
        frames.iter_mut().for_each(|(_, row)| row[20] = 16.0);
        frames[2].1.iter_mut().for_each(|level| *level += 30.0);
        let all = smoothed(&frames, 15);
        for (_, row) in all {
            assert_eq!((row[10], row[19], row[20], row[21]), (0.0, 4.0, 8.0, 4.0));
        }
    }

    #[test]
    fn a_missing_frame_has_no_say() {
        let frames = [(0, vec![16.0; 3]), (1, vec![0.0; 3]), (7, vec![16.0; 3])];
        // Three rows: a median over one row would take everything off, so none is.
        let mut smooth = Smooth::new(3, 1);
        let mut all = Vec::new();
        let mut give = |frame: i64, row: &[f32]| all.push((frame, row[1]));
        for (frame, row) in &frames {
            smooth.frames.push_back((*frame, row.clone()));
            if smooth.frames.len() >= 2 {
                smooth.give(smooth.frames.len() - 2, &mut give);
            }
        }
        smooth.finish(&mut give);
        assert_eq!(all, [(0, 12.0), (1, 4.0), (7, 16.0)]);
    }
}
