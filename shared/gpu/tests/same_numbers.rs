//! The kernels against the CPU, on whatever adapter there is (Mesa's lavapipe will do). Without one
//! the tests say so and pass.

use std::ops::Range;

use spyhop_api::view::{Scaling, Window};
use spyhop_gpu::{AdapterChoice, Gpu, GpuError, GpuStft, Output};
use spyhop_signal::Line;
use spyhop_signal::line::Run;
use spyhop_signal::spectrum::{Columns, ColumnsSpec, Effort, SpectrumSpec, Stft, columns};

fn gpu() -> Option<Gpu> {
    match pollster::block_on(Gpu::open(AdapterChoice::Any)) {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            eprintln!("SKIPPED: {error}; install mesa-vulkan-drivers to run the kernels");
            None
        }
    }
}

fn picture(
    fft_size: usize,
    hop_samples: usize,
    column_samples: u64,
    columns: usize,
) -> ColumnsSpec {
    let spectrum = SpectrumSpec {
        fft_size,
        window_samples: fft_size,
        hop_samples,
        window: Window::BlackmanHarris,
        scaling: Scaling::Density,
        sample_rate_hz: 96_000.0,
    };
    ColumnsSpec {
        spectrum,
        column_samples,
        first_column: 0,
        columns,
        first_row: 0,
        rows: spectrum.rows(1),
        bins_per_row: 1,
        effort: Effort::Exact,
    }
}

fn line(runs: &[Range<i64>]) -> Line {
    let run = |r: &Range<i64>| Run {
        position: r.start,
        frames: (r.end - r.start) as u64,
        recording: 0,
        first_frame: 0,
    };
    Line { sample_rate_hz: 96_000.0, origin: None, runs: runs.iter().map(run).collect() }
}

