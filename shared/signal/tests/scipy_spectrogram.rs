//! Windows and spectrograms against scipy's (see `fixtures/scipy_spectrogram.py`).

use serde_json::Value;
use spyhop_api::view::Scaling;
use spyhop_signal::spectrum::{SpectrumSpec, Stft, window_coefficients};

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/scipy_spectrogram.json")).expect("valid JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    let items = value.as_array().expect("an array");
    items.iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn size(case: &Value, key: &str) -> usize {
    case[key].as_u64().expect("a count") as usize
}

#[test]
fn windows_are_scipys() {
    for case in fixture()["coefficients"].as_array().expect("an array") {
        let window = case["window"].as_str().expect("a name");
        let ours = window_coefficients(window.parse().expect(window), size(case, "samples"));
        let theirs = numbers(&case["values"]);
        assert_eq!(ours.len(), theirs.len());
        for (a, b) in ours.iter().zip(&theirs) {
            // Both are f64; the cosine and Bessel series differ in the last digits only.
            assert!((a - b).abs() < 1e-13, "{window}: {a} for {b}");
        }
    }
}

#[test]
fn spectrograms_are_scipys() {
    let fixture = fixture();
    let x: Vec<f32> = numbers(&fixture["x"]).iter().map(|v| *v as f32).collect();
    let cases = fixture["cases"].as_array().expect("an array");
    assert!(cases.len() > 100);
    for case in cases {
        let spec = SpectrumSpec {
            fft_size: size(case, "fft_size"),
            window_samples: size(case, "window_samples"),
            hop_samples: size(case, "hop_samples"),
            window: case["window"].as_str().expect("a name").parse().expect("a window"),
            scaling: match case["scaling"].as_str() {
                Some("density") => Scaling::Density,
                _ => Scaling::Spectrum,
            },
            sample_rate_hz: fixture["rate_hz"].as_f64().expect("a rate"),
        };
        let ours = Stft::new(&spec).expect("a plan").spectrogram(&x[..size(case, "samples")]);
        let theirs = numbers(&case["power"]);
        assert_eq!(
            (ours.frames, ours.power.len()),
            (size(case, "frames"), theirs.len()),
            "{spec:?}"
        );
        let largest = theirs.iter().fold(0.0, |m: f64, v| m.max(*v));
        for (i, (a, b)) in ours.power.iter().zip(&theirs).enumerate() {
            // Both transform in f32: rounding is relative to the largest bin.
            let tolerance = 1e-4 * b + 1e-6 * largest;
            assert!((f64::from(*a) - b).abs() <= tolerance, "{spec:?}: bin {i} is {a}, not {b}");
        }
    }
}
