//! The table of windows as Parquet.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::de::DeserializeOwned;
use serde_json::Value;
use spyhop_config::Preprocess;

use super::{Sources, Window, WindowTable, WindowedRecording};
use crate::{TrainError, whole};

const WHAT: &str = "the table of windows";
const TEXTS: [&str; 4] = ["recording", "fingerprint", "day", "class"];
const NUMBERS: [&str; 3] = ["start_s", "duration_s", "recording_s"];
/// Tables that were written by an earlier version lack them.
const RECORDED: &str = "recorded_s";
const START: &str = "recording_start_ns";
const FOLDER: &str = "folder";
const NEGATIVE: &str = "negative_class";
const CLASSES: &str = "classes";
const CUT_BY: &str = "cut_by";
const SOURCES: &str = "sources";
const LEVELS: &str = "levels";
const ROWS: usize = 16_384;

/// Writes a table, with the settings and the labels that it was cut by.
///
/// # Errors
/// When the disk says no.
pub fn write(
    table: &WindowTable,
    path: &Path,
    cut_by: Option<(&Preprocess, &Sources)>,
) -> Result<(), TrainError> {
    let fields: Vec<Field> = TEXTS
        .iter()
        .map(|name| Field::new(*name, DataType::Utf8, false))
        .chain(
            NUMBERS
                .iter()
                .chain([&RECORDED])
                .map(|name| Field::new(*name, DataType::Float64, false)),
        )
        .chain([Field::new(START, DataType::Int64, true)])
        .collect();
    let classes = serde_json::to_string(&table.classes).unwrap_or_default();
    let mut about = HashMap::from([
        (FOLDER.to_owned(), table.folder.to_string_lossy().into_owned()),
        (NEGATIVE.to_owned(), table.negative_class.clone()),
        // Their order, and those without a window.
        (CLASSES.to_owned(), classes),
    ]);
    if let Some(levels) = &table.levels {
        about.insert(LEVELS.to_owned(), serde_json::to_string(levels).unwrap_or_default());
    }
    if let Some((cut_by, sources)) = cut_by {
        about.insert(CUT_BY.to_owned(), serde_json::to_string(cut_by).unwrap_or_default());
        about.insert(SOURCES.to_owned(), serde_json::to_string(sources).unwrap_or_default());
    }
    let of = |w: &Window| table.recordings.get(w.recording);
    let text = |get: &dyn Fn(&Window) -> Option<String>| -> ArrayRef {
        let cells = table.windows.iter().map(|w| get(w).unwrap_or_default());
        Arc::new(StringArray::from_iter_values(cells))
    };
    let number = |get: &dyn Fn(&Window) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(table.windows.iter().map(get)))
    };
    let columns = vec![
        text(&|w| Some(of(w)?.name.clone())),
        text(&|w| Some(of(w)?.fingerprint.clone())),
        text(&|w| Some(of(w)?.day.clone())),
        text(&|w| table.classes.get(w.class).cloned()),
        number(&|w| w.start_s),
        number(&|_| table.window_s),
        number(&|w| of(w).map_or(f64::NAN, |r| r.duration_s)),
        number(&|w| of(w).map_or(f64::NAN, |r| r.recorded_s)),
        Arc::new(Int64Array::from_iter(table.windows.iter().map(|w| of(w)?.start_ns))),
    ];
    let failed = |error: String| TrainError::file(path, error);
    let schema = Arc::new(Schema::new_with_metadata(fields, about));
    let batch = RecordBatch::try_new(schema, columns).map_err(|e| failed(e.to_string()))?;
    let compression = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder().set_compression(compression).build();
    whole::put_with(WHAT, path, |file| {
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties))?;
        writer.write(&batch)?;
        writer.close()?;
        Ok(())
    })
}

