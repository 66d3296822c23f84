//! Candidates as tables for other programs: Parquet, the project's CSV, Raven selection tables.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt32Array,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use spyhop_api::detection::{DetectedCall, DetectionSource, Review};
use spyhop_api::time::NANOS_PER_S;
use spyhop_api::{Annotation, RecordingInfo};
use spyhop_signal::Line;
use spyhop_signal::tables::{
    CSV_CALL_COLUMNS, CallColumns, CallRow, Layout, RAVEN_CALL_COLUMNS, Sequence, write_csv,
    write_raven,
};

use super::unit_files::{provenance_columns, provenance_fields, time_field, times, write_table};

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// The project's CSV.
    Csv,
    /// A Raven selection table.
    Raven,
}

impl Format {
    /// By the ending of a name; `None` where it is none of these.
    pub fn of(out: &Path) -> Option<Format> {
        Format::from_name(&out.extension()?.to_str()?.to_ascii_lowercase())
    }

    /// By its ending.
    pub fn from_name(name: &str) -> Option<Format> {
        match name {
            "parquet" => Some(Format::Parquet),
            "csv" => Some(Format::Csv),
            "txt" => Some(Format::Raven),
            _ => None,
        }
    }

    /// The media type.
    pub fn mime_type(self) -> &'static str {
        match self {
            Format::Parquet => "application/vnd.apache.parquet",
            Format::Csv => "text/csv; charset=utf-8",
            Format::Raven => "text/tab-separated-values; charset=utf-8",
        }
    }
}

/// A candidate as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it was found as.
    pub class: String,
    pub start_ns: i64,
    pub end_ns: i64,
    pub low_hz: f64,
    pub high_hz: f64,
    pub score: f32,
    pub clicks: Option<u32>,
    pub interval_s: Option<f32>,
    /// The program that made it.
    pub software: String,
    /// Whether it is not found any more.
    pub is_lost: bool,
    /// What is said of it, where somebody could.
    pub review: Option<Review>,
}

impl Row {
    /// Of a candidate of the store.
    pub fn of(call: DetectedCall, software: &str) -> Row {
        let start_ns = call.start.nanos();
        Row {
            class: call.class,
            start_ns,
            end_ns: start_ns.saturating_add(call.span_ns),
            low_hz: call.low_hz,
            high_hz: call.high_hz,
            score: call.score,
            clicks: call.clicks,
            interval_s: call.interval_s,
            software: software.to_owned(),
            is_lost: call.is_lost,
            review: Some(call.review),
        }
    }

    /// As tables tell of it.
    fn told(&self, id: u64) -> CallRow<'_> {
        CallRow {
            id,
            class: &self.class,
            start_ns: self.start_ns,
            end_ns: self.end_ns,
            low_hz: self.low_hz,
            high_hz: self.high_hz,
            score: self.score,
            clicks: self.clicks,
            interval_s: self.interval_s,
            software: &self.software,
            is_lost: self.is_lost,
            review: self.review.as_ref(),
        }
    }
}

/// Candidates of a run.
pub struct Table<'a> {
    pub rows: &'a [Row],
    pub source: &'a DetectionSource,
    pub channel: u32,
    /// The recordings that they were found in.
    pub infos: &'a [RecordingInfo],
}

impl Table<'_> {
    /// Writes it.
    ///
    /// # Errors
    /// When the disk says no, or there is no recording.
    pub fn write(&self, format: Format, mut to: impl Write + Send) -> anyhow::Result<()> {
        let (line, _) = Line::new(self.infos)?;
        let sequence = Sequence::new(&line, self.infos);
        let origin_ns = line.origin.map_or(0, |origin| origin.0);
        let text = match format {
            Format::Parquet => {
                let batch = self.batch(&sequence, origin_ns, line.origin.is_some())?;
                return Ok(write_table(to, &batch)?);
            }
            Format::Csv => write_csv(&self.annotations(origin_ns, CSV_CALL_COLUMNS), &sequence),
            Format::Raven => {
                let annotations = self.annotations(origin_ns, RAVEN_CALL_COLUMNS);
                write_raven(&annotations, &sequence, &Layout::default())
            }
        };
        to.write_all(text.as_bytes())?;
        Ok(to.flush()?)
    }

    fn annotations(&self, origin_ns: i64, columns: CallColumns) -> Vec<Annotation> {
        let rows = (1..).zip(self.rows).map(|(id, row)| row.told(id));
        rows.map(|row| row.annotation(self.source, self.channel, origin_ns, columns)).collect()
    }

    fn batch(
        &self,
        sequence: &Sequence,
        origin_ns: i64,
        dated: bool,
    ) -> Result<RecordBatch, arrow::error::ArrowError> {
        let text = |name: &str| Field::new(name, DataType::Utf8, false);
        let number = |name: &str| Field::new(name, DataType::Float64, false);
        let reviewed_at = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        let mut fields = vec![
            time_field("start", dated),
            time_field("end", dated),
            text("file"),
            number("offset_s"),
            number("low_hz"),
            number("high_hz"),
            text("label"),
            text("class"),
            Field::new("score", DataType::Float32, false),
            Field::new("clicks", DataType::UInt32, true),
            Field::new("interval_s", DataType::Float32, true),
            text("verdict"),
            text("reviewed_by"),
            Field::new("reviewed_at", reviewed_at, true),
            text("note"),
        ];
        fields.extend(provenance_fields());
        fields.push(Field::new("found", DataType::Boolean, false));
        let rows = self.rows;
        let places: Vec<(&str, i64)> = rows
            .iter()
            .map(|row| sequence.file_at(row.start_ns.saturating_sub(origin_ns)).unwrap_or(("", 0)))
            .collect();
        let texts = |of: &dyn Fn(&Row) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(rows.iter().map(of)))
        };
        let numbers = |of: &dyn Fn(&Row) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(rows.iter().map(of)))
        };
        let files = places.iter().map(|(name, _)| name);
        let offsets = places.iter().map(|(_, ns)| *ns as f64 / NANOS_PER_S as f64);
        let said =
            |of: fn(&Review) -> &str| move |row: &Row| row.told(0).said().map_or("", of).to_owned();
        let at = rows.iter().map(|row| row.told(0).said().and_then(|r| r.at).map(|at| at.0));
        let mut columns: Vec<ArrayRef> = vec![
            times(rows.iter().map(|row| row.start_ns), dated),
            times(rows.iter().map(|row| row.end_ns), dated),
            Arc::new(StringArray::from_iter_values(files)),
            Arc::new(Float64Array::from_iter_values(offsets)),
            numbers(&|row| row.low_hz),
            numbers(&|row| row.high_hz),
            texts(&|row| row.told(0).label().to_owned()),
            texts(&|row| row.class.clone()),
            Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.score))),
            Arc::new(UInt32Array::from_iter(rows.iter().map(|row| row.clicks))),
            Arc::new(Float32Array::from_iter(rows.iter().map(|row| row.interval_s))),
            texts(&said(|review| review.verdict.name())),
            texts(&said(|review| &review.author)),
            Arc::new(TimestampNanosecondArray::from_iter(at).with_timezone("UTC")),
            texts(&said(|review| &review.note)),
        ];
        let mut provenance = provenance_columns(self.source, self.channel, rows.len());
        // Each row says which version of the program made it.
        provenance.pop();
        columns.extend(provenance);
        columns.push(texts(&|row| row.software.clone()));
        let found: BooleanArray = rows.iter().map(|row| Some(!row.is_lost)).collect();
        columns.push(Arc::new(found));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
    }
}
