//! A level from the next finer one.

use super::columns::LevelColumns;

impl LevelColumns {
    /// The next coarser level: mean power weighted by the frames of both columns, the larger maximum, and
    /// the wave form of both columns' samples. A column whose other half is not here is made of the half that is.
    pub fn reduce(&self) -> LevelColumns {
        let bands = self.bands;
        let first_column = self.first_column.div_euclid(2);
        let end = self.first_column + self.frames.len() as i64;
        let columns = usize::try_from((end + 1).div_euclid(2) - first_column).unwrap_or(0);
        let mut out = LevelColumns::gap(first_column, columns, bands);
        // Index of the first half of the first column; the half before the first is not here.
        let lead = self.first_column.rem_euclid(2) as usize;
        for (index, samples) in self.samples.iter().enumerate() {
            if let Some(both) = out.samples.get_mut((index + lead) / 2) {
                *both = both.with(*samples);
            }
        }
        for (column, frames) in out.frames.iter_mut().enumerate() {
            let half = |which: usize| {
                let index = (2 * column + which).checked_sub(lead)?;
                let frames = self.frames.get(index).copied().filter(|&frames| frames > 0)?;
                let cells = index * bands..(index + 1) * bands;
                Some((frames, self.mean.get(cells.clone())?, self.max.get(cells)?))
            };
            let cells = column * bands..(column + 1) * bands;
            let (Some(mean), Some(max)) = (out.mean.get_mut(cells.clone()), out.max.get_mut(cells))
            else {
                continue;
            };
            match (half(0), half(1)) {
                (Some((a_frames, a_mean, a_max)), Some((b_frames, b_mean, b_max))) => {
                    *frames = a_frames.saturating_add(b_frames);
                    let all = f64::from(a_frames) + f64::from(b_frames);
                    let (a_share, b_share) = (f64::from(a_frames) / all, f64::from(b_frames) / all);
                    for (out, (a, b)) in mean.iter_mut().zip(a_mean.iter().zip(b_mean)) {
                        *out = (f64::from(*a) * a_share + f64::from(*b) * b_share) as f32;
                    }
                    for (out, (a, b)) in max.iter_mut().zip(a_max.iter().zip(b_max)) {
                        *out = if a > b { *a } else { *b };
                    }
                }
                (Some((half_frames, half_mean, half_max)), None)
                | (None, Some((half_frames, half_mean, half_max))) => {
                    *frames = half_frames;
                    mean.copy_from_slice(half_mean);
                    max.copy_from_slice(half_max);
                }
                (None, None) => {}
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_api::ColumnSamples;

    #[test]
    fn means_are_weighted_by_frames_and_gaps_weigh_nothing() {
        let samples = |count: u64, most: f32| ColumnSamples {
            count,
            min: -most - 1.0,
            max: most,
            mean_square: most,
        };
        let fine = LevelColumns {
            first_column: -3,
            bands: 1,
            samples: vec![
                samples(30, 3.0),
                samples(10, 1.0),
                ColumnSamples::default(),
                ColumnSamples::default(),
                // Too few for a frame.
                samples(4, 9.0),
                samples(50, 1.0),
                samples(30, 5.0),
            ],
            frames: vec![3, 1, 0, 0, 0, 5, 2],
            mean: vec![1.0, 5.0, 0.0, 0.0, 0.0, 7.0, 1.0],
            max: vec![2.0, 9.0, 0.0, 0.0, 0.0, 8.0, 4.0],
        };
        let coarse = fine.reduce();
        assert_eq!(coarse.first_column, -2);
        // Columns −3 alone, −2 and −1, 0 and 1, 2 and 3.
        assert_eq!(coarse.frames, [3, 1, 0, 7]);
        assert_eq!(coarse.mean, [1.0, 5.0, 0.0, (5.0 * 7.0 + 2.0) / 7.0]);
        assert_eq!(coarse.max, [2.0, 9.0, 0.0, 8.0]);
        let both = ColumnSamples { count: 80, min: -6.0, max: 5.0, mean_square: 2.5 };
        assert_eq!(coarse.samples, [samples(30, 3.0), samples(10, 1.0), samples(4, 9.0), both]);
    }
}
