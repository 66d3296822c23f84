//! The signal path: samples at positions in, frames at the device's rate out, without gain.
//!
//! DC off → fewer samples → band pass → lens → slow high pass → fewer samples → device's rate. Every
//! filter is symmetric (but for the slow high pass), and where its output lies is reckoned exactly:
//! frame n stands for position `start + n · step`.

use std::f64::consts::TAU;
use std::ops::Range;

use rustfft::num_complex::Complex32;
use spyhop_api::view::Lens;

use super::ListenSpec;
use super::band::{Band, BandFilter};
use super::decimate::{Decimator, stages};
use super::high_pass::HighPass;
use super::renderer::{ListenError, Read};
use super::resample::Resampler;

/// What is heard below this moves no speaker, Hz.
const LEAST_HEARD_HZ: f64 = 20.0;
/// The slow high pass lies this far below the band's lower edge,
const HIGH_PASS_OF_LOW: f64 = 0.25;
/// but not below this, heard: it would take seconds to settle. Hz.
const SLOWEST_HEARD_HZ: f64 = 2.0;
/// The envelope's band begins no lower than this share of its upper edge: an envelope of DC is none.
const LENS_LOW_OF_HIGH: f64 = 0.01;
/// The mixer's image begins where its band ends: so much of the band is given up between, as a share.
const MIXER_GUARD: f64 = 0.05;
/// Samples asked for at once: at least and at most.
const CHUNK: Range<usize> = 512..65_536;

/// The path, with the state of its filters.
#[derive(Clone)]
pub(super) struct Chain {
    step: f64,
    dc: f64,
    recorded: Vec<Range<i64>>,
    before: Vec<Decimator>,
    band: Option<BandFilter>,
    lens: Detector,
    high_pass: HighPass,
    high_pass_settling: f64,
    after: Vec<Decimator>,
    resampler: Resampler,
    /// Next position to be read.
    next: i64,
    buffers: [Vec<f32>; 2],
    complex: Vec<Complex32>,
}

/// How the band becomes a sound.
#[derive(Clone, Copy)]
enum Detector {
    Real,
    Magnitude,
    /// Turns by so many cycles a sample; its phase in cycles.
    Mixer {
        turn: f64,
        phase: f64,
    },
}

impl Chain {
    /// The path for a spec; its gains are not looked at.
    pub fn new(spec: &ListenSpec) -> Result<Chain, ListenError> {
        let (rate, speed) = (spec.source_rate_hz, spec.listening.rate);
        let nyquist = rate / 2.0;
        let step = speed * rate / spec.device_rate_hz;
        // The highest frequency of the recording that the device can play at this speed.
        let heard_top = spec.device_rate_hz / 2.0 / speed;
        let wished = spec.listening.band_hz.filter(|(low, high)| high > low && *low < nyquist);
        let (band, top, turn) = match spec.listening.lens {
            Lens::AsIs => {
                let band = wished
                    .map(|(low, high)| Band {
                        low_hz: low.max(0.0),
                        high_hz: high,
                        analytic: false,
                    })
                    .filter(|b| b.low_hz > 0.0 || b.high_hz < nyquist.min(heard_top));
                let edge = band.map_or(nyquist, |b| b.high_hz + b.transition_hz());
                (band, edge.min(heard_top).min(nyquist), None)
            }
            Lens::Envelope => {
                let (low, high) = wished.unwrap_or((0.0, nyquist));
                let band = Band {
                    low_hz: low.max(LENS_LOW_OF_HIGH * high.min(nyquist)),
                    high_hz: high.min(nyquist),
                    analytic: true,
                };
                (Some(band), nyquist.min(band.high_hz + band.transition_hz()), None)
            }
            Lens::Heterodyne(mixed_hz) => {
                let (low, high) = wished.unwrap_or((0.0, nyquist));
                let high = high.min(nyquist).min(mixed_hz + heard_top);
                let low = low.max(mixed_hz + MIXER_GUARD * (high - mixed_hz));
                if !(mixed_hz > 0.0 && low < high) {
                    return Err(ListenError::Heterodyne(mixed_hz));
                }
                let band = Band { low_hz: low, high_hz: high, analytic: true };
                (Some(band), nyquist.min(high + band.transition_hz()), Some(mixed_hz))
            }
        };
        let before = stages(rate, top);
        let middle_rate = rate / before.iter().map(|d| d.factor() as f64).product::<f64>();
        let lens = match (spec.listening.lens, turn) {
            (Lens::AsIs, _) => Detector::Real,
            (_, Some(hz)) => Detector::Mixer { turn: -hz / middle_rate, phase: 0.0 },
            (_, None) => Detector::Magnitude,
        };
        let lowest_heard = match (spec.listening.lens, wished) {
            (Lens::AsIs, Some((low, _))) => low * speed * HIGH_PASS_OF_LOW,
            _ => LEAST_HEARD_HZ,
        };
        let cutoff_heard = lowest_heard.clamp(SLOWEST_HEARD_HZ, LEAST_HEARD_HZ);
        let cutoff = (cutoff_heard / speed / middle_rate).min(0.05);
        let after = match lens {
            Detector::Real => Vec::new(),
            _ => stages(middle_rate, heard_top.min(middle_rate / 2.0)),
        };
        let last_rate = middle_rate / after.iter().map(|d| d.factor() as f64).product::<f64>();
        Ok(Chain {
            step,
            dc: spec.dc,
            recorded: spec.recorded.clone(),
            band: band.map(|band| BandFilter::new(band, middle_rate)),
            lens,
            high_pass: HighPass::new(cutoff),
            high_pass_settling: HighPass::settling(cutoff),
            resampler: Resampler::new(step * last_rate / rate),
            before,
            after,
            next: spec.range.start,
            buffers: Default::default(),
            complex: Vec::new(),
        })
    }

