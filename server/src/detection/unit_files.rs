//! The Parquet files of a unit: its candidates, each with where it comes from, and its scores.

use std::fs::File;
use std::io::{BufWriter, Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float32Array, Float64Array, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt32Array,
};
use arrow::datatypes::{
    DataType, Field, Float32Type, Float64Type, Schema, SchemaRef, TimeUnit,
    TimestampNanosecondType, UInt32Type,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use spyhop_api::detection::{DetectionClass, DetectionSource};
use spyhop_signal::detect::listen::{Found, ScoreRow};
use spyhop_signal::detect::{Candidate, Train};

use crate::pyramid::folder_name;

/// Rows that are read at a time.
const ROWS: usize = 16_384;
/// What stands in a file's metadata.
const SOFTWARE: &str = "software";
const PROBLEMS: &str = "problems";

/// The two files of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitFiles {
    pub calls: PathBuf,
    pub scores: PathBuf,
}

/// Candidates, each with the index of its class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadCalls {
    pub candidates: Vec<(usize, Candidate)>,
    /// The program that made them.
    pub software: String,
    /// What it could not hear, for a person.
    pub problems: Vec<String>,
}

/// What stands with every row.
pub struct Provenance<'a> {
    pub source: &'a DetectionSource,
    pub classes: &'a [DetectionClass],
    pub channel: u32,
    /// Whether times are of the clock.
    pub dated: bool,
    /// What could not be heard, for a person.
    pub problems: &'a [String],
}

/// Where the files of a deployment's units lie.
pub fn folder_of(state: &Path, deployment: &str) -> PathBuf {
    state.join("detections").join(folder_name(deployment))
}

impl UnitFiles {
    /// Those of a unit, by its key.
    pub fn of(folder: &Path, key: &str) -> UnitFiles {
        let file = |what: &str| folder.join(format!("{key}.{what}.parquet"));
        UnitFiles { calls: file("calls"), scores: file("scores") }
    }

    /// Whether both are there. They were whole before they had their names.
    pub fn are_there(&self) -> bool {
        self.calls.is_file() && self.scores.is_file()
    }

    /// Writes both: under other names until they are whole.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn write(&self, found: &Found, provenance: &Provenance<'_>) -> std::io::Result<()> {
        if let Some(folder) = self.calls.parent() {
            std::fs::create_dir_all(folder)?;
        }
        write(&self.scores, &scores_batch(found, provenance).map_err(other)?)?;
        write(&self.calls, &calls_batch(found, provenance).map_err(other)?)
    }

    /// Reads the candidates back, and the program that made them.
    ///
    /// # Errors
    /// When the file is not there or is none of these.
    pub fn read_calls(&self, classes: &[DetectionClass]) -> std::io::Result<ReadCalls> {
        let (schema, batches) = read(&self.calls)?;
        let said = |key: &str| schema.metadata().get(key).cloned().unwrap_or_default();
        let problems = said(PROBLEMS).lines().map(str::to_owned).collect();
        let mut all = ReadCalls { candidates: Vec::new(), software: said(SOFTWARE), problems };
        for batch in batches {
            let class = column(&batch, "label")?;
            let class = class.as_string_opt::<i32>().ok_or_else(damaged)?;
            let times = |name: &str| column(&batch, name);
            let (start, end) = (times("start")?, times("end")?);
            let (start, end) = (nanos(&start)?, nanos(&end)?);
            let hertz = |name: &str| column(&batch, name);
            let (low, high) = (hertz("low_hz")?, hertz("high_hz")?);
            let (low, high) = (doubles(&low)?, doubles(&high)?);
            let score = column(&batch, "score")?;
            let score = floats(&score)?;
            let clicks = column(&batch, "clicks")?;
            let clicks = clicks.as_primitive_opt::<UInt32Type>().ok_or_else(damaged)?;
            let interval = column(&batch, "interval_s")?;
            let interval = floats(&interval)?;
            for row in 0..batch.num_rows() {
                let name = class.value(row);
                let index = classes.iter().position(|class| class.name == name);
                let is_train = clicks.is_valid(row) && interval.is_valid(row);
                let train = is_train
                    .then(|| Train { clicks: clicks.value(row), interval_s: interval.value(row) });
                let candidate = Candidate {
                    start_ns: start.value(row),
                    end_ns: end.value(row),
                    low_hz: low.value(row),
                    high_hz: high.value(row),
                    score: score.value(row),
                    train,
                };
                all.candidates.push((index.ok_or_else(damaged)?, candidate));
            }
        }
        Ok(all)
    }

    /// Reads the scores back.
    ///
    /// # Errors
    /// When the file is not there or is none of these.
    pub fn read_scores(&self) -> std::io::Result<Vec<ScoreRow>> {
        let mut all = Vec::new();
        for batch in read(&self.scores)?.1 {
            let start = column(&batch, "start")?;
            let start = nanos(&start)?;
            let columns: Vec<&Float32Array> = batch.columns()[1..]
                .iter()
                .map(|column| column.as_primitive_opt::<Float32Type>().ok_or_else(damaged))
                .collect::<Result<_, _>>()?;
            for row in 0..batch.num_rows() {
                let scores = columns.iter().map(|column| column.value(row)).collect();
                all.push(ScoreRow { start_ns: start.value(row), scores });
            }
        }
        Ok(all)
    }
}

