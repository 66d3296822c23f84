//! Pictures in which gaps are folded away: a pixel at a fold shows what lies on both of its sides.

use std::ops::Range;

use spyhop_signal::Fold;

use crate::column::{Column, ColumnSource, Found};

/// A source of places instead of positions (see [`Fold`]).
#[derive(Clone, Copy, Debug)]
pub struct Folded<'a, S> {
    /// What is known by positions.
    pub source: S,
    /// Which gaps are folded away.
    pub fold: &'a Fold,
}

impl<S: ColumnSource> ColumnSource for Folded<'_, S> {
    fn columns(&self, places: Range<f64>, each: &mut dyn FnMut(f32, Column<'_>)) -> Found {
        let mut all = Found::Gap;
        for (share, positions) in self.fold.shares(&places) {
            let found = self.source.columns(positions, &mut |weight, column| {
                each(weight * share, column);
            });
            all = all.and(found);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use spyhop_signal::Line;
    use spyhop_signal::line::Run;

    use super::*;

    /// Tells where it was asked.
    struct Told;

    impl ColumnSource for Told {
        fn columns(&self, p: Range<f64>, each: &mut dyn FnMut(f32, Column<'_>)) -> Found {
            let mean = [p.start as f32, p.end as f32];
            let (first_bin, bins_per_row, bin_hz) = (0.0, 1.0, 1.0);
            each(
                1.0,
                Column { mean: &mean, max: &[], frames: 1.0, first_bin, bins_per_row, bin_hz },
            );
            Found::Data
        }
    }

    #[test]
    fn a_pixel_on_a_fold_shows_both_sides_of_it() {
        let run = |position: i64| Run { position, frames: 100, recording: 0, first_frame: 0 };
        let runs = vec![run(0), run(1000)];
        let fold = Fold::of(&Line { sample_rate_hz: 1.0, origin: None, runs });
        let source = Folded { source: Told, fold: &fold };
        let mut seen = Vec::new();
        source.columns(90.0..130.0, &mut |weight, c| seen.push((weight, c.mean.to_vec())));
        assert_eq!(seen, [(0.25, vec![90.0, 100.0]), (0.75, vec![1000.0, 1030.0])]);
        seen.clear();
        source.columns(150.0..160.0, &mut |weight, c| seen.push((weight, c.mean.to_vec())));
        assert_eq!(seen, [(1.0, vec![1050.0, 1060.0])]);
    }
}
