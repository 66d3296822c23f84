//! The short-time Fourier transform: frames of samples to one-sided power.
//!
//! Two real frames go through one complex FFT, one as its real part and one as its imaginary part:
//! with Z = FFT(x + iy), X[k] = (Z[k] + Z*[N−k]) / 2 and Y[k] = (Z[k] − Z*[N−k]) / 2i.

use std::sync::Arc;

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};

use super::spec::{SpecError, SpectrumSpec};

/// Transforms frames of one [`SpectrumSpec`]; keeps its tables and buffers from frame to frame.
pub struct Stft {
    spec: SpectrumSpec,
    window: Vec<f32>,
    fft: Arc<dyn Fft<f32>>,
    buffer: Vec<Complex32>,
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
        let window = spec.scaled_window()?;
        Ok(Stft::with_fft(spec, window, FftPlanner::new().plan_fft_forward(spec.fft_size)))
    }

    fn with_fft(spec: &SpectrumSpec, window: Vec<f32>, fft: Arc<dyn Fft<f32>>) -> Stft {
        let scratch = vec![Complex32::default(); fft.get_inplace_scratch_len()];
        let buffer = vec![Complex32::default(); spec.fft_size];
        Stft { spec: *spec, window, fft, buffer, scratch }
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
        self.separate(power, &mut []);
    }

    /// Power of two frames at once; see [`Stft::frame`].
    pub fn pair(&mut self, samples: [&[f32]; 2], power: [&mut [f32]; 2]) {
        self.transform(samples[0], samples[1]);
        let [first, second] = power;
        self.separate(first, second);
    }

    /// Power of all frames that lie wholly in `samples`, the first beginning at the first sample, as
    /// `scipy.signal.spectrogram(..., detrend=False)` aligns them.
    pub fn spectrogram(&mut self, samples: &[f32]) -> Spectrogram {
        let (bins, frames) = (self.bins(), self.spec.frames_in(samples.len()));
        let (hop, width) = (self.spec.hop_samples, self.spec.window_samples);
        let mut power = vec![0.0; bins * frames];
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
        Spectrogram { bins, frames, power }
    }

    /// FFT of first + i·second under the window; an empty second is silence.
    pub(super) fn transform(&mut self, first: &[f32], second: &[f32]) -> &[Complex32] {
        let window = &self.window;
        let filled = if second.is_empty() {
            for ((z, w), x) in self.buffer.iter_mut().zip(window).zip(first) {
                *z = Complex32::new(w * x, 0.0);
            }
            first.len().min(window.len())
        } else {
            for (((z, w), x), y) in self.buffer.iter_mut().zip(window).zip(first).zip(second) {
                *z = Complex32::new(w * x, w * y);
            }
            first.len().min(second.len()).min(window.len())
        };
        self.buffer[filled..].fill(Complex32::default());
        self.fft.process_with_scratch(&mut self.buffer, &mut self.scratch);
        &self.buffer
    }

    /// One-sided power of the two frames of the last transform; the second may be left out.
    fn separate(&self, first: &mut [f32], second: &mut [f32]) {
        let n = self.buffer.len();
        for k in 0..self.bins() {
            let z = self.buffer[k];
            let mirrored = self.buffer[if k == 0 { 0 } else { n - k }].conj();
            let scale = self.spec.sidedness(k) / 4.0;
            if let Some(p) = first.get_mut(k) {
                *p = scale * (z + mirrored).norm_sqr();
            }
            if let Some(p) = second.get_mut(k) {
                *p = scale * (z - mirrored).norm_sqr();
            }
        }
    }
}
