//! Measures a small network in a tab beside one thread of the same machine: windows a second, and how far
//! the logits lie apart.
//!
//! `tab-bench AST_SPEED`, AST_SPEED being that example of spyhop-model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde_json::{Value, json};
use spyhop_tests::chromium::Chromium;
use spyhop_tests::models::models_of;
use spyhop_tests::{Server, listener};
use tempfile::TempDir;

/// Windows that are timed, and times: the best counts.
const WINDOWS: usize = 16;
const TIMES: usize = 3;

/// A network: its name, width, heads and frames. All have twelve layers, as the published ones.
const NETWORKS: [(&str, usize, usize, usize); 2] = [("tiny", 192, 3, 256), ("small", 384, 6, 256)];
const LAYERS: usize = 12;
const MELS: usize = 128;
const CLASSES: usize = 4;

fn main() -> anyhow::Result<()> {
    let ast_speed = std::env::args_os().nth(1).map(PathBuf::from);
    let ast_speed = ast_speed.context("name the example ast_speed of spyhop-model")?;
    let home = TempDir::new()?;
    let mut written = Vec::new();
    for (name, width, heads, frames) in NETWORKS {
        let folder = models_of(home.path()).join(name);
        let parameters = write(&folder, width, heads, frames)?;
        written.push((name, folder, parameters, 400 + (frames - 1) * 160));
    }
    let place = home.path().join("no-recordings");
    std::fs::create_dir(&place)?;
    let server = Server::start_of(home.path(), ["--data".as_ref(), place.as_os_str()])?;
    let mut chromium = Chromium::start(&[])?;
    chromium.session.goto(&server.url)?;
    println!("| network | parameters | in a tab | one thread | ratio | farthest logits |");
    println!("|---|--:|--:|--:|--:|--:|");
    for (name, folder, parameters, window) in written {
        let samples = noise(WINDOWS * window);
        let waves = home.path().join("waves.f32");
        std::fs::write(&waves, samples.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())?;
        let (native, expected) = one_thread(&ast_speed, &folder, &waves)?;
        let order = json!({ "Logits": { "job": 1, "network": network(&server, name)? } });
        let (mut best_ms, mut logits) = (f64::INFINITY, Vec::new());
        for _ in 0..TIMES {
            let (answer, floats) =
                listener::tell(&mut chromium.session, &order, &[], Some(&samples))?;
            let elapsed_ms = answer["Logits"]["elapsed_ms"].as_f64();
            best_ms = best_ms.min(elapsed_ms.with_context(|| answer.to_string())?);
            logits = floats.into_iter().next().unwrap_or_default();
        }
        let tab = WINDOWS as f64 / best_ms * 1e3;
        let apart = logits.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).abs());
        println!(
            "| {name}, {:.1} s windows | {:.1} million | {tab:.1} windows/s | {native:.1} windows/s | {:.2} | {:.1e} |",
            window as f64 / 16e3,
            parameters as f64 / 1e6,
            tab / native,
            apart.fold(0.0, f64::max),
        );
    }
    Ok(())
}

/// Windows a second of one thread, the front end included, and the logits of the first four.
fn one_thread(program: &Path, model: &Path, waves: &Path) -> anyhow::Result<(f64, Vec<f64>)> {
    let output = Command::new(program)
        .args([model, waves])
        .env("RAYON_NUM_THREADS", "1")
        .output()
        .with_context(|| program.display().to_string())?;
    let told: Value = serde_json::from_slice(&output.stdout)?;
    let seconds = |key: &str| told[key].as_f64().with_context(|| told.to_string());
    let window_s = seconds("front end")? + seconds("4")?;
    let logits = told["logits"].as_array().into_iter().flatten();
    let logits = logits.filter_map(Value::as_array).flatten().filter_map(Value::as_f64).collect();
    Ok((1.0 / window_s, logits))
}

/// A network of the server as the listener is told of it.
fn network(server: &Server, name: &str) -> anyhow::Result<Value> {
    let list: Value = ureq::get(server.at("api/v1/models")).call()?.body_mut().read_json()?;
    let mut models = list["models"].as_array().into_iter().flatten();
    let model = models.find(|model| model["name"] == name).context("it is not listed")?;
    let files: Vec<Value> = model["files"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|file| {
            let url =
                server.at(&format!("api/v1/models/{name}/{}", file["name"].as_str().unwrap_or("")));
            json!({ "name": file["name"], "bytes": file["bytes"], "url": url })
        })
        .collect();
    Ok(json!({ "name": name, "files": files, "authorisation": null }))
}