/// A loud tone, a faint one 70 dB below, noise 85 dB below, and DC.
fn sample(position: i64) -> f32 {
    let mut h = (position as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    h = (h ^ (h >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let noise = ((h ^ (h >> 29)) >> 40) as f64 / f64::from(1 << 23) - 1.0;
    let t = position as f64;
    (0.1 + 0.5 * (0.7 * t).sin() + 1.6e-4 * (2.1 * t).sin() + 3e-5 * noise) as f32
}

fn read(line: &Line) -> impl FnMut(Range<i64>, &mut Vec<f32>) -> Result<(), String> {
    move |range, out| {
        out.extend(range.map(|p| if line.is_recorded(p) { sample(p) } else { 0.0 }));
        Ok(())
    }
}

fn on_gpu(gpu: &Gpu, spec: &ColumnsSpec, line: &Line, output: Output) -> Columns {
    let stft = GpuStft::new(gpu, &spec.spectrum).expect("a length that runs");
    pollster::block_on(stft.columns(spec, line, output, &mut read(line), &mut || false))
        .expect("a device that works")
        .expect("not cancelled")
}

fn on_cpu(spec: &ColumnsSpec, line: &Line) -> Columns {
    let mut stft = Stft::new(&spec.spectrum).expect("a sane spec");
    columns(spec, &mut stft, line, &mut read(line), &mut || false)
        .expect("readable")
        .expect("not cancelled")
}

fn db(power: f32) -> f64 {
    10.0 * f64::from(power.max(f32::MIN_POSITIVE)).log10()
}

/// Within 0.1 dB for cells within 90 dB of their column's maximum.
fn assert_same(ours: &[f32], theirs: &[f32], rows: usize) {
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.chunks(rows).zip(theirs.chunks(rows)) {
        let largest = theirs.iter().fold(0.0, |m: f32, p| m.max(*p));
        for (row, (a, b)) in ours.iter().zip(theirs).enumerate() {
            if db(*b) > db(largest) - 90.0 {
                assert!((db(*a) - db(*b)).abs() <= 0.1, "row {row}: {} for {} dB", db(*a), db(*b));
            }
        }
    }
}

fn assert_same_columns(gpu: &Gpu, spec: &ColumnsSpec, line: &Line) {
    let (ours, theirs) = (on_gpu(gpu, spec, line, Output::Power), on_cpu(spec, line));
    assert_same(&ours.mean, &theirs.mean, spec.rows);
    assert_same(&ours.max, &theirs.max, spec.rows);
    assert_eq!((&ours.frames, ours.exact), (&theirs.frames, theirs.exact));
    for (a, b) in ours.wave.iter().zip(&theirs.wave) {
        // NaN in gaps is equal here.
        assert_eq!((a.min.to_bits(), a.max.to_bits()), (b.min.to_bits(), b.max.to_bits()));
        let close = (a.mean_square - b.mean_square).abs() <= 1e-5 * b.mean_square;
        assert!(close || b.mean_square.is_nan(), "{a:?} for {b:?}");
    }
}

#[test]
fn every_length_gives_the_cpus_numbers() {
    let Some(gpu) = gpu() else { return };
    eprintln!("adapter: {:?}", gpu.adapter());
    let line = line(&[0..60_000]);
    for fft_size in [64, 128, 256, 512, 1024, 2048, 4096] {
        assert_same_columns(&gpu, &picture(fft_size, fft_size / 2, 1 << 13, 7), &line);
    }
}

#[test]
fn zoomed_in_to_less_than_a_hop_it_gives_the_cpus_numbers() {
    let Some(gpu) = gpu() else { return };
    let spec = ColumnsSpec { first_column: -3, ..picture(1024, 512, 128, 40) };
    assert_same_columns(&gpu, &spec, &line(&[0..4000]));
}

#[test]
fn gaps_rows_zero_padding_and_a_short_window_are_as_on_the_cpu() {
    let Some(gpu) = gpu() else { return };
    let line = line(&[0..7000, 9001..20_011, 40_000..41_000]);
    let mut spec = picture(512, 100, 1 << 11, 24);
    spec.spectrum.window_samples = 301;
    spec.spectrum.window = Window::Kaiser(9.0);
    spec.spectrum.scaling = Scaling::Spectrum;
    (spec.bins_per_row, spec.first_row, spec.rows) = (4, 3, spec.spectrum.rows(4) - 3);
    assert_same_columns(&gpu, &spec, &line);
}

#[test]
fn a_sampled_picture_looks_at_the_same_frames() {
    let Some(gpu) = gpu() else { return };
    let effort = Effort::Sampled { frames_per_column: 4 };
    let spec = ColumnsSpec { effort, ..picture(256, 128, 1 << 15, 8) };
    assert_same_columns(&gpu, &spec, &line(&[0..1 << 18]));
}

#[test]
fn more_samples_than_a_batch_make_one_picture() {
    let Some(gpu) = gpu() else { return };
    let spec = ColumnsSpec { bins_per_row: 8, rows: 9, ..picture(128, 1024, 1 << 22, 2) };
    assert_same_columns(&gpu, &spec, &line(&[0..9_000_000]));
}

#[test]
fn decibels_are_made_on_the_device() {
    let Some(gpu) = gpu() else { return };
    let spec = picture(256, 128, 1 << 12, 4);
    let line = line(&[0..12_000]);
    let (ours, power) = (on_gpu(&gpu, &spec, &line, Output::Decibels), on_cpu(&spec, &line));
    for (a, p) in ours.mean.iter().zip(&power.mean).filter(|(_, p)| db(**p) > -130.0) {
        assert!((f64::from(*a) - db(*p)).abs() < 0.1, "{a} for {} dB", db(*p));
    }
}

#[test]
fn what_does_not_run_here_is_refused_and_work_can_be_dropped() {
    let Some(gpu) = gpu() else { return };
    for fft_size in [32, 1000, 8192] {
        let refused = GpuStft::new(&gpu, &picture(fft_size, 16, 16, 1).spectrum);
        assert!(matches!(refused.err(), Some(GpuError::FftSize { .. })), "{fft_size}");
    }
    let spec = picture(256, 128, 1 << 12, 4);
    let line = line(&[0..12_000]);
    let stft = GpuStft::new(&gpu, &spec.spectrum).expect("a length that runs");
    let mut source = read(&line);
    assert_eq!(
        pollster::block_on(stft.columns(&spec, &line, Output::Power, &mut source, &mut || true)),
        Ok(None)
    );
    let mut broken = |_: Range<i64>, _: &mut Vec<f32>| Err("the disk is gone".to_owned());
    assert_eq!(
        pollster::block_on(stft.columns(&spec, &line, Output::Power, &mut broken, &mut || false)),
        Err(GpuError::Read("the disk is gone".into()))
    );
}

#[test]
fn a_software_adapter_is_known_and_not_taken_for_speed() {
    let Some(gpu) = gpu() else { return };
    let name = gpu.adapter().name.to_lowercase();
    if name.contains("llvmpipe") || name.contains("swiftshader") {
        assert!(gpu.adapter().is_software);
        let refused = pollster::block_on(Gpu::open(AdapterChoice::Hardware));
        assert!(matches!(refused.err(), Some(GpuError::NoAdapter(_))));
    }
}
