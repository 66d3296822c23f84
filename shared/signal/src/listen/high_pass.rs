//! A slow high pass: takes away what no speaker moves by, drift and the envelope's own DC.

use std::f64::consts::{PI, SQRT_2};

/// Second-order Butterworth high pass (bilinear transform), in f64: its poles lie close to 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct HighPass {
    gain: f64,
    feedback: [f64; 2],
    state: [f64; 2],
}

impl HighPass {
    /// −3 dB at `cutoff` cycles a sample.
    pub fn new(cutoff: f64) -> HighPass {
        let k = (PI * cutoff).tan();
        let norm = 1.0 / (1.0 + SQRT_2 * k + k * k);
        let feedback = [2.0 * (k * k - 1.0) * norm, (1.0 - SQRT_2 * k + k * k) * norm];
        HighPass { gain: norm, feedback, state: [0.0; 2] }
    }

    /// Samples after which what came before is 70 dB down.
    pub fn settling(cutoff: f64) -> f64 {
        // The poles' envelope is e^(−ωt/√2); 70 dB are 8.06 nepers.
        8.06 * SQRT_2 / (2.0 * PI * cutoff)
    }

    /// Forgets what it was given.
    pub fn reset(&mut self) {
        self.state = [0.0; 2];
    }

    /// Filters in place.
    pub fn process(&mut self, samples: &mut [f32]) {
        for x in samples {
            let input = f64::from(*x) * self.gain;
            let y = input + self.state[0];
            self.state[0] = -2.0 * input - self.feedback[0] * y + self.state[1];
            self.state[1] = input - self.feedback[1] * y;
            *x = y as f32;
        }
    }
}
