//! The band pass: one long FIR by overlap-save, real or analytic.
//!
//! The analytic one passes positive frequencies only. Its output is complex: its magnitude is the
//! band's envelope, and turning it by a frequency moves the band without an image.

use std::sync::Arc;

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};
use std::f64::consts::TAU;

use crate::fir::{kaiser_beta, kaiser_taps, kaiser_transition, low_pass};

/// How far outside the band a sound must lie to be gone is written by the transition; how gone it
/// is, here: dB.
const STOP_DB: f64 = 70.0;
/// The transition lies outside the band and is this share of its width,
const TRANSITION_OF_WIDTH: f64 = 0.1;
/// but no more than this share of the lower edge, so that DC is stopped whole.
const TRANSITION_OF_LOW: f64 = 0.5;
/// No filter is longer; its transition is what so many taps give.
const MOST_TAPS: usize = 16_383;

/// What passes, at the rate of the samples that go in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Band {
    pub low_hz: f64,
    pub high_hz: f64,
    /// Positive frequencies only.
    pub analytic: bool,
}

/// The band pass, with its state.
#[derive(Clone)]
pub(super) struct BandFilter {
    half: usize,
    /// Filter's spectrum, with the 1/N of the inverse transform in it.
    response: Vec<Complex32>,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    pending: Vec<f32>,
    block: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Band {
    /// Width of the transition outside either edge at best, Hz.
    pub fn transition_hz(&self) -> f64 {
        let of_width = TRANSITION_OF_WIDTH * (self.high_hz - self.low_hz);
        if self.low_hz > 0.0 { of_width.min(TRANSITION_OF_LOW * self.low_hz) } else { of_width }
    }
}

impl BandFilter {
    pub fn new(band: Band, rate: f64) -> BandFilter {
        let taps = kaiser_taps(STOP_DB, band.transition_hz() / rate).min(MOST_TAPS);
        let response = impulse_response(band, rate, taps);
        let size = (2 * taps).next_power_of_two().max(1024);
        let mut planner = FftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let mut spectrum = vec![Complex32::ZERO; size];
        for (s, h) in spectrum.iter_mut().zip(&response) {
            *s = h / size as f32;
        }
        let scratch_len = forward.get_inplace_scratch_len().max(inverse.get_inplace_scratch_len());
        let mut scratch = vec![Complex32::ZERO; scratch_len];
        forward.process_with_scratch(&mut spectrum, &mut scratch);
        BandFilter {
            half: taps / 2,
            response: spectrum,
            forward,
            inverse,
            pending: Vec::new(),
            block: Vec::with_capacity(size),
            scratch,
        }
    }

    /// How far in front of the first output's centre the first input lies, in samples.
    pub fn half(&self) -> usize {
        self.half
    }

    /// Forgets what it was given.
    pub fn reset(&mut self) {
        self.pending.clear();
    }

    /// Takes samples and appends those that come of them, a block at a time.
    pub fn push(&mut self, input: &[f32], output: &mut Vec<Complex32>) {
        self.pending.extend_from_slice(input);
        let size = self.response.len();
        let lost = 2 * self.half;
        let mut at = 0;
        while let Some(under) = self.pending.get(at..at + size) {
            self.block.clear();
            self.block.extend(under.iter().map(|x| Complex32::new(*x, 0.0)));
            self.forward.process_with_scratch(&mut self.block, &mut self.scratch);
            for (z, h) in self.block.iter_mut().zip(&self.response) {
                *z *= h;
            }
            self.inverse.process_with_scratch(&mut self.block, &mut self.scratch);
            // The first samples are folded with the block's end; what follows them is right.
            output.extend_from_slice(&self.block[lost..]);
            at += size - lost;
        }
        self.pending.drain(..at);
    }
}

/// Taps of the band pass; the edges of the band pass whole, the transition lies outside.
fn impulse_response(band: Band, rate: f64, taps: usize) -> Vec<Complex32> {
    let beta = kaiser_beta(STOP_DB);
    let half_transition = kaiser_transition(STOP_DB, taps) / 2.0;
    let low = band.low_hz / rate - half_transition;
    let high = band.high_hz / rate + half_transition;
    let middle = taps / 2;
    if band.analytic {
        // Upper edge: no closer to Nyquist than lets the transition end there.
        let high = high.min(0.5 - half_transition);
        let low = low.max(half_transition).min(high - half_transition / 8.0);
        let (centre, half_width) = ((low + high) / 2.0, (high - low) / 2.0);
        return low_pass(taps, half_width, beta)
            .iter()
            .enumerate()
            .map(|(i, h)| {
                let phase = TAU * (centre * (i as f64 - middle as f64)).fract();
                Complex32::new((2.0 * h * phase.cos()) as f32, (2.0 * h * phase.sin()) as f32)
            })
            .collect();
    }
    let mut response = vec![0.0; taps];
    if high >= 0.5 {
        response[middle] = 1.0;
    } else {
        response = low_pass(taps, high, beta);
    }
    if low > 0.0 {
        for (h, l) in response.iter_mut().zip(low_pass(taps, low, beta)) {
            *h -= l;
        }
    }
    response.iter().map(|h| Complex32::new(*h as f32, 0.0)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_analytic_bands_magnitude_is_scipys_hilbert_envelope() {
        let fixture = include_str!("../../tests/fixtures/scipy_filters.json");
        let fixture: Value = serde_json::from_str(fixture).expect("valid JSON");
        let rate = 8000.0;
        // The carrier of the fixture's script: it never leaves 500 to 2000 Hz.
        let carrier = |n: i64| {
            let n = n as f64;
            let envelope = (-((n - 2048.0) / 500.0).powi(2)).exp();
            (envelope * (TAU * (1000.0 + 0.05 * (n - 2048.0)) * n / rate).sin()) as f32
        };
        let band = Band { low_hz: 300.0, high_hz: 3000.0, analytic: true };
        let mut filter = BandFilter::new(band, rate);
        let half = filter.half() as i64;
        let input: Vec<f32> = (-half..8192).map(carrier).collect();
        let mut out = Vec::new();
        input.chunks(333).for_each(|part| filter.push(part, &mut out));
        let case = &fixture["envelope"];
        let (first, every) = (case["first"].as_u64(), case["every"].as_u64());
        let (first, every) = (first.expect("a count") as usize, every.expect("a count") as usize);
        for (k, theirs) in case["values"].as_array().expect("an array").iter().enumerate() {
            let (ours, theirs) =
                (out[first + k * every].norm(), theirs.as_f64().expect("a number"));
            // The stop band lies 70 dB down.
            assert!((f64::from(ours) - theirs).abs() < 5e-4, "{k}: {ours} for {theirs}");
        }
    }
}
