//! The same transforms as `stft_speed.rs` in WebAssembly, for `stft_speed/run.mjs` to time.

#![cfg(target_arch = "wasm32")]

use spyhop_signal::spectrum::Stft;
use wasm_bindgen::prelude::wasm_bindgen;

#[path = "stft_speed/work.rs"]
mod work;

/// Lengths of the transforms to time.
#[wasm_bindgen]
pub fn fft_sizes() -> Vec<usize> {
    work::FFT_SIZES.to_vec()
}

/// A planned transform and what it transforms.
#[wasm_bindgen]
pub struct Speed {
    stft: Stft,
    x: Vec<f32>,
    power: Vec<f32>,
}

#[wasm_bindgen]
impl Speed {
    /// Plans a transform of `fft_size` points.
    #[wasm_bindgen(constructor)]
    pub fn new(fft_size: usize) -> Result<Speed, String> {
        let stft = Stft::new(&work::spec(fft_size)).map_err(|e| e.to_string())?;
        Ok(Speed { stft, x: work::noise(), power: Vec::new() })
    }

    /// Samples that one call transforms.
    pub fn samples(&self) -> usize {
        self.x.len()
    }

    /// All frames' power.
    pub fn spectrogram(&mut self) -> f32 {
        work::spectrogram(&mut self.stft, &self.x, &mut self.power)
    }

    /// Mean and maximum of columns.
    pub fn columns(&mut self) -> f32 {
        work::columns_of_64(&mut self.stft, &self.x, &mut self.power)
    }
}
