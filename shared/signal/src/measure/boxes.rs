//! Measures of a box of time and frequency.
//!
//! Frequencies come from the averaged spectrum that is on the screen; levels and durations from the
//! samples themselves, band-passed to the box by one Fourier transform of the whole box and its
//! context (Parseval: nothing is lost to a window).

use std::ops::Range;

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;
use serde::{Deserialize, Serialize};
use spyhop_api::Calibration;
use spyhop_api::view::SpectrumSettings;

use super::Slice;
use super::energy_share::{BinEnergy, energy_share_hz};
use crate::spectrum::SpecError;

/// Seconds on either side of a box that its signal-to-noise ratio is taken against.
pub const CONTEXT_S: f64 = 2.0;

/// What is to be measured, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxSpec {
    /// Samples a second.
    pub sample_rate_hz: f64,
    /// Lower and upper edge of the box in hertz.
    pub band_hz: (f64, f64),
    /// The transform that frequencies are read from.
    pub spectrum: SpectrumSettings,
    /// Makes pressure of full scale, frequency by frequency. What lies outside of a table counts as
    /// nothing, because nothing is known of it.
    pub calibration: Option<Calibration>,
}

/// What was measured. Levels are in dB re full scale, or re 1 µPa with a calibration; `None` where
/// nothing was recorded, or nothing is in the band.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BoxMeasures {
    /// Width of the box.
    pub duration_s: f64,
    /// How much of it was recorded: the averaging time of the levels.
    pub recorded_s: f64,
    /// Lower and upper edge of the box.
    pub band_hz: (f64, f64),
    /// Where the averaged spectrum is highest.
    pub peak_hz: Option<f64>,
    /// Half of the energy lies below it.
    pub centre_hz: Option<f64>,
    /// 5 % of the energy lie below it.
    pub low_5_hz: Option<f64>,
    /// 25 % of the energy lie below it.
    pub low_25_hz: Option<f64>,
    /// 75 % of the energy lie below it.
    pub high_75_hz: Option<f64>,
    /// 95 % of the energy lie below it.
    pub high_95_hz: Option<f64>,
    /// Highest spectral density, dB re FS²/Hz or 1 µPa²/Hz (per bin with `spectrum` scaling).
    pub peak_density_db: Option<f64>,
    /// Mean spectral density in the band, dB re FS²/Hz or 1 µPa²/Hz (per bin with `spectrum` scaling).
    pub mean_density_db: Option<f64>,
    /// Time from 5 % to 95 % of the band's energy.
    pub duration_90_s: Option<f64>,
    /// Time from 25 % to 75 % of the band's energy.
    pub duration_50_s: Option<f64>,
    /// Half of the band's energy comes before it; seconds from the box's left edge.
    pub centre_time_s: Option<f64>,
    /// RMS of the band, dB re FS or 1 µPa.
    pub rms_db: Option<f64>,
    /// Largest excursion of the band's waveform, zero to peak, dB re FS or 1 µPa.
    pub peak_db: Option<f64>,
    /// Exposure: the band's squared samples summed over time, dB re FS²·s or 1 µPa²·s.
    pub exposure_db: Option<f64>,
    /// Mean square in the 90 % duration and the 5–95 % band, against the same band in the
    /// [`CONTEXT_S`] on either side, dB.
    pub snr_db: Option<f64>,
}

/// Measures the box that holds `inside` of `samples`; what lies around it (up to [`CONTEXT_S`] on
/// either side) is what its signal-to-noise ratio is taken against. Samples that are not a number
/// were not recorded.
///
/// # Errors
/// When the spectrum's settings can't be transformed.
pub fn measure_box(
    samples: &[f32],
    inside: Range<usize>,
    spec: &BoxSpec,
) -> Result<BoxMeasures, SpecError> {
    let inside = inside.start.min(samples.len())..inside.end.min(samples.len());
    let inside = inside.start..inside.end.max(inside.start);
    let rate = spec.sample_rate_hz;
    let (low, high) = spec.band_hz;
    let count = samples[inside.clone()].iter().filter(|x| x.is_finite()).count();
    let mut measures = BoxMeasures {
        duration_s: inside.len() as f64 / rate,
        recorded_s: count as f64 / rate,
        band_hz: spec.band_hz,
        ..BoxMeasures::default()
    };
    if count == 0 || !(rate > 0.0) || !(high > low) {
        return Ok(measures);
    }
    let centred = without_mean(samples);
    spectral(&mut measures, &centred[inside.clone()], spec)?;

    let calibration = spec.calibration.as_ref();
    let band = band_passed(&centred, rate, (low, high), calibration);
    let energy = |part: &[f32]| part.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
    let boxed = &band[inside.clone()];
    let total = energy(boxed);
    if total > 0.0 {
        measures.rms_db = Some(10.0 * (total / count as f64).log10());
        measures.exposure_db = Some(10.0 * (total / rate).log10());
        let peak = boxed.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        measures.peak_db = Some(20.0 * f64::from(peak).log10());
        let time = |share: f64| energy_time(boxed, total, share);
        measures.duration_90_s = Some((time(0.95) - time(0.05)) / rate);
        measures.duration_50_s = Some((time(0.75) - time(0.25)) / rate);
        measures.centre_time_s = Some(time(0.5) / rate);
        let call = inside.start + time(0.05) as usize..inside.start + time(0.95).ceil() as usize;
        measures.snr_db = signal_to_noise(&centred, &inside, call, &measures, spec);
    }
    Ok(measures)
}

/// Samples without their mean over what was recorded; what was not recorded stays not a number.
fn without_mean(samples: &[f32]) -> Vec<f32> {
    let (sum, count) = samples
        .iter()
        .filter(|x| x.is_finite())
        .fold((0.0f64, 0u64), |(sum, n), x| (sum + f64::from(*x), n + 1));
    let mean = (sum / count.max(1) as f64) as f32;
    samples.iter().map(|x| x - mean).collect()
}

