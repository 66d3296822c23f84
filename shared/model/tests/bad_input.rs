//! What is wrong with a model folder is told by file and name, and nothing gives a wrong number in silence.

mod common;

use common::{adapter_files, expected, files, rewritten, values};
use spyhop_model::{Classifier, MemoryFiles, OpenOptions, check_adapter};

#[track_caller]
fn refused(files: &MemoryFiles) -> String {
    Classifier::open(files).err().expect("it is refused").to_string()
}

/// The folder with a piece of one of its JSON files replaced.
fn with(file: &str, from: &str, to: &str) -> MemoryFiles {
    let mut files = files();
    let text = String::from_utf8(files.files[file].clone()).expect("text");
    assert!(text.contains(from), "{from}");
    files.files.insert(file.into(), text.replacen(from, to, 1).into_bytes());
    files
}

fn with_weights(
    change: impl Fn(&str, Vec<usize>, Vec<f32>) -> Option<(String, Vec<usize>, Vec<f32>)>,
) -> MemoryFiles {
    let mut files = files();
    let weights = rewritten(&files.files["model.safetensors"], change);
    files.files.insert("model.safetensors".into(), weights);
    files
}

#[test]
fn a_folder_that_is_no_model_says_what_one_holds() {
    let error = refused(&MemoryFiles { place: "photos".into(), ..MemoryFiles::default() });
    assert!(error.starts_with("photos/config.json is missing: a model folder holds"), "{error}");
    for file in ["preprocessor_config.json", "model.safetensors"] {
        let mut files = files();
        files.files.remove(file);
        let error = refused(&files);
        assert!(error.starts_with(&format!("memory/{file} is missing: ")), "{error}");
    }
}

#[test]
fn files_that_are_not_what_their_names_say_are_refused_by_name() {
    for (file, bytes) in [
        ("config.json", &b"{"[..]),
        ("config.json", b"[1]"),
        ("config.json", b"\xff\xfe"),
        ("preprocessor_config.json", b"no"),
        ("model.safetensors", b""),
        ("model.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\xff"),
        ("model.safetensors", b"\x10\0\0\0\0\0\0\0{\"a\": 1}"),
        ("spyhop-model.toml", b"name = "),
        ("spyhop-model.toml", b"\xff"),
    ] {
        let mut files = files();
        files.files.insert(file.into(), bytes.to_vec());
        let error = refused(&files);
        assert!(error.starts_with(&format!("memory/{file} can't be understood: ")), "{error}");
    }
    let mut cut = files();
    let weights = cut.files["model.safetensors"].clone();
    cut.files.insert("model.safetensors".into(), weights[..weights.len() / 2].to_vec());
    assert!(refused(&cut).starts_with("memory/model.safetensors can't be understood"));
}

#[test]
fn a_configuration_of_another_network_is_refused_by_its_name() {
    let error = refused(&with("config.json", "audio-spectrogram-transformer", "wav2vec2"));
    assert!(error.contains("describes the architecture 'wav2vec2'"), "{error}");
    let error = refused(&with("config.json", "\"model_type\"", "\"kind\""));
    assert!(error.contains("describes the architecture 'none'"), "{error}");
    let error = refused(&with("preprocessor_config.json", "ASTFeature", "WhisperFeature"));
    assert!(error.contains("ASTFeatureExtractor is expected"), "{error}");
}

