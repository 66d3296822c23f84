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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_slow_high_pass_is_scipys_butterworth() {
        let fixture = include_str!("../../tests/fixtures/scipy_filters.json");
        let fixture: Value = serde_json::from_str(fixture).expect("valid JSON");
        for case in fixture["high_passes"].as_array().expect("an array") {
            let theirs = case["values"].as_array().expect("an array");
            let mut impulse = vec![0.0f32; theirs.len()];
            impulse[0] = 1.0;
            HighPass::new(case["cutoff"].as_f64().expect("a number")).process(&mut impulse);
            for (a, b) in impulse.iter().zip(theirs) {
                // Each output is rounded to f32.
                assert!((f64::from(*a) - b.as_f64().expect("a number")).abs() < 1e-7);
            }
        }
    }

    #[test]
    fn a_dc_is_70_db_down_when_it_says_so() {
        let cutoff = 0.002;
        let mut dc = vec![1.0f32; HighPass::settling(cutoff) as usize + 500];
        HighPass::new(cutoff).process(&mut dc);
        let left =
            dc[HighPass::settling(cutoff) as usize..].iter().fold(0.0f32, |m, x| m.max(x.abs()));
        assert!(left < 10f32.powf(-3.5) * 1.5, "{left}");
    }
}
