//! What is done to windows while training, on their log energies.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use spyhop_config::Augment;

/// Natural logarithms of a power for a decibel.
const LN_PER_DB: f64 = std::f64::consts::LN_10 / 10.0;

/// How many frames a window is moved, at most `most` either way.
pub fn time_shift(most: i64, chance: &mut ChaCha8Rng) -> i64 {
    if most > 0 { chance.random_range(-most..=most) } else { 0 }
}

/// Whether a window gets another sound added.
pub fn wants_noise(said: &Augment, chance: &mut ChaCha8Rng) -> bool {
    said.noise_share > 0.0 && chance.random_bool(said.noise_share)
}

/// Adds another window's sound, in power, at most `noise_db` louder than it was and down to 20 dB less.
pub fn add_noise(energies: &mut [f32], noise: &[f32], said: &Augment, chance: &mut ChaCha8Rng) {
    /// What is quieter changes nothing.
    const RANGE_DB: f64 = 20.0;
    let level_db = said.noise_db - RANGE_DB * chance.random::<f64>();
    let raised = (level_db * LN_PER_DB) as f32;
    for (energy, noise) in energies.iter_mut().zip(noise) {
        let noise = noise + raised;
        let (more, less) = (energy.max(noise), energy.min(noise));
        *energy = more + (less - more).exp().ln_1p();
    }
}

/// Makes a window louder or softer.
pub fn gain(energies: &mut [f32], said: &Augment, chance: &mut ChaCha8Rng) {
    if said.gain_db > 0.0 {
        let gain = (said.gain_db * LN_PER_DB * (2.0 * chance.random::<f64>() - 1.0)) as f32;
        energies.iter_mut().for_each(|energy| *energy += gain);
    }
}

/// SpecAugment (Park and others 2019): blanks stretches of frames and bands of filters of a scaled picture,
/// in which 0 is the mean.
pub fn blank(values: &mut [f32], mels: usize, said: &Augment, chance: &mut ChaCha8Rng) {
    let frames = values.len() / mels.max(1);
    for _ in 0..said.time_masks {
        let (first, count) = stretch(frames, said.time_mask_frames, chance);
        values[first * mels..(first + count) * mels].fill(0.0);
    }
    for _ in 0..said.frequency_masks {
        let (first, count) = stretch(mels, said.frequency_mask_mels, chance);
        for frame in values.chunks_exact_mut(mels) {
            frame[first..first + count].fill(0.0);
        }
    }
}

fn stretch(of: usize, most: usize, chance: &mut ChaCha8Rng) -> (usize, usize) {
    let count = chance.random_range(0..=most.min(of));
    (chance.random_range(0..=of - count), count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;

    const SAID: Augment = Augment {
        time_shift_s: 0.2,
        gain_db: 6.0,
        noise_share: 0.5,
        noise_db: 0.0,
        time_masks: 1,
        time_mask_frames: 4,
        frequency_masks: 1,
        frequency_mask_mels: 3,
    };

    #[test]
    fn noise_is_added_in_power() {
        let mut chance = chance(1, "noise", &[]);
        for _ in 0..100 {
            let mut energies = [2f32.ln(), -10.0];
            add_noise(&mut energies, &[3f32.ln(), -10.0], &SAID, &mut chance);
            let added = energies[0].exp();
            assert!((2.03 - 1e-4..=5.0 + 1e-4).contains(&added), "{added}");
        }
    }

    #[test]
    fn at_most_so_much_is_blanked() {
        let mut chance = chance(1, "blank", &[]);
        for _ in 0..100 {
            let mut values = vec![1.0; 20 * 10];
            blank(&mut values, 10, &SAID, &mut chance);
            let frames = values.chunks(10).filter(|f| f.iter().all(|x| *x == 0.0)).count();
            let mels =
                (0..10).filter(|m| values.iter().skip(*m).step_by(10).all(|x| *x == 0.0)).count();
            assert!(frames <= 4 && mels <= 3, "{frames} {mels}");
        }
    }

    #[test]
    fn nothing_is_done_where_nothing_is_said() {
        let none =
            Augment { gain_db: 0.0, noise_share: 0.0, time_masks: 0, frequency_masks: 0, ..SAID };
        let mut chance = chance(1, "none", &[]);
        let mut values = vec![1.0; 200];
        gain(&mut values, &none, &mut chance);
        blank(&mut values, 10, &none, &mut chance);
        assert!(values.iter().all(|x| *x == 1.0) && !wants_noise(&none, &mut chance));
        assert_eq!(time_shift(0, &mut chance), 0);
    }
}
