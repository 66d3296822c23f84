//! Power of many frames pooled into one column: mean and maximum.

use rustfft::num_complex::Complex32;

use super::spec::SpectrumSpec;

/// Sums and maxima of one-sided power over frames, for a range of bins.
///
/// With Z the transform of two frames (see [`super::stft`]), |X|² + |Y|² = (|Z[k]|² + |Z[N−k]|²) / 2
/// and max(|X|², |Y|²) = (|Z[k]|² + |Z[N−k]|² + 2 |Re Z[k] Z[N−k]|) / 4: the two frames need not be
/// taken apart.
pub(crate) struct Pool {
    first_bin: usize,
    /// Σ |Z[k]|² + |Z[N−k]|² since the last [`Pool::settle`].
    sum: Vec<f32>,
    /// Largest |Z[k]|² + |Z[N−k]|² + 2 |Re Z[k] Z[N−k]|.
    max: Vec<f32>,
    /// What was settled: f32 sums of long columns would lose their last additions.
    total: Vec<f64>,
    unsettled: u32,
    frames: u64,
}

/// Frames added in f32 before they are settled: rounding stays below 1e-5 of the sum.
const SETTLE_FRAMES: u32 = 256;

impl Pool {
    /// For bins `first_bin..first_bin + bins` of transforms of `spec`.
    pub fn new(first_bin: usize, bins: usize) -> Pool {
        Pool {
            first_bin,
            sum: vec![0.0; bins],
            max: vec![0.0; bins],
            total: vec![0.0; bins],
            unsettled: 0,
            frames: 0,
        }
    }

    /// Frames added since the pool was emptied.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Adds a transform that holds `frames` frames: one or two.
    pub fn add(&mut self, z: &[Complex32], frames: u32) {
        let (n, from) = (z.len(), self.first_bin);
        // Bin k and its mirror image N − k, counted up and down; zero is its own.
        let from_one = from.max(1);
        let skipped = (from_one - from).min(self.sum.len());
        let (sum_zero, sums) = self.sum.split_at_mut(skipped);
        let (max_zero, maxima) = self.max.split_at_mut(skipped);
        let mirrored = z[n - (from_one + sums.len()) + 1..=n - from_one].iter().rev();
        for (((a, b), sum), max) in z[from_one..].iter().zip(mirrored).zip(sums).zip(maxima) {
            add_bin(*a, *b, sum, max);
        }
        for (sum, max) in sum_zero.iter_mut().zip(max_zero) {
            add_bin(z[0], z[0], sum, max);
        }
        self.frames += u64::from(frames);
        self.unsettled += frames;
        if self.unsettled >= SETTLE_FRAMES {
            self.settle();
        }
    }

    fn settle(&mut self) {
        for (total, sum) in self.total.iter_mut().zip(&mut self.sum) {
            *total += f64::from(*sum);
            *sum = 0.0;
        }
        self.unsettled = 0;
    }

    /// Writes mean and (where `max` is not empty) maximum power of rows of `bins_per_row` bins, and
    /// empties the pool.
    pub fn finish(
        &mut self,
        spec: &SpectrumSpec,
        bins_per_row: usize,
        mean: &mut [f32],
        max: &mut [f32],
    ) {
        self.settle();
        let frames = self.frames.max(1) as f64;
        for (row, out) in mean.iter_mut().enumerate() {
            let bins = row * bins_per_row..((row + 1) * bins_per_row).min(self.total.len());
            let width = bins.len().max(1) as f64;
            let sum: f64 =
                bins.map(|i| self.total[i] * f64::from(spec.sidedness(self.first_bin + i))).sum();
            *out = (sum / (2.0 * frames * width)) as f32;
        }
        for (row, out) in max.iter_mut().enumerate() {
            let bins = row * bins_per_row..((row + 1) * bins_per_row).min(self.max.len());
            *out = bins
                .map(|i| self.max[i] * spec.sidedness(self.first_bin + i) / 4.0)
                .fold(0.0, f32::max);
        }
        self.total.fill(0.0);
        self.max.fill(0.0);
        self.frames = 0;
    }
}

#[inline(always)]
fn add_bin(a: Complex32, b: Complex32, sum: &mut f32, max: &mut f32) {
    let both = a.norm_sqr() + b.norm_sqr();
    let louder = both + 2.0 * (a.re * b.re - a.im * b.im).abs();
    *sum += both;
    *max = if louder > *max { louder } else { *max };
}
