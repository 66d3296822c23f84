//! Clicks and other pulses, made in the frequency domain: band-limited, and at fractional samples.

use std::collections::HashMap;
use std::f64::consts::{PI, TAU};
use std::ops::Range;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner};

use super::chance::Chance;
use super::level::amplitude;
use super::propagation::{Arrivals, absorption_db};
use super::stretch::{Source, Stretch};
use super::tone::HIGHEST_OF_RATE;
use super::truth::Truth;

/// The shape of one pulse.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shape {
    /// Frequency of its spectrum's peak.
    pub peak_hz: f64,
    /// Width of its spectrum 10 dB under the peak.
    pub width_hz: f64,
    /// Skew of its envelope: 0 rises as it falls, 1 rises fast and rings out.
    pub skew: f64,
    /// Phase of the carrier under the envelope, radians.
    pub carrier: f64,
    /// Way through the water, which takes the higher frequencies, m.
    pub range_m: f64,
    /// Seconds between the repetitions inside it (the sperm whale's pulses) and dB of each against
    /// the one before; 0 for a single pulse.
    pub repeats: (f64, f64),
    /// Seconds after it and gains of what the animal's head throws back: a little different in every
    /// pulse, for no animal holds still.
    pub glints: [(f64, f64); GLINTS],
}

/// How many reflections in the head a pulse carries.
pub const GLINTS: usize = 5;

/// Glints of one pulse, up to `longest_s` after it and 17–22 dB under it, of either sign.
pub fn glints(chance: &mut Chance, longest_s: f64) -> [(f64, f64); GLINTS] {
    std::array::from_fn(|_| {
        let sign = if chance.whether(0.5) { 1.0 } else { -1.0 };
        (chance.between(0.3, 1.0) * longest_s, sign * amplitude(-chance.between(17.0, 22.0)))
    })
}

/// One pulse of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pulse {
    /// Seconds since the deployment's origin.
    pub time_s: f64,
    /// Peak-to-peak level, dB re 1 µPa.
    pub level_db: f64,
    /// Its shape.
    pub shape: Shape,
}

/// Pulses on their way to the hydrophone, in order of time.
pub struct Pulses {
    /// The pulses.
    pub pulses: Vec<Pulse>,
    /// Ways on which each arrives.
    pub arrivals: Arrivals,
    /// How much the later arrivals' delays grow over the series, as a part of them: the animal moves.
    pub drift: f64,
    /// What they are, if somebody would mark them.
    pub truth: Option<Truth>,
}

impl Source for Pulses {
    fn heard_s(&self) -> Range<f64> {
        let tail = self.arrivals.spread_s() * (1.0 + self.drift.abs()) + LONGEST_PULSE_S;
        match (self.pulses.first(), self.pulses.last()) {
            (Some(first), Some(last)) => first.time_s - LONGEST_PULSE_S..last.time_s + tail,
            _ => 0.0..0.0,
        }
    }

    fn add_to(&self, stretch: &mut Stretch) {
        if self.arrivals.0.len() > FEW_ARRIVALS {
            return self.add_reverberant(stretch);
        }
        let Some(begin_s) = self.pulses.first().map(|p| p.time_s) else { return };
        let span_s = self.pulses.last().map_or(0.0, |p| p.time_s - begin_s).max(1e-3);
        let heard = stretch.span_s();
        let tail = self.arrivals.spread_s() * (1.0 + self.drift.abs()) + LONGEST_PULSE_S;
        let mut printer = Printer::new(stretch.rate_hz);
        let from = self.pulses.partition_point(|p| p.time_s < heard.start - tail);
        for pulse in &self.pulses[from..] {
            if pulse.time_s > heard.end + LONGEST_PULSE_S {
                break;
            }
            let moved = 1.0 + self.drift * (pulse.time_s - begin_s) / span_s;
            for &(delay_s, gain) in &self.arrivals.0 {
                let position = (pulse.time_s + delay_s * moved) * stretch.rate_hz;
                let (first, sound) = printer.print(&pulse.shape, position);
                let scale = gain * amplitude(pulse.level_db);
                sound.iter_mut().for_each(|v| *v *= scale);
                stretch.add(first, sound);
            }
        }
    }

    fn truth(&self) -> Option<Truth> {
        self.truth.clone()
    }
}

/// Up to so many arrivals each gets its own fraction of a sample; more of them blur it anyway.
const FEW_ARRIVALS: usize = 4;

impl Pulses {
    /// All pulses first, then all ways on which they arrive, to the nearest sample.
    fn add_reverberant(&self, stretch: &mut Stretch) {
        let heard = self.heard_s();
        let (first, rate) = ((heard.start * stretch.rate_hz).floor(), stretch.rate_hz);
        let dry_s = heard.end - heard.start - self.arrivals.spread_s();
        let mut dry = Stretch::new(rate, first as i64, (dry_s * rate).ceil() as usize);
        let mut printer = Printer::new(rate);
        for pulse in &self.pulses {
            let (at, sound) = printer.print(&pulse.shape, pulse.time_s * rate);
            let scale = amplitude(pulse.level_db);
            sound.iter_mut().for_each(|v| *v *= scale);
            dry.add(at, sound);
        }
        stretch.add(dry.first, &self.arrivals.apply(&dry.samples, rate));
    }
}

