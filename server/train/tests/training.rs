//! A small network learns, is interrupted, and goes on to the same bits.

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use candle_core::Tensor;
use common::{Ran, bytes, folder_with_sea, run, said, values, weights};
use serde_json::Value;
use spyhop_api::FrontEnd;
use spyhop_config::{Config, Training};
use spyhop_model::{Classifier, ModelFolder, OpenOptions, check_fit};
use spyhop_train::dataset::{Band, Levels};
use spyhop_train::{Features, LearnedFrom, RunFolder, Told, TrainError, base_fingerprint};

/// That of the small network.
const FRONT_END: FrontEnd = FrontEnd {
    rate_hz: 2000.0,
    low_hz: 30.0,
    high_hz: 400.0,
    mels: 40,
    frame_samples: 256,
    hop_samples: 64,
    fft_size: 512,
    frames: 43,
    mean: 0.0,
    std: 0.5,
};

fn val_aps(ran: &Ran) -> Vec<f64> {
    let of = |told: &Told| match told {
        Told::Epoch(report) => Some(report.val.ap),
        _ => None,
    };
    ran.told.iter().filter_map(of).collect()
}

#[test]
fn a_small_network_learns_and_an_interrupted_run_ends_with_the_same_bits() {
    let (folder, sea_folder) = folder_with_sea(12);
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let said = said(&["model_trainer.num_epochs=6"]);
    let mut table = common::windows(&sea_folder, &said.preprocess);
    let band = Band { low_hz: 30.0, high_hz: Some(400.0), channel: 0 };
    let levels = Levels::measure(&table, band, &common::open, &|_, _| ());
    table.levels = Some(levels.expect("levels"));
    let ran = common::run_on(table, &sea_folder, &whole, &said, None, None);
    let outcome = ran.outcome.as_ref().expect("a network");
    let aps = val_aps(&ran);
    assert!(outcome.val.ap > 0.9 && outcome.val.ap > aps[0] - 1e-9, "{aps:?}");
    let losses: Vec<f64> = ran
        .told
        .iter()
        .filter_map(|told| if let Told::Epoch(r) = told { Some(r.val.loss) } else { None })
        .collect();
    assert!(losses.last() < losses.first(), "{losses:?}");
    assert!(outcome.test.as_ref().is_some_and(|test| test.ap > 0.8), "{:?}", outcome.test);
    assert_eq!(outcome.trained, outcome.parameters);

    let data: Value = serde_json::from_slice(&bytes(&whole.join("data.json"))).expect("JSON");
    let median = |class: &str| data["levels"]["rms_db_re_fs"][class][1].as_f64().expect("a level");
    assert!(median("upcall") > median("none"), "{data}");
    assert_eq!(data["leaks"], serde_json::json!([]));

    // The model folder is what everything else opens.
    let classifier = Classifier::open(&ModelFolder(whole.join("model"))).expect("a model");
    assert_eq!(classifier.card().classes.len(), 2);
    assert!(classifier.card().classes[0].is_call && !classifier.card().classes[1].is_call);

    // Stopped in the first epoch, then in a later one, then to the end.
    for after in [4, 17] {
        let stopped = run(&sea_folder, &parts, &said, None, Some(after));
        assert!(matches!(stopped.outcome, Err(TrainError::Stopped)), "{:?}", stopped.outcome);
    }
    let went_on = run(&sea_folder, &parts, &said, None, None);
    assert_eq!(&went_on.outcome.expect("a network").val, &outcome.val);
    for name in
        ["state.safetensors", "best.safetensors", "model/model.safetensors", "metrics.jsonl"]
    {
        assert!(bytes(&whole.join(name)) == bytes(&parts.join(name)), "{name} differs");
    }
    // The run is done: nothing is trained again.
    let again = run(&sea_folder, &parts, &said, None, None);
    assert!(again.outcome.is_ok() && val_aps(&again).is_empty());
    // Another configuration is another run.
    let other = common::said(&["model_trainer.num_epochs=6", "model_trainer.lr=0.001"]);
    let error = run(&sea_folder, &parts, &other, None, None).outcome.expect_err("another run");
    assert!(error.to_string().contains("another configuration"), "{error}");
    let other = common::said(&["model_trainer.num_epochs=6", "data_loader.random_seed=1"]);
    let ran = run(&sea_folder, &folder.path().join("seed"), &other, None, None);
    let model = "model/model.safetensors";
    assert!(ran.outcome.is_ok());
    assert!(bytes(&folder.path().join("seed").join(model)) != bytes(&whole.join(model)));
}

