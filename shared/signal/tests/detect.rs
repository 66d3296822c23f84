//! Listeners at work on streams: calls that were put there are found, and neither the way in which the
//! samples come nor the place where listening began changes a bit of what is found.

use std::f64::consts::TAU;

use spyhop_api::Timestamp;
use spyhop_api::time::{NANOS_PER_S, frames_to_nanos};
use spyhop_signal::detect::{CallType, Candidate, Heard, Listener, Score, call_types};

fn call_type(id: &str) -> CallType {
    call_types().into_iter().find(|call| call.id == id).expect("a known type")
}

/// Normal noise of an RMS, the same at every call.
fn noise(rms: f64, count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    };
    (0..count).map(|_| ((0..4).map(|_| next()).sum::<f64>() / 1.155 * rms) as f32).collect()
}

/// Adds a tone whose frequency is a function of the part, 0 to 1, of its duration; harmonics as factors.
fn add_tone(
    samples: &mut [f32],
    rate: f64,
    start_s: f64,
    seconds: f64,
    amplitude: f64,
    hz: impl Fn(f64) -> f64,
    harmonics: &[f64],
) {
    let mut phase = 0.0;
    let count = (seconds * rate) as usize;
    for n in 0..count {
        let u = n as f64 / count as f64;
        phase += TAU * hz(u) / rate;
        let edge = (u.min(1.0 - u) * seconds / 0.03).min(1.0);
        let at = (start_s * rate) as usize + n;
        let Some(sample) = samples.get_mut(at) else { continue };
        *sample += (amplitude * edge * phase.sin()) as f32;
        for (k, factor) in harmonics.iter().enumerate() {
            *sample += (amplitude * factor * edge * (phase * (k + 2) as f64).sin()) as f32;
        }
    }
}

/// Adds a pulse: a Gaussian of a width about a carrier.
fn add_pulse(samples: &mut [f32], rate: f64, at_s: f64, amplitude: f64, hz: f64, width_s: f64) {
    let centre = at_s * rate;
    let reach = 5.0 * width_s * rate;
    for n in (centre - reach).max(0.0) as usize..(centre + reach) as usize {
        let t = (n as f64 - centre) / rate;
        let value = amplitude * (-(t / width_s).powi(2)).exp() * (TAU * hz * t).cos();
        if let Some(sample) = samples.get_mut(n) {
            *sample += value as f32;
        }
    }
}

const START: i64 = 1_500_000_000 * NANOS_PER_S;

/// What is heard of runs, each from so many samples after the start on, pushed in pieces.
fn heard(call: &CallType, rate: f64, runs: &[(i64, &[f32])], piece: usize) -> Heard {
    let mut listener = Listener::new(call, rate).expect("it fits");
    let mut all = Heard::default();
    for (first, samples) in runs {
        listener.begin(Timestamp(START + frames_to_nanos(*first, rate)), 0, &mut all);
        samples.chunks(piece).for_each(|part| listener.push(part, &mut all));
    }
    listener.finish(&mut all);
    all
}

/// Two accounts of the same stream must be the same to the bit; the first difference is told.
fn assert_same(ours: &Heard, theirs: &Heard, what: &str) {
    let differs = ours.candidates.iter().zip(&theirs.candidates).find(|(a, b)| a != b);
    assert!(differs.is_none(), "{what}: {differs:?}");
    assert_eq!(ours.candidates.len(), theirs.candidates.len(), "{what}");
    let differs = ours.scores.iter().zip(&theirs.scores).find(|(a, b)| a != b);
    assert!(differs.is_none(), "{what}: {differs:?}");
    assert_eq!(ours.scores.len(), theirs.scores.len(), "{what}");
}

fn seconds(candidate: &Candidate) -> (f64, f64) {
    let s = |ns: i64| (ns - START) as f64 / NANOS_PER_S as f64;
    (s(candidate.start_ns), s(candidate.end_ns))
}

/// Candidates from the threshold on, by their starts.
fn found(call: &CallType, heard: &Heard) -> Vec<Candidate> {
    let (_, threshold) = call.method.thresholds();
    let mut found: Vec<Candidate> =
        heard.candidates.iter().filter(|c| f64::from(c.score) >= threshold).cloned().collect();
    found.sort_by_key(|c| c.start_ns);
    found
}

/// A minute at 48 kHz with whistles, clicks of a sperm whale and an upcall.
fn soundscape() -> Vec<f32> {
    let rate = 48_000.0;
    let mut samples = noise(0.003, 60 * 48_000, 5);
    samples.iter_mut().for_each(|x| *x += 0.02);
    for (start, low, high) in
        [(5.0, 6000.0, 14_000.0), (23.9, 5000.0, 9000.0), (29.8, 7000.0, 12_000.0)]
    {
        add_tone(&mut samples, rate, start, 0.7, 0.01, |u| low + (high - low) * u, &[0.2]);
    }
    for click in 0..14 {
        add_pulse(&mut samples, rate, 33.0 + 0.7 * f64::from(click), 0.2, 8000.0, 1e-4);
    }
    add_tone(&mut samples, rate, 47.0, 1.0, 0.002, |u| 90.0 + 110.0 * u.powf(1.8), &[]);
    samples
}

