//! Clipping: samples that stand at a rail.
//!
//! A rail need not be full scale: amplifiers give out below it, and a gain may have been applied since.
//! What tells a rail is that the waveform comes up steeply and then stands exactly still, again and
//! again at the same value. The flat top of a slow tone comes up slowly, and that of noise does not
//! come back to one value among the loudest.

/// Samples that stand still at a rail, at least.
const FLAT_SAMPLES: u64 = 3;
/// Flat tops at one value that make it a rail.
const RAIL_TOPS: u64 = 3;
/// A rail lies this close to the greatest excursion on its side: nothing passes a rail.
const RAIL_SHARE: f64 = 0.9;
/// Steps into and out of a flat top of n samples, in quantisation steps times (n + 1)/n²: a parabola
/// that stays within one step for n samples leaves by up to 4 of these, and so is no clipped wave.
const STEEP_STEPS: f64 = 8.0;
/// Values that may be rails, held at once; the rarest gives way.
const CANDIDATES: usize = 32;

/// Counts samples that stand at a rail in a stream.
#[derive(Clone, Debug)]
pub(super) struct Clipping {
    /// The smallest step between two values of the coding.
    step: f64,
    full_scale: f32,
    before: f32,
    value: f32,
    length: u64,
    lowest: f32,
    highest: f32,
    candidates: Vec<Candidate>,
    /// Samples at full scale in runs of two or more: those are clipped whatever came before.
    full_scale_samples: u64,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    value: f32,
    tops: u64,
    samples: u64,
}

impl Clipping {
    /// For samples whose coding has steps of `step` of full scale.
    pub fn new(step: f64) -> Clipping {
        Clipping {
            step,
            full_scale: (1.0 - 1.5 * step) as f32,
            before: f32::NAN,
            value: f32::NAN,
            length: 0,
            lowest: f32::INFINITY,
            highest: f32::NEG_INFINITY,
            candidates: Vec::new(),
            full_scale_samples: 0,
        }
    }

    /// The next sample, which is a number.
    #[inline]
    pub fn push(&mut self, x: f32) {
        if x == self.value {
            self.length += 1;
            return;
        }
        if self.length > 1 {
            self.end_run(x);
        }
        self.before = self.value;
        self.value = x;
        self.length = 1;
        self.lowest = self.lowest.min(x);
        self.highest = self.highest.max(x);
    }

    /// What follows is not the next sample.
    pub fn gap(&mut self) {
        if self.length > 1 {
            self.end_run(f32::NAN);
        }
        (self.before, self.value, self.length) = (f32::NAN, f32::NAN, 0);
    }

    /// Samples at rails, and the highest rail.
    pub fn finish(mut self) -> (u64, Option<f64>) {
        self.gap();
        let mut samples = self.full_scale_samples;
        let mut rail = (samples > 0).then_some(self.highest.max(-self.lowest));
        for c in &self.candidates {
            let extreme = if c.value > 0.0 { self.highest } else { self.lowest };
            let near = f64::from(c.value / extreme) >= RAIL_SHARE;
            if near && c.tops >= RAIL_TOPS {
                samples += c.samples;
                rail = Some(rail.unwrap_or(0.0).max(c.value.abs()));
            }
        }
        (samples, rail.map(f64::from))
    }

    fn end_run(&mut self, after: f32) {
        if self.value.abs() >= self.full_scale {
            self.full_scale_samples += self.length;
            return;
        }
        if self.length < FLAT_SAMPLES {
            return;
        }
        let side = self.value.signum();
        let (rise, fall) = (side * (self.value - self.before), side * (self.value - after));
        let n = self.length as f64;
        let steep = (STEEP_STEPS * self.step * (n + 1.0) / (n * n)).max(2.0 * self.step) as f32;
        // At an edge of a gap one of the two is NaN, which is no step.
        if !(rise > steep && fall > steep) {
            return;
        }
        let found = self.candidates.iter_mut().find(|c| c.value == self.value);
        if let Some(c) = found {
            c.tops += 1;
            c.samples += self.length;
            return;
        }
        if self.candidates.len() >= CANDIDATES {
            let rarest = (0..CANDIDATES).min_by_key(|&i| self.candidates[i].tops);
            self.candidates.swap_remove(rarest.unwrap_or(0));
        }
        self.candidates.push(Candidate { value: self.value, tops: 1, samples: self.length });
    }
}
