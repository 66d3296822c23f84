//! Levels against numpy's and scipy's (see `fixtures/numpy_levels.py`), and against the test vectors.

use std::f64::consts::TAU;

use serde_json::Value;
use spyhop_api::calibration::FrequencyTable;
use spyhop_api::{Band, Calibration, Timestamp};
use spyhop_signal::levels::{
    AverageRow, AverageSpec, BandPower, LevelDistribution, MillidecadeEdition, PERCENTILES,
    SpectrumAverager, WaveformMeter, decidecades, hybrid_millidecades, level_db, percentiles,
    power_gains,
};

const RATE: f64 = 2000.0;
const SECOND: i64 = 1_000_000_000;
const EDITIONS: [MillidecadeEdition; 2] =
    [MillidecadeEdition::Published, MillidecadeEdition::Corrected];

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/numpy_levels.json")).expect("valid JSON")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    value[name].as_array().expect(name)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn edition(value: &Value) -> MillidecadeEdition {
    EDITIONS[usize::from(value["corrected"] == true)]
}

/// The generator of the fixture's script: −1 to 1, the same sequence.
fn noise(length: usize) -> Vec<f64> {
    let mut state = 1u64;
    let mut next = || {
        state = (1_103_515_245 * state + 12_345) % (1 << 31);
        state as f64 / f64::from(1 << 30) - 1.0
    };
    (0..length).map(|_| next()).collect()
}

/// The fixture's two runs: where each begins on the clock, and its samples.
fn runs() -> [(Timestamp, Vec<f32>); 2] {
    let total = 230_800;
    let noise = noise(total);
    let sample = |n: usize| {
        let t = n as f64;
        let swell = 0.01 * noise[n] * (1.0 + t / total as f64);
        (swell + 0.02 + 0.05 * (TAU * 440.3 * t / RATE).sin()) as f32
    };
    let x: Vec<f32> = (0..total).map(sample).collect();
    let (first, second) = x.split_at(190_000);
    [
        (Timestamp(30 * SECOND + SECOND / 4), first.to_vec()),
        (Timestamp(140 * SECOND), second.to_vec()),
    ]
}

fn averages(spec: &AverageSpec) -> Vec<AverageRow> {
    let mut averager = SpectrumAverager::new(spec).expect("a sound spec");
    let mut rows = Vec::new();
    for (start, samples) in runs() {
        averager.begin(start);
        samples.chunks(12_345).for_each(|part| averager.push(part, &mut rows));
    }
    averager.finish(&mut rows);
    rows
}

/// Powers of f32 transforms against f64 ones: the project's tolerance, relative to the bin and to the
/// loudest bin (the tone is 50 dB over the noise).
fn assert_same_power(ours: &[f64], theirs: &[f64], loudest: f64) {
    assert_eq!(ours.len(), theirs.len());
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= 1e-4 * b + 1e-9 * loudest, "bin {i}: {a} for {b}");
    }
}

fn assert_same_levels(ours: &[f64], theirs: &[Value], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        let b = number(b);
        // 10⁻⁴ of a power is 0.0004 dB.
        assert!((a - b).abs() < 1e-3 || (a.is_nan() && b.is_nan()), "{what}, {i}: {a} for {b}");
    }
}

#[test]
fn minutes_and_long_term_spectra_are_scipys() {
    let theirs = fixture();
    let cases = [
        (AverageSpec::minute(RATE), "minutes", 37),
        (AverageSpec::ltsa(RATE, 5.0, 100.0), "ltsa", 1),
    ];
    for (spec, name, every) in cases {
        let rows = averages(&spec);
        assert_eq!(rows.len(), list(&theirs, name).len(), "{name}");
        for (row, theirs) in rows.iter().zip(list(&theirs, name)) {
            assert_eq!((row.start_ns / SECOND) as f64, number(&theirs["start_s"]));
            assert_eq!(row.recorded_s, number(&theirs["recorded_s"]));
            assert_eq!(f64::from(row.frames), number(&theirs["frames"]));
            assert_eq!(row.short, row.recorded_s < spec.average_s() / 2.0);
            let ours: Vec<f64> = row.density.iter().step_by(every).copied().collect();
            let theirs: Vec<f64> = list(theirs, "density").iter().map(number).collect();
            let loudest = row.density.iter().copied().fold(0.0, f64::max);
            assert_same_power(&ours, &theirs, loudest);
        }
    }
}

