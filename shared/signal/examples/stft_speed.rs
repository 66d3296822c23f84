//! Prints the throughput of the short-time Fourier transform as one JSON object: million samples a
//! second, Hann windows in float32, half overlapping, by FFT size, instruction set and threads.
//!
//! `cargo run --release -p spyhop-signal --example stft_speed`

use std::sync::Barrier;
use std::time::{Duration, Instant};

use spyhop_signal::spectrum::Stft;

#[path = "stft_speed/work.rs"]
mod work;

/// What is measured takes at least this long; the best of several pieces of it counts, so that what
/// else runs on the machine does not.
const AT_LEAST: Duration = Duration::from_millis(1500);

fn main() {
    let mut lines = Vec::new();
    for fft_size in work::FFT_SIZES {
        for (name, plan) in planners() {
            for threads in [1, 2] {
                let rate = measure(fft_size, threads, work::spectrogram, plan);
                lines.push(format!("\"{fft_size} {name} {threads}\": {rate:.1}"));
            }
        }
        for threads in [1, 2] {
            let rate = measure(fft_size, threads, work::columns_of_64, auto);
            lines.push(format!("\"{fft_size} columns {threads}\": {rate:.1}"));
        }
    }
    println!("{{{}}}", lines.join(", "));
}

type Plan = fn(usize) -> Stft;

fn planners() -> Vec<(&'static str, Plan)> {
    let mut planners: Vec<(&str, Plan)> = vec![("auto", auto)];
    #[cfg(target_arch = "x86_64")]
    if rustfft::FftPlannerSse::<f32>::new().is_ok() {
        planners.push(("sse4.1", sse));
    }
    planners
}

fn auto(fft_size: usize) -> Stft {
    Stft::new(&work::spec(fft_size)).expect("a sane spec")
}

#[cfg(target_arch = "x86_64")]
fn sse(fft_size: usize) -> Stft {
    let mut planner = rustfft::FftPlannerSse::new().expect("asked before");
    let fft = planner.plan_fft_forward(fft_size);
    Stft::with_fft(&work::spec(fft_size), fft).expect("a sane spec")
}

/// Million samples a second of all threads together.
fn measure(
    fft_size: usize,
    threads: usize,
    work: fn(&mut Stft, &[f32], &mut Vec<f32>) -> f32,
    plan: Plan,
) -> f64 {
    let x = work::noise();
    let start_together = Barrier::new(threads);
    let one = || {
        let mut stft = plan(fft_size);
        let mut power = Vec::new();
        let mut best = f64::MAX;
        work(&mut stft, &x, &mut power);
        start_together.wait();
        let begun = Instant::now();
        while begun.elapsed() < AT_LEAST {
            let piece = Instant::now();
            std::hint::black_box(work(&mut stft, &x, &mut power));
            best = best.min(piece.elapsed().as_secs_f64());
        }
        x.len() as f64 / best / 1e6
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        running.into_iter().map(|t| t.join().expect("no panic")).sum()
    })
}