#[test]
fn what_is_frozen_does_not_move_and_an_adapter_gives_the_merged_network_s_logits() {
    let (folder, sea_folder) = folder_with_sea(10);
    let first = folder.path().join("first");
    run(&sea_folder, &first, &said(&["model_trainer.num_epochs=1"]), None, None)
        .outcome
        .expect("a network");
    let base = ModelFolder(first.join("model"));
    let before = weights(&first.join("model/model.safetensors"));
    let changed = |run: &Path| -> Vec<String> {
        let after = weights(&run.join("model/model.safetensors"));
        assert_eq!(after.len(), before.len());
        let moved = after.iter().filter(|(name, t)| values(t) != values(&before[*name]));
        let mut names: Vec<String> = moved.map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    };
    let short = ["model_trainer.num_epochs=1", "model.base=first"];
    let with = |more: &[&str]| said(&[&short, more].concat());

    let head = folder.path().join("head");
    let ran = run(&sea_folder, &head, &with(&["model_trainer.train=head"]), Some(&base), None);
    let outcome = ran.outcome.expect("a head");
    assert_eq!(outcome.trained, 2 * 24 + 2 * 24 + 2);
    let expected = ["dense.bias", "dense.weight", "layernorm.bias", "layernorm.weight"];
    assert_eq!(changed(&head), expected.map(|part| format!("classifier.{part}")));

    let last = folder.path().join("last");
    let said = with(&["model_trainer.train=last_layers", "model_trainer.last_layers=1"]);
    run(&sea_folder, &last, &said, Some(&base), None).outcome.expect("last layers");
    let is_last = |name: &String| {
        name.contains("encoder.layer.1.")
            || name.starts_with("classifier.")
            || name.starts_with("audio_spectrogram_transformer.layernorm.")
    };
    let moved = changed(&last);
    assert!(moved.len() > 15 && moved.iter().all(is_last), "{moved:?}");

    let lora = folder.path().join("lora");
    let said = with(&["model_trainer.train=lora", "model_trainer.LoRA_kwargs.r=4"]);
    let outcome = run(&sea_folder, &lora, &said, Some(&base), None).outcome.expect("an adapter");
    // A and B of three modules in two layers, and the head.
    assert_eq!(outcome.trained, 2 * 3 * 2 * 4 * 24 + 2 * 24 + 2 * 24 + 2);
    let moved = changed(&lora);
    let attention = moved.iter().filter(|name| name.contains("attention.attention.")).count();
    assert_eq!((attention, moved.len()), (6, 10), "{moved:?}");

    let adapter = ModelFolder(lora.join("adapter"));
    let apart = OpenOptions { adapter: Some(&adapter), keep_adapter_apart: true, placement: None };
    let apart = Classifier::open_with(&base, &apart).expect("an adapter over its base");
    let merged = Classifier::open(&ModelFolder(lora.join("model"))).expect("a merged network");
    assert_eq!(apart.card(), merged.card());
    let wave: Vec<f32> = (0..3000).map(|i| (i as f32 * i as f32 * 1e-4).sin() * 0.1).collect();
    let window = &wave[..apart.window().window_samples];
    let (a, b) =
        (apart.logits(&[window]).expect("logits"), merged.logits(&[window]).expect("logits"));
    for (a, b) in a[0].iter().zip(&b[0]) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }

    // A base of other weights in the same place: what stood on the first one does not go on from it.
    let fingerprint = base_fingerprint(&base).expect("read");
    run(&sea_folder, &head, &with(&["model_trainer.train=head"]), Some(&base), None)
        .outcome
        .expect("it is done");
    std::fs::copy(last.join("model/model.safetensors"), first.join("model/model.safetensors"))
        .expect("exchanged");
    assert_ne!(base_fingerprint(&base).expect("read"), fingerprint);
    let error = run(&sea_folder, &head, &with(&["model_trainer.train=head"]), Some(&base), None)
        .outcome
        .expect_err("another base");
    assert!(error.to_string().contains("another base"), "{error}");
}