#[test]
fn edges_of_hybrid_millidecades_are_those_of_the_published_code() {
    for table in list(&fixture(), "tables") {
        let bands = hybrid_millidecades(number(&table["rate"]), edition(table));
        assert_eq!(bands.len() as f64, number(&table["count"]), "{table}");
        for row in list(table, "rows") {
            let band = bands[number(&row["index"]) as usize];
            let ours = [band.low_hz, band.centre_hz, band.high_hz];
            for (ours, theirs) in ours.iter().zip(list(row, "edges")) {
                // The fixture has nine digits.
                assert!((ours - number(theirs)).abs() <= 1e-8 * ours.abs(), "{band:?} for {row}");
            }
        }
    }
}

#[test]
fn hybrid_millidecade_and_decidecade_levels_are_numpys() {
    let (rows, theirs) = (averages(&AverageSpec::minute(RATE)), fixture());
    for theirs in list(&theirs, "millidecades") {
        let bands = hybrid_millidecades(RATE, edition(theirs));
        let split = BandPower::new(&bands, 1.0, 1001);
        for (row, theirs) in rows.iter().zip(list(theirs, "levels_db")) {
            let all = split.mean_densities(&row.density);
            let ours: Vec<f64> = all.iter().step_by(11).map(|p| level_db(*p)).collect();
            assert_same_levels(&ours, theirs.as_array().expect("levels"), "millidecades");
        }
    }
    let bands = decidecades(10.0, RATE / 2.0);
    let centres: Vec<f64> = bands.iter().map(|b| b.centre_hz).collect();
    assert_same_levels(&centres, list(&theirs["decidecades"], "centres_hz"), "centres");
    let split = BandPower::new(&bands, 1.0, 1001);
    for (row, theirs) in rows.iter().zip(list(&theirs["decidecades"], "levels_db")) {
        let ours: Vec<f64> = split.powers(&row.density).iter().map(|p| level_db(*p)).collect();
        assert_same_levels(&ours, theirs.as_array().expect("levels"), "decidecades");
    }
}

#[test]
fn a_calibration_by_frequency_is_applied_bin_by_bin_before_summing() {
    let theirs = &fixture()["calibrated"];
    let pair = |row: &Value| (number(&row[0]), number(&row[1]));
    let table = FrequencyTable::new(list(theirs, "rows").iter().map(pair).collect());
    let calibration = Calibration::UpaPerFullscale { db: table.expect("a table").into() };
    let gains = power_gains(Some(&calibration), 1.0, 1001);
    let offsets: Vec<f64> = gains.iter().step_by(20).map(|g| level_db(*g)).collect();
    assert_same_levels(&offsets, list(theirs, "offset_db"), "offsets");
    let minute = &averages(&AverageSpec::minute(RATE))[1];
    let density: Vec<f64> = minute.density.iter().zip(&gains).map(|(p, g)| p * g).collect();
    let split = BandPower::new(&decidecades(10.0, RATE / 2.0), 1.0, 1001);
    let ours: Vec<f64> = split.powers(&density).iter().map(|p| level_db(*p)).collect();
    assert!(ours.iter().any(|l| l.is_nan()) && ours.iter().any(|l| l.is_finite()));
    assert_same_levels(&ours, list(theirs, "decidecades_db"), "calibrated decidecades");
}

