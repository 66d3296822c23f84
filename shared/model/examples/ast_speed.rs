//! Times a network on noise, and prints one JSON object: seconds a window by batch, of the network and
//! of the front end, and the logits of the first windows.
//!
//! `cargo run -p spyhop-model --example ast_speed -- MODEL WAVES`, where WAVES holds windows of float32,
//! each as long as the network's.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use spyhop_model::{Classifier, MelPicture, ModelFolder};

/// Windows that are given at once.
const BATCHES: [usize; 2] = [1, 4];
/// Each batch is timed at least this often and this long; the best time counts, so that what else
/// runs on the machine does not.
const AT_LEAST: Duration = Duration::from_secs(8);
const AT_LEAST_TIMES: usize = 4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(model), Some(waves)) = (arguments.next(), arguments.next()) else {
        return Err("give a model's folder and a file of windows".into());
    };
    let model = Classifier::open(&ModelFolder(model))?;
    let samples = bytemuck::cast_slice::<u8, f32>(&std::fs::read(waves)?).to_vec();
    let windows: Vec<&[f32]> = samples.chunks_exact(model.window().window_samples).collect();

    let front_end_s = best(|| model.features(windows[0]).map(drop))?;
    let pictures: Vec<MelPicture> =
        windows.iter().map(|window| model.features(window)).collect::<Result<_, _>>()?;
    let mut lines = vec![format!("\"front end\": {front_end_s}")];
    for batch in BATCHES {
        let network_s = best(|| model.logits_of(&pictures[..batch]).map(drop))? / batch as f64;
        lines.push(format!("\"{batch}\": {network_s}"));
    }
    lines.push(format!("\"logits\": {:?}", model.logits(&windows[..BATCHES[1]])?));
    println!("{{{}}}", lines.join(", "));
    Ok(())
}

fn best<E>(mut work: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    work()?;
    let (begun, mut times, mut best) = (Instant::now(), 0, f64::MAX);
    while times < AT_LEAST_TIMES || begun.elapsed() < AT_LEAST {
        let piece = Instant::now();
        work()?;
        best = best.min(piece.elapsed().as_secs_f64());
        times += 1;
    }
    Ok(best)
}