#[test]
fn data_that_can_t_be_trained_on_are_told() {
    let (folder, sea_folder) = folder_with_sea(6);
    let error = |more: &[&str]| {
        let run_folder = folder.path().join("run");
        run(&sea_folder, &run_folder, &said(more), None, None).outcome.expect_err("bad").to_string()
    };
    assert!(error(&["data_loader.include_classes=[upcall, gunshot]"]).contains("names 'gunshot'"));
    assert!(error(&["model_trainer.class_weights={upcal: 2}"]).contains("names 'upcal'"));
    assert!(error(&["model.front_end.high_hz=4000"]).contains("band"));
    assert!(error(&["model.AST_kwargs.patch_size=64"]).contains("must hold a patch"));
    assert!(error(&["preprocess.channel=2"]).contains("has no channel 2"));
    assert!(error(&["model_trainer.train=head"]).contains("name it as model.base"));
}

#[test]
fn a_network_of_other_classes_gets_a_new_head_that_must_be_trained() {
    let (folder, sea_folder) = folder_with_sea(8);
    let short = ["model_trainer.num_epochs=1", "preprocess.negative_class=silence"];
    let first = folder.path().join("first");
    run(&sea_folder, &first, &said(&short[..1]), None, None).outcome.expect("a network");
    let base = ModelFolder(first.join("model"));
    let with = |more: &[&str]| said(&[&short, more].concat());
    let ran = |name: &str, said: &Training| {
        run(&sea_folder, &folder.path().join(name), said, Some(&base), None).outcome
    };
    let lora = ["model_trainer.train=lora", "model_trainer.LoRA_kwargs.modules_to_save=[]"];
    let error = ran("no-head", &with(&lora)).expect_err("an untrained head").to_string();
    assert!(error.contains("add classifier to"), "{error}");
    ran("lora", &with(&lora[..1])).expect("an adapter");
    let adapter = ModelFolder(folder.path().join("lora/adapter"));
    let options =
        OpenOptions { adapter: Some(&adapter), keep_adapter_apart: false, placement: None };
    let adapted = Classifier::open_with(&base, &options).expect("an adapter over its base");
    assert_eq!(adapted.card().classes[1].name, "silence");
    // Wider windows are another picture: its positions are fitted to it.
    let wide = ["preprocess.window_s=2", "model_trainer.train=head"];
    ran("wide", &with(&wide)).expect("another picture");
    let wide = Classifier::open(&ModelFolder(folder.path().join("wide/model"))).expect("a model");
    assert!(wide.card().front_end.frames > adapted.card().front_end.frames);
}

#[test]
fn a_recording_that_was_exchanged_is_noticed() {
    let (folder, sea_folder) = folder_with_sea(8);
    let table = common::windows(&sea_folder, &said(&[]).preprocess);
    let recordings = common::files(&sea_folder, "wav");
    std::fs::copy(&recordings[0], &recordings[1]).expect("exchanged");
    let run_folder = folder.path().join("run");
    let ran = common::run_on(table, &sea_folder, &run_folder, &said(&[]), None, None);
    let error = ran.outcome.expect_err("another recording").to_string();
    assert!(error.contains("is another recording than when the windows were cut"), "{error}");
}

