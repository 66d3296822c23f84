//! What is timed, natively and in WebAssembly: the same lines.

use spyhop_api::view::{Scaling, Window};
use spyhop_signal::Line;
use spyhop_signal::line::Run;
use spyhop_signal::spectrum::{ColumnsSpec, Effort, SpectrumSpec, Stft, columns};

pub const FFT_SIZES: [usize; 2] = [1024, 2048];
/// 5.5 s at 192 kHz.
pub const SAMPLES: usize = 1 << 20;

/// Hann, half the window or 512 samples from frame to frame.
pub fn spec(fft_size: usize) -> SpectrumSpec {
    SpectrumSpec {
        fft_size,
        window_samples: fft_size,
        hop_samples: 512,
        window: Window::Hann,
        scaling: Scaling::Density,
        sample_rate_hz: 192_000.0,
    }
}

/// Plain noise from a linear congruential generator.
pub fn noise() -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..SAMPLES).map(|_| next()).collect()
}

/// All frames' power, as scipy.signal.spectrogram gives it; the output's memory is used again.
pub fn spectrogram(stft: &mut Stft, x: &[f32], power: &mut Vec<f32>) -> f32 {
    stft.spectrogram_into(x, power);
    power[0]
}

/// Mean and maximum of columns of 64 frames, as the page draws them.
pub fn columns_of_64(stft: &mut Stft, x: &[f32], _: &mut Vec<f32>) -> f32 {
    let column_samples = 64 * stft.spec().hop_samples;
    let spec = ColumnsSpec {
        spectrum: *stft.spec(),
        column_samples: column_samples as u64,
        first_column: 0,
        columns: x.len() / column_samples,
        first_row: 0,
        rows: stft.bins(),
        bins_per_row: 1,
        effort: Effort::Exact,
    };
    let run = Run { position: 0, frames: x.len() as u64, recording: 0, first_frame: 0 };
    let line = Line { sample_rate_hz: stft.spec().sample_rate_hz, origin: None, runs: vec![run] };
    let made = columns(
        &spec,
        stft,
        &line,
        &mut |range, out| {
            out.extend_from_slice(&x[range.start as usize..range.end as usize]);
            Ok(())
        },
        &mut || false,
    );
    made.ok().flatten().map_or(0.0, |made| made.mean[0])
}