/// Reads a table.
///
/// # Errors
/// When it can't be read, or is none.
pub fn read(path: &Path) -> Result<WindowTable, TrainError> {
    let file = File::open(path).map_err(|error| TrainError::reading(WHAT, path, &error))?;
    let not_ours = |reason: String| {
        let known = "this is no table of windows as spyhop dataset writes it";
        TrainError::file(path, format!("{known} ({reason})"))
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|error| not_ours(error.to_string()))?;
    let about = builder.schema().metadata().clone();
    let said = |key: &str| {
        about.get(key).cloned().ok_or_else(|| not_ours(format!("it does not say its {key}")))
    };
    let classes: Vec<String> =
        serde_json::from_str(&said(CLASSES)?).map_err(|error| not_ours(error.to_string()))?;
    let mut table = WindowTable {
        folder: PathBuf::from(said(FOLDER)?),
        window_s: 0.0,
        negative_class: said(NEGATIVE)?,
        classes,
        recordings: Vec::new(),
        windows: Vec::new(),
        levels: about.get(LEVELS).and_then(|text| serde_json::from_str(text).ok()),
    };
    let mut known: HashMap<String, usize> = HashMap::new();
    let batches =
        builder.with_batch_size(ROWS).build().map_err(|error| not_ours(error.to_string()))?;
    for batch in batches {
        let batch = batch.map_err(|error| not_ours(error.to_string()))?;
        let column = |name: &str| {
            batch.column_by_name(name).ok_or_else(|| not_ours(format!("no column {name}")))
        };
        let texts = TEXTS.map(|name| {
            let column = column(name)?.as_string_opt::<i32>();
            column.ok_or_else(|| not_ours(format!("{name} is no text")))
        });
        let [name, fingerprint, day, class] = texts;
        let (name, fingerprint, day, class) = (name?, fingerprint?, day?, class?);
        let numbers = NUMBERS.map(|name| {
            let column = column(name)?.as_primitive_opt::<Float64Type>();
            column.ok_or_else(|| not_ours(format!("{name} is no number")))
        });
        let [start, duration, length] = numbers;
        let (start, duration, length) = (start?, duration?, length?);
        let recorded = batch.column_by_name(RECORDED);
        let recorded = recorded.and_then(|column| column.as_primitive_opt::<Float64Type>());
        let recorded = recorded.unwrap_or(length);
        let begin = batch.column_by_name(START);
        let begin = begin.and_then(|column| column.as_primitive_opt::<Int64Type>());
        for row in 0..batch.num_rows() {
            let recording = *known.entry(name.value(row).to_owned()).or_insert_with(|| {
                table.recordings.push(WindowedRecording {
                    name: name.value(row).to_owned(),
                    fingerprint: fingerprint.value(row).to_owned(),
                    day: day.value(row).to_owned(),
                    start_ns: begin.filter(|b| b.is_valid(row)).map(|b| b.value(row)),
                    duration_s: length.value(row),
                    recorded_s: recorded.value(row),
                });
                table.recordings.len() - 1
            });
            if table.windows.is_empty() {
                table.window_s = duration.value(row);
            }
            if duration.value(row) != table.window_s {
                return Err(not_ours("its windows are of different lengths".into()));
            }
            let class = class.value(row);
            let index = table.classes.iter().position(|c| c == class);
            let class = index.ok_or_else(|| not_ours(format!("an unknown class {class}")))?;
            table.windows.push(Window { recording, start_s: start.value(row), class });
        }
    }
    if table.windows.is_empty() {
        return Err(TrainError::file(path, "the table has no windows"));
    }
    Ok(table)
}

/// The settings that a table was cut by, by their keys under `preprocess`; `None` where it does not say them,
/// as tables of older versions.
///
/// # Errors
/// When it can't be read, or is none.
pub fn cut_by(path: &Path) -> Result<Option<BTreeMap<String, Value>>, TrainError> {
    said_of(path, CUT_BY)
}

/// What a table was cut from; `None` where it does not say so, as tables of older versions.
///
/// # Errors
/// When it can't be read, or is none.
pub fn sources(path: &Path) -> Result<Option<Sources>, TrainError> {
    said_of(path, SOURCES)
}