#[test]
fn levels_of_the_waveform_are_numpys() {
    let mut meter = WaveformMeter::new(RATE, 60 * SECOND);
    let mut rows = Vec::new();
    for (start, samples) in runs() {
        meter.begin(start);
        samples.chunks(777).for_each(|part| meter.push(part, &mut rows));
    }
    meter.finish(&mut rows);
    let fixture = fixture();
    let theirs = list(&fixture, "waveform");
    assert_eq!(rows.len(), theirs.len());
    for (row, theirs) in rows.iter().zip(theirs) {
        assert_eq!((row.start_ns / SECOND) as f64, number(&theirs["start_s"]));
        let pairs = [
            ("rms_db", row.rms_db()),
            ("zero_to_peak_db", row.zero_to_peak_db()),
            ("exposure_db", row.exposure_db()),
        ];
        for (name, ours) in pairs {
            // The same samples, summed in f64 on both sides; the sine of either library may differ in
            // a sample's last bit.
            assert!((ours - number(&theirs[name])).abs() < 1e-6, "{name}: {ours} for {theirs}");
        }
    }
}

#[test]
fn percentiles_and_probability_density_are_numpys() {
    let theirs = &fixture()["distribution"];
    let noise = noise(3000);
    let level = |n: usize| {
        let level = -80.0 + 15.0 * (n as f64 / 200.0).sin() + 6.0 * noise[n];
        ((level * 100.0).round_ties_even() / 100.0 + 0.005) as f32
    };
    let levels: Vec<f32> = (0..3000).map(level).collect();
    let exact = percentiles(&mut levels.clone(), &PERCENTILES);
    assert_same_levels(&exact, list(theirs, "percentiles_db"), "percentiles");

    let mut counted = LevelDistribution::new(1);
    levels.iter().for_each(|l| counted.push(&[*l]));
    for (ours, exact) in counted.percentiles(&PERCENTILES).iter().zip(&exact) {
        // Counted in steps of 0.1 dB.
        assert!((ours - exact).abs() <= 0.05 + 1e-6, "{ours} for {exact}");
    }
    let ours = counted.probability_density(10);
    assert!((ours.edges_db[0] - number(&theirs["low_db"])).abs() < 1e-9);
    let theirs = list(theirs, "density");
    assert_eq!(ours.density.len(), theirs.len());
    for (a, b) in ours.density.iter().zip(theirs) {
        assert!((f64::from(*a) - number(b)).abs() < 1e-6, "{a} for {b}");
    }
}

#[test]
fn white_noise_reads_the_test_vector() {
    // RMS 0.01 at 48 kHz is −40 dB over 24 kHz: −83.80 dB re FS²/Hz, 66.20 dB re 1 µPa²/Hz with C = 150.
    let rate = 48_000.0;
    let samples: Vec<f32> =
        noise(5 * 48_000).iter().map(|x| (0.01 * 3f64.sqrt() * x) as f32).collect();
    let mut averager = SpectrumAverager::new(&AverageSpec::minute(rate)).expect("a sound spec");
    let mut rows = Vec::new();
    averager.begin(Timestamp(0));
    averager.push(&samples, &mut rows);
    averager.finish(&mut rows);
    let calibration = Calibration::UpaPerFullscale { db: 150.0.into() };
    let gains = power_gains(Some(&calibration), 1.0, rows[0].density.len());
    let density: Vec<f64> = rows[0].density.iter().zip(&gains).map(|(p, g)| p * g).collect();
    let band = Band { low_hz: 10.0, centre_hz: 5000.0, high_hz: 23_999.0 };
    let split = BandPower::new(&[band], 1.0, density.len());
    let level = level_db(split.mean_densities(&density)[0]);
    // 9 frames of 23 989 bins: the mean's own scatter is 0.013 dB.
    assert!((level - 66.20).abs() < 0.05, "{level}");
    // The whole band's SPL is 150 − 40 dB re 1 µPa.
    assert!((level_db(split.powers(&density)[0]) - 110.0).abs() < 0.05);
}