/// A field of times: of the clock, or since the first sample.
pub fn time_field(name: &str, dated: bool) -> Field {
    let zone = dated.then(|| Arc::from("UTC"));
    Field::new(name, DataType::Timestamp(TimeUnit::Nanosecond, zone), false)
}

/// Times for such a field.
pub fn times(ns: impl Iterator<Item = i64>, dated: bool) -> ArrayRef {
    let array = TimestampNanosecondArray::from_iter_values(ns);
    if dated { Arc::new(array.with_timezone("UTC")) } else { Arc::new(array) }
}

/// Fields that say where rows come from.
pub fn provenance_fields() -> Vec<Field> {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    vec![
        Field::new("channel", DataType::UInt32, false),
        text("source"),
        text("kind"),
        text("adapter"),
        text("fingerprint"),
        text("config_hash"),
        text("software"),
    ]
}

/// The same for so many rows.
pub fn provenance_columns(source: &DetectionSource, channel: u32, rows: usize) -> Vec<ArrayRef> {
    let text = |value: &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(std::iter::repeat_n(value, rows)))
    };
    vec![
        Arc::new(UInt32Array::from_value(channel, rows)),
        text(&source.name),
        text(if source.is_model { "model" } else { "detector" }),
        text(source.adapter.as_deref().unwrap_or_default()),
        text(&source.fingerprint),
        text(&source.config_hash),
        text(&source.software),
    ]
}

/// Writes one table of any rows.
///
/// # Errors
/// When the disk says no.
pub fn write_table(file: impl std::io::Write + Send, batch: &RecordBatch) -> std::io::Result<()> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut writer =
        ArrowWriter::try_new(file, batch.schema(), Some(properties)).map_err(of_disk)?;
    writer.write(batch).map_err(of_disk)?;
    writer.close().map_err(of_disk)?;
    Ok(())
}

fn calls_batch(
    found: &Found,
    provenance: &Provenance<'_>,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let Provenance { source, classes, channel, dated, problems } = provenance;
    let mut fields = vec![
        time_field("start", *dated),
        time_field("end", *dated),
        Field::new("low_hz", DataType::Float64, false),
        Field::new("high_hz", DataType::Float64, false),
        Field::new("label", DataType::Utf8, false),
        Field::new("score", DataType::Float32, false),
        Field::new("clicks", DataType::UInt32, true),
        Field::new("interval_s", DataType::Float32, true),
    ];
    fields.extend(provenance_fields());
    let calls = || found.candidates.iter().map(|(_, candidate)| candidate);
    let label = |class: &usize| classes.get(*class).map_or("", |class| class.name.as_str());
    let mut columns: Vec<ArrayRef> = vec![
        times(calls().map(|c| c.start_ns), *dated),
        times(calls().map(|c| c.end_ns), *dated),
        Arc::new(Float64Array::from_iter_values(calls().map(|c| c.low_hz))),
        Arc::new(Float64Array::from_iter_values(calls().map(|c| c.high_hz))),
        Arc::new(StringArray::from_iter_values(found.candidates.iter().map(|(c, _)| label(c)))),
        Arc::new(Float32Array::from_iter_values(calls().map(|c| c.score))),
        Arc::new(UInt32Array::from_iter(calls().map(|c| c.train.map(|t| t.clicks)))),
        Arc::new(Float32Array::from_iter(calls().map(|c| c.train.map(|t| t.interval_s)))),
    ];
    columns.extend(provenance_columns(source, *channel, found.candidates.len()));
    let metadata = [(SOFTWARE, source.software.clone()), (PROBLEMS, problems.join("\n"))];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).into_iter().collect();
    RecordBatch::try_new(Arc::new(Schema::new_with_metadata(fields, metadata)), columns)
}

fn scores_batch(
    found: &Found,
    provenance: &Provenance<'_>,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let mut fields = vec![time_field("start", provenance.dated)];
    let name = |class: &DetectionClass| Field::new(&class.name, DataType::Float32, false);
    fields.extend(provenance.classes.iter().map(name));
    let said = &provenance.source;
    let metadata = [
        ("source", said.name.clone()),
        ("fingerprint", said.fingerprint.clone()),
        ("config_hash", said.config_hash.clone()),
        ("software", said.software.clone()),
    ];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).into_iter().collect();
    let schema: SchemaRef = Arc::new(Schema::new_with_metadata(fields, metadata));
    let mut columns = vec![times(found.scores.iter().map(|row| row.start_ns), provenance.dated)];
    for class in 0..provenance.classes.len() {
        let of_class = found.scores.iter();
        let of_class = of_class.map(|row| row.scores.get(class).copied().unwrap_or(f32::NAN));
        columns.push(Arc::new(Float32Array::from_iter_values(of_class)));
    }
    RecordBatch::try_new(schema, columns)
}