/// Writes a network with random weights; gives how many there are.
fn write(folder: &Path, width: usize, heads: usize, frames: usize) -> anyhow::Result<usize> {
    std::fs::create_dir_all(folder)?;
    let labels: BTreeMap<String, String> =
        (0..CLASSES).map(|i| (i.to_string(), format!("call {i}"))).collect();
    let config = json!({
        "model_type": "audio-spectrogram-transformer",
        "hidden_size": width, "num_hidden_layers": LAYERS, "num_attention_heads": heads,
        "intermediate_size": 4 * width, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
        "patch_size": 16, "frequency_stride": 10, "time_stride": 10, "qkv_bias": true,
        "max_length": frames, "num_mel_bins": MELS, "id2label": labels,
    });
    let preprocessor = json!({
        "feature_extractor_type": "ASTFeatureExtractor", "sampling_rate": 16_000,
        "max_length": frames, "num_mel_bins": MELS, "do_normalize": true,
        "mean": -4.2677393, "std": 4.5689974,
    });
    std::fs::write(folder.join("config.json"), config.to_string())?;
    std::fs::write(folder.join("preprocessor_config.json"), preprocessor.to_string())?;
    let (mut header, mut bytes) = (serde_json::Map::new(), Vec::new());
    let mut chance = 0x9e37_79b9_7f4a_7c15u64;
    for (name, shape) in shapes(width, frames) {
        let start = bytes.len();
        for _ in 0..shape.iter().product() {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            let value = ((chance >> 40) as f32 / (1u32 << 23) as f32 - 1.0) * 0.035;
            bytes.extend(value.to_le_bytes());
        }
        let about = json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, bytes.len()] });
        header.insert(name, about);
    }
    let header = Value::Object(header).to_string().into_bytes();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    let values = bytes.len() / 4;
    file.extend(bytes);
    std::fs::write(folder.join("model.safetensors"), file)?;
    Ok(values)
}

/// Names and shapes of an Audio Spectrogram Transformer's tensors.
fn shapes(width: usize, frames: usize) -> Vec<(String, Vec<usize>)> {
    let root = "audio_spectrogram_transformer";
    let tokens = 2 + ((MELS - 16) / 10 + 1) * ((frames - 16) / 10 + 1);
    let embeddings = format!("{root}.embeddings");
    let mut shapes = vec![
        (format!("{embeddings}.cls_token"), vec![1, 1, width]),
        (format!("{embeddings}.distillation_token"), vec![1, 1, width]),
        (format!("{embeddings}.position_embeddings"), vec![1, tokens, width]),
        (format!("{embeddings}.patch_embeddings.projection.weight"), vec![width, 1, 16, 16]),
        (format!("{embeddings}.patch_embeddings.projection.bias"), vec![width]),
    ];
    let mut linear = |name: String, out: usize, into: usize| {
        shapes.push((format!("{name}.weight"), vec![out, into]));
        shapes.push((format!("{name}.bias"), vec![out]));
    };
    for layer in 0..LAYERS {
        let layer = format!("{root}.encoder.layer.{layer}");
        for name in ["query", "key", "value"] {
            linear(format!("{layer}.attention.attention.{name}"), width, width);
        }
        linear(format!("{layer}.attention.output.dense"), width, width);
        linear(format!("{layer}.intermediate.dense"), 4 * width, width);
        linear(format!("{layer}.output.dense"), width, 4 * width);
    }
    linear("classifier.dense".to_owned(), CLASSES, width);
    let norms = (0..LAYERS)
        .flat_map(|layer| {
            ["layernorm_before", "layernorm_after"]
                .map(|norm| format!("{root}.encoder.layer.{layer}.{norm}"))
        })
        .chain([format!("{root}.layernorm"), "classifier.layernorm".to_owned()]);
    let norms: Vec<String> = norms.collect();
    for norm in norms {
        shapes.push((format!("{norm}.weight"), vec![width]));
        shapes.push((format!("{norm}.bias"), vec![width]));
    }
    shapes
}

fn noise(count: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..count).map(|_| 0.1 * next()).collect()
}
