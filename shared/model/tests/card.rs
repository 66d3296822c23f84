//! What stands on a card, and what is filled in where it says nothing.

mod common;

use common::{expected, files, values};
use spyhop_model::{Classifier, MemoryFiles, Metric, ModelCard, Scores};

fn with_card(card: &str) -> MemoryFiles {
    let mut files = files();
    files.place = "/models/right whales/".into();
    files.files.insert("spyhop-model.toml".into(), card.into());
    files
}

fn card(text: &str) -> ModelCard {
    Classifier::open(&with_card(text)).expect(text).card().clone()
}

#[track_caller]
fn refused(card: &str) -> String {
    Classifier::open(&with_card(card)).err().expect(card).to_string()
}

#[test]
fn a_folder_without_a_card_has_the_front_end_of_its_extractor() {
    let model = Classifier::open(&files()).expect("ast_tiny");
    let (card, front_end) = (model.card(), model.card().front_end);
    assert_eq!((card.name.as_str(), card.time_compression), ("memory", 1.0));
    assert_eq!((card.scores, card.band_hz), (Scores::Sigmoid, (20.0, 8000.0)));
    assert_eq!((front_end.rate_hz, front_end.mels, front_end.frames), (16e3, 128, 256));
    assert_eq!(
        (front_end.frame_samples, front_end.hop_samples, front_end.fft_size),
        (400, 160, 512)
    );
    let names: Vec<_> = card.classes.iter().map(|c| (c.name.as_str(), c.is_call)).collect();
    let told = [
        ("upcall", true),
        ("whistle", true),
        ("click train", true),
        ("ship", true),
        ("none", false),
    ];
    assert_eq!(names, told);
    assert!(card.classes.iter().all(|c| c.threshold == 0.5 && c.band_hz == card.band_hz));
    assert_eq!((model.window().window_samples, model.window().hop_samples), (41_200, 40_960));
}

#[test]
fn a_card_says_how_a_recording_is_listened_to() {
    let card = card(
        "name = 'Upcalls'\nlicence = 'CC0-1.0'\ntime_compression = 8\nlow_hz = 50\nhigh_hz = 400\n\
         hop_s = 10.24\nscores = 'softmax'\nthreshold = 0.7\ntraining_data = 'DCLDE 2013'\n\
         [front_end]\nfft_size = 2048\nlow_hz = 100\nhigh_hz = 6000\nmean = -6.5\nstd = 3.0\n\
         [[class]]\nname = 'upcall'\nlow_hz = 60\nhigh_hz = 250\nthreshold = 0.6\n\
         [[class]]\nname = 'moan'\n[[class]]\nname = 'gunshot'\n[[class]]\nname = 'ship'\ncall = false\n\
         [[class]]\nname = 'None'\n\
         [metrics]\nf1 = 0.91\nmeasured_on = 'three days of 2009'",
    );
    let plan = card.window();
    assert_eq!((plan.rate_hz, plan.window_samples, plan.hop_samples), (2000.0, 41_200, 20_480));
    assert_eq!((card.band_hz, card.classes[0].band_hz), ((50.0, 400.0), (60.0, 250.0)));
    let thresholds: Vec<f64> = card.classes.iter().map(|c| c.threshold).collect();
    assert_eq!(thresholds, [0.6, 0.7, 0.7, 0.7, 0.7]);
    assert_eq!(card.classes.iter().filter(|c| c.is_call).count(), 3);
    assert_eq!((card.scores, card.front_end.fft_size), (Scores::Softmax, 2048));
    assert_eq!(card.metrics["f1"], Metric::Number(0.91));
    assert_eq!(card.metrics["measured_on"], Metric::Text("three days of 2009".into()));
}

#[test]
fn a_card_alone_describes_a_front_end() {
    let mut files =
        with_card("[front_end]\nrate_hz = 2000\nmean = -8.0\nstd = 4.0\nhop_samples = 32");
    files.files.remove("preprocessor_config.json");
    let model = Classifier::open(&files).expect("a front end");
    let front_end = model.card().front_end;
    assert_eq!((front_end.rate_hz, front_end.high_hz, front_end.frame_samples), (2e3, 1e3, 50));
    assert_eq!((front_end.hop_samples, front_end.mels, front_end.frames), (32, 128, 256));
    assert_eq!(model.card().name, "right whales");
}