/// Several trainings may begin in one folder at once, as the parts of a search do.
#[test]
fn two_that_listen_to_the_same_recordings_at_once_see_what_one_alone_sees() {
    let (folder, sea_folder) = folder_with_sea(6);
    let mut table = common::windows(&sea_folder, &said(&[]).preprocess);
    // A recording under two names is heard at the same time by one alone, too.
    let mut twin = table.recordings[0].clone();
    std::fs::copy(sea_folder.join(&twin.name), sea_folder.join("twin.wav")).expect("copied");
    twin.name = "twin.wav".into();
    table.recordings.push(twin);
    let prepared = |folder: &Path| {
        Features::prepare(&table, &FRONT_END, 1.0, 0, folder, &common::open, &|_, _| ())
    };
    let seen = |features: &Features| -> Vec<Vec<f32>> {
        (0..table.recordings.len()).map(|i| features.read(i, 300).expect("read")).collect()
    };
    let alone = seen(&prepared(&folder.path().join("alone")).expect("features"));
    for round in 0..12 {
        let together = folder.path().join(format!("together-{round}"));
        std::thread::scope(|scope| {
            let both = [(); 3].map(|()| scope.spawn(|| prepared(&together).map(|f| seen(&f))));
            for one in both {
                let one = one.join().expect("no panic");
                assert!(one.expect("features") == alone, "round {round}");
            }
        });
        // What a thread wrote under another name is gone.
        assert_eq!(common::files(&together, "mel").len(), 6);
        assert_eq!(common::files(&together, "unfinished").len(), 0);
    }
}

#[test]
fn a_file_of_features_that_ends_before_its_recording_is_made_again() {
    let (folder, sea_folder) = folder_with_sea(2);
    let kept = folder.path().join("kept");
    let table = common::windows(&sea_folder, &said(&[]).preprocess);
    let opened = AtomicUsize::new(0);
    let open = |path: &Path| {
        opened.fetch_add(1, Ordering::Relaxed);
        common::open(path)
    };
    let prepared = || {
        Features::prepare(&table, &FRONT_END, 1.0, 0, &kept, &open, &|_, _| ()).expect("features")
    };
    // What a process that was killed hours ago left of one.
    let left = kept.join("left.mel.7-0.unfinished");
    std::fs::create_dir(&kept).expect("a folder");
    let file = std::fs::File::create(&left).expect("left");
    file.set_modified(SystemTime::now() - Duration::from_secs(7200)).expect("dated");
    prepared();
    assert!(!left.exists());
    opened.store(0, Ordering::Relaxed);
    let before = prepared().read(0, 1500).expect("read");
    assert_eq!(opened.load(Ordering::Relaxed), 0, "what is whole is taken as it is");
    for path in common::files(&kept, "mel") {
        let file = std::fs::File::options().write(true).open(&path).expect("there");
        file.set_len(std::fs::metadata(&path).expect("there").len() / 2).expect("cut");
    }
    assert!(prepared().read(0, 1500).expect("read") == before);
    assert!(opened.load(Ordering::Relaxed) > 0);
}

/// A system may allow 256 files to a process, and a season has thousands.
#[cfg(target_os = "linux")]
#[test]
fn of_many_recordings_few_files_are_open_at_a_time() {
    let (folder, sea_folder) = folder_with_sea(40);
    let kept = folder.path().join("kept");
    let table = common::windows(&sea_folder, &said(&[]).preprocess);
    let prepared = Features::prepare(&table, &FRONT_END, 1.0, 0, &kept, &common::open, &|_, _| ());
    let features = prepared.expect("features");
    let open = || {
        let entries = std::fs::read_dir("/proc/self/fd").expect("open files");
        let of = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        of.filter(|path| path.starts_with(&kept)).count()
    };
    assert_eq!(open(), 0);
    let all: Vec<Vec<f32>> = (0..40).map(|i| features.read(i, 100).expect("read")).collect();
    assert!((1..=16).contains(&open()), "{} files are open", open());
    // The first ones were closed, and are opened again.
    assert!((0..40).all(|i| features.read(i, 100).expect("read") == all[i]));
}

