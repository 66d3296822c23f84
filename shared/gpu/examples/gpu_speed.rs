//! Prints the throughput of a picture of columns as one JSON object: million samples a second by FFT size, on
//! the adapter that there is and on one thread of the CPU. Samples lie in memory; reading them back counts.
//!
//! `cargo run --release -p spyhop-gpu --example gpu_speed`

use std::ops::Range;
use std::time::Instant;

use spyhop_api::view::{Scaling, Window};
use spyhop_gpu::{AdapterChoice, Gpu, GpuStft, Output};
use spyhop_signal::Line;
use spyhop_signal::line::Run;
use spyhop_signal::spectrum::{Columns, ColumnsSpec, Effort, SpectrumSpec, Stft, columns};

const SAMPLES: usize = 1 << 26;
const COLUMNS: usize = 1024;
/// The best of these counts, so that what else runs on the machine does not.
const TIMES: usize = 4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gpu = pollster::block_on(Gpu::open(AdapterChoice::Any))?;
    let mut lines = vec![format!("\"adapter\": {:?}", gpu.adapter().name)];
    let run = Run { position: 0, frames: SAMPLES as u64, recording: 0, first_frame: 0 };
    let line = Line { sample_rate_hz: 192_000.0, origin: None, runs: vec![run] };
    let samples: Vec<f32> = (0..SAMPLES).map(|i| (i as f32 * 0.37).sin() * 0.1).collect();
    let mut read = |range: Range<i64>, out: &mut Vec<f32>| {
        let range = range.start.max(0) as usize..(range.end.max(0) as usize).min(SAMPLES);
        out.extend_from_slice(samples.get(range).ok_or("no such samples")?);
        Ok(())
    };
    for fft_size in [512, 1024, 2048, 4096] {
        let spec = spec(fft_size);
        let on_gpu = GpuStft::new(&gpu, &spec.spectrum)?;
        let rate = best(|| {
            let mut is_cancelled = || false;
            let work = on_gpu.columns(&spec, &line, Output::Power, &mut read, &mut is_cancelled);
            pollster::block_on(work).ok().flatten()
        })?;
        lines.push(format!("\"{fft_size} gpu\": {rate:.0}"));
        let mut stft = Stft::new(&spec.spectrum)?;
        let rate =
            best(|| columns(&spec, &mut stft, &line, &mut read, &mut || false).ok().flatten())?;
        lines.push(format!("\"{fft_size} cpu\": {rate:.0}"));
    }
    println!("{{{}}}", lines.join(", "));
    Ok(())
}

fn spec(fft_size: usize) -> ColumnsSpec {
    let spectrum = SpectrumSpec {
        fft_size,
        window_samples: fft_size,
        hop_samples: fft_size / 2,
        window: Window::Hann,
        scaling: Scaling::Density,
        sample_rate_hz: 192_000.0,
    };
    ColumnsSpec {
        spectrum,
        column_samples: (SAMPLES / COLUMNS) as u64,
        first_column: 0,
        columns: COLUMNS,
        first_row: 0,
        rows: spectrum.rows(1),
        bins_per_row: 1,
        effort: Effort::Exact,
    }
}

/// Million samples a second.
fn best(mut work: impl FnMut() -> Option<Columns>) -> Result<f64, &'static str> {
    let mut best = f64::MAX;
    for _ in 0..TIMES {
        let begun = Instant::now();
        work().ok_or("the work was not done")?;
        best = best.min(begun.elapsed().as_secs_f64());
    }
    Ok(SAMPLES as f64 / best / 1e6)
}