#[test]
fn each_listener_finds_its_own_calls_at_their_times() {
    let (samples, rate) = (soundscape(), 48_000.0);
    let of = |id: &str| {
        let call = call_type(id);
        found(&call, &heard(&call, rate, &[(0, &samples)], 65_536))
    };
    let whistles = of("whistle");
    let starts: Vec<f64> = whistles.iter().map(|c| seconds(c).0.round()).collect();
    assert_eq!(starts, [5.0, 24.0, 30.0], "{whistles:?}");
    let (start, end) = seconds(&whistles[0]);
    assert!((start - 5.0).abs() < 0.05 && (end - 5.7).abs() < 0.05, "{start} {end}");
    assert!(
        (whistles[0].low_hz - 6000.0).abs() < 500.0
            && (whistles[0].high_hz - 14_000.0).abs() < 500.0
    );

    let trains = of("sperm-click");
    assert_eq!(trains.len(), 1, "{trains:?}");
    let train = trains[0].train.expect("a train");
    assert_eq!(train.clicks, 14);
    assert!((train.interval_s - 0.7).abs() < 0.001, "{train:?}");
    assert!((seconds(&trains[0]).0 - 33.0).abs() < 0.05);
    assert!(
        (5000.0..8000.0).contains(&trains[0].low_hz)
            && (8000.0..11_000.0).contains(&trains[0].high_hz)
    );

    let upcalls = of("upcall");
    assert_eq!(upcalls.len(), 1, "{upcalls:?}");
    assert!((seconds(&upcalls[0]).0 - 47.0).abs() < 0.25);
}

#[test]
fn however_the_samples_come_the_same_is_heard_to_the_bit() {
    let (samples, rate) = (soundscape(), 48_000.0);
    for id in ["whistle", "sperm-click", "upcall", "humpback", "fin-20hz"] {
        let call = call_type(id);
        let whole = heard(&call, rate, &[(0, &samples)], usize::MAX);
        assert!(!whole.scores.is_empty(), "{id}");
        for piece in [997, 48_000] {
            let again = heard(&call, rate, &[(0, &samples)], piece);
            assert_same(&again, &whole, &format!("{id} in pieces of {piece}"));
        }
        // Files of odd lengths that follow each other.
        let files: Vec<(i64, &[f32])> = samples
            .chunks(333_333)
            .enumerate()
            .map(|(i, part)| (333_333 * i as i64, part))
            .collect();
        assert_same(&heard(&call, rate, &files, 10_000), &whole, &format!("{id} in files"));
    }
}

#[test]
fn pieces_of_the_clock_heard_apart_give_each_call_once() {
    // Cut in the middle of a whistle and of the train of clicks.
    let rate = 48_000.0;
    let mut samples = soundscape();
    samples.extend(noise(0.003, 90 * 48_000, 9).iter().map(|x| x + 0.02));
    let later = soundscape();
    samples.extend_from_slice(&later);
    let total_s = samples.len() as f64 / rate;
    for id in ["whistle", "sperm-click", "upcall"] {
        let call = call_type(id);
        let whole = heard(&call, rate, &[(0, &samples)], 65_536);
        let reach_s = Listener::new(&call, rate).expect("it fits").reach_ns() as f64 / 1e9;
        let borders = [0.0, 24.2, 30.1, 35.25, 47.5, 150.0 + 5.3, total_s];
        let (mut candidates, mut scores) = (Vec::new(), Vec::new());
        for span in borders.windows(2) {
            let from = (((span[0] - reach_s) * rate).floor().max(0.0)) as usize;
            let to = (((span[1] + reach_s) * rate).ceil() as usize).min(samples.len());
            let part = heard(&call, rate, &[(from as i64, &samples[from..to])], 32_768);
            let at = |s: f64| START + (s * NANOS_PER_S as f64) as i64;
            let owned = at(span[0])..at(span[1]);
            candidates.extend(part.candidates.into_iter().filter(|c| owned.contains(&c.start_ns)));
            scores.extend(part.scores.into_iter().filter(|s| owned.contains(&s.start_ns)));
        }
        let sorted = |mut all: Vec<Candidate>| {
            all.sort_by_key(|c| (c.start_ns, c.end_ns));
            all
        };
        // A cell of the curve that begins before the first sample belongs to nobody.
        let inside: Vec<Score> = whole.scores.into_iter().filter(|s| s.start_ns >= START).collect();
        let whole = Heard { candidates: sorted(whole.candidates), scores: inside };
        assert_same(&Heard { candidates: sorted(candidates), scores }, &whole, id);
    }
}