#[test]
fn a_missing_or_impossible_key_is_named() {
    for key in ["hidden_size", "num_hidden_layers", "patch_size", "max_length", "time_stride"] {
        let error = refused(&with("config.json", &format!("\"{key}\""), "\"other\""));
        assert_eq!(error, format!("memory/config.json lacks the key '{key}'"));
    }
    for (from, to, expected) in [
        ("\"hidden_size\": 48", "\"hidden_size\": -3", "hidden_size = -3: a whole number"),
        ("\"hidden_size\": 48", "\"hidden_size\": 1e300", "a whole number of 1 to 65536"),
        ("\"hidden_size\": 48", "\"hidden_size\": \"big\"", "hidden_size = \"big\""),
        ("heads\": 4", "heads\": 5", "num_attention_heads = 5: it must divide hidden_size, 48"),
        ("\"gelu\"", "\"relu\"", "hidden_act = \"relu\": only gelu is known"),
        ("patch_size\": 16", "patch_size\": 160", "must fit into the picture of 128 filters"),
        ("\"0\": \"upcall\"", "\"9\": \"upcall\"", "names by the numbers from 0 on"),
        ("1e-12", "-1", "layer_norm_eps = -1: it can't be negative"),
    ] {
        let error = refused(&with("config.json", from, to));
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn missing_misshapen_and_surplus_tensors_are_named_with_their_shapes() {
    let named = "audio_spectrogram_transformer.encoder.layer.1.output.dense.weight";
    let files = with_weights(|name, shape, values| {
        (name != named).then(|| (name.to_owned(), shape, values))
    });
    assert_eq!(
        refused(&files),
        "memory/model.safetensors lacks the tensor \
         audio_spectrogram_transformer.layers.1.mlp.fc2.weight of shape [48, 96]"
    );
    let files = with_weights(|name, shape, values| {
        let shape = if name == named { vec![96, 48] } else { shape };
        Some((name.to_owned(), shape, values))
    });
    assert!(refused(&files).ends_with("has the shape [96, 48], where [48, 96] is expected"));
    // Weights of more layers than the configuration tells of give other numbers than they should.
    let error =
        refused(&with("config.json", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2"));
    assert!(
        error.contains("holds 16 tensors that the network of config.json has no place for"),
        "{error}"
    );
    let error =
        refused(&with("config.json", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4"));
    assert!(error.contains("lacks the tensor audio_spectrogram_transformer.layers.3."), "{error}");
}

#[test]
fn weights_that_are_no_numbers_are_found() {
    for (value, at) in [(f32::NAN, 100), (f32::INFINITY, 0), (f32::NEG_INFINITY, 47)] {
        let files = with_weights(|name, shape, mut values| {
            if name.ends_with("layer.2.attention.attention.key.weight") {
                values[at] = value;
                values[2000] = value;
            }
            Some((name.to_owned(), shape, values))
        });
        let error = refused(&files);
        assert!(error.contains("layers.2.attention.k_proj.weight holds 2 values"), "{error}");
        assert!(error.contains(&format!("the first at index {at}:")), "{error}");
    }
}

#[test]
fn more_classes_than_names_are_refused() {
    let error = refused(&with("config.json", "\"4\": \"none\"", "\"4\": \"none\", \"5\": \"x\""));
    assert_eq!(error, "memory/config.json names 6 classes, and the network has 5 outputs");
    let error = refused(&with("config.json", ",\n    \"4\": \"none\"", ""));
    assert_eq!(error, "memory/config.json names 4 classes, and the network has 5 outputs");
    let error = refused(&with("config.json", "id2label", "names"));
    assert_eq!(error, "memory/config.json names 2 classes, and the network has 5 outputs");
}

#[test]
fn an_index_can_t_name_files_outside_of_its_folder() {
    for shard in ["../secret", "/etc/passwd", "..", "C:\\x", "a/b"] {
        let mut files = files();
        files.files.remove("model.safetensors");
        let index = serde_json::json!({"weight_map": {"classifier.dense.bias": shard}});
        files.files.insert("model.safetensors.index.json".into(), index.to_string().into());
        let error = refused(&files);
        assert!(error.contains("plain names of files beside it are expected"), "{error}");
    }
}

#[test]
fn an_adapter_that_does_not_fit_is_refused() {
    let refused = |adapter: &MemoryFiles| {
        let options =
            OpenOptions { adapter: Some(adapter), keep_adapter_apart: false, placement: None };
        let error = Classifier::open_with(&files(), &options).err().expect("it is refused");
        let by_shapes = check_adapter(&files(), adapter).expect_err("it is refused");
        assert_eq!(error.to_string(), by_shapes.to_string());
        error.to_string()
    };
    check_adapter(&files(), &adapter_files()).expect("it fits");
    let with = |from: &str, to: &str| {
        let mut adapter = adapter_files();
        let text = String::from_utf8(adapter.files["adapter_config.json"].clone()).expect("text");
        assert!(text.contains(from), "{from}");
        adapter.files.insert("adapter_config.json".into(), text.replace(from, to).into_bytes());
        adapter
    };
    let error = refused(&files());
    assert!(error.contains("adapter_config.json is missing: an adapter's folder holds"), "{error}");
    let error = refused(&with("\"LORA\"", "\"IA3\""));
    assert!(error.contains("an adapter of the kind 'IA3': LORA is known"), "{error}");
    let error = refused(&with("\"use_dora\": false", "\"use_dora\": true"));
    assert!(error.contains("it was made with use_dora"), "{error}");
    let error = refused(&with("\"r\": 4", "\"r\": 8"));
    assert!(error.contains("has the shape [4, 48], where [8, 48] is expected"), "{error}");
    let error = refused(&with("\"q_proj\"", "\"o_proj\""));
    let lacks =
        "lacks the tensor audio_spectrogram_transformer.layers.0.attention.o_proj.lora_A.weight";
    assert!(error.contains(lacks), "{error}");
    let error = refused(&with("\"rank_pattern\": {}", "\"rank_pattern\": {\"^q.*\": 2}"));
    assert!(error.contains("by plain names of modules are expected"), "{error}");

    let mut of_other = adapter_files();
    let renamed = rewritten(&of_other.files["adapter_model.safetensors"], |name, shape, values| {
        Some((name.replace("layers.2", "layers.7"), shape, values))
    });
    of_other.files.insert("adapter_model.safetensors".into(), renamed);
    let error = refused(&of_other);
    assert!(
        error.contains(
            "lacks the tensor audio_spectrogram_transformer.layers.2.attention.q_proj.lora_A.weight"
        ),
        "{error}"
    );
}

#[test]
fn samples_that_are_no_window_are_refused_by_number() {
    let model = Classifier::open(&files()).expect("ast_tiny");
    let wave = values(&expected()["noise.wave"]);
    let most = model.window().window_samples;
    let long = vec![0.0; most + 1];
    let mut broken = wave.clone();
    broken[77] = f32::NAN;
    let error = |windows: &[&[f32]]| model.logits(windows).expect_err("refused").to_string();
    assert_eq!(error(&[&wave, &wave[..399]]), "window 1 has 399 samples: give 400 to 41200");
    assert_eq!(error(&[&long]), "window 0 has 41201 samples: give 400 to 41200");
    assert_eq!(error(&[&broken]), "window 0 holds a sample that is no finite number, at 77");
    assert_eq!(model.logits(&[]).expect("none"), Vec::<Vec<f32>>::new());
}

#[test]
fn a_logit_that_is_no_number_is_refused() {
    let files = with_weights(|name, shape, values| {
        let huge = name == "classifier.dense.weight" || name == "classifier.layernorm.weight";
        let scale = if huge { 1e25 } else { 1.0 };
        Some((name.to_owned(), shape, values.iter().map(|x| x * scale).collect()))
    });
    let model = Classifier::open(&files).expect("finite weights");
    let error = model.logits(&[&values(&expected()["noise.wave"])]).expect_err("refused");
    assert!(
        error.to_string().contains("window 0 gives a logit that is no finite number"),
        "{error}"
    );
}
