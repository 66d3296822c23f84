//! The filter bank of Kaldi, which an audio spectrogram transformer sees instead of samples.
//!
//! As `torchaudio.compliance.kaldi.fbank` and the feature extractor of Hugging Face's transformers
//! compute it: frames that lie wholly in the samples, less their mean, pre-emphasised, under a
//! symmetric Hann window, padded with zeros; their power through triangles that are linear in mel; the
//! natural logarithm. All in f64, as the extractor: the triangles of a quiet band lie seven orders
//! below a whistle's, where the leakage of an f32 transform is visible.

use std::sync::Arc;

use realfft::num_complex::Complex64;
use realfft::{RealFftPlanner, RealToComplex};
use spyhop_api::FrontEnd;
use spyhop_api::view::Window;

use crate::spectrum::window_coefficients;

/// What a filter's energy is raised to before the logarithm: the smallest f32 step above 1.
pub const ENERGY_FLOOR: f64 = 1.192_092_955_078_125e-7;
/// Share of the sample before that is subtracted from each sample.
const PRE_EMPHASIS: f64 = 0.97;
/// More than this is no front end, and would take all memory.
const MOST_FFT_POINTS: u32 = 1 << 20;
const MOST_MELS: u32 = 4096;
const MOST_WINDOW_VALUES: u64 = 1 << 26;

/// The filter bank of one [`FrontEnd`].
pub struct Fbank {
    front_end: FrontEnd,
    window: Vec<f64>,
    fft: Arc<dyn RealToComplex<f64>>,
    triangles: Vec<Triangle>,
}

/// What a network sees of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct MelPicture {
    /// Frames, the filled ones included.
    pub frames: usize,
    /// Filters.
    pub mels: usize,
    /// Frames that the samples filled; the rest is padding.
    pub heard_frames: usize,
    /// Scaled log energies, frame by frame, lowest filter first: `values[frame * mels + mel]`.
    pub values: Vec<f32>,
}

/// Why a filter bank can't be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FbankError {
    /// A rate that is no rate.
    #[error("the front end's rate is {0} Hz: it must be positive")]
    Rate(f64),
    /// Filters above half the rate, or upside down.
    #[error(
        "the filters reach from {low_hz} to {high_hz} Hz: give a band between 0 and half the \
         front end's rate, {nyquist_hz} Hz"
    )]
    Band {
        /// Lower edge.
        low_hz: f64,
        /// Upper edge.
        high_hz: f64,
        /// What there is.
        nyquist_hz: f64,
    },
    /// A frame that does not fit its transform.
    #[error(
        "frames of {frame_samples} samples in an FFT of {fft_size} points: give at least 2 samples, \
         an even FFT no shorter than that, and at most {MOST_FFT_POINTS} points"
    )]
    Frame {
        /// Samples of a frame.
        frame_samples: u32,
        /// Points.
        fft_size: u32,
    },
    /// A count that is zero, or too large for any memory.
    #[error("the front end's {name} is {value}: give 1 to {most}")]
    Count {
        /// Which one.
        name: &'static str,
        /// What it is.
        value: u64,
        /// What it may be.
        most: u64,
    },
    /// Numbers that can't scale anything.
    #[error("mean {mean} and standard deviation {std}: the second must be above 0")]
    Scale {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
}

/// The weights of one filter, from its first bin on.
struct Triangle {
    first_bin: usize,
    weights: Vec<f64>,
}

impl Fbank {
    /// Plans the transform, and computes window and filters.
    ///
    /// # Errors
    /// When the front end can't be computed.
    pub fn new(front_end: &FrontEnd) -> Result<Fbank, FbankError> {
        check(front_end)?;
        let fft = RealFftPlanner::new().plan_fft_forward(front_end.fft_size as usize);
        let window = window_coefficients(Window::HannSymmetric, front_end.frame_samples as usize);
        let triangles = triangles(front_end);
        Ok(Fbank { front_end: *front_end, window, fft, triangles })
    }

    /// What it computes.
    pub fn front_end(&self) -> &FrontEnd {
        &self.front_end
    }

    /// Natural logarithms of the filters' energies in all frames that lie wholly in `samples`:
    /// `values[frame * mels + mel]`. Samples are in [−1, 1), not in counts.
    pub fn log_energies(&self, samples: &[f32]) -> Vec<f32> {
        let frames = self.front_end.frames_in(samples.len());
        self.first_frames(samples, frames, |log_energy| log_energy as f32)
    }

    /// What a network sees of `samples`: the first `frames` frames, then padding with 0.0 up to that
    /// many, then the scaling, which moves the padding along.
    pub fn picture(&self, samples: &[f32]) -> MelPicture {
        let FrontEnd { frames, mels, mean, std, .. } = self.front_end;
        let (frames, mels) = (frames as usize, mels as usize);
        let heard_frames = self.front_end.frames_in(samples.len()).min(frames);
        // The reference rounds the energies to f32 before it scales them.
        let scale = |x: f32| ((f64::from(x) - mean) / (2.0 * std)) as f32;
        let mut values = self.first_frames(samples, heard_frames, |e| scale(e as f32));
        values.resize(frames * mels, scale(0.0));
        MelPicture { frames, mels, heard_frames, values }
    }

