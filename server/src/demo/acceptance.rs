//! What the demo must sound like, measured by the project's own transforms on what is written.

use std::collections::HashSet;

use spyhop_api::view::{Scaling, Window};
use spyhop_signal::formats;
use spyhop_signal::spectrum::{SpectrumSpec, Stft};
use spyhop_signal::sun::{Light, light};

use super::chance::{Seed, Wander};
use super::folder::Folder;
use super::level::{energy90, power_db};
use super::pulse::{Printer, Pulses, Shape};
use super::right_whale::{overlapped, upcall};
use super::scene::Scene;
use super::sea::{Bank, OpenSea, Sea};
use super::sperm_whale::SpermWhale;
use super::stretch::{Source, Stretch};
use super::truth::Truth;
use super::whistle::Dolphin;
use crate::catalogue::DeploymentFile;

const GULF_HZ: f64 = 192_000.0;
const BANK_HZ: f64 = 2000.0;

fn gulf_sea(wind_m_s: f64, shipping: f64, floor_db: f64) -> Sea {
    let weather = Wander::new(Seed(1), 1e9);
    let sea = OpenSea { shipping, wind_m_s: (wind_m_s, wind_m_s), weather, floor_db };
    Sea::open(Seed(5), GULF_HZ, 65_536, sea)
}

fn bank_sea() -> Sea {
    Sea::bank(Seed(6), BANK_HZ, Bank::new(Seed(6), 160.0, 0.0))
}

/// What a source gives alone, from `start_s` on.
fn alone(source: &dyn Source, rate_hz: f64, start_s: f64, seconds: f64) -> Vec<f64> {
    let mut stretch =
        Stretch::new(rate_hz, (start_s * rate_hz) as i64, (seconds * rate_hz) as usize);
    stretch.hear(source);
    stretch.samples
}

/// Power of frames: `frames` × `bins`, and the width of a bin in Hz. Pressures are scaled by
/// 10⁻⁶ (to Pa) on the way, so that they lie well inside f32.
fn spectrogram(pressure: &[f64], rate_hz: f64, size: usize, hop: usize) -> (Vec<Vec<f64>>, f64) {
    let spec = SpectrumSpec {
        fft_size: size,
        window_samples: size,
        hop_samples: hop,
        window: Window::Hann,
        scaling: Scaling::Density,
        sample_rate_hz: rate_hz,
    };
    let samples: Vec<f32> = pressure.iter().map(|p| (p * 1e-6) as f32).collect();
    let result = Stft::new(&spec).expect("a sane spectrum").spectrogram(&samples);
    let frames = result.power.chunks(result.bins);
    let frames = frames.map(|f| f.iter().map(|&p| f64::from(p) * 1e12).collect()).collect();
    (frames, rate_hz / size as f64)
}

fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}

#[test]
fn the_open_sea_has_the_levels_of_its_table() {
    // The published check values are rounded to whole decibels.
    let hz = [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 9e4];
    let table = [
        (0.2, 2.0, [77., 71., 66., 62., 58., 57., 55., 51., 45., 40., 34., 27., 26.]),
        (0.5, 5.0, [78., 75., 72., 68., 64., 63., 61., 58., 51., 46., 40., 33., 29.]),
        (0.9, 8.0, [82., 82., 80., 75., 70., 67., 65., 62., 56., 51., 45., 37., 33.]),
    ];
    for (shipping, wind, levels) in table {
        for (hz, level) in hz.iter().zip(levels) {
            let model = OpenSea::model_db(*hz, shipping, wind);
            assert!((model - level).abs() < 0.75, "{hz} Hz, s {shipping}, w {wind}: {model}");
        }
    }
}

#[test]
fn the_gulf_s_noise_lies_within_one_decibel_of_the_model() {
    let sea = gulf_sea(5.0, 0.5, 20.0);
    let noise = alone(&sea, GULF_HZ, 100.0, 6.0);
    let (frames, bin_hz) = spectrogram(&noise, GULF_HZ, 8192, 4096);
    for hz in [100.0, 1000.0, 10_000.0] {
        // Over a tenth of the frequency the mean of 280 frames is good to 0.3 dB.
        let (from, to) = ((hz * 0.95 / bin_hz).round() as usize, (hz * 1.05 / bin_hz) as usize);
        let bins = from..to.max(from + 1);
        let count = frames.len() * bins.len();
        let mean: f64 = frames.iter().flat_map(|f| &f[bins.clone()]).sum::<f64>() / count as f64;
        let model = OpenSea::model_db(hz, 0.5, 5.0);
        assert!((power_db(mean) - model).abs() < 1.0, "{hz} Hz: {} {model}", power_db(mean));
    }
}

