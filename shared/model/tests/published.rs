//! A folder in the form of the published AudioSet checkpoint (`MIT/ast-finetuned-audioset-10-10-0.4593`),
//! with random weights, loads as it is.

mod common;

use std::collections::BTreeMap;

use common::{assert_close, on_cpu};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use spyhop_model::{AstConfig, MemoryFiles, Scores};

const WIDTH: usize = 768;
const INSIDE: usize = 3072;
const LAYERS: usize = 12;
const CLASSES: usize = 527;

/// Its tensors, by the names and in the shapes that stand in the published file.
fn shapes() -> BTreeMap<String, Vec<usize>> {
    let mut shapes = BTreeMap::new();
    let mut add = |name: String, shape: &[usize]| {
        shapes.insert(name, shape.to_vec());
    };
    let root = "audio_spectrogram_transformer";
    let embeddings = format!("{root}.embeddings");
    add(format!("{embeddings}.cls_token"), &[1, 1, WIDTH]);
    add(format!("{embeddings}.distillation_token"), &[1, 1, WIDTH]);
    add(format!("{embeddings}.position_embeddings"), &[1, 1214, WIDTH]);
    add(format!("{embeddings}.patch_embeddings.projection.weight"), &[WIDTH, 1, 16, 16]);
    add(format!("{embeddings}.patch_embeddings.projection.bias"), &[WIDTH]);
    let linears = [
        ("attention.attention.query", WIDTH, WIDTH),
        ("attention.attention.key", WIDTH, WIDTH),
        ("attention.attention.value", WIDTH, WIDTH),
        ("attention.output.dense", WIDTH, WIDTH),
        ("intermediate.dense", INSIDE, WIDTH),
        ("output.dense", WIDTH, INSIDE),
    ];
    for layer in 0..LAYERS {
        let layer = format!("{root}.encoder.layer.{layer}");
        for (name, out, into) in linears {
            add(format!("{layer}.{name}.weight"), &[out, into]);
            add(format!("{layer}.{name}.bias"), &[out]);
        }
        for norm in ["layernorm_before", "layernorm_after"] {
            add(format!("{layer}.{norm}.weight"), &[WIDTH]);
            add(format!("{layer}.{norm}.bias"), &[WIDTH]);
        }
    }
    for norm in [format!("{root}.layernorm"), "classifier.layernorm".into()] {
        add(format!("{norm}.weight"), &[WIDTH]);
        add(format!("{norm}.bias"), &[WIDTH]);
    }
    add("classifier.dense.weight".into(), &[CLASSES, WIDTH]);
    add("classifier.dense.bias".into(), &[CLASSES]);
    shapes
}

fn files() -> MemoryFiles {
    let names =
        (0..CLASSES).map(|i| format!("\"{i}\": \"Sound {i}\"")).collect::<Vec<_>>().join(",");
    let config = format!(
        r#"{{"architectures": ["ASTForAudioClassification"], "attention_probs_dropout_prob": 0.0,
        "frequency_stride": 10, "hidden_act": "gelu", "hidden_dropout_prob": 0.0, "hidden_size": 768,
        "id2label": {{{names}}}, "initializer_range": 0.02, "intermediate_size": 3072,
        "layer_norm_eps": 1e-12, "max_length": 1024, "model_type": "audio-spectrogram-transformer",
        "num_attention_heads": 12, "num_hidden_layers": 12, "num_mel_bins": 128, "patch_size": 16,
        "qkv_bias": true, "time_stride": 10, "torch_dtype": "float32",
        "transformers_version": "4.25.0.dev0"}}"#
    );
    let preprocessor = r#"{"do_normalize": true, "feature_extractor_type": "ASTFeatureExtractor",
        "feature_size": 1, "max_length": 1024, "mean": -4.2677393, "num_mel_bins": 128,
        "padding_side": "right", "padding_value": 0.0, "return_attention_mask": false,
        "sampling_rate": 16000, "std": 4.5689974}"#;
    let shapes = shapes();
    let mut chance = 0x9e37_79b9_7f4a_7c15u64;
    // In half precision, which loads too and takes half the memory: ±0.008 to 0.016.
    let values: Vec<(Vec<usize>, Vec<u8>)> = shapes
        .values()
        .map(|shape| {
            let count = shape.iter().product();
            let mut bytes = Vec::with_capacity(2 * count);
            for _ in 0..count {
                chance ^= chance << 13;
                chance ^= chance >> 7;
                chance ^= chance << 17;
                let bits = (chance as u16 & 0x83ff) | 0x2000;
                bytes.extend(bits.to_le_bytes());
            }
            (shape.clone(), bytes)
        })
        .collect();
    let views = shapes.keys().zip(&values).map(|(name, (shape, bytes))| {
        (name, TensorView::new(Dtype::F16, shape.clone(), bytes).expect("a view"))
    });
    let weights = safetensors::serialize(views, None).expect("safetensors");
    let files = [
        ("config.json", config.into_bytes()),
        ("preprocessor_config.json", preprocessor.into()),
        ("model.safetensors", weights),
    ];
    MemoryFiles {
        place: "ast-finetuned".into(),
        files: files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect(),
    }
}

#[test]
fn the_published_configuration_loads_and_hears() {
    let files = files();
    let config = AstConfig::read(&files).expect("its configuration");
    assert_eq!(config, AstConfig { labels: config.labels.clone(), ..AstConfig::base(Vec::new()) });
    let model = on_cpu(&files).expect("its weights");
    drop(files);
    let (card, plan) = (model.card(), model.window());
    assert_eq!((card.name.as_str(), card.classes.len()), ("ast-finetuned", CLASSES));
    assert_eq!((card.scores, card.band_hz), (Scores::Sigmoid, (20.0, 8000.0)));
    assert_eq!(
        (plan.rate_hz, plan.window_samples, plan.hop_samples, plan.least_samples),
        (16e3, 400 + 1023 * 160, 1024 * 160, 400)
    );
    let clip: Vec<f32> = (0..160_000).map(|i| (i as f32 * 0.03).sin() * 0.1).collect();
    assert_eq!(model.features(&clip).expect("10 s").heard_frames, 998);
    let logits = model.logits(&[&clip]).expect("logits");
    assert_eq!(logits[0].len(), CLASSES);
    // The last block leaves out what the head does not see; all of it gives the same.
    let picture = model.features(&clip).and_then(|p| model.stacked(&[p])).expect("a picture");
    let whole = model.network().hidden(&picture).expect("a forward pass");
    assert_eq!(whole.last.dims(), [1, 1214, WIDTH]);
    assert_close(&logits[0], &common::values(&whole.logits), 1e-5, "logits");
}
