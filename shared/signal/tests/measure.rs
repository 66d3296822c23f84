//! Measures against numpy's and scipy's (see `fixtures/scipy_measures.py`), and against what the
//! mathematics says of sines and noise.

use std::f64::consts::{PI, TAU};
use std::ops::Range;

use serde_json::Value;
use spyhop_api::view::SpectrumSettings;
use spyhop_api::{Calibration, FrequencyTable};
use spyhop_signal::measure::{BoxMeasures, BoxSpec, Slice, measure_box};

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/scipy_measures.json")).expect("valid JSON")
}

/// The generator of the fixture's script: −1 to 1, the same sequence.
fn noise(length: usize) -> Vec<f64> {
    let mut state = 1u64;
    let mut next = || {
        state = (1_103_515_245 * state + 12_345) % (1 << 31);
        state as f64 / f64::from(1 << 30) - 1.0
    };
    (0..length).map(|_| next()).collect()
}

const RATE: f64 = 2000.0;
const INSIDE: Range<usize> = 4700..6900;
const BAND: (f64, f64) = (80.0, 350.0);

/// The fixture's signal: an upsweep in noise over a DC.
fn upsweep() -> Vec<f32> {
    let sweep = |n: usize| {
        let t = (n as f64 - 5000.0) / RATE;
        if !(0.0..0.8).contains(&t) {
            return 0.0;
        }
        (TAU * (100.0 * t + 125.0 * t * t)).sin() * (PI * t / 0.8).sin().powi(2)
    };
    let noise = noise(10_000);
    (0..10_000).map(|n| (0.02 + 0.005 * noise[n] + 0.05 * sweep(n)) as f32).collect()
}

fn settings() -> SpectrumSettings {
    SpectrumSettings {
        fft_size: 256,
        window_samples: 256,
        hop_samples: 64,
        ..SpectrumSettings::default()
    }
}

fn measured(samples: &[f32]) -> BoxMeasures {
    let spec =
        BoxSpec { sample_rate_hz: RATE, band_hz: BAND, spectrum: settings(), calibration: None };
    measure_box(samples, INSIDE, &spec).expect("sound settings")
}

#[test]
fn measures_of_a_box_are_numpys() {
    let (m, theirs) = (measured(&upsweep()), fixture());
    let pairs = [
        ("peak_hz", m.peak_hz),
        ("low_5_hz", m.low_5_hz),
        ("low_25_hz", m.low_25_hz),
        ("centre_hz", m.centre_hz),
        ("high_75_hz", m.high_75_hz),
        ("high_95_hz", m.high_95_hz),
        ("peak_density_db", m.peak_density_db),
        ("mean_density_db", m.mean_density_db),
        ("rms_db", m.rms_db),
        ("peak_db", m.peak_db),
        ("exposure_db", m.exposure_db),
        ("snr_db", m.snr_db),
        ("duration_90_s", m.duration_90_s),
        ("duration_50_s", m.duration_50_s),
        ("centre_time_s", m.centre_time_s),
    ];
    for (name, ours) in pairs {
        let theirs = theirs[name].as_f64().expect(name);
        // Samples and transforms are f32 here and f64 there; everything else is the same arithmetic.
        // The SNR's band edges fall between bins of one, so that one bin may change sides.
        let tolerance = if name == "snr_db" { 0.02 } else { 2e-5 * theirs.abs().max(1.0) };
        let ours = ours.expect(name);
        assert!((ours - theirs).abs() <= tolerance, "{name}: {ours} for {theirs}");
    }
    assert_eq!((m.duration_s, m.recorded_s, m.band_hz), (1.1, 1.1, BAND));
}

