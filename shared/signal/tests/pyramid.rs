//! The pyramid against scipy's frames (see `fixtures/scipy_pyramid.py`), and what must not depend on
//! what.

use std::ops::Range;

use serde_json::Value;
use spyhop_api::RecordingInfo;
use spyhop_signal::formats::{self, OpenOptions, wav_writer::wav_pcm16};
use spyhop_signal::line_reader::LineReader;
use spyhop_signal::pyramid::{BANDS, Grid, LevelColumns, Recorded, transform};

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/scipy_pyramid.json")).expect("valid JSON")
}

/// The recordings of the fixture: their names and bytes.
fn recordings() -> Vec<(String, Vec<u8>)> {
    let fixture = fixture();
    let list = fixture["recordings"].as_array().expect("recordings");
    let made = list.iter().enumerate().map(|(recording, value)| {
        let sample = |i: i64| {
            let mixed = (i * i * 7919 + i * 104_729 + 31_337 * recording as i64) >> 3;
            let noise = mixed.rem_euclid(65_536) - 32_768;
            (if i % 5000 < 2500 { noise } else { noise.div_euclid(50) }) as i16
        };
        let samples: Vec<i16> =
            (0..value["samples"].as_i64().expect("a count")).map(sample).collect();
        (value["name"].as_str().expect("a name").to_owned(), wav_pcm16(&samples, 1, 8000))
    });
    made.collect()
}

fn infos(recordings: &[(String, Vec<u8>)]) -> Vec<RecordingInfo> {
    let info = |(name, bytes): &(String, Vec<u8>)| {
        formats::open(name, Box::new(bytes.clone()), &OpenOptions::default()).expect("a WAV").info
    };
    recordings.iter().map(info).collect()
}

fn compute(
    files: &[(String, Vec<u8>)],
    recorded: &Recorded,
    level: i32,
    columns: Range<i64>,
) -> LevelColumns {
    let files = files.to_vec();
    let open = move |i: usize| {
        let (name, bytes) = &files[i];
        formats::open(name, Box::new(bytes.clone()), &OpenOptions::default())
    };
    let mut reader = LineReader::new(recorded.line(), Box::new(open));
    let mut read = |range: Range<i64>, out: &mut Vec<f32>| {
        reader.read(range, 0, out).map(|_| ()).map_err(|e| e.to_string())
    };
    let grid = Grid::new(recorded.sample_rate_hz);
    transform(&grid, level, columns, recorded, &mut read, &mut || false)
        .expect("readable")
        .expect("not cancelled")
}

/// All columns of a level.
fn whole(files: &[(String, Vec<u8>)], level: i32) -> LevelColumns {
    let (recorded, _) = Recorded::new(&infos(files)).expect("recordings");
    let (grid, span_ns) = (Grid::new(recorded.sample_rate_hz), recorded.span_ns());
    let columns = grid.column_at(level, span_ns.start)..grid.column_at(level, span_ns.end) + 1;
    compute(files, &recorded, level, columns)
}

fn assert_scipys(ours: &LevelColumns, columns: &Value, bins: &[usize]) {
    let columns = columns.as_array().expect("columns");
    let recorded: Vec<i64> = (0..ours.frames.len())
        .filter(|&c| ours.frames[c] > 0)
        .map(|c| ours.first_column + c as i64)
        .collect();
    let theirs: Vec<i64> =
        columns.iter().map(|c| c["column"].as_i64().expect("a column")).collect();
    assert_eq!(recorded, theirs);
    for column in columns {
        let index = (column["column"].as_i64().expect("a column") - ours.first_column) as usize;
        assert_eq!(Some(u64::from(ours.frames[index])), column["frames"].as_u64(), "{index}");
        for (i, bin) in bins.iter().enumerate() {
            for (name, values) in [("mean", &ours.mean), ("max", &ours.max)] {
                let (a, b) = (f64::from(values[index * BANDS + bin]), column[name][i].as_f64());
                let b = b.expect("a number");
                // The transform is in f32: its rounding is relative to the loudest bin of the frame
                // (here within 40 dB).
                assert!((a - b).abs() <= 2e-5 * b + 1e-9, "{name} {index} {bin}: {a} for {b}");
            }
        }
    }
}

#[test]
fn columns_hold_scipys_frames_by_the_time_of_their_centres() {
    let (fixture, files) = (fixture(), recordings());
    let bins: Vec<usize> = fixture["bins"]
        .as_array()
        .expect("bins")
        .iter()
        .map(|b| b.as_u64().expect("a bin") as usize)
        .collect();
    assert_eq!(Grid::new(8000.0).column_ns(0), fixture["column_ns"].as_i64().expect("ns"));
    for level in fixture["levels"].as_array().expect("levels") {
        let number = level["level"].as_i64().expect("a level") as i32;
        let ours = whole(&files, number);
        assert_scipys(&ours, &level["columns"], &bins);
        if number > 0 {
            // The same by reduction of the finest.
            let mut reduced = whole(&files, 0);
            for _ in 0..number {
                reduced = reduced.reduce();
            }
            assert_scipys(&reduced, &level["columns"], &bins);
        }
    }
}