/// Frequencies and densities, from the averaged spectrum.
fn spectral(measures: &mut BoxMeasures, samples: &[f32], spec: &BoxSpec) -> Result<(), SpecError> {
    let mut slice = Slice::of(samples, spec.sample_rate_hz, &spec.spectrum)?;
    if let Some(calibration) = &spec.calibration {
        slice.calibrate(calibration);
    }
    let (low, high) = spec.band_hz;
    let in_band = |bin: usize| {
        BinEnergy::in_band(bin, slice.bin_hz, f64::from(slice.mean[bin]), spec.band_hz)
    };
    let bins: Vec<BinEnergy> = (1..slice.mean.len()).filter_map(in_band).collect();
    let total: f64 = bins.iter().map(|bin| bin.energy).sum();
    if !(total > 0.0) {
        return Ok(());
    }
    let frequency = |share: f64| energy_share_hz(&bins, share);
    measures.low_5_hz = frequency(0.05);
    measures.low_25_hz = frequency(0.25);
    measures.centre_hz = frequency(0.5);
    measures.high_75_hz = frequency(0.75);
    measures.high_95_hz = frequency(0.95);
    let width: f64 = bins.iter().map(|b| (b.to_hz - b.from_hz) / slice.bin_hz).sum();
    measures.mean_density_db = Some(10.0 * (total / width).log10());
    if let Some(peak) = slice.peak(low, high) {
        measures.peak_hz = Some(peak.hz);
        measures.peak_density_db = Some(peak.level_db);
    }
    Ok(())
}

/// The sample, with its fraction, before which a share of the energy lies.
fn energy_time(samples: &[f32], total: f64, share: f64) -> f64 {
    let mut left = share * total;
    for (i, x) in samples.iter().enumerate() {
        let e = f64::from(*x).powi(2);
        if left <= e {
            return i as f64 + if e > 0.0 { left / e } else { 0.0 };
        }
        left -= e;
    }
    samples.len() as f64
}

/// SNR of `call` in the measured 5–95 % band against the context outside `inside`; all three mean
/// squares are over what was recorded.
fn signal_to_noise(
    centred: &[f32],
    inside: &Range<usize>,
    call: Range<usize>,
    measures: &BoxMeasures,
    spec: &BoxSpec,
) -> Option<f64> {
    let rate = spec.sample_rate_hz;
    let edges_hz = (measures.low_5_hz?, measures.high_95_hz?);
    let narrow = band_passed(centred, rate, edges_hz, spec.calibration.as_ref());
    let context = (CONTEXT_S * rate).round() as usize;
    let mean_square = |parts: &[Range<usize>]| {
        let (mut sum, mut count) = (0.0, 0u64);
        for i in parts.iter().cloned().flatten().filter(|&i| centred[i].is_finite()) {
            sum += f64::from(narrow[i]).powi(2);
            count += 1;
        }
        (count > 0).then(|| sum / count as f64)
    };
    let before = inside.start.saturating_sub(context)..inside.start;
    let after = inside.end..(inside.end + context).min(narrow.len());
    let signal = mean_square(&[call.start..call.end.min(narrow.len())])?;
    let noise = mean_square(&[before, after]).filter(|n| *n > 0.0)?;
    // What the box holds is call and sea together; the sea's part is taken off.
    (signal > noise).then(|| 10.0 * ((signal - noise) / noise).log10())
}

/// `samples` with everything outside `low..=high` Hz removed, in pressure where they are calibrated, by a
/// Fourier transform of all of them (padded with zeros to a length that transforms fast).
fn band_passed(
    samples: &[f32],
    rate: f64,
    (low, high): (f64, f64),
    calibration: Option<&Calibration>,
) -> Vec<f32> {
    let amplitude = |offset_db: f64| 10f64.powf(offset_db / 20.0);
    let flat = calibration.map_or(Some(1.0), |c| c.offset_db().map(amplitude));
    let gain = |hz: f64| match (flat, calibration) {
        (Some(gain), _) => gain,
        (None, table) => table.and_then(|c| c.offset_db_at(hz)).map_or(0.0, amplitude),
    };
    let length = fast_length(samples.len());
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, inverse) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
    let mut input = vec![0.0; length];
    for (x, sample) in input.iter_mut().zip(samples).filter(|(_, s)| s.is_finite()) {
        *x = *sample;
    }
    let mut spectrum = forward.make_output_vec();
    if forward.process(&mut input, &mut spectrum).is_err() {
        return samples.to_vec();
    }
    let scale = 1.0 / length as f64;
    for (bin, value) in spectrum.iter_mut().enumerate() {
        let hz = bin as f64 * rate / length as f64;
        let is_inside = hz >= low && hz <= high;
        *value = if is_inside { *value * (gain(hz) * scale) as f32 } else { Complex::ZERO };
    }
    if let Some(first) = spectrum.first_mut() {
        first.im = 0.0;
    }
    if length.is_multiple_of(2)
        && let Some(last) = spectrum.last_mut()
    {
        last.im = 0.0;
    }
    if inverse.process(&mut spectrum, &mut input).is_err() {
        return samples.to_vec();
    }
    input.truncate(samples.len());
    input
}

/// The least length of at least `samples` whose only prime factors are 2, 3 and 5.
fn fast_length(samples: usize) -> usize {
    let mut length = samples.max(2);
    loop {
        let mut rest = length;
        for prime in [2, 3, 5] {
            while rest.is_multiple_of(prime) {
                rest /= prime;
            }
        }
        if rest == 1 {
            return length;
        }
        length += 1;
    }
}
