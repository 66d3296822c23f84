//! The filter bank is Kaldi's, as transformers computes it.

use serde_json::Value;
use spyhop_api::FrontEnd;
use spyhop_signal::fbank::{Fbank, FbankError};

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("fixtures/transformers_fbank.json")).expect("a fixture")
}

fn front_end(case: &Value) -> FrontEnd {
    let number = |key: &str| case[key].as_f64().expect("a number");
    FrontEnd {
        rate_hz: number("rate_hz"),
        low_hz: number("low_hz"),
        high_hz: number("high_hz"),
        mels: number("mels") as u32,
        frame_samples: number("frame_samples") as u32,
        hop_samples: number("hop_samples") as u32,
        fft_size: number("fft_size") as u32,
        frames: 8,
        mean: -4.0,
        std: 2.0,
    }
}

/// Three samples more than six frames.
fn wave(front_end: &FrontEnd) -> Vec<f32> {
    let samples = front_end.frame_samples + 5 * front_end.hop_samples + 3;
    (0..u64::from(samples))
        .map(|i| {
            let (x, noise) = (i as f64, (i * 7919 % 1009) as f64 / 1009.0 - 0.5);
            (0.2 * (0.05 * x + 1e-5 * x * x).sin() + 0.02 * noise) as f32
        })
        .collect()
}

#[test]
fn log_energies_are_those_of_transformers_at_any_rate_and_band() {
    for case in cases() {
        let front_end = front_end(&case);
        let ours = Fbank::new(&front_end).expect("a front end").log_energies(&wave(&front_end));
        let theirs: Vec<f64> = case["log_energies"]
            .as_array()
            .expect("frames")
            .iter()
            .flat_map(|frame| frame.as_array().expect("filters"))
            .map(|x| x.as_f64().expect("a number"))
            .collect();
        assert_eq!(ours.len(), theirs.len());
        // The reference keeps its spectrum in complex64.
        for (i, (a, b)) in ours.iter().zip(&theirs).enumerate() {
            assert!((f64::from(*a) - b).abs() < 2e-5, "{} Hz, {i}: {a} for {b}", front_end.rate_hz);
        }
    }
}

#[test]
fn a_picture_is_filled_or_cut_before_it_is_scaled() {
    let front_end = front_end(&cases()[0]);
    let fbank = Fbank::new(&front_end).expect("a front end");
    let (wave, mels) = (wave(&front_end), front_end.mels as usize);
    let energies = fbank.log_energies(&wave);
    let picture = fbank.picture(&wave);
    assert_eq!((picture.frames, picture.mels, picture.heard_frames), (8, mels, 6));
    assert_eq!(picture.values.len(), 8 * mels);
    let scaled: Vec<f32> = energies.iter().map(|x| (x + 4.0) / 4.0).collect();
    assert!(picture.values.iter().zip(&scaled).all(|(a, b)| (a - b).abs() < 1e-6));
    assert!(picture.values[6 * mels..].iter().all(|x| *x == 1.0), "0.0 is scaled along");
    let two = Fbank::new(&FrontEnd { frames: 2, ..front_end }).expect("a front end").picture(&wave);
    assert_eq!((two.heard_frames, &two.values[..]), (2, &picture.values[..2 * mels]));
    let nothing = fbank.picture(&wave[..399]);
    assert_eq!(nothing.heard_frames, 0);
    assert!(nothing.values.iter().all(|x| *x == 1.0));
}

#[test]
fn a_front_end_that_can_t_be_computed_is_refused() {
    let good = front_end(&cases()[0]);
    let refused = |front_end: FrontEnd| Fbank::new(&front_end).err().expect("refused");
    for rate_hz in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(refused(FrontEnd { rate_hz, ..good }), FbankError::Rate(_)));
    }
    for (low_hz, high_hz) in [(-1.0, 100.0), (500.0, 400.0), (20.0, 8001.0), (f64::NAN, 100.0)] {
        let error = refused(FrontEnd { low_hz, high_hz, ..good });
        assert!(matches!(error, FbankError::Band { .. }), "{error}");
    }
    for (frame_samples, fft_size) in [(1, 512), (600, 512), (400, 511), (400, 1 << 21)] {
        let error = refused(FrontEnd { frame_samples, fft_size, ..good });
        assert!(matches!(error, FbankError::Frame { .. }), "{error}");
    }
    for wrong in [
        FrontEnd { hop_samples: 0, ..good },
        FrontEnd { mels: 0, ..good },
        FrontEnd { mels: 5000, ..good },
        FrontEnd { frames: 0, ..good },
        FrontEnd { frames: u32::MAX, ..good },
    ] {
        assert!(matches!(refused(wrong), FbankError::Count { .. }));
    }
    for std in [0.0, -1.0, f64::NAN] {
        assert!(matches!(refused(FrontEnd { std, ..good }), FbankError::Scale { .. }));
    }
}