#[test]
fn a_slice_is_scipys_mean_spectrum_and_its_widths_are_scipys() {
    let mut samples = upsweep();
    let mean = samples.iter().map(|x| f64::from(*x)).sum::<f64>() / samples.len() as f64;
    samples.iter_mut().for_each(|x| *x = (f64::from(*x) - mean) as f32);
    let slice = Slice::of(&samples[INSIDE], RATE, &settings()).expect("sound settings");
    let theirs = fixture();
    assert_eq!(slice.frames as u64, theirs["frames"].as_u64().expect("a count"));
    for (ours, name) in [(&slice.mean, "mean"), (&slice.max, "max")] {
        let list = theirs[name].as_array().expect("an array");
        let top = ours.iter().copied().fold(0.0f32, f32::max);
        assert_eq!(ours.len(), list.len());
        for (a, b) in ours.iter().zip(list) {
            let b = b.as_f64().expect("a number");
            // The project's tolerance for powers on the CPU.
            let tolerance = 1e-4 * b + 1e-6 * f64::from(top);
            assert!((f64::from(*a) - b).abs() <= tolerance, "{name}: {a} for {b}");
        }
    }
    let peak = slice.peak(BAND.0, BAND.1).expect("a peak");
    let number = |v: &Value| v.as_f64().expect("a number");
    assert!((peak.hz - number(&theirs["peak_hz"])).abs() < 1e-3);
    for (name, width) in
        [("width_3db_hz", peak.width_3db_hz), ("width_10db_hz", peak.width_10db_hz)]
    {
        let (low, high) = width.expect(name);
        assert!((low - number(&theirs[name][0])).abs() < 1e-3, "{name}: {low}");
        assert!((high - number(&theirs[name][1])).abs() < 1e-3, "{name}: {high}");
    }
}

#[test]
fn a_sine_of_a_tenth_reads_the_levels_of_the_test_vectors() {
    let rate = 48_000.0;
    let sine: Vec<f32> =
        (0..48_000).map(|n| (0.1 * (TAU * 1000.0 * f64::from(n) / rate).sin()) as f32).collect();
    let spec = BoxSpec {
        sample_rate_hz: rate,
        band_hz: (900.0, 1100.0),
        spectrum: SpectrumSettings::default(),
        calibration: None,
    };
    let m = measure_box(&sine, 0..48_000, &spec).expect("sound settings");
    assert!((m.rms_db.expect("a level") + 23.01).abs() < 0.01, "{:?}", m.rms_db);
    assert!((m.peak_db.expect("a level") + 20.0).abs() < 0.01, "{:?}", m.peak_db);
    assert!((m.exposure_db.expect("a level") + 23.01).abs() < 0.01, "one second of it");
    // Between bins of 46.9 Hz a parabola through a Hann window's levels errs by up to 2 % of a bin.
    assert!((m.peak_hz.expect("a peak") - 1000.0).abs() < 1.0, "{:?}", m.peak_hz);
    assert!(m.snr_db.is_none(), "there is nothing around the box");
    let calibration = Some(Calibration::UpaPerFullscale { db: 176.0.into() });
    let in_pascals = measure_box(&sine, 0..48_000, &BoxSpec { calibration, ..spec });
    let readings = in_pascals.expect("sound settings").readings(true);
    let level = readings.iter().find(|r| r.name == "band sound pressure level").expect("a level");
    assert!((level.value - 152.99).abs() < 0.01 && level.unit == "dB re 1 µPa");
    let plain = m.readings(false);
    assert!(plain.iter().all(|r| !r.unit.contains("µPa")), "nothing is in pascals uncalibrated");
}