#[test]
fn dolphin_clicks_and_their_echoes_are_one_train_and_whistles_are_none() {
    let rate = 192_000.0;
    let mut samples = noise(0.001, 12 * 192_000, 3);
    for click in 0..40 {
        let at = 4.0 + 0.06 * f64::from(click);
        add_pulse(&mut samples, rate, at, 0.05, 60_000.0, 1.5e-5);
        add_pulse(&mut samples, rate, at + 4e-4, -0.02, 60_000.0, 1.5e-5);
    }
    // Its third harmonic lies in the clicks' band.
    add_tone(&mut samples, rate, 8.0, 0.8, 0.1, |u| 9000.0 + 5000.0 * u, &[0.3, 0.3]);
    let call = call_type("click");
    let trains = found(&call, &heard(&call, rate, &[(0, &samples)], 100_000));
    assert_eq!(trains.len(), 1, "{trains:?}");
    let train = trains[0].train.expect("a train");
    assert_eq!(train.clicks, 40);
    assert!((train.interval_s - 0.06).abs() < 1e-4);
    assert!(trains[0].low_hz > 35_000.0 && trains[0].high_hz < 85_000.0, "{:?}", trains[0]);
}

#[test]
fn porpoise_clicks_are_found_where_the_rate_holds_them_and_refused_where_not() {
    let rate = 384_000.0;
    let mut samples = noise(0.001, 8 * 384_000, 4);
    for click in 0..30 {
        add_pulse(&mut samples, rate, 3.0 + 0.05 * f64::from(click), 0.02, 130_000.0, 5e-5);
    }
    let call = call_type("porpoise-click");
    let trains = found(&call, &heard(&call, rate, &[(0, &samples)], 100_000));
    assert_eq!(trains.len(), 1, "{trains:?}");
    assert_eq!(trains[0].train.map(|t| t.clicks), Some(30));
    let refused =
        Listener::new(&call, 192_000.0).map(|_| ()).expect_err("it holds nothing of them");
    assert!(refused.to_string().contains("nothing above 96 kHz"), "{refused}");
}

#[test]
fn humpback_units_are_found_by_their_energy() {
    let rate = 8000.0;
    let mut samples = noise(0.01, 60 * 8000, 6);
    for unit in 0..12 {
        let at = 4.0 + 4.0 * f64::from(unit);
        add_tone(&mut samples, rate, at, 1.2, 0.1, |u| 300.0 + 300.0 * u, &[0.5, 0.3]);
    }
    let call = call_type("humpback");
    let units = found(&call, &heard(&call, rate, &[(0, &samples)], 4096));
    assert_eq!(units.len(), 12, "{units:?}");
    for (unit, candidate) in units.iter().enumerate() {
        let (start, end) = seconds(candidate);
        let expected = 4.0 + 4.0 * unit as f64;
        assert!(
            (start - expected).abs() < 0.12 && (end - expected - 1.2).abs() < 0.12,
            "{start} {end}"
        );
        assert!(candidate.low_hz > 280.0 && candidate.low_hz < 400.0, "{candidate:?}");
        assert!(candidate.high_hz > 700.0 && candidate.high_hz < 1900.0, "{candidate:?}");
    }
}

#[test]
fn what_is_no_number_is_a_gap_and_spoils_nothing_else() {
    let (mut samples, rate) = (soundscape(), 48_000.0);
    let call = call_type("whistle");
    let sound = found(&call, &heard(&call, rate, &[(0, &samples)], 65_536));
    samples[48_000 * 15] = f32::NAN;
    samples[48_000 * 18..48_000 * 19].fill(f32::INFINITY);
    samples[48_000 * 40..48_000 * 60].fill(f32::NAN);
    let spoilt = heard(&call, rate, &[(0, &samples)], 65_536);
    let all = found(&call, &spoilt);
    assert_eq!(all.len(), sound.len());
    for (a, b) in all.iter().zip(&sound) {
        assert_eq!((a.start_ns, a.end_ns), (b.start_ns, b.end_ns));
    }
    assert!(spoilt.scores.iter().all(|s| s.score.is_finite()));
    let covered = |second: i64| {
        spoilt
            .scores
            .iter()
            .any(|s| (s.start_ns - START - second * NANOS_PER_S).abs() < NANOS_PER_S / 5)
    };
    assert!(covered(10) && !covered(50), "nothing was recorded after 40 s");
    let nothing = heard(&call, rate, &[(0, &[f32::NAN; 100_000])], 4096);
    assert_eq!(nothing, Heard::default());
}

#[test]
fn files_whose_clocks_are_a_sample_off_are_one_stream() {
    let (samples, rate) = (soundscape(), 48_000.0);
    let call = call_type("whistle");
    let whole = found(&call, &heard(&call, rate, &[(0, &samples)], 65_536));
    // The middle of the second whistle: its file begins a sample late, or early.
    let cut = (24.2 * rate) as usize;
    for off in [-1i64, 1] {
        let runs = [(0, &samples[..cut]), (cut as i64 + off, &samples[cut..])];
        let parts = found(&call, &heard(&call, rate, &runs, 65_536));
        assert_eq!(parts.len(), whole.len(), "{off}");
    }
    // A gap of a second is one.
    let runs = [(0, &samples[..cut]), (cut as i64 + 48_000, &samples[cut..])];
    assert_eq!(found(&call, &heard(&call, rate, &runs, 65_536)).len(), whole.len() + 1);
}
