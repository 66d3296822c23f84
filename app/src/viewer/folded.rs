//! Pictures in which gaps are folded away: a pixel at a fold shows what lies on both of its sides.

use std::ops::Range;

use spyhop_paint::{Column, ColumnSource, Found};

use crate::engine::WaveFound;
use crate::fold::Fold;

/// A pixel with more folds is looked at as one stretch of the line: its gaps weigh nothing there.
const MOST_SEAMS: usize = 8;

/// A source of places instead of positions.
pub struct Folded<'a, S> {
    pub source: S,
    pub fold: &'a Fold,
}

impl<S: ColumnSource> ColumnSource for Folded<'_, S> {
    fn columns(&self, places: Range<f64>, each: &mut dyn FnMut(f32, Column<'_>)) -> Found {
        let mut all = Found::Gap;
        for (share, positions) in stretches(self.fold, &places) {
            let found = self.source.columns(positions, &mut |weight, column| {
                each(weight * share, column);
            });
            all = match (all, found) {
                (Found::Data, _) | (_, Found::Data) => Found::Data,
                (Found::Pending, _) | (_, Found::Pending) => Found::Pending,
                _ => Found::Gap,
            };
        }
        all
    }
}

/// The wave form under a pixel.
pub fn wave(fold: &Fold, places: &Range<f64>, of: &impl Fn(Range<f64>) -> WaveFound) -> WaveFound {
    let mut all = WaveFound::Gap;
    let (mut squares, mut weights) = (0.0f32, 0.0f32);
    for (share, positions) in stretches(fold, places) {
        let found = of(positions);
        all = match (all, found) {
            (WaveFound::Data { min: a, max: b, .. }, WaveFound::Data { min, max, rms }) => {
                WaveFound::Data { min: min.min(a), max: max.max(b), rms }
            }
            (data @ WaveFound::Data { .. }, _) => data,
            (WaveFound::Pending, WaveFound::Gap) => WaveFound::Pending,
            (_, found) => found,
        };
        if let WaveFound::Data { rms, .. } = found {
            squares += rms * rms * share;
            weights += share;
        }
    }
    match all {
        WaveFound::Data { min, max, .. } => {
            WaveFound::Data { min, max, rms: (squares / weights).sqrt() }
        }
        other => other,
    }
}

/// What lies under a pixel: shares of it and their positions on the line.
fn stretches(fold: &Fold, places: &Range<f64>) -> Vec<(f32, Range<f64>)> {
    let seams = fold.seams(places).len();
    if seams == 0 || seams > MOST_SEAMS {
        return vec![(1.0, fold.position_at(places.start)..fold.end_at(places.end))];
    }
    let wide = places.end - places.start;
    let share = |places: &Range<f64>| ((places.end - places.start) / wide) as f32;
    fold.stretches(places).into_iter().map(|(p, positions)| (share(&p), positions)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_signal::Line;
    use spyhop_signal::line::Run;

    fn fold() -> Fold {
        let run = |position: i64| Run { position, frames: 100, recording: 0, first_frame: 0 };
        Fold::of(&Line { sample_rate_hz: 1.0, origin: None, runs: vec![run(0), run(1000)] })
    }

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
        let fold = fold();
        let source = Folded { source: Told, fold: &fold };
        let mut seen = Vec::new();
        source.columns(90.0..130.0, &mut |weight, c| seen.push((weight, c.mean.to_vec())));
        assert_eq!(seen, [(0.25, vec![90.0, 100.0]), (0.75, vec![1000.0, 1030.0])]);
        seen.clear();
        source.columns(150.0..160.0, &mut |weight, c| seen.push((weight, c.mean.to_vec())));
        assert_eq!(seen, [(1.0, vec![1050.0, 1060.0])]);
    }

    #[test]
    fn the_wave_on_a_fold_has_the_extremes_of_both_sides() {
        let found = wave(&fold(), &(90.0..110.0), &|p| match p.start < 500.0 {
            true => WaveFound::Data { min: -1.0, max: 0.5, rms: 1.0 },
            false => WaveFound::Data { min: -0.5, max: 2.0, rms: 7.0 },
        });
        assert_eq!(found, WaveFound::Data { min: -1.0, max: 2.0, rms: 5.0 });
    }
}