#[test]
fn recordings_below_the_band_of_the_network_are_refused_before_anything_is_trained() {
    let (folder, sea_folder) = folder_with_sea(6);
    let run_folder = folder.path().join("run");
    // As of a file that says nothing of the front end: 16 000 Hz, and all below 8000 Hz.
    let usual = "model: {AST_kwargs: {hidden_size: 24, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 48}}\npreprocess: {window_s: 1.5, hop_s: 1.5, label_mapping: {upcall: upcall}}\nmodel_trainer: {num_epochs: 1}";
    let said = |more: &[&str]| Config::read_with(usual, more).expect("sound").training;
    let error = run(&sea_folder, &run_folder, &said(&[]), None, None).outcome.expect_err("unfit");
    let text = error.to_string();
    assert!(text.contains("sea_20090329_") && text.contains("has 2000 Hz"), "{text}");
    assert!(text.contains("from 20 to 8000 Hz"), "{text}");
    assert!(text.contains("model.front_end.rate_hz to 2000"), "{text}");
    assert!(text.contains("model.front_end.high_hz of at most 900"), "{text}");
    assert!(text.contains("model.time_compression to 8 or more"), "{text}");
    // What it proposes is taken, and the network hears such recordings.
    let faster = said(&["model.time_compression=8", "data_loader.epoch_windows=64"]);
    let faster_folder = folder.path().join("faster");
    run(&sea_folder, &faster_folder, &faster, None, None).outcome.expect("a network");
    let classifier = Classifier::open(&ModelFolder(faster_folder.join("model"))).expect("a model");
    check_fit("faster", classifier.card(), 2000.0).expect("it hears them");
}

#[test]
fn a_class_that_the_test_part_lacks_has_no_figures_there_and_none_on_the_card() {
    let (folder, sea_folder) = folder_with_sea(8);
    let run_folder = RunFolder(folder.path().join("run"));
    let said = said(&["model_trainer.num_epochs=1"]);
    let mut table = common::windows(&sea_folder, &said.preprocess);
    // Calls in two recordings alone: one for training, one for validation.
    table.windows.retain(|window| window.class != 0 || window.recording < 2);
    let recordings = table.recordings.clone();
    let ran = common::run_on(table, &sea_folder, run_folder.path(), &said, None, None);
    let outcome = ran.outcome.expect("a network");
    let test = outcome.test.as_ref().expect("a test part");
    assert_eq!(test.without_windows().collect::<Vec<_>>(), ["upcall"]);
    assert_eq!((test.classes[0].ap, test.classes[0].f1), (None, None));
    assert!(test.classes[1].ap.is_some() && test.ap.is_nan() && test.f1.is_nan());
    let report: Value = serde_json::from_slice(&bytes(&run_folder.report())).expect("JSON");
    assert_eq!(report["test"]["ap"], Value::Null);
    let model = ModelFolder(run_folder.model());
    let classifier = Classifier::open(&model).expect("a model");
    let metrics = &classifier.card().metrics;
    assert!(metrics.contains_key("window_ap_val") && !metrics.contains_key("window_ap_test"));
    assert!(!metrics.contains_key("window_f1_test"), "{metrics:?}");
    // What each window is taken for is in the report.
    for part in [&outcome.val, test] {
        let all: usize = part.confusion.iter().flatten().sum();
        let right: usize = (0..2).map(|class| part.confusion[class][class]).sum();
        assert_eq!(all, part.windows);
        assert!((part.accuracy - right as f64 / all as f64).abs() < 1e-12, "{part:?}");
        for (row, class) in part.confusion.iter().zip(&part.classes) {
            assert_eq!(row.iter().sum::<usize>(), class.windows);
        }
    }
    assert_eq!(report["val"]["confusion"], serde_json::json!(outcome.val.confusion));
    assert!(report["val"]["classes"][1]["likeliest"]["recall"].is_f64(), "{report}");
    // The network says what it learned from.
    let learned = LearnedFrom::read(&model).expect("read").expect("it says so");
    let split = String::from_utf8(bytes(&run_folder.split())).expect("text");
    for recording in &recordings {
        let part = learned.part(&recording.fingerprint).map_or("test", |part| part.name());
        assert!(split.contains(&format!("{},{part}\n", recording.name)), "{split}");
    }
}

