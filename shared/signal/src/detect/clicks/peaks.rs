//! Peaks of energy: what is the highest around, how far it stands over its neighbourhood, and its
//! spectrum.

use spyhop_api::view::{Scaling, Window};

use crate::spectrum::{SpecError, SpectrumSpec, Stft};

/// A click's spectrum is of so many times its length.
const LENGTHS_OF_SPECTRUM: i64 = 4;

/// A peak.
pub(super) struct Peak {
    pub position: i64,
    pub energy: f32,
    /// Over the mean of its neighbourhood, dB.
    pub crest_db: f32,
    /// Power of the filtered samples about it, by bin.
    pub spectrum: Vec<f64>,
}

/// Finds positions whose energy is the highest within a refractory time on either side.
pub(super) struct Peaks {
    refractory: i64,
    /// Samples of a spectrum.
    width: i64,
    stft: Stft,
    power: Vec<f32>,
    /// Filtered samples, and energies, from these positions on.
    heard: Stretch,
    energies: Stretch,
    /// The next position to look at.
    next: i64,
}

/// Values from a position on.
#[derive(Default)]
struct Stretch {
    first: i64,
    values: Vec<f32>,
}

impl Stretch {
    fn end(&self) -> i64 {
        self.first + self.values.len() as i64
    }

    /// What there is of a range.
    fn part(&self, from: i64, to: i64) -> &[f32] {
        let inside = |position: i64| (position.clamp(self.first, self.end()) - self.first) as usize;
        &self.values[inside(from)..inside(to).max(inside(from))]
    }

    fn push(&mut self, values: &[f32]) {
        self.values.extend_from_slice(values);
    }

    fn forget_before(&mut self, position: i64) {
        let count = (position - self.first).clamp(0, self.values.len() as i64);
        // In one go now and then, not a shift for every piece.
        if count as usize > self.values.len() / 2 {
            self.values.drain(..count as usize);
            self.first += count;
        }
    }
}

impl Peaks {
    /// `click` is about the length of a click in samples.
    ///
    /// # Errors
    /// When the transform can't be made.
    pub fn new(refractory: i64, click: i64, rate_hz: f64) -> Result<Peaks, SpecError> {
        let width = ((LENGTHS_OF_SPECTRUM * click).max(32) as usize).next_power_of_two();
        let stft = Stft::new(&SpectrumSpec {
            fft_size: width,
            window_samples: width,
            hop_samples: width,
            window: Window::Hann,
            scaling: Scaling::Density,
            sample_rate_hz: rate_hz,
        })?;
        Ok(Peaks {
            refractory: refractory.max(1),
            width: width as i64,
            power: vec![0.0; stft.bins()],
            stft,
            heard: Stretch::default(),
            energies: Stretch::default(),
            next: i64::MIN,
        })
    }

    /// Samples about a peak that its spectrum is of.
    pub fn width(&self) -> i64 {
        self.width
    }

    /// Hertz from one bin of its spectrum to the next.
    pub fn bin_hz(&self) -> f64 {
        self.stft.spec().bin_hz()
    }

    /// Takes the filtered samples, before the energies that come of them. Where a run begins the peaks at
    /// the end of the last one are given.
    pub fn hear(&mut self, position: i64, samples: &[f32], give: &mut dyn FnMut(Peak)) {
        if position != self.heard.end() {
            self.finish(give);
            self.heard = Stretch { first: position, values: Vec::new() };
        }
        self.heard.push(samples);
    }

    /// Takes energies; gives the peaks about which enough is known.
    pub fn push(&mut self, position: i64, energies: &[f32], give: &mut dyn FnMut(Peak)) {
        if position != self.energies.end() {
            self.energies = Stretch { first: position, values: Vec::new() };
            self.next = position;
        }
        self.energies.push(energies);
        self.look(self.energies.end() - self.refractory, give);
        let needed = self.next - self.refractory - self.width;
        self.energies.forget_before(needed);
        self.heard.forget_before(needed);
    }

    /// The run ends.
    pub fn finish(&mut self, give: &mut dyn FnMut(Peak)) {
        self.look(self.energies.end(), give);
        self.energies.values.clear();
        self.energies.first = i64::MIN;
    }

    /// Looks at positions before `end`.
    fn look(&mut self, end: i64, give: &mut dyn FnMut(Peak)) {
        let mut position = self.next.max(self.energies.first);
        while position < end {
            if self.is_highest(position) {
                give(self.peak(position));
                // The next one is a refractory time away at least.
                position += self.refractory;
            }
            position += 1;
        }
        self.next = position.max(self.next);
    }

    fn is_highest(&self, position: i64) -> bool {
        let at = (position - self.energies.first) as usize;
        let values = &self.energies.values;
        let energy = values[at];
        if !(energy > 0.0) {
            return false;
        }
        // Outwards: in noise a higher one is soon found.
        let reach = self.refractory as usize;
        let before = values[at.saturating_sub(reach)..at].iter().rev();
        let mut after = values[at + 1..(at + 1 + reach).min(values.len())].iter();
        for earlier in before {
            if *earlier >= energy || after.next().is_some_and(|later| *later > energy) {
                return false;
            }
        }
        after.all(|later| *later <= energy)
    }

    fn peak(&mut self, position: i64) -> Peak {
        let energy = self.energies.part(position, position + 1)[0];
        let around = self.energies.part(position - self.refractory, position + self.refractory + 1);
        let mean = around.iter().map(|e| e.max(0.0)).sum::<f32>() / around.len() as f32;
        let half = self.width / 2;
        let under = self.heard.part(position - half, position + half).to_vec();
        self.stft.frame(&under, &mut self.power);
        Peak {
            position,
            energy,
            crest_db: 10.0 * (energy / mean).log10(),
            spectrum: self.power.iter().map(|p| f64::from(*p)).collect(),
        }
    }
}
