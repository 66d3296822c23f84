//! The best score in each cell of the clock.

/// A curve of scores, thinned out to cells.
pub(super) struct Curve {
    cell: i64,
    best: Option<(i64, f32)>,
}

impl Curve {
    /// Cells of so many positions.
    pub fn new(cell: i64) -> Curve {
        Curve { cell: cell.max(1), best: None }
    }

    /// Positions of a cell.
    pub fn cell(&self) -> i64 {
        self.cell
    }

    /// Takes a score at a position, no earlier than the one before.
    pub fn add(&mut self, position: i64, score: f32, scores: &mut Vec<(i64, f32)>) {
        let cell = position.div_euclid(self.cell);
        match &mut self.best {
            Some((open, best)) if *open == cell => *best = best.max(score),
            best => scores.extend(best.replace((cell, score))),
        }
    }

    /// Gives the last cell.
    pub fn finish(&mut self, scores: &mut Vec<(i64, f32)>) {
        scores.extend(self.best.take());
    }
}
