//! Samples at any rate to frames at the device's: a windowed sinc, its phases from a table.

use crate::fir::{dot, kaiser_beta, kaiser_window, sinc};

/// Zero crossings of the sinc on either side.
const CROSSINGS: usize = 40;
/// Images and aliases lie this far below, dB.
const STOP_DB: f64 = 80.0;
/// Points of the kernel for each zero crossing; straight lines between them are good to −100 dB.
const PHASES: usize = 512;
/// Where the sinc is cut, as a share of the lower of both Nyquist frequencies: Kaiser's transition
/// for these crossings is 0.125 of it, so that it ends at Nyquist.
const CUTOFF: f64 = 0.9375;

/// Computes frames at fractional places of its input.
#[derive(Clone)]
pub(super) struct Resampler {
    /// Input samples from one frame to the next.
    ratio: f64,
    taps: usize,
    phases: usize,
    /// `phases + 1` rows of `taps` coefficients.
    table: Vec<f32>,
    pending: Vec<f32>,
    /// Index of the first pending sample since the last reset.
    first: u64,
    /// Place of frame 0, in input samples since the last reset.
    origin: f64,
    frame: u64,
}

impl Resampler {
    pub fn new(ratio: f64) -> Resampler {
        let stretch = ratio.max(1.0);
        let taps = 2 * (CROSSINGS as f64 * stretch).ceil() as usize;
        let phases = (PHASES as f64 / stretch).ceil().max(16.0) as usize;
        let window = kaiser_window(taps * phases + 1, kaiser_beta(STOP_DB));
        let middle = (taps * phases / 2) as f64;
        let kernel: Vec<f64> = window
            .iter()
            .enumerate()
            .map(|(i, w)| w * sinc((i as f64 - middle) / phases as f64 * CUTOFF / stretch))
            .collect();
        let mut table = Vec::with_capacity((phases + 1) * taps);
        for phase in 0..=phases {
            let row = (1..=taps).map(|k| kernel[k * phases - phase]);
            let sum: f64 = row.clone().sum();
            table.extend(row.map(|h| (h / sum) as f32));
        }
        let pending = Vec::new();
        Resampler { ratio, taps, phases, table, pending, first: 0, origin: 0.0, frame: 0 }
    }

    /// How far around its place a frame looks, in input samples.
    pub fn half(&self) -> usize {
        self.taps / 2
    }

    /// Forgets what it was given; frame 0 will lie at `origin`, which must be at least
    /// [`Resampler::half`].
    pub fn reset(&mut self, origin: f64) {
        self.pending.clear();
        (self.first, self.frame) = (0, 0);
        self.origin = origin;
    }

    /// Takes samples.
    pub fn push(&mut self, input: &[f32]) {
        self.pending.extend_from_slice(input);
    }

    /// Appends up to `frames` frames, as many as the samples taken so far allow.
    pub fn pull(&mut self, frames: usize, output: &mut Vec<f32>) -> usize {
        let mut done = 0;
        while done < frames {
            // Multiplied, not added up: the play head must not drift over hours.
            let place = self.origin + self.frame as f64 * self.ratio;
            let whole = place.floor();
            let start = (whole as u64 + 1).saturating_sub(self.half() as u64 + self.first) as usize;
            let Some(under) = self.pending.get(start..start + self.taps) else { break };
            let phase = (place - whole) * self.phases as f64;
            let row = (phase as usize).min(self.phases - 1);
            let share = (phase - row as f64) as f32;
            let rows = &self.table[row * self.taps..(row + 2) * self.taps];
            let (a, b) = rows.split_at(self.taps);
            let (a, b) = (dot(under, a), dot(under, b));
            output.push(a + (b - a) * share);
            self.frame += 1;
            done += 1;
        }
        let next = self.origin + self.frame as f64 * self.ratio;
        let keep_from = (next.floor() as u64 + 1).saturating_sub(self.half() as u64);
        let passed = keep_from.saturating_sub(self.first).min(self.pending.len() as u64);
        // In one go now and then, not a shift for every block.
        if passed as usize > self.pending.len() / 2 {
            self.pending.drain(..passed as usize);
            self.first += passed;
        }
        done
    }
}
