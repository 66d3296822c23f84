//! How often which level occurred, band by band, in bounded memory.

use super::percentiles::between_ranks;

/// Levels are counted in steps of this. Percentiles from counts are within half of it.
const STEP_DB: f64 = 0.1;
/// Levels are counted from here on; what is lower (digital silence is −∞) counts as the lowest.
const LOWEST_DB: f64 = -300.0;
/// Levels are counted up to here; what is higher counts as the highest.
const HIGHEST_DB: f64 = 400.0;

/// Counts levels in steps of 0.1 dB. Memory is four bytes for each step between the lowest and the
/// highest level of a band: about 7 MB for 2780 bands that vary by 60 dB, at most 28 kB a band.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelDistribution {
    bands: Vec<Counts>,
}

/// Spectral probability density (Merchant et al. 2013, doi:10.1121/1.4794934): how probable levels are
/// in each band, per decibel.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbabilityDensity {
    /// Edges of the steps in dB, one more than there are steps.
    pub edges_db: Vec<f64>,
    /// Density per dB, band by band: `density[band * steps + step]`. Over its band it sums to 1 when
    /// multiplied by the step; a band without data is all zeros.
    pub density: Vec<f32>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Counts {
    /// Step of the first count.
    first: u32,
    counts: Vec<u32>,
    total: u64,
}

impl LevelDistribution {
    /// Nothing counted yet, of so many bands.
    pub fn new(bands: usize) -> LevelDistribution {
        LevelDistribution { bands: vec![Counts::default(); bands] }
    }

    /// Counts one level for each band, in dB. What is no number is no data.
    pub fn push(&mut self, levels_db: &[f32]) {
        for (counts, &level) in self.bands.iter_mut().zip(levels_db) {
            if !level.is_nan() {
                counts.add(step_of(f64::from(level)));
            }
        }
    }

    /// How many levels were counted in a band.
    pub fn count(&self, band: usize) -> u64 {
        self.bands.get(band).map_or(0, |c| c.total)
    }

    /// Percentiles of each band, `percents.len()` values a band: within 0.05 dB of what
    /// [`percentiles`](super::percentiles()) gives of the levels themselves. NaN for a band without data.
    pub fn percentiles(&self, percents: &[f64]) -> Vec<f64> {
        let of = |counts: &Counts, percent: f64| {
            between_ranks(counts.total as usize, percent, |rank| counts.at_rank(rank as u64))
        };
        self.bands.iter().flat_map(|c| percents.iter().map(move |&p| of(c, p))).collect()
    }

    /// The probability density in steps of `step_tenths` tenths of a decibel, from the lowest level of
    /// all bands to the highest; steps begin at whole multiples of their width.
    pub fn probability_density(&self, step_tenths: u32) -> ProbabilityDensity {
        let step = step_tenths.max(1);
        let used = self.bands.iter().filter(|c| c.total > 0);
        let (low, high) = used.fold((u32::MAX, 0), |(low, high), c| {
            (low.min(c.first), high.max(c.first + c.counts.len() as u32))
        });
        if low >= high {
            return ProbabilityDensity { edges_db: Vec::new(), density: Vec::new() };
        }
        // Multiples of the step in dB, not of steps from the lowest level that can be counted.
        let zero = step_of(0.0);
        let offset = zero % step;
        let first = (low + step - offset) / step;
        let last = (high - 1 + step - offset) / step;
        let steps = (last - first + 1) as usize;
        let edge = |i: u32| {
            let tenths =
                i64::from(i) * i64::from(step) - i64::from(step - offset) - i64::from(zero);
            tenths as f64 * STEP_DB
        };
        let mut density = vec![0f32; steps * self.bands.len()];
        for (counts, out) in self.bands.iter().zip(density.chunks_mut(steps)) {
            let scale = (counts.total as f64 * STEP_DB * f64::from(step)).recip();
            for (i, &n) in (counts.first..).zip(&counts.counts).filter(|(_, n)| **n > 0) {
                let at = ((i + step - offset) / step - first) as usize;
                out[at] += (f64::from(n) * scale) as f32;
            }
        }
        ProbabilityDensity { edges_db: (first..=last + 1).map(edge).collect(), density }
    }
}

impl Counts {
    fn add(&mut self, step: u32) {
        if self.counts.is_empty() {
            self.first = step;
        }
        if step < self.first {
            let before = (self.first - step) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, before));
            self.first = step;
        }
        let at = (step - self.first) as usize;
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] = self.counts[at].saturating_add(1);
        self.total += 1;
    }

    /// The level, in the middle of its step, of a rank from 0 to total − 1.
    fn at_rank(&self, rank: u64) -> f64 {
        let mut below = 0;
        for (step, &n) in (self.first..).zip(&self.counts) {
            below += u64::from(n);
            if rank < below {
                return LOWEST_DB + (f64::from(step) + 0.5) * STEP_DB;
            }
        }
        f64::NAN
    }
}

fn step_of(level_db: f64) -> u32 {
    let level_db = level_db.clamp(LOWEST_DB, HIGHEST_DB);
    // In tenths, whose borders f32 levels such as −80.1 meet to rounding.
    ((level_db / STEP_DB + 1e-6).floor() - LOWEST_DB / STEP_DB).max(0.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_a_density_that_sums_to_one() {
        let mut levels = LevelDistribution::new(2);
        for level in [-80.25, -79.95, -79.05, 12.35] {
            levels.push(&[level, f32::NAN]);
        }
        let density = levels.probability_density(10);
        let (first, last) = (density.edges_db[0], density.edges_db[density.edges_db.len() - 1]);
        assert!((first + 81.0).abs() < 1e-9 && (last - 13.0).abs() < 1e-9, "{first} {last}");
        let steps = density.edges_db.len() - 1;
        assert_eq!((steps, density.density.len()), (94, 188));
        assert_eq!(density.density[..2], [0.25, 0.5]);
        assert_eq!(density.density[..steps].iter().sum::<f32>(), 1.0);
        assert!(density.density[steps..].iter().all(|p| *p == 0.0), "no data in the second band");
        assert!(levels.percentiles(&[50.0])[1].is_nan());
        assert_eq!((levels.count(0), levels.count(1), levels.count(9)), (4, 0, 0));
    }

    #[test]
    fn digital_silence_and_nonsense_are_counted_at_the_ends() {
        let mut levels = LevelDistribution::new(1);
        for level in [f32::NEG_INFINITY, f32::INFINITY, -1e30, 0.0] {
            levels.push(&[level]);
        }
        assert_eq!(levels.count(0), 4);
        let ends = levels.percentiles(&[0.0, 100.0]);
        assert!((ends[0] + 299.95).abs() < 1e-6 && (ends[1] - 400.05).abs() < 1e-6, "{ends:?}");
        assert!(LevelDistribution::new(1).probability_density(10).density.is_empty());
    }
}
