//! The differentiable arithmetic gives the gradients of PyTorch, of every tensor.

mod common;

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor, Var};
use common::{WAVES, assert_close, expected, folder, tensors, values};
use spyhop_model::{Arithmetic, Ast, AstConfig, Build, LowRank, ModelError, Parameters, Weights};

/// Makes a variable of each tensor.
struct Variables {
    weights: Weights,
    made: BTreeMap<String, Var>,
}

impl Parameters for Variables {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let variable = Var::from_tensor(&self.weights.take(name, shape)?)?;
        let tensor = variable.as_tensor().clone();
        self.made.insert(name.to_owned(), variable);
        Ok(tensor)
    }

    fn low_rank(&mut self, _: &str, _: [usize; 2]) -> Result<Option<LowRank>, ModelError> {
        Ok(None)
    }
}

#[test]
fn every_gradient_is_that_of_pytorch() {
    let config = AstConfig::read(&folder()).expect("ast_tiny");
    let build = Build {
        arithmetic: Arithmetic::Differentiable,
        device: Device::Cpu,
        dtype: DType::F32,
        grid: config.grid(),
        mels: config.num_mel_bins,
        outputs: config.labels.len(),
    };
    let weights = Weights::read(&folder()).expect("ast_tiny");
    let mut variables = Variables { weights, made: BTreeMap::new() };
    let network = Ast::new(&config, &build, &mut variables).expect("ast_tiny");
    let expected = expected();
    let pictures: Vec<&Tensor> =
        WAVES.iter().map(|w| &expected[&format!("{w}.features")]).collect();
    let pictures = Tensor::cat(&pictures, 0).expect("a batch");
    let logits = network.logits(&pictures).expect("a forward pass");
    for (wave, logits) in WAVES.iter().zip(logits.to_vec2::<f32>().expect("logits")) {
        assert_close(&logits, &values(&expected[&format!("{wave}.logits")]), 1e-4, wave);
    }
    let labels = Tensor::new(&[0u32, 1, 4, 0], &Device::Cpu).expect("labels");
    let loss = candle_nn::loss::cross_entropy(&logits, &labels).expect("a loss");
    assert_close(&values(&loss), &values(&expected["loss"]), 1e-5, "the loss");
    let gradients = loss.backward().expect("a backward pass");

    let theirs = tensors("expected_gradients.safetensors");
    assert_eq!(theirs.len(), variables.made.len());
    for (name, theirs) in &theirs {
        let variable = &variables.made[name];
        let ours = gradients.get(variable.as_tensor());
        let ours = values(ours.unwrap_or_else(|| panic!("{name} has no gradient")));
        let theirs = values(theirs);
        let largest = |of: &[f32]| of.iter().map(|x| x.abs()).fold(0.0, f32::max);
        if name.ends_with("k_proj.bias") {
            // Zero by mathematics: what is added to all keys adds the same to all scores of a query.
            assert!(largest(&ours) < 1e-6, "{name}: {}", largest(&ours));
            continue;
        }
        assert!(largest(&ours) > 0.0, "{name} has a gradient of zeros");
        assert_close(&ours, &theirs, 1e-4 * largest(&theirs), name);
    }
}
