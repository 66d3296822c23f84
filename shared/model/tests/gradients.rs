//! The differentiable arithmetic gives the gradients of PyTorch, of every tensor that is trained, and of no
//! other.

mod common;

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor, Var};
use common::{WAVES, assert_close, expected, folder, tensors, values};
use spyhop_model::{
    Arithmetic, Ast, AstConfig, Build, LowRank, ModelError, Parameters, Placement, Weights,
    is_module,
};

/// Makes a variable of each tensor that is to be trained.
struct Variables {
    weights: Weights,
    train: fn(&str) -> bool,
    with_paths: bool,
    device: Device,
    made: BTreeMap<String, Var>,
}

impl Parameters for Variables {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let tensor = self.weights.take(name, shape)?.to_device(&self.device)?;
        if !(self.train)(name) {
            return Ok(tensor);
        }
        let variable = Var::from_tensor(&tensor)?;
        let tensor = variable.as_tensor().clone();
        self.made.insert(name.to_owned(), variable);
        Ok(tensor)
    }

    fn low_rank(
        &mut self,
        module: &str,
        [out, into]: [usize; 2],
    ) -> Result<Option<LowRank>, ModelError> {
        if !self.with_paths || !["q_proj", "k_proj", "v_proj"].iter().any(|t| is_module(t, module))
        {
            return Ok(None);
        }
        let wave = |count: usize| (0..count).map(|i| (i as f32 * 0.7).sin() * 0.3).collect();
        let a = Var::from_vec::<_, f32>(wave(RANK * into), (RANK, into), &self.device)?;
        let b = Var::zeros((out, RANK), DType::F32, &self.device)?;
        let path = LowRank {
            a: a.as_tensor().clone(),
            b: b.as_tensor().clone(),
            scale: SCALE,
            dropout: None,
        };
        self.made.insert(format!("{module}.A"), a);
        self.made.insert(format!("{module}.B"), b);
        Ok(Some(path))
    }
}

const RANK: usize = 4;
const SCALE: f64 = 0.5;

/// The loss of the reference's batch, and the variables of the network that gave it.
fn loss(train: fn(&str) -> bool, with_paths: bool) -> (Tensor, BTreeMap<String, Var>) {
    let (logits, loss, made) = on(&Placement::cpu(), train, with_paths);
    let expected = expected();
    for (wave, logits) in WAVES.iter().zip(logits.to_vec2::<f32>().expect("logits")) {
        assert_close(&logits, &values(&expected[&format!("{wave}.logits")]), 1e-4, wave);
    }
    assert_close(&values(&loss), &values(&expected["loss"]), 1e-5, "the loss");
    (loss, made)
}

/// Logits, the loss and the variables, computed somewhere.
fn on(
    placement: &Placement,
    train: fn(&str) -> bool,
    with_paths: bool,
) -> (Tensor, Tensor, BTreeMap<String, Var>) {
    let config = AstConfig::read(&folder()).expect("ast_tiny");
    let build = Build {
        arithmetic: Arithmetic::Differentiable,
        device: placement.device.clone(),
        dtype: placement.dtype,
        grid: config.grid(),
        mels: config.num_mel_bins,
        outputs: config.labels.len(),
    };
    let weights = Weights::read(&folder()).expect("ast_tiny");
    let mut variables = Variables {
        weights,
        train,
        with_paths,
        device: placement.device.clone(),
        made: BTreeMap::new(),
    };
    let network = Ast::new(&config, &build, &mut variables).expect("ast_tiny");
    let expected = expected();
    let pictures: Vec<&Tensor> =
        WAVES.iter().map(|w| &expected[&format!("{w}.features")]).collect();
    let pictures = Tensor::cat(&pictures, 0).expect("a batch");
    let pictures = pictures.to_device(&placement.device).expect("a batch");
    let logits = network.logits(&pictures).expect("a forward pass");
    let labels = Tensor::new(&[0u32, 1, 4, 0], &placement.device).expect("labels");
    let loss = candle_nn::loss::cross_entropy(&logits, &labels).expect("a loss");
    (logits, loss, variables.made)
}

fn largest(of: &[f32]) -> f32 {
    of.iter().map(|x| x.abs()).fold(0.0, f32::max)
}

/// Compares the gradients of everything that was trained.
fn assert_gradients(loss: &Tensor, made: &BTreeMap<String, Var>) {
    let gradients = loss.backward().expect("a backward pass");
    let theirs = tensors("expected_gradients.safetensors");
    for (name, variable) in made {
        let ours = gradients.get(variable.as_tensor());
        let ours = values(ours.unwrap_or_else(|| panic!("{name} has no gradient")));
        let theirs = values(&theirs[name]);
        if name.ends_with("k_proj.bias") {
            // Zero by mathematics: what is added to all keys adds the same to all scores of a query.
            assert!(largest(&ours) < 1e-6, "{name}: {}", largest(&ours));
            continue;
        }
        assert!(largest(&ours) > 0.0, "{name} has a gradient of zeros");
        assert_close(&ours, &theirs, 1e-4 * largest(&theirs), name);
    }
}

