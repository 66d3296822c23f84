//! Products of small deployments: what files and days cut, what can't be read, and what Parquet holds.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float32Type, TimeUnit, TimestampNanosecondType};
use spyhop_api::{Calibration, Deployment};
use spyhop_signal::levels::MillidecadeEdition;

use super::measure::measure;
use super::plan::Plan;
use super::*;
use crate::catalogue::Recordings;
use crate::pyramid::tests::recordings;

/// 40 s each at 2 kHz: two that touch in the middle of a minute, one across midnight.
const NAMES: [&str; 3] =
    ["x_20210601_000000.wav", "x_20210601_000040.wav", "x_20210601_235940.wav"];

fn plan(recordings: &Recordings, product: Product) -> Plan {
    Plan::new(&recordings.infos, product, None, 0, &BTreeMap::new()).expect("a plan")
}

/// The rows of all units.
fn rows(recordings: &Recordings, product: Product) -> Vec<rows::Rows> {
    let plan = plan(recordings, product);
    let unit = |unit| measure(&plan, unit, recordings, &mut |_| true).expect("measured");
    plan.units.iter().map(unit).collect()
}

fn starts_s(rows: &rows::Rows) -> Vec<i64> {
    let midnight_s = 1_622_505_600;
    rows.start_ns.iter().map(|ns| ns / 1_000_000_000 - midnight_s).collect()
}

#[test]
fn a_unit_is_a_day_and_a_file_across_midnight_is_cut_there() {
    let recordings = recordings(&NAMES, "");
    let days = rows(&recordings, Product::Millidecades(MillidecadeEdition::Published));
    assert_eq!(days.iter().map(starts_s).collect::<Vec<_>>(), [vec![0, 60, 86_340], vec![86_400]]);
    assert_eq!(days[0].recorded_s, [60.0, 20.0, 20.0]);
    assert_eq!(days[0].short, [false, true, true]);
    assert_eq!((days[1].recorded_s[0], days[1].short[0]), (20.0, true));
}

#[test]
fn a_frame_reaches_across_files_that_touch() {
    let touching = recordings(&NAMES[..2], "");
    let apart = recordings(&["x_20210601_000000.wav", "x_20210601_000041.wav"], "");
    let product = Product::Decidecades { average_s: 60.0 };
    let level = |recordings: &Recordings| rows(recordings, product)[0].row(0).to_vec();
    assert_ne!(level(&touching), level(&apart), "a frame more counts");
    assert_eq!(rows(&touching, product)[0].recorded_s, [60.0, 20.0]);
}

#[test]
fn a_key_changes_with_what_the_rows_are_made_from_and_with_nothing_else() {
    let hmd = Product::Millidecades(MillidecadeEdition::Published);
    let all = recordings(&NAMES, "");
    let keys = |recordings: &Recordings, product, calibration, channel| -> Vec<String> {
        let none = BTreeMap::new();
        let plan = Plan::new(&recordings.infos, product, calibration, channel, &none);
        plan.expect("a plan").units.into_iter().map(|unit| unit.key).collect()
    };
    let base = keys(&all, hmd, None, 0);
    // Percentiles are made of the same spectra.
    let same = Product::Percentiles(MillidecadeEdition::Published);
    assert_eq!(keys(&all, same, None, 0), base);
    let others = [
        keys(&all, Product::Millidecades(MillidecadeEdition::Corrected), None, 0),
        keys(&all, Product::Ltsa { average_s: 60.0, step_hz: Some(1.0) }, None, 0),
        keys(&all, hmd, Some(Calibration::UpaPerFullscale { db: 176.0.into() }), 0),
        keys(&all, hmd, None, 1),
    ];
    for other in others {
        assert!(other.iter().all(|key| !base.contains(key)));
    }
    // A file of another day touches this one's unit no more than its own.
    let fewer = recordings(&NAMES[..2], "");
    assert_ne!(keys(&fewer, hmd, None, 0)[0], base[0], "the first day lost 20 s");
    let more = recordings(&[NAMES[0], NAMES[1], NAMES[2], "x_20210605_000000.wav"], "");
    assert_eq!(keys(&more, hmd, None, 0)[..2], base);
}

#[test]
fn a_recording_that_can_not_be_read_is_left_out_with_the_reason() {
    let state = tempfile::tempdir().expect("a folder");
    let broken = recordings(&NAMES, NAMES[1]);
    let deployment = Deployment { id: "a/site".into(), ..Deployment::default() };
    let product = Product::Broadband { average_s: 20.0 };
    let made = run(state.path(), &deployment, &broken, product, 0).expect("made");
    assert_eq!(made.plan.left_out.len(), 1);
    assert!(made.plan.left_out[0].1.contains("scratched"), "{:?}", made.plan.left_out);
    assert_eq!(made.sums().expect("rows").rows, 4);
    let all_broken = recordings(&NAMES[..1], NAMES[0]);
    let error = run(state.path(), &deployment, &all_broken, product, 0).err().expect("nothing");
    assert!(error.to_string().contains("scratched"), "{error}");
}

#[test]
fn parquet_has_nanoseconds_in_utc_and_the_levels_of_the_rows() {
    let state = tempfile::tempdir().expect("a folder");
    let recordings = recordings(&NAMES, "");
    let deployment = Deployment { name: "Site".into(), ..Deployment::default() };
    let product = Product::Decidecades { average_s: 10.0 };
    let made = run(state.path(), &deployment, &recordings, product, 0).expect("made");
    let out = state.path().join("levels.parquet");
    let heading = Heading::new(&made.plan, &deployment);
    export(&made, &heading, Format::Parquet, &out).expect("written");
    let file = std::fs::File::open(&out).expect("open");
    let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file);
    let reader = reader.expect("Parquet");
    let schema = reader.schema().clone();
    let utc = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    assert_eq!(schema.field(0).data_type(), &utc);
    assert!(schema.metadata()["calibration"].starts_with("none"));
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(names[..3], ["time", "recorded_s", "short"]);
    assert!(names.contains(&"63 Hz (dB re FS)") && names.contains(&"125 Hz (dB re FS)"));
    let expected = rows(&recordings, product);
    let starts: Vec<i64> = expected.iter().flat_map(|rows| rows.start_ns.clone()).collect();
    let levels: Vec<f32> =
        expected.iter().flat_map(|rows| (0..rows.len()).map(|i| rows.row(i)[5])).collect();
    let (mut read_starts, mut read_levels) = (Vec::new(), Vec::new());
    for batch in reader.build().expect("a reader") {
        let batch = batch.expect("rows");
        let times = batch.column(0).as_primitive::<TimestampNanosecondType>();
        read_starts.extend_from_slice(times.values());
        read_levels.extend_from_slice(batch.column(3 + 5).as_primitive::<Float32Type>().values());
        assert_eq!(times.null_count(), 0);
    }
    assert_eq!((read_starts, read_levels), (starts, levels));
}