#[test]
fn the_bank_s_noise_has_the_medians_and_the_spread_that_were_measured() {
    let noise = alone(&bank_sea(), BANK_HZ, 0.0, 3600.0);
    let (frames, bin_hz) = spectrogram(&noise, BANK_HZ, 2048, 1024);
    for hz in [10.0, 100.0, 500.0, 900.0] {
        let bin = (hz / bin_hz).round() as usize;
        let mut levels: Vec<f64> =
            frames.iter().flat_map(|f| &f[bin - 1..=bin + 1]).map(|&p| power_db(p)).collect();
        let median = quantile(&mut levels, 0.5) - 160.0;
        let spread = quantile(&mut levels, 0.95) - quantile(&mut levels, 0.05);
        assert!((median - Bank::median_db(hz)).abs() < 1.0, "{hz} Hz: {median}");
        assert!((17.5..22.5).contains(&spread), "{hz} Hz: {spread}");
    }
}

#[test]
fn the_sea_runs_on_across_files_without_a_seam() {
    let sea = gulf_sea(4.0, 0.5, 28.0);
    let whole = alone(&sea, GULF_HZ, 10.0, 0.5);
    let later = alone(&sea, GULF_HZ, 10.25, 0.25);
    for (a, b) in whole[48_000..].iter().zip(&later) {
        assert!((a - b).abs() < 1e-6 * a.abs().max(1.0), "{a} {b}");
    }
}

/// Where the loudest bin runs while the sound is within 12 dB of its peak: `(seconds, Hz)`.
fn ridge(sound: &[f64], rate_hz: f64, size: usize, hop: usize, low_hz: f64) -> Vec<(f64, f64)> {
    let (frames, bin_hz) = spectrogram(sound, rate_hz, size, hop);
    let lowest = (low_hz / bin_hz) as usize;
    let peaks: Vec<(usize, f64)> = frames.iter().map(|frame| loudest_bin(frame, lowest)).collect();
    let loudest = peaks.iter().map(|p| p.1).fold(0.0, f64::max);
    let at_s = |i: usize| (i * hop + size / 2) as f64 / rate_hz;
    let heard = peaks.iter().enumerate().filter(|(_, p)| p.1 > loudest * 10f64.powf(-1.2));
    heard.map(|(i, p)| (at_s(i), p.0 as f64 * bin_hz)).collect()
}

/// The bin with the most power from `lowest` on, and its power.
fn loudest_bin(frame: &[f64], lowest: usize) -> (usize, f64) {
    let bins = frame.iter().copied().enumerate().skip(lowest);
    bins.fold((0, 0.0), |best, now| if now.1 > best.1 { now } else { best })
}

/// The frequency of 64 ms of a sound, by a padded transform with bins of 2 Hz.
fn frequency_hz(sound: &[f64]) -> f64 {
    let windowed: Vec<f64> = sound
        .iter()
        .enumerate()
        .map(|(n, v)| v * (std::f64::consts::PI * n as f64 / sound.len() as f64).sin().powi(2))
        .collect();
    let bin_hz = BANK_HZ / 1024.0;
    let power = |k: usize| {
        let turn = std::f64::consts::TAU * k as f64 / 1024.0;
        let (mut re, mut im) = (0.0, 0.0);
        for (n, v) in windowed.iter().enumerate() {
            let (sin, cos) = (turn * n as f64).sin_cos();
            re += v * cos;
            im += v * sin;
        }
        re * re + im * im
    };
    let spectrum: Vec<f64> = (0..200).map(power).collect();
    loudest_bin(&spectrum, 15).0 as f64 * bin_hz
}

