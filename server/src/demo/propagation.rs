//! The way from the animal to the hydrophone: spreading, absorption, echoes, fading.

use std::sync::{LazyLock, Mutex, PoisonError};

use realfft::RealFftPlanner;

use super::chance::{Chance, Seed, Wander, interpolate};
use super::level::amplitude;

/// Speed of sound, m/s.
pub const SOUND_SPEED_M_S: f64 = 1500.0;

/// Absorption in sea water, `(lg Hz, lg dB/km)`: 1, 4, 14 and 33 dB/km at 10, 20, 50 and 100 kHz,
/// going with the square of frequency below.
const ABSORPTION: [(f64, f64); 6] =
    [(2.0, -4.0), (4.0, 0.0), (4.301, 0.602), (4.699, 1.146), (5.0, 1.519), (5.301, 1.8)];

/// Absorption over a range, dB.
pub fn absorption_db(hz: f64, range_m: f64) -> f64 {
    10f64.powf(interpolate(&ABSORPTION, hz.max(1.0).log10())) * range_m / 1000.0
}

/// Spherical spreading, dB.
pub fn spreading_db(range_m: f64) -> f64 {
    20.0 * range_m.max(1.0).log10()
}

/// Arrivals in a second of reverberation: enough that single ones can't be told apart.
const ARRIVALS_PER_S: f64 = 500.0;

/// Ways on which a sound arrives: seconds after the direct one and gain against it.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrivals(pub Vec<(f64, f64)>);

impl Arrivals {
    /// The direct way and the surface's echo: inverted, 0.5–20 ms later, 1–6 dB weaker.
    pub fn surface(chance: &mut Chance) -> Arrivals {
        let delay_s = 5e-4 * 40f64.powf(chance.unit());
        Arrivals(vec![(0.0, 1.0), (delay_s, -amplitude(-chance.between(1.0, 6.0)))])
    }

    /// Shallow water: the surface's echo and 2–5 weak arrivals over 20–150 ms.
    pub fn shallow(chance: &mut Chance) -> Arrivals {
        let mut arrivals = Arrivals::surface(chance);
        for _ in 0..chance.count(2, 5) {
            let sign = if chance.whether(0.5) { 1.0 } else { -1.0 };
            let gain = sign * amplitude(-chance.between(10.0, 20.0));
            arrivals.0.push((chance.between(0.02, 0.15), gain));
        }
        arrivals
    }

    /// Adds a smear: many small arrivals that die away within `smear_s` (a mode's dispersion and the
    /// sea floor's roughness).
    pub fn smeared(mut self, chance: &mut Chance, smear_s: f64, level_db: f64) -> Arrivals {
        let count = 8;
        for _ in 0..count {
            let delay_s = smear_s * chance.unit();
            let gain = amplitude(level_db - 20.0 * delay_s / smear_s) * chance.normal()
                / f64::sqrt(f64::from(count));
            self.0.push((delay_s, gain));
        }
        self
    }

    /// Reverberation: thousands of small arrivals of either sign that die away by 60 dB within
    /// `seconds`, together `level_db` against the direct one.
    pub fn reverberant(mut self, chance: &mut Chance, seconds: f64, level_db: f64) -> Arrivals {
        let count = (ARRIVALS_PER_S * seconds) as usize;
        let tail: Vec<(f64, f64)> = (0..count)
            .map(|_| {
                let delay_s = 0.01 + (seconds - 0.01) * chance.unit();
                (delay_s, chance.normal() * amplitude(-60.0 * delay_s / seconds))
            })
            .collect();
        let energy: f64 = tail.iter().map(|(_, gain)| gain * gain).sum();
        let scale = amplitude(level_db) / energy.max(1e-12).sqrt();
        self.0.extend(tail.into_iter().map(|(delay, gain)| (delay, gain * scale)));
        self
    }

    /// Seconds from the first arrival to the last.
    pub fn spread_s(&self) -> f64 {
        self.0.iter().fold(0.0, |most, &(delay, _)| most.max(delay))
    }

    /// What arrives of a sound; longer than it by the spread.
    pub fn apply(&self, dry: &[f64], rate_hz: f64) -> Vec<f64> {
        let length = dry.len() + (self.spread_s() * rate_hz).ceil() as usize + 1;
        if self.0.len() > MANY_ARRIVALS
            && let Some(wet) = self.convolve(dry, rate_hz, length)
        {
            return wet;
        }
        let mut wet = vec![0.0; length];
        for &(delay_s, gain) in &self.0 {
            let delay = (delay_s * rate_hz).round() as usize;
            for (sum, value) in wet[delay..].iter_mut().zip(dry) {
                *sum += gain * value;
            }
        }
        wet
    }

    /// The same by a product of spectra.
    fn convolve(&self, dry: &[f64], rate_hz: f64, length: usize) -> Option<Vec<f64>> {
        let size = length.next_power_of_two();
        let (forward, inverse) = {
            let mut planner = PLANNER.lock().unwrap_or_else(PoisonError::into_inner);
            (planner.plan_fft_forward(size), planner.plan_fft_inverse(size))
        };
        let mut wet = vec![0.0; size];
        for &(delay_s, gain) in &self.0 {
            wet[(delay_s * rate_hz).round() as usize] += gain;
        }
        let mut way = forward.make_output_vec();
        forward.process(&mut wet, &mut way).ok()?;
        wet.fill(0.0);
        wet[..dry.len()].copy_from_slice(dry);
        let mut sound = forward.make_output_vec();
        forward.process(&mut wet, &mut sound).ok()?;
        for (sound, way) in sound.iter_mut().zip(&way) {
            *sound *= way / size as f64;
        }
        inverse.process(&mut sound, &mut wet).ok()?;
        wet.truncate(length);
        Some(wet)
    }
}

/// With more arrivals than this three transforms take less time than a pass for each of them.
const MANY_ARRIVALS: usize = 64;

/// Keeps the tables of the transforms: many sounds are of one length.
static PLANNER: LazyLock<Mutex<RealFftPlanner<f64>>> =
    LazyLock::new(|| Mutex::new(RealFftPlanner::new()));

/// Slow changes of level on the way: ±3 dB over 2–10 s.
#[derive(Clone, Copy, Debug)]
pub struct Fading(Wander);

impl Fading {
    /// Fading of one animal's way.
    pub fn new(seed: Seed) -> Fading {
        Fading(Wander::new(seed, seed.of("fading", 0).chance().between(2.0, 10.0)))
    }

    /// Its level at a time, dB.
    pub fn db_at(&self, time_s: f64) -> f64 {
        (2.0 * self.0.at(time_s)).clamp(-3.0, 3.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_arrivals_are_the_sum_of_each() {
        let mut chance = Seed(5).of("ways", 0).chance();
        let dry: Vec<f64> = (0..1500).map(|_| chance.normal()).collect();
        let many = Arrivals::surface(&mut chance).reverberant(&mut chance, 0.5, -10.0);
        assert!(many.0.len() > MANY_ARRIVALS);
        let together = many.apply(&dry, 2000.0);
        let mut sum = vec![0.0; together.len()];
        for few in many.0.chunks(MANY_ARRIVALS) {
            for (sum, value) in sum.iter_mut().zip(Arrivals(few.to_vec()).apply(&dry, 2000.0)) {
                *sum += value;
            }
        }
        for (a, b) in together.iter().zip(&sum) {
            assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
    }
}
