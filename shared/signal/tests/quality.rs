//! Quality of samples and of files: what is told of recordings that were spoilt on purpose, and that
//! nothing is told of sound ones.

use std::f64::consts::TAU;

use spyhop_api::quality::{Bits, FindingKind, Quality, RunCount};
use spyhop_api::{RecordingInfo, SegmentInfo, StartSource, Timestamp};
use spyhop_signal::quality::{QualityMeter, findings, survey_files};

const RATE: f64 = 8000.0;
const SECOND: i64 = 1_000_000_000;

/// A 16-bit WAV at a rate, of a minute, dated at `start_s`.
fn info(name: &str, rate: f64, start_s: f64) -> RecordingInfo {
    let frames = (60.0 * rate) as u64;
    let start = Some(Timestamp((start_s * SECOND as f64) as i64));
    RecordingInfo {
        name: name.to_owned(),
        fingerprint: format!("{frames}-{name}"),
        bytes: 2 * frames,
        format: "wav".into(),
        codec: "pcm_s16le".into(),
        sample_rate_hz: rate,
        channels: 1,
        bits_per_sample: 16,
        frames,
        duration_s: 60.0,
        start,
        start_source: StartSource::Guano,
        start_zone: "Z".into(),
        start_uncertainty_s: None,
        segments: vec![SegmentInfo { start, first_frame: 0, frames }],
        metadata: Default::default(),
        warnings: Vec::new(),
    }
}

fn noise(length: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = (1_103_515_245 * state + 12_345) % (1 << 31);
        state as f64 / f64::from(1 << 30) - 1.0
    };
    // Close to normal: the sum of four.
    (0..length).map(|_| (0..4).map(|_| next()).sum::<f64>() / 1.155).collect()
}

/// Noise of an RMS of `rms`, half a minute of it.
fn sea(rms: f64) -> Vec<f64> {
    noise((30.0 * RATE) as usize, 7).iter().map(|x| rms * x).collect()
}

/// What a 16-bit recorder stores.
fn stored(samples: &[f64]) -> Vec<f32> {
    let count = |x: &f64| (x * 32_768.0).round().clamp(-32_768.0, 32_767.0) / 32_768.0;
    samples.iter().map(|x| count(x) as f32).collect()
}

fn measured_as(info: &RecordingInfo, samples: &[f32]) -> Quality {
    let mut meter = QualityMeter::new(info).expect("a sound rate");
    samples.chunks(10_007).for_each(|part| meter.push(part));
    meter.finish()
}

fn measured(samples: &[f32]) -> Quality {
    measured_as(&info("x.wav", RATE, 0.0), samples)
}

fn kinds(quality: &Quality) -> Vec<FindingKind> {
    findings(quality).iter().map(|f| f.kind).collect()
}

fn sentence(quality: &Quality, kind: FindingKind) -> String {
    let found = findings(quality).into_iter().find(|f| f.kind == kind);
    found.map(|f| f.sentence).unwrap_or_default()
}

fn tone(hz: f64, amplitude: f64) -> impl Fn(usize) -> f64 {
    move |n| amplitude * (TAU * hz * n as f64 / RATE).sin()
}

#[test]
fn of_a_sound_recording_nothing_is_told() {
    let slow = tone(20.3, 0.4);
    let whistle = tone(3000.0, 0.2);
    let loud: Vec<f64> = sea(0.01).iter().enumerate().map(|(n, x)| x + whistle(n)).collect();
    let still: Vec<f64> = (0..240_000).map(slow).collect();
    for (name, samples) in
        [("noise", sea(0.01)), ("loud noise", sea(0.2)), ("tone", loud), ("slow", still)]
    {
        let quality = measured(&stored(&samples));
        assert_eq!(kinds(&quality), [], "{name}: {quality:?}");
        assert_eq!(quality.clipped_share, 0.0, "{name}");
        assert_eq!(quality.samples, 240_000);
    }
}

