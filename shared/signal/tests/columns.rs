//! What pictures are made of: pooling, gaps, seams, and what stays visible.

use std::ops::Range;

use proptest::prelude::*;
use spyhop_api::view::{Scaling, Window};
use spyhop_signal::Line;
use spyhop_signal::line::Run;
use spyhop_signal::spectrum::{
    Columns, ColumnsSpec, Effort, SpectrumSpec, Stft, columns, peak_threshold_db,
};

fn spectrum(fft_size: usize, hop_samples: usize) -> SpectrumSpec {
    SpectrumSpec {
        fft_size,
        window_samples: fft_size,
        hop_samples,
        window: Window::Hann,
        scaling: Scaling::Density,
        sample_rate_hz: 8000.0,
    }
}

fn picture(spectrum: SpectrumSpec, column_samples: u64, columns: usize) -> ColumnsSpec {
    let rows = spectrum.rows(1);
    let (first_row, bins_per_row) = (0, 1);
    let effort = Effort::Exact;
    ColumnsSpec {
        spectrum,
        column_samples,
        first_column: 0,
        columns,
        first_row,
        rows,
        bins_per_row,
        effort,
    }
}

fn line(runs: &[Range<i64>]) -> Line {
    let run = |r: &Range<i64>| Run {
        position: r.start,
        frames: (r.end - r.start) as u64,
        recording: 0,
        first_frame: 0,
    };
    Line { sample_rate_hz: 8000.0, origin: None, runs: runs.iter().map(run).collect() }
}

