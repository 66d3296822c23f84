//! The wave form where gaps are folded away: a pixel at a fold has what lies on both of its sides.

use std::ops::Range;

use spyhop_signal::Fold;

use crate::engine::WaveFound;

/// The wave form under a pixel.
pub fn wave(fold: &Fold, places: &Range<f64>, of: &impl Fn(Range<f64>) -> WaveFound) -> WaveFound {
    let mut all = WaveFound::Gap;
    let (mut squares, mut weights) = (0.0f32, 0.0f32);
    for (share, positions) in fold.shares(places) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_signal::Line;
    use spyhop_signal::line::Run;

    fn fold() -> Fold {
        let run = |position: i64| Run { position, frames: 100, recording: 0, first_frame: 0 };
        Fold::of(&Line { sample_rate_hz: 1.0, origin: None, runs: vec![run(0), run(1000)] })
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