#[test]
fn upcalls_last_and_sweep_as_measured_on_the_real_recording() {
    let sea = bank_sea();
    let (mut durations, mut starts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..300 {
        // As the whale makes it: echoes would lengthen what is measured.
        let mut call = upcall(Seed(11).of("call", number), 0, 10.0, 15.0, &sea);
        call.arrivals.0.truncate(1);
        let sound = alone(&call, BANK_HZ, 9.9, 1.8);
        // From the first to the last 20 ms within 15 dB of the loudest.
        let levels: Vec<f64> =
            sound.chunks(40).map(|c| c.iter().map(|v| v * v).sum::<f64>()).collect();
        let loudest = levels.iter().copied().fold(0.0, f64::max);
        let heard = |level: &f64| *level > loudest * 10f64.powf(-1.5);
        let (Some(first), Some(last)) =
            (levels.iter().position(heard), levels.iter().rposition(heard))
        else {
            panic!("nothing to hear")
        };
        durations.push((last + 1 - first) as f64 * 40.0 / BANK_HZ);
        starts.push(frequency_hz(&sound[first * 40..first * 40 + 128]));
        ends.push(frequency_hz(&sound[last * 40 + 40 - 128..last * 40 + 40]));
    }
    for (what, values, table) in [
        ("duration, s", &mut durations, [0.60, 1.01, 1.21]),
        ("start, Hz", &mut starts, [68.0, 96.0, 123.0]),
        ("end, Hz", &mut ends, [149.0, 193.0, 282.0]),
    ] {
        for (share, expected) in [0.1, 0.5, 0.9].into_iter().zip(table) {
            let found = quantile(values, share);
            assert!((found / expected - 1.0).abs() < 0.15, "{what} {share}: {found} {expected}");
        }
    }
}

#[test]
fn an_upcall_stands_over_the_sea_as_its_table_says() {
    let sea = bank_sea();
    for snr_db in [0.0, 12.0] {
        let call = upcall(Seed(3).of("level", 0), 0, 50.0, snr_db, &sea);
        let sound = alone(&call, BANK_HZ, 49.5, 3.0);
        let span = energy90(&sound);
        let middle = &sound[span];
        let level = power_db(middle.iter().map(|v| v * v).sum::<f64>() / middle.len() as f64);
        assert!((level - call.truth.received_db).abs() < 0.1, "{level}");
        // The definition's reference: the same band in the 2 s on either side. One stretch of noise
        // of 4 s and some 100 Hz is known to 0.3 dB, and the sea itself sways by 2 dB.
        let noise = alone(&sea, BANK_HZ, 48.0, 6.0);
        let (frames, bin_hz) = spectrogram(&noise, BANK_HZ, 1024, 512);
        let bins = (call.truth.low_hz / bin_hz) as usize..=(call.truth.high_hz / bin_hz) as usize;
        let band: f64 = frames.iter().flat_map(|f| &f[bins.clone()]).sum::<f64>() * bin_hz;
        let measured = level - power_db(band / frames.len() as f64);
        assert!((measured - snr_db).abs() < 3.0, "{measured} {snr_db}");
    }
}

fn dolphins() -> Vec<Dolphin> {
    Dolphin::pod(Seed(21), 300.0)
}

#[test]
fn whistles_keep_to_their_band_and_length() {
    let sea = gulf_sea(4.0, 0.5, 28.0);
    for dolphin in dolphins() {
        let bout = dolphin.bout(Seed(22), 5.0, 100.0, &sea);
        let Some(whistle) = bout.first() else { panic!("no whistle") };
        let truth = &whistle.truth;
        let seconds = truth.end_s - truth.start_s;
        let sound = alone(whistle, GULF_HZ, truth.start_s - 0.05, seconds + 0.2);
        let seen = ridge(&sound, GULF_HZ, 2048, 1024, 2000.0);
        let length = seen.last().map_or(0.0, |l| l.0) - seen.first().map_or(0.0, |f| f.0);
        assert!((0.25..1.6).contains(&length) && (length - seconds).abs() < 0.2, "{length}");
        assert!(seen.iter().all(|p| (3000.0..22_500.0).contains(&p.1)), "{}", truth.note);
        assert!((95.0..=130.0).contains(&truth.received_db), "{}", truth.received_db);
    }
}

/// Times at which the envelope peaks above a threshold, at least `apart_s` apart.
fn click_times(sound: &[f64], rate_hz: f64, apart_s: f64, share: f64) -> Vec<f64> {
    let loudest = sound.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let mut times: Vec<f64> = Vec::new();
    for (i, v) in sound.iter().enumerate() {
        let t = i as f64 / rate_hz;
        if v.abs() > share * loudest && times.last().is_none_or(|last| t - last > apart_s) {
            times.push(t);
        }
    }
    times
}

#[test]
fn click_trains_and_their_clicks_are_recovered() {
    let sea = gulf_sea(4.0, 0.5, 28.0);
    let dolphin = &dolphins()[0];
    for number in 0..4 {
        let mut train = dolphin.click_train(Seed(31).of("train", number), 2.0, false, &sea);
        train.arrivals.0.truncate(1);
        let planned: Vec<f64> = train.pulses.iter().map(|p| p.time_s).collect();
        let sound = alone(&train, GULF_HZ, 1.9, 9.0);
        let heard = click_times(&sound, GULF_HZ, 0.02, 0.004);
        assert_eq!(heard.len(), planned.len());
        for (a, b) in heard.windows(2).zip(planned.windows(2)) {
            let (interval, expected) = (a[1] - a[0], b[1] - b[0]);
            // A weak click crosses the threshold later under its envelope than a strong one.
            assert!((interval - expected).abs() < 2e-4, "{interval} {expected}");
            assert!((0.03..0.15).contains(&interval), "{interval}");
        }
        // The strongest click, alone in a window of 2.7 ms.
        let strongest = train.pulses.iter().max_by(|a, b| a.level_db.total_cmp(&b.level_db));
        let Some(strongest) = strongest else { panic!("no click") };
        let click = alone(&train, GULF_HZ, strongest.time_s - 256.0 / GULF_HZ, 512.0 / GULF_HZ);
        let (frames, bin_hz) = spectrogram(&click, GULF_HZ, 512, 512);
        let peak = frames[0].iter().copied().fold(0.0, f64::max);
        let above: Vec<usize> =
            (0..frames[0].len()).filter(|&k| frames[0][k] > 0.1 * peak).collect();
        let width_hz = (above[above.len() - 1] - above[0]) as f64 * bin_hz;
        let peak_hz = frames[0].iter().position(|&p| p == peak).map_or(0.0, |k| k as f64 * bin_hz);
        assert!((26_000.0..62_000.0).contains(&width_hz), "{width_hz}");
        assert!((33_000.0..77_000.0).contains(&peak_hz), "{peak_hz}");
        let (low, high) = click.iter().fold((0.0f64, 0.0f64), |(l, h), &v| (l.min(v), h.max(v)));
        let peak_to_peak_db = 2.0 * power_db(high - low);
        assert!((peak_to_peak_db - strongest.level_db).abs() < 0.5, "{peak_to_peak_db}");
    }
}

#[test]
fn burst_pulses_come_at_the_rates_of_their_table() {
    let sea = gulf_sea(4.0, 0.5, 28.0);
    let mut burst = dolphins()[1].burst_pulse(Seed(41), 2.0, &sea);
    burst.arrivals.0.truncate(1);
    let sound = alone(&burst, GULF_HZ, 1.99, 0.6);
    let heard = click_times(&sound, GULF_HZ, 0.0007, 0.15);
    let mut rates: Vec<f64> = heard.windows(2).map(|w| 1.0 / (w[1] - w[0])).collect();
    let (low, high) = (quantile(&mut rates, 0.05), quantile(&mut rates, 0.95));
    assert!(low > 180.0 && high < 1100.0 && high > low, "{low} {high}");
    assert!((heard.len() as f64 / burst.pulses.len() as f64 - 1.0).abs() < 0.05);
}

/// The greatest normalised correlation of two sounds over lags of up to so many seconds.
fn correlation(a: &[f64], b: &[f64], most_s: f64, rate_hz: f64) -> f64 {
    let energy = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>();
    let norm = (energy(a) * energy(b)).sqrt();
    let lags = ((most_s * rate_hz) as usize).min(a.len() / 2);
    (0..=2 * lags)
        .map(|lag| {
            let (from_a, from_b) = (lag.saturating_sub(lags), lags.saturating_sub(lag));
            let product: f64 = a[from_a..].iter().zip(&b[from_b..]).map(|(x, y)| x * y).sum();
            (product / norm).abs()
        })
        .fold(0.0, f64::max)
}

#[test]
fn no_two_upcalls_are_alike() {
    let sea = bank_sea();
    let calls: Vec<Vec<f64>> = (0..12)
        .map(|n| {
            let call = upcall(Seed(51).of("call", n), 0, 10.0, 15.0, &sea);
            alone(&call, BANK_HZ, 9.9, 2.0)
        })
        .collect();
    for (i, a) in calls.iter().enumerate() {
        for b in &calls[..i] {
            assert!(correlation(a, b, 0.02, BANK_HZ) < 0.99);
        }
    }
}

/// The most alike of all pairs of a series' pulses, each as it leaves the animal and laid over the
/// other wherever between samples they fit best.
fn most_alike(series: &Pulses) -> f64 {
    const STEPS: u32 = 6;
    let mut printer = Printer::new(GULF_HZ);
    let mut print = |shape: &Shape, position: f64| printer.print(shape, position).1.to_vec();
    let prints: Vec<[Vec<f64>; STEPS as usize]> = series
        .pulses
        .iter()
        .map(|p| std::array::from_fn(|i| print(&p.shape, i as f64 / f64::from(STEPS))))
        .collect();
    let mut most = 0.0f64;
    for (i, a) in prints.iter().enumerate() {
        for b in &prints[..i] {
            let fits = b.iter().map(|b| correlation(&a[0], b, 5e-5, GULF_HZ));
            most = fits.fold(most, f64::max);
        }
    }
    most
}

#[test]
fn no_two_clicks_of_a_train_are_alike() {
    let sea = gulf_sea(4.0, 0.5, 28.0);
    for (number, dolphin) in dolphins().iter().enumerate() {
        let mut train = dolphin.click_train(Seed(52).of("train", number as i64), 2.0, false, &sea);
        train.pulses.truncate(60);
        let most = most_alike(&train);
        assert!(most < 0.99, "{most}");
    }
}

#[test]
fn no_two_usual_clicks_of_a_sperm_whale_are_alike() {
    let sea = gulf_sea(4.0, 0.5, 28.0);
    for whale in SpermWhale::group(Seed(53)) {
        let most = most_alike(&whale.dive(0.0, 20.0, &sea)[0]);
        assert!(most < 0.99, "{most}");
    }
}

#[test]
fn a_fifth_of_the_upcalls_are_overlapped() {
    let scene = super::bank_in_march::plan(Seed(1));
    let truths = scene.truths();
    let calls: Vec<&Truth> = truths.iter().filter(|t| t.label == "upcall").collect();
    let others: Vec<Truth> =
        truths.iter().filter(|t| !matches!(t.label, "upcall" | "vessel")).cloned().collect();
    let hit = calls.iter().filter(|c| overlapped(c, &others)).count();
    assert!(calls.len() > 250, "{}", calls.len());
    assert!(hit as f64 >= 0.2 * calls.len() as f64, "{hit} of {}", calls.len());
    let humpbacks = truths.iter().filter(|t| t.label == "humpback upsweep").count();
    assert!(humpbacks >= 160, "{humpbacks}");
}

/// The first recordings of a scene, each cut to so many seconds.
fn short(mut scene: Scene, recordings: usize, seconds: f64) -> Scene {
    scene.recordings.truncate(recordings);
    for plan in &mut scene.recordings {
        // Whole EARS records.
        let frames = (seconds * scene.rate_hz / 250.0) as usize * 250;
        plan.runs.truncate(1);
        plan.runs[0].1 = frames.min(plan.runs[0].1);
    }
    scene
}

#[test]
fn samples_have_room_above_and_below() {
    for scene in super::plan(1, None) {
        let scene = short(scene, 3, 4.0);
        for index in 0..scene.recordings.len() {
            let made = scene.make(index);
            let samples: Vec<f64> = made.samples.iter().map(|&s| f64::from(s) / 32_768.0).collect();
            let n = samples.len() as f64;
            let peak = samples.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            let dc = samples.iter().sum::<f64>() / n;
            let rms = (samples.iter().map(|v| (v - dc).powi(2)).sum::<f64>() / n).sqrt();
            let id = &scene.deployment.id;
            assert!(peak < 0.501, "{id}: peak {peak}");
            assert!((0.001..0.02).contains(&dc.abs()), "{id}: DC {dc}");
            assert!(20.0 * (rms * 32_768.0).log10() > 12.0, "{id}: RMS {rms}");
        }
    }
}

#[test]
fn a_seed_gives_the_same_samples_with_one_thread_and_with_many() {
    use rayon::prelude::*;
    let scene = short(super::gulf_night::plan(Seed(7)), 4, 1.0);
    let make = || -> Vec<Vec<i16>> {
        (0..4usize).into_par_iter().map(|i| scene.make(i).samples).collect()
    };
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let again = short(super::gulf_night::plan(Seed(7)), 4, 1.0);
    let one_by_one: Vec<Vec<i16>> =
        alone.install(|| (0..4).map(|i| again.make(i).samples).collect());
    assert!(make() == one_by_one);
    assert!(
        scene.make(0).samples != short(super::gulf_night::plan(Seed(8)), 4, 1.0).make(0).samples
    );
}

#[test]
fn files_open_as_what_they_are_and_say_that_they_are_synthesised() {
    let dir = std::env::temp_dir().join(format!("spyhop-demo-test-{}", std::process::id()));
    for scene in super::plan(1, None) {
        let gap = scene.recordings.iter().position(|p| p.runs.len() > 1);
        let mut scene = scene;
        if let Some(gap) = gap {
            // The file with missing records, cut to what lies close around them.
            scene.recordings.swap(0, gap);
            scene.recordings.truncate(1);
            if let [before, after] = scene.recordings[0].runs.as_mut_slice() {
                *before = (before.0 + before.1 as i64 - 10_000, 10_000);
                after.1 = 25_000;
            }
        } else {
            scene = short(scene, 2, 2.0);
        }
        let folder = Folder::prepare(&scene, &dir, 1).expect("a folder");
        assert_eq!(folder.missing().len(), scene.recordings.len());
        for index in folder.missing() {
            folder.make(index).expect("made");
        }
        folder.finish().expect("finished");
        let path = dir.join(&scene.deployment.id);
        let plan = &scene.recordings[0];
        let bytes = std::fs::read(path.join(&plan.name)).expect("written");
        let described = DeploymentFile::read(&path).expect("its own words");
        let info = formats::open(&plan.name, Box::new(bytes), &described.open_options())
            .expect("it opens")
            .info;
        assert_eq!(info.sample_rate_hz, scene.rate_hz);
        assert_eq!(info.frames, plan.frames() as u64);
        assert_eq!(info.segments.len(), plan.runs.len());
        for (segment, run) in info.segments.iter().zip(&plan.runs) {
            // An EARS clock counts in 1/32000 s.
            let off = segment.start.map_or(i64::MAX, |t| (t.0 - scene.clock(run.0).0).abs());
            assert!(off <= 31_250, "{}: {off} ns", plan.name);
        }
        assert!(described.synthesised);
        if gap.is_none() {
            let said = info.metadata.values().any(|v| v.contains("synthesised"));
            assert!(said, "{:?}", info.metadata);
        }
        // Made again, nothing is to do; without one recording only that one is.
        assert!(Folder::prepare(&scene, &dir, 1).expect("again").missing().is_empty());
        std::fs::remove_file(path.join(&plan.name)).expect("removed");
        assert_eq!(Folder::prepare(&scene, &dir, 1).expect("again").missing(), [0]);
        // Another seed begins anew.
        let other = Folder::prepare(&scene, &dir, 2).expect("another").missing();
        assert_eq!(other.len(), scene.recordings.len());
    }
    // A folder with somebody's files is left alone.
    let theirs = dir.join("theirs");
    std::fs::create_dir_all(theirs.join("gulf-night")).expect("a folder");
    std::fs::write(theirs.join("gulf-night/notes.txt"), "mine").expect("a file");
    let refused = Folder::prepare(&super::gulf_night::plan(Seed(1)), &theirs, 1).err();
    assert!(refused.is_some_and(|e| e.to_string().contains("left alone")));
    std::fs::remove_dir_all(&dir).expect("tidied");
}

#[test]
fn gulf_night_is_night_and_the_others_are_day() {
    for scene in super::plan(1, None) {
        let d = &scene.deployment;
        let (Some(latitude), Some(longitude)) = (d.latitude, d.longitude) else {
            panic!("{} lies nowhere", d.id)
        };
        let runs = || scene.recordings.iter().flat_map(|plan| &plan.runs);
        let first = runs().map(|run| run.0).min().expect("recordings");
        let end = runs().map(|run| run.0 + run.1 as i64).max().expect("recordings");
        let lights = light(latitude, longitude, scene.clock(first).0..scene.clock(end).0);
        let lights: Vec<Light> = lights.into_iter().map(|interval| interval.light).collect();
        let expected = if d.id == "gulf-night" { Light::Night } else { Light::Day };
        assert_eq!(lights, [expected], "{}", d.id);
    }
}

#[test]
fn thirty_days_are_enough_files_and_not_too_many_bytes() {
    let scene = super::season::plan(Seed(1), 30);
    let names: HashSet<&str> = scene.recordings.iter().map(|p| p.name.as_str()).collect();
    assert!(names.len() >= 700);
    let bytes: usize = scene.recordings.iter().map(|p| 2 * p.frames()).sum();
    assert!(bytes <= 3_000_000_000, "{bytes}");
    let year = super::season::plan(Seed(1), 365);
    assert!(year.recordings.iter().map(|p| 2 * p.frames()).sum::<usize>() <= 3_000_000_000);
}