/// White noise of variance 1/3, the same whenever a position is asked for.
fn noise(position: i64) -> f32 {
    let mut h = (position as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    h = (h ^ (h >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h ^= h >> 29;
    (h >> 40) as f32 / (1 << 23) as f32 - 1.0
}

fn compute(spec: &ColumnsSpec, line: &Line, sample: impl Fn(i64) -> f32) -> Columns {
    let mut stft = Stft::new(&spec.spectrum).expect("a sane spec");
    let mut read = |range: Range<i64>, out: &mut Vec<f32>| {
        assert!(range.start >= 0 && range.end <= line.end(), "{range:?} is off the line");
        let value = |p| if line.is_recorded(p) { sample(p) } else { 0.0 };
        out.extend(range.map(value));
        Ok(())
    };
    columns(spec, &mut stft, line, &mut read, &mut || false)
        .expect("readable")
        .expect("not cancelled")
}

/// The definition, frame by frame.
fn by_definition(
    spec: &ColumnsSpec,
    line: &Line,
    sample: impl Fn(i64) -> f32,
) -> (Vec<f64>, Vec<f64>) {
    let (column, hop) = (spec.column_samples as i64, spec.spectrum.hop_samples as i64);
    let width = spec.spectrum.window_samples as i64;
    let mut stft = Stft::new(&spec.spectrum).expect("a sane spec");
    let (mut means, mut maxima) = (Vec::new(), Vec::new());
    for c in spec.first_column..spec.first_column + spec.columns as i64 {
        let centres: Vec<i64> = if column <= hop {
            vec![c * column + column / 2]
        } else {
            (c * column..(c + 1) * column).filter(|p| p.rem_euclid(hop) == 0).collect()
        };
        let centres: Vec<i64> = centres.into_iter().filter(|p| line.is_recorded(*p)).collect();
        let recorded_from = |p: i64, step: i64| {
            (0..width).take_while(|i| line.is_recorded(p + i * step)).count() as i64
        };
        // Where the window around a centre begins if it is moved as far inwards as it has to be.
        let moved = |centre: i64| {
            let (left, right) = (recorded_from(centre, -1), recorded_from(centre, 1));
            let start = centre - width / 2;
            let is_long = left + right > width;
            is_long.then(|| start.clamp(centre - left + 1, centre + right - width))
        };
        let stays = |c: &&i64| moved(**c).is_none_or(|start| start == **c - width / 2);
        let whole: Vec<i64> = centres.iter().filter(stays).map(|c| c - width / 2).collect();
        let starts = match centres.first() {
            Some(first) if whole.is_empty() => vec![moved(*first).unwrap_or(first - width / 2)],
            _ => whole,
        };
        let frames: Vec<Vec<f32>> = starts
            .into_iter()
            .map(|start| {
                let value = |p| if line.is_recorded(p) { sample(p) } else { 0.0 };
                let x: Vec<f32> = (start..start + width).map(value).collect();
                let mut power = vec![0.0; stft.bins()];
                stft.frame(&x, &mut power);
                power
            })
            .collect();
        for row in spec.first_row..spec.first_row + spec.rows {
            let bins = row * spec.bins_per_row..((row + 1) * spec.bins_per_row).min(stft.bins());
            let cells: Vec<f64> =
                frames.iter().flat_map(|f| f[bins.clone()].iter().map(|p| f64::from(*p))).collect();
            means.push(cells.iter().sum::<f64>() / cells.len().max(1) as f64);
            maxima.push(cells.iter().fold(0.0, |m: f64, p| m.max(*p)));
        }
    }
    (means, maxima)
}

fn assert_close(ours: &[f32], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs.iter().fold(0.0, |m: f64, v| m.max(*v));
    for (a, b) in ours.iter().zip(theirs) {
        // f32 transforms of one and of two frames round differently.
        assert!((f64::from(*a) - b).abs() <= 1e-4 * b + 1e-6 * largest, "{a} for {b}");
    }
}

prop_compose! {
    fn pictures()(
        fft_size in 2usize..70, window in 1usize..70, hop in 1usize..50, column_samples in 1u64..400,
        first_column in -3i64..8, columns in 1usize..12, bins_per_row in 1usize..5,
        rows in (0.0..1.0, 0.0..=1.0f64), gaps in proptest::collection::vec((1i64..300, 1i64..90), 1..5),
    ) -> (ColumnsSpec, Line) {
        let window_samples = window.min(fft_size);
        let window = if window_samples < 4 { Window::Rectangular } else { Window::Hann };
        let spectrum = SpectrumSpec { window_samples, window, ..spectrum(fft_size, hop) };
        let all = spectrum.rows(bins_per_row);
        let first_row = (rows.0 * all as f64) as usize;
        let rows = (rows.1 * (all - first_row) as f64) as usize;
        let mut runs = Vec::new();
        let mut at = 0;
        for (recorded, gap) in gaps {
            runs.push(at..at + recorded);
            at += recorded + gap;
        }
        let spec = ColumnsSpec {
            first_column, columns, first_row, rows, bins_per_row, ..picture(spectrum, column_samples, 0)
        };
        (spec, line(&runs))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn columns_are_what_they_are_defined_to_be((spec, line) in pictures()) {
        let ours = compute(&spec, &line, noise);
        let (means, maxima) = by_definition(&spec, &line, noise);
        assert_close(&ours.mean, &means);
        if ours.max.is_empty() && spec.rows > 0 {
            prop_assert!(ours.frames.iter().all(|f| *f <= 1));
        } else {
            assert_close(&ours.max, &maxima);
        }
        for (i, wave) in ours.wave.iter().enumerate() {
            let start = (spec.first_column + i as i64) * spec.column_samples as i64;
            let xs: Vec<f32> = (start..start + spec.column_samples as i64)
                .filter(|p| line.is_recorded(*p)).map(noise).collect();
            if xs.is_empty() {
                prop_assert!(wave.min.is_nan() && wave.mean_square.is_nan());
            } else {
                prop_assert_eq!(wave.min, xs.iter().copied().fold(f32::INFINITY, f32::min));
                prop_assert_eq!(wave.max, xs.iter().copied().fold(f32::NEG_INFINITY, f32::max));
                let mean = xs.iter().map(|x| x * x).sum::<f32>() / xs.len() as f32;
                prop_assert!((wave.mean_square - mean).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn tiles_meet_without_a_seam((spec, line) in pictures(), cut in 0usize..6) {
        let cut = (2 * cut).min(spec.columns);
        // Tiles of the page begin at even columns; the two columns of an FFT are then the same.
        let spec = ColumnsSpec { first_column: spec.first_column * 2, ..spec };
        let whole = compute(&spec, &line, noise);
        let left = compute(&ColumnsSpec { columns: cut, ..spec }, &line, noise);
        let first_column = spec.first_column + cut as i64;
        let rest = ColumnsSpec { first_column, columns: spec.columns - cut, ..spec };
        let right = compute(&rest, &line, noise);
        prop_assert_eq!([left.mean, right.mean].concat(), whole.mean);
        prop_assert_eq!([left.frames, right.frames].concat(), whole.frames);
    }
}

#[test]
fn a_recording_with_an_offset_does_not_begin_with_a_click() {
    // A tone on a large DC, as real instruments have it, from position 1000 to 9000.
    let line = line(&[1000..9000]);
    let sample = |p: i64| 0.5 + 0.01 * (p as f32 * 0.7).sin();
    for (hop, column_samples) in [(32, 16), (32, 40), (32, 400), (64, 1000)] {
        let spectrum = spectrum(128, hop);
        let first_column = 1000 / column_samples as i64;
        let columns = 8000 / column_samples as usize;
        let spec = ColumnsSpec { first_column, ..picture(spectrum, column_samples, columns) };
        let ours = compute(&spec, &line, sample);
        // Far above the tone there is nothing: at the edges as little as in the middle.
        let high = |c: usize| ours.mean[c * spec.rows + spec.rows - 8];
        let middle = high(columns / 2);
        for c in (0..columns).filter(|c| ours.frames[*c] > 0) {
            assert!(high(c) <= middle * 10.0 + 1e-12, "column {c}: {} and {middle}", high(c));
        }
    }
}

#[test]
fn a_millisecond_click_in_an_hour_stays_visible() {
    let hour = 3600 * 8000;
    let click = 17_654_321..17_654_329;
    let sea = |p| 0.01 * noise(p);
    let with_click = |p: i64| if click.contains(&p) { 0.5 } else { sea(p) };
    let spec = picture(spectrum(256, 128), 1 << 15, hour as usize >> 15);
    let picture = compute(&spec, &line(&[0..hour]), with_click);
    let rows = spec.rows;
    let exceeds = |column: usize| {
        let cells = column * rows + 1..(column + 1) * rows;
        let threshold = peak_threshold_db(f64::from(picture.frames[column]));
        let excess = |i: usize| 10.0 * f64::from(picture.max[i] / picture.mean[i]).log10();
        cells.filter(|i| excess(*i) > threshold).count()
    };
    let clicked = (click.start >> 15) as usize;
    assert!(exceeds(clicked) > rows / 2, "{} of {rows}", exceeds(clicked));
    // The sea does not brighten: P(any of N exponentials > 2 (ln N + γ)) ≈ 1/N·e^{-2γ}.
    let speckle: usize = (0..spec.columns).filter(|c| *c != clicked).map(exceeds).sum();
    assert!((speckle as f64) < 0.005 * (rows * spec.columns) as f64, "{speckle} cells");
}

#[test]
fn the_mean_of_white_noise_is_the_same_at_every_zoom() {
    // One-sided density of white noise of variance 1/3: 2 · (1/3) / 8000.
    let expected = 10.0 * (2.0 / 3.0 / 8000.0f64).log10();
    let end = 1 << 21;
    for log2 in [7, 8, 9, 11, 14, 17, 21] {
        let spec = picture(spectrum(256, 128), 1 << log2, (end >> log2) as usize);
        let picture = compute(&spec, &line(&[0..end]), noise);
        let interior = picture.mean.chunks(spec.rows).flat_map(|column| &column[2..spec.rows - 2]);
        let (sum, count) = interior.fold((0.0, 0), |(s, n), p| (s + f64::from(*p), n + 1));
        let level = 10.0 * (sum / f64::from(count)).log10();
        assert!((level - expected).abs() < 0.1, "columns of 2^{log2}: {level} dB, not {expected}");
    }
}

#[test]
fn a_sampled_picture_says_so_and_is_near_the_exact_one() {
    let end = 1 << 20;
    let exact = picture(spectrum(256, 128), 1 << 15, 32);
    let effort = Effort::Sampled { frames_per_column: 8 };
    let sampled = compute(&ColumnsSpec { effort, ..exact }, &line(&[0..end]), noise);
    assert!(!sampled.exact);
    assert!(sampled.frames.iter().all(|f| *f == 8));
    let exact = compute(&exact, &line(&[0..end]), noise);
    // One frame reaches over either end.
    assert!(exact.exact && exact.frames.iter().all(|f| (255..=256).contains(f)));
    let level = |c: &Columns| 10.0 * c.mean.iter().map(|p| f64::from(*p)).sum::<f64>().log10();
    assert!((level(&sampled) - level(&exact)).abs() < 0.2);
    let few = ColumnsSpec { effort, ..picture(spectrum(256, 128), 1024, 4) };
    assert!(compute(&few, &line(&[0..end]), noise).exact, "eight frames are all there are");
}

#[test]
fn a_sample_that_is_no_number_does_not_blank_its_column() {
    let spec = picture(spectrum(64, 32), 256, 4);
    let broken = |p| if p == 300 { f32::NAN } else { noise(p) };
    let picture = compute(&spec, &line(&[0..1024]), broken);
    assert!(picture.mean.iter().all(|p| p.is_finite() && *p > 0.0));
}

#[test]
fn cancelled_work_gives_nothing_and_a_failed_read_gives_its_message() {
    let spec = picture(spectrum(64, 32), 256, 4);
    let line = line(&[0..1024]);
    let mut stft = Stft::new(&spec.spectrum).expect("a sane spec");
    let mut silence = |range: Range<i64>, out: &mut Vec<f32>| {
        out.resize((range.end - range.start) as usize, 0.0);
        Ok(())
    };
    assert_eq!(columns(&spec, &mut stft, &line, &mut silence, &mut || true), Ok(None));
    let mut broken = |_: Range<i64>, _: &mut Vec<f32>| Err("the disk is gone".to_owned());
    let failed = columns(&spec, &mut stft, &line, &mut broken, &mut || false);
    assert_eq!(failed, Err("the disk is gone".to_owned()));
}

#[test]
fn absurd_pictures_are_refused_with_a_reason() {
    let line = line(&[0..1024]);
    let good = picture(spectrum(64, 32), 256, 4);
    let absurd = [
        ColumnsSpec { bins_per_row: 0, ..good },
        ColumnsSpec { rows: 34, ..good },
        ColumnsSpec { column_samples: 0, ..good },
        ColumnsSpec { column_samples: u64::MAX, ..good },
        ColumnsSpec { first_column: i64::MAX, ..good },
        ColumnsSpec { first_column: i64::MIN, ..good },
        ColumnsSpec { first_row: usize::MAX, ..good },
        ColumnsSpec { spectrum: spectrum(128, 32), ..good },
    ];
    let mut stft = Stft::new(&good.spectrum).expect("a sane spec");
    let mut read = |_: Range<i64>, _: &mut Vec<f32>| Ok(());
    for spec in absurd {
        assert!(columns(&spec, &mut stft, &line, &mut read, &mut || false).is_err(), "{spec:?}");
    }
}

#[test]
fn columns_made_in_parts_are_those_made_at_once() {
    // The second part lies in so little that none of its columns has two frames.
    let line = line(&[0..9_000, 12_500..12_600]);
    let whole = picture(spectrum(256, 128), 1024, 14);
    let expected = compute(&whole, &line, noise);
    let mut parts = compute(&ColumnsSpec { columns: 10, ..whole }, &line, noise);
    let rest = compute(&ColumnsSpec { first_column: 10, columns: 4, ..whole }, &line, noise);
    assert!(rest.max.is_empty() && !parts.max.is_empty());
    parts.append(rest);
    // The maximum of a single frame is its mean, which is rounded in another order: the last bit differs.
    assert_eq!(parts.max.len(), expected.max.len());
    for (part, whole) in parts.max.iter().zip(&expected.max) {
        assert!((part - whole).abs() <= 1e-6 * whole, "{part} and {whole}");
    }
    parts.max.clone_from(&expected.max);
    // As text: the wave form of a gap is NaN, which equals nothing.
    assert_eq!(format!("{parts:?}"), format!("{expected:?}"));
}
