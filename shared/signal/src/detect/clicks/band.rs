//! The band that clicks are looked for in: a short filter of linear phase.

use crate::fir::{dot, kaiser_beta, kaiser_taps, low_pass};

/// What lies outside is so much fainter, dB: ships are louder below.
const STOP_DB: f64 = 60.0;
/// The transition lies outside the band and is this share of its lower edge.
const TRANSITION_OF_LOW: f64 = 0.35;
/// An upper edge beyond this share of the rate is none: it is the recording's own.
const OPEN_ABOVE: f64 = 0.44;

/// A band pass whose output is a pure function of the samples under it.
pub(super) struct BandPass {
    taps: Vec<f32>,
    pending: Vec<f32>,
    /// Position of the first pending sample.
    first: i64,
    output: Vec<f32>,
}

impl BandPass {
    pub fn new(low_hz: f64, high_hz: f64, rate_hz: f64) -> BandPass {
        let transition_hz = (TRANSITION_OF_LOW * low_hz).max(1e-3 * rate_hz);
        let count = kaiser_taps(STOP_DB, transition_hz / rate_hz);
        let beta = kaiser_beta(STOP_DB);
        let low = low_pass(count, (low_hz - transition_hz / 2.0).max(0.0) / rate_hz, beta);
        let high = (high_hz + transition_hz / 2.0) / rate_hz;
        let mut taps = if high_hz >= OPEN_ABOVE * rate_hz || high >= 0.5 {
            let mut whole = vec![0.0; count];
            whole[count / 2] = 1.0;
            whole
        } else {
            low_pass(count, high, beta)
        };
        taps.iter_mut().zip(low).for_each(|(h, l)| *h -= l);
        let taps = taps.iter().map(|h| *h as f32).collect();
        BandPass { taps, pending: Vec::new(), first: 0, output: Vec::new() }
    }

    /// How far around a sample others have a say in what comes of it.
    pub fn reach(&self) -> i64 {
        self.taps.len() as i64 / 2
    }

    /// Takes samples from a position on; gives those whose surroundings are known.
    pub fn push(&mut self, position: i64, samples: &[f32], give: &mut dyn FnMut(i64, &[f32])) {
        if position != self.first + self.pending.len() as i64 {
            self.pending.clear();
            self.first = position;
        }
        self.pending.extend_from_slice(samples);
        self.output.clear();
        self.output
            .extend(self.pending.windows(self.taps.len()).map(|under| dot(under, &self.taps)));
        if !self.output.is_empty() {
            give(self.first + self.taps.len() as i64 / 2, &self.output);
        }
        self.pending.drain(..self.output.len());
        self.first += self.output.len() as i64;
    }

    /// Forgets what it holds.
    pub fn finish(&mut self) {
        self.pending.clear();
    }

    /// By how much a frequency passes.
    #[cfg(test)]
    fn gain(&self, hz: f64, rate_hz: f64) -> f64 {
        let turn = |i: usize| std::f64::consts::TAU * hz / rate_hz * i as f64;
        let (re, im) = self.taps.iter().enumerate().fold((0.0, 0.0), |(re, im), (i, h)| {
            (re + f64::from(*h) * turn(i).cos(), im - f64::from(*h) * turn(i).sin())
        });
        re.hypot(im)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_band_passes_and_what_lies_below_does_not() {
        for (low, high, rate, passed, stopped) in [
            (
                25_000.0,
                90_000.0,
                192_000.0,
                vec![25_500.0, 60_000.0, 95_000.0],
                vec![15_000.0, 500.0],
            ),
            (
                2000.0,
                20_000.0,
                48_000.0,
                vec![2100.0, 10_000.0, 19_900.0],
                vec![1200.0, 60.0, 21_000.0],
            ),
        ] {
            let band = BandPass::new(low, high, rate);
            for hz in passed {
                assert!((band.gain(hz, rate) - 1.0).abs() < 0.02, "{hz}: {}", band.gain(hz, rate));
            }
            for hz in stopped {
                assert!(band.gain(hz, rate) < 1.2e-3, "{hz}: {}", band.gain(hz, rate));
            }
        }
    }

    #[test]
    fn a_sample_lies_where_it_lay() {
        let mut band = BandPass::new(2000.0, 20_000.0, 48_000.0);
        let mut samples = vec![0.0f32; 1000];
        samples[500] = 1.0;
        let mut best = (0, 0.0f32);
        for (at, part) in samples.chunks(77).enumerate() {
            band.push(10 + 77 * at as i64, part, &mut |position, out| {
                for (i, x) in out.iter().enumerate() {
                    if x.abs() > best.1 {
                        best = (position + i as i64, x.abs());
                    }
                }
            });
        }
        assert_eq!(best.0, 510);
    }
}
