//! Power by torch.stft: the same numbers by another road (see `fixtures/torch_stft.py`).

use serde_json::Value;
use spyhop_api::view::Scaling;
use spyhop_signal::spectrum::{SpectrumSpec, Stft};

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().filter_map(Value::as_f64).collect()
}

#[test]
fn power_spectra_are_torchs() {
    let fixture: Value =
        serde_json::from_str(include_str!("fixtures/torch_stft.json")).expect("valid JSON");
    let x: Vec<f32> = numbers(&fixture["x"]).iter().map(|v| *v as f32).collect();
    let cases = fixture["cases"].as_array().expect("an array");
    assert_eq!((x.len(), cases.len()), (1200, 7));
    for case in cases {
        let size = |key: &str| case[key].as_u64().expect("a count") as usize;
        let spec = SpectrumSpec {
            fft_size: size("fft_size"),
            window_samples: size("fft_size"),
            hop_samples: size("hop_samples"),
            window: case["window"].as_str().expect("a name").parse().expect("a window"),
            scaling: Scaling::Spectrum,
            sample_rate_hz: 1.0,
        };
        let ours = Stft::new(&spec).expect("a plan").spectrogram(&x);
        // The first frames are kept of each.
        let theirs = numbers(&case["power"]);
        assert_eq!(theirs.len(), spec.bins() * ours.frames.min(4), "{spec:?}");
        let largest = theirs.iter().fold(0.0, |m: f64, v| m.max(*v));
        for (i, (a, b)) in ours.power.iter().zip(&theirs).enumerate() {
            // We transform in f32, the fixture in f64: rounding is relative to the largest bin.
            let tolerance = 1e-4 * b + 1e-6 * largest;
            assert!((f64::from(*a) - b).abs() <= tolerance, "{spec:?}: bin {i} is {a}, not {b}");
        }
    }
}