#[test]
fn a_table_by_frequency_weighs_each_part_of_a_box_by_itself() {
    // Two sines of a tenth, −23.01 dB each: 170 dB at 500 Hz and 182.04 dB at 2000 Hz (two octaves of
    // 6.02 dB) make 146.99 and 159.03 dB, together 159.29 dB re 1 µPa.
    let rate = 48_000.0;
    let sine = |hz: f64, n: i32| 0.1 * (TAU * hz * f64::from(n) / rate).sin();
    let both: Vec<f32> = (0..48_000).map(|n| (sine(500.0, n) + sine(2000.0, n)) as f32).collect();
    let rows = vec![(50.0, 150.0), (5000.0, 190.0)];
    let table = FrequencyTable::new(rows).expect("a table");
    let level = |band_hz: (f64, f64)| {
        let calibration = Some(Calibration::UpaPerFullscale { db: table.clone().into() });
        let spectrum = SpectrumSettings::default();
        let spec = BoxSpec { sample_rate_hz: rate, band_hz, spectrum, calibration };
        measure_box(&both, 0..48_000, &spec).expect("sound settings")
    };
    for (band_hz, expected) in
        [((400.0, 600.0), 146.99), ((1900.0, 2100.0), 159.03), ((100.0, 4000.0), 159.29)]
    {
        let rms_db = level(band_hz).rms_db.expect("a level");
        assert!((rms_db - expected).abs() < 0.01, "{band_hz:?}: {rms_db}");
    }
    let peak = level((100.0, 4000.0)).peak_hz.expect("a peak");
    assert!((peak - 2000.0).abs() < 2.0, "the calibrated spectrum is highest there: {peak}");
    assert_eq!(level((6000.0, 9000.0)).rms_db, None, "nothing is known beyond the table");
    let mut slice = Slice::of(&both, rate, &SpectrumSettings::default()).expect("sound settings");
    let before = slice.mean[11];
    slice.calibrate(&Calibration::UpaPerFullscale { db: table.into() });
    let hz = 11.0 * slice.bin_hz;
    let gain_db = 10.0 * f64::from(slice.mean[11] / before).log10();
    assert!((gain_db - (150.0 + 20.0 * (hz / 50.0).log10())).abs() < 1e-4, "{gain_db}");
    assert!(slice.mean[200].is_nan() && slice.peak(100.0, 20_000.0).is_some());
}

#[test]
fn white_noise_reads_its_spectral_density() {
    // RMS 0.01 at 48 kHz is −40 dB over 24 kHz: −83.80 dB re FS²/Hz, 66.20 dB re 1 µPa²/Hz with 150.
    let samples: Vec<f32> = noise(96_000).iter().map(|x| (0.01 * 3f64.sqrt() * x) as f32).collect();
    let spec = BoxSpec {
        sample_rate_hz: 48_000.0,
        band_hz: (1000.0, 23_000.0),
        spectrum: SpectrumSettings::default(),
        calibration: None,
    };
    let m = measure_box(&samples, 0..96_000, &spec).expect("sound settings");
    let density = m.mean_density_db.expect("a level") + 150.0;
    // 187 frames of 470 bins: the mean's own scatter is 0.02 dB.
    assert!((density - 66.20).abs() < 0.1, "{density}");
}

#[test]
fn gaps_count_for_nothing_and_nonsense_measures_nothing() {
    let mut samples = upsweep();
    let whole = measured(&samples);
    samples[..2000].fill(f32::NAN);
    samples[6500..6900].fill(f32::NAN);
    let gapped = measured(&samples);
    assert_eq!(gapped.recorded_s, 0.9);
    assert!((gapped.peak_hz.expect("a peak") - whole.peak_hz.expect("a peak")).abs() < 5.0);
    assert!(gapped.readings(false).iter().all(|r| r.value.is_finite()));
    samples.fill(f32::NAN);
    assert_eq!(measured(&samples).rms_db, None);
    let spec = BoxSpec {
        sample_rate_hz: RATE,
        band_hz: (300.0, 100.0),
        spectrum: settings(),
        calibration: None,
    };
    assert_eq!(measure_box(&upsweep(), INSIDE, &spec).expect("settings").rms_db, None);
    assert_eq!(
        measure_box(&[], Range { start: 5, end: 3 }, &spec).expect("settings").recorded_s,
        0.0
    );
    let spec =
        BoxSpec { spectrum: SpectrumSettings { fft_size: 0, ..settings() }, band_hz: BAND, ..spec };
    assert!(measure_box(&upsweep(), INSIDE, &spec).is_err());
}
