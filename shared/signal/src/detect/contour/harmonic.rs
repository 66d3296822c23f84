//! Telling harmonics from the calls that they belong to.

use std::collections::VecDeque;

use super::Contour;

/// Harmonics that are looked for.
const NUMBERS: [f64; 2] = [2.0, 3.0];
/// How far, in parts of the fundamental, the ratio of two contours may be from a whole number.
const SLACK: f64 = 0.06;
/// The fundamental goes on for so much of the harmonic's time, at least.
const SHARED: f64 = 0.7;

/// Contours that wait until all are known that they may be harmonics of.
pub(super) struct Harmonics {
    longest: i64,
    first_bin: usize,
    /// By their ends; those that were told stay for as long as others may be harmonics of them.
    contours: VecDeque<(Contour, bool)>,
}

impl Harmonics {
    /// No contour has more frames than `longest`. Rows count from `first_bin`.
    pub fn new(longest: i64, first_bin: usize) -> Harmonics {
        Harmonics { longest, first_bin, contours: VecDeque::new() }
    }

    /// Takes a contour that has ended.
    pub fn push(&mut self, contour: Contour) {
        let at = self.contours.partition_point(|(other, _)| place(other) <= place(&contour));
        self.contours.insert(at, (contour, false));
    }

    /// Gives the contours that are nobody's harmonic and that no later one can change, by their ends. The
    /// frame `now` was heard; at the end of all there is none.
    pub fn fundamentals(&mut self, now: Option<i64>, give: &mut dyn FnMut(&Contour)) {
        // What ends within the longest after a contour's end may overlap it; a little more may be on its way.
        let known = now.map_or(i64::MAX, |now| now - 2 * self.longest);
        for at in 0..self.contours.len() {
            let (contour, is_told) = &self.contours[at];
            if *is_told || contour.frames().end > known {
                continue;
            }
            let others = self.contours.iter().map(|(other, _)| other);
            if !others.into_iter().any(|other| self.is_harmonic_of(contour, other)) {
                give(contour);
            }
            self.contours[at].1 = true;
        }
        let needed = known.saturating_sub(2 * self.longest);
        self.contours.retain(|(contour, is_told)| !is_told || contour.frames().end > needed);
    }

    fn is_harmonic_of(&self, contour: &Contour, other: &Contour) -> bool {
        let (mine, theirs) = (contour.frames(), other.frames());
        let shared = mine.start.max(theirs.start)..mine.end.min(theirs.end);
        let least = (SHARED * contour.ridge.len() as f64).ceil() as i64;
        if shared.end - shared.start < least.max(1) || other.level_db() <= contour.level_db() {
            return false;
        }
        let bin = |of: &Contour, frame: i64| {
            let (row, _) = (*of.ridge.get((frame - of.first) as usize)?)?;
            Some(self.first_bin as f64 + f64::from(row))
        };
        let mut ratios: Vec<f64> =
            shared.filter_map(|frame| Some(bin(contour, frame)? / bin(other, frame)?)).collect();
        ratios.sort_by(f64::total_cmp);
        let Some(ratio) = ratios.get(ratios.len() / 2) else { return false };
        NUMBERS.iter().any(|number| (ratio - number).abs() <= SLACK * number)
    }
}

fn place(contour: &Contour) -> (i64, i64, usize) {
    (contour.frames().end, contour.first, contour.rows.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contour(first: i64, bins: &[f32], level: f32) -> Contour {
        let ridge = bins.iter().map(|bin| Some((bin - 10.0, level))).collect();
        Contour { ridge, first, rows: 0..1 }
    }

    fn told(contours: Vec<Contour>, now: Option<i64>) -> Vec<i64> {
        let mut harmonics = Harmonics::new(20, 10);
        contours.into_iter().for_each(|c| harmonics.push(c));
        let mut firsts = Vec::new();
        harmonics.fundamentals(now, &mut |c| firsts.push(c.first));
        firsts
    }

    #[test]
    fn the_second_and_third_harmonic_go_and_another_whistle_stays() {
        let fundamental = contour(0, &[20.0, 22.0, 25.0, 30.0, 33.0], 20.0);
        let second = contour(1, &[44.0, 50.0, 60.0], 9.0);
        let third = contour(2, &[75.0, 90.0, 99.0], 8.0);
        let other = contour(3, &[45.0, 45.0], 9.0);
        assert_eq!(told(vec![fundamental, second, third, other], None), [0, 3]);
    }

    #[test]
    fn what_is_louder_is_no_harmonic_of_what_is_fainter() {
        let faint = contour(0, &[20.0, 20.0, 20.0], 8.0);
        let loud = contour(0, &[40.0, 40.0, 40.0], 20.0);
        assert_eq!(told(vec![faint, loud], None).len(), 2);
    }

    #[test]
    fn a_contour_waits_until_whatever_overlaps_it_has_ended() {
        let contours = || vec![contour(0, &[20.0, 20.0], 8.0)];
        assert!(told(contours(), Some(41)).is_empty());
        assert_eq!(told(contours(), Some(42)), [0]);
    }
}
