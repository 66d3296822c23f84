//! Chance that is the same on every machine: named seeds, ChaCha8 and distributions of our own.
//!
//! Every sound draws from a seed of its own, named by what it is and its number, so that neither the
//! order in which files are made nor the number of threads changes a sample. Everything is computed
//! in `f64` and rounded to 16 bits at the very end: what differs between mathematical libraries and
//! SIMD units is eleven orders of magnitude below that rounding.

use std::f64::consts::TAU;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Where a stream of chance begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed of one named thing among many.
    pub fn of(self, name: &str, index: i64) -> Seed {
        // FNV-1a over the name, then one round of SplitMix64 for each part.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in name.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Seed(mix(mix(self.0 ^ hash).wrapping_add(index as u64)))
    }

    /// The stream that begins here.
    pub fn chance(self) -> Chance {
        let mut key = [0; 32];
        let mut state = self.0;
        for part in key.chunks_exact_mut(8) {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            part.copy_from_slice(&mix(state).to_le_bytes());
        }
        Chance(ChaCha8Rng::from_seed(key))
    }

    /// A standard normal number that belongs to `index`, without a stream.
    fn normal_at(self, index: i64) -> f64 {
        let a = mix(self.0 ^ mix(index as u64));
        let b = mix(a);
        (-2.0 * open_unit(a).ln()).sqrt() * (TAU * open_unit(b)).cos()
    }
}

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 53 bits as a number in (0, 1].
fn open_unit(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 / (1u64 << 53) as f64
}

/// A stream of chance.
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// Uniform in (0, 1].
    pub fn unit(&mut self) -> f64 {
        open_unit(self.0.next_u64())
    }

    /// Uniform between two numbers.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number from `low` to `high`, both possible.
    pub fn count(&mut self, low: usize, high: usize) -> usize {
        low + (self.0.next_u64() % (high - low + 1) as u64) as usize
    }

    /// True with a probability.
    pub fn whether(&mut self, probability: f64) -> bool {
        self.unit() <= probability
    }

    /// Standard normal (Box–Muller).
    pub fn normal(&mut self) -> f64 {
        self.complex_normal().0 * 2f64.sqrt()
    }

    /// A complex number of mean square 1 whose parts are independent and normal.
    pub fn complex_normal(&mut self) -> (f64, f64) {
        let bits = self.0.next_u64();
        // 32 bits each for radius and angle: the radius reaches √22, far past what 16 bits show.
        let radius = (-(((bits >> 32) as f64 + 0.5) / 4_294_967_296.0).ln()).sqrt();
        let (sin, cos) = (TAU * (bits & 0xffff_ffff) as f64 / 4_294_967_296.0).sin_cos();
        (radius * cos, radius * sin)
    }

    /// Exponential with a mean: the wait between independent events.
    pub fn wait(&mut self, mean: f64) -> f64 {
        -mean * self.unit().ln()
    }

    /// By quantiles: `(probability, value)` in rising order from 0 to 1, linear between.
    pub fn quantiles(&mut self, table: &[(f64, f64)]) -> f64 {
        interpolate(table, self.unit())
    }
}

/// Linear interpolation in a table of rising first numbers; flat beyond its ends.
pub fn interpolate(table: &[(f64, f64)], x: f64) -> f64 {
    let after = table.partition_point(|&(a, _)| a < x);
    match (after.checked_sub(1).and_then(|i| table.get(i)), table.get(after)) {
        (Some(&(a, va)), Some(&(b, vb))) => va + (vb - va) * (x - a) / (b - a),
        (Some(&(_, v)), None) | (None, Some(&(_, v))) => v,
        (None, None) => 0.0,
    }
}

/// A quantity that wanders smoothly: mean 0, variance 1, known at any time without its past.
#[derive(Clone, Copy, Debug)]
pub struct Wander {
    seed: Seed,
    period_s: f64,
}

impl Wander {
    /// Wanders with about one swing in two periods.
    pub fn new(seed: Seed, period_s: f64) -> Wander {
        Wander { seed, period_s }
    }

    /// Its value at a time.
    pub fn at(&self, time_s: f64) -> f64 {
        let x = time_s / self.period_s;
        let index = x.floor();
        let u = x - index;
        // Smooth steps between lattice points, scaled so that the variance stays 1 in between.
        let w = u * u * (3.0 - 2.0 * u);
        let (a, b) = (self.seed.normal_at(index as i64), self.seed.normal_at(index as i64 + 1));
        ((1.0 - w) * a + w * b) / ((1.0 - w).powi(2) + w * w).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_has_the_moments_of_its_distributions() {
        let mut chance = Seed(1).of("moments", 0).chance();
        let n = 200_000;
        let normals: Vec<f64> = (0..n).map(|_| chance.normal()).collect();
        let mean = normals.iter().sum::<f64>() / n as f64;
        let variance = normals.iter().map(|v| v * v).sum::<f64>() / n as f64;
        // Five standard errors of the mean and of the variance of 200 000 normal numbers.
        assert!(mean.abs() < 0.011 && (variance - 1.0).abs() < 0.016, "{mean} {variance}");
        let wander = Wander::new(Seed(2), 3.0);
        let walk: Vec<f64> = (0..n).map(|i| wander.at(i as f64)).collect();
        let variance = walk.iter().map(|v| v * v).sum::<f64>() / n as f64;
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
    }

    #[test]
    fn the_stream_of_a_seed_never_changes() {
        // Every demo that was ever made and every link into it depends on these numbers, which an
        // implementation in Python of SplitMix64 and ChaCha8 (RFC 8439 with 8 rounds) gave.
        let mut chance = Seed(7).of("whistle", 3).chance();
        let drawn: Vec<u64> = (0..3).map(|_| chance.0.next_u64()).collect();
        assert_eq!(drawn, [0x6654_e7b4_e9c2_56c1, 0x613a_5257_a345_44f9, 0xf81f_128c_b869_c37e]);
    }
}
