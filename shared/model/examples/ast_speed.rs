//! Times a network on noise, and prints one JSON object: seconds a window by batch, of the network and
//! of the front end, and the logits of the first windows.
//!
//! `cargo run -p spyhop-model --example ast_speed -- MODEL WAVES [f32|bf16|f16 [BATCH…]]`, where WAVES holds
//! windows of float32, each as long as the network's; the kind of number is a GPU's.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use candle_core::DType;
use spyhop_model::{Classifier, MelPicture, ModelFolder, OpenOptions, Placement};

/// Windows that are given at once, where nothing is said.
const BATCHES: [usize; 2] = [1, 4];
/// Each batch is timed at least this often and this long; the best time counts, so that what else
/// runs on the machine does not.
const AT_LEAST: Duration = Duration::from_secs(8);
/// On a GPU, which is always equally fast.
const AT_LEAST_ON_GPU: Duration = Duration::from_secs(2);
const AT_LEAST_TIMES: usize = 4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(model), Some(waves)) = (arguments.next(), arguments.next()) else {
        return Err("give a model's folder and a file of windows".into());
    };
    let kind = arguments.next();
    let at_least = if kind.is_some() { AT_LEAST_ON_GPU } else { AT_LEAST };
    let dtype = match kind.as_deref() {
        Some("f32") => DType::F32,
        Some("f16") => DType::F16,
        _ => DType::BF16,
    };
    let mut batches: Vec<usize> = arguments.map(|word| word.parse()).collect::<Result<_, _>>()?;
    if batches.is_empty() {
        batches = BATCHES.to_vec();
    }
    let placement = Some(Placement::best(dtype));
    let options = OpenOptions { placement, ..OpenOptions::default() };
    let model = Classifier::open_with(&ModelFolder(PathBuf::from(model)), &options)?;
    let samples = bytemuck::cast_slice::<u8, f32>(&std::fs::read(waves)?).to_vec();
    let windows: Vec<&[f32]> = samples.chunks_exact(model.window().window_samples).collect();

    let front_end_s = best(at_least, || model.features(windows[0]).map(drop))?;
    let pictures: Vec<MelPicture> =
        windows.iter().map(|window| model.features(window)).collect::<Result<_, _>>()?;
    let mut lines = vec![format!("\"front end\": {front_end_s}")];
    for batch in batches {
        let some = pictures.get(..batch).ok_or("give more windows")?;
        let network_s = best(at_least, || model.logits_of(some).map(drop))? / batch as f64;
        lines.push(format!("\"{batch}\": {network_s}"));
    }
    lines.push(format!(
        "\"logits\": {:?}",
        model.logits(windows.get(..BATCHES[1]).ok_or("give more windows")?)?
    ));
    println!("{{{}}}", lines.join(", "));
    Ok(())
}

fn best<E>(at_least: Duration, mut work: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    work()?;
    let (begun, mut times, mut best) = (Instant::now(), 0, f64::MAX);
    while times < AT_LEAST_TIMES || begun.elapsed() < at_least {
        let piece = Instant::now();
        work()?;
        best = best.min(piece.elapsed().as_secs_f64());
        times += 1;
    }
    Ok(best)
}
