//! The arrays of a product's store, in Zarr's words.

use std::sync::Arc;

use serde_json::{Value, json};
use spyhop_api::Band;
use zarrs::array::codec::ZstdCodec;
use zarrs::array::{ArrayBuilder, data_type};

use super::heading::Variable;
use crate::pyramid::arrays::object;

/// zstd's own middle.
const ZSTD_LEVEL: i32 = 3;
/// What no level is.
pub const GAP: i16 = i16::MIN;
/// Levels that are stored as whole numbers are so many of this.
pub const STEP_DB: f64 = 0.01;

/// Levels as floating point numbers; NaN is no data.
pub fn levels(
    shape: Vec<u64>,
    chunk: Vec<u64>,
    dimensions: &[&str],
    variable: &Variable,
) -> ArrayBuilder {
    let mut builder = ArrayBuilder::new(shape, chunk, data_type::float32(), f32::NAN);
    finish(&mut builder, dimensions, level_attributes(dimensions, variable));
    builder
}

/// Levels in hundredths of a decibel, an eighth of the size: enough for pictures of months.
pub fn stepped_levels(
    shape: Vec<u64>,
    chunk: Vec<u64>,
    dimensions: &[&str],
    variable: &Variable,
) -> ArrayBuilder {
    let mut attributes = level_attributes(dimensions, variable);
    attributes["scale_factor"] = STEP_DB.into();
    attributes["add_offset"] = 0.0.into();
    attributes["_FillValue"] = GAP.into();
    let mut builder = ArrayBuilder::new(shape, chunk, data_type::int16(), GAP);
    finish(&mut builder, dimensions, attributes);
    builder
}

/// Levels as [`stepped_levels`] has them.
pub fn steps(levels_db: &[f32]) -> Vec<i16> {
    let step = |level: &f32| match f64::from(*level) / STEP_DB {
        steps if steps.is_nan() => GAP,
        // Digital silence is the lowest level there is.
        steps => steps.round().clamp(f64::from(GAP + 1), f64::from(i16::MAX)) as i16,
    };
    levels_db.iter().map(step).collect()
}

/// Numbers of any kind along one dimension, in one or more chunks.
pub fn numbers(length: u64, chunk: u64, dimension: &str, attributes: Value) -> ArrayBuilder {
    let mut builder = ArrayBuilder::new(vec![length], [chunk], data_type::float64(), f64::NAN);
    finish(&mut builder, &[dimension], attributes);
    builder
}

/// Whole numbers along one dimension, 0 where nothing is written.
pub fn counts(length: u64, chunk: u64, dimension: &str, attributes: Value) -> ArrayBuilder {
    let mut builder = ArrayBuilder::new(vec![length], [chunk], data_type::uint32(), 0u32);
    finish(&mut builder, &[dimension], attributes);
    builder
}

/// Flags along one dimension, 0 where nothing is written.
pub fn flags(length: u64, chunk: u64, dimension: &str, attributes: Value) -> ArrayBuilder {
    let mut builder = ArrayBuilder::new(vec![length], [chunk], data_type::uint8(), 0u8);
    finish(&mut builder, &[dimension], attributes);
    builder
}

/// Times in nanoseconds: of the clock, or since the first sample.
pub fn times(
    length: u64,
    chunk: u64,
    dimension: &str,
    dated: bool,
    long_name: &str,
) -> ArrayBuilder {
    let attributes = if dated {
        json!({
            "long_name": long_name,
            "standard_name": "time",
            "units": "nanoseconds since 1970-01-01",
            "calendar": "proleptic_gregorian",
        })
    } else {
        // What xarray writes for differences of time, and reads them by.
        let since = format!("{long_name}, since the first sample");
        json!({ "long_name": since, "units": "nanoseconds", "dtype": "timedelta64[ns]" })
    };
    let mut builder = ArrayBuilder::new(vec![length], [chunk], data_type::int64(), i64::MIN);
    finish(&mut builder, &[dimension], attributes);
    builder
}

/// The coordinates of bands, with their numbers.
pub fn band_coordinates(bands: &[Band]) -> Vec<(&'static str, ArrayBuilder, Vec<f64>)> {
    let of = |name, long_name: &str, value: &dyn Fn(&Band) -> f64| {
        let count = bands.len() as u64;
        let attributes = json!({ "long_name": long_name, "units": "Hz" });
        (
            name,
            numbers(count, count.max(1), "frequency", attributes),
            bands.iter().map(value).collect(),
        )
    };
    vec![
        of("frequency", "centre of the band", &|b| b.centre_hz),
        of("frequency_low", "lower edge of the band", &|b| b.low_hz),
        of("frequency_high", "upper edge of the band", &|b| b.high_hz),
    ]
}

fn level_attributes(dimensions: &[&str], variable: &Variable) -> Value {
    let mut attributes = json!({ "long_name": variable.long_name, "units": variable.unit });
    if dimensions.contains(&"frequency") {
        // What has a dimension's own name is a coordinate by that; others are named.
        attributes["coordinates"] = "frequency_low frequency_high".into();
    }
    attributes
}

fn finish(builder: &mut ArrayBuilder, dimensions: &[&str], attributes: Value) {
    builder
        .bytes_to_bytes_codecs(vec![Arc::new(ZstdCodec::new(ZSTD_LEVEL, true))])
        .dimension_names(Some(dimensions.iter().copied()))
        .attributes(object(attributes));
}