#[test]
fn clipping_is_seen_at_full_scale_and_below_it_in_any_coding() {
    let loud: Vec<f64> =
        sea(0.001).iter().enumerate().map(|(n, x)| x + tone(97.0, 1.5)(n)).collect();
    let full = measured(&stored(&loud));
    // A sine stands above two thirds of its amplitude for 53.5 % of the time.
    assert!((full.clipped_share - 0.535).abs() < 0.01, "{full:?}");
    assert!(sentence(&full, FindingKind::Clipping).contains("full scale"));

    // An amplifier that gives out at 0.31 of full scale on one side.
    let below: Vec<f64> = loud.iter().map(|x| (0.3 * x).min(0.31)).collect();
    let mut float = info("x.wav", RATE, 0.0);
    (float.codec, float.bits_per_sample) = ("pcm_f32le".into(), 32);
    let as_float: Vec<f32> = below.iter().map(|x| *x as f32).collect();
    for quality in [measured(&stored(&below)), measured_as(&float, &as_float)] {
        // Above 0.31/0.45 of the amplitude: 25.8 % of the time.
        assert!((quality.clipped_share - 0.258).abs() < 0.01, "{quality:?}");
        assert!((quality.rail.expect("a rail") - 0.31).abs() < 1e-4);
        let told = sentence(&quality, FindingKind::Clipping);
        assert!(told.contains("−10.2 dB re full scale"), "{told}");
    }
    // Floats above full scale are not clipped by being there.
    let over: Vec<f32> = loud.iter().map(|x| *x as f32).collect();
    assert_eq!(measured_as(&float, &over).clipped_share, 0.0);
}

#[test]
fn dropouts_stuck_values_and_dc_are_counted() {
    let mut samples = stored(&sea(0.01).iter().map(|x| x + 0.02).collect::<Vec<f64>>());
    samples[1000..1100].fill(0.0);
    samples[5000..9000].fill(0.0);
    samples[20_000..20_080].fill(0.123);
    samples[30_000..30_050].fill(0.1);
    let quality = measured(&samples);
    assert_eq!(quality.dropouts, RunCount { count: 2, samples: 4100, longest: 4000 });
    assert_eq!(quality.stuck, RunCount { count: 1, samples: 80, longest: 80 });
    assert!((quality.dc_share - 0.0197).abs() < 0.0002, "{quality:?}");
    use FindingKind::{DcOffset, Dropouts, StuckValues};
    assert_eq!(kinds(&quality), [Dropouts, StuckValues, DcOffset]);
    assert!(
        sentence(&quality, Dropouts)
            .starts_with("2 runs of zeros, 1.7 % of the samples, the longest 500 ms")
    );
    assert!(sentence(&quality, DcOffset).contains("2.0 % of full scale"));
}

#[test]
fn mains_are_told_from_one_line_and_from_another_comb() {
    let with = |lines: &[f64]| {
        let sum = |n: usize| lines.iter().map(|hz| tone(*hz, 0.0004)(n)).sum::<f64>();
        let samples: Vec<f64> = sea(0.003).iter().enumerate().map(|(n, x)| x + sum(n)).collect();
        measured(&stored(&samples))
    };
    let sixty = with(&[60.05, 120.1, 180.15]);
    let mains = sixty.mains.expect("a supply");
    assert_eq!((mains.hz, mains.lines), (60.0, 3));
    // A line of 4e-4 is 8e-8 FS² in 1.5 Hz of the window; the noise has 2.25e-9 FS²/Hz: 13.7 dB, and its
    // median is 1.6 dB below its mean in one frame, less in the mean of three.
    assert!((11.0..18.0).contains(&mains.excess_db), "{mains:?}");
    assert!(sentence(&sixty, FindingKind::MainsLines).contains("3 harmonics of 60 Hz"));
    assert_eq!(with(&[50.0, 100.0, 150.0, 250.0]).mains.map(|m| m.hz), Some(50.0));
    assert_eq!(with(&[60.0]).mains, None, "one line is no supply");
    let comb: Vec<f64> = (1..60).map(|k| 10.0 * f64::from(k)).collect();
    assert_eq!(with(&comb).mains, None, "a line every 10 Hz is a machine");
}