fn write(path: &Path, batch: &RecordBatch) -> std::io::Result<()> {
    // Two programs may make the same unit at once.
    let unfinished = path.with_extension(format!("unfinished-{}", std::process::id()));
    let written = File::create(&unfinished)
        .and_then(|file| write_table(BufWriter::new(file), batch))
        .and_then(|()| std::fs::rename(&unfinished, path));
    if written.is_err() {
        // What is left of it is of no use; that it may not be there is no second error.
        let _ = std::fs::remove_file(&unfinished);
    }
    written
}

fn read(path: &Path) -> std::io::Result<(SchemaRef, Vec<RecordBatch>)> {
    let file = File::open(path)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|_| damaged())?;
    let schema = builder.schema().clone();
    let reader = builder.with_batch_size(ROWS).build().map_err(|_| damaged())?;
    Ok((schema, reader.collect::<Result<_, _>>().map_err(|_| damaged())?))
}

fn column(batch: &RecordBatch, name: &str) -> std::io::Result<ArrayRef> {
    batch.column_by_name(name).cloned().ok_or_else(damaged)
}

fn nanos(column: &ArrayRef) -> std::io::Result<&TimestampNanosecondArray> {
    column.as_primitive_opt::<TimestampNanosecondType>().ok_or_else(damaged)
}

fn doubles(column: &ArrayRef) -> std::io::Result<&Float64Array> {
    column.as_primitive_opt::<Float64Type>().ok_or_else(damaged)
}

fn floats(column: &ArrayRef) -> std::io::Result<&Float32Array> {
    column.as_primitive_opt::<Float32Type>().ok_or_else(damaged)
}

fn damaged() -> Error {
    let message = "it is damaged: delete it, and it is made again";
    Error::new(ErrorKind::InvalidData, message)
}

/// What the writer says, with the system's own error where there is one.
fn of_disk(error: ParquetError) -> Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<Error>() {
            Ok(io) => *io,
            Err(inner) => Error::other(inner),
        },
        error => Error::other(error),
    }
}

fn other(error: arrow::error::ArrowError) -> Error {
    Error::other(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_and_scores_come_back_as_they_were_written_and_a_torn_file_is_told_of() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = UnitFiles::of(&folder.path().join("deep"), "key");
        let class = |name: &str| DetectionClass {
            name: name.into(),
            band_hz: (50.0, 400.0),
            keep_from: 0.1,
            threshold: 0.5,
        };
        let classes = [class("upcall"), class("gunshot")];
        let source = DetectionSource {
            name: "net".into(),
            is_model: true,
            adapter: Some("lora".into()),
            fingerprint: "f".into(),
            config_hash: "c".into(),
            software: "spyhop".into(),
        };
        let candidate = |start_ns, train| Candidate {
            start_ns,
            end_ns: start_ns + 5,
            low_hz: 60.25,
            high_hz: 200.0,
            score: 0.75,
            train,
        };
        let train = Some(Train { clicks: 7, interval_s: 0.125 });
        let found = Found {
            candidates: vec![(1, candidate(-3, None)), (0, candidate(i64::MAX - 9, train))],
            scores: vec![ScoreRow { start_ns: 1, scores: vec![0.5, f32::NAN] }],
        };
        for dated in [true, false] {
            let problems = ["a.wav ends early".to_owned(), "b.wav is damaged".to_owned()];
            let provenance = Provenance {
                source: &source,
                classes: &classes,
                channel: 2,
                dated,
                problems: &problems,
            };
            files.write(&found, &provenance).expect("written");
            assert!(files.are_there());
            let read = files.read_calls(&classes).expect("read");
            assert_eq!(
                (read.candidates, read.software),
                (found.candidates.clone(), "spyhop".into())
            );
            assert_eq!(read.problems, problems);
            let scores = files.read_scores().expect("read");
            assert_eq!((scores.len(), scores[0].start_ns, scores[0].scores[0]), (1, 1, 0.5));
            assert!(scores[0].scores[1].is_nan());
        }
        let bytes = std::fs::read(&files.calls).expect("read");
        std::fs::write(&files.calls, &bytes[..bytes.len() / 2]).expect("written");
        let error = files.read_calls(&classes).expect_err("torn").to_string();
        assert!(error.contains("delete it"), "{error}");
        std::fs::remove_file(&files.scores).expect("removed");
        assert!(!files.are_there());
    }
}
