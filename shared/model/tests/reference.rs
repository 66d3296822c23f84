//! The network gives the numbers of the reference implementation.

mod common;

use common::{
    WAVES, adapter_files, assert_close, expected, files, fixture, folder, on_cpu, rewritten, values,
};
use spyhop_model::{Batches, Classifier, MemoryFiles, ModelFolder, OpenOptions, Placement};

/// What the reference's own float32 arithmetic is good to.
const TOLERANCE: f32 = 1e-4;

/// The same tensors under the names that newer files use.
fn newer_names() -> MemoryFiles {
    let mut files = files();
    let weights = &files.files["model.safetensors"];
    let renamed = rewritten(weights, |name, shape, values| {
        let name = name
            .replace(".encoder.layer.", ".layers.")
            .replace("attention.attention.query", "attention.q_proj")
            .replace("attention.attention.key", "attention.k_proj")
            .replace("attention.attention.value", "attention.v_proj")
            .replace("attention.output.dense", "attention.o_proj")
            .replace("intermediate.dense", "mlp.fc1")
            .replace(".output.dense", ".mlp.fc2");
        Some((name, shape, values))
    });
    assert_ne!(&renamed, weights);
    files.files.insert("model.safetensors".into(), renamed);
    files
}

#[test]
fn features_hidden_states_and_logits_are_those_of_transformers() {
    let (model, expected) = (on_cpu(&folder()).expect("ast_tiny"), expected());
    for wave in WAVES {
        let of = |what: &str| values(&expected[&format!("{wave}.{what}")]);
        let samples = of("wave");
        let picture = model.features(&samples).expect("a window");
        assert_close(&picture.values, &of("features"), TOLERANCE, &format!("features of {wave}"));
        let input = model.stacked(&[picture]).expect("a tensor");
        let hidden = model.network().hidden(&input).expect("a forward pass");
        for (what, ours) in [
            ("hidden_first", &hidden.first),
            ("hidden_last", &hidden.last),
            ("logits", &hidden.logits),
        ] {
            assert_close(&values(ours), &of(what), TOLERANCE, &format!("{what} of {wave}"));
        }
        let logits = model.logits(&[&samples]).expect("logits");
        assert_close(&logits[0], &of("logits"), TOLERANCE, &format!("logits of {wave}"));
    }
}

#[test]
fn windows_of_a_batch_do_not_know_of_each_other() {
    let (model, expected) = (on_cpu(&folder()).expect("ast_tiny"), expected());
    let waves: Vec<Vec<f32>> =
        WAVES.iter().cycle().take(7).map(|w| values(&expected[&format!("{w}.wave")])).collect();
    let windows: Vec<&[f32]> = waves.iter().map(Vec::as_slice).collect();
    let together = model.logits(&windows).expect("logits");
    for (window, logits) in windows.iter().zip(&together) {
        let alone = model.logits(&[window]).expect("logits");
        assert_close(logits, &alone[0], 2e-6, "a window in a batch");
    }
}

#[test]
fn windows_come_back_in_order_while_the_next_are_prepared() {
    let (model, expected) = (on_cpu(&folder()).expect("ast_tiny"), expected());
    let waves: Vec<Vec<f32>> = WAVES.map(|w| values(&expected[&format!("{w}.wave")])).to_vec();
    let batch = model.batch_windows();
    let count = 2 * batch + 1;
    let mut batches: Batches<(usize, Vec<f32>)> = Batches::new(|(_, samples)| samples);
    let mut came = Vec::new();
    for number in 0..count {
        batches.waiting().push((number, waves[number % waves.len()].clone()));
        while let Some(some) = batches.next(&model, false).expect("logits") {
            came.extend(some);
        }
    }
    assert_eq!(came.len(), batch, "the second batch is being looked at");
    while let Some(some) = batches.next(&model, true).expect("logits") {
        came.extend(some);
    }
    assert_eq!(came.len(), count);
    for (place, ((number, samples), logits)) in came.iter().enumerate() {
        assert_eq!(place, *number);
        let alone = model.logits(&[samples]).expect("logits");
        assert_close(logits, &alone[0], 1e-5, &format!("window {number}"));
    }
}

#[test]
fn files_of_both_naming_schemes_load() {
    let older = on_cpu(&files()).expect("older names");
    let newer = on_cpu(&newer_names()).expect("newer names");
    for wave in WAVES {
        let wave = values(&expected()[&format!("{wave}.wave")]);
        assert_eq!(
            older.logits(&[&wave]).expect("logits"),
            newer.logits(&[&wave]).expect("logits")
        );
    }
}

#[test]
fn weights_in_shards_under_an_index_load() {
    let whole = files();
    let weights = &whole.files["model.safetensors"];
    let mut sharded = whole.clone();
    sharded.files.remove("model.safetensors");
    let in_first = |name: &str| name.contains("layer.0") || name.contains("embeddings");
    for (file, first) in
        [("model-00001-of-00002.safetensors", true), ("model-00002-of-00002.safetensors", false)]
    {
        let part = rewritten(weights, |name, shape, values| {
            (in_first(name) == first).then(|| (name.to_owned(), shape, values))
        });
        sharded.files.insert(file.into(), part);
    }
    let index = r#"{"metadata": {}, "weight_map": {
        "audio_spectrogram_transformer.embeddings.cls_token": "model-00001-of-00002.safetensors",
        "classifier.dense.bias": "model-00002-of-00002.safetensors"}}"#;
    sharded.files.insert("model.safetensors.index.json".into(), index.into());
    let wave = values(&expected()["upcall.wave"]);
    let logits = |files| on_cpu(files).expect("opens").logits(&[&wave]).expect("logits");
    assert_eq!(logits(&sharded), logits(&whole));
    sharded.files.remove("model-00002-of-00002.safetensors");
    let error = on_cpu(&sharded).err().expect("a shard is missing").to_string();
    assert!(error.contains("model-00002-of-00002.safetensors is missing"), "{error}");
}