#[test]
fn an_empty_upper_band_is_found_and_a_sloping_one_is_not() {
    // Noise through a windowed-sinc low-pass, whose transition takes 40 Hz, over a floor.
    let low_passed = |end_hz: f64, floor: f64| {
        let taps: Vec<f64> = (-512..=512)
            .map(|n| {
                let (t, x) = (f64::from(n), TAU * f64::from(n) / 1024.0);
                let blackman = 0.42 + 0.5 * x.cos() + 0.08 * (2.0 * x).cos();
                let sinc = TAU * end_hz * t / RATE;
                let sinc = if n == 0 { 1.0 } else { sinc.sin() / sinc };
                blackman * sinc * 2.0 * end_hz / RATE
            })
            .collect();
        let sea = noise(81_024, 3);
        let floors = noise(80_000, 11);
        let sample = |n: usize| {
            let content: f64 = taps.iter().zip(&sea[n..]).map(|(h, x)| h * x).sum();
            0.05 * content + floor * floors[n]
        };
        measured(&stored(&(0..80_000).map(sample).collect::<Vec<f64>>()))
    };
    let quality = low_passed(1333.0, 1e-4);
    let end = quality.content_end_hz.expect("an end");
    assert!((end - 1333.0).abs() < 30.0, "{end}");
    assert_eq!(
        sentence(&quality, FindingKind::EmptyUpperBand),
        "Sampled at 8 kHz, content ends at 1.3 kHz: it was resampled or coded with loss, nothing above is the sea's"
    );
    assert_eq!(low_passed(3900.0, 1e-4).content_end_hz, None, "that is the converter's filter");
    assert_eq!(low_passed(1333.0, 0.02).content_end_hz, None, "noise lies over it");
    // Noise that falls by 12 dB an octave has no end.
    let (mut a, mut b) = (0.0, 0.0);
    let steep: Vec<f64> = noise(240_000, 5)
        .iter()
        .map(|x| {
            a += 0.05 * (x - a);
            b += 0.05 * (a - b);
            b
        })
        .collect();
    assert_eq!(measured(&stored(&steep)).content_end_hz, None);
}

#[test]
fn bits_that_hold_nothing_are_told() {
    let bits = |quality: &Quality| quality.bits.expect("whole numbers");
    let sound = measured(&stored(&sea(0.01)));
    // The loudest of noise of 328 counts takes 11 bits and the sign.
    assert_eq!(bits(&sound), Bits { stored: 16, step: 1, used: 12 });
    // The same 16 bits in a file of 24.
    let mut wide = info("x.wav", RATE, 0.0);
    wide.bits_per_sample = 24;
    let quality = measured_as(&wide, &stored(&sea(0.01)));
    assert_eq!(bits(&quality), Bits { stored: 24, step: 256, used: 12 });
    assert!(sentence(&quality, FindingKind::UnusedBits).contains("a multiple of 256"));
    // A gain of five after the converter, over a constant.
    let five: Vec<f32> = stored(&sea(0.01)).iter().map(|x| 5.0 * x + 3.0 / 32_768.0).collect();
    assert_eq!(bits(&measured(&five)).step, 5);
    let quiet = measured(&stored(&sea(0.0001)));
    assert!(sentence(&quiet, FindingKind::UnusedBits).contains("of 16 bits"), "{quiet:?}");
    let mut lossy = info("x.mp3", RATE, 0.0);
    (lossy.codec, lossy.bits_per_sample) = ("mp3".into(), 0);
    assert_eq!(measured_as(&lossy, &stored(&sea(0.01))).bits, None);
}

#[test]
fn measures_do_not_depend_on_how_the_samples_came() {
    let mut samples = stored(&sea(0.3).iter().map(|x| 2.0 * x).collect::<Vec<f64>>());
    samples[70_000..70_100].fill(0.0);
    let whole = measured(&samples);
    for piece in [1, 999, 100_000] {
        let mut meter = QualityMeter::new(&info("x.wav", RATE, 0.0)).expect("a sound rate");
        samples.chunks(piece).for_each(|part| meter.push(part));
        assert_eq!(meter.finish(), whole, "in pieces of {piece}");
    }
    samples[100] = f32::NAN;
    assert_eq!(measured(&samples).samples, whole.samples - 1);
    let nothing = measured(&[]);
    assert_eq!((nothing.samples, nothing.peak, kinds(&nothing).len()), (0, 0.0, 0));
    assert!(QualityMeter::new(&info("x.wav", f64::NAN, 0.0)).is_err());
}

fn survey(infos: &[RecordingInfo]) -> Vec<(FindingKind, Vec<usize>, String)> {
    survey_files(infos).into_iter().map(|f| (f.kind, f.recordings, f.sentence)).collect()
}

/// Recordings of a minute at these seconds, named in this order.
fn recordings(starts_s: &[f64]) -> Vec<RecordingInfo> {
    let name = |i: usize| format!("site_{i}.wav");
    starts_s.iter().enumerate().map(|(i, &s)| info(&name(i), RATE, s)).collect()
}