/// The best of several epochs is the first one here, since no gain counts.
#[test]
fn the_best_network_is_kept_and_not_the_last_one_and_training_may_end_early() {
    let (folder, sea_folder) = folder_with_sea(8);
    let ran = |name: &str, more: &[&str]| {
        let said = said(&[&["model_trainer.use_scheduler=false"], more].concat());
        let run_folder = folder.path().join(name);
        let outcome = run(&sea_folder, &run_folder, &said, None, None).outcome;
        (outcome.expect("a network"), bytes(&run_folder.join("model/model.safetensors")))
    };
    let (_, first) = ran("first", &["model_trainer.num_epochs=1"]);
    let no_gain = "model_trainer.early_stopping.least_gain=10";
    let patient = "model_trainer.early_stopping.patience_epochs=0";
    let (outcome, best) = ran("best", &["model_trainer.num_epochs=3", no_gain, patient]);
    assert_eq!((outcome.epochs, outcome.best_epoch), (3, 1));
    assert!(best == first, "the network of the first epoch is kept");
    let impatient = "model_trainer.early_stopping.patience_epochs=2";
    let (outcome, best) = ran("early", &["model_trainer.num_epochs=9", no_gain, impatient]);
    assert_eq!((outcome.epochs, outcome.best_epoch), (3, 1));
    assert!(best == first);
    let by_loss = "model_trainer.early_stopping.metric=loss";
    let (_, last) = ran("last", &["model_trainer.num_epochs=3", by_loss]);
    assert!(last != first, "there was something to choose");
}

/// Nothing is done to windows, so that a batch of 32 holds what two of 16 hold.
const PLAIN: [&str; 8] = [
    "data_loader.augment.time_shift_s=0",
    "data_loader.augment.gain_db=0",
    "data_loader.augment.noise_share=0",
    "data_loader.augment.time_masks=0",
    "data_loader.augment.frequency_masks=0",
    "model_trainer.optimizer=SGD",
    "model_trainer.lr=0.01",
    "model_trainer.num_epochs=1",
];

#[test]
fn batches_whose_gradients_are_added_are_one_larger_batch() {
    let (folder, sea_folder) = folder_with_sea(8);
    let trained = |name: &str, more: &[&str]| {
        let run_folder = folder.path().join(name);
        let said = said(&[&PLAIN[..], more].concat());
        run(&sea_folder, &run_folder, &said, None, None).outcome.expect("a network");
        weights(&run_folder.join("model/model.safetensors"))
    };
    let large = trained("large", &["data_loader.batch_size=32"]);
    let added = trained("added", &["model_trainer.accumulate_batches=2"]);
    let small = trained("small", &[]);
    let furthest = |other: &HashMap<String, Tensor>| {
        let of = |(name, tensor): (&String, &Tensor)| {
            let (a, b) = (values(tensor), values(&other[name]));
            a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        large.iter().map(of).fold(0.0, f32::max)
    };
    // Sums of a few dozen gradients in another order, a dozen steps long.
    assert!(furthest(&added) < 1e-5, "{}", furthest(&added));
    assert!(furthest(&small) > 1e-3, "{}", furthest(&small));
}
