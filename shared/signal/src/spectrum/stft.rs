//! The short-time Fourier transform: frames of samples to one-sided power.
//!
//! Two real frames go through one complex FFT, one as its real part and one as its imaginary part:
//! with Z = FFT(x + iy), X[k] = (Z[k] + Z*[N−k]) / 2 and Y[k] = (Z[k] − Z*[N−k]) / 2i.

use std::sync::Arc;

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};

use super::spec::{SpecError, SpectrumSpec};

/// Transforms frames of one [`SpectrumSpec`]; keeps its tables and buffers from frame to frame.
#[derive(Clone)]
pub struct Stft {
    spec: SpectrumSpec,
    window: Vec<f32>,
    fft: Arc<dyn Fft<f32>>,
    /// Two frames under the window.
    input: Vec<Complex32>,
    /// Their transform. In place it would be copied back once more, which takes a tenth of the time
    /// and, where the two happen to lie unluckily to each other, a third.
    output: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

/// Power of successive frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrogram {
    /// Bins of a frame.
    pub bins: usize,
    /// Frames.
    pub frames: usize,
    /// Power, frame by frame: `power[frame * bins + bin]`.
    pub power: Vec<f32>,
}

impl Stft {
    /// Plans the transform and computes its window in f64.
    ///
    /// # Errors
    /// When the spec can't be computed.
    pub fn new(spec: &SpectrumSpec) -> Result<Stft, SpecError> {
        spec.check()?;
        Stft::with_fft(spec, FftPlanner::new().plan_fft_forward(spec.fft_size))
    }

    /// Uses a forward FFT of `spec.fft_size` points that was planned elsewhere, for instance held to
    /// one instruction set.
    ///
    /// # Errors
    /// When the spec can't be computed, or the FFT has another length.
    pub fn with_fft(spec: &SpectrumSpec, fft: Arc<dyn Fft<f32>>) -> Result<Stft, SpecError> {
        let window = spec.scaled_window()?;
        if fft.len() != spec.fft_size {
            return Err(SpecError::FftSize(fft.len()));
        }
        let scratch = vec![Complex32::default(); fft.get_immutable_scratch_len()];
        let input = vec![Complex32::default(); spec.fft_size];
        let output = input.clone();
        Ok(Stft { spec: *spec, window, fft, input, output, scratch })
    }

    /// What it transforms.
    pub fn spec(&self) -> &SpectrumSpec {
        &self.spec
    }

    /// One-sided bins.
    pub fn bins(&self) -> usize {
        self.spec.bins()
    }

    /// One-sided power of one frame of `window_samples` samples into `bins` values. Of slices of
    /// other lengths the common part is used, the rest taken as zeros.
    pub fn frame(&mut self, samples: &[f32], power: &mut [f32]) {
        self.transform(samples, &[]);
        // Without a second frame Z is X itself.
        for (p, z) in power.iter_mut().zip(&self.output[..self.spec.bins()]) {
            *p = 2.0 * z.norm_sqr();
        }
        for bin in [Some(0), self.spec.nyquist_bin()].into_iter().flatten() {
            if let Some(p) = power.get_mut(bin) {
                *p /= 2.0;
            }
        }
    }

    /// Power of two frames at once; see [`Stft::frame`].
    pub fn pair(&mut self, samples: [&[f32]; 2], power: [&mut [f32]; 2]) {
        self.transform(samples[0], samples[1]);
        let [first, second] = power;
        separate(&self.output, first, second);
    }

    /// Power of all frames that lie wholly in `samples`, the first beginning at the first sample, as
    /// `scipy.signal.spectrogram(..., detrend=False)` aligns them.
    pub fn spectrogram(&mut self, samples: &[f32]) -> Spectrogram {
        let mut power = Vec::new();
        let frames = self.spectrogram_into(samples, &mut power);
        Spectrogram { bins: self.bins(), frames, power }
    }

    /// [`Stft::spectrogram`] into memory that is used again; gives the number of frames.
    pub fn spectrogram_into(&mut self, samples: &[f32], power: &mut Vec<f32>) -> usize {
        let (bins, frames) = (self.bins(), self.spec.frames_in(samples.len()));
        let (hop, width) = (self.spec.hop_samples, self.spec.window_samples);
        power.resize(bins * frames, 0.0);
        for (i, out) in power.chunks_mut(2 * bins).enumerate() {
            let at = 2 * i * hop;
            let first = &samples[at..at + width];
            match out.split_at_mut_checked(bins) {
                Some((a, b)) if !b.is_empty() => {
                    self.pair([first, &samples[at + hop..at + hop + width]], [a, b]);
                }
                _ => self.frame(first, out),
            }
        }
        frames
    }

    /// FFT of first + i·second under the window; an empty second is silence.
    pub(crate) fn transform(&mut self, first: &[f32], second: &[f32]) -> &[Complex32] {
        let window = &self.window;
        let filled = if second.is_empty() {
            for ((z, w), x) in self.input.iter_mut().zip(window).zip(first) {
                *z = Complex32::new(w * x, 0.0);
            }
            first.len().min(window.len())
        } else {
            for (((z, w), x), y) in self.input.iter_mut().zip(window).zip(first).zip(second) {
                *z = Complex32::new(w * x, w * y);
            }
            first.len().min(second.len()).min(window.len())
        };
        self.input[filled..].fill(Complex32::default());
        self.fft.process_immutable_with_scratch(&self.input, &mut self.output, &mut self.scratch);
        &self.output
    }
}

/// One-sided power of the two frames that a transform holds.
fn separate(z: &[Complex32], first: &mut [f32], second: &mut [f32]) {
    let n = z.len();
    let mirrored = z[n / 2 + 1..].iter().rev();
    let interior = z[1..].iter().zip(mirrored);
    let above_zero = (first.get_mut(1..), second.get_mut(1..));
    let power = above_zero.0.unwrap_or_default().iter_mut().zip(above_zero.1.unwrap_or_default());
    for ((p, q), (a, b)) in power.zip(interior) {
        let (x_re, x_im) = (a.re + b.re, a.im - b.im);
        let (y_re, y_im) = (a.re - b.re, a.im + b.im);
        // Half is a quarter (the two halves of X and Y) for each of the two sides.
        *p = 0.5 * (x_re * x_re + x_im * x_im);
        *q = 0.5 * (y_re * y_re + y_im * y_im);
    }
    // Zero and Nyquist are their own mirror images, and stand once.
    for k in [Some(0), n.is_multiple_of(2).then_some(n / 2)].into_iter().flatten() {
        if let (Some(p), Some(q)) = (first.get_mut(k), second.get_mut(k)) {
            (*p, *q) = (z[k].re * z[k].re, z[k].im * z[k].im);
        }
    }
}