#[test]
fn every_gradient_is_that_of_pytorch() {
    let (loss, made) = loss(|_| true, false);
    assert_eq!(made.len(), tensors("expected_gradients.safetensors").len());
    assert_gradients(&loss, &made);
}

#[test]
fn gradients_of_a_part_are_the_same_where_the_rest_is_frozen() {
    let head: fn(&str) -> bool = |name| name.starts_with("classifier.");
    let last: fn(&str) -> bool =
        |name| name.contains("layers.2.") || name.starts_with("classifier.");
    let biases: fn(&str) -> bool = |name| name.ends_with("bias");
    let first: fn(&str) -> bool = |name| name.contains("embeddings.");
    for train in [head, last, biases, first] {
        let (loss, made) = loss(train, false);
        assert!(!made.is_empty());
        assert_gradients(&loss, &made);
    }
}

#[test]
fn gradients_of_low_rank_paths_follow_from_those_of_pytorch_s_weights() {
    let (loss, made) = loss(|_| false, true);
    assert_eq!(made.len(), 3 * 3 * 2);
    let gradients = loss.backward().expect("a backward pass");
    let theirs = tensors("expected_gradients.safetensors");
    let of = |name: &str| {
        let gradient = gradients.get(made[name].as_tensor());
        gradient.unwrap_or_else(|| panic!("{name} has no gradient"))
    };
    for name in made.keys().filter_map(|name| name.strip_suffix(".A")) {
        // W + s B A: with B = 0 the loss is that of W alone, ∂B = s ∂W Aᵀ and ∂A = s Bᵀ ∂W = 0.
        let by_weight = &theirs[&format!("{name}.weight")];
        let a = made[&format!("{name}.A")].as_tensor();
        let expected = by_weight.matmul(&a.t().expect("Aᵀ")).and_then(|t| t * SCALE);
        let expected = values(&expected.expect("a product"));
        let ours = values(of(&format!("{name}.B")));
        assert_close(&ours, &expected, 1e-4 * largest(&expected), name);
        assert_eq!(largest(&values(of(&format!("{name}.A")))), 0.0, "{name}");
    }
}

/// On a machine with a GPU. f32 products go through TF32 nowhere; bf16 has 8 bits, f16 11.
#[cfg(feature = "cuda")]
#[test]
fn gradients_on_a_gpu_are_those_of_pytorch() {
    let theirs = tensors("expected_gradients.safetensors");
    for (dtype, tolerance) in [(DType::F32, 1e-3), (DType::BF16, 0.1), (DType::F16, 0.02)] {
        let placement = Placement::best(dtype);
        assert!(placement.is_gpu(), "no GPU answers");
        let (logits, loss, made) = on(&placement, |_| true, false);
        let expected = expected();
        let mut apart = 0f32;
        for (wave, logits) in WAVES.iter().zip(logits.to_vec2::<f32>().expect("logits")) {
            let theirs = values(&expected[&format!("{wave}.logits")]);
            apart = logits.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(apart, f32::max);
        }
        eprintln!("{dtype:?}: logits differ by at most {apart:.1e}");
        // As in training: f16 holds none of the small gradients unless all are larger on their way.
        let scale = if dtype == DType::F16 { 65_536.0 } else { 1.0 };
        let gradients = (loss * scale).and_then(|loss| loss.backward()).expect("a backward pass");
        let mut worst = 0f32;
        for (name, variable) in &made {
            if name.ends_with("k_proj.bias") {
                continue;
            }
            let ours = gradients.get(variable.as_tensor()).expect(name);
            let ours = values(&(ours / scale).expect("a gradient"));
            let theirs = values(&theirs[name]);
            let size = largest(&theirs);
            for (a, b) in ours.iter().zip(&theirs) {
                worst = worst.max((a - b).abs() / size);
            }
        }
        eprintln!("{dtype:?}: gradients differ by at most {worst:.1e} of their tensor's largest");
        assert!(worst < tolerance, "{dtype:?}: {worst}");
    }
}

/// Likewise, where a layer stands still beside its path.
#[cfg(feature = "cuda")]
#[test]
fn gradients_of_low_rank_paths_on_a_gpu_are_those_of_the_cpu() {
    let gradients_on = |placement: &Placement| {
        let (_, loss, made) = on(placement, |_| false, true);
        let gradients = loss.backward().expect("a backward pass");
        let of = |(name, variable): (String, Var)| {
            let gradient = values(gradients.get(variable.as_tensor()).expect(&name));
            (name, gradient)
        };
        made.into_iter().map(of).collect::<BTreeMap<String, Vec<f32>>>()
    };
    let theirs = gradients_on(&Placement::cpu());
    for (dtype, tolerance) in [(DType::F32, 1e-3), (DType::BF16, 0.1)] {
        let placement = Placement::best(dtype);
        assert!(placement.is_gpu(), "no GPU answers");
        let ours = gradients_on(&placement);
        assert_eq!(ours.len(), theirs.len());
        for (name, theirs) in &theirs {
            assert_close(&ours[name], theirs, tolerance * largest(theirs), name);
        }
    }
}
