//! Detection in the tab: the same numbers as the server's, and nothing is uploaded.

use serde_json::{Value, json};
use spyhop_tests::Page;
use spyhop_tests::listener::tell;
use spyhop_tests::models::{ast_tiny, reference};

use crate::Stage;

/// A network's files as the listener is told of them, with some of them changed.
fn network(change: impl Fn(&str, Vec<u8>) -> Vec<u8>) -> anyhow::Result<(Value, Vec<Vec<u8>>)> {
    let (mut files, mut contents) = (Vec::new(), Vec::new());
    for name in ["config.json", "preprocessor_config.json", "model.safetensors"] {
        let bytes = change(name, std::fs::read(ast_tiny().join(name))?);
        files.push(json!({ "name": name, "bytes": bytes.len(), "url": null }));
        contents.push(bytes);
    }
    Ok((json!({ "name": "ast_tiny", "files": files, "authorisation": null }), contents))
}

#[test]
fn the_tab_gives_the_logits_of_the_reference_implementation() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let (network, files) = network(|_, bytes| bytes)?;
    let order = json!({ "Logits": { "job": 1, "network": network } });
    let mut page = stage.page("")?;
    for wave in ["upcall", "whistle", "noise", "short"] {
        let samples = reference(&format!("{wave}.wave"))?;
        let (answer, floats) = tell(page.session, &order, &files, Some(&samples))?;
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
        let (answer, _) = tell(page.session, &order, &files, None)?;
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
    let (answer, _) = tell(page.session, &order, &[], None)?;
    let said = answer["Failed"]["message"].as_str().unwrap_or_default();
    assert!(said.contains("1300 MB") && said.contains("spyhop detect"), "{answer}");
    Ok(())
}
