//! Noise of a given spectrum, known at any position without its past.
//!
//! Blocks of white Gaussian noise are shaped in the frequency domain and laid over one another by
//! half with a sine window, whose squares add to one: the sum is Gaussian, keeps its power
//! everywhere and has the spectrum of the blocks, smeared by the window (about 1.2 bins). Each block
//! draws from a seed of its own number, so any file of a deployment can be made alone.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner};

use super::chance::Seed;

/// A power spectral density that may change with time.
pub trait Spectrum: Send + Sync {
    /// Fills in the one-sided density in µPa²/Hz at the bins `k · bin_hz`.
    fn fill(&self, time_s: f64, bin_hz: f64, density: &mut [f64]);
}

/// Gaussian noise with a spectrum.
pub struct Noise<S> {
    seed: Seed,
    rate_hz: f64,
    block: usize,
    /// Its spectrum.
    pub spectrum: S,
    inverse: Arc<dyn ComplexToReal<f64>>,
    window: Vec<f64>,
}

impl<S: Spectrum> Noise<S> {
    /// Noise whose spectrum may change from one block of `block` samples to the next.
    pub fn new(seed: Seed, rate_hz: f64, block: usize, spectrum: S) -> Noise<S> {
        let size = 2 * block;
        let inverse = RealFftPlanner::new().plan_fft_inverse(size);
        let window = (0..size).map(|n| (PI * (n as f64 + 0.5) / size as f64).sin()).collect();
        Noise { seed, rate_hz, block, spectrum, inverse, window }
    }

    /// Bins of its spectrum.
    pub fn bins(&self) -> usize {
        self.block + 1
    }

    /// Hertz from bin to bin.
    pub fn bin_hz(&self) -> f64 {
        self.rate_hz / (2 * self.block) as f64
    }

    /// Samples from a position on, in µPa.
    pub fn at(&self, first: i64, frames: usize) -> Vec<f64> {
        let (block, size) = (self.block as i64, 2 * self.block);
        let bin_hz = self.bin_hz();
        let mut out = vec![0.0; frames];
        let mut density = vec![0.0; self.bins()];
        let mut bins = self.inverse.make_input_vec();
        let mut samples = self.inverse.make_output_vec();
        let mut scratch = self.inverse.make_scratch_vec();
        let end = first + frames as i64;
        for index in first.div_euclid(block) - 1..=(end - 1).div_euclid(block) {
            let start = index * block;
            let centre_s = (start + block) as f64 / self.rate_hz;
            self.spectrum.fill(centre_s, bin_hz, &mut density);
            let mut chance = self.seed.of("block", index).chance();
            for (bin, density) in bins.iter_mut().zip(&density) {
                // A bin and its mirror image together have twice the bin's mean square.
                let (re, im) = chance.complex_normal();
                let scale = (density * bin_hz / 2.0).sqrt();
                *bin = Complex::new(re * scale, im * scale);
            }
            bins[0] = Complex::ZERO;
            bins[self.block] = Complex::ZERO;
            if self.inverse.process_with_scratch(&mut bins, &mut samples, &mut scratch).is_err() {
                // Lengths come from the plan and the two ends are real: it has nothing to refuse.
                continue;
            }
            let from = (first - start).max(0) as usize;
            let to = (end - start).clamp(0, size as i64) as usize;
            let target = (start + from as i64 - first) as usize;
            for ((sum, value), weight) in
                out[target..].iter_mut().zip(&samples[from..to]).zip(&self.window[from..to])
            {
                *sum += value * weight;
            }
        }
        out
    }
}