#[test]
fn of_sound_deployments_nothing_is_told() {
    let continuous: Vec<f64> = (0..50).map(|i| 60.0 * f64::from(i)).collect();
    let duty: Vec<f64> = (0..50).filter(|i| i % 17 != 5).map(|i| 600.0 * f64::from(i)).collect();
    for starts in [continuous, duty, vec![], vec![5.0]] {
        assert_eq!(survey(&recordings(&starts)), []);
    }
    // A pause of a minute and a half.
    let paused: Vec<f64> =
        (0..50).map(|i| 60.0 * f64::from(i) + f64::from(i / 30) * 90.0).collect();
    assert_eq!(survey(&recordings(&paused)), []);
    // Starts in whole seconds of recordings that are not whole seconds long.
    let whole: Vec<f64> = (0..50).map(|i| (60.4 * f64::from(i)).floor()).collect();
    let mut infos = recordings(&whole);
    for info in &mut infos {
        info.frames = (60.4 * RATE) as u64;
        info.segments[0].frames = info.frames;
    }
    assert_eq!(survey(&infos), []);
}

#[test]
fn duplicates_rates_gains_and_lossy_sources_are_told() {
    let mut infos = recordings(&[0.0, 600.0, 1200.0, 1800.0]);
    infos.push(RecordingInfo { name: "copy.wav".into(), ..infos[1].clone() });
    infos[2].name = "MARS-20150910-2kHz.wav".into();
    infos[3].sample_rate_hz = 16_000.0;
    infos[0]
        .metadata
        .insert("comment".into(), "by AudioMoth 24 at medium gain setting while".into());
    infos[1]
        .metadata
        .insert("comment".into(), "by AudioMoth 24 at medium gain while battery".into());
    infos[3].metadata.insert("comment".into(), "by AudioMoth 24 at gain setting 4 while".into());
    infos[0].codec = "mp3".into();
    let found = survey(&infos);
    let expected = [
        (FindingKind::Duplicate, vec![1, 4], "there 2 times: site_1.wav, copy.wav"),
        (FindingKind::RateAgainstName, vec![2], "says 2 kHz, its header 8 kHz"),
        (FindingKind::RateChange, vec![3], "Most recordings have 8 kHz, site_3.wav 16 kHz"),
        (FindingKind::GainChange, vec![3], "a gain of medium, site_3.wav of 4"),
        (FindingKind::LossySource, vec![0], "site_0.wav was coded as mp3"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((kind, which, sentence), (k, w, s)) in found.iter().zip(expected) {
        assert_eq!((*kind, which), (k, &w));
        assert!(sentence.contains(s), "{sentence}");
    }
}

#[test]
fn a_clock_that_is_set_back_jumps_or_drifts_is_told() {
    // Set back by half a minute in a continuous recording.
    let back: Vec<f64> = (0..20).map(|i| 60.0 * f64::from(i) - f64::from(i / 10) * 30.0).collect();
    let found = survey(&recordings(&back));
    assert_eq!(
        (found.len(), found[0].0, &found[0].1),
        (1, FindingKind::Overlap, &vec![10]),
        "{found:?}"
    );
    assert!(found[0].2.contains("site_10.wav begins") && found[0].2.contains("by 30 s"));

    // By so much that a recording lies before the one in front of it.
    let far: Vec<f64> =
        (0..20).map(|i| 600.0 * f64::from(i) - if i == 10 { 900.0 } else { 0.0 }).collect();
    let found = survey(&recordings(&far));
    let kinds: Vec<FindingKind> = found.iter().map(|f| f.0).collect();
    assert!(kinds.contains(&FindingKind::ClockBackwards), "{found:?}");

    // Half a minute forward in a duty cycle.
    let jump: Vec<f64> = (0..20).map(|i| 600.0 * f64::from(i) + f64::from(i / 10) * 30.0).collect();
    let found = survey(&recordings(&jump));
    assert_eq!((found.len(), found[0].0, &found[0].1), (1, FindingKind::ClockStep, &vec![10]));
    assert!(found[0].2.contains("every 600 s, at worst by 30 s"), "{}", found[0].2);

    // 60 s of samples take 60.006 s of the clock: 100 ppm, over a day.
    let drifting: Vec<f64> = (0..1440).map(|i| 60.006 * f64::from(i)).collect();
    let found = survey(&recordings(&drifting));
    assert_eq!((found.len(), found[0].0), (1, FindingKind::ClockDrift));
    assert!(
        found[0].2.contains("100 ppm faster") && found[0].2.contains("8.6 s"),
        "{}",
        found[0].2
    );
}