#[test]
fn an_adapter_gives_the_numbers_of_peft_merged_and_beside() {
    // Of the four waves' features, by PEFT.
    let theirs = [
        [0.22861041, 0.2721535, 0.28553948, 0.47740528, -0.81425],
        [0.38697565, 0.12063675, 0.27207834, 0.38929707, -0.98283494],
        [0.3622917, -0.12768573, 0.3562231, 0.10260247, -0.5043185],
        [0.28121054, -0.12843347, 0.19084692, 0.52245575, -0.47803074],
    ];
    let (expected, lora) = (expected(), ModelFolder(fixture("lora")));
    let open = |keep_adapter_apart| {
        let options = OpenOptions {
            adapter: Some(&lora),
            keep_adapter_apart,
            placement: Some(Placement::cpu()),
        };
        Classifier::open_with(&folder(), &options).expect("an adapted network")
    };
    let (merged, beside) = (open(false), open(true));
    let plain = on_cpu(&folder()).expect("ast_tiny");
    for (wave, theirs) in WAVES.iter().zip(theirs) {
        let samples = values(&expected[&format!("{wave}.wave")]);
        for (model, what) in [(&merged, "merged"), (&beside, "beside")] {
            let ours = model.logits(&[&samples]).expect("logits");
            assert_close(&ours[0], &theirs, TOLERANCE, &format!("{wave}, {what}"));
        }
        let without = plain.logits(&[&samples]).expect("logits");
        assert!(
            without[0].iter().zip(theirs).any(|(a, b)| (a - b).abs() > 0.01),
            "it does something"
        );
    }
    assert_eq!(merged.fingerprint(), beside.fingerprint());
    assert_ne!(merged.fingerprint(), plain.fingerprint());
}

#[test]
fn an_adapter_of_older_names_and_a_head_of_other_classes_loads() {
    let mut lora = adapter_files();
    let older =
        rewritten(&lora.files["adapter_model.safetensors"], |name, mut shape, mut values| {
            let name = name
                .replace(".layers.", ".encoder.layer.")
                .replace("attention.q_proj", "attention.attention.query")
                .replace("attention.k_proj", "attention.attention.key")
                .replace("attention.v_proj", "attention.attention.value");
            if name.contains("classifier.dense") {
                shape[0] = 2;
                values.truncate(shape.iter().product());
            }
            Some((name, shape, values))
        });
    lora.files.insert("adapter_model.safetensors".into(), older);
    let config = String::from_utf8(lora.files["adapter_config.json"].clone()).expect("text");
    let config = config
        .replace("q_proj", "query")
        .replace("k_proj", "attention.key")
        .replace("v_proj", "value");
    lora.files.insert("adapter_config.json".into(), config.into());
    let options = OpenOptions {
        adapter: Some(&lora),
        keep_adapter_apart: false,
        placement: Some(Placement::cpu()),
    };
    let error = Classifier::open_with(&files(), &options).err().expect("five names").to_string();
    assert!(error.contains("names 5 classes, and the network has 2 outputs"), "{error}");
    let card = "[[class]]\nname = 'upcall'\n[[class]]\nname = 'whistle'";
    lora.files.insert("spyhop-model.toml".into(), card.into());
    let options = OpenOptions {
        adapter: Some(&lora),
        keep_adapter_apart: false,
        placement: Some(Placement::cpu()),
    };
    let model = Classifier::open_with(&files(), &options).expect("two names");
    let wave = values(&expected()["upcall.wave"]);
    let logits = model.logits(&[&wave]).expect("logits");
    assert_close(&logits[0], &[0.22861041, 0.2721535], TOLERANCE, "the first two classes");
}

/// On a machine with a GPU: in f32 as on the CPU, in half precision as far as its bits reach.
#[cfg(feature = "cuda")]
#[test]
fn logits_on_a_gpu_are_those_of_transformers() {
    use candle_core::DType;
    let expected = expected();
    for (dtype, tolerance) in [(DType::F32, 1e-3), (DType::BF16, 3e-2), (DType::F16, 4e-3)] {
        let placement = Placement::best(dtype);
        assert!(placement.is_gpu(), "no GPU answers");
        let options = OpenOptions { placement: Some(placement), ..OpenOptions::default() };
        let model = Classifier::open_with(&folder(), &options).expect("ast_tiny");
        let mut worst = 0f32;
        for wave in WAVES {
            let samples = values(&expected[&format!("{wave}.wave")]);
            let theirs = values(&expected[&format!("{wave}.logits")]);
            let ours = model.logits(&[&samples]).expect("logits");
            worst = ours[0].iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(worst, f32::max);
        }
        eprintln!("{dtype:?}: logits differ by at most {worst:.1e}");
        assert!(worst < tolerance, "{dtype:?}: {worst}");
    }
}