#[test]
fn a_column_is_the_same_whatever_is_asked_for_with_it() {
    let files = recordings();
    let (recorded, _) = Recorded::new(&infos(&files)).expect("recordings");
    let grid = Grid::new(8000.0);
    for level in [-7, -4, -2, 0, 2] {
        let all = whole(&files, level);
        for (index, frames) in all.frames.iter().enumerate() {
            let column = all.first_column + index as i64;
            let near = recorded.within(&grid.span_ns(level, column..column + 1));
            let alone = compute(&files, &near, level, column..column + 1);
            let cells = index * BANDS..(index + 1) * BANDS;
            assert_eq!(alone.frames, [*frames], "{level} {column}");
            assert!(alone.mean == all.mean[cells.clone()] && alone.max == all.max[cells]);
            assert_eq!(alone.samples, all.samples[index..=index], "{level} {column}");
        }
    }
}

#[test]
fn adding_a_recording_changes_nothing_before_and_after_it() {
    let files = recordings();
    // Without B: what begins with C, and all of A but its last frame, which reached into B.
    let without: Vec<_> =
        files.iter().filter(|(name, _)| !name.contains("_000004")).cloned().collect();
    let (with, without) = (whole(&files, 0), whole(&without, 0));
    assert_eq!(with.first_column, without.first_column);
    let changed: Vec<usize> = (0..with.frames.len())
        .filter(|&c| {
            let cells = c * BANDS..(c + 1) * BANDS;
            with.frames[c] != without.frames[c] || with.mean[cells.clone()] != without.mean[cells]
        })
        .collect();
    // B covers 4.0 to 7.0 s; columns last 0.512 s and begin where the epoch puts them.
    let grid = Grid::new(8000.0);
    let zero = infos(&files)[0].start.expect("dated").0;
    let column = |s: f64| (grid.column_at(0, zero + (s * 1e9) as i64) - with.first_column) as usize;
    assert_eq!(changed.first(), Some(&column(4.0 - 0.032)));
    assert_eq!(changed.last(), Some(&column(7.0 - 0.033)));
}

#[test]
fn no_column_mixes_the_silence_of_a_gap_into_its_power() {
    // A constant: its power at 0 Hz is the same in every frame, unless a window reaches into a gap.
    let wav = |name: &str| (name.to_owned(), wav_pcm16(&[16_384; 30_000], 1, 8000));
    let files = [wav("x_20200101_000000.wav"), wav("x_20200101_000005.wav")];
    for level in [-7, -4, -1, 0, 2] {
        let columns = whole(&files, level);
        let recorded: Vec<f32> = (0..columns.frames.len())
            .filter(|&c| columns.frames[c] > 0)
            .map(|c| columns.mean[c * BANDS])
            .collect();
        assert!(recorded.len() >= 4, "{level}");
        for power in &recorded {
            assert!((power / recorded[0] - 1.0).abs() < 1e-5, "{level}: {power}");
        }
    }
}

#[test]
fn every_sample_is_in_the_wave_form_of_the_column_that_its_time_lies_in() {
    let files = recordings();
    let infos = infos(&files);
    let (recorded, _) = Recorded::new(&infos).expect("recordings");
    let grid = Grid::new(8000.0);
    for level in [-9, -7, -3, 0, 2] {
        let columns = whole(&files, level);
        // Straight from the definition: count, minimum, maximum, sum of squares.
        let mut expected =
            vec![(0u64, f64::INFINITY, f64::NEG_INFINITY, 0.0); columns.frames.len()];
        for run in &recorded.runs {
            let bytes = files[run.recording].1.clone();
            let mut recording =
                formats::open(&files[run.recording].0, Box::new(bytes), &OpenOptions::default())
                    .expect("a WAV");
            let mut samples = Vec::new();
            recording
                .read_channel(run.first_frame, run.frames as usize, 0, &mut samples)
                .expect("samples");
            for (i, x) in samples.iter().map(|x| f64::from(*x)).enumerate() {
                // 125 µs from one to the next.
                let column = grid.column_at(level, run.start_ns + i as i64 * 125_000);
                let e = &mut expected[(column - columns.first_column) as usize];
                *e = (e.0 + 1, e.1.min(x), e.2.max(x), e.3 + x * x);
            }
        }
        for (index, (samples, e)) in columns.samples.iter().zip(&expected).enumerate() {
            assert_eq!(samples.count, e.0, "{level} {index}");
            if e.0 > 0 {
                assert_eq!((f64::from(samples.min), f64::from(samples.max)), (e.1, e.2));
                // Summed in f32 by blocks of 256 a lane.
                let mean_square = e.3 / e.0 as f64;
                let off = f64::from(samples.mean_square) - mean_square;
                assert!(off.abs() <= 1e-5 * mean_square, "{level} {index}: {off}");
            }
        }
    }
}