fn said_of<T: DeserializeOwned>(path: &Path, key: &str) -> Result<Option<T>, TrainError> {
    let file = File::open(path).map_err(|error| TrainError::reading(WHAT, path, &error))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| {
        let known = "this is no table of windows as spyhop dataset writes it";
        TrainError::file(path, format!("{known} ({error})"))
    })?;
    let said = builder.schema().metadata().get(key);
    Ok(said.and_then(|text| serde_json::from_str(text).ok()))
}

#[cfg(test)]
mod tests {
    use super::super::{Band, Levels};
    use super::*;

    fn table() -> WindowTable {
        let recording = |name: &str| WindowedRecording {
            name: name.into(),
            fingerprint: format!("1-{name}"),
            day: "2009-03-29".into(),
            start_ns: (name == "a.wav").then_some(1_238_284_800_000_000_001),
            duration_s: 900.0,
            recorded_s: 450.0,
        };
        WindowTable {
            folder: "/sea".into(),
            window_s: 3.0,
            negative_class: "none".into(),
            classes: vec!["upcall".into(), "gunshot".into(), "none".into()],
            recordings: vec![recording("a.wav"), recording("b/c.wav")],
            windows: vec![
                Window { recording: 0, start_s: 1.5, class: 0 },
                Window { recording: 0, start_s: 3.0, class: 2 },
                Window { recording: 1, start_s: 897.0, class: 2 },
            ],
            levels: Some(Levels {
                band: Band { low_hz: 30.0, high_hz: Some(400.0), channel: 1 },
                rms_db_re_fs: [("upcall".to_owned(), [-40.5, -35.25, -30.125])].into(),
            }),
        }
    }

    #[test]
    fn a_table_is_read_back_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("windows.parquet");
        let cut_by = Preprocess { window_s: 3.0, ..Preprocess::default() };
        let sources = Sources { by_training: true, ..Sources::default() };
        table().write(&path, &cut_by, &sources).expect("written");
        assert_eq!(WindowTable::read(&path).expect("read"), table());
        let said = WindowTable::cut_by(&path).expect("read").expect("it says so");
        assert_eq!(said["window_s"], 3.0);
        assert_eq!(said["positive_start"], "centred");
        assert_eq!(WindowTable::sources(&path).expect("read"), Some(sources));
        // One of an older version is read all the same.
        write(&table(), &path, None).expect("written");
        assert_eq!(WindowTable::read(&path).expect("read"), table());
        assert_eq!(WindowTable::cut_by(&path).expect("read"), None);
        assert_eq!(WindowTable::sources(&path).expect("read"), None);
    }

    #[test]
    fn a_window_beyond_the_end_of_its_recording_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("windows.parquet");
        let mut table = table();
        table.windows[2].start_s = 899.0;
        let said = Preprocess::default();
        table.write(&path, &said, &Sources::default()).expect("written");
        let error = WindowTable::read(&path).expect_err("past the end").to_string();
        assert!(error.contains("beyond the end of b/c.wav, which lasts 900 s"), "{error}");
    }

    #[test]
    fn what_is_no_table_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.parquet");
        std::fs::write(&path, "start,end").expect("written");
        let error = WindowTable::read(&path).expect_err("no table").to_string();
        assert!(error.contains("no table of windows") && error.contains("x.parquet"), "{error}");
        let error = WindowTable::read(&folder.path().join("y")).expect_err("nothing").to_string();
        assert!(error.contains("it is not there"), "{error}");
    }

    #[test]
    fn classes_are_chosen_and_one_without_windows_is_told() {
        let chosen = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            table().of_classes(&names)
        };
        let two = chosen(&["none", "upcall"]).expect("there");
        assert_eq!(two.counts(), [2, 1]);
        let error = chosen(&["upcall", "gunshot"]).expect_err("empty").to_string();
        assert!(error.contains("no window of the class 'gunshot'"), "{error}");
        let error = chosen(&["upcals"]).expect_err("unknown").to_string();
        assert!(error.contains("names 'upcals'"), "{error}");
        assert!(chosen(&["none"]).is_err());
    }
}
