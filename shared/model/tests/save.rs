//! What is written is read back as it was.

mod common;

use std::collections::BTreeMap;

use candle_core::Tensor;
use common::{WAVES, assert_close, expected, files, folder, on_cpu, tensors, values};
use spyhop_model::save::{AdapterPlan, adapter_files, model_files};
use spyhop_model::{
    AstConfig, Classifier, MemoryFiles, ModelFiles, OpenOptions, Placement, older_name, read_card,
};

/// The reference's weights, by the names inside.
fn weights() -> BTreeMap<String, Tensor> {
    // The gradients carry the newer names; the weights are of the older ones.
    let (names, weights) =
        (tensors("expected_gradients.safetensors"), tensors("model.safetensors"));
    names.into_keys().map(|name| (name.clone(), weights[&*older_name(&name)].clone())).collect()
}

#[test]
fn a_model_folder_is_read_back_as_it_was_written() {
    let config = AstConfig::read(&folder()).expect("ast_tiny");
    let mut card = read_card(&[&folder()], &config).expect("a card");
    card.description = "Finds \"upcalls\",\nand more".into();
    card.classes[0].threshold = 0.37;
    card.classes[4].is_call = true;
    card.hop_samples = 8000;
    card.time_compression = 8.0;
    card.band_hz = (2.5, 900.0);
    for class in &mut card.classes {
        class.band_hz = (10.0, 800.0);
    }
    let files = model_files(&config, &card, &weights()).expect("files");
    let written = MemoryFiles { place: "memory".into(), files };
    assert_eq!(AstConfig::read(&written).expect("a configuration"), config);
    let classifier = on_cpu(&written).expect("a model");
    assert_eq!(classifier.card(), &card);
    let features = expected();
    for wave in WAVES {
        let logits = classifier.network().logits(&features[&format!("{wave}.features")]);
        let logits = values(&logits.expect("logits"));
        assert_close(&logits, &values(&features[&format!("{wave}.logits")]), 1e-4, wave);
    }
}

#[test]
fn an_adapter_s_folder_is_read_back_as_it_was_written() {
    let lora = tensors("lora/adapter_model.safetensors");
    let inside = |name: &str| name.strip_prefix("base_model.model.").expect("PEFT's").to_owned();
    let mut low_rank = BTreeMap::new();
    let mut whole = BTreeMap::new();
    for (name, tensor) in &lora {
        let name = inside(name);
        match name.strip_suffix(".lora_A.weight") {
            Some(module) => {
                let b = &lora[&format!("base_model.model.{module}.lora_B.weight")];
                low_rank.insert(module.to_owned(), (tensor.clone(), b.clone()));
            }
            None if name.ends_with(".lora_B.weight") => {}
            None => {
                whole.insert(name, tensor.clone());
            }
        }
    }
    let plan = AdapterPlan {
        base: "ast_tiny".into(),
        rank: 4,
        alpha: 8.0,
        dropout: 0.1,
        targets: ["q_proj", "k_proj", "v_proj"].map(str::to_owned).to_vec(),
        modules_to_save: vec!["classifier".into()],
        bias: "none".into(),
    };
    let base = files();
    let card = read_card(&[&base], &AstConfig::read(&base).expect("ast_tiny")).expect("a card");
    let written = adapter_files(&plan, &card, &low_rank, &whole).expect("files");
    let written = MemoryFiles { place: "adapter".into(), files: written };
    let logits = |adapter: &dyn ModelFiles| {
        let options = OpenOptions {
            adapter: Some(adapter),
            keep_adapter_apart: true,
            placement: Some(Placement::cpu()),
        };
        let classifier = Classifier::open_with(&base, &options).expect("an adapted network");
        let logits = classifier.network().logits(&expected()["upcall.features"]);
        values(&logits.expect("logits"))
    };
    assert_eq!(logits(&written), logits(&common::adapter_files()));
}
