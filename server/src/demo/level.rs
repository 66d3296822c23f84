//! Levels of synthesised sounds: dB re 1 µPa to amplitude and back.

use std::ops::Range;

/// The amplitude in µPa of a level in dB re 1 µPa.
pub fn amplitude(level_db: f64) -> f64 {
    10f64.powf(level_db / 20.0)
}

/// The level in dB of a power ratio or a mean-square pressure in µPa².
pub fn power_db(power: f64) -> f64 {
    10.0 * power.log10()
}

/// The samples that hold the middle 90 % of a sound's energy.
pub fn energy90(sound: &[f64]) -> Range<usize> {
    let total: f64 = sound.iter().map(|v| v * v).sum();
    let (mut sum, mut start, mut end) = (0.0, 0, 0);
    for (i, v) in sound.iter().enumerate() {
        sum += v * v;
        if sum <= 0.05 * total {
            start = i + 1;
        }
        if sum <= 0.95 * total {
            end = i + 1;
        }
    }
    start..end.max(start)
}

/// Scales a sound so that its RMS over the middle 90 % of its energy has a level in dB re 1 µPa.
pub fn scale_to_rms90(sound: &mut [f64], level_db: f64) {
    let span = energy90(sound);
    let Some(middle) = sound.get(span).filter(|m| !m.is_empty()) else { return };
    let mean_square = middle.iter().map(|v| v * v).sum::<f64>() / middle.len() as f64;
    if mean_square > 0.0 {
        let gain = amplitude(level_db) / mean_square.sqrt();
        sound.iter_mut().for_each(|v| *v *= gain);
    }
}