    /// Begins anew: the next frame will stand for `position`. What filters need in front of it is
    /// read when frames are asked for.
    pub fn seek(&mut self, position: f64) {
        let (mut lead, mut spacing) = (0.0, 1.0);
        for stage in &mut self.before {
            stage.reset();
            lead += stage.half() as f64 * spacing;
            spacing *= stage.factor() as f64;
        }
        if let Some(band) = &mut self.band {
            band.reset();
            lead += band.half() as f64 * spacing;
        }
        self.high_pass.reset();
        if let Detector::Mixer { phase, .. } = &mut self.lens {
            *phase = 0.0;
        }
        let settling = self.high_pass_settling.ceil() * spacing;
        for stage in &mut self.after {
            stage.reset();
            lead += stage.half() as f64 * spacing;
            spacing *= stage.factor() as f64;
        }
        let look_back = (self.resampler.half() + 1) as f64 * spacing;
        self.next = (position - lead - settling - look_back).floor() as i64;
        self.resampler.reset((position - lead - self.next as f64) / spacing);
    }

    /// Appends `frames` frames.
    pub fn render(
        &mut self,
        read: &mut Read<'_>,
        out: &mut Vec<f32>,
        frames: usize,
    ) -> Result<(), String> {
        let mut left = frames - self.resampler.pull(frames, out);
        while left > 0 {
            let wanted = (left as f64 * self.step) as usize;
            self.feed(read, wanted.clamp(CHUNK.start, CHUNK.end))?;
            left -= self.resampler.pull(left, out);
        }
        Ok(())
    }

    /// Reads the next samples and sends them down the path.
    fn feed(&mut self, read: &mut Read<'_>, count: usize) -> Result<(), String> {
        let range = self.next..self.next.saturating_add(count as i64);
        let [mut samples, mut other] = std::mem::take(&mut self.buffers);
        samples.clear();
        read(range.clone(), &mut samples)?;
        samples.resize(count, 0.0);
        self.remove_dc(range.start, &mut samples);
        self.next = range.end;
        for stage in &mut self.before {
            other.clear();
            stage.push(&samples, &mut other);
            std::mem::swap(&mut samples, &mut other);
        }
        if let Some(band) = &mut self.band {
            self.complex.clear();
            band.push(&samples, &mut self.complex);
            samples.clear();
            self.lens.detect(&self.complex, &mut samples);
        }
        self.high_pass.process(&mut samples);
        for stage in &mut self.after {
            other.clear();
            stage.push(&samples, &mut other);
            std::mem::swap(&mut samples, &mut other);
        }
        self.resampler.push(&samples);
        self.buffers = [samples, other];
        Ok(())
    }

    /// Takes the DC off what was recorded; the rest is zero already, and stays so.
    fn remove_dc(&self, start: i64, samples: &mut [f32]) {
        let dc = self.dc as f32;
        let end = start.saturating_add(samples.len() as i64);
        let mut silent_from = 0;
        if self.recorded.is_empty() {
            for x in samples {
                *x = if x.is_finite() { *x - dc } else { 0.0 };
            }
            return;
        }
        let first = self.recorded.partition_point(|r| r.end <= start);
        for run in self.recorded[first..].iter().take_while(|r| r.start < end) {
            let from = (run.start.max(start) - start) as usize;
            let to = (run.end.min(end) - start) as usize;
            samples[silent_from..from.max(silent_from)].fill(0.0);
            for x in &mut samples[from..to] {
                *x = if x.is_finite() { *x - dc } else { 0.0 };
            }
            silent_from = to;
        }
        samples[silent_from..].fill(0.0);
    }
}

impl Detector {
    fn detect(&mut self, band: &[Complex32], out: &mut Vec<f32>) {
        match self {
            Detector::Real => out.extend(band.iter().map(|z| z.re)),
            Detector::Magnitude => out.extend(band.iter().map(|z| z.norm())),
            Detector::Mixer { turn, phase } => {
                for z in band {
                    let (sin, cos) = (TAU * *phase).sin_cos();
                    out.push(z.re * cos as f32 - z.im * sin as f32);
                    *phase = (*phase + *turn).fract();
                }
            }
        }
    }
}