    fn first_frames(
        &self,
        samples: &[f32],
        frames: usize,
        finish: impl Fn(f64) -> f32,
    ) -> Vec<f32> {
        let FrontEnd { frame_samples, hop_samples, mels, .. } = self.front_end;
        let mut values = Vec::with_capacity(frames * mels as usize);
        let mut input = self.fft.make_input_vec();
        let mut spectrum = self.fft.make_output_vec();
        let mut scratch = self.fft.make_scratch_vec();
        let mut power = vec![0.0; spectrum.len()];
        for frame in samples.windows(frame_samples as usize).step_by(hop_samples as usize) {
            if values.len() == frames * mels as usize {
                break;
            }
            self.prepare(frame, &mut input);
            if self.fft.process_with_scratch(&mut input, &mut spectrum, &mut scratch).is_err() {
                // All lengths come from the plan itself, so that there is nothing it could refuse.
                spectrum.fill(Complex64::default());
            }
            for (p, z) in power.iter_mut().zip(&spectrum) {
                *p = z.norm_sqr();
            }
            values.extend(self.triangles.iter().map(|triangle| {
                let bins = power.get(triangle.first_bin..).unwrap_or_default();
                let energy: f64 = triangle.weights.iter().zip(bins).map(|(w, p)| w * p).sum();
                finish(energy.max(ENERGY_FLOOR).ln())
            }));
        }
        values
    }

    /// A frame less its mean, pre-emphasised and under the window, with zeros after it.
    fn prepare(&self, frame: &[f32], input: &mut [f64]) {
        let mean = frame.iter().map(|x| f64::from(*x)).sum::<f64>() / frame.len() as f64;
        // The first sample is taken as its own predecessor.
        let mut before = frame.first().map_or(0.0, |x| f64::from(*x) - mean);
        for ((out, x), w) in input.iter_mut().zip(frame).zip(&self.window) {
            let x = f64::from(*x) - mean;
            *out = (x - PRE_EMPHASIS * before) * w;
            before = x;
        }
        if let Some(rest) = input.get_mut(frame.len()..) {
            rest.fill(0.0);
        }
    }
}

/// Kaldi's mel of a frequency.
fn mel(hz: f64) -> f64 {
    1127.0 * (hz / 700.0).ln_1p()
}

/// Triangles whose corners are spaced evenly in mel, and whose sides are straight in mel. They know
/// no bin at half the rate.
fn triangles(front_end: &FrontEnd) -> Vec<Triangle> {
    let bin_hz = front_end.rate_hz / f64::from(front_end.fft_size);
    let bins = front_end.fft_size as usize / 2;
    let (low, high) = (mel(front_end.low_hz), mel(front_end.high_hz));
    let step = (high - low) / f64::from(front_end.mels + 1);
    let mels: Vec<f64> = (0..bins).map(|bin| mel(bin as f64 * bin_hz)).collect();
    (0..front_end.mels)
        .map(|i| {
            let left = low + f64::from(i) * step;
            let first_bin = mels.partition_point(|mel| *mel <= left);
            let inside = mels.get(first_bin..).unwrap_or_default().iter();
            let weights = inside.map(|mel| (mel - left) / step).map(|along| along.min(2.0 - along));
            Triangle { first_bin, weights: weights.take_while(|w| *w > 0.0).collect() }
        })
        .collect()
}

fn check(front_end: &FrontEnd) -> Result<(), FbankError> {
    let FrontEnd { rate_hz, low_hz, high_hz, mean, std, .. } = *front_end;
    if !(rate_hz > 0.0 && rate_hz.is_finite()) {
        return Err(FbankError::Rate(rate_hz));
    }
    let nyquist_hz = rate_hz / 2.0;
    if !(low_hz >= 0.0 && low_hz < high_hz && high_hz <= nyquist_hz) {
        return Err(FbankError::Band { low_hz, high_hz, nyquist_hz });
    }
    let FrontEnd { frame_samples, fft_size, .. } = *front_end;
    if frame_samples < 2
        || fft_size < frame_samples
        || fft_size > MOST_FFT_POINTS
        || !fft_size.is_multiple_of(2)
    {
        return Err(FbankError::Frame { frame_samples, fft_size });
    }
    let most_frames = MOST_WINDOW_VALUES / u64::from(front_end.mels.max(1));
    for (name, value, most) in [
        ("hop", u64::from(front_end.hop_samples), u64::from(MOST_FFT_POINTS)),
        ("number of filters", u64::from(front_end.mels), u64::from(MOST_MELS)),
        ("number of frames", u64::from(front_end.frames), most_frames),
    ] {
        if !(1..=most).contains(&value) {
            return Err(FbankError::Count { name, value, most });
        }
    }
    if !(mean.is_finite() && std.is_finite() && std > 0.0) {
        return Err(FbankError::Scale { mean, std });
    }
    Ok(())
}
