//! Detection in the tab: the same numbers as the server's, and nothing is uploaded.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use spyhop_tests::Page;
use spyhop_tests::models::{ast_tiny, reference};

use crate::Stage;

/// Starts the listener, tells it one order with the network's files and, where they are given, samples, and
/// gives the last answer with its floats.
const TELL: &str = "
    const [order, files, samples] = arguments;
    const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const objects = files.map((text) => new Blob([bytes(text)]));
    if (samples) objects.push(bytes(samples).buffer);
    const worker = new Worker(new URL('listener.js', document.baseURI), {type: 'module'});
    return new Promise((done) => {
        worker.onerror = (e) => done([{Panicked: {message: String(e.message)}}, []]);
        worker.onmessage = ({data: [text, ...buffers]}) => {
            const answer = JSON.parse(text);
            if (answer === 'Ready') return worker.postMessage([JSON.stringify(order), ...objects]);
            if (answer.Begun || answer.Found) return;
            worker.terminate();
            done([answer, buffers.map((buffer) => [...new Float32Array(buffer)])]);
        };
    });";

/// A network's files as the listener is told of them, with some of them changed.
fn network(change: impl Fn(&str, Vec<u8>) -> Vec<u8>) -> anyhow::Result<(Value, Vec<String>)> {
    let (mut files, mut contents) = (Vec::new(), Vec::new());
    for name in ["config.json", "preprocessor_config.json", "model.safetensors"] {
        let bytes = change(name, std::fs::read(ast_tiny().join(name))?);
        files.push(json!({ "name": name, "bytes": bytes.len(), "url": null }));
        contents.push(BASE64_STANDARD.encode(bytes));
    }
    Ok((json!({ "name": "ast_tiny", "files": files, "authorisation": null }), contents))
}

fn tell(
    page: &mut Page<'_>,
    order: &Value,
    files: &[String],
    samples: Option<&[f32]>,
) -> anyhow::Result<(Value, Vec<Vec<f32>>)> {
    let samples = samples.map(|samples| {
        let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
        BASE64_STANDARD.encode(bytes)
    });
    let answer = page.session.execute(TELL, json!([order, files, samples]))?;
    Ok(serde_json::from_value(answer)?)
}

#[test]
fn the_tab_gives_the_logits_of_the_reference_implementation() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let (network, files) = network(|_, bytes| bytes)?;
    let order = json!({ "Logits": { "job": 1, "network": network } });
    let mut page = stage.page("")?;
    for wave in ["upcall", "whistle", "noise", "short"] {
        let samples = reference(&format!("{wave}.wave"))?;
        let (answer, floats) = tell(&mut page, &order, &files, Some(&samples))?;
        let logits = floats.first().cloned().unwrap_or_default();
        assert_eq!(answer["Logits"]["classes"], 5, "{answer}");
        let expected = reference(&format!("{wave}.logits"))?;
        for (ours, theirs) in logits.iter().zip(&expected) {
            // The native program keeps the same distance: WebAssembly has no fused multiply-add, and
            // sums in four lanes, so that the last bits differ.
            assert!((ours - theirs).abs() < 1e-4, "{wave}: {logits:?} for {expected:?}");
        }
    }
    Ok(())
}

#[test]
fn a_network_that_is_none_is_refused_by_what_is_wrong_with_it() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let mut page = stage.page("")?;
    let said = |page: &mut Page<'_>, change: &dyn Fn(&str, Vec<u8>) -> Vec<u8>| {
        let (network, files) = network(change)?;
        let order = json!({ "Describe": { "job": 1, "network": network } });
        let (answer, _) = tell(page, &order, &files, None)?;
        anyhow::Ok(answer["Failed"]["message"].as_str().unwrap_or_default().to_owned())
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let other = said(&mut page, &|name, bytes| match name {
        "config.json" => text(bytes).replace("audio-spectrogram-transformer", "bert").into_bytes(),
        _ => bytes,
    })?;
    assert!(other.contains("describes the architecture 'bert'"), "{other}");
    let misshapen = said(&mut page, &|name, bytes| match name {
        "config.json" => text(bytes)
            .replace("\"intermediate_size\": 96", "\"intermediate_size\": 64")
            .into_bytes(),
        _ => bytes,
    })?;
    assert!(misshapen.contains("has the shape [96") && misshapen.contains("[64"), "{misshapen}");
    let not_a_number = said(&mut page, &|name, mut bytes| {
        if name == "model.safetensors" {
            let end = bytes.len();
            bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        }
        bytes
    })?;
    assert!(not_a_number.contains("no finite numbers"), "{not_a_number}");
    let damaged = said(&mut page, &|name, bytes| match name {
        "model.safetensors" => bytes[..1000].to_vec(),
        _ => bytes,
    })?;
    assert!(damaged.contains("can't be understood"), "{damaged}");
    Ok(())
}

#[test]
fn a_network_too_large_for_a_tab_is_left_to_a_server() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let mut page = stage.page("")?;
    let file = json!({ "name": "model.safetensors", "bytes": 1_300_000_000u64, "url": null });
    let network = json!({ "name": "large", "files": [file], "authorisation": null });
    let order = json!({ "Describe": { "job": 1, "network": network } });
    let (answer, _) = tell(&mut page, &order, &[], None)?;
    let said = answer["Failed"]["message"].as_str().unwrap_or_default();
    assert!(said.contains("1300 MB") && said.contains("spyhop detect"), "{answer}");
    Ok(())
}
