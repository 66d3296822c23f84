//! A product as a table: batches of rows for Parquet and CSV.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt32Array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use spyhop_api::time::NANOS_PER_S;
use spyhop_signal::levels::{LevelDistribution, PERCENTILES, ProbabilityDensity};

use super::distribution::{self, STEP_TENTHS, Span};
use super::heading::Heading;
use super::product::Product;
use super::rows::Rows;

/// What takes batches in.
pub type Take<'a> = dyn FnMut(RecordBatch) -> anyhow::Result<()> + 'a;

/// The columns of a product's table; what stands beside the numbers is its metadata.
pub fn schema(product: &Product, heading: &Heading) -> SchemaRef {
    let level = |name: String| Field::new(name, DataType::Float32, true);
    let mut fields = match product {
        Product::Percentiles(_) | Product::Probability(_) => vec![
            Field::new("span", DataType::Utf8, false),
            time_field(heading.dated),
            Field::new("minutes", DataType::UInt32, false),
            Field::new("frequency (Hz)", DataType::Float64, false),
        ],
        _ => vec![
            time_field(heading.dated),
            Field::new("recorded_s", DataType::Float32, false),
            Field::new("short", DataType::Boolean, false),
        ],
    };
    match product {
        Product::Percentiles(_) => fields.extend(heading.percentile_names().into_iter().map(level)),
        Product::Probability(_) => fields.extend([
            Field::new("from (dB)", DataType::Float64, false),
            Field::new("to (dB)", DataType::Float64, false),
            Field::new("probability density (1/dB)", DataType::Float64, false),
        ]),
        _ => fields.extend(heading.column_names(product).into_iter().map(level)),
    }
    let text =
        |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let said = heading.attributes.iter().map(|(name, value)| (name.clone(), text(value)));
    Arc::new(Schema::new_with_metadata(fields, said.collect()))
}

/// Gives a product's rows in batches: those of one unit, or of one day, at a time.
///
/// # Errors
/// When a unit's file can't be read, or `take` fails.
pub fn batches(
    product: &Product,
    heading: &Heading,
    schema: &SchemaRef,
    files: &[PathBuf],
    take: &mut Take<'_>,
) -> anyhow::Result<()> {
    match product {
        Product::Percentiles(_) | Product::Probability(_) => {
            statistics(product, heading, schema, files, take)
        }
        _ => {
            for file in files {
                let rows = read(file)?;
                if rows.len() > 0 {
                    take(levels(heading, schema, &rows)?)?;
                }
            }
            Ok(())
        }
    }
}

/// Reads the rows of a unit.
///
/// # Errors
/// Names the file.
pub fn read(file: &Path) -> anyhow::Result<Rows> {
    Rows::read(file).with_context(|| file.display().to_string())
}

fn time_field(dated: bool) -> Field {
    if dated {
        let utc = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        Field::new("time", utc, false)
    } else {
        Field::new("elapsed_s", DataType::Float64, false)
    }
}

fn times(dated: bool, start_ns: Vec<i64>) -> ArrayRef {
    if dated {
        Arc::new(TimestampNanosecondArray::from(start_ns).with_timezone("UTC"))
    } else {
        let seconds = start_ns.iter().map(|ns| *ns as f64 / NANOS_PER_S as f64);
        Arc::new(Float64Array::from_iter_values(seconds))
    }
}

fn levels(heading: &Heading, schema: &SchemaRef, rows: &Rows) -> anyhow::Result<RecordBatch> {
    let mut columns: Vec<ArrayRef> = vec![
        times(heading.dated, rows.start_ns.clone()),
        Arc::new(Float32Array::from(rows.recorded_s.clone())),
        Arc::new(BooleanArray::from(rows.short.clone())),
    ];
    for column in 0..rows.columns {
        let of_column = rows.levels_db.iter().skip(column).step_by(rows.columns);
        columns.push(Arc::new(Float32Array::from_iter_values(of_column.copied())));
    }
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}

fn statistics(
    product: &Product,
    heading: &Heading,
    schema: &SchemaRef,
    files: &[PathBuf],
    take: &mut Take<'_>,
) -> anyhow::Result<()> {
    let bands = heading.bands().len();
    let whole = distribution::whole(files, bands)?;
    let density = matches!(product, Product::Probability(_))
        .then(|| whole.counted.probability_density(STEP_TENTHS));
    for file in files {
        let rows = read(file)?;
        let Some(span) = distribution::span_of(&rows) else { continue };
        take(match &density {
            Some(density) => {
                let day = distribution::day_density(&rows, density);
                probabilities(heading, schema, "day", &span, density, &day)?
            }
            None => {
                let day = distribution::day_percentiles(&rows);
                percentiles(heading, schema, "day", &span, &day)?
            }
        })?;
    }
    take(match &density {
        Some(density) => {
            probabilities(heading, schema, "whole", &whole.span, density, &density.density)?
        }
        None => percentiles(heading, schema, "whole", &whole.span, &of_whole(&whole.counted))?,
    })
}

fn of_whole(counted: &LevelDistribution) -> Vec<f64> {
    counted.percentiles(&PERCENTILES)
}

fn percentiles(
    heading: &Heading,
    schema: &SchemaRef,
    name: &str,
    span: &Span,
    levels_db: &[f64],
) -> anyhow::Result<RecordBatch> {
    let bands = heading.bands();
    let mut columns = span_columns(heading, name, span, bands.len());
    columns.push(Arc::new(Float64Array::from_iter_values(bands.iter().map(|b| b.centre_hz))));
    for percentile in 0..PERCENTILES.len() {
        let of_it = levels_db.iter().skip(percentile).step_by(PERCENTILES.len());
        columns.push(Arc::new(Float32Array::from_iter_values(of_it.map(|level| *level as f32))));
    }
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}

/// Steps that never occurred have no row.
fn probabilities(
    heading: &Heading,
    schema: &SchemaRef,
    name: &str,
    span: &Span,
    of: &ProbabilityDensity,
    density: &[f32],
) -> anyhow::Result<RecordBatch> {
    let steps = of.edges_db.len().saturating_sub(1).max(1);
    let bands = heading.bands();
    let occurred: Vec<usize> = (0..density.len()).filter(|at| density[*at] > 0.0).collect();
    let column = |value: &dyn Fn(usize) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(occurred.iter().map(|at| value(*at))))
    };
    let mut columns = span_columns(heading, name, span, occurred.len());
    columns.push(column(&|at| bands[at / steps].centre_hz));
    columns.push(column(&|at| of.edges_db[at % steps]));
    columns.push(column(&|at| of.edges_db[at % steps + 1]));
    columns.push(column(&|at| f64::from(density[at])));
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}

fn span_columns(heading: &Heading, name: &str, span: &Span, rows: usize) -> Vec<ArrayRef> {
    vec![
        Arc::new(StringArray::from_iter_values(std::iter::repeat_n(name, rows))),
        times(heading.dated, vec![span.start_ns; rows]),
        Arc::new(UInt32Array::from_value(span.minutes, rows)),
    ]
}
