//! `spyhop models`.

use std::fs;

use serde_json::{Value, json};
use spyhop_tests::models::ast_tiny;
use tempfile::TempDir;

use crate::{run, said};

#[test]
fn models_lists_what_a_network_hears() -> anyhow::Result<()> {
    let output = run("models", &ast_tiny(), "--json")?;
    assert!(output.status.success(), "{}", said(&output));
    let listed: Value = serde_json::from_slice(&output.stdout)?;
    let model = &listed[0];
    assert_eq!(model["card"]["classes"][4]["name"], "none");
    assert_eq!(model["window"]["window_samples"], 41_200);
    assert_eq!(model["parameters"], 84_245);
    assert_eq!(model["fingerprint"].as_str().map(str::len), Some(64));

    let words = run("models", &ast_tiny(), "")?;
    let words = String::from_utf8(words.stdout)?;
    assert!(words.contains("20 to 8000 Hz, at 16000 samples a second"), "{words}");
    assert!(words.contains("none: no call"), "{words}");

    // The adapter that lies in the same folder stands beside it.
    assert_eq!(model["adapters"], json!(["lora"]));
    assert!(words.contains("adapters    lora"), "{words}");
    let adapter = ast_tiny().join("lora");
    let adapted = run("models", &ast_tiny(), &format!("--json --adapter {}", adapter.display()))?;
    let adapted: Value = serde_json::from_slice(&adapted.stdout)?;
    assert_ne!(adapted[0]["fingerprint"], model["fingerprint"]);
    Ok(())
}

#[test]
fn models_checks_every_folder_and_fails_when_one_is_not_sound() -> anyhow::Result<()> {
    let place = TempDir::new()?;
    for name in ["broken", "sound"] {
        fs::create_dir(place.path().join(name))?;
        for file in ["config.json", "preprocessor_config.json", "model.safetensors"] {
            fs::copy(ast_tiny().join(file), place.path().join(name).join(file))?;
        }
    }
    fs::create_dir(place.path().join("photos"))?;
    fs::write(place.path().join("broken/model.safetensors"), b"no")?;
    let output = run("models", place.path(), "--json")?;
    assert_eq!(output.status.code(), Some(1));
    let listed: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let error = listed[0]["error"].as_str().unwrap_or_default();
    assert!(error.contains("model.safetensors can't be understood"), "{error}");
    assert_eq!(listed[1]["card"]["name"], json!("sound"));

    let torn = place.path().join("torn");
    fs::create_dir(&torn)?;
    fs::copy(ast_tiny().join("lora/adapter_config.json"), torn.join("adapter_config.json"))?;
    let told = said(&run("models", place.path(), "")?);
    assert!(told.contains("adapter_model.safetensors is missing"), "{told}");

    let empty = run("models", &place.path().join("photos"), "")?;
    assert_eq!(empty.status.code(), Some(1));
    assert!(said(&empty).contains("no model lies in"), "{}", said(&empty));
    Ok(())
}
