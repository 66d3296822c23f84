//! What a run found, binned by time: how many candidates begin in each bin, and the best score in it. The
//! server answers so for its own runs, and a tab for those that it made by itself.
//!
//! A bin begins at a multiple of its length, counted from 1970 or from the first sample.

use std::collections::BTreeMap;

use crate::detection::{CallDensity, ClassDensity, DetectionClass, ScoreCurve, ScoreCurves};
use crate::time::Moment;

/// Bins of a density or of a curve, whatever is asked.
pub const MOST_BINS: i64 = 20_000;

/// Why nothing can be told in bins of a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BinError {
    /// A bin of no length.
    #[error("a bin must be longer than nothing")]
    Empty,
    /// More of them than anybody looks at.
    #[error(
        "that is more than {MOST_BINS} bins, which are given at once: ask for longer ones, or for less time"
    )]
    TooMany,
}

/// Candidates by bin and class, from the first bin that has one to the last. `counts` are numbers of bins,
/// indices of classes, and how many candidates begin there; several of one bin are added. `moment` tells a
/// time in nanoseconds as the run does.
///
/// # Errors
/// When a bin is none, or there would be too many of them.
pub fn density(
    classes: &[DetectionClass],
    bin_ns: i64,
    counts: &[(i64, usize, u32)],
    moment: impl Fn(i64) -> Moment,
) -> Result<CallDensity, BinError> {
    if bin_ns <= 0 {
        return Err(BinError::Empty);
    }
    let bins = || counts.iter().map(|(bin, ..)| *bin);
    let ends = bins().min().zip(bins().max());
    let length = ends.map_or(0, |(first, last)| last.saturating_sub(first).saturating_add(1));
    if length > MOST_BINS {
        return Err(BinError::TooMany);
    }
    let first = ends.map_or(0, |(first, _)| first);
    let of_class = |(index, class): (usize, &DetectionClass)| {
        let mut row = vec![0; length as usize];
        for (bin, _, count) in counts.iter().filter(|(_, of, _)| *of == index) {
            row[(bin - first) as usize] += *count;
        }
        ClassDensity { class: class.name.clone(), counts: row }
    };
    Ok(CallDensity {
        start: ends.map(|(first, _)| moment(first.saturating_mul(bin_ns))),
        bin_ns,
        classes: classes.iter().enumerate().map(of_class).collect(),
    })
}

/// Best scores by bin, as they come in.
pub struct Curves {
    bin_ns: i64,
    classes: usize,
    /// By number of the bin.
    bins: BTreeMap<i64, Vec<f32>>,
}

impl Curves {
    /// # Errors
    /// When a bin is none.
    pub fn new(classes: usize, bin_ns: i64) -> Result<Curves, BinError> {
        match bin_ns > 0 {
            true => Ok(Curves { bin_ns, classes, bins: BTreeMap::new() }),
            false => Err(BinError::Empty),
        }
    }

    /// Takes the scores of a piece of time that begins at `start_ns`: one a class, NaN where there is none.
    ///
    /// # Errors
    /// When there would be too many bins.
    pub fn add(&mut self, start_ns: i64, scores: &[f32]) -> Result<(), BinError> {
        let bin = start_ns.div_euclid(self.bin_ns);
        let first = self.bins.first_key_value().map_or(bin, |(first, _)| (*first).min(bin));
        let last = self.bins.last_key_value().map_or(bin, |(last, _)| (*last).max(bin));
        if last.saturating_sub(first) >= MOST_BINS {
            return Err(BinError::TooMany);
        }
        let best = self.bins.entry(bin).or_insert_with(|| vec![f32::NAN; self.classes]);
        // The greater of the two, and the number where one is none.
        best.iter_mut().zip(scores).for_each(|(best, score)| *best = best.max(*score));
        Ok(())
    }

    /// As they are told, from the first bin with a score to the last; `moment` tells a time in nanoseconds
    /// as the run does.
    pub fn told(self, classes: &[DetectionClass], moment: impl Fn(i64) -> Moment) -> ScoreCurves {
        let ends = self.bins.first_key_value().zip(self.bins.last_key_value());
        let span = ends.map(|((first, _), (last, _))| *first..*last + 1);
        let of_class = |(index, class): (usize, &DetectionClass)| {
            let scores = span.clone().into_iter().flatten().map(|bin| {
                let best = self.bins.get(&bin)?.get(index).copied()?;
                (!best.is_nan()).then_some(best)
            });
            ScoreCurve { class: class.name.clone(), scores: scores.collect() }
        };
        ScoreCurves {
            start: span.as_ref().map(|span| moment(span.start.saturating_mul(self.bin_ns))),
            bin_ns: self.bin_ns,
            classes: classes.iter().enumerate().map(of_class).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn classes() -> Vec<DetectionClass> {
        let class = |name: &str| DetectionClass {
            name: name.into(),
            band_hz: (50.0, 400.0),
            keep_from: 0.2,
            threshold: 0.5,
        };
        vec![class("upcall"), class("gunshot")]
    }

    fn at(ns: i64) -> Moment {
        Moment::Clock(Timestamp(ns))
    }

    #[test]
    fn candidates_are_counted_by_bin_and_class_also_before_1970() {
        let counts = [(-2, 0, 1), (0, 1, 4), (-2, 0, 2)];
        let told = density(&classes(), 10, &counts, at).expect("few bins");
        assert_eq!((told.start, told.bin_ns), (Some(at(-20)), 10));
        let rows: Vec<&[u32]> = told.classes.iter().map(|class| class.counts.as_slice()).collect();
        assert_eq!(rows, [&[3, 0, 0][..], &[0, 0, 4][..]]);
        let nothing = density(&classes(), 10, &[], at).expect("no bins");
        assert_eq!((nothing.start, nothing.classes.len()), (None, 2));
        assert_eq!(density(&classes(), 0, &[], at), Err(BinError::Empty));
        let far = [(0, 0, 1), (MOST_BINS, 0, 1)];
        assert_eq!(density(&classes(), 10, &far, at), Err(BinError::TooMany));
        let ends = [(i64::MIN, 0, 1), (i64::MAX, 0, 1)];
        assert_eq!(density(&classes(), 10, &ends, at), Err(BinError::TooMany));
    }

    #[test]
    fn a_curve_keeps_the_best_score_of_a_bin_and_knows_where_there_is_none() {
        let mut curves = Curves::new(2, 10).expect("bins");
        for (start, scores) in
            [(-5, [0.5, f32::NAN]), (-1, [0.25, f32::NAN]), (19, [f32::NAN, 0.75])]
        {
            curves.add(start, &scores).expect("few bins");
        }
        assert_eq!(curves.add(MOST_BINS * 10, &[0.0, 0.0]), Err(BinError::TooMany));
        let told = curves.told(&classes(), at);
        assert_eq!(told.start, Some(at(-10)));
        assert_eq!(told.classes[0].scores, [Some(0.5), None, None]);
        assert_eq!(told.classes[1].scores, [None, None, Some(0.75)]);
        assert!(Curves::new(2, 0).is_err());
    }
}
