//! Tables as CSV.

use std::fs::File;
use std::io::{BufWriter, Write};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Schema, TimeUnit, TimestampNanosecondType, UInt32Type,
};
use spyhop_api::Timestamp;

use super::table::{Take, schema};
use super::{Heading, Product};

/// Levels to a thousandth of a decibel.
const LEVEL_DECIMALS: f32 = 1000.0;

/// Writes the batches that `give` gives: one header row, times in ISO 8601 UTC, no data as an empty cell.
///
/// # Errors
/// When the disk says no, or `give` fails.
pub fn write(
    mut file: BufWriter<File>,
    product: &Product,
    heading: &Heading,
    give: impl FnOnce(&mut Take<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    header(&mut file, &schema(product, heading))?;
    give(&mut |batch| Ok(rows(&mut file, &batch)?))?;
    file.flush()?;
    Ok(())
}

fn header(out: &mut impl Write, schema: &Schema) -> std::io::Result<()> {
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    writeln!(out, "{}", names.join(","))
}

fn rows(out: &mut impl Write, batch: &RecordBatch) -> std::io::Result<()> {
    for row in 0..batch.num_rows() {
        for (index, column) in batch.columns().iter().enumerate() {
            if index > 0 {
                out.write_all(b",")?;
            }
            cell(out, column, row)?;
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn cell(out: &mut impl Write, column: &dyn Array, row: usize) -> std::io::Result<()> {
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let time = Timestamp(column.as_primitive::<TimestampNanosecondType>().value(row));
            write!(out, "{time}")
        }
        DataType::Float32 => match column.as_primitive::<Float32Type>().value(row) {
            level if level.is_nan() => Ok(()),
            level if level.is_infinite() => write!(out, "{level}"),
            level => write!(out, "{}", (level * LEVEL_DECIMALS).round() / LEVEL_DECIMALS),
        },
        DataType::Float64 => write!(out, "{}", column.as_primitive::<Float64Type>().value(row)),
        DataType::UInt32 => write!(out, "{}", column.as_primitive::<UInt32Type>().value(row)),
        DataType::Boolean => write!(out, "{}", column.as_boolean().value(row)),
        // No text here holds a comma or a quote.
        _ => write!(out, "{}", column.as_string::<i32>().value(row)),
    }
}