#[test]
fn a_front_end_of_another_size_fits_the_position_embeddings() {
    let wave = values(&expected()["upcall.wave"]);
    for frames in [64, 160, 256, 500] {
        let model =
            Classifier::open(&with_card(&format!("[front_end]\nframes = {frames}\nmels = 96")));
        let model = model.expect("another size");
        assert_eq!(model.window().window_samples, 400 + (frames - 1) * 160);
        let window = &wave[..wave.len().min(model.window().window_samples)];
        assert_eq!(model.logits(&[window]).expect("logits")[0].len(), 5);
    }
    let error = refused("[front_end]\nframes = 10");
    assert!(error.contains("front end's picture of 128 filters and 10 frames"), "{error}");
}

#[test]
fn a_misspelt_key_is_refused_by_the_name_of_the_nearest() {
    for (text, expected) in [
        ("license = 'MIT'", "the key 'license' is unknown, did you mean 'licence'?"),
        ("[front_end]\nframe = 3", "the key 'frame' is unknown, did you mean 'frames'?"),
        ("[[class]]\nname = 'x'\ntreshold = 0.5", "did you mean 'threshold'?"),
        ("[[classes]]\nname = 'x'", "did you mean 'class'?"),
    ] {
        let error = refused(text);
        assert!(error.contains(expected), "{error}");
        assert!(error.starts_with("/models/right whales//spyhop-model.toml: "), "{error}");
    }
}

#[test]
fn values_that_can_t_be_meant_are_refused() {
    let five = |third: &str| {
        let names = ["a", "b", third, "d", "e"];
        names.map(|name| format!("[[class]]\nname = '{name}'\n")).concat()
    };
    for (text, expected) in [
        ("time_compression = 0", "how many times faster than real"),
        ("time_compression = nan", "how many times faster than real"),
        ("low_hz = 500\nhigh_hz = 400", "a band within 0 to 8000 Hz"),
        ("time_compression = 8\nhigh_hz = 1200", "a band within 0 to 1000 Hz"),
        ("hop_s = 0", "a sample to a window's 2.575 s is expected"),
        ("hop_s = 3", "a sample to a window's 2.575 s is expected"),
        ("threshold = 50", "threshold = 50: a score of 0 to 1"),
        ("scores = 'linear'", "can't be understood"),
        ("[[class]]\nname = 'one'", "names 1 classes, and the network has 5 outputs"),
        (&five("b"), "class.name = 'b': each class needs a name of its own"),
        (&five(""), "class.name = '': each class needs a name of its own"),
        ("[front_end]\nhigh_hz = 9000", "from 20 to 9000 Hz"),
        ("[front_end]\nstd = 0", "standard deviation 0"),
        ("[front_end]\nrate_hz = 0", "the front end's rate is 0 Hz"),
        ("[front_end]\nframe_samples = 4000000000", "in an FFT of"),
    ] {
        let error = refused(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn the_fingerprint_is_of_what_decides_the_logits() {
    let fingerprint =
        |card: &str| Classifier::open(&with_card(card)).expect(card).fingerprint().to_owned();
    let plain = fingerprint("");
    assert_eq!(plain.len(), 64);
    for same in ["name = 'x'", "threshold = 0.9", "[metrics]\nf1 = 1", "hop_s = 1"] {
        assert_eq!(fingerprint(same), plain, "{same}");
    }
    for other in ["time_compression = 2", "scores = 'softmax'", "[front_end]\nmean = -4"] {
        assert_ne!(fingerprint(other), plain, "{other}");
    }
}

#[test]
fn a_class_that_is_no_call_is_known_by_its_name() {
    for name in [
        "None",
        "noise",
        "Not_Detected",
        "not detected",
        "no call",
        "NoCall",
        "No-Upcall",
        "negative_gulf",
        "Background",
        "background noise",
    ] {
        assert!(spyhop_model::is_no_call(name), "{name}");
    }
    for name in
        ["upcall", "Northern right whale", "Nocturnal moan", "other whale", "Noctule", "notch"]
    {
        assert!(!spyhop_model::is_no_call(name), "{name}");
    }
    let card = card(
        "[[class]]\nname = 'Detected'\n[[class]]\nname = 'Not_Detected'\n[[class]]\nname = 'a'\n\
                     [[class]]\nname = 'b'\n[[class]]\nname = 'c'",
    );
    let calls: Vec<bool> = card.classes.iter().map(|class| class.is_call).collect();
    assert_eq!(calls, [true, false, true, true, true]);
}
