//! Candidates as tables for other programs: Parquet, the project's CSV, Raven selection tables.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt32Array,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use spyhop_api::detection::{DetectedCall, DetectionSource, Review, Verdict};
use spyhop_api::time::NANOS_PER_S;
use spyhop_api::{Annotation, Moment, RecordingInfo};
use spyhop_signal::Line;
use spyhop_signal::tables::{
    CSV_CALL_COLUMNS, CallColumns, Layout, RAVEN_CALL_COLUMNS, Sequence, found_words, write_csv,
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
        let start_ns = match call.start {
            Moment::Clock(time) => time.0,
            Moment::Elapsed(ns) => ns,
        };
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

    /// What it is: what somebody says where it is something else, else what it was found as.
    fn label(&self) -> &str {
        match &self.review {
            Some(review) if review.verdict == Verdict::Relabelled => &review.label,
            _ => &self.class,
        }
    }

    /// What is said of it, where something is.
    fn said(&self) -> Option<&Review> {
        self.review.as_ref().filter(|review| review.verdict != Verdict::Unreviewed)
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
        let annotation = |(index, row): (usize, &Row)| {
            let number = |value: Option<String>| value.unwrap_or_default();
            let said = row.said();
            let values = [
                row.score.to_string(),
                self.source.name.clone(),
                self.source.adapter.clone().unwrap_or_default(),
                row.class.clone(),
                number(row.clicks.map(|clicks| clicks.to_string())),
                number(row.interval_s.map(|s| s.to_string())),
                said.map_or("", |review| review.verdict.name()).to_owned(),
                said.map_or("", |review| &review.author).to_owned(),
                said.and_then(|review| review.at).map_or_else(String::new, |at| at.to_iso()),
                self.source.fingerprint.clone(),
                self.source.config_hash.clone(),
                row.software.clone(),
                found_words(row.is_lost).to_owned(),
            ];
            let extra = columns.iter().map(|column| (*column).to_owned()).zip(values);
            Annotation {
                id: index as u64 + 1,
                start_ns: row.start_ns.saturating_sub(origin_ns),
                end_ns: row.end_ns.saturating_sub(origin_ns),
                low_hz: Some(row.low_hz),
                high_hz: Some(row.high_hz),
                channel: self.channel,
                label: row.label().to_owned(),
                note: row.said().map_or("", |review| &review.note).to_owned(),
                extra: extra.collect(),
            }
        };
        self.rows.iter().enumerate().map(annotation).collect()
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
        let said = |of: fn(&Review) -> &str| move |row: &Row| row.said().map_or("", of).to_owned();
        let at = rows.iter().map(|row| row.said().and_then(|review| review.at).map(|at| at.0));
        let mut columns: Vec<ArrayRef> = vec![
            times(rows.iter().map(|row| row.start_ns), dated),
            times(rows.iter().map(|row| row.end_ns), dated),
            Arc::new(StringArray::from_iter_values(files)),
            Arc::new(Float64Array::from_iter_values(offsets)),
            numbers(&|row| row.low_hz),
            numbers(&|row| row.high_hz),
            texts(&|row| row.label().to_owned()),
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