/// No pulse is heard earlier than this before its time or later after it.
const LONGEST_PULSE_S: f64 = 0.2;

/// Makes pulses at one sample rate.
pub struct Printer {
    rate_hz: f64,
    planner: RealFftPlanner<f64>,
    plans: HashMap<usize, Plan>,
}

struct Plan {
    inverse: Arc<dyn ComplexToReal<f64>>,
    bins: Vec<Complex<f64>>,
    samples: Vec<f64>,
    scratch: Vec<Complex<f64>>,
}

impl Printer {
    /// A printer for a sample rate.
    pub fn new(rate_hz: f64) -> Printer {
        Printer { rate_hz, planner: RealFftPlanner::new(), plans: HashMap::new() }
    }

    /// A pulse of 1 µPa peak to peak whose middle lies at `position` (in samples, fractional), and
    /// the position of its first sample.
    pub fn print(&mut self, shape: &Shape, position: f64) -> (i64, &mut [f64]) {
        let size = self.size(shape);
        let planner = &mut self.planner;
        let plan = self.plans.entry(size).or_insert_with(|| {
            let inverse = planner.plan_fft_inverse(size);
            Plan {
                bins: inverse.make_input_vec(),
                samples: inverse.make_output_vec(),
                scratch: inverse.make_scratch_vec(),
                inverse,
            }
        });
        let bin_hz = self.rate_hz / size as f64;
        // A quarter of the frame in front: what rings does so after the middle.
        let lead = size / 4;
        let offset = lead as f64 + (position - position.floor());
        for (k, bin) in plan.bins.iter_mut().enumerate() {
            let hz = k as f64 * bin_hz;
            let gain = shape.gain(hz, self.rate_hz);
            if gain < 1e-6 {
                *bin = Complex::ZERO;
                continue;
            }
            // A cubic phase about the peak delays both flanks of the spectrum: a sharp beginning
            // and a tail that rings.
            let x = (hz - shape.peak_hz) / (shape.width_hz / 2.0);
            let phase = shape.carrier
                - shape.skew * x * x * x / 3.0
                - TAU * k as f64 * offset / size as f64;
            let mut value = Complex::from_polar(gain, phase);
            if shape.glints != Shape::default().glints {
                let glint = |&(after_s, gain): &(f64, f64)| {
                    Complex::from_polar(1.0, -TAU * hz * after_s) * gain
                };
                value *= Complex::<f64>::ONE + shape.glints.iter().map(glint).sum::<Complex<f64>>();
            }
            let (repeat_s, repeat_db) = shape.repeats;
            if repeat_s > 0.0 {
                let second = Complex::from_polar(amplitude(repeat_db), -TAU * hz * repeat_s);
                value *= Complex::<f64>::ONE + second + second * second;
            }
            *bin = value;
        }
        plan.bins[0] = Complex::ZERO;
        if let Some(last) = plan.bins.last_mut() {
            *last = Complex::ZERO;
        }
        if plan
            .inverse
            .process_with_scratch(&mut plan.bins, &mut plan.samples, &mut plan.scratch)
            .is_err()
        {
            // Lengths come from the plan and the two ends are real: it has nothing to refuse.
            plan.samples.fill(0.0);
        }
        let (low, high) =
            plan.samples.iter().fold((0.0f64, 0.0f64), |(l, h), &v| (l.min(v), h.max(v)));
        let scale = 1.0 / (high - low).max(1e-300);
        plan.samples.iter_mut().for_each(|v| *v *= scale);
        (position.floor() as i64 - lead as i64, &mut plan.samples)
    }

    /// Frames long enough for the pulse and its repetitions.
    fn size(&self, shape: &Shape) -> usize {
        let glint_s = shape.glints.iter().fold(0.0, |most: f64, glint| most.max(glint.0));
        let seconds = 12.0 / shape.width_hz + 2.0 * shape.repeats.0 + glint_s;
        ((seconds * self.rate_hz).ceil() as usize).next_power_of_two().clamp(64, 1 << 16)
    }
}

/// Half −10 dB widths under the peak at which the spectrum's skirt begins, and how it falls for each
/// further one, dB.
const SKIRT: f64 = 1.2;
const SKIRT_DB: f64 = 13.0;

impl Shape {
    /// The same shape with its carrier turned by so many radians.
    pub fn turned(self, radians: f64) -> Shape {
        Shape { carrier: self.carrier + radians, ..self }
    }

    /// Amplitude of its spectrum: a Gaussian that the water tilts and the recorder's filter ends.
    fn gain(&self, hz: f64, rate_hz: f64) -> f64 {
        let highest = HIGHEST_OF_RATE * rate_hz;
        if hz >= highest || hz <= 0.0 {
            return 0.0;
        }
        let x = (hz - self.peak_hz) / (self.width_hz / 2.0);
        // Under the peak a click's spectrum falls more slowly than a Gaussian.
        let fall_db =
            if x < -SKIRT { 10.0 * SKIRT * SKIRT - SKIRT_DB * (x + SKIRT) } else { 10.0 * x * x };
        let db =
            -fall_db - absorption_db(hz, self.range_m) + absorption_db(self.peak_hz, self.range_m);
        let edge = ((highest - hz) / (0.03 * rate_hz)).min(1.0);
        amplitude(db) * (0.5 - 0.5 * (PI * edge).cos())
    }
}
